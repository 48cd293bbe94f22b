//! Fields that other tools set on objects that are managed now, and the patch that takes them over.
//!
//! Source: fluxcd/pkg `ssa/patch.go`, `ssa/manager_apply.go`, kustomize-controller v1.9 `--override-manager`

use serde_json::{Map, Value, json};

use crate::object::Object;
use crate::owned;

/// Annotations of older tools.
const ANNOTATIONS: &[&str] = &[
    "kubectl.kubernetes.io/last-applied-configuration",
    "kustomize.toolkit.fluxcd.io/checksum",
    "fluxcd.io/sync-checksum",
];
/// Labels of older tools.
const LABELS: &[&str] = &["fluxcd.io/sync-gc-mark"];

/// Another manager of fields, by the start of its name, and how it wrote them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Manager {
    name: String,
    operation: &'static str,
}

/// Our own field manager, and those whose fields are taken over.
#[derive(Debug, Clone)]
pub struct FieldManagers {
    own: String,
    others: Vec<Manager>,
}

impl FieldManagers {
    /// `own`; taken over are kubectl's fields, our own from before server-side apply, and those of the managers whose
    /// names start with one of `overridden`.
    #[must_use]
    pub fn new(own: &str, overridden: &[String]) -> Self {
        let fixed = [
            ("kubectl", "Apply"),
            ("kubectl", "Update"),
            ("before-first-apply", "Update"),
            (own, "Update"),
        ];
        let listed = overridden
            .iter()
            .flat_map(|name| [(name.as_str(), "Apply"), (name.as_str(), "Update")]);
        let manager = |(name, operation): (&str, &'static str)| Manager {
            name: name.to_owned(),
            operation,
        };
        Self {
            own: own.to_owned(),
            others: fixed.into_iter().chain(listed).map(manager).collect(),
        }
    }

    /// The name of our own.
    #[must_use]
    pub fn own(&self) -> &str {
        &self.own
    }

    /// Who owns fields of `object` that were ours, by `fields`, and are no longer: the name of the manager and the
    /// subresource that it wrote through. `None` if nobody does.
    #[must_use]
    pub fn taken_by<'a>(&self, object: &'a Object, fields: &str) -> Option<(&'a str, &'a str)> {
        owned::taken_by(object, &self.own, fields)
    }

    /// Whether there may be something to take over.
    pub(crate) fn needs_takeover(&self, live: &Object) -> bool {
        ANNOTATIONS.iter().any(|key| live.annotation(key).is_some())
            || LABELS.iter().any(|key| live.label(key).is_some())
            || entries(live).is_some_and(|entries| entries.iter().any(|entry| self.is_taken(entry)))
    }

    fn is_own(&self, entry: &Value) -> bool {
        text(entry, "manager") == self.own
            && text(entry, "operation") == "Apply"
            && text(entry, "subresource").is_empty()
    }

    fn is_taken(&self, entry: &Value) -> bool {
        text(entry, "subresource").is_empty()
            && !self.is_own(entry)
            && self.others.iter().any(|manager| {
                text(entry, "operation") == manager.operation
                    && text(entry, "manager").starts_with(&manager.name)
            })
    }
}

/// The JSON patch that makes the fields of `managers` ours, and removes what older tools left; the apply after it
/// then removes fields that are not wanted. None if there is nothing to take over.
///
/// It fails on the server if the object has changed since `live` was read.
pub(crate) fn patch(live: &Object, desired: &Object, managers: &FieldManagers) -> Option<Value> {
    let mut operations = Vec::new();
    for (map, keys) in [("annotations", ANNOTATIONS), ("labels", LABELS)] {
        for key in keys {
            let has = |object: &Object| match map {
                "labels" => object.label(key).is_some(),
                _ => object.annotation(key).is_some(),
            };
            if has(live) && !has(desired) {
                let path = format!(
                    "/metadata/{map}/{}",
                    key.replace('~', "~0").replace('/', "~1")
                );
                operations.push(json!({"op": "remove", "path": path}));
            }
        }
    }
    if let Some(entries) = merged(live, managers) {
        operations
            .push(json!({"op": "replace", "path": "/metadata/managedFields", "value": entries}));
    }
    if operations.is_empty() {
        return None;
    }
    let version = live.resource_version();
    operations
        .push(json!({"op": "replace", "path": "/metadata/resourceVersion", "value": version}));
    Some(Value::Array(operations))
}

fn entries(live: &Object) -> Option<&Vec<Value>> {
    let entries = live.value().pointer("/metadata/managedFields")?;
    entries.as_array()
}

/// The entries of `metadata.managedFields` with those of `managers` merged into our own. None if there are none.
fn merged(live: &Object, managers: &FieldManagers) -> Option<Vec<Value>> {
    let entries = entries(live)?;
    let theirs: Vec<&Value> = entries
        .iter()
        .filter(|entry| managers.is_taken(entry))
        .collect();
    let first = theirs.first()?;
    let mut ours = entries
        .iter()
        .find(|entry| managers.is_own(entry))
        .cloned()
        .unwrap_or_else(|| {
            json!({
                "manager": managers.own, "operation": "Apply", "apiVersion": first["apiVersion"],
                "fieldsType": "FieldsV1", "fieldsV1": {}, "time": first["time"],
            })
        });
    for entry in &theirs {
        union(&mut ours["fieldsV1"], &entry["fieldsV1"]);
    }
    let mut kept: Vec<Value> = entries
        .iter()
        .filter(|entry| !managers.is_own(entry) && !managers.is_taken(entry))
        .cloned()
        .collect();
    kept.push(ours);
    Some(kept)
}

fn text<'a>(entry: &'a Value, field: &str) -> &'a str {
    entry[field].as_str().unwrap_or_default()
}

/// Adds the field paths of `other` to `fields`. The server bounds their depth, as it does the objects'.
fn union(fields: &mut Value, other: &Value) {
    let Some(other) = other.as_object() else {
        return;
    };
    if !fields.is_object() {
        *fields = Value::Object(Map::new());
    }
    let Some(fields) = fields.as_object_mut() else {
        return;
    };
    for (key, below) in other {
        let known = fields
            .entry(key)
            .or_insert_with(|| Value::Object(Map::new()));
        union(known, below);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = "kustomize-controller";

    fn object(metadata: Value) -> Object {
        let mut metadata = metadata;
        metadata["name"] = "c".into();
        metadata["resourceVersion"] = "7".into();
        let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata});
        Object::new(object).expect("an object")
    }

    fn entry(manager: &str, operation: &str, fields: &Value) -> Value {
        json!({"manager": manager, "operation": operation, "apiVersion": "v1", "fieldsType": "FieldsV1",
            "time": "t", "fieldsV1": fields})
    }

    fn check(live: &Value, overridden: &[&str], expected: Option<Value>) {
        let overridden: Vec<String> = overridden.iter().map(|&name| name.to_owned()).collect();
        let managers = FieldManagers::new(OWN, &overridden);
        let live = object(live.clone());
        let patch = patch(&live, &object(json!({})), &managers);
        assert_eq!(managers.needs_takeover(&live), patch.is_some());
        assert_eq!(patch, expected, "{:?}", live.value());
    }

    fn version() -> Value {
        json!({"op": "replace", "path": "/metadata/resourceVersion", "value": "7"})
    }

    #[test]
    fn nothing_to_take_over_is_no_patch() {
        let ours = entry(OWN, "Apply", &json!({"f:data": {}}));
        check(&json!({"managedFields": [ours]}), &[], None);
        let theirs = entry("helm", "Update", &json!({"f:data": {}}));
        check(&json!({"managedFields": [theirs]}), &[], None);
        check(&json!({}), &[], None);
    }

    #[test]
    fn fields_of_kubectl_and_listed_managers_become_ours() {
        let fields = |key: &str| json!({"f:data": {key: {}}});
        let all = [
            entry("kubectl-edit", "Update", &fields("f:a")),
            entry(OWN, "Apply", &fields("f:b")),
            entry("helm", "Update", &fields("f:c")),
            entry("other", "Update", &fields("f:d")),
        ];
        let ours = entry(
            OWN,
            "Apply",
            &json!({"f:data": {"f:a": {}, "f:b": {}, "f:c": {}}}),
        );
        let value = json!([all[3], ours]);
        let replace = json!({"op": "replace", "path": "/metadata/managedFields", "value": value});
        check(
            &json!({"managedFields": all}),
            &["helm"],
            Some(json!([replace, version()])),
        );
    }

    #[test]
    fn fields_written_through_a_subresource_stay_with_their_manager() {
        let mut scale = entry("kubectl", "Update", &json!({"f:spec": {"f:replicas": {}}}));
        scale["subresource"] = "scale".into();
        check(&json!({"managedFields": [scale]}), &[], None);
    }

    #[test]
    fn traces_of_older_tools_are_removed() {
        let annotation = "kubectl.kubernetes.io/last-applied-configuration";
        let remove = |path: &str| json!({"op": "remove", "path": path});
        check(
            &json!({"annotations": {annotation: "x", "keep": "y"}, "labels": {"fluxcd.io/sync-gc-mark": "x"}}),
            &[],
            Some(json!([
                remove("/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration"),
                remove("/metadata/labels/fluxcd.io~1sync-gc-mark"),
                version(),
            ])),
        );
    }
}
