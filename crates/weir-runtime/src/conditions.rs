//! Editing an object's conditions by Flux's rules, for [`crate::kind::Kind::report`].
//!
//! Source: fluxcd/pkg `runtime/conditions` (Flux 2.9).

use jiff::Timestamp;
use weir_api::meta::{
    Condition, ConditionStatus, condition_type, find_condition, remove_condition, set_condition,
};

/// The conditions of one object being brought up to date for one generation at one moment.
#[derive(Debug)]
pub struct Conditions<'a> {
    conditions: &'a mut Vec<Condition>,
    generation: Option<i64>,
    now: Timestamp,
}

impl<'a> Conditions<'a> {
    /// Edits `conditions`; what is set speaks of `generation`, what changes changes `now`.
    pub fn new(
        conditions: &'a mut Vec<Condition>,
        generation: Option<i64>,
        now: Timestamp,
    ) -> Self {
        Self {
            conditions,
            generation,
            now,
        }
    }

    /// The condition of that type.
    pub fn get(&self, type_: &str) -> Option<&Condition> {
        find_condition(self.conditions, type_)
    }

    /// Whether the condition of that type is there and `True`.
    pub fn is_true(&self, type_: &str) -> bool {
        self.get(type_).is_some_and(Condition::is_true)
    }

    /// Sets a condition. Its time moves only if status, reason or message changes; a message that is too long
    /// is cut.
    pub fn set(
        &mut self,
        type_: &str,
        status: ConditionStatus,
        reason: &str,
        message: impl Into<String>,
    ) {
        let condition =
            Condition::new(type_, status, reason, message).at(self.now, self.generation);
        set_condition(self.conditions, condition);
    }

    /// Removes the condition of that type.
    pub fn delete(&mut self, type_: &str) {
        remove_condition(self.conditions, type_);
    }

    /// `Ready=True`.
    pub fn mark_ready(&mut self, reason: &str, message: impl Into<String>) {
        self.set(
            condition_type::READY,
            ConditionStatus::True,
            reason,
            message,
        );
    }

    /// `Ready=False`.
    pub fn mark_not_ready(&mut self, reason: &str, message: impl Into<String>) {
        self.set(
            condition_type::READY,
            ConditionStatus::False,
            reason,
            message,
        );
    }

    /// `Reconciling=True`; removes `Stalled`.
    pub fn mark_reconciling(&mut self, reason: &str, message: impl Into<String>) {
        self.delete(condition_type::STALLED);
        self.set(
            condition_type::RECONCILING,
            ConditionStatus::True,
            reason,
            message,
        );
    }

    /// `Stalled=True`; removes `Reconciling`.
    pub fn mark_stalled(&mut self, reason: &str, message: impl Into<String>) {
        self.delete(condition_type::RECONCILING);
        self.set(
            condition_type::STALLED,
            ConditionStatus::True,
            reason,
            message,
        );
    }

    /// Removes `Reconciling` and `Stalled`: the object is at rest.
    pub fn settle(&mut self) {
        self.delete(condition_type::RECONCILING);
        self.delete(condition_type::STALLED);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(conditions: &[Condition]) -> Vec<String> {
        let line = |c: &Condition| {
            format!(
                "{}={} {} g{}",
                c.type_,
                c.status,
                c.reason,
                c.observed_generation.unwrap_or(0)
            )
        };
        conditions.iter().map(line).collect()
    }

    #[test]
    fn reconciling_and_stalled_exclude_each_other() {
        let mut list = Vec::new();
        let mut conditions = Conditions::new(&mut list, Some(2), Timestamp::UNIX_EPOCH);
        conditions.mark_stalled("InvalidURL", "no");
        conditions.mark_reconciling("Progressing", "on it");
        conditions.set("Ready", ConditionStatus::Unknown, "Progressing", "on it");
        assert_eq!(
            shown(&list),
            [
                "Reconciling=True Progressing g2",
                "Ready=Unknown Progressing g2"
            ]
        );
        let mut conditions = Conditions::new(&mut list, Some(3), Timestamp::UNIX_EPOCH);
        conditions.mark_stalled("InvalidURL", "no");
        conditions.mark_not_ready("InvalidURL", "no");
        assert_eq!(
            shown(&list),
            ["Stalled=True InvalidURL g3", "Ready=False InvalidURL g3"]
        );
        Conditions::new(&mut list, Some(3), Timestamp::UNIX_EPOCH).settle();
        assert_eq!(shown(&list), ["Ready=False InvalidURL g3"]);
    }
}
