//! ImageRepository: the tags of an image in a registry.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::image::GROUP;
use crate::meta::{AccessFrom, Condition, GoDuration, LocalObjectReference, Time};
use crate::resource::{Column, Definition, StatusSubresource, custom_resource, reconcilable};
use crate::schema::{self, is_false};
use crate::source::v1::Provider;

custom_resource! {
    /// An image in a registry whose tags are scanned.
    pub struct ImageRepository { spec: ImageRepositorySpec, status: ImageRepositoryStatus }
    Definition {
        group: GROUP,
        version: "v1",
        kind: "ImageRepository",
        plural: "imagerepositories",
        short_names: &["imgrepo", "imagerepo"],
        categories: &[],
        substitute_disabled: false,
        status: StatusSubresource::Unobserved,
        columns: &[
            Column::text("Image", ".spec.image"),
            Column::text("Tags", ".status.lastScanResult.tagCount"),
            Column::READY,
            Column::STATUS,
            Column::wide("Last scan", ".status.lastScanResult.scanTime"),
            Column::AGE,
        ],
    }
}
reconcilable!(ImageRepository, ImageRepositoryStatus);

/// Which image.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImageRepositorySpec {
    /// The image without scheme and tag.
    pub image: String,
    /// How often to scan.
    pub interval: GoDuration,
    /// How long a scan may take. Absent means the interval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = schema::TIMEOUT_PATTERN))]
    pub timeout: Option<GoDuration>,
    /// A Secret of type `kubernetes.io/dockerconfigjson`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<LocalObjectReference>,
    /// A Secret with `address`, `username` and `password` of an HTTP proxy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy_secret_ref: Option<LocalObjectReference>,
    /// The service account whose pull secrets to use, or to authenticate as to the provider.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 253))]
    pub service_account_name: String,
    /// A Secret with `tls.crt` and `tls.key`, `ca.crt`, or all three.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cert_secret_ref: Option<LocalObjectReference>,
    /// Leaves the object alone until it is unset.
    #[serde(default, skip_serializing_if = "is_false")]
    pub suspend: bool,
    /// Which other namespaces may refer to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_from: Option<AccessFrom>,
    /// Regular expressions for tags to leave out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 25), extend("default" = ["^.*\\.sig$"]))]
    pub exclusion_list: Vec<String>,
    /// Who issues credentials when no Secret does.
    #[serde(default)]
    pub provider: Provider,
    /// Talks plain HTTP to the registry.
    #[serde(default, skip_serializing_if = "is_false")]
    pub insecure: bool,
}

/// What was scanned.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImageRepositoryStatus {
    /// The last generation that was dealt with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// How it went.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// The image with registry and path written out.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub canonical_image_name: String,
    /// The last scan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_scan_result: Option<ScanResult>,
    /// `spec.exclusionList` as of the last scan.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub observed_exclusion_list: Vec<String>,
    /// The reconciliation request that was served last.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub last_handled_reconcile_at: String,
}

/// What a scan found.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScanResult {
    /// Checksum of the tags.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub revision: String,
    /// How many tags there are.
    #[schemars(schema_with = "schema::integer")]
    pub tag_count: i64,
    /// When the scan ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scan_time: Option<Time>,
    /// Up to ten of the tags, last in order first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub latest_tags: Vec<String>,
}
