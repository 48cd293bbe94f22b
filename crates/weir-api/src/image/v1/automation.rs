//! ImageUpdateAutomation: writes what the policies chose into a Git repository.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{GitSpec, ImageRef};
use crate::image::GROUP;
use crate::meta::{Condition, GoDuration, Time};
use crate::resource::{Column, Definition, StatusSubresource, custom_resource, reconcilable};
use crate::schema::is_false;

custom_resource! {
    /// Commits of new image tags to a Git repository.
    pub struct ImageUpdateAutomation { spec: ImageUpdateAutomationSpec, status: ImageUpdateAutomationStatus }
    Definition {
        group: GROUP,
        version: "v1",
        kind: "ImageUpdateAutomation",
        plural: "imageupdateautomations",
        short_names: &["iua", "imgupd", "imgauto"],
        categories: &["all", "fluxcd", "fluxcd-images"],
        substitute_disabled: false,
        status: StatusSubresource::Unobserved,
        columns: &[
            Column::READY,
            Column::STATUS,
            Column::wide("Last run", ".status.lastAutomationRunTime"),
            Column::AGE,
        ],
    }
}
reconcilable!(ImageUpdateAutomation, ImageUpdateAutomationStatus);

/// Which repository, which policies, how to commit.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImageUpdateAutomationSpec {
    /// The repository to change.
    pub source_ref: AutomationSourceReference,
    /// How to check out, commit and push.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub git: Option<GitSpec>,
    /// How often to look for new choices.
    pub interval: GoDuration,
    /// Which ImagePolicies of the namespace take part. Absent means all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy_selector: Option<LabelSelector>,
    /// How to change files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = {"strategy": "Setters"}))]
    pub update: Option<UpdateStrategy>,
    /// Leaves the repository alone until it is unset.
    #[serde(default, skip_serializing_if = "is_false")]
    pub suspend: bool,
}

/// A repository to change, possibly in another namespace.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AutomationSourceReference {
    /// API version of the source; empty means the one served.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub api_version: String,
    /// Kind of the source.
    #[serde(default)]
    #[schemars(!default, extend("default" = "GitRepository"))]
    pub kind: AutomationSourceKind,
    /// Name of the source.
    pub name: String,
    /// Namespace of the source; empty means that of the automation.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub namespace: String,
}

/// Kinds whose content an automation can change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
pub enum AutomationSourceKind {
    /// A Git repository.
    #[default]
    GitRepository,
}

/// How to change files.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct UpdateStrategy {
    /// By what.
    #[serde(default)]
    pub strategy: UpdateStrategyName,
    /// The directory to change files in; empty means the root.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub path: String,
}

/// By what to change files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
pub enum UpdateStrategyName {
    /// By markers in comments.
    #[default]
    Setters,
}

/// Objects by their labels; all parts must match.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-map-type" = "atomic"))]
pub struct LabelSelector {
    /// Labels with their values.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub match_labels: BTreeMap<String, String>,
    /// Conditions on labels.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "atomic"))]
    pub match_expressions: Vec<LabelSelectorRequirement>,
}

/// A condition on a label.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct LabelSelectorRequirement {
    /// The label.
    pub key: String,
    /// `In`, `NotIn`, `Exists` or `DoesNotExist`.
    pub operator: String,
    /// The values, for the first two.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "atomic"))]
    pub values: Vec<String>,
}

/// What was committed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImageUpdateAutomationStatus {
    /// The last generation that was dealt with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// How it went.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// When the last run ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_automation_run_time: Option<Time>,
    /// Hash of the last commit.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub last_push_commit: String,
    /// When it was pushed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_push_time: Option<Time>,
    /// What the policies had chosen in the last run.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub observed_policies: BTreeMap<String, ImageRef>,
    /// The repository's revision as of the last run.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub observed_source_revision: String,
    /// The reconciliation request that was served last.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub last_handled_reconcile_at: String,
}
