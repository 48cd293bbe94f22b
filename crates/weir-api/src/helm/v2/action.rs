//! How a HelmRelease installs, upgrades, tests, rolls back and uninstalls.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::meta::GoDuration;
use crate::schema::{self, is_false};

/// How to install.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Install {
    /// How long it may take. Absent means the timeout of the release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<GoDuration>,
    /// What to do when it fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strategy: Option<InstallStrategy>,
    /// How to remediate when it fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remediation: Option<InstallRemediation>,
    /// Refuses objects that another release owns.
    #[serde(default, skip_serializing_if = "is_false")]
    pub disable_take_ownership: bool,
    /// Does not wait for the objects to become ready.
    #[serde(default, skip_serializing_if = "is_false")]
    pub disable_wait: bool,
    /// Does not wait for Jobs to complete.
    #[serde(default, skip_serializing_if = "is_false")]
    pub disable_wait_for_jobs: bool,
    /// Does not run hooks.
    #[serde(default, skip_serializing_if = "is_false")]
    pub disable_hooks: bool,
    /// Does not validate objects against the API server's schemas.
    #[serde(
        default,
        rename = "disableOpenAPIValidation",
        skip_serializing_if = "is_false"
    )]
    pub disable_openapi_validation: bool,
    /// Does not validate values against the chart's schema.
    #[serde(default, skip_serializing_if = "is_false")]
    pub disable_schema_validation: bool,
    /// Uses the name of a deleted release again.
    #[serde(default, skip_serializing_if = "is_false")]
    pub replace: bool,
    /// Accepted for compatibility; see `crds`.
    #[serde(default, rename = "skipCRDs", skip_serializing_if = "is_false")]
    pub skip_crds: bool,
    /// What to do with the chart's `crds` directory. Absent means `Create`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crds: Option<CrdsPolicy>,
    /// Makes the target namespace if it does not exist.
    #[serde(default, skip_serializing_if = "is_false")]
    pub create_namespace: bool,
    /// Writes by server-side apply. Absent means true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_side_apply: Option<bool>,
}

/// What to do when an install fails.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [{
    "rule": "!has(self.retryInterval) || self.name != 'RemediateOnFailure'",
    "message": ".retryInterval cannot be set when .name is 'RemediateOnFailure'"
}]))]
pub struct InstallStrategy {
    /// What to do.
    pub name: StrategyName,
    /// How long to wait before a retry. Absent means five minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_interval: Option<GoDuration>,
}

/// What to do when an upgrade fails.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [{
    "rule": "!has(self.retryInterval) || self.name == 'RetryOnFailure'",
    "message": ".retryInterval can only be set when .name is 'RetryOnFailure'"
}]))]
pub struct UpgradeStrategy {
    /// What to do.
    pub name: StrategyName,
    /// How long to wait before a retry. Absent means five minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_interval: Option<GoDuration>,
}

/// What to do when an action fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
pub enum StrategyName {
    /// Remediate, as often as `retries` allows.
    #[default]
    RemediateOnFailure,
    /// Leave things as they are and try again.
    RetryOnFailure,
}

/// How to remediate a failed install: by uninstalling.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct InstallRemediation {
    /// How often to try again; negative means without end.
    #[serde(default, skip_serializing_if = "schema::is_zero")]
    #[schemars(schema_with = "schema::integer")]
    pub retries: i64,
    /// Whether failed tests need no remediation. Absent means as `test.ignoreFailures` says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ignore_test_failures: Option<bool>,
    /// Whether to remediate the last failure too. Absent means false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remediate_last_failure: Option<bool>,
}

/// How to remediate a failed upgrade.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UpgradeRemediation {
    /// How often to try again; negative means without end.
    #[serde(default, skip_serializing_if = "schema::is_zero")]
    #[schemars(schema_with = "schema::integer")]
    pub retries: i64,
    /// Whether failed tests need no remediation. Absent means as `test.ignoreFailures` says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ignore_test_failures: Option<bool>,
    /// Whether to remediate the last failure too. Absent means only if there are retries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remediate_last_failure: Option<bool>,
    /// By which action. Absent means `rollback`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strategy: Option<UpgradeRemediationStrategy>,
}

/// By which action to remediate a failed upgrade.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum UpgradeRemediationStrategy {
    /// Back to the last release that was good.
    #[default]
    Rollback,
    /// Away with the release, then install anew.
    Uninstall,
}

/// What to do with a chart's `crds` directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
pub enum CrdsPolicy {
    /// Nothing.
    Skip,
    /// Create those that do not exist.
    #[default]
    Create,
    /// Create those that do not exist and replace the others.
    CreateReplace,
}

/// How to upgrade.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Upgrade {
    /// How long it may take. Absent means the timeout of the release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<GoDuration>,
    /// What to do when it fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strategy: Option<UpgradeStrategy>,
    /// How to remediate when it fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remediation: Option<UpgradeRemediation>,
    /// Refuses objects that another release owns.
    #[serde(default, skip_serializing_if = "is_false")]
    pub disable_take_ownership: bool,
    /// Does not wait for the objects to become ready.
    #[serde(default, skip_serializing_if = "is_false")]
    pub disable_wait: bool,
    /// Does not wait for Jobs to complete.
    #[serde(default, skip_serializing_if = "is_false")]
    pub disable_wait_for_jobs: bool,
    /// Does not run hooks.
    #[serde(default, skip_serializing_if = "is_false")]
    pub disable_hooks: bool,
    /// Does not validate objects against the API server's schemas.
    #[serde(
        default,
        rename = "disableOpenAPIValidation",
        skip_serializing_if = "is_false"
    )]
    pub disable_openapi_validation: bool,
    /// Does not validate values against the chart's schema.
    #[serde(default, skip_serializing_if = "is_false")]
    pub disable_schema_validation: bool,
    /// Deletes and creates objects that cannot be changed.
    #[serde(default, skip_serializing_if = "is_false")]
    pub force: bool,
    /// Starts from the values of the last release.
    #[serde(default, skip_serializing_if = "is_false")]
    pub preserve_values: bool,
    /// Deletes new objects when the upgrade fails.
    #[serde(default, skip_serializing_if = "is_false")]
    pub cleanup_on_fail: bool,
    /// What to do with the chart's `crds` directory. Absent means `Create`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crds: Option<CrdsPolicy>,
    /// Whether to write by server-side apply. Absent means `auto`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_side_apply: Option<ApplyMode>,
    /// What to do when the chart has another name. Absent means `Reinstall`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chart_name_change_strategy: Option<ChartNameChangeStrategy>,
}

/// Whether to write by server-side apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ApplyMode {
    /// Yes.
    Enabled,
    /// No.
    Disabled,
    /// As the last release was written.
    #[default]
    Auto,
}

/// What to do when a release's chart has another name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
pub enum ChartNameChangeStrategy {
    /// Upgrade all the same.
    InPlaceUpdate,
    /// Uninstall, then install.
    #[default]
    Reinstall,
}

/// How to test.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Test {
    /// Runs the chart's tests after an install or upgrade.
    #[serde(default, skip_serializing_if = "is_false")]
    pub enable: bool,
    /// How long they may take. Absent means the timeout of the release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<GoDuration>,
    /// Goes on as if failed tests had passed.
    #[serde(default, skip_serializing_if = "is_false")]
    pub ignore_failures: bool,
    /// Which tests to run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filters: Option<Vec<TestFilter>>,
}

/// A test to run or to leave out.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct TestFilter {
    /// Name of the test.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Leaves it out.
    #[serde(default, skip_serializing_if = "is_false")]
    pub exclude: bool,
}

/// How to roll back.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Rollback {
    /// How long it may take. Absent means the timeout of the release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<GoDuration>,
    /// Does not wait for the objects to become ready.
    #[serde(default, skip_serializing_if = "is_false")]
    pub disable_wait: bool,
    /// Does not wait for Jobs to complete.
    #[serde(default, skip_serializing_if = "is_false")]
    pub disable_wait_for_jobs: bool,
    /// Does not run hooks.
    #[serde(default, skip_serializing_if = "is_false")]
    pub disable_hooks: bool,
    /// Accepted for compatibility; without effect.
    #[serde(default, skip_serializing_if = "is_false")]
    pub recreate: bool,
    /// Deletes and creates objects that cannot be changed.
    #[serde(default, skip_serializing_if = "is_false")]
    pub force: bool,
    /// Deletes new objects when the rollback fails.
    #[serde(default, skip_serializing_if = "is_false")]
    pub cleanup_on_fail: bool,
    /// Whether to write by server-side apply. Absent means `auto`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_side_apply: Option<ApplyMode>,
}

/// How to uninstall.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Uninstall {
    /// How long it may take. Absent means the timeout of the release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<GoDuration>,
    /// Does not run hooks.
    #[serde(default, skip_serializing_if = "is_false")]
    pub disable_hooks: bool,
    /// Keeps Helm's records.
    #[serde(default, skip_serializing_if = "is_false")]
    pub keep_history: bool,
    /// Does not wait for the objects to be gone.
    #[serde(default, skip_serializing_if = "is_false")]
    pub disable_wait: bool,
    /// What becomes of what the objects own. Absent means `background`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = "background"))]
    pub deletion_propagation: Option<DeletionPropagation>,
}

/// What becomes of what deleted objects own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DeletionPropagation {
    /// Deleted afterwards.
    #[default]
    Background,
    /// Deleted first.
    Foreground,
    /// Left.
    Orphan,
}
