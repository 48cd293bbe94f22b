//! The history of a Kustomization: which builds it went through.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::meta::{GoDuration, Time};

/// One build and how often it was reconciled with the same end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Snapshot {
    /// Checksum of what was built.
    pub digest: String,
    /// When it first ended so.
    pub first_reconciled: Time,
    /// When it last ended so.
    pub last_reconciled: Time,
    /// How long the last time took.
    #[schemars(with = "String")]
    pub last_reconciled_duration: GoDuration,
    /// How it ended: the reason of the Ready condition.
    pub last_reconciled_status: String,
    /// How often it ended so in a row.
    pub total_reconciliations: i64,
    /// Facts about the source, e.g. `revision` and `originRevision`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
}

impl Snapshot {
    /// How many are kept.
    pub const KEEP: usize = 5;
    /// Key in [`Snapshot::metadata`]: the revision of the source.
    pub const REVISION: &'static str = "revision";
    /// Key in [`Snapshot::metadata`]: what the source was made from elsewhere.
    pub const ORIGIN_REVISION: &'static str = "originRevision";
}
