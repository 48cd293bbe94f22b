//! The work queue with clock, worker slots and metrics around the pure [`Queue`].

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::kind::Key;
use crate::metrics::Metrics;
use crate::queue::{Added, Again, Backoff, Queue, Trigger, Wake};

/// The queue of one kind.
#[derive(Debug)]
pub(crate) struct WorkQueue {
    name: String,
    core: Mutex<Core>,
    changed: Arc<Notify>,
    slots: Arc<Semaphore>,
    held: Arc<Held>,
    metrics: Metrics,
}

#[derive(Debug)]
struct Core {
    queue: Queue,
    /// For each running pass, what is cancelled when newer work arrives.
    running: HashMap<Key, CancellationToken>,
}

/// One object to work on.
#[derive(Debug)]
pub(crate) struct Work {
    pub(crate) key: Key,
    pub(crate) trigger: Trigger,
    /// Cancelled when newer work for the same object arrives.
    pub(crate) superseded: CancellationToken,
    pub(crate) slot: Slot,
}

/// How many workers each namespace holds. One namespace never holds them all: the passes of the others would wait
/// until some of its own, however slow, are over.
#[derive(Debug)]
struct Held {
    most: usize,
    by: Mutex<HashMap<String, usize>>,
}

impl Held {
    fn may(&self, namespace: &str) -> bool {
        self.by
            .lock()
            .get(namespace)
            .is_none_or(|held| *held < self.most)
    }

    fn take(&self, namespace: &str) {
        *self.by.lock().entry(namespace.to_owned()).or_default() += 1;
    }

    fn give_back(&self, namespace: &str) {
        let mut by = self.by.lock();
        if let Some(held) = by.get_mut(namespace) {
            *held -= 1;
            if *held == 0 {
                by.remove(namespace);
            }
        }
    }
}

/// A worker slot; given back when dropped.
#[derive(Debug)]
pub(crate) struct Slot {
    name: String,
    namespace: String,
    held: Arc<Held>,
    changed: Arc<Notify>,
    metrics: Metrics,
    _permit: OwnedSemaphorePermit,
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.metrics.active_workers(&self.name, -1);
        self.held.give_back(&self.namespace);
        self.changed.notify_one();
    }
}

impl WorkQueue {
    /// A queue with `concurrent` workers for any one namespace, and one more for the others.
    pub(crate) fn new(name: String, concurrent: usize, backoff: Backoff, metrics: Metrics) -> Self {
        metrics.controller_started(&name, concurrent);
        let core = Core {
            queue: Queue::new(backoff),
            running: HashMap::new(),
        };
        Self {
            name,
            core: Mutex::new(core),
            changed: Arc::default(),
            slots: Arc::new(Semaphore::new(concurrent.max(1) + 1)),
            held: Arc::new(Held {
                most: concurrent.max(1),
                by: Mutex::default(),
            }),
            metrics,
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn add(&self, wake: &Wake) {
        let mut core = self.core.lock();
        let added = core.queue.add(now(), wake);
        match added {
            Added::Queued => self.metrics.queue_added(&self.name),
            Added::AfterRunning { supersedes: true } => {
                if let Some(running) = core.running.get(&wake.key) {
                    running.cancel();
                }
            }
            Added::AlreadyQueued | Added::AfterRunning { supersedes: false } => {}
        }
        self.metrics.queue_depth(&self.name, core.queue.depth());
        drop(core);
        self.changed.notify_one();
    }

    /// Waits for work and for a slot to do it in. One caller at a time.
    pub(crate) async fn next(&self) -> Work {
        loop {
            let changed = self.changed.notified();
            if !self.is_ready() {
                let due = self.core.lock().queue.next_due();
                match due {
                    None => changed.await,
                    Some(due) => {
                        // Left early for any change: it may be due sooner.
                        let _ = tokio::time::timeout_at(due.into(), changed).await;
                    }
                }
                continue;
            }
            // The slot comes first: meanwhile something more urgent may arrive.
            let permit = self.permit().await;
            if let Some(work) = self.pop(permit) {
                return work;
            }
        }
    }

    /// Waits for a worker slot for a pass that has begun already.
    pub(crate) async fn slot(&self, namespace: &str) -> Slot {
        let permit = self.permit().await;
        self.slot_of(permit, namespace)
    }

    async fn permit(&self) -> OwnedSemaphorePermit {
        let permit = Arc::clone(&self.slots).acquire_owned().await;
        permit.expect("the semaphore is never closed")
    }

    fn slot_of(&self, permit: OwnedSemaphorePermit, namespace: &str) -> Slot {
        self.metrics.active_workers(&self.name, 1);
        self.held.take(namespace);
        Slot {
            name: self.name.clone(),
            namespace: namespace.to_owned(),
            held: Arc::clone(&self.held),
            changed: Arc::clone(&self.changed),
            metrics: self.metrics.clone(),
            _permit: permit,
        }
    }

    fn is_ready(&self) -> bool {
        let mut core = self.core.lock();
        let due = core.queue.advance(now());
        for _ in 0..due {
            self.metrics.queue_added(&self.name);
        }
        self.metrics.queue_depth(&self.name, core.queue.depth());
        core.queue.has_work(|namespace| self.held.may(namespace))
    }

    fn pop(&self, permit: OwnedSemaphorePermit) -> Option<Work> {
        let mut core = self.core.lock();
        let may = |namespace: &str| self.held.may(namespace);
        let (key, trigger) = core.queue.pop(now(), may)?;
        let superseded = CancellationToken::new();
        core.running.insert(key.clone(), superseded.clone());
        self.metrics.queue_depth(&self.name, core.queue.depth());
        self.metrics.queue_waited(&self.name, trigger.waited);
        let slot = self.slot_of(permit, &key.namespace);
        Some(Work {
            key,
            trigger,
            superseded,
            slot,
        })
    }

    /// The pass over `key` is over; returns the delay until its next one, if a time was set.
    pub(crate) fn done(&self, key: &Key, again: Again, took: Duration) -> Option<Duration> {
        let mut core = self.core.lock();
        core.running.remove(key);
        let delay = core.queue.done(now(), key, again);
        self.metrics.work_done(&self.name, took);
        if again == Again::Backoff {
            self.metrics.queue_retried(&self.name);
        }
        self.metrics.queue_depth(&self.name, core.queue.depth());
        drop(core);
        self.changed.notify_one();
        delay
    }

    /// What set off the work that waits for the running pass over `key` to end.
    pub(crate) fn origin(&self, key: &Key) -> Option<String> {
        self.core.lock().queue.origin(key)
    }

    pub(crate) fn forget(&self, key: &Key) {
        self.core.lock().queue.forget(key);
    }

    /// Refreshes the figures about running passes.
    pub(crate) fn observe(&self) {
        let (total, longest) = self.core.lock().queue.running(now());
        self.metrics.unfinished(&self.name, total, longest);
    }
}

fn now() -> std::time::Instant {
    Instant::now().into_std()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::Priority;

    fn queue(concurrent: usize) -> Arc<WorkQueue> {
        let backoff = Backoff {
            min: Duration::from_secs(1),
            max: Duration::from_secs(8),
        };
        Arc::new(WorkQueue::new(
            "test".into(),
            concurrent,
            backoff,
            Metrics::new(),
        ))
    }

    fn wake(name: &str) -> Wake {
        Wake::changed(Key::new("ns", name), "test")
    }

    async fn idle(queue: &WorkQueue) -> bool {
        tokio::time::timeout(Duration::from_millis(1), queue.next())
            .await
            .is_err()
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_passes_run_than_there_are_slots() {
        let queue = queue(1);
        queue.add(&wake("a"));
        queue.add(&wake("b"));
        let first = queue.next().await;
        assert!(idle(&queue).await);
        drop(first.slot);
        assert_eq!(queue.next().await.key.name, "b");
    }

    #[tokio::test(start_paused = true)]
    async fn the_dispatcher_holds_no_slot_while_nothing_waits() {
        let queue = queue(1);
        queue.add(&wake("a"));
        let Work { slot, .. } = queue.next().await;
        let dispatcher = tokio::spawn({
            let queue = Arc::clone(&queue);
            async move { queue.next().await }
        });
        tokio::task::yield_now().await;
        drop(slot);
        queue.slot("ns").await;
        dispatcher.abort();
    }

    #[tokio::test(start_paused = true)]
    async fn one_namespace_never_holds_every_worker() {
        let queue = queue(2);
        for name in ["a", "b", "c"] {
            queue.add(&wake(name));
        }
        let (first, second) = (queue.next().await, queue.next().await);
        assert!(idle(&queue).await, "the last worker is for others");
        queue.add(&Wake::changed(Key::new("other", "x"), "test"));
        assert_eq!(queue.next().await.key.namespace, "other");
        drop(first.slot);
        assert_eq!(queue.next().await.key.name, "c");
        drop(second);
    }

    #[tokio::test(start_paused = true)]
    async fn newer_work_supersedes_the_running_pass_and_runs_after_it() {
        let queue = queue(2);
        queue.add(&wake("a"));
        let work = queue.next().await;
        queue.add(&Wake::new(Key::new("ns", "a"), Priority::Timer, "test"));
        assert!(!work.superseded.is_cancelled());
        queue.add(&wake("a"));
        assert!(work.superseded.is_cancelled());
        assert!(idle(&queue).await);
        queue.done(&work.key, Again::Never, Duration::ZERO);
        assert!(!queue.next().await.superseded.is_cancelled());
    }

    #[tokio::test(start_paused = true)]
    async fn an_interval_passes() {
        let queue = queue(1);
        queue.add(&wake("a"));
        let work = queue.next().await;
        drop(work.slot);
        queue.done(
            &work.key,
            Again::After(Duration::from_secs(600)),
            Duration::ZERO,
        );
        let started = Instant::now();
        assert_eq!(queue.next().await.trigger.priority, Priority::Timer);
        assert_eq!(started.elapsed().as_secs(), 600);
    }
}
