//! Each generated definition equals the one recorded from upstream.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::crd;

/// Where the recorded definitions lie; their README says what made them.
fn recorded_dir() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/conformance/crds")
}

fn recorded(name: &str) -> Value {
    let path = recorded_dir().join(format!("{name}.yaml"));
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    yaml_serde::from_str(&text).expect("recorded files are YAML")
}

/// A definition without what is ours to choose: texts, and who generated it.
fn comparable(mut manifest: Value) -> Value {
    let empty = match manifest["metadata"].get_mut("annotations") {
        Some(Value::Object(annotations)) => {
            // Says which Go generator wrote the file; ours is another.
            annotations.remove("controller-gen.kubebuilder.io/version");
            annotations.is_empty()
        }
        _ => false,
    };
    if empty && let Value::Object(metadata) = &mut manifest["metadata"] {
        metadata.remove("annotations");
    }
    let mut schema = manifest["spec"]["versions"][0]["schema"]["openAPIV3Schema"].take();
    strip_descriptions(&mut schema);
    manifest["spec"]["versions"][0]["schema"]["openAPIV3Schema"] = schema;
    manifest
}

/// Removes descriptions of schemas, but no property that happens to be called `description`.
fn strip_descriptions(schema: &mut Value) {
    let Value::Object(schema) = schema else {
        return;
    };
    schema.remove("description");
    for (key, value) in schema {
        match (key.as_str(), value) {
            ("properties", Value::Object(properties)) => {
                properties.values_mut().for_each(strip_descriptions)
            }
            ("items" | "additionalProperties", value) => strip_descriptions(value),
            _ => {}
        }
    }
}

/// Where two values differ, one line each: path, generated, recorded.
fn differences(path: &str, generated: &Value, recorded: &Value, found: &mut Vec<String>) {
    match (generated, recorded) {
        (Value::Object(a), Value::Object(b)) => {
            for key in a.keys().chain(b.keys().filter(|key| !a.contains_key(*key))) {
                let none = Value::from("(absent)");
                let path = format!("{path}.{key}");
                differences(
                    &path,
                    a.get(key).unwrap_or(&none),
                    b.get(key).unwrap_or(&none),
                    found,
                );
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (index, (a, b)) in a.iter().zip(b).enumerate() {
                differences(&format!("{path}[{index}]"), a, b, found);
            }
        }
        (a, b) if a == b => {}
        (a, b) => found.push(format!("{path}: generated {a}, recorded {b}")),
    }
}

#[test]
fn every_definition_equals_upstreams() {
    let mut found = Vec::new();
    for crd in crd::all() {
        let name = crd.name();
        differences(
            &name,
            &comparable(crd.manifest),
            &comparable(recorded(&name)),
            &mut found,
        );
    }
    assert!(
        found.is_empty(),
        "{} differences\n{}",
        found.len(),
        found.join("\n")
    );
}

#[test]
fn every_recorded_definition_is_generated() {
    let mut generated: Vec<_> = crd::all()
        .iter()
        .map(|crd| format!("{}.yaml", crd.name()))
        .collect();
    let mut recorded: Vec<_> = std::fs::read_dir(recorded_dir())
        .expect("the recorded definitions are part of the repository")
        .map(|entry| {
            entry
                .expect("readable")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .filter(|name| name.ends_with(".yaml"))
        .collect();
    generated.sort();
    recorded.sort();
    assert_eq!(generated, recorded);
}

/// Flux's variable substitution would read `${` in a definition that is installed through it.
#[test]
fn no_description_looks_like_a_variable() {
    for crd in crd::all() {
        assert!(!crd.manifest.to_string().contains("${"), "{}", crd.name());
    }
}

#[test]
fn every_schema_has_a_description() {
    for crd in crd::all() {
        let schema = &crd.manifest["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
        assert!(schema["description"].is_string(), "{}", crd.name());
        check_described(&crd.name(), schema);
    }
}

fn check_described(path: &str, schema: &Value) {
    if let Some(Value::Object(properties)) = schema.get("properties") {
        for (name, property) in properties {
            let path = format!("{path}.{name}");
            assert!(
                name == "metadata" || property["description"].is_string(),
                "{path} has no description"
            );
            check_described(&path, property);
        }
    }
    if let Some(items) = schema.get("items") {
        check_described(path, items);
    }
}

/// The comparison itself: one changed leaf of any sort is one difference.
#[test]
fn the_comparison_sees_every_change() {
    let mutations: [(&str, Value); 10] = [
        ("/spec/names/shortNames/0", json!("repo")),
        ("/spec/names/categories", json!(["all"])),
        ("/spec/scope", json!("Cluster")),
        ("/spec/versions/0/subresources", json!({})),
        (
            "/spec/versions/0/additionalPrinterColumns/0/jsonPath",
            json!(".spec.uri"),
        ),
        (
            "/spec/versions/0/schema/openAPIV3Schema/properties/spec/required",
            json!(["interval"]),
        ),
        (
            "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/timeout/default",
            json!("1m"),
        ),
        (
            "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/url/pattern",
            json!("^.*$"),
        ),
        (
            "/spec/versions/0/schema/openAPIV3Schema/properties/spec/x-kubernetes-validations/0/rule",
            json!("true"),
        ),
        (
            "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/provider/enum/1",
            json!("gcp"),
        ),
    ];
    let recorded = comparable(recorded("gitrepositories.source.toolkit.fluxcd.io"));
    for (pointer, value) in mutations {
        let mut changed = recorded.clone();
        *changed.pointer_mut(pointer).expect(pointer) = value;
        let mut found = Vec::new();
        differences("", &changed, &recorded, &mut found);
        assert!(!found.is_empty(), "{pointer} changed unnoticed");
    }
}
