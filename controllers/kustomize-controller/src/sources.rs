//! The four kinds of source, seen as what a Kustomization needs of them: an artifact, or none yet.

use std::collections::HashMap;

use kube::Api;
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use parking_lot::Mutex;
use weir_api::kustomize::v1::SourceKind;
use weir_api::meta::Artifact;
use weir_runtime::hub::{Hub, Index};
use weir_runtime::kind::Key;

use crate::error::Error;

/// What is kept of a source object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Its artifact, once it has one.
    pub artifact: Option<Artifact>,
}

/// All sources that a Kustomization may refer to.
#[derive(Debug)]
pub struct Sources {
    hub: Hub,
    kinds: HashMap<SourceKind, Index<Source>>,
    direct: bool,
}

impl Sources {
    /// Watches `kinds`; with `direct` (gate `DirectSourceFetch`) reads bypass the cache.
    #[must_use]
    pub fn watch(hub: &Hub, kinds: &[SourceKind], direct: bool) -> Self {
        let kinds = kinds
            .iter()
            .map(|kind| (*kind, hub.index(&resource(*kind), "", reduce)))
            .collect();
        Self {
            hub: hub.clone(),
            kinds,
            direct,
        }
    }

    /// The source, `None` if it does not exist. While a watch is broken, or its kind not installed, the API
    /// server is asked.
    ///
    /// # Errors
    /// [`Error::ReadSource`].
    pub async fn get(&self, kind: SourceKind, key: &Key) -> Result<Option<Source>, Error> {
        if let Some(index) = self
            .kinds
            .get(&kind)
            .filter(|index| !self.direct && index.is_current())
        {
            return Ok(index.get(key));
        }
        self.ask(kind, key).await
    }

    /// The same from the API server itself.
    ///
    /// # Errors
    /// [`Error::ReadSource`].
    pub async fn ask(&self, kind: SourceKind, key: &Key) -> Result<Option<Source>, Error> {
        let client = self.hub.client().clone();
        let api = Api::<DynamicObject>::namespaced_with(client, &key.namespace, &resource(kind));
        let found = api.get_opt(&key.name).await;
        let found = found.map_err(|source| Error::ReadSource {
            key: key.clone(),
            source: Box::new(source),
        })?;
        Ok(found.as_ref().and_then(reduce))
    }

    /// The watched kinds with their indexes.
    pub fn kinds(&self) -> impl Iterator<Item = (SourceKind, &Index<Source>)> {
        self.kinds.iter().map(|(kind, index)| (*kind, index))
    }
}

/// The revision that the last pass over each Kustomization read: newer than the status that the watch shows, so
/// that a pass under way is not asked for again by the very revision that it works on.
#[derive(Debug, Default)]
pub struct Attempts(Mutex<HashMap<Key, String>>);

impl Attempts {
    /// A pass over `object` has read this revision; `None` if it has read none yet.
    pub fn note(&self, object: &Key, revision: Option<&str>) {
        let mut all = self.0.lock();
        match revision {
            Some(revision) => drop(all.insert(object.clone(), revision.to_owned())),
            None => drop(all.remove(object)),
        }
    }

    /// Whether the last pass over `object` has read this revision.
    #[must_use]
    pub fn holds(&self, object: &Key, revision: &str) -> bool {
        self.0
            .lock()
            .get(object)
            .is_some_and(|attempted| attempted == revision)
    }
}

fn resource(kind: SourceKind) -> ApiResource {
    ApiResource::from_gvk(&GroupVersionKind::gvk(
        "source.toolkit.fluxcd.io",
        "v1",
        kind.as_str(),
    ))
}

/// An artifact that does not decode counts as none: its source fails alone.
fn reduce(object: &DynamicObject) -> Option<Source> {
    let artifact = object.data.pointer("/status/artifact").cloned();
    Some(Source {
        artifact: artifact.and_then(|artifact| serde_json::from_value(artifact).ok()),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn plural_names_are_those_of_the_installed_kinds() {
        let plurals = [
            SourceKind::GitRepository,
            SourceKind::OciRepository,
            SourceKind::Bucket,
            SourceKind::ExternalArtifact,
        ]
        .map(|kind| resource(kind).plural);
        assert_eq!(
            plurals,
            [
                "gitrepositories",
                "ocirepositories",
                "buckets",
                "externalartifacts"
            ]
        );
    }

    #[test]
    fn an_artifact_that_does_not_decode_counts_as_none() {
        let object = |status| DynamicObject {
            types: None,
            metadata: Default::default(),
            data: json!({"status": status}),
        };
        assert_eq!(
            reduce(&object(json!({"artifact": {"digest": 1}}))),
            Some(Source { artifact: None })
        );
        let whole = json!({"artifact": {
            "path": "p", "url": "u", "digest": "sha256:1", "revision": "r", "lastUpdateTime": "2026-01-01T00:00:00Z",
        }});
        assert!(reduce(&object(whole)).is_some_and(|source| source.artifact.is_some()));
    }
}
