//! What became of a HelmRelease.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::meta::{Condition, GoDuration, ResourceInventory, Time};
use crate::schema::{self, is_zero};

/// What was released.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HelmReleaseStatus {
    /// The last generation that was dealt with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Digest of the post-renderers of the last release.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub observed_post_renderers_digest: String,
    /// Digest of the common metadata of the last release.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub observed_common_metadata_digest: String,
    /// The generation that was tried last.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub last_attempted_generation: i64,
    /// How it went.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// The HelmChart that was made for the release, as `namespace/name`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub helm_chart: String,
    /// Namespace of Helm's records.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(min = 1, max = 63))]
    pub storage_namespace: String,
    /// What was released before, newest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<Snapshot>,
    /// What was applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inventory: Option<ResourceInventory>,
    /// The action that was tried last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_attempted_release_action: Option<ReleaseAction>,
    /// How long it took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub last_attempted_release_action_duration: Option<GoDuration>,
    /// How often reconciling the current state failed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub failures: i64,
    /// How often installing the current state failed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub install_failures: i64,
    /// How often upgrading to the current state failed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub upgrade_failures: i64,
    /// The chart version that was tried last.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub last_attempted_revision: String,
    /// The digest of the chart in a registry that was tried last.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub last_attempted_revision_digest: String,
    /// No longer written.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub last_attempted_values_checksum: String,
    /// No longer written.
    #[serde(default, skip_serializing_if = "is_zero")]
    #[schemars(schema_with = "schema::integer")]
    pub last_release_revision: i64,
    /// Digest of the values that were tried last.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub last_attempted_config_digest: String,
    /// The forced release that was served last.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub last_handled_force_at: String,
    /// The reset of failure counts that was served last.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub last_handled_reset_at: String,
    /// The reconciliation request that was served last.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub last_handled_reconcile_at: String,
}

/// A Helm action that makes a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ReleaseAction {
    /// The first release.
    Install,
    /// Every other.
    Upgrade,
}

/// One release as Helm recorded it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Snapshot {
    /// Version of the digest's format; empty means an old one, whose digest is not checked.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub api_version: String,
    /// Checksum of the record.
    pub digest: String,
    /// Name of the release.
    pub name: String,
    /// Namespace of the release.
    pub namespace: String,
    /// Number of the release.
    #[schemars(schema_with = "schema::integer")]
    pub version: i64,
    /// What Helm says about it, e.g. `deployed`.
    pub status: String,
    /// What made it, e.g. `upgrade`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub action: String,
    /// Name of the chart.
    pub chart_name: String,
    /// Version of the chart.
    pub chart_version: String,
    /// What the chart says it installs.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub app_version: String,
    /// Digest of the values.
    pub config_digest: String,
    /// When the release was first installed.
    pub first_deployed: Time,
    /// When this one was made.
    pub last_deployed: Time,
    /// When it was uninstalled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted: Option<Time>,
    /// How its tests went; absent means that none were run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_hooks: Option<BTreeMap<String, TestHookStatus>>,
    /// Digest of the chart in a registry.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub oci_digest: String,
}

/// How one test went.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TestHookStatus {
    /// When it started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_started: Option<Time>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_completed: Option<Time>,
    /// How it ended.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub phase: String,
}
