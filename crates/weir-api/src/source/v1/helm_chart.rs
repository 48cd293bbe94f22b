//! HelmChart: a chart from a repository, or packaged from a source.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{CATEGORIES, ChartVerification};
use crate::meta::{Artifact, Condition, GoDuration};
use crate::resource::{Column, Definition, StatusSubresource, custom_resource, reconcilable};
use crate::schema::is_false;
use crate::source::GROUP;

custom_resource! {
    /// A Helm chart that becomes an artifact.
    pub struct HelmChart { spec: HelmChartSpec, status: HelmChartStatus }
    Definition {
        group: GROUP,
        version: "v1",
        kind: "HelmChart",
        plural: "helmcharts",
        short_names: &["hc"],
        categories: CATEGORIES,
        substitute_disabled: false,
        status: StatusSubresource::Unobserved,
        columns: &[
            Column::text("Chart", ".spec.chart"),
            Column::text("Version", ".spec.version"),
            Column::text("Source Kind", ".spec.sourceRef.kind"),
            Column::text("Source Name", ".spec.sourceRef.name"),
            Column::AGE,
            Column::READY,
            Column::STATUS,
        ],
    }
}
reconcilable!(HelmChart, HelmChartStatus);

/// Which chart, from where.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [{
    "rule": "!has(self.verify) || self.sourceRef.kind == 'HelmRepository'",
    "message": "spec.verify is only supported when spec.sourceRef.kind is 'HelmRepository'"
}]))]
pub struct HelmChartSpec {
    /// Name of the chart in a HelmRepository, else its directory in the source.
    pub chart: String,
    /// Range of semantic versions; only for a HelmRepository.
    #[serde(default = "any_version", skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// Where the chart comes from.
    pub source_ref: LocalHelmChartSourceReference,
    /// How often to look for a new version.
    pub interval: GoDuration,
    /// What makes a new artifact.
    #[serde(default)]
    pub reconcile_strategy: ReconcileStrategy,
    /// Values files to merge into the chart's own, later ones win.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values_files: Vec<String>,
    /// Skips values files that do not exist.
    #[serde(default, skip_serializing_if = "is_false")]
    pub ignore_missing_values_files: bool,
    /// Leaves the object alone until it is unset.
    #[serde(default, skip_serializing_if = "is_false")]
    pub suspend: bool,
    /// Which signatures the chart must carry; only from a registry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verify: Option<ChartVerification>,
}

fn any_version() -> String {
    "*".to_owned()
}

/// A source in the same namespace.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LocalHelmChartSourceReference {
    /// API version of the source; empty means the one served.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub api_version: String,
    /// Kind of the source.
    pub kind: ChartSourceKind,
    /// Name of the source.
    pub name: String,
}

/// Kinds that charts come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
pub enum ChartSourceKind {
    /// A repository of charts.
    #[default]
    HelmRepository,
    /// A Git repository with a chart in a directory.
    GitRepository,
    /// A bucket with a chart in a directory.
    Bucket,
}

/// What makes a new artifact of a chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
pub enum ReconcileStrategy {
    /// A new version of the chart.
    #[default]
    ChartVersion,
    /// A new revision of the source.
    Revision,
}

/// What was fetched, built and stored.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HelmChartStatus {
    /// The last generation that was dealt with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// The source's revision as of the artifact.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub observed_source_artifact_revision: String,
    /// The chart's name as of the artifact.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub observed_chart_name: String,
    /// The values files that went into the artifact, when missing ones are skipped.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub observed_values_files: Vec<String>,
    /// How it went.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// Where the latest artifact is served.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub url: String,
    /// The stored chart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact: Option<Artifact>,
    /// The reconciliation request that was served last.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub last_handled_reconcile_at: String,
}
