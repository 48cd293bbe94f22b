//! What was done to objects, in the order it was done, and the text that tells it.

use std::fmt;
use std::time::SystemTime;

use kstatus::Status;

use weir_api::meta::InventoryEntry;

use crate::inventory::Target;
use crate::live::{self, Accepted, Live};
use crate::object::{Object, ObjectRef};

/// What was done to one object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// It was not there.
    Created,
    /// It was there and differed.
    Configured,
    /// It was there as wanted.
    Unchanged,
    /// It was left alone, as its metadata asks.
    Skipped,
    /// It is gone, or on its way.
    Deleted,
}

impl Action {
    /// The word in messages.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Configured => "configured",
            Self::Unchanged => "unchanged",
            Self::Skipped => "skipped",
            Self::Deleted => "deleted",
        }
    }

    /// Whether the object was written or deleted.
    #[must_use]
    pub fn is_change(self) -> bool {
        matches!(self, Self::Created | Self::Configured | Self::Deleted)
    }
}

/// One object and what was done to it. Prints as `Kind/namespace/name action`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The object and the version it was applied in.
    pub target: Target,
    /// What was done.
    pub action: Action,
    /// The identity of the object after that; empty where it is unknown.
    pub uid: String,
    /// Its version after that; empty where it is unknown.
    pub resource_version: String,
    /// Its generation after that, where the kind counts it.
    pub generation: Option<i64>,
    /// kstatus's verdict on the object as it was then.
    pub status: Status,
    /// A Job that its controller deletes some time after it has finished.
    pub expires: bool,
    /// What was accepted, and what it came to; `None` if nothing was applied and nothing is known.
    pub accepted: Option<Accepted>,
    /// Fields that were not applied because the API server has none of these names, as `.spec.field`.
    pub left_out: Vec<String>,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.target.object, self.action.as_str())
    }
}

impl Change {
    /// `action` done to an object that the API server returned.
    #[must_use]
    pub fn of(object: &Object, action: Action) -> Self {
        Self {
            target: Target::of(object),
            action,
            uid: object.uid().to_owned(),
            resource_version: object.resource_version().to_owned(),
            generation: object.generation(),
            status: kstatus::compute(object.value(), SystemTime::now()),
            expires: live::expires(object),
            accepted: None,
            left_out: Vec::new(),
        }
    }

    /// `action` done to `target`, which is `live` now.
    pub(crate) fn of_live(target: &Target, live: &Live, action: Action) -> Self {
        Self {
            target: target.clone(),
            action,
            uid: live.uid.clone(),
            resource_version: live.resource_version.clone(),
            generation: live.generation,
            status: live.status.clone(),
            expires: live.expires,
            accepted: None,
            left_out: Vec::new(),
        }
    }

    /// The same, with what was accepted.
    pub(crate) fn with(mut self, accepted: Accepted) -> Self {
        self.accepted = Some(accepted);
        self
    }

    /// `action` done to an object of which only the name is known.
    pub(crate) fn named(target: &Target, action: Action) -> Self {
        Self {
            target: target.clone(),
            action,
            uid: String::new(),
            resource_version: String::new(),
            generation: None,
            status: Status::not_found(),
            expires: false,
            accepted: None,
            left_out: Vec::new(),
        }
    }

    /// What identifies the object.
    #[must_use]
    pub fn subject(&self) -> &ObjectRef {
        &self.target.object
    }
}

/// Changes in the order of the plan.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChangeSet {
    /// The changes.
    pub entries: Vec<Change>,
}

impl ChangeSet {
    /// Whether anything was written or deleted.
    #[must_use]
    pub fn has_changes(&self) -> bool {
        self.entries.iter().any(|change| change.action.is_change())
    }

    /// A line for each object that was written or deleted; the text of the event after an apply.
    #[must_use]
    pub fn changed_lines(&self) -> String {
        let changed = |change: &&Change| change.action.is_change();
        lines(self.entries.iter().filter(changed))
    }

    /// A line for each written object of which fields were left out; the text of a warning.
    #[must_use]
    pub fn left_out_lines(&self) -> String {
        let told = |change: &&Change| change.action.is_change() && !change.left_out.is_empty();
        let line = |change: &Change| {
            let fields = change.left_out.join(", ");
            format!(
                "{} applied without fields that the API server does not know: {fields}",
                change.subject()
            )
        };
        let all: Vec<String> = self.entries.iter().filter(told).map(line).collect();
        all.join("\n")
    }

    /// A line for every object; the text of the event after a prune.
    #[must_use]
    pub fn all_lines(&self) -> String {
        lines(self.entries.iter())
    }

    /// The inventory that these changes amount to: everything but what was deleted.
    #[must_use]
    pub fn inventory(&self) -> Vec<InventoryEntry> {
        self.entries
            .iter()
            .filter(|change| change.action != Action::Deleted)
            .map(|change| change.target.entry())
            .collect()
    }

    /// The message of an apply that failed after these changes of earlier stages: the error, then their lines.
    ///
    /// Source: kustomize-controller v1.9 `internal/controller/kustomization_controller.go`
    #[must_use]
    pub fn failure_message(&self, error: &dyn fmt::Display) -> String {
        let mut lines = self.changed_lines();
        if !lines.is_empty() {
            lines.push('\n');
        }
        format!("{error}\n{lines}")
    }
}

fn lines<'a>(changes: impl Iterator<Item = &'a Change>) -> String {
    let lines: Vec<String> = changes.map(ToString::to_string).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn change(name: &str, action: Action) -> Change {
        let metadata = json!({"name": name, "namespace": "ns"});
        let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata});
        Change::of(&Object::new(object).expect("an object"), action)
    }

    #[test]
    fn only_writes_and_deletions_are_told_after_an_apply() {
        let set = ChangeSet {
            entries: vec![
                change("a", Action::Created),
                change("b", Action::Unchanged),
                change("c", Action::Skipped),
                change("d", Action::Deleted),
            ],
        };
        assert_eq!(
            set.changed_lines(),
            "ConfigMap/ns/a created\nConfigMap/ns/d deleted"
        );
        assert_eq!(set.all_lines().lines().count(), 4);
        assert_eq!(set.inventory().len(), 3);
    }

    #[test]
    fn a_failure_ends_in_a_line_break_and_tells_earlier_stages() {
        let mut set = ChangeSet::default();
        assert_eq!(set.failure_message(&"it failed"), "it failed\n");
        set.entries.push(change("a", Action::Created));
        assert_eq!(
            set.failure_message(&"it failed"),
            "it failed\nConfigMap/ns/a created\n"
        );
    }
}
