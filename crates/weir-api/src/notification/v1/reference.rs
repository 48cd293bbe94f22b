//! How Receivers and Alerts name the objects they are about.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Objects of a kind, by name or by labels.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CrossNamespaceObjectReference {
    /// API version of the objects; empty means the one served.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub api_version: String,
    /// Kind of the objects.
    pub kind: ObjectKind,
    /// Name of the object, or `*` for all.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Namespace of the objects; empty means that of the object which names them.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(min = 1, max = 253))]
    pub namespace: String,
    /// With name `*`: only those with these labels.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub match_labels: BTreeMap<String, String>,
}

/// Objects that a Receiver makes reconcile.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct ReceiverResource {
    /// The objects.
    #[serde(flatten)]
    pub objects: CrossNamespaceObjectReference,
    /// CEL expression over `res` and `req` that each of them must satisfy.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub filter: String,
}

/// Kinds that send events and reconcile on request.
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
pub enum ObjectKind {
    /// Of group `source.toolkit.fluxcd.io`.
    Bucket,
    /// Of group `source.toolkit.fluxcd.io`.
    #[default]
    GitRepository,
    /// Of group `kustomize.toolkit.fluxcd.io`.
    Kustomization,
    /// Of group `helm.toolkit.fluxcd.io`.
    HelmRelease,
    /// Of group `source.toolkit.fluxcd.io`.
    HelmChart,
    /// Of group `source.toolkit.fluxcd.io`.
    HelmRepository,
    /// Of group `image.toolkit.fluxcd.io`.
    ImageRepository,
    /// Of group `image.toolkit.fluxcd.io`.
    ImagePolicy,
    /// Of group `image.toolkit.fluxcd.io`.
    ImageUpdateAutomation,
    /// Of group `source.toolkit.fluxcd.io`.
    #[serde(rename = "OCIRepository")]
    OciRepository,
    /// Of group `source.extensions.fluxcd.io`.
    ArtifactGenerator,
    /// Of group `source.toolkit.fluxcd.io`.
    ExternalArtifact,
}
