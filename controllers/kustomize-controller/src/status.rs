//! What a pass means for status, events and the next run. Pure: facts in, status out.
//!
//! Source: kustomize-controller v1.9 `internal/controller/kustomization_controller.go`.

mod facts;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use kube::ResourceExt as _;
use weir_api::Reconcilable;
use weir_api::kustomize::v1::{Kustomization, KustomizationStatus, Snapshot};
use weir_api::meta::condition_type::{HEALTHY, READY, RECONCILING, STALLED};
use weir_api::meta::{
    Condition, ConditionStatus, ResourceInventory, annotation, find_condition, format_go_duration,
    reason, remove_condition, set_condition,
};
use weir_apply::inventory;
use weir_runtime::event::{Event, EventKind};
use weir_runtime::kind::{Failure, Next, Outcome, Report, Verdict};

use crate::error::{Error, Retry};
use crate::kustomization::KustomizationKind;
use crate::plan;

pub use facts::{Facts, Health, Phase};

/// Longest condition message of a Kustomization, in bytes.
const MAX_MESSAGE: usize = 20_000;

/// What the Healthy condition and the event say of a check that passed.
#[must_use]
pub fn health_passed(elapsed: Duration) -> String {
    format!("Health check passed in {}", format_go_duration(elapsed))
}

/// An event of kind `kind` about `object` while the pass is under way.
#[must_use]
pub fn event(kind: EventKind, reason: &str, message: impl Into<String>, facts: &Facts) -> Event {
    Event::new(kind, reason, message)
        .with("revision", facts.revision.as_str())
        .with("originRevision", facts.origin_revision.as_str())
}

/// An info event in the middle of a pass: upstream posts those while Ready is Unknown/Progressing.
#[must_use]
pub fn progress_event(message: impl Into<String>, facts: &Facts) -> Event {
    event(EventKind::Normal, reason::PROGRESSING, message, facts)
}

/// An event about objects of a Kustomization that is being deleted: it carries the last Ready reason
/// and the revision that was applied last.
#[must_use]
pub fn deletion_event(
    object: &Kustomization,
    kind: EventKind,
    message: impl Into<String>,
) -> Event {
    let ready =
        find_condition(object.conditions(), READY).map_or("", |ready| ready.reason.as_str());
    let status = object.status.clone().unwrap_or_default();
    let facts = Facts {
        revision: status.last_applied_revision,
        origin_revision: status.last_applied_origin_revision,
        ..Facts::default()
    };
    event(kind, ready, message, &facts)
}

/// Status, events and next run of `report`. See [`weir_runtime::kind::Kind::report`].
#[must_use]
pub fn report(
    report: &Report<'_, KustomizationKind>,
    cancel_gate: bool,
) -> Verdict<KustomizationStatus> {
    let mut draft = Draft::of(report);
    match &report.outcome {
        Outcome::Progressing => {
            draft.progress(report.facts);
            draft.verdict(Vec::new(), Next::Never)
        }
        Outcome::Reconciled => {
            draft.progress(report.facts);
            draft.succeed(report);
            let events = vec![finished(
                report,
                &report.facts.revision,
                &report.facts.origin_revision,
            )];
            let next = match draft.overlooked {
                true => Next::Backoff,
                false => Next::Interval(plan::interval(report.object)),
            };
            draft.verdict(events, next)
        }
        Outcome::Failed(error) => {
            draft.progress(report.facts);
            draft.fail(report, error, cancel_gate)
        }
        Outcome::Suspended => {
            draft.handled(report.object);
            draft.give_up_health_check(report.object);
            draft.settle();
            draft.verdict(Vec::new(), Next::Never)
        }
        Outcome::Finalized => {
            let status = &draft.status;
            let done = (is_ready(&status.conditions) && !report.object.suspended()).then(|| {
                finished(
                    report,
                    &status.last_applied_revision,
                    &status.last_applied_origin_revision,
                )
            });
            draft.verdict(done.into_iter().collect(), Next::Never)
        }
        Outcome::FinalizeFailed(error) => {
            let events = error
                .event_message()
                .map(|message| deletion_event(report.object, EventKind::Warning, message))
                .into_iter()
                .collect();
            draft.handled(report.object);
            draft.settle();
            draft.retrying();
            draft.verdict(events, Next::Backoff)
        }
    }
}

fn finished(report: &Report<'_, KustomizationKind>, revision: &str, origin: &str) -> Event {
    let message = format!(
        "Reconciliation finished in {}, next run in {}",
        format_go_duration(report.elapsed),
        format_go_duration(plan::interval(report.object)),
    );
    let facts = Facts {
        revision: revision.to_owned(),
        origin_revision: origin.to_owned(),
        ..Facts::default()
    };
    event(
        EventKind::Normal,
        reason::RECONCILIATION_SUCCEEDED,
        message,
        &facts,
    )
    .with("commit_status", "update")
}

fn is_ready(conditions: &[Condition]) -> bool {
    find_condition(conditions, READY).is_some_and(Condition::is_true)
}

/// A status under change.
struct Draft {
    status: KustomizationStatus,
    generation: Option<i64>,
    now: Timestamp,
    timeout: String,
    /// The stored inventory has entries that the pass has not seen.
    overlooked: bool,
}

impl Draft {
    fn of(report: &Report<'_, KustomizationKind>) -> Self {
        Self {
            status: report.object.status.clone().unwrap_or_default(),
            generation: report.object.metadata.generation,
            now: report.now,
            timeout: format_go_duration(plan::timeout(report.object)),
            overlooked: false,
        }
    }

    fn verdict(self, events: Vec<Event>, next: Next) -> Verdict<KustomizationStatus> {
        Verdict {
            status: self.status,
            events,
            next,
        }
    }

    fn set(
        &mut self,
        type_: &str,
        status: ConditionStatus,
        reason: &str,
        message: impl Into<String>,
    ) {
        let mut message = message.into();
        if message.len() > MAX_MESSAGE {
            message.truncate(message.floor_char_boundary(MAX_MESSAGE - 3));
            message.push_str("...");
        }
        let condition =
            Condition::new(type_, status, reason, message).at(self.now, self.generation);
        set_condition(&mut self.status.conditions, condition);
    }

    /// What is true whatever comes later: the phase, the attempted revision, the inventory, health.
    fn progress(&mut self, facts: &Facts) {
        if facts.phase == Phase::Checking {
            return;
        }
        let step = match facts.phase {
            Phase::Checking | Phase::Fetching => "Fetching manifests",
            Phase::Building => "Building manifests",
            Phase::Applying => "Detecting drift",
            Phase::CheckingHealth => "Running health checks",
        };
        let message = format!(
            "{step} for revision {} with a timeout of {}",
            facts.revision, self.timeout
        );
        self.set(
            READY,
            ConditionStatus::Unknown,
            reason::PROGRESSING,
            "Reconciliation in progress",
        );
        self.set(
            RECONCILING,
            ConditionStatus::True,
            reason::PROGRESSING,
            message.clone(),
        );
        remove_condition(&mut self.status.conditions, STALLED);
        match &facts.health {
            Health::Unchanged => {}
            Health::NotWanted => remove_condition(&mut self.status.conditions, HEALTHY),
            Health::Running => self.set(
                HEALTHY,
                ConditionStatus::Unknown,
                reason::PROGRESSING,
                message,
            ),
            Health::Passed(elapsed) => {
                self.set(
                    HEALTHY,
                    ConditionStatus::True,
                    reason::SUCCEEDED,
                    health_passed(*elapsed),
                );
            }
            Health::Failed(text) => self.set(
                HEALTHY,
                ConditionStatus::False,
                reason::HEALTH_CHECK_FAILED,
                text,
            ),
        }
        if facts.phase > Phase::Fetching {
            self.status
                .last_attempted_revision
                .clone_from(&facts.revision);
        }
        if let Some(entries) = &facts.inventory {
            let unknown = facts.unknown(self.status.inventory.as_ref());
            self.overlooked = !unknown.is_empty();
            self.status.inventory = Some(ResourceInventory {
                entries: inventory::union(entries, &unknown),
            });
        }
    }

    fn succeed(&mut self, report: &Report<'_, KustomizationKind>) {
        let facts = report.facts;
        self.status
            .last_applied_revision
            .clone_from(&facts.revision);
        self.status
            .last_applied_origin_revision
            .clone_from(&facts.origin_revision);
        let message = format!("Applied revision: {}", facts.revision);
        self.set(
            READY,
            ConditionStatus::True,
            reason::RECONCILIATION_SUCCEEDED,
            message,
        );
        self.remember(report, reason::RECONCILIATION_SUCCEEDED);
        self.handled(report.object);
        self.settle();
    }

    fn fail(
        mut self,
        report: &Report<'_, KustomizationKind>,
        error: &Error,
        cancel_gate: bool,
    ) -> Verdict<KustomizationStatus> {
        if matches!(error, Error::Outdated) || error.superseded() && !cancel_gate {
            return self.verdict(Vec::new(), Next::Backoff);
        }
        self.set(
            READY,
            ConditionStatus::False,
            error.reason(),
            error.message(),
        );
        if error.enters_history() {
            self.remember(report, error.reason());
        }
        let next = match error.retry() {
            Retry::Interval => Next::After(plan::retry_interval(report.object)),
            Retry::After(after) => Next::After(after),
            Retry::Backoff => Next::Backoff,
            Retry::Stalled => {
                self.set(
                    STALLED,
                    ConditionStatus::True,
                    error.reason(),
                    error.message(),
                );
                remove_condition(&mut self.status.conditions, RECONCILING);
                Next::Never
            }
        };
        if error.retry() != Retry::Stalled {
            remove_condition(&mut self.status.conditions, STALLED);
        }
        if matches!(error, Error::InvalidExpression(_)) {
            // The generation was dealt with: tools stop waiting and show the message.
            self.status.observed_generation = self.generation;
        }
        self.handled(report.object);
        self.retrying();
        let events = failure_event(error, report.facts).into_iter().collect();
        self.verdict(events, next)
    }

    fn handled(&mut self, object: &Kustomization) {
        let requested = object
            .metadata
            .annotations
            .as_ref()
            .and_then(|all| all.get(annotation::RECONCILE_REQUESTED_AT));
        if let Some(requested) = requested {
            self.status.last_handled_reconcile_at.clone_from(requested);
        }
    }

    /// Ready ends the work on this generation.
    fn settle(&mut self) {
        if is_ready(&self.status.conditions) {
            remove_condition(&mut self.status.conditions, RECONCILING);
            remove_condition(&mut self.status.conditions, STALLED);
            self.status.observed_generation = self.generation;
        }
    }

    /// A health check that suspension ended is not under way: nobody would ever say how it ended.
    fn give_up_health_check(&mut self, object: &Kustomization) {
        let under_way = |type_| {
            find_condition(&self.status.conditions, type_).is_some_and(|it| {
                it.status == ConditionStatus::Unknown && it.reason == reason::PROGRESSING
            })
        };
        if under_way(READY) && under_way(HEALTHY) {
            let (namespace, name) = (object.namespace(), object.name_any());
            let key = format!("Kustomization/{}/{name}", namespace.unwrap_or_default());
            let error = Error::Superseded(key);
            self.set(
                READY,
                ConditionStatus::False,
                error.reason(),
                error.message(),
            );
            self.retrying();
        }
    }

    /// Work that failed goes on: Reconciling says so.
    fn retrying(&mut self) {
        if let Some(reconciling) = find_condition(&self.status.conditions, RECONCILING) {
            let message = reconciling.message.clone();
            self.set(
                RECONCILING,
                ConditionStatus::True,
                reason::PROGRESSING_WITH_RETRY,
                message,
            );
        }
    }

    fn remember(&mut self, report: &Report<'_, KustomizationKind>, outcome: &str) {
        let Some(digest) = &report.facts.digest else {
            return;
        };
        let mut metadata =
            BTreeMap::from([(Snapshot::REVISION.to_owned(), report.facts.revision.clone())]);
        if !report.facts.origin_revision.is_empty() {
            metadata.insert(
                Snapshot::ORIGIN_REVISION.to_owned(),
                report.facts.origin_revision.clone(),
            );
        }
        let snapshot = Snapshot {
            digest: digest.clone(),
            first_reconciled: self.now.into(),
            last_reconciled: self.now.into(),
            last_reconciled_duration: report.elapsed.into(),
            last_reconciled_status: outcome.to_owned(),
            total_reconciliations: 1,
            metadata,
        };
        upsert(&mut self.status.history, snapshot);
    }
}

/// Puts `snapshot` in front; one of the same digest and outcome is continued, at most five are kept.
fn upsert(history: &mut Vec<Snapshot>, mut snapshot: Snapshot) {
    let same = |old: &Snapshot| {
        old.digest == snapshot.digest
            && old.last_reconciled_status == snapshot.last_reconciled_status
    };
    if let Some(index) = history.iter().position(same) {
        let old = history.remove(index);
        snapshot.first_reconciled = old.first_reconciled;
        snapshot.total_reconciliations = old.total_reconciliations + 1;
    }
    history.insert(0, snapshot);
    history.truncate(Snapshot::KEEP);
}

fn failure_event(error: &Error, facts: &Facts) -> Option<Event> {
    if let Error::Superseded(trigger) = error {
        let message =
            format!("Health checks canceled due to new reconciliation triggered by {trigger}");
        return Some(event(EventKind::Normal, error.reason(), message, facts));
    }
    let kind = match error {
        Error::DependencyNotReady { .. } => EventKind::Normal,
        _ => EventKind::Warning,
    };
    Some(event(kind, error.reason(), error.event_message()?, facts))
}
