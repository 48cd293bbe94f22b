//! Where a HelmRelease gets its chart.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::meta::{CommonMetadata, GoDuration, LocalObjectReference};
use crate::schema::is_false;
use crate::source::v1::{ChartSourceKind, ReconcileStrategy, VerificationProvider};

/// The HelmChart to make for a release.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct ChartTemplate {
    /// Its labels and annotations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<CommonMetadata>,
    /// Its spec.
    pub spec: ChartTemplateSpec,
}

/// Which chart, from where.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChartTemplateSpec {
    /// Name of the chart in a HelmRepository, else its directory in the source.
    #[schemars(length(min = 1, max = 2048))]
    pub chart: String,
    /// Range of semantic versions; only for a HelmRepository.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(extend("default" = "*"))]
    pub version: String,
    /// Where the chart comes from.
    pub source_ref: CrossNamespaceSourceReference,
    /// How often to look for a new version. Absent means the interval of the release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<GoDuration>,
    /// What makes a new artifact.
    #[serde(default)]
    pub reconcile_strategy: ReconcileStrategy,
    /// Values files to merge into the chart's own, later ones win.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values_files: Vec<String>,
    /// Skips values files that do not exist.
    #[serde(default, skip_serializing_if = "is_false")]
    pub ignore_missing_values_files: bool,
    /// Which signatures the chart must carry; only from a registry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verify: Option<ChartTemplateVerification>,
}

/// Which signatures the chart must carry.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChartTemplateVerification {
    /// What the signatures were made with.
    #[serde(default)]
    #[schemars(!default, extend("default" = "cosign"))]
    pub provider: VerificationProvider,
    /// A Secret with the public keys to trust.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<LocalObjectReference>,
}

/// A source of charts, possibly in another namespace.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CrossNamespaceSourceReference {
    /// API version of the source; empty means the one served.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub api_version: String,
    /// Kind of the source.
    pub kind: ChartSourceKind,
    /// Name of the source.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Namespace of the source; empty means that of the HelmRelease.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(min = 1, max = 63))]
    pub namespace: String,
}

/// A source that holds a chart, possibly in another namespace.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CrossNamespaceChartReference {
    /// API version of the source; empty means the one served.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub api_version: String,
    /// Kind of the source.
    pub kind: ChartRefKind,
    /// Name of the source.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Namespace of the source; empty means that of the HelmRelease.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(min = 1, max = 63))]
    pub namespace: String,
}

/// Kinds that hold a chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
pub enum ChartRefKind {
    /// A chart in a container registry.
    #[default]
    #[serde(rename = "OCIRepository")]
    OciRepository,
    /// A chart that source-controller made.
    HelmChart,
    /// A chart that somebody else stored.
    ExternalArtifact,
}
