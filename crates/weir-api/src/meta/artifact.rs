//! What a source controller stores and others fetch.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Time;

/// Key in [`Artifact::metadata`]: the revision of the source that an artifact was made from elsewhere.
pub const ORIGIN_REVISION: &str = "org.opencontainers.image.revision";

/// An archive in the storage of a source controller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Artifact {
    /// Where the file lies below the root of the storage, e.g. `gitrepository/ns/name/<hash>.tar.gz`.
    pub path: String,
    /// Where the file is served over HTTP.
    pub url: String,
    /// What the archive holds, e.g. `main@sha1:<commit>`.
    pub revision: String,
    /// Checksum of the file as `<algorithm>:<hex>`.
    #[schemars(extend("pattern" = r"^[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[a-zA-Z0-9=_-]+$"))]
    pub digest: String,
    /// When the file was written.
    pub last_update_time: Time,
    /// Length of the file in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<i64>,
    /// Facts that the source gave along, e.g. the annotations of an OCI artifact.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
}
