//! The object an event is about, as Kubernetes' ObjectReference.

use std::collections::BTreeMap;

use kube::ResourceExt;
use weir_api::Reconcilable;

use super::ANNOTATION_PREFIX;

/// The object an event is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Involved {
    /// `group/version`.
    pub api_version: String,
    /// The kind.
    pub kind: String,
    /// The namespace.
    pub namespace: String,
    /// The name.
    pub name: String,
    /// The uid.
    pub uid: String,
    /// The version of the object that was seen.
    pub resource_version: String,
    /// Those of its annotations that go into event metadata.
    pub annotations: BTreeMap<String, String>,
}

impl Involved {
    /// The reference to `object`.
    pub fn of<T: Reconcilable>(object: &T) -> Self {
        let annotations = object
            .annotations()
            .iter()
            .filter(|(key, _)| key.starts_with(ANNOTATION_PREFIX));
        Self {
            api_version: T::api_version(&()).into_owned(),
            kind: T::kind(&()).into_owned(),
            namespace: object.namespace().unwrap_or_default(),
            name: object.name_any(),
            uid: object.uid().unwrap_or_default(),
            resource_version: object.resource_version().unwrap_or_default(),
            annotations: annotations
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect(),
        }
    }

    /// The API group.
    pub(crate) fn group(&self) -> &str {
        self.api_version
            .split_once('/')
            .map_or("", |(group, _)| group)
    }
}
