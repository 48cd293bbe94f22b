//! HelmRepository: the index of a chart repository, or the address of a registry with charts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{CATEGORIES, Provider};
use crate::meta::{AccessFrom, Artifact, Condition, GoDuration, LocalObjectReference};
use crate::resource::{Column, Definition, StatusSubresource, custom_resource, reconcilable};
use crate::schema::{self, is_false};
use crate::source::GROUP;

custom_resource! {
    /// A repository of Helm charts.
    pub struct HelmRepository { spec: HelmRepositorySpec, status: HelmRepositoryStatus }
    Definition {
        group: GROUP,
        version: "v1",
        kind: "HelmRepository",
        plural: "helmrepositories",
        short_names: &["helmrepo"],
        categories: CATEGORIES,
        substitute_disabled: false,
        status: StatusSubresource::Unobserved,
        columns: &[Column::text("URL", ".spec.url"), Column::AGE, Column::READY, Column::STATUS],
    }
}
reconcilable!(HelmRepository, HelmRepositoryStatus);

/// Which repository.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HelmRepositorySpec {
    /// Address of the repository: `http://`, `https://` or `oci://`.
    #[schemars(extend("pattern" = "^(http|https|oci)://.*$"))]
    pub url: String,
    /// A Secret with `username` and `password`, or of type `kubernetes.io/dockerconfigjson` for a registry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<LocalObjectReference>,
    /// A Secret with `tls.crt` and `tls.key`, `ca.crt`, or all three.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cert_secret_ref: Option<LocalObjectReference>,
    /// Sends the credentials to other hosts that the index names.
    #[serde(default, skip_serializing_if = "is_false")]
    pub pass_credentials: bool,
    /// How often to fetch the index. Absent means every minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<GoDuration>,
    /// Talks plain HTTP to the registry; only for type `oci`.
    #[serde(default, skip_serializing_if = "is_false")]
    pub insecure: bool,
    /// How long fetching the index may take. Absent means a minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = schema::TIMEOUT_PATTERN))]
    pub timeout: Option<GoDuration>,
    /// Leaves the object alone until it is unset.
    #[serde(default, skip_serializing_if = "is_false")]
    pub suspend: bool,
    /// Accepted for compatibility; without effect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_from: Option<AccessFrom>,
    /// What the address leads to. Absent means `default`.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub type_: Option<HelmRepositoryType>,
    /// Who issues credentials when no Secret does; only for type `oci`.
    #[serde(default)]
    pub provider: Provider,
}

/// What the address of a HelmRepository leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum HelmRepositoryType {
    /// An HTTP server with an `index.yaml`.
    #[default]
    Default,
    /// A container registry.
    Oci,
}

/// What was fetched and stored.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HelmRepositoryStatus {
    /// The last generation that was dealt with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// How it went.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// Where the latest index is served.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub url: String,
    /// The stored index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact: Option<Artifact>,
    /// The reconciliation request that was served last.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub last_handled_reconcile_at: String,
}
