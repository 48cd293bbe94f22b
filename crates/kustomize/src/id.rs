//! What identifies a resource: group, version, kind, namespace and name.

use std::fmt;

/// Stands for the namespace of everything that has none by its nature.
const NO_NAMESPACE: &str = "_non_namespaceable_";

/// Kinds that live outside namespaces, by apiVersion. Kinds that Kubernetes added after 1.21 are not
/// among them, on purpose: kustomize treats those as namespaced, and so must whoever prints the same.
///
/// Source: Kubernetes OpenAPI v1.21.2, as kyaml v0.21 `openapi/openapi.go` lists it.
const CLUSTER_SCOPED: &[(&str, &[&str])] = &[
    (
        "admissionregistration.k8s.io/v1",
        &[
            "MutatingWebhookConfiguration",
            "ValidatingWebhookConfiguration",
        ],
    ),
    (
        "admissionregistration.k8s.io/v1beta1",
        &[
            "MutatingWebhookConfiguration",
            "ValidatingWebhookConfiguration",
        ],
    ),
    ("apiextensions.k8s.io/v1", &["CustomResourceDefinition"]),
    (
        "apiextensions.k8s.io/v1beta1",
        &["CustomResourceDefinition"],
    ),
    ("apiregistration.k8s.io/v1", &["APIService"]),
    ("apiregistration.k8s.io/v1beta1", &["APIService"]),
    ("certificates.k8s.io/v1", &["CertificateSigningRequest"]),
    (
        "certificates.k8s.io/v1beta1",
        &["CertificateSigningRequest"],
    ),
    (
        "flowcontrol.apiserver.k8s.io/v1beta1",
        &["FlowSchema", "PriorityLevelConfiguration"],
    ),
    ("networking.k8s.io/v1", &["IngressClass"]),
    ("networking.k8s.io/v1beta1", &["IngressClass"]),
    ("node.k8s.io/v1", &["RuntimeClass"]),
    ("node.k8s.io/v1beta1", &["RuntimeClass"]),
    ("policy/v1beta1", &["PodSecurityPolicy"]),
    (
        "rbac.authorization.k8s.io/v1",
        &["ClusterRole", "ClusterRoleBinding"],
    ),
    (
        "rbac.authorization.k8s.io/v1beta1",
        &["ClusterRole", "ClusterRoleBinding"],
    ),
    ("scheduling.k8s.io/v1", &["PriorityClass"]),
    ("scheduling.k8s.io/v1beta1", &["PriorityClass"]),
    (
        "storage.k8s.io/v1",
        &["CSIDriver", "CSINode", "StorageClass", "VolumeAttachment"],
    ),
    (
        "storage.k8s.io/v1beta1",
        &["CSIDriver", "CSINode", "StorageClass", "VolumeAttachment"],
    ),
    (
        "v1",
        &[
            "ComponentStatus",
            "Namespace",
            "Node",
            "NodeProxyOptions",
            "PersistentVolume",
        ],
    ),
];

/// Kinds that live in namespaces, by apiVersion; from the same source.
const NAMESPACED: &[(&str, &[&str])] = &[
    (
        "apps/v1",
        &[
            "ControllerRevision",
            "DaemonSet",
            "Deployment",
            "ReplicaSet",
            "StatefulSet",
        ],
    ),
    ("autoscaling/v1", &["HorizontalPodAutoscaler", "Scale"]),
    ("autoscaling/v2beta1", &["HorizontalPodAutoscaler"]),
    ("autoscaling/v2beta2", &["HorizontalPodAutoscaler"]),
    ("batch/v1", &["CronJob", "Job"]),
    ("batch/v1beta1", &["CronJob"]),
    ("coordination.k8s.io/v1", &["Lease"]),
    ("coordination.k8s.io/v1beta1", &["Lease"]),
    ("discovery.k8s.io/v1", &["EndpointSlice"]),
    ("discovery.k8s.io/v1beta1", &["EndpointSlice"]),
    ("events.k8s.io/v1", &["Event"]),
    ("events.k8s.io/v1beta1", &["Event"]),
    ("extensions/v1beta1", &["Ingress"]),
    ("networking.k8s.io/v1", &["Ingress", "NetworkPolicy"]),
    ("networking.k8s.io/v1beta1", &["Ingress"]),
    ("policy/v1", &["PodDisruptionBudget"]),
    ("policy/v1beta1", &["PodDisruptionBudget"]),
    ("rbac.authorization.k8s.io/v1", &["Role", "RoleBinding"]),
    (
        "rbac.authorization.k8s.io/v1beta1",
        &["Role", "RoleBinding"],
    ),
    ("storage.k8s.io/v1beta1", &["CSIStorageCapacity"]),
    (
        "v1",
        &[
            "ConfigMap",
            "Endpoints",
            "Event",
            "LimitRange",
            "PersistentVolumeClaim",
            "Pod",
            "PodAttachOptions",
            "PodExecOptions",
            "PodPortForwardOptions",
            "PodProxyOptions",
            "PodTemplate",
            "ReplicationController",
            "ResourceQuota",
            "Secret",
            "Service",
            "ServiceAccount",
            "ServiceProxyOptions",
        ],
    ),
];

/// Group, version and kind; empty parts match anything where this is a selector.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Gvk {
    /// The API group; empty for core.
    pub group: String,
    /// The version.
    pub version: String,
    /// The kind.
    pub kind: String,
}

/// Splits `group/version`; without a slash it is a version of the core group.
pub(crate) fn split_api_version(api_version: &str) -> (&str, &str) {
    api_version.split_once('/').unwrap_or(("", api_version))
}

/// Whether a kind of Kubernetes itself lives outside namespaces; `None` for others.
pub(crate) fn builtin_scope(api_version: &str, kind: &str) -> Option<bool> {
    let lists = |table: &[(&str, &[&str])]| {
        table
            .binary_search_by_key(&api_version, |(known, _)| known)
            .is_ok_and(|at| table[at].1.contains(&kind))
    };
    if lists(CLUSTER_SCOPED) {
        Some(true)
    } else if lists(NAMESPACED) {
        Some(false)
    } else {
        None
    }
}

impl Gvk {
    /// From an object's `apiVersion` and `kind`.
    #[must_use]
    pub fn of(api_version: &str, kind: &str) -> Self {
        let (group, version) = split_api_version(api_version);
        Self {
            group: group.to_owned(),
            version: version.to_owned(),
            kind: kind.to_owned(),
        }
    }

    /// `group/version`, or only the version for the core group.
    #[must_use]
    pub fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.clone()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// Whether every non-empty part of `selector` is equal here.
    #[must_use]
    pub fn is_selected_by(&self, selector: &Self) -> bool {
        let fits = |want: &str, have: &str| want.is_empty() || want == have;
        fits(&selector.group, &self.group)
            && fits(&selector.version, &self.version)
            && fits(&selector.kind, &self.kind)
    }

    /// `group_version_Kind` with stand-ins for missing parts that sort last: the key of the legacy order.
    pub(crate) fn sort_text(&self) -> String {
        let or = |text: &str, missing: &'static str| {
            if text.is_empty() {
                missing.to_owned()
            } else {
                text.to_owned()
            }
        };
        format!(
            "{}_{}_{}",
            or(&self.group, "~G"),
            or(&self.version, "~V"),
            or(&self.kind, "~K")
        )
    }
}

impl fmt::Display for Gvk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let or = |text: &str, missing: &'static str| {
            if text.is_empty() {
                missing.to_owned()
            } else {
                text.to_owned()
            }
        };
        write!(
            f,
            "{}.{}.{}",
            or(&self.kind, "[noKind]"),
            or(&self.version, "[noVer]"),
            or(&self.group, "[noGrp]")
        )
    }
}

/// What identifies a resource in one build.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct ResId {
    /// Group, version, kind.
    pub gvk: Gvk,
    /// The name.
    pub name: String,
    /// The namespace as written; empty counts as `default`.
    pub namespace: String,
    /// The kind is known to live outside namespaces. Never set in selectors and in former ids.
    pub cluster_scoped: bool,
}

impl ResId {
    /// Whether all parts are empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The namespace that counts: `default` for none, one stand-in for all cluster-scoped kinds.
    #[must_use]
    pub fn effective_namespace(&self) -> &str {
        if self.cluster_scoped {
            NO_NAMESPACE
        } else if self.namespace.is_empty() {
            "default"
        } else {
            &self.namespace
        }
    }

    /// Whether both name the same resource.
    #[must_use]
    pub fn same_as(&self, other: &Self) -> bool {
        self.name == other.name
            && self.gvk == other.gvk
            && self.effective_namespace() == other.effective_namespace()
    }

    /// Whether every non-empty part of `selector` fits.
    pub(crate) fn is_selected_by(&self, selector: &Self) -> bool {
        (selector.name.is_empty() || selector.name == self.name)
            && (selector.namespace.is_empty()
                || selector.effective_namespace() == self.effective_namespace())
            && self.gvk.is_selected_by(&selector.gvk)
    }
}

impl fmt::Display for ResId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let or = |text: &str, missing: &'static str| {
            if text.is_empty() {
                missing.to_owned()
            } else {
                text.to_owned()
            }
        };
        write!(
            f,
            "{}/{}.{}",
            self.gvk,
            or(&self.name, "[noName]"),
            or(&self.namespace, "[noNs]")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(api_version: &str, kind: &str, namespace: &str, name: &str) -> ResId {
        ResId {
            gvk: Gvk::of(api_version, kind),
            name: name.to_owned(),
            namespace: namespace.to_owned(),
            cluster_scoped: builtin_scope(api_version, kind) == Some(true),
        }
    }

    #[test]
    fn prints_stand_ins_for_missing_parts() {
        assert_eq!(
            ResId::default().to_string(),
            "[noKind].[noVer].[noGrp]/[noName].[noNs]"
        );
        assert_eq!(
            id("apps/v1", "Deployment", "n", "d").to_string(),
            "Deployment.v1.apps/d.n"
        );
    }

    #[test]
    fn no_namespace_is_the_default_one() {
        assert!(id("v1", "Pod", "", "a").same_as(&id("v1", "Pod", "default", "a")));
        assert!(!id("v1", "Pod", "", "a").same_as(&id("v1", "Pod", "b", "a")));
        assert!(id("v1", "Node", "x", "a").same_as(&id("v1", "Node", "y", "a")));
    }

    #[test]
    fn the_scope_tables_are_sorted() {
        for table in [CLUSTER_SCOPED, NAMESPACED] {
            assert!(table.is_sorted_by_key(|(api_version, _)| *api_version));
        }
    }
}
