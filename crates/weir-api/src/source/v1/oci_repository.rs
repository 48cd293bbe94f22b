//! OCIRepository: an artifact from an image in a container registry.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{CATEGORIES, OciVerification, Provider};
use crate::meta::{Artifact, Condition, GoDuration, LocalObjectReference};
use crate::resource::{Column, Definition, StatusSubresource, custom_resource, reconcilable};
use crate::schema::{self, is_false};
use crate::source::GROUP;

custom_resource! {
    /// An image in a container registry whose content becomes an artifact.
    pub struct OciRepository { spec: OciRepositorySpec, status: OciRepositoryStatus }
    Definition {
        group: GROUP,
        version: "v1",
        kind: "OCIRepository",
        plural: "ocirepositories",
        short_names: &["ocirepo"],
        categories: CATEGORIES,
        substitute_disabled: false,
        status: StatusSubresource::Unobserved,
        columns: &[Column::text("URL", ".spec.url"), Column::READY, Column::STATUS, Column::AGE],
    }
}
reconcilable!(OciRepository, OciRepositoryStatus);

/// Which image, which layer, which files.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OciRepositorySpec {
    /// Address of the image without tag: `oci://<host>/<path>`.
    #[schemars(extend("pattern" = "^oci://.*$"))]
    pub url: String,
    /// Which tag or digest. Absent means tag `latest`.
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<OciRepositoryRef>,
    /// Which layer to take and how. Absent means to unpack the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layer_selector: Option<OciLayerSelector>,
    /// Who issues credentials when no Secret does.
    #[serde(default)]
    pub provider: Provider,
    /// A Secret of type `kubernetes.io/dockerconfigjson`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<LocalObjectReference>,
    /// Which signatures the image must carry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verify: Option<OciVerification>,
    /// The service account whose pull secrets to use, or to authenticate as to the provider.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub service_account_name: String,
    /// A Secret with `tls.crt` and `tls.key`, `ca.crt`, or all three.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cert_secret_ref: Option<LocalObjectReference>,
    /// A Secret with `address`, `username` and `password` of an HTTP proxy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy_secret_ref: Option<LocalObjectReference>,
    /// How often to look for a new digest.
    pub interval: GoDuration,
    /// How long one operation on the registry may take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = schema::TIMEOUT_PATTERN, "default" = "60s"))]
    pub timeout: Option<GoDuration>,
    /// Files to leave out, in the format of `.gitignore`. Set, even if empty, it replaces the built-in list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ignore: Option<String>,
    /// Talks plain HTTP to the registry.
    #[serde(default, skip_serializing_if = "is_false")]
    pub insecure: bool,
    /// Leaves the object alone until it is unset.
    #[serde(default, skip_serializing_if = "is_false")]
    pub suspend: bool,
}

/// Which image. If several are set, the first of digest, semver, tag counts.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OciRepositoryRef {
    /// The image of this digest, `sha256:<hex>`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub digest: String,
    /// The highest tag in this range of semantic versions.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub semver: String,
    /// Regular expression that tags must match to take part in `semver`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub semver_filter: String,
    /// This tag.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub tag: String,
}

/// Which layer of an image to take and how.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OciLayerSelector {
    /// The first layer of this media type; empty means the first of all.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub media_type: String,
    /// What to do with it. Absent means `extract`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<OciLayerOperation>,
}

/// What to do with a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OciLayerOperation {
    /// Unpack it and pack its files anew.
    #[default]
    Extract,
    /// Store it as it is.
    Copy,
}

/// What was fetched and stored.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OciRepositoryStatus {
    /// The last generation that was dealt with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// How it went.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// Where the latest artifact is served.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub url: String,
    /// The stored artifact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact: Option<Artifact>,
    /// `spec.ignore` as of the artifact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_ignore: Option<String>,
    /// `spec.layerSelector` as of the artifact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_layer_selector: Option<OciLayerSelector>,
    /// The reconciliation request that was served last.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub last_handled_reconcile_at: String,
}
