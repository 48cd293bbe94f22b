//! What appliers put over the objects they apply, and the list of what they applied.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Labels and annotations forced onto every object.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct CommonMetadata {
    /// Annotations to set.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// Labels to set.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

/// A patch and the objects it changes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Patch {
    /// A strategic merge patch or a list of JSON 6902 operations, as YAML.
    pub patch: String,
    /// Which objects to patch; absent means the one that the patch itself names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Selector>,
}

/// Objects by kind, name and metadata; what is empty matches everything.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Selector {
    /// API group.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub group: String,
    /// API version.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// Kind.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// Namespace.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// Name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Label selector as `kubectl -l` takes it, matched against annotations.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub annotation_selector: String,
    /// Label selector as `kubectl -l` takes it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub label_selector: String,
}

/// Fields to leave to others.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct IgnoreRule {
    /// JSON pointers to the fields.
    pub paths: Vec<String>,
    /// The objects it is about; absent means all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Selector>,
}

/// Another name, tag or digest for a container image.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImageOverride {
    /// The image as the manifests name it, without tag.
    pub name: String,
    /// The name to use instead.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub new_name: String,
    /// The tag to use instead.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub new_tag: String,
    /// The digest to use instead of a tag.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub digest: String,
}

/// CEL expressions that judge the health of objects of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CustomHealthCheck {
    /// API version of the objects.
    pub api_version: String,
    /// Kind of the objects; empty means every kind of the group.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// True when the object has reached its desired state.
    pub current: String,
    /// True while the object is on its way there.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub in_progress: String,
    /// True when the object will not get there.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub failed: String,
}

/// What an applier has put into a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct ResourceInventory {
    /// The objects.
    pub entries: Vec<InventoryEntry>,
}

/// One object of an inventory.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, JsonSchema,
)]
pub struct InventoryEntry {
    /// The object as `<namespace>_<name>_<group>_<kind>`.
    pub id: String,
    /// Its API version, without the group.
    pub v: String,
}
