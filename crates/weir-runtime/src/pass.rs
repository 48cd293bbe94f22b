//! One pass over one object, as a [`Kind`] sees it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use kube::Client;
use parking_lot::Mutex;
use thiserror::Error;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use weir_api::Reconcilable;

use crate::event::{Event, Involved};
use crate::hub::Hub;
use crate::kind::{Key, Kind, Outcome, Report, Verdict};
use crate::queue::Trigger;
use crate::shell::Env;
use crate::status::{WriteError, Writer};
use crate::work::Slot;

/// A parked pass shows its progress when it has waited this long; shorter waits cost no write.
const PARK_GRACE: Duration = Duration::from_millis(300);

/// How a wait ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait<T> {
    /// What was waited for has happened.
    Done(T),
    /// The deadline came first.
    TimedOut,
    /// Newer work for the same object is queued: end the pass, it starts over at once.
    Superseded,
}

/// Why progress could not be written.
#[derive(Debug, Error)]
pub enum CheckpointError {
    /// The object was deleted, or replaced by another of its name.
    #[error("object no longer exists")]
    Gone,
    /// The leader lease has run out: nothing may be written any more.
    #[error("leader election lost")]
    NotLeading,
    /// The API server did not take the status, however often it was asked.
    #[error("failed to patch status")]
    Write(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// One pass over one object. The shell makes it; a [`Kind`] reports to it what it finds.
pub struct Pass<K: Kind> {
    pub(crate) env: Arc<Env<K>>,
    key: Key,
    object: Arc<K::Object>,
    involved: Arc<Involved>,
    trigger: Trigger,
    started: Instant,
    facts: Mutex<K::Facts>,
    events: Mutex<Vec<Event>>,
    writer: tokio::sync::Mutex<Writer<K::Object>>,
    /// The facts have changed since status was last written.
    unwritten: AtomicBool,
    slot: Mutex<Option<Slot>>,
    superseded: CancellationToken,
    /// Set when the pass is parked at shutdown: the shell drops it there.
    pub(crate) abandoned: CancellationToken,
}

impl<K: Kind> std::fmt::Debug for Pass<K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pass")
            .field("key", &self.key)
            .field("trigger", &self.trigger)
            .finish_non_exhaustive()
    }
}

/// What the shell makes a pass of.
pub(crate) struct Start<K: Kind> {
    pub(crate) env: Arc<Env<K>>,
    pub(crate) key: Key,
    pub(crate) object: Arc<K::Object>,
    pub(crate) trigger: Trigger,
    pub(crate) slot: Slot,
    pub(crate) superseded: CancellationToken,
}

impl<K: Kind> Pass<K> {
    pub(crate) fn new(start: Start<K>) -> Self {
        let Start {
            env,
            key,
            object,
            trigger,
            slot,
            superseded,
        } = start;
        Self {
            involved: Arc::new(Involved::of(&*object)),
            writer: tokio::sync::Mutex::new(env.writer(Arc::clone(&object))),
            env,
            key,
            object,
            trigger,
            started: Instant::now(),
            facts: Mutex::default(),
            events: Mutex::default(),
            unwritten: AtomicBool::new(true),
            slot: Mutex::new(Some(slot)),
            superseded,
            abandoned: CancellationToken::new(),
        }
    }

    /// The object as it was when the pass began; its finalizer is there.
    pub fn object(&self) -> &Arc<K::Object> {
        &self.object
    }

    /// Its namespace and name.
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// Why this pass runs.
    pub fn trigger(&self) -> Trigger {
        self.trigger
    }

    /// The controller's own client.
    pub fn client(&self) -> &Client {
        self.env.hub.client()
    }

    /// The watch hub of the controller's cluster.
    pub fn hub(&self) -> &Hub {
        &self.env.hub
    }

    /// How long the pass has run, parked time included.
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Whether a write may start: the leader lease is ours.
    pub fn may_write(&self) -> bool {
        self.env.leadership.is_valid()
    }

    /// Whether newer work for the object is queued.
    pub fn is_superseded(&self) -> bool {
        self.superseded.is_cancelled()
    }

    /// Waits until newer work for the object is queued.
    pub async fn superseded(&self) {
        self.superseded.cancelled().await;
    }

    /// What set off the newer work, as `Kind/namespace/name`, where the trigger said so.
    pub fn superseded_by(&self) -> Option<String> {
        self.env.queue.origin(&self.key)
    }

    /// Keeps what has become true.
    pub fn note(&self, change: impl FnOnce(&mut K::Facts)) {
        change(&mut self.facts.lock());
        self.unwritten.store(true, Ordering::Relaxed);
    }

    /// What was noted so far.
    pub fn facts(&self) -> K::Facts {
        self.facts.lock().clone()
    }

    /// Posts `event` after the next status write, in the order of the calls.
    pub fn emit(&self, event: Event) {
        self.events.lock().push(event);
    }

    /// Writes the status that [`Kind::report`] gives for [`Outcome::Progressing`] now, and posts the events
    /// emitted so far. Writes nothing if nothing differs.
    ///
    /// # Errors
    /// If the object is gone, the leader lease has run out, or the API server does not take the patch.
    pub async fn checkpoint(&self) -> Result<(), CheckpointError> {
        self.write(Outcome::Progressing).await.map(drop)
    }

    /// Waits for `future` until `deadline`, without holding a worker.
    ///
    /// The worker goes to others meanwhile, so the pass may have to queue for one afterwards. If the wait is
    /// more than short, progress is written first.
    pub async fn wait<T>(
        &self,
        deadline: impl Into<Instant> + Send,
        mut future: impl Future<Output = T> + Send + Unpin,
    ) -> Wait<T> {
        let deadline = deadline.into();
        // What has happened already needs no parking.
        if let std::task::Poll::Ready(done) = futures::poll!(&mut future) {
            return Wait::Done(done);
        }
        drop(self.slot.lock().take());
        let parked = async {
            tokio::select! {
                biased;
                () = self.env.stopping.cancelled() => Box::pin(self.abandon()).await,
                () = self.superseded.cancelled() => Wait::Superseded,
                done = &mut future => Wait::Done(done),
                () = tokio::time::sleep_until(deadline) => Wait::TimedOut,
            }
        };
        let wait = self.showing_progress(PARK_GRACE, Box::pin(parked)).await;
        let slot = tokio::select! {
            biased;
            () = self.env.stopping.cancelled() => Box::pin(self.abandon()).await,
            slot = self.env.queue.slot(&self.key.namespace) => slot,
        };
        *self.slot.lock() = Some(slot);
        wait
    }

    /// At shutdown a parked pass ends where it is: what is true is written, the next start goes on from it.
    async fn abandon<T>(&self) -> T {
        self.progress().await;
        self.post_all(Vec::new());
        self.abandoned.cancel();
        std::future::pending().await
    }

    /// Runs `work`; if it takes longer than `patience`, writes progress meanwhile. A write that has begun is
    /// not dropped half way.
    pub(crate) async fn showing_progress<T>(
        &self,
        patience: Duration,
        mut work: impl Future<Output = T> + Unpin,
    ) -> T {
        if let Ok(done) = tokio::time::timeout(patience, &mut work).await {
            return done;
        }
        let mut write = Box::pin(self.progress());
        tokio::select! {
            biased;
            () = &mut write => work.await,
            done = &mut work => {
                write.await;
                done
            }
        }
    }

    /// Writes progress if something was noted since the last write; failures show at the next write.
    pub(crate) async fn progress(&self) {
        if !self.unwritten.load(Ordering::Relaxed) {
            return;
        }
        if let Err(error) = self.checkpoint().await {
            tracing::debug!(error = %crate::kind::Chain(&error), "unable to write progress");
        }
    }

    /// Reports `outcome`, writes the status, posts the events.
    pub(crate) async fn write(
        &self,
        outcome: Outcome<'_, K::Error>,
    ) -> Result<Verdict<<K::Object as Reconcilable>::Status>, CheckpointError> {
        let mut writer = self.writer.lock().await;
        self.unwritten.store(false, Ordering::Relaxed);
        let mut last = None;
        let result = writer
            .write(|object| {
                let verdict = self.report(object, &outcome);
                let status = verdict.status.clone();
                last = Some(verdict);
                status
            })
            .await;
        // Before the lock is given back: the order of posting is that of the writes.
        let mut verdict = last.expect("a status is asked for at least once");
        let events = std::mem::take(&mut *self.events.lock());
        let told = std::mem::take(&mut verdict.events);
        match result {
            Ok(_) => self.post(events.into_iter().chain(told)),
            Err(WriteError::Gone) => {
                // What was done is told. How it ended would be the outcome of an object that is no more.
                self.post(events.into_iter());
                return Err(CheckpointError::Gone);
            }
            Err(WriteError::NotLeading) => return Err(CheckpointError::NotLeading),
            Err(WriteError::Patch(source)) => {
                self.unwritten.store(true, Ordering::Relaxed);
                self.post(events.into_iter().chain(told));
                return Err(CheckpointError::Write(source));
            }
        }
        Ok(verdict)
    }

    /// What [`Kind::report`] makes of `outcome`, without writing anything.
    pub(crate) fn report(
        &self,
        object: &K::Object,
        outcome: &Outcome<'_, K::Error>,
    ) -> Verdict<<K::Object as Reconcilable>::Status> {
        let facts = self.facts();
        self.env.kind.report(Report {
            object,
            facts: &facts,
            outcome: outcome.again(),
            now: Timestamp::now(),
            elapsed: self.started.elapsed(),
        })
    }

    /// Posts the events that were emitted, and `more`.
    pub(crate) fn post_all(&self, more: Vec<Event>) {
        let events = std::mem::take(&mut *self.events.lock());
        self.post(events.into_iter().chain(more));
    }

    fn post(&self, events: impl Iterator<Item = Event>) {
        for event in events {
            match event.kind {
                crate::event::EventKind::Normal => tracing::info!("{}", event.message),
                _ => tracing::debug!("{}", event.message),
            }
            self.env.recorder.record(&self.involved, event);
        }
    }

    /// The object with the version that was last written, for the finalizer.
    pub(crate) async fn latest(&self) -> Arc<K::Object> {
        self.writer.lock().await.latest()
    }
}
