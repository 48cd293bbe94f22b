//! The loop around a kind: from a key in the queue to status, events and the next time.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use kube::{Resource, ResourceExt};
use parking_lot::Mutex;
use rand::Rng;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;
use weir_api::Reconcilable;

use crate::event::Recorder;
use crate::finalizer::{self, RemoveError};
use crate::hub::{Hub, Store};
use crate::kind::{Chain, Failure, Key, Kind, Next, Outcome};
use crate::lease::Leadership;
use crate::metrics::{Metrics, PassResult};
use crate::pass::{CheckpointError, Pass, Start};
use crate::queue::{Again, Priority, Wake};
use crate::status::{Target, WriteError, Writer};
use crate::work::{Work, WorkQueue};

/// A pass that takes longer shows its progress.
const PATIENCE: Duration = Duration::from_secs(1);

/// Everything a kind's passes share.
pub(crate) struct Env<K: Kind> {
    pub(crate) kind: K,
    pub(crate) hub: Hub,
    pub(crate) target: Target<K::Object>,
    pub(crate) recorder: Recorder,
    pub(crate) leadership: Leadership,
    pub(crate) metrics: Metrics,
    pub(crate) queue: Arc<WorkQueue>,
    pub(crate) jitter_percent: u8,
    /// Cancelled when the process stops: no new work, parked passes end.
    pub(crate) stopping: CancellationToken,
    /// What the last pass that was started on each object knew of it.
    pub(crate) seen: Mutex<HashMap<Key, Seen>>,
}

/// What of an object decides whether a change needs a pass: its own status and labels do not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    uid: Option<String>,
    generation: Option<i64>,
    requested_at: Option<String>,
    deleting: bool,
}

impl Seen {
    fn of<T: Reconcilable>(object: &T) -> Self {
        Self {
            uid: object.uid(),
            generation: object.meta().generation,
            requested_at: object
                .annotations()
                .get(weir_api::meta::annotation::RECONCILE_REQUESTED_AT)
                .cloned(),
            deleting: object.meta().deletion_timestamp.is_some(),
        }
    }

    /// The work that the change from `before` asks for.
    fn wake(&self, before: Option<&Self>, key: Key) -> Option<Wake> {
        let (priority, reason) = match before {
            Some(before) if before == self => return None,
            _ if self.deleting => (Priority::Deletion, "deletion"),
            Some(before) if before.requested_at != self.requested_at => {
                (Priority::Requested, "requested")
            }
            Some(_) => (Priority::Changed, "spec changed"),
            None => (Priority::Changed, "new"),
        };
        Some(Wake::new(key, priority, reason))
    }
}

/// Whether `now` is an earlier version than `old`: the cluster was restored from a backup.
fn went_back<T: Reconcilable>(old: &T, now: &T) -> bool {
    let version = |of: &T| of.resource_version()?.parse::<u64>().ok();
    matches!((version(old), version(now)), (Some(old), Some(now)) if now < old)
}

/// How a pass ended, for metrics and the queue.
struct End {
    again: Again,
    result: PassResult,
}

impl End {
    fn never() -> Self {
        Self {
            again: Again::Never,
            result: PassResult::Success,
        }
    }

    fn failed() -> Self {
        Self {
            again: Again::Backoff,
            result: PassResult::Error,
        }
    }
}

impl<K: Kind> Env<K> {
    pub(crate) fn store(&self) -> &Store<K::Object> {
        &self.target.store
    }

    pub(crate) fn writer(&self, object: Arc<K::Object>) -> Writer<K::Object> {
        Writer::new(self.target.clone(), object)
    }

    /// Queues an object whose change from `old` needs a pass; forgets one that is gone.
    pub(crate) fn object_changed(
        &self,
        key: &Key,
        old: Option<&K::Object>,
        object: Option<&K::Object>,
    ) {
        let Some(object) = object else {
            self.queue.forget(key);
            return self.gone(&mut self.seen.lock(), key);
        };
        let before = self.seen.lock().get(key).cloned();
        // What the passes since then have made of its status is lost.
        let before = before.filter(|_| !old.is_some_and(|old| went_back(old, object)));
        if let Some(wake) = Seen::of(object).wake(before.as_ref(), key.clone()) {
            self.queue
                .add(&wake.by(format!("{}/{key}", kind_name::<K>())));
        }
    }

    /// Observes a pass that is over. An object that went meanwhile leaves nothing behind: whoever of this and
    /// [`Self::object_changed`] comes last sees that the store has lost it.
    fn observed(&self, key: &Key, took: Duration) {
        let mut seen = self.seen.lock();
        match self.store().get(key) {
            Some(_) => self.metrics.object_reconciled(&kind_name::<K>(), key, took),
            None => self.gone(&mut seen, key),
        }
    }

    fn gone(&self, seen: &mut HashMap<Key, Seen>, key: &Key) {
        seen.remove(key);
        self.metrics.object_gone(&kind_name::<K>(), key);
    }

    fn next(&self, next: Next) -> End {
        match next {
            Next::Interval(Duration::ZERO) | Next::After(Duration::ZERO) => End::never(),
            Next::Interval(interval) => {
                let after = jittered(
                    interval,
                    self.jitter_percent,
                    rand::rng().random_range(-1.0..=1.0),
                );
                End {
                    again: Again::After(after),
                    result: PassResult::RequeueAfter,
                }
            }
            Next::After(delay) => End {
                again: Again::After(delay),
                result: PassResult::RequeueAfter,
            },
            Next::Backoff => End::failed(),
            Next::Never => End::never(),
        }
    }
}

/// The kind's name.
pub(crate) fn kind_name<K: Kind>() -> String {
    <K::Object as kube::Resource>::kind(&()).into_owned()
}

/// Works on one object and tells the queue when again. Never panics.
pub(crate) async fn work<K: Kind>(env: Arc<Env<K>>, work: Work) {
    let Work {
        key,
        trigger,
        superseded,
        slot,
    } = work;
    let kind = kind_name::<K>();
    let span = tracing::info_span!(
        "reconcile",
        controller = env.queue.name(),
        controllerGroup = %<K::Object as kube::Resource>::group(&()),
        controllerKind = kind,
        namespace = key.namespace,
        name = key.name,
        reconcileID = %uuid::Uuid::new_v4(),
    );
    let started = Instant::now();
    // Boxed, as in all of a pass: whatever is given a future by value keeps room for it twice.
    let pass = Box::pin(async {
        tracing::debug!(trigger = trigger.reason, waited = ?trigger.waited, "reconciling");
        let Some(object) = env.store().get(&key) else {
            return End::never();
        };
        env.seen.lock().insert(key.clone(), Seen::of(&*object));
        let start = Start {
            env: Arc::clone(&env),
            key: key.clone(),
            object,
            trigger,
            slot,
            superseded,
        };
        one_pass(start).await
    });
    let end = AssertUnwindSafe(pass).catch_unwind().instrument(span).await;
    let took = started.elapsed();
    // The panic hook has logged it, with its place.
    let end = end.unwrap_or_else(|_panic| {
        env.metrics.pass_panicked(env.queue.name());
        End::failed()
    });
    env.metrics.pass_done(env.queue.name(), end.result, took);
    env.observed(&key, took);
    env.queue.done(&key, end.again, took);
}

async fn one_pass<K: Kind>(mut start: Start<K>) -> End {
    if start.object.meta().deletion_timestamp.is_some() {
        return match finalizer::present(&*start.object) {
            true => Box::pin(finalize(Pass::new(start))).await,
            false => End::never(),
        };
    }
    if !finalizer::present(&*start.object) {
        let added = finalizer::add(&start.env.target, Arc::clone(&start.object));
        match Box::pin(added).await {
            Ok(object) => start.object = object,
            Err(error) => return unwritten(&error, "unable to add the finalizer"),
        }
    }
    let pass = Pass::new(start);
    if pass.object().suspended() {
        tracing::info!("reconciliation is suspended for this object");
        let written = pass.write(Outcome::Suspended).await.map(drop);
        return written.map_or_else(|error| lost(&error), |()| End::never());
    }
    reconcile(pass).await
}

async fn reconcile<K: Kind>(pass: Pass<K>) -> End {
    let run = pass.showing_progress(PATIENCE, Box::pin(pass.env.kind.reconcile(&pass)));
    let result = tokio::select! {
        biased;
        result = run => result,
        () = pass.abandoned.cancelled() => return End { again: Again::Never, result: PassResult::Requeue },
    };
    let outcome = match &result {
        Ok(()) => Outcome::Reconciled,
        Err(error) => Outcome::Failed(error),
    };
    let verdict = pass.write(outcome).await;
    if let Err(error) = &result
        && error.superseded()
        && pass.is_superseded()
    {
        tracing::debug!(error = %Chain(error), "superseded by newer work");
        return End {
            again: Again::Now,
            result: PassResult::Requeue,
        };
    }
    let end = match verdict {
        Ok(verdict) => pass.env.next(verdict.next),
        // A failure of nobody.
        Err(CheckpointError::Gone) => return End::never(),
        Err(error) => lost(&error),
    };
    if let Err(error) = &result {
        tracing::error!(reason = error.reason(), error = %Chain(error), "Reconciler error");
        return End {
            result: PassResult::Error,
            ..end
        };
    }
    end
}

async fn finalize<K: Kind>(pass: Pass<K>) -> End {
    let result = tokio::select! {
        biased;
        result = pass.env.kind.finalize(&pass) => result,
        () = pass.abandoned.cancelled() => return End { again: Again::Never, result: PassResult::Requeue },
    };
    if let Err(error) = &result {
        let verdict = pass.write(Outcome::FinalizeFailed(error)).await;
        if matches!(verdict, Err(CheckpointError::Gone)) {
            return End::never();
        }
        tracing::error!(reason = error.reason(), error = %Chain(error), "Reconciler error");
        let end = verdict.map_or_else(|error| lost(&error), |verdict| pass.env.next(verdict.next));
        return End {
            result: PassResult::Error,
            ..end
        };
    }
    let latest = pass.latest().await;
    let events = pass.report(&latest, &Outcome::Finalized).events;
    match finalizer::remove(&pass.env.target, latest).await {
        Ok(()) => {
            pass.post_all(events);
            End::never()
        }
        Err(RemoveError::Changed) => {
            tracing::debug!("the object has changed while it was cleaned up after");
            End {
                again: Again::Backoff,
                result: PassResult::Requeue,
            }
        }
        Err(RemoveError::Write(error)) => unwritten(&error, "unable to remove the finalizer"),
    }
}

fn lost(error: &CheckpointError) -> End {
    match error {
        CheckpointError::Gone => End::never(),
        CheckpointError::NotLeading => End {
            again: Again::Never,
            result: PassResult::Requeue,
        },
        CheckpointError::Write(_) => {
            tracing::error!(error = %Chain(error), "unable to write status");
            End::failed()
        }
    }
}

fn unwritten(error: &WriteError, what: &'static str) -> End {
    match error {
        WriteError::Gone => End::never(),
        WriteError::NotLeading => End {
            again: Again::Never,
            result: PassResult::Requeue,
        },
        WriteError::Patch(source) => {
            tracing::error!(error = %source, "{what}");
            End::failed()
        }
    }
}

/// `interval` moved by up to `percent` either way; `place` is where in between, from -1 to 1.
fn jittered(interval: Duration, percent: u8, place: f64) -> Duration {
    let factor = 1.0 + place * f64::from(percent.min(99)) / 100.0;
    Duration::try_from_secs_f64(interval.as_secs_f64() * factor).unwrap_or(interval)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_is_spread_by_its_percentage() {
        let interval = Duration::from_secs(100);
        assert_eq!(jittered(interval, 5, 1.0), Duration::from_secs(105));
        assert_eq!(jittered(interval, 5, -1.0), Duration::from_secs(95));
        assert_eq!(jittered(interval, 0, 1.0), interval);
        assert_eq!(jittered(Duration::MAX, 5, 1.0), Duration::MAX);
    }

    fn seen(generation: i64, requested_at: Option<&str>, deleting: bool) -> Seen {
        let requested_at = requested_at.map(ToOwned::to_owned);
        Seen {
            uid: Some("u".into()),
            generation: Some(generation),
            requested_at,
            deleting,
        }
    }

    /// What the change from the first to the second asks for.
    fn check(before: Option<&Seen>, now: &Seen, expect: Option<Priority>) {
        assert_eq!(
            now.wake(before, Key::new("ns", "a"))
                .map(|wake| wake.priority),
            expect
        );
    }

    #[test]
    fn an_earlier_version_is_seen_as_such() {
        let object = |version: &str| {
            let mut object = weir_api::source::v1::GitRepository::default();
            object.metadata.resource_version = Some(version.to_owned());
            object
        };
        assert!(went_back(&object("100"), &object("99")));
        assert!(!went_back(&object("99"), &object("100")));
        assert!(!went_back(&object("99"), &object("99")));
        assert!(!went_back(&object("b"), &object("a")));
    }

    #[test]
    fn status_and_labels_ask_for_nothing() {
        check(
            Some(&seen(1, Some("x"), false)),
            &seen(1, Some("x"), false),
            None,
        );
    }

    #[test]
    fn spec_request_deletion_and_replacement_ask_for_work() {
        let before = seen(1, None, false);
        check(None, &before, Some(Priority::Changed));
        check(
            Some(&before),
            &seen(2, None, false),
            Some(Priority::Changed),
        );
        check(
            Some(&before),
            &seen(2, Some("x"), false),
            Some(Priority::Requested),
        );
        check(
            Some(&before),
            &seen(2, Some("x"), true),
            Some(Priority::Deletion),
        );
        let recreated = Seen {
            uid: Some("other".into()),
            ..before.clone()
        };
        check(Some(&before), &recreated, Some(Priority::Changed));
    }
}
