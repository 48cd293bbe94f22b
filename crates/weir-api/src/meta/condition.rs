//! Conditions: what a controller says about an object.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{MAX_CONDITION_MESSAGE, Time};

/// Condition types.
pub mod condition_type {
    /// The object is in its desired state. Always present at rest.
    pub const READY: &str = "Ready";
    /// The controller is at work, or will retry. Present only while true.
    pub const RECONCILING: &str = "Reconciling";
    /// Only a change of the spec can help. Present only while true.
    pub const STALLED: &str = "Stalled";
    /// Kustomization: the applied objects are healthy.
    pub const HEALTHY: &str = "Healthy";
    /// Source kinds: an artifact is in storage.
    pub const ARTIFACT_IN_STORAGE: &str = "ArtifactInStorage";
    /// Source kinds: the artifact is older than the source. Present only while true.
    pub const ARTIFACT_OUTDATED: &str = "ArtifactOutdated";
    /// Source kinds: the signature of the source was checked.
    pub const SOURCE_VERIFIED: &str = "SourceVerified";
    /// Source kinds: fetching failed. Present only while true.
    pub const FETCH_FAILED: &str = "FetchFailed";
    /// Source kinds: building the artifact failed. Present only while true.
    pub const BUILD_FAILED: &str = "BuildFailed";
    /// Source kinds: reading or writing the storage failed. Present only while true.
    pub const STORAGE_OPERATION_FAILED: &str = "StorageOperationFailed";
    /// GitRepository: an included artifact is missing. Present only while true.
    pub const INCLUDE_UNAVAILABLE: &str = "IncludeUnavailable";
    /// HelmRelease: the last release action succeeded.
    pub const RELEASED: &str = "Released";
    /// HelmRelease: the tests of the release passed.
    pub const TEST_SUCCESS: &str = "TestSuccess";
    /// HelmRelease: a failed release was rolled back or uninstalled.
    pub const REMEDIATED: &str = "Remediated";
    /// HelmRelease: the cluster differs from the release.
    pub const DRIFTED: &str = "Drifted";
}

/// One condition of an object's status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// What the condition is about, e.g. `Ready`.
    #[serde(rename = "type")]
    #[schemars(
        length(max = 316),
        extend("pattern" = r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$")
    )]
    pub type_: String,
    /// Whether it holds.
    pub status: ConditionStatus,
    /// One word for machines on why.
    #[schemars(length(min = 1, max = 1024), extend("pattern" = r"^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$"))]
    pub reason: String,
    /// A sentence for people on why; may be empty.
    #[serde(default)]
    #[schemars(!default, length(max = 32_768))]
    pub message: String,
    /// When status, reason or message last changed.
    pub last_transition_time: Time,
    /// The generation of the object that the condition speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub observed_generation: Option<i64>,
}

impl Condition {
    /// A condition without time and generation ([`Condition::at`] adds them); a message that is too long is cut.
    pub fn new(
        type_: &str,
        status: ConditionStatus,
        reason: &str,
        message: impl Into<String>,
    ) -> Self {
        Self {
            type_: type_.to_owned(),
            status,
            reason: reason.to_owned(),
            message: cut(message.into()),
            last_transition_time: Time::default(),
            observed_generation: None,
        }
    }

    /// The condition with the time and the generation it speaks of.
    #[must_use]
    pub fn at(mut self, now: impl Into<Time>, generation: Option<i64>) -> Self {
        self.last_transition_time = now.into();
        self.observed_generation = generation;
        self
    }

    /// Whether the status is `True`.
    pub fn is_true(&self) -> bool {
        self.status == ConditionStatus::True
    }

    fn says_the_same(&self, other: &Self) -> bool {
        self.status == other.status && self.reason == other.reason && self.message == other.message
    }
}

/// Whether a condition holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum ConditionStatus {
    /// It holds.
    True,
    /// It does not hold.
    False,
    /// Nobody can tell yet.
    Unknown,
}

impl ConditionStatus {
    /// The text as in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::True => "True",
            Self::False => "False",
            Self::Unknown => "Unknown",
        }
    }
}

impl fmt::Display for ConditionStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The condition of that type, if there is one.
pub fn find_condition<'a>(conditions: &'a [Condition], type_: &str) -> Option<&'a Condition> {
    conditions.iter().find(|condition| condition.type_ == type_)
}

/// Puts `condition` in place of the one of its type and sorts.
///
/// The time of the old one is kept if status, reason and message are the same. Order: Stalled,
/// Reconciling, Ready, then the newest generation, then the type's name.
/// Source: fluxcd/pkg runtime `conditions/setter.go` as of Flux 2.9.
pub fn set_condition(conditions: &mut Vec<Condition>, mut condition: Condition) {
    if let Some(old) = find_condition(conditions, &condition.type_)
        && old.says_the_same(&condition)
    {
        condition.last_transition_time = old.last_transition_time;
    }
    remove_condition(conditions, &condition.type_);
    conditions.push(condition);
    conditions.sort_by(|a, b| {
        (rank(&a.type_), b.observed_generation, &a.type_).cmp(&(
            rank(&b.type_),
            a.observed_generation,
            &b.type_,
        ))
    });
}

/// Removes the condition of that type.
pub fn remove_condition(conditions: &mut Vec<Condition>, type_: &str) {
    conditions.retain(|condition| condition.type_ != type_);
}

fn rank(type_: &str) -> u8 {
    match type_ {
        condition_type::STALLED => 0,
        condition_type::RECONCILING => 1,
        condition_type::READY => 2,
        _ => 3,
    }
}

fn cut(mut message: String) -> String {
    const ELLIPSIS: &str = "...";
    if message.len() > MAX_CONDITION_MESSAGE {
        message.truncate(message.floor_char_boundary(MAX_CONDITION_MESSAGE - ELLIPSIS.len()));
        message.push_str(ELLIPSIS);
    }
    message
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::condition_type::{HEALTHY, READY, RECONCILING, STALLED};
    use super::*;

    fn at(second: i64, type_: &str, reason: &str) -> Condition {
        let now = Timestamp::from_second(second).expect("in range");
        Condition::new(type_, ConditionStatus::True, reason, "done").at(now, Some(1))
    }

    #[test]
    fn prints_like_a_kubernetes_condition() {
        let json = serde_json::to_value(at(0, READY, "Succeeded")).expect("prints");
        let expect = serde_json::json!({
            "type": "Ready", "status": "True", "reason": "Succeeded", "message": "done",
            "lastTransitionTime": "1970-01-01T00:00:00Z", "observedGeneration": 1,
        });
        assert_eq!(json, expect);
    }

    #[test]
    fn keeps_the_time_of_what_did_not_change() {
        let mut conditions = vec![at(1, READY, "Succeeded")];
        let mut same = at(2, READY, "Succeeded");
        same.observed_generation = Some(2);
        set_condition(&mut conditions, same);
        assert_eq!(
            conditions[0].last_transition_time,
            at(1, READY, "").last_transition_time
        );
        assert_eq!(conditions[0].observed_generation, Some(2));
        set_condition(&mut conditions, at(3, READY, "Failed"));
        assert_eq!(
            conditions[0].last_transition_time,
            at(3, READY, "").last_transition_time
        );
    }

    #[test]
    fn sorts_what_matters_first() {
        let mut conditions = Vec::new();
        for type_ in [HEALTHY, READY, "Artifact", RECONCILING, STALLED] {
            set_condition(&mut conditions, at(1, type_, "Because"));
        }
        let mut newer = at(1, "Zebra", "Because");
        newer.observed_generation = Some(2);
        set_condition(&mut conditions, newer);
        let types: Vec<_> = conditions
            .iter()
            .map(|condition| condition.type_.as_str())
            .collect();
        assert_eq!(
            types,
            [STALLED, RECONCILING, READY, "Zebra", "Artifact", HEALTHY]
        );
    }

    #[test]
    fn cuts_a_message_at_a_character() {
        let condition = Condition::new(READY, ConditionStatus::False, "Failed", "é".repeat(20_000));
        assert!(condition.message.len() <= MAX_CONDITION_MESSAGE);
        assert!(condition.message.ends_with("é..."));
    }
}
