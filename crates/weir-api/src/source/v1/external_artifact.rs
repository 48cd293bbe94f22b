//! ExternalArtifact: an artifact that somebody else writes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::CATEGORIES;
use crate::meta::{Artifact, Condition, NamespacedObjectKindReference};
use crate::resource::{Column, Definition, StatusSubresource, custom_resource, reconcilable};
use crate::source::GROUP;

custom_resource! {
    /// An artifact that a third party stores and announces in the status.
    pub struct ExternalArtifact { spec: ExternalArtifactSpec, status: ExternalArtifactStatus }
    Definition {
        group: GROUP,
        version: "v1",
        kind: "ExternalArtifact",
        plural: "externalartifacts",
        short_names: &["ea"],
        categories: CATEGORIES,
        substitute_disabled: false,
        status: StatusSubresource::Absent,
        columns: &[Column::AGE, Column::READY, Column::STATUS, Column::text("Source", ".spec.sourceRef.name")],
    }
}
reconcilable!(ExternalArtifact, ExternalArtifactStatus, |_object| false);

/// Whom the artifact belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExternalArtifactSpec {
    /// The object that the artifact was made for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_ref: Option<NamespacedObjectKindReference>,
}

/// What the third party stored.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExternalArtifactStatus {
    /// The stored artifact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact: Option<Artifact>,
    /// How it went.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
}
