//! From what a build printed to what is applied.
//!
//! Source: kustomize-controller v1.9 `internal/controller/kustomization_controller.go` (`apply`)

use std::collections::BTreeMap;

use weir_api::meta::{CommonMetadata, annotation, label};

use crate::normalize::normalize;
use crate::object::{Object, ObjectRef};

/// Set on a Secret that is to be applied although it is encrypted.
const DECRYPT: &str = "kustomize.toolkit.fluxcd.io/decrypt";

/// The Kustomization that objects belong to, as their labels say.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Owner {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl Owner {
    /// The owner `namespace`/`name`.
    #[must_use]
    pub fn new(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            namespace: namespace.into(),
            name: name.into(),
        }
    }

    /// Whether the labels of `object` name this owner.
    #[must_use]
    pub fn owns(&self, object: &Object) -> bool {
        object.label(label::KUSTOMIZE_NAME) == Some(&self.name)
            && object.label(label::KUSTOMIZE_NAMESPACE) == Some(&self.namespace)
    }

    /// Labels `object` as owned.
    pub fn mark(&self, object: &mut Object) {
        let labels = [
            (label::KUSTOMIZE_NAME, self.name.as_str()),
            (label::KUSTOMIZE_NAMESPACE, self.namespace.as_str()),
        ];
        object.set_metadata("labels", labels);
    }
}

/// Why objects may not be applied at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PrepareError {
    /// A Secret is still encrypted.
    #[error(
        "{0} is SOPS encrypted, configuring decryption is required for this secret to be reconciled"
    )]
    Encrypted(ObjectRef),
}

/// Brings `objects` into the form that is applied: normalised, with the common metadata and the owner's labels.
///
/// # Errors
/// [`PrepareError::Encrypted`] for a Secret that nobody decrypted.
pub fn prepare(
    mut objects: Vec<Object>,
    owner: &Owner,
    common: Option<&CommonMetadata>,
) -> Result<Vec<Object>, PrepareError> {
    if let Some(secret) = objects.iter().find(|object| is_encrypted(object)) {
        return Err(PrepareError::Encrypted(secret.reference()));
    }
    for object in &mut objects {
        // Twice: what is built in is read with these labels already, and no common metadata takes them away.
        owner.mark(object);
        normalize(object);
        if let Some(common) = common {
            set_common(object, "labels", &common.labels);
            set_common(object, "annotations", &common.annotations);
        }
        owner.mark(object);
    }
    Ok(objects)
}

fn set_common(object: &mut Object, map: &str, entries: &BTreeMap<String, String>) {
    if !entries.is_empty() {
        let entries = entries
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()));
        object.set_metadata(map, entries);
    }
}

fn is_encrypted(object: &Object) -> bool {
    let exempt = object
        .annotation(DECRYPT)
        .is_some_and(|value| value.eq_ignore_ascii_case(annotation::DISABLED));
    object.api_version() == "v1"
        && object.kind() == "Secret"
        && object.value().get("sops").is_some()
        && !exempt
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn one(value: Value, common: Option<&CommonMetadata>) -> Result<Value, PrepareError> {
        let object = Object::new(value).expect("an object");
        let mut objects = prepare(vec![object], &Owner::new("ns", "app"), common)?;
        Ok(objects.remove(0).into_value())
    }

    #[test]
    fn common_metadata_and_owner_labels_are_set_over_what_is_there() {
        let common = CommonMetadata {
            labels: [("a".to_owned(), "common".to_owned())].into(),
            annotations: [("b".to_owned(), "common".to_owned())].into(),
        };
        let object = json!({"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "c", "labels": {"a": "own", "c": "own"}}});
        let metadata = json!({
            "name": "c", "annotations": {"b": "common"},
            "labels": {"a": "common", "c": "own",
                "kustomize.toolkit.fluxcd.io/name": "app", "kustomize.toolkit.fluxcd.io/namespace": "ns"},
        });
        let prepared = one(object, Some(&common)).expect("it can be prepared");
        assert_eq!(prepared["metadata"], metadata);
    }

    #[test]
    fn labels_of_which_one_is_no_text_are_no_labels() {
        let labels = |labels: Value| {
            let object = json!({"apiVersion": "v1", "kind": "ConfigMap",
                "metadata": {"name": "c", "labels": labels}});
            let mut prepared = one(object, None).expect("it can be prepared");
            let labels = prepared["metadata"]["labels"].as_object_mut();
            let labels = labels.expect("the owner's labels").clone();
            let keys = labels.into_iter().filter(|(key, _)| !key.contains('/'));
            Value::Object(keys.collect())
        };
        assert_eq!(labels(json!({"a": "b", "c": 1})), json!({}));
        assert_eq!(
            labels(json!({"a": "b", "c": null})),
            json!({"a": "b", "c": ""})
        );
        assert_eq!(labels(json!(["a"])), json!({}));
    }

    #[test]
    fn an_encrypted_secret_fails_unless_it_is_meant() {
        let secret = |annotations: Value| {
            json!({"apiVersion": "v1", "kind": "Secret", "sops": {},
                "metadata": {"name": "s", "namespace": "ns", "annotations": annotations}})
        };
        let error = one(secret(json!({})), None).expect_err("it is encrypted");
        assert_eq!(
            error.to_string(),
            "Secret/ns/s is SOPS encrypted, configuring decryption is required for this secret to be reconciled"
        );
        assert!(one(secret(json!({DECRYPT: "disabled"})), None).is_ok());
    }
}
