//! What a HelmRelease feeds into a chart and does with what comes out.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::meta::{IgnoreRule, ImageOverride, Patch, ValuesKind};
use crate::schema::is_false;

/// A Secret or ConfigMap with values.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ValuesReference {
    /// Which of the two.
    pub kind: ValuesKind,
    /// Its name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// The key that holds the values; empty means `values.yaml`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 253), extend("pattern" = r"^[\-._a-zA-Z0-9]+$"))]
    pub values_key: String,
    /// Where in the values to put the text of the key, as `helm --set` takes it; empty means to merge it as YAML.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 250), extend("pattern" = r"^([a-zA-Z0-9_\-.\\\/]|\[[0-9]{1,5}\])+$"))]
    pub target_path: String,
    /// Goes on without it if it does not exist.
    #[serde(default, skip_serializing_if = "is_false")]
    pub optional: bool,
    /// Takes the text for the target path as it is, without reading commas and braces in it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub literal: bool,
}

/// What to do about changes by others in the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct DriftDetection {
    /// What to do. Absent means `disabled`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<DriftDetectionMode>,
    /// Fields to leave to others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignore: Vec<IgnoreRule>,
}

/// What to do about changes by others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DriftDetectionMode {
    /// Undo them.
    Enabled,
    /// Tell about them.
    Warn,
    /// Do not look for them.
    #[default]
    Disabled,
}

/// A change to what a chart renders.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct PostRenderer {
    /// By kustomize.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kustomize: Option<KustomizePostRenderer>,
}

/// A change by kustomize.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct KustomizePostRenderer {
    /// Strategic merge and JSON 6902 patches.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub patches: Vec<Patch>,
    /// Other names, tags or digests for container images.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<ImageOverride>,
}

/// What post-renderers see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PostRenderStrategy {
    /// No hooks.
    NoHooks,
    /// Hooks and everything else together.
    #[default]
    Combined,
    /// Hooks and everything else, one after the other.
    Separate,
}

/// How to wait for objects to become ready.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct WaitStrategy {
    /// By which rules.
    pub name: WaitStrategyName,
}

/// Rules of readiness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum WaitStrategyName {
    /// kstatus.
    #[default]
    Poller,
    /// Those of Helm 3.
    Legacy,
}
