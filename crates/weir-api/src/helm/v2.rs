//! Version `v2` of the helm API: the HelmRelease.
//!
//! Source: helm-controller v1.6 `api/v2`.

mod action;
mod chart;
mod status;
mod values;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use action::{
    ApplyMode, ChartNameChangeStrategy, CrdsPolicy, DeletionPropagation, Install,
    InstallRemediation, InstallStrategy, Rollback, StrategyName, Test, TestFilter, Uninstall,
    Upgrade, UpgradeRemediation, UpgradeRemediationStrategy, UpgradeStrategy,
};
pub use chart::{
    ChartRefKind, ChartTemplate, ChartTemplateSpec, ChartTemplateVerification,
    CrossNamespaceChartReference, CrossNamespaceSourceReference,
};
pub use status::{HelmReleaseStatus, ReleaseAction, Snapshot, TestHookStatus};
pub use values::{
    DriftDetection, DriftDetectionMode, KustomizePostRenderer, PostRenderStrategy, PostRenderer,
    ValuesReference, WaitStrategy, WaitStrategyName,
};

use super::GROUP;
use crate::meta::{
    CommonMetadata, CustomHealthCheck, DependencyReference, GoDuration, KubeConfigReference,
};
use crate::resource::{Column, Definition, StatusSubresource, custom_resource, reconcilable};
use crate::schema::{self, is_false};

custom_resource! {
    /// A Helm release kept as its chart and values say.
    pub struct HelmRelease { spec: HelmReleaseSpec, status: HelmReleaseStatus }
    Definition {
        group: GROUP,
        version: "v2",
        kind: "HelmRelease",
        plural: "helmreleases",
        short_names: &["hr"],
        categories: &["all", "fluxcd", "fluxcd-appliers"],
        substitute_disabled: true,
        status: StatusSubresource::Unobserved,
        columns: &[Column::AGE, Column::READY, Column::STATUS],
    }
}
reconcilable!(HelmRelease, HelmReleaseStatus);

/// Which chart, which values, and how to release.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [{
    "rule": "(has(self.chart) && !has(self.chartRef)) || (!has(self.chart) && has(self.chartRef))",
    "message": "either chart or chartRef must be set"
}]))]
pub struct HelmReleaseSpec {
    /// A HelmChart to make for this release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chart: Option<ChartTemplate>,
    /// A source that holds the chart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chart_ref: Option<CrossNamespaceChartReference>,
    /// How often to reconcile when nothing changed.
    pub interval: GoDuration,
    /// Another cluster to release to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kube_config: Option<KubeConfigReference>,
    /// Leaves the release alone until it is unset.
    #[serde(default, skip_serializing_if = "is_false")]
    pub suspend: bool,
    /// Name of the release; empty means one made of target namespace and name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(min = 1, max = 53))]
    pub release_name: String,
    /// Namespace of the release; empty means that of the HelmRelease.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(min = 1, max = 63))]
    pub target_namespace: String,
    /// Namespace of Helm's records; empty means that of the HelmRelease.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(min = 1, max = 63))]
    pub storage_namespace: String,
    /// HelmReleases that must be ready first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<DependencyReference>,
    /// How long one Helm action may take. Absent means five minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<GoDuration>,
    /// How many records Helm keeps; 0 means all. Absent means 5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::integer")]
    pub max_history: Option<i64>,
    /// The service account to release as.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(min = 1, max = 253))]
    pub service_account_name: String,
    /// Uses one client for all actions of a pass. Absent means true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub persistent_client: Option<bool>,
    /// What to do about changes by others in the cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift_detection: Option<DriftDetection>,
    /// How to install.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub install: Option<Install>,
    /// How to upgrade.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upgrade: Option<Upgrade>,
    /// How to test.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<Test>,
    /// How to roll back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback: Option<Rollback>,
    /// How to uninstall.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uninstall: Option<Uninstall>,
    /// Secrets and ConfigMaps with values; later ones win.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values_from: Vec<ValuesReference>,
    /// Values; these win over those of `valuesFrom`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::anything")]
    pub values: Option<Value>,
    /// Labels and annotations to put on every object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub common_metadata: Option<CommonMetadata>,
    /// Changes to what the chart renders, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub post_renderers: Vec<PostRenderer>,
    /// What the post-renderers see. Absent means `combined`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub post_render_strategy: Option<PostRenderStrategy>,
    /// How to wait for the objects to become ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_strategy: Option<WaitStrategy>,
    /// How to judge the health of custom resources.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub health_check_exprs: Vec<CustomHealthCheck>,
}
