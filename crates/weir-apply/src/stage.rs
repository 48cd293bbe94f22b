//! Objects in the order they are applied: definitions first, then classes, then the rest.
//!
//! Source: kustomize-controller v1.9 `internal/controller/kustomization_controller.go`, fluxcd/pkg `ssa/sort.go`

use std::cmp::Ordering;

use crate::object::{GroupKind, Object, ObjectRef};

/// Kinds that come first, in this order.
const FIRST: &[&str] = &[
    "CustomResourceDefinition",
    "Namespace",
    "ClusterRole",
    "ClusterClass",
    "RuntimeClass",
    "PriorityClass",
    "StorageClass",
    "VolumeSnapshotClass",
    "IngressClass",
    "GatewayClass",
    "ClusterRoleBinding",
    "ResourceQuota",
    "ServiceAccount",
    "Role",
    "RoleBinding",
    "ConfigMap",
    "Secret",
    "Service",
    "LimitRange",
    "Deployment",
    "StatefulSet",
    "CronJob",
    "PodDisruptionBudget",
];

/// Kinds that come last, in this order.
const LAST: &[&str] = &[
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
];

/// Why objects are applied together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StageKind {
    /// Kinds, namespaces and roles, which others need.
    Definitions,
    /// Kinds named `…Class`.
    Classes,
    /// Kinds that the operator chose.
    Custom,
    /// Everything else.
    Rest,
}

impl StageKind {
    /// Whether the next stage waits until the objects of this one are ready.
    #[must_use]
    pub fn waits(self) -> bool {
        matches!(self, Self::Definitions | Self::Classes)
    }
}

/// Objects that are applied together: none of them, unless the API server accepts all.
#[derive(Debug, Clone, PartialEq)]
pub struct Stage {
    /// Why they are together.
    pub kind: StageKind,
    /// The objects, in order.
    pub objects: Vec<Object>,
}

/// Sorts `objects` into stages that are not empty; `custom` are the kinds of `--custom-apply-stage-kinds`.
#[must_use]
pub fn stages(mut objects: Vec<Object>, custom: &[GroupKind]) -> Vec<Stage> {
    objects.sort_by_cached_key(|object| (stage_kind(object, custom), Rank(object.reference())));
    let mut stages: Vec<Stage> = Vec::new();
    for object in objects {
        let kind = stage_kind(&object, custom);
        match stages.last_mut() {
            Some(stage) if stage.kind == kind => stage.objects.push(object),
            _ => stages.push(Stage {
                kind,
                objects: vec![object],
            }),
        }
    }
    stages
}

fn stage_kind(object: &Object, custom: &[GroupKind]) -> StageKind {
    let (group, kind) = (object.group(), object.kind());
    if is_definition(group, kind) {
        StageKind::Definitions
    } else if kind.ends_with("Class") {
        StageKind::Classes
    } else if custom.iter().any(|k| k.group == group && k.kind == kind) {
        StageKind::Custom
    } else {
        StageKind::Rest
    }
}

fn is_definition(group: &str, kind: &str) -> bool {
    matches!(
        (group, kind),
        ("apiextensions.k8s.io", "CustomResourceDefinition")
            | ("", "Namespace")
            | ("rbac.authorization.k8s.io", "ClusterRole")
    )
}

/// The place of a kind in the order.
pub(crate) fn rank(kind: &str) -> usize {
    if let Some(place) = FIRST.iter().position(|first| *first == kind) {
        return place;
    }
    let last = LAST.iter().position(|last| *last == kind);
    FIRST.len() + last.map_or(0, |place| place + 1)
}

/// Compares two objects by kind order, then group, kind, namespace and name.
#[must_use]
pub fn compare(a: &ObjectRef, b: &ObjectRef) -> Ordering {
    let key = |o: &ObjectRef| rank(&o.kind);
    key(a).cmp(&key(b)).then_with(|| a_to_z(a).cmp(&a_to_z(b)))
}

fn a_to_z(object: &ObjectRef) -> (&str, &str, &str, &str) {
    (&object.group, &object.kind, &object.namespace, &object.name)
}

#[derive(PartialEq, Eq)]
struct Rank(ObjectRef);

impl PartialOrd for Rank {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Rank {
    fn cmp(&self, other: &Self) -> Ordering {
        compare(&self.0, &other.0)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(api_version: &str, kind: &str, name: &str) -> Object {
        let object = json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": name}});
        Object::new(object).expect("an object")
    }

    #[test]
    fn definitions_then_classes_then_chosen_kinds_then_the_rest() {
        let objects = vec![
            object("v1", "ConfigMap", "b"),
            object("v1", "ConfigMap", "a"),
            object("v1", "ServiceAccount", "z"),
            object("example.com/v1", "Widget", "w"),
            object("scheduling.k8s.io/v1", "PriorityClass", "p"),
            object("rbac.authorization.k8s.io/v1", "ClusterRole", "c"),
            object("v1", "Namespace", "n"),
            object("rbac.authorization.k8s.io/v1", "Role", "r"),
        ];
        let custom = [GroupKind {
            group: "rbac.authorization.k8s.io".to_owned(),
            kind: "Role".to_owned(),
        }];
        let text: Vec<String> = stages(objects, &custom)
            .iter()
            .map(|stage| {
                let names: Vec<&str> = stage.objects.iter().map(Object::name).collect();
                format!("{:?} {}", stage.kind, names.join(" "))
            })
            .collect();
        let expected = ["Definitions n c", "Classes p", "Custom r", "Rest z a b w"];
        assert_eq!(text, expected);
    }

    #[test]
    fn webhooks_come_last() {
        assert!(rank("ConfigMap") < rank("Widget"));
        assert!(rank("Widget") < rank("MutatingWebhookConfiguration"));
        assert!(rank("MutatingWebhookConfiguration") < rank("ValidatingWebhookConfiguration"));
    }
}
