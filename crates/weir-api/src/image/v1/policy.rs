//! ImagePolicy: which of the tags is the latest.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ImageRef;
use crate::image::GROUP;
use crate::meta::{Condition, GoDuration, NamespacedObjectReference};
use crate::resource::{Column, Definition, StatusSubresource, custom_resource, reconcilable};
use crate::schema::is_false;

custom_resource! {
    /// A choice among the tags of an ImageRepository.
    pub struct ImagePolicy { spec: ImagePolicySpec, status: ImagePolicyStatus }
    Definition {
        group: GROUP,
        version: "v1",
        kind: "ImagePolicy",
        plural: "imagepolicies",
        short_names: &["imgpol", "imagepol"],
        categories: &[],
        substitute_disabled: false,
        status: StatusSubresource::Unobserved,
        columns: &[
            Column::text("Image", ".status.latestRef.name"),
            Column::text("Tag", ".status.latestRef.tag"),
            Column::READY,
            Column::STATUS,
            Column::AGE,
        ],
    }
}
reconcilable!(ImagePolicy, ImagePolicyStatus);

/// Whose tags, and how to choose.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [
    {
        "rule": "!has(self.interval) || (has(self.digestReflectionPolicy) && self.digestReflectionPolicy == 'Always')",
        "message": "spec.interval is only accepted when spec.digestReflectionPolicy is set to 'Always'"
    },
    {
        "rule": "has(self.interval) || !has(self.digestReflectionPolicy) || self.digestReflectionPolicy != 'Always'",
        "message": "spec.interval must be set when spec.digestReflectionPolicy is set to 'Always'"
    }
]))]
pub struct ImagePolicySpec {
    /// The ImageRepository.
    pub image_repository_ref: NamespacedObjectReference,
    /// How to choose.
    pub policy: ImagePolicyChoice,
    /// Which tags take part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter_tags: Option<TagFilter>,
    /// Whether to note what the chosen tag points at.
    #[serde(default)]
    pub digest_reflection_policy: DigestReflectionPolicy,
    /// How often to look what it points at; with `Always` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<GoDuration>,
    /// Leaves the object alone until it is unset.
    #[serde(default, skip_serializing_if = "is_false")]
    pub suspend: bool,
}

/// How to choose. If several are set, the first of semver, alphabetical, numerical counts.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct ImagePolicyChoice {
    /// The highest semantic version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub semver: Option<SemVerPolicy>,
    /// The last in the alphabet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alphabetical: Option<AlphabeticalPolicy>,
    /// The highest number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub numerical: Option<NumericalPolicy>,
}

/// The highest semantic version.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct SemVerPolicy {
    /// In this range.
    pub range: String,
}

/// The last in the alphabet.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct AlphabeticalPolicy {
    /// In which order. Absent means `asc`.
    #[serde(default)]
    pub order: SortOrder,
}

/// The highest number.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct NumericalPolicy {
    /// In which order. Absent means `asc`.
    #[serde(default)]
    pub order: SortOrder,
}

/// The order whose last tag is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SortOrder {
    /// Ascending: the greatest is chosen.
    #[default]
    Asc,
    /// Descending: the least is chosen.
    Desc,
}

/// Which tags take part.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct TagFilter {
    /// Regular expression that they must match.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub pattern: String,
    /// What to compare of them, with the groups of the pattern as `$name`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub extract: String,
}

/// Whether to note what a chosen tag points at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
pub enum DigestReflectionPolicy {
    /// Yes, and look again every interval.
    Always,
    /// Once.
    IfNotPresent,
    /// No.
    #[default]
    Never,
}

/// What was chosen.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImagePolicyStatus {
    /// The last generation that was dealt with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// How it went.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// The choice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latest_ref: Option<ImageRef>,
    /// The choice before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_previous_ref: Option<ImageRef>,
    /// The reconciliation request that was served last.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub last_handled_reconcile_at: String,
}
