//! What a pass tells the world: conditions, status members, events, next run. Pure.
//!
//! Source: source-controller v1.9 `internal/reconcile/summarize`, `internal/reconcile/reconcile.go`,
//! `internal/controller/gitrepository_controller.go`.

use std::time::Duration;

use jiff::Timestamp;
use kube::{Resource, ResourceExt};
use weir_api::Reconcilable;
use weir_api::event::metadata_key;
use weir_api::meta::{
    Artifact, Condition, ConditionStatus, annotation, condition_type, find_condition, reason,
};
use weir_runtime::conditions::Conditions;
use weir_runtime::event::Event;
use weir_runtime::kind::{Chain, Failure, Next, Outcome, Verdict};

use crate::error::Error;
use crate::observe::{Collected, Stored};
use crate::source::{Source, SourceStatus, Verified};

/// The conditions whose truth is a failure to recover from.
pub const FAIL_CONDITIONS: [&str; 3] = [
    condition_type::FETCH_FAILED,
    condition_type::INCLUDE_UNAVAILABLE,
    condition_type::STORAGE_OPERATION_FAILED,
];

/// What Ready sums up, most important first, and whether `True` is bad.
const SUMMARY: [(&str, bool); 8] = [
    (condition_type::STORAGE_OPERATION_FAILED, true),
    (condition_type::FETCH_FAILED, true),
    (condition_type::INCLUDE_UNAVAILABLE, true),
    (condition_type::ARTIFACT_OUTDATED, true),
    (condition_type::ARTIFACT_IN_STORAGE, false),
    (condition_type::SOURCE_VERIFIED, false),
    (condition_type::STALLED, true),
    (condition_type::RECONCILING, true),
];

/// What was true before the pass.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Before {
    /// The digest of the artifact.
    pub digest: Option<String>,
    /// One of [`FAIL_CONDITIONS`] was true.
    pub failing: bool,
}

impl Before {
    /// What an object's status says.
    pub fn of<S: Source>(object: &S::Object) -> Self {
        let artifact = object.status().and_then(SourceStatus::artifact);
        Self {
            digest: artifact.map(|artifact| artifact.digest.clone()),
            failing: failing(object.conditions()),
        }
    }
}

/// What a pass has found out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// What was true before.
    pub before: Before,
    /// What garbage collection did.
    pub collected: Collected,
    /// What storage says about the artifact.
    pub stored: Stored,
    /// How far the source was followed.
    pub found: Found,
    /// What is known of its signatures.
    pub verified: Verified,
    /// The artifacts that belong into it.
    pub included: Vec<Artifact>,
    /// Deletion has removed something.
    pub removed_all: bool,
}

/// How far a pass has followed the source.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Found {
    /// Not asked yet, or no answer.
    #[default]
    Nothing,
    /// The known revision, without fetching.
    Unchanged {
        /// The revision.
        revision: String,
        /// Worded as if it had been fetched.
        quietly: bool,
    },
    /// The known revision, fetched; the artifact is as it should be.
    Kept {
        /// The revision.
        revision: String,
        /// What people call it.
        label: String,
    },
    /// A revision that needs an artifact.
    Revision(String),
    /// The artifact is made.
    Stored {
        /// The artifact.
        artifact: Artifact,
        /// What people call its revision.
        label: String,
    },
}

/// The arguments of [`report`].
#[derive(Debug)]
pub struct Input<'a, O> {
    /// The object with the status that was last written.
    pub object: &'a O,
    /// What the pass found out.
    pub facts: &'a Facts,
    /// How far it has come.
    pub outcome: &'a Outcome<'a, Error>,
    /// The wall clock.
    pub now: Timestamp,
    /// When to look again for what is waited for.
    pub dependency_delay: Duration,
}

/// Status, events and next run.
pub fn report<S: Source>(
    input: &Input<'_, S::Object>,
) -> Verdict<<S::Object as Reconcilable>::Status> {
    let (object, facts) = (input.object, input.facts);
    let mut status = object.status().cloned().unwrap_or_default();
    let progress = progress::<S>(object, facts);
    let mut conditions = std::mem::take(status.conditions_mut());
    let mut edit = Conditions::new(&mut conditions, object.meta().generation, input.now);
    let (events, next) = match input.outcome {
        Outcome::Progressing | Outcome::Failed(Error::Superseded) => {
            artifact_facts::<S>(&mut status, &mut edit, object, facts);
            show_progress(&mut edit, facts, &progress);
            (Vec::new(), Next::Never)
        }
        Outcome::Reconciled => {
            artifact_facts::<S>(&mut status, &mut edit, object, facts);
            edit.settle();
            summarize(&mut edit);
            let events = success::<S>(&status, facts);
            (events, Next::Interval(S::interval(object)))
        }
        Outcome::Failed(error) => {
            artifact_facts::<S>(&mut status, &mut edit, object, facts);
            fail(&mut edit, error, &progress);
            let next = if error.stalls() {
                Next::Never
            } else if error.waits() {
                Next::After(input.dependency_delay)
            } else {
                Next::Backoff
            };
            (failure(facts, error), next)
        }
        Outcome::Suspended => {
            suspend(&mut edit);
            (Vec::new(), Next::Never)
        }
        Outcome::Finalized => (finalized(facts), Next::Never),
        Outcome::FinalizeFailed(error) => (vec![warning(error)], Next::Backoff),
    };
    let done = match input.outcome {
        Outcome::Reconciled | Outcome::Suspended => true,
        Outcome::Failed(error) => error.stalls(),
        _ => false,
    };
    let progressing = matches!(
        input.outcome,
        Outcome::Progressing | Outcome::Failed(Error::Superseded)
    );
    if done && !conditions.is_empty() {
        status.set_observed_generation(object.meta().generation);
    }
    if let Some(request) = object.annotations().get(annotation::RECONCILE_REQUESTED_AT)
        && !progressing
    {
        status.set_last_handled(request.clone());
    }
    *status.conditions_mut() = conditions;
    Verdict {
        status,
        events,
        next,
    }
}

/// The artifact and the conditions that speak of it, as far as the pass knows.
fn artifact_facts<S: Source>(
    status: &mut <S::Object as Reconcilable>::Status,
    edit: &mut Conditions<'_>,
    object: &S::Object,
    facts: &Facts,
) {
    match &facts.stored {
        Stored::Unknown => return,
        Stored::Present(artifact) => status.set_artifact(Some(artifact.clone())),
        Stored::Absent | Stored::Disappeared | Stored::Corrupt(_) => {
            status.set_artifact(None);
            edit.delete(condition_type::ARTIFACT_IN_STORAGE);
        }
    }
    edit.delete(condition_type::STORAGE_OPERATION_FAILED);
    verification(status, edit, facts);
    let current = match &facts.found {
        Found::Nothing => return,
        Found::Revision(revision) => {
            edit.delete(condition_type::FETCH_FAILED);
            edit.delete(condition_type::INCLUDE_UNAVAILABLE);
            if facts.stored.artifact().is_some() {
                let message = new_revision(revision);
                let type_ = condition_type::ARTIFACT_OUTDATED;
                edit.set(type_, ConditionStatus::True, reason::NEW_REVISION, message);
            }
            return;
        }
        Found::Unchanged { revision, .. } | Found::Kept { revision, .. } => revision.clone(),
        Found::Stored { artifact, .. } => {
            status.set_artifact(Some(artifact.clone()));
            S::observe_content(object, &facts.included, status);
            artifact.revision.clone()
        }
    };
    edit.delete(condition_type::FETCH_FAILED);
    edit.delete(condition_type::INCLUDE_UNAVAILABLE);
    edit.delete(condition_type::ARTIFACT_OUTDATED);
    edit.set(
        condition_type::ARTIFACT_IN_STORAGE,
        ConditionStatus::True,
        reason::SUCCEEDED,
        format!("stored artifact for revision '{current}'"),
    );
}

/// What is known of the signatures. A failure is judged anew by each pass, a success stands until then.
fn verification(status: &mut impl SourceStatus, edit: &mut Conditions<'_>, facts: &Facts) {
    let type_ = condition_type::SOURCE_VERIFIED;
    match &facts.verified {
        Verified::Unknown => {
            let failed = |found: &Condition| found.status == ConditionStatus::False;
            if edit.get(type_).is_some_and(failed) {
                edit.delete(type_);
            }
        }
        Verified::NotAsked => {
            edit.delete(type_);
            status.set_verification_mode(None);
        }
        Verified::Good { mode, message } => {
            edit.set(
                type_,
                ConditionStatus::True,
                reason::SUCCEEDED,
                message.clone(),
            );
            status.set_verification_mode(Some(mode.clone()));
        }
    }
}

/// What the Reconciling condition says.
fn progress<S: Source>(object: &S::Object, facts: &Facts) -> String {
    let observed = object
        .status()
        .and_then(SourceStatus::observed_generation)
        .unwrap_or(0);
    let generation = object.meta().generation.unwrap_or(0);
    match (&facts.found, &facts.stored) {
        (Found::Revision(revision), _) => format!("building artifact: {}", new_revision(revision)),
        (_, Stored::Absent) => "building artifact".to_owned(),
        (_, Stored::Disappeared | Stored::Corrupt(_)) => {
            "building artifact: disappeared from storage".to_owned()
        }
        _ if observed != generation => {
            format!("processing object: new generation {observed} -> {generation}")
        }
        _ => "reconciliation in progress".to_owned(),
    }
}

fn new_revision(revision: &str) -> String {
    format!("new upstream revision '{revision}'")
}

/// Reconciling; Ready is touched only if it says nothing better, or the artifact is not what it should be.
fn show_progress(edit: &mut Conditions<'_>, facts: &Facts, progress: &str) {
    edit.mark_reconciling(reason::PROGRESSING, progress);
    let drift = matches!(facts.found, Found::Revision(_))
        || matches!(
            facts.stored,
            Stored::Absent | Stored::Disappeared | Stored::Corrupt(_)
        );
    let open = edit
        .get(condition_type::READY)
        .is_none_or(|ready| ready.status == ConditionStatus::Unknown);
    if drift || open {
        let status = ConditionStatus::Unknown;
        edit.set(condition_type::READY, status, reason::PROGRESSING, progress);
    }
}

fn fail(edit: &mut Conditions<'_>, error: &Error, progress: &str) {
    let message = Chain(error).to_string();
    if error.has_includes() {
        edit.delete(condition_type::INCLUDE_UNAVAILABLE);
    }
    if error.unverified() {
        // It was fetched, and what was said of it before is of no interest any more.
        edit.delete(condition_type::FETCH_FAILED);
        edit.delete(condition_type::ARTIFACT_OUTDATED);
        let type_ = condition_type::SOURCE_VERIFIED;
        edit.set(
            type_,
            ConditionStatus::False,
            error.reason(),
            message.clone(),
        );
    }
    if let Some(type_) = error.condition() {
        edit.set(
            type_,
            ConditionStatus::True,
            error.reason(),
            message.clone(),
        );
    }
    if error.stalls() {
        if error.condition().is_none() {
            edit.delete(condition_type::FETCH_FAILED);
        }
        edit.mark_stalled(error.reason(), message);
    } else {
        edit.mark_reconciling(reason::PROGRESSING_WITH_RETRY, progress);
    }
    if error.condition().is_none() && !error.stalls() && !error.unverified() {
        edit.mark_not_ready(error.reason(), Chain(error).to_string());
        return;
    }
    summarize(edit);
}

/// Nothing was done: Ready says what the other conditions say, for this generation.
fn suspend(edit: &mut Conditions<'_>) {
    edit.delete(condition_type::STALLED);
    if let Some(message) = edit
        .get(condition_type::RECONCILING)
        .map(|found| found.message.clone())
    {
        edit.mark_reconciling(reason::PROGRESSING_WITH_RETRY, message);
    }
    summarize(edit);
}

/// Ready from the others: what is bad before what is not good yet before what is good, each by rank.
fn summarize(edit: &mut Conditions<'_>) {
    let first = |edit: &Conditions<'_>, negative: bool, status: ConditionStatus| {
        SUMMARY
            .iter()
            .filter(|(_, bad)| *bad == negative)
            .filter_map(|(type_, _)| edit.get(type_))
            .find(|condition| condition.status == status)
            .map(|condition| (condition.reason.clone(), condition.message.clone()))
    };
    // A signature that does not hold is said before all that follows from it.
    let unverified = edit
        .get(condition_type::SOURCE_VERIFIED)
        .filter(|condition| condition.status == ConditionStatus::False)
        .map(|condition| (condition.reason.clone(), condition.message.clone()));
    let bad = unverified
        .or_else(|| first(edit, true, ConditionStatus::True))
        .or_else(|| first(edit, false, ConditionStatus::False));
    if let Some((reason, message)) = bad {
        edit.mark_not_ready(&reason, message);
    } else if let Some((reason, message)) = first(edit, false, ConditionStatus::True) {
        edit.mark_ready(&reason, message);
    }
}

fn success<S: Source>(status: &<S::Object as Reconcilable>::Status, facts: &Facts) -> Vec<Event> {
    let mut events = storage_events(facts);
    if let Verified::Good { message, .. } = &facts.verified {
        events.push(Event::trace(reason::SUCCEEDED, message.clone()));
    }
    let Some(artifact) = status.artifact() else {
        return events;
    };
    let label = match &facts.found {
        Found::Unchanged { revision, quietly } => {
            events.push(if *quietly {
                up_to_date(revision)
            } else {
                let text =
                    format!("no changes since last reconciliation: observed revision '{revision}'");
                Event::trace(S::UNCHANGED, text)
            });
            revision
        }
        Found::Kept { revision, label } => {
            events.push(up_to_date(revision));
            label
        }
        Found::Stored { label, .. } => label,
        Found::Nothing | Found::Revision(_) => return events,
    };
    let reason = if facts.before.digest.as_ref() != Some(&artifact.digest) {
        reason::NEW_ARTIFACT
    } else if facts.before.failing {
        reason::SUCCEEDED
    } else {
        return events;
    };
    let event = Event::normal(reason, format!("stored artifact for commit '{label}'"))
        .with(metadata_key::REVISION, &artifact.revision)
        .with(metadata_key::DIGEST, &artifact.digest);
    events.push(event);
    events
}

fn up_to_date(revision: &str) -> Event {
    let text = format!("artifact up-to-date with remote revision: '{revision}'");
    Event::trace(reason::ARTIFACT_UP_TO_DATE, text)
}

fn failure(facts: &Facts, error: &Error) -> Vec<Event> {
    let mut events = storage_events(facts);
    events.push(if error.waits() {
        Event::trace(error.reason(), Chain(error).to_string())
    } else {
        warning(error)
    });
    events
}

fn warning(error: &Error) -> Event {
    Event::warning(error.reason(), Chain(error).to_string())
}

fn storage_events(facts: &Facts) -> Vec<Event> {
    let mut events = Vec::new();
    if facts.collected.removed > 0 {
        let text = format!("garbage collected {} artifacts", facts.collected.removed);
        events.push(Event::trace(reason::GARBAGE_COLLECTION_SUCCEEDED, text));
    }
    if let Some(failure) = &facts.collected.failure {
        let text = format!("failed to garbage collect artifacts: {failure}");
        events.push(Event::trace(reason::GARBAGE_COLLECTION_FAILED, text));
    }
    if let Stored::Corrupt(why) = &facts.stored {
        let text = format!("failed to verify integrity of artifact: {why}");
        events.push(Event::warning(reason::ARTIFACT_VERIFICATION_FAILED, text));
    }
    events
}

fn finalized(facts: &Facts) -> Vec<Event> {
    if !facts.removed_all {
        return Vec::new();
    }
    vec![Event::trace(
        reason::GARBAGE_COLLECTION_SUCCEEDED,
        "garbage collected artifacts for deleted resource",
    )]
}

fn failing(conditions: &[Condition]) -> bool {
    FAIL_CONDITIONS
        .iter()
        .any(|type_| find_condition(conditions, type_).is_some_and(Condition::is_true))
}

#[cfg(test)]
mod tests;
