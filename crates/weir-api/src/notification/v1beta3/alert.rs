//! Alert: which events go to which provider.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::meta::LocalObjectReference;
use crate::notification::v1::CrossNamespaceObjectReference;
use crate::notification::{CATEGORIES, GROUP};
use crate::resource::{Column, Definition, StatusSubresource, custom_resource};
use crate::schema::is_false;

custom_resource! {
    /// Events of some objects, sent to a provider.
    pub struct Alert { spec: AlertSpec }
    Definition {
        group: GROUP,
        version: "v1beta3",
        kind: "Alert",
        plural: "alerts",
        short_names: &[],
        categories: CATEGORIES,
        substitute_disabled: true,
        status: StatusSubresource::None,
        columns: &[Column::AGE],
    }
}

/// Which events, and where they go.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AlertSpec {
    /// The Provider to send to.
    pub provider_ref: LocalObjectReference,
    /// How serious an event must be.
    #[serde(default)]
    pub event_severity: EventSeverity,
    /// Whose events.
    pub event_sources: Vec<CrossNamespaceObjectReference>,
    /// Regular expressions, one of which a message must match; none means all messages.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inclusion_list: Vec<String>,
    /// Facts to add to the events.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub event_metadata: BTreeMap<String, String>,
    /// Regular expressions, none of which a message may match.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclusion_list: Vec<String>,
    /// Deprecated: `summary` in `eventMetadata` instead.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 255))]
    pub summary: String,
    /// Sends nothing until it is unset.
    #[serde(default, skip_serializing_if = "is_false")]
    pub suspend: bool,
}

/// How serious an event must be to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum EventSeverity {
    /// Good news and bad.
    #[default]
    Info,
    /// Bad news only.
    Error,
}
