//! ConfigMaps and Secrets that variables, kubeconfigs and keys come from, watched where their labels ask for it.
//!
//! Of each only the version is kept: a change wakes its users, which read it themselves.

use kube::core::{ApiResource, DynamicObject};
use weir_api::kustomize::v1::Kustomization;
use weir_api::meta::ValuesKind;
use weir_runtime::cache::Change;
use weir_runtime::hub::{Hub, Index, Store};
use weir_runtime::queue::Wake;
use weir_runtime::triggers::Triggers;

use crate::plan::identity::namespace;
use crate::triggers::key_of;

/// The watched ConfigMaps and Secrets.
#[derive(Debug)]
pub struct Configs {
    kinds: Vec<(ValuesKind, Index<String>)>,
}

impl Configs {
    /// Watches those that match the label selector (`--watch-configs-label-selector`).
    #[must_use]
    pub fn watch(hub: &Hub, selector: &str) -> Self {
        let kinds = [
            (
                ValuesKind::ConfigMap,
                ApiResource::erase::<k8s_openapi::api::core::v1::ConfigMap>(&()),
            ),
            (
                ValuesKind::Secret,
                ApiResource::erase::<k8s_openapi::api::core::v1::Secret>(&()),
            ),
        ];
        let index = |resource: &ApiResource| hub.index(resource, selector, version);
        Self {
            kinds: kinds
                .iter()
                .map(|(kind, resource)| (*kind, index(resource)))
                .collect(),
        }
    }

    /// Adds waking the users of what changes, comes or goes.
    #[must_use]
    pub fn wake_users(&self, triggers: Triggers<Kustomization>) -> Triggers<Kustomization> {
        self.kinds.iter().fold(triggers, |triggers, (kind, index)| {
            let kind = *kind;
            triggers.on(index.subscribe(), move |change, all| {
                users(kind, change, all)
            })
        })
    }
}

fn version(object: &DynamicObject) -> Option<String> {
    object.metadata.resource_version.clone()
}

fn users(kind: ValuesKind, change: &Change<String>, all: &Store<Kustomization>) -> Vec<Wake> {
    if change.old == change.new {
        return Vec::new();
    }
    let name = match kind {
        ValuesKind::ConfigMap => "ConfigMap",
        ValuesKind::Secret => "Secret",
    };
    all.list()
        .iter()
        .filter(|object| {
            namespace(object) == change.key.namespace && uses(object, kind, &change.key.name)
        })
        .map(|object| {
            Wake::changed(key_of(object), "configuration changed")
                .by(format!("{name}/{}", change.key))
        })
        .collect()
}

/// Whether variables of `object`, or how to reach its cluster, come from there.
///
/// Source: kustomize-controller v1.9 `requestsForConfigDependency`.
fn uses(object: &Kustomization, kind: ValuesKind, name: &str) -> bool {
    let kubeconfig = object.spec.kube_config.as_ref().is_some_and(|it| {
        let secret = it.secret_ref.as_ref().map(|it| &it.name);
        let config_map = it.config_map_ref.as_ref().map(|it| &it.name);
        let named = match kind {
            ValuesKind::Secret => secret,
            ValuesKind::ConfigMap => config_map,
        };
        named.is_some_and(|named| named == name)
    });
    let decryption = object.spec.decryption.as_ref().is_some_and(|it| {
        let named = it.secret_ref.as_ref().map(|it| &it.name);
        kind == ValuesKind::Secret && named.is_some_and(|named| named == name)
    });
    let post_build = object.spec.post_build.iter();
    let mut references = post_build.flat_map(|it| &it.substitute_from);
    let variables = references.any(|reference| reference.kind == kind && reference.name == name);
    variables || kubeconfig || decryption
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_user_names_the_kind_and_the_object() {
        let object: Kustomization = serde_json::from_value(json!({
            "metadata": {"name": "app", "namespace": "ns"},
            "spec": {
                "interval": "1m", "prune": true, "sourceRef": {"kind": "GitRepository", "name": "app"},
                "postBuild": {"substituteFrom": [{"kind": "ConfigMap", "name": "vars"}]},
                "kubeConfig": {"secretRef": {"name": "cluster"}},
                "decryption": {"provider": "sops", "secretRef": {"name": "keys"}},
            },
        }))
        .expect("a Kustomization");
        assert!(uses(&object, ValuesKind::ConfigMap, "vars"));
        assert!(!uses(&object, ValuesKind::Secret, "vars"));
        assert!(!uses(&object, ValuesKind::ConfigMap, "other"));
        for name in ["cluster", "keys"] {
            assert!(uses(&object, ValuesKind::Secret, name));
            assert!(!uses(&object, ValuesKind::ConfigMap, name));
        }
    }
}
