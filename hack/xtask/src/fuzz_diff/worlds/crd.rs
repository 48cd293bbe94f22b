//! Large definitions of custom resources, as generators write them.

use serde_json::{Map, Value, json};

use super::super::rng::Rng;

const TEXTS: [&str; 8] = [
    "The reference to the object: it must be in the same namespace, unless `namespace` is set.",
    "List of sources of values. Values defined by a later source take precedence over earlier ones; keys not found are ignored. More info: https://example.com/docs#values",
    "A label key: \"app.kubernetes.io/name\" or 'app'.",
    "Deprecated: use newField instead.\n\nThis field is kept for\n  older clients   \nand will be removed.",
    "one line\n- a list\n- of things # not a comment\n",
    "Time in RFC 3339 form, e.g. 2020-01-01T00:00:00Z",
    "* starts with a star",
    "percent % and @ and `ticks`, [brackets], {braces} & ampersands!",
];

/// A definition of this kind.
pub(super) fn definition(rng: &mut Rng, kind: &str, group: &str) -> Value {
    let plural = format!("{}s", kind.to_lowercase());
    let versions: Vec<Value> = ["v1", "v1beta1"]
        .iter()
        .take(rng.between(1, 2))
        .enumerate()
        .map(|(at, version)| version_of(rng, version, at == 0))
        .collect();
    json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"annotations": {"controller-gen.kubebuilder.io/version": "v0.16.1"}, "creationTimestamp": null,
            "name": format!("{plural}.{group}")},
        "spec": {"group": group, "names": {"kind": kind, "listKind": format!("{kind}List"), "plural": plural,
            "singular": kind.to_lowercase(), "shortNames": ["x"]}, "scope": "Namespaced", "versions": versions},
        "status": {"acceptedNames": {"kind": "", "plural": ""}, "conditions": [], "storedVersions": []}})
}

fn version_of(rng: &mut Rng, name: &str, storage: bool) -> Value {
    json!({"name": name, "served": true, "storage": storage, "subresources": {"status": {}},
        "additionalPrinterColumns": [
            {"jsonPath": ".metadata.creationTimestamp", "name": "Age", "type": "date"},
            {"jsonPath": ".status.conditions[?(@.type==\"Ready\")].status", "name": "Ready", "type": "string"}],
        "schema": {"openAPIV3Schema": {"description": rng.text(&TEXTS), "type": "object", "properties": {
            "apiVersion": {"type": "string", "description": rng.text(&TEXTS)}, "kind": {"type": "string"}, "metadata": {"type": "object"},
            "spec": object(rng, 5), "status": object(rng, 2)}}}})
}

fn object(rng: &mut Rng, depth: usize) -> Value {
    const NAMES: [&str; 16] = [
        "name",
        "replicas",
        "template",
        "containers",
        "image",
        "selector",
        "ref",
        "values",
        "on",
        "default",
        "items",
        "x-y",
        "a1",
        "a10",
        "matchLabels",
        "enabled",
    ];
    let mut properties = Map::new();
    for _ in 0..rng.between(1, 5) {
        let name = rng.text(&NAMES);
        properties.insert(name, property(rng, depth));
    }
    let required: Vec<&String> = properties.keys().filter(|_| rng.chance(30)).collect();
    let mut object = json!({"type": "object", "properties": properties});
    if !required.is_empty() {
        object["required"] = json!(required);
    }
    object
}

fn property(rng: &mut Rng, depth: usize) -> Value {
    let mut property = match rng.below(if depth == 0 { 6 } else { 10 }) {
        0 => json!({"type": "string", "enum": ["", "On", "Off", "yes", "1", "~"]}),
        1 => {
            json!({"type": "integer", "format": "int32", "minimum": 0, "maximum": 2_147_483_647_u32, "default": 1})
        }
        2 => {
            json!({"type": "string", "pattern": "^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$", "maxLength": 253})
        }
        3 => {
            json!({"anyOf": [{"type": "integer"}, {"type": "string"}], "x-kubernetes-int-or-string": true,
            "pattern": "^(\\+|-)?(([0-9]+(\\.[0-9]*)?)|(\\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\\+|-)?(([0-9]+(\\.[0-9]*)?)|(\\.[0-9]+))))?$"})
        }
        4 => json!({"type": "boolean", "default": rng.chance(50)}),
        5 => json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true}),
        6 => json!({"type": "object", "additionalProperties": {"type": "string"}}),
        7 => {
            json!({"type": "array", "items": object(rng, depth - 1), "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]})
        }
        8 => {
            json!({"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "atomic"})
        }
        _ => object(rng, depth - 1),
    };
    if rng.chance(70) {
        property["description"] = Value::from(rng.text(&TEXTS));
    }
    property
}
