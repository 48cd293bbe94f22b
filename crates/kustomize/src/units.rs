//! Parts of the engine by themselves, for conformance rows that go below whole builds.

mod filters;

use std::collections::BTreeMap;

use base64::Engine as _;
use kyaml::{Node, Text};
use serde_json::{Value, json};

use crate::decode::{self, Mode};
use crate::flux;
use crate::generator;
use crate::hash;
use crate::id::{Gvk, ResId, builtin_scope};
use crate::kustomization::{Image, Selector};
use crate::label_selector::LabelSelector;
use crate::repo_spec::RepoSpec;
use crate::selector::Matcher;
use crate::sort;
use crate::transform;

/// Checks one row of a file of rows. `None` if the file is about another crate.
///
/// # Errors
/// What was expected and what was found.
#[must_use]
pub fn check(file: &str, row: &Value) -> Option<Result<(), String>> {
    Some(match file {
        "cluster-scope-upstream" => scope(row),
        "flux-images-merge" => images_merge(row),
        "flux-local-relative-path" => equal(
            flux::is_local_relative_path(text(row, "input")),
            row["expected"] == true,
        ),
        "gvk-order" => gvk_order(row),
        "gvk-string" => equal(gvk(&row["input"]).to_string(), owned(row, "expectedStable")),
        "hash-encode" => hashed(row, hash::encoded),
        "hash-upstream" => hashed(row, hash::suffix),
        "hash" => generated_hash(row),
        "image-name" => image_name(row),
        "kv-lines" => kv_lines(row),
        "label-selector" => label_selector(row),
        "parse-file-source" => file_source(row),
        "refvar-expand" => expand(row),
        "repospec" => repo_spec(row),
        "selector-match" => selector_match(row),
        file => filters::check(file.strip_prefix("filter-")?, row)?,
    })
}

fn text<'a>(row: &'a Value, key: &str) -> &'a str {
    row[key].as_str().unwrap_or_default()
}

fn owned(row: &Value, key: &str) -> String {
    text(row, key).to_owned()
}

fn equal<T: PartialEq + std::fmt::Debug>(found: T, expected: T) -> Result<(), String> {
    if found == expected {
        return Ok(());
    }
    Err(format!("expected {expected:?}\n     found {found:?}"))
}

/// Compares a result with a row's `expected` or with the part of a message in its `error`.
fn outcome(row: &Value, found: Result<Value, String>) -> Result<(), String> {
    match (row.get("error").and_then(Value::as_str), found) {
        (Some(part), Err(error)) if error.contains(part) => Ok(()),
        (Some(part), found) => Err(format!(
            "expected an error with {part:?}\n     found {found:?}"
        )),
        (None, found) => equal(found, Ok(row["expected"].clone())),
    }
}

fn gvk(value: &Value) -> Gvk {
    Gvk {
        group: owned(value, "group"),
        version: owned(value, "version"),
        kind: owned(value, "kind"),
    }
}

fn read<T: decode::Decode>(value: &Value) -> Result<T, String> {
    decode::from_value(value, Mode::Lenient).map_err(|error| error.to_string())
}

fn scope(row: &Value) -> Result<(), String> {
    let gvk = gvk(&row["input"]);
    let found = builtin_scope(&gvk.api_version(), &gvk.kind) == Some(true);
    equal(found, row["expected"] == true)
}

fn images_merge(row: &Value) -> Result<(), String> {
    let mut images: Vec<Image> = read(&row["existing"])?;
    let added: Vec<Image> = read(&row["flux"])?;
    flux::merge_images(&mut images, &added);
    equal(images, read(&row["expected"])?)
}

fn gvk_order(row: &Value) -> Result<(), String> {
    let (less, than) = (gvk(&row["less"]), gvk(&row["than"]));
    equal(sort::kind_key(&less) < sort::kind_key(&than), true)
}

fn parse(text: &str) -> Result<Node, String> {
    match kyaml::parse(text) {
        Ok(Some(document)) => Ok(document.root),
        Ok(None) => Ok(Node::null()),
        Err(error) => Err(error.to_string()),
    }
}

fn hashed(row: &Value, hash: fn(&Node) -> Result<String, crate::Error>) -> Result<(), String> {
    let hash = |text: &str| {
        let node = parse(text)?;
        hash(&node)
            .map(Value::from)
            .map_err(|error| error.to_string())
    };
    // The rows have lost the line break that their texts begin with; where lines count, it matters.
    let input = text(row, "input");
    outcome(row, hash(input)).or_else(|_| outcome(row, hash(&format!("\n{input}"))))
}

/// The rows hold packed bytes without the line breaks that generators make.
fn generated_hash(row: &Value) -> Result<(), String> {
    let mut object = row.clone();
    let is_secret = row["kind"] == "Secret";
    for (field, packed) in [("data", is_secret), ("binaryData", true)] {
        let Some(data) = object[field].as_object_mut() else {
            continue;
        };
        for value in data.values_mut().filter(|_| packed) {
            let bytes = base64::engine::general_purpose::STANDARD
                .decode(value.as_str().unwrap_or_default())
                .map_err(|error| error.to_string())?;
            *value = Value::from(kyaml::wrapped_base64(&bytes));
        }
        if data.is_empty() && !is_secret {
            object[field].take();
        }
    }
    if let Some(object) = object.as_object_mut() {
        object.retain(|_, value| !value.is_null());
    }
    let found = hash::suffix(&Node::from_json(&object)).map_err(|error| error.to_string());
    outcome(row, found.map(Value::from))
}

fn image_name(row: &Value) -> Result<(), String> {
    let expected = &row["expected"];
    if let Some(name) = row["imageName"].as_str() {
        let image = Image {
            name: name.to_owned(),
            ..Image::default()
        };
        let images = transform::Images::new(image, Vec::new()).map_err(|e| e.to_string())?;
        return equal(images.fits(text(row, "input")), expected["matched"] == true);
    }
    let found = transform::split_image(text(row, "input"));
    let part = |key: &str| text(expected, key);
    equal(found, (part("name"), part("tag"), part("digest")))
}

fn kv_lines(row: &Value) -> Result<(), String> {
    let bytes = match row["inputBase64"].as_str() {
        Some(packed) => base64::engine::general_purpose::STANDARD
            .decode(packed)
            .map_err(|error| error.to_string())?,
        None => text(row, "input").as_bytes().to_vec(),
    };
    let found = generator::env_pairs(&bytes).map_err(|error| error.to_string());
    let found = found.map(|pairs| {
        let pair = |(key, value): &(String, Vec<u8>)| {
            json!({"key": key, "value": String::from_utf8_lossy(value)})
        };
        Value::Array(pairs.iter().map(pair).collect())
    });
    outcome(row, found)
}

fn label_selector(row: &Value) -> Result<(), String> {
    let field = match text(row, "kind") {
        "label" => "labels",
        _ => "annotations",
    };
    let labels: BTreeMap<Text, Text> = row["object"]["metadata"][field]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, value)| (key.into(), value.as_str().unwrap_or_default().into()))
        .collect();
    let selector = LabelSelector::parse(text(row, "selector"));
    let found = selector.map(|selector| Value::from(selector.matches(&labels)));
    outcome(row, found.map_err(|error| error.to_string()))
}

fn file_source(row: &Value) -> Result<(), String> {
    let found = generator::file_source(text(row, "input"));
    let found = found.map(|(key, path)| json!({"key": key, "path": path}));
    outcome(row, found.map_err(|error| error.to_string()))
}

fn expand(row: &Value) -> Result<(), String> {
    let (found, used) = transform::expand_text(text(row, "input"), &row["vars"]);
    equal(found, owned(row, "expected"))?;
    match row["counts"].as_object() {
        Some(counts) => equal(used, counts.keys().cloned().collect()),
        None => Ok(()),
    }
}

fn repo_spec(row: &Value) -> Result<(), String> {
    let found = RepoSpec::parse(text(row, "input")).map(|spec| {
        json!({
            "cloneSpec": spec.clone_url(),
            "host": spec.host,
            "kustRootPath": spec.directory,
            "ref": spec.reference,
            "repoPath": spec.repo_path,
            "submodules": spec.submodules,
            "timeoutSeconds": spec.timeout.as_secs_f64(),
        })
    });
    let mut row = row.clone();
    if let Some(seconds) = row["expected"]["timeoutSeconds"].as_f64() {
        row["expected"]["timeoutSeconds"] = Value::from(seconds);
    }
    outcome(&row, found.map_err(|error| error.to_string()))
}

fn selector_match(row: &Value) -> Result<(), String> {
    let selector: Selector = read(&row["selector"])?;
    let matcher = Matcher::new(&selector).map_err(|error| error.to_string())?;
    let found = match row["nameOrNamespace"].as_str() {
        None => matcher.fits_gvk(&gvk(&row["gvk"])),
        Some(value) => {
            let mut id = ResId::default();
            if text(row, "source").ends_with("Namespace") {
                value.clone_into(&mut id.namespace);
                id.name = selector.id.name;
            } else {
                value.clone_into(&mut id.name);
                id.namespace = selector.id.namespace;
            }
            matcher.fits_id(&id)
        }
    };
    equal(found, row["expected"] == true)
}
