//! Version `v1` of the kustomize API: the Kustomization.
//!
//! Source: kustomize-controller v1.9 `api/v1`.

mod history;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use history::Snapshot;

use super::GROUP;
use crate::meta::{
    CommonMetadata, Condition, CustomHealthCheck, DependencyReference, GoDuration, IgnoreRule,
    ImageOverride, KubeConfigReference, LocalObjectReference, NamespacedObjectKindReference, Patch,
    ResourceInventory, ValuesKind,
};
use crate::resource::{Column, Definition, StatusSubresource, custom_resource, reconcilable};
use crate::schema::is_false;

custom_resource! {
    /// Objects built from a source and kept in a cluster.
    pub struct Kustomization { spec: KustomizationSpec, status: KustomizationStatus }
    Definition {
        group: GROUP,
        version: "v1",
        kind: "Kustomization",
        plural: "kustomizations",
        short_names: &["ks"],
        categories: &["all", "fluxcd", "fluxcd-appliers"],
        substitute_disabled: true,
        status: StatusSubresource::Unobserved,
        columns: &[Column::AGE, Column::READY, Column::STATUS],
    }
}
reconcilable!(Kustomization, KustomizationStatus);

/// What to build, how to change it and how to apply it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KustomizationSpec {
    /// Where the manifests come from.
    pub source_ref: CrossNamespaceSourceReference,
    /// The directory in the source to build; empty means its root.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub path: String,
    /// How often to apply again when nothing changed.
    pub interval: GoDuration,
    /// How long to wait after a failure; absent means the interval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_interval: Option<GoDuration>,
    /// How long applying and health checks may take; absent means the interval less 30 seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<GoDuration>,
    /// Deletes objects that are no longer built.
    pub prune: bool,
    /// What becomes of the applied objects when this one is deleted. Absent means `MirrorPrune`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deletion_policy: Option<DeletionPolicy>,
    /// Leaves the objects alone until it is unset.
    #[serde(default, skip_serializing_if = "is_false")]
    pub suspend: bool,
    /// Kustomizations that must be ready first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<DependencyReference>,
    /// Labels and annotations to put on every object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub common_metadata: Option<CommonMetadata>,
    /// Goes before the name of every object.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(min = 1, max = 200))]
    pub name_prefix: String,
    /// Goes after the name of every object.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(min = 1, max = 200))]
    pub name_suffix: String,
    /// The namespace to put every namespaced object into.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(min = 1, max = 63))]
    pub target_namespace: String,
    /// Strategic merge and JSON 6902 patches.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub patches: Vec<Patch>,
    /// Other names, tags or digests for container images.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<ImageOverride>,
    /// Directories of kustomize components to add, relative to the path.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<String>,
    /// Skips components that do not exist.
    #[serde(default, skip_serializing_if = "is_false")]
    pub ignore_missing_components: bool,
    /// What the build notes on objects about their making.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub build_metadata: Vec<BuildMetadata>,
    /// Variables to substitute in what was built.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub post_build: Option<PostBuild>,
    /// How to decrypt what is encrypted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decryption: Option<Decryption>,
    /// Another cluster to apply to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kube_config: Option<KubeConfigReference>,
    /// The service account to apply as.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub service_account_name: String,
    /// Deletes and creates objects whose immutable fields changed.
    #[serde(default)]
    pub force: bool,
    /// Fields to leave to others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignore: Vec<IgnoreRule>,
    /// Waits until everything applied is healthy.
    #[serde(default, skip_serializing_if = "is_false")]
    pub wait: bool,
    /// Objects to wait for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub health_checks: Vec<HealthCheck>,
    /// How to judge the health of custom resources.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub health_check_exprs: Vec<CustomHealthCheck>,
}

/// A source, possibly in another namespace.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CrossNamespaceSourceReference {
    /// API version of the source; empty means the one served.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub api_version: String,
    /// Kind of the source.
    pub kind: SourceKind,
    /// Name of the source.
    pub name: String,
    /// Namespace of the source; empty means that of the Kustomization.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub namespace: String,
}

/// Kinds that give a Kustomization an artifact.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Default,
    Serialize,
    Deserialize,
    JsonSchema,
)]
pub enum SourceKind {
    /// An artifact in a container registry.
    #[serde(rename = "OCIRepository")]
    OciRepository,
    /// A Git repository.
    #[default]
    GitRepository,
    /// A bucket of an object store.
    Bucket,
    /// An artifact that somebody else writes.
    ExternalArtifact,
}

impl SourceKind {
    /// The kind as in manifests.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OciRepository => "OCIRepository",
            Self::GitRepository => "GitRepository",
            Self::Bucket => "Bucket",
            Self::ExternalArtifact => "ExternalArtifact",
        }
    }
}

impl std::fmt::Display for SourceKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What becomes of applied objects when their Kustomization is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
pub enum DeletionPolicy {
    /// Deleted if `spec.prune` is set.
    #[default]
    MirrorPrune,
    /// Deleted.
    Delete,
    /// Deleted, and awaited until they are gone.
    WaitForTermination,
    /// Left in the cluster.
    Orphan,
}

/// What the build notes on objects about their making.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum BuildMetadata {
    /// The file an object came from.
    OriginAnnotations,
    /// The transformers that changed it.
    TransformerAnnotations,
}

/// Variables to substitute in what was built.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PostBuild {
    /// When to substitute. Absent means `WithVariables`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub substitute_strategy: Option<SubstituteStrategy>,
    /// Variables and their values; these win over those of `substituteFrom`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub substitute: BTreeMap<String, String>,
    /// Secrets and ConfigMaps with more variables; later ones win.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub substitute_from: Vec<SubstituteReference>,
}

/// When to substitute variables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
pub enum SubstituteStrategy {
    /// If there are any.
    #[default]
    WithVariables,
    /// In any case, so that defaults in the text take effect.
    Always,
}

/// A Secret or ConfigMap with variables.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct SubstituteReference {
    /// Which of the two.
    pub kind: ValuesKind,
    /// Its name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Goes on without it if it does not exist.
    #[serde(default)]
    pub optional: bool,
}

/// How to decrypt what is encrypted.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Decryption {
    /// What it was encrypted with.
    pub provider: DecryptionProvider,
    /// The service account to authenticate as to a key service.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub service_account_name: String,
    /// A Secret with keys or with credentials for key services.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<LocalObjectReference>,
}

/// What secrets are encrypted with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DecryptionProvider {
    /// SOPS.
    #[default]
    Sops,
}

/// An object to wait for; without an API version, one of group `apps`.
pub type HealthCheck = NamespacedObjectKindReference;

/// What was built and applied.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KustomizationStatus {
    /// The last generation that was dealt with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// How it went.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// The revision that was applied last.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub last_applied_revision: String,
    /// The revision that the applied artifact was made from elsewhere.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub last_applied_origin_revision: String,
    /// The revision that was tried last.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub last_attempted_revision: String,
    /// The reconciliation request that was served last.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub last_handled_reconcile_at: String,
    /// What was applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inventory: Option<ResourceInventory>,
    /// What was built before, newest first, at most [`Snapshot::KEEP`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<Snapshot>,
}
