//! Decisions between fetching and storing. Pure.

use weir_api::Reconcilable;
use weir_api::meta::{Artifact, condition_type, find_condition};

use crate::source::{Known, Source, SourceStatus};
use crate::status::FAIL_CONDITIONS;

/// What is known of an object whose stored artifact is `artifact`.
pub fn known<S: Source>(object: &S::Object, artifact: Option<&Artifact>) -> Known {
    let conditions = object.conditions();
    let is_true = |type_| find_condition(conditions, type_).is_some_and(|found| found.is_true());
    let trusted = is_true(condition_type::ARTIFACT_IN_STORAGE);
    let revision = artifact.map(|artifact| artifact.revision.clone());
    Known {
        may_stand: revision.is_some() && trusted && !S::content_changed(object),
        revision,
        failing: FAIL_CONDITIONS.iter().any(|type_| is_true(type_)),
    }
}

/// What to do with content that was fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plan {
    /// The stored artifact is of this revision and made in the same way.
    Keep,
    /// Make an artifact of it.
    Store,
}

/// Whether `revision` needs a new artifact; `changed` says that it is made of other things than the stored one.
pub fn artifact<S: Source>(
    object: &S::Object,
    stored: Option<&Artifact>,
    revision: &str,
    changed: bool,
) -> Plan {
    let same = stored.is_some_and(|artifact| artifact.revision == revision);
    if same && !changed && !S::content_changed(object) {
        Plan::Keep
    } else {
        Plan::Store
    }
}

/// The artifact in an object's status.
pub fn artifact_of<S: Source>(object: &S::Object) -> Option<&Artifact> {
    object.status().and_then(SourceStatus::artifact)
}
