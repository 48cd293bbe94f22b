//! Every metric of the shell, under the names that Flux's dashboards read.
//!
//! | metric | labels |
//! |---|---|
//! | `gotk_reconcile_duration_seconds` | kind, name, namespace; removed with the object |
//! | `controller_runtime_reconcile_total` | controller, result |
//! | `controller_runtime_reconcile_errors_total`, `_terminal_reconcile_errors_total`, `_reconcile_panics_total` | controller |
//! | `controller_runtime_reconcile_time_seconds` | controller |
//! | `controller_runtime_max_concurrent_reconciles`, `controller_runtime_active_workers` | controller |
//! | `workqueue_depth`, `workqueue_adds_total`, `workqueue_retries_total` | name, controller |
//! | `workqueue_queue_duration_seconds`, `workqueue_work_duration_seconds` | name, controller |
//! | `workqueue_unfinished_work_seconds`, `workqueue_longest_running_processor_seconds` | name, controller |
//! | `rest_client_requests_total` | code, method, host |
//! | `leader_election_master_status` | name |
//! | `weir_events_posted_total` | sink |
//! | `weir_events_dropped_total` | sink, reason |
//! | `weir_undecodable_objects` | kind |
//! | `weir_watch_errors_total` | resource |
//! | `weir_watch_relists_total` | resource |
//! | `gotk_token_cache_events_total` | event_type, kind, name, namespace, operation; removed with the object |
//! | `gotk_token_cache_requests_total` | status |
//! | `gotk_token_cached_items`, `gotk_token_cache_evictions_total` | |
//! | `process_*` | |
//!
//! One registry per process: controllers that share a process share it, told apart by their labels.
//! Source: controller-runtime v0.23 `pkg/metrics`, `pkg/internal/controller/metrics`; fluxcd/pkg `runtime/metrics`.

use std::sync::Arc;
use std::time::Duration;

use prometheus::core::Collector;
use prometheus::{
    Encoder, GaugeVec, HistogramVec, IntCounterVec, IntGaugeVec, Registry, TextEncoder,
};

use crate::kind::Key;

mod families;
mod tokens;

use families::families;
pub use tokens::TokenMetrics;

/// The media type of [`Metrics::text`].
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The process' metrics. Cheap to clone.
#[derive(Clone)]
pub struct Metrics {
    inner: Arc<Families>,
}

struct Families {
    registry: Registry,
    reconcile_duration: HistogramVec,
    reconcile_total: IntCounterVec,
    reconcile_errors: IntCounterVec,
    reconcile_terminal_errors: IntCounterVec,
    reconcile_panics: IntCounterVec,
    reconcile_time: HistogramVec,
    max_concurrent: IntGaugeVec,
    active_workers: IntGaugeVec,
    queue_depth: IntGaugeVec,
    queue_adds: IntCounterVec,
    queue_retries: IntCounterVec,
    queue_duration: HistogramVec,
    work_duration: HistogramVec,
    unfinished_work: GaugeVec,
    longest_running: GaugeVec,
    requests: IntCounterVec,
    leader: IntGaugeVec,
    events_posted: IntCounterVec,
    events_dropped: IntCounterVec,
    undecodable: IntGaugeVec,
    watch_errors: IntCounterVec,
    watch_relists: IntCounterVec,
    tokens: TokenMetrics,
}

/// How a pass ended, as `controller_runtime_reconcile_total` counts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PassResult {
    /// Nothing more to do until something changes.
    Success,
    /// Runs again after a time.
    RequeueAfter,
    /// Runs again at once.
    Requeue,
    /// Failed, and runs again after its back-off.
    Error,
}

impl PassResult {
    fn label(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::RequeueAfter => "requeue_after",
            Self::Requeue => "requeue",
            Self::Error => "error",
        }
    }
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// A registry with every family of the shell and the process' own figures.
    pub fn new() -> Self {
        let registry = Registry::new();
        #[cfg(target_os = "linux")]
        registry
            .register(Box::new(
                prometheus::process_collector::ProcessCollector::for_self(),
            ))
            .expect("a new registry has no names yet");
        Self {
            inner: Arc::new(families(registry)),
        }
    }

    /// Adds a controller's own family, or returns the one that another controller of the process added:
    /// collectors share their values when cloned.
    ///
    /// # Errors
    /// If the name is taken.
    pub fn register(&self, collector: impl Collector + 'static) -> Result<(), prometheus::Error> {
        self.inner.registry.register(Box::new(collector))
    }

    /// The figures of token caches.
    pub fn tokens(&self) -> &TokenMetrics {
        &self.inner.tokens
    }

    /// Everything in Prometheus' text format 0.0.4.
    pub fn text(&self) -> Vec<u8> {
        let mut text = Vec::new();
        // Writing into memory cannot fail, and what cannot be encoded is left out.
        let _ = TextEncoder::new().encode(&self.inner.registry.gather(), &mut text);
        text
    }

    pub(crate) fn pass_done(&self, queue: &str, result: PassResult, took: Duration) {
        self.inner
            .reconcile_total
            .with_label_values(&[queue, result.label()])
            .inc();
        self.inner
            .reconcile_time
            .with_label_values(&[queue])
            .observe(took.as_secs_f64());
        if result == PassResult::Error {
            self.inner
                .reconcile_errors
                .with_label_values(&[queue])
                .inc();
        }
    }

    pub(crate) fn pass_panicked(&self, queue: &str) {
        self.inner
            .reconcile_panics
            .with_label_values(&[queue])
            .inc();
    }

    pub(crate) fn object_reconciled(&self, kind: &str, key: &Key, took: Duration) {
        let labels = [kind, key.name.as_str(), key.namespace.as_str()];
        self.inner
            .reconcile_duration
            .with_label_values(&labels)
            .observe(took.as_secs_f64());
    }

    pub(crate) fn object_gone(&self, kind: &str, key: &Key) {
        let labels = [kind, key.name.as_str(), key.namespace.as_str()];
        let _ = self.inner.reconcile_duration.remove_label_values(&labels);
    }

    /// Makes the series of a kind appear before its first pass.
    pub(crate) fn controller_started(&self, queue: &str, concurrent: usize) {
        self.inner
            .max_concurrent
            .with_label_values(&[queue])
            .set(i64::try_from(concurrent).unwrap_or(i64::MAX));
        self.inner.active_workers.with_label_values(&[queue]).set(0);
        for result in [
            PassResult::Success,
            PassResult::RequeueAfter,
            PassResult::Requeue,
            PassResult::Error,
        ] {
            self.inner
                .reconcile_total
                .with_label_values(&[queue, result.label()]);
        }
        self.inner.reconcile_errors.with_label_values(&[queue]);
        self.inner
            .reconcile_terminal_errors
            .with_label_values(&[queue]);
        self.inner.reconcile_panics.with_label_values(&[queue]);
        self.inner.queue_adds.with_label_values(&[queue, queue]);
        self.inner.queue_retries.with_label_values(&[queue, queue]);
        self.inner.queue_depth.with_label_values(&[queue, queue]);
    }

    pub(crate) fn active_workers(&self, queue: &str, change: i64) {
        self.inner
            .active_workers
            .with_label_values(&[queue])
            .add(change);
    }

    pub(crate) fn queue_depth(&self, queue: &str, depth: usize) {
        let depth = i64::try_from(depth).unwrap_or(i64::MAX);
        self.inner
            .queue_depth
            .with_label_values(&[queue, queue])
            .set(depth);
    }

    pub(crate) fn queue_added(&self, queue: &str) {
        self.inner
            .queue_adds
            .with_label_values(&[queue, queue])
            .inc();
    }

    pub(crate) fn queue_retried(&self, queue: &str) {
        self.inner
            .queue_retries
            .with_label_values(&[queue, queue])
            .inc();
    }

    pub(crate) fn queue_waited(&self, queue: &str, waited: Duration) {
        self.inner
            .queue_duration
            .with_label_values(&[queue, queue])
            .observe(waited.as_secs_f64());
    }

    pub(crate) fn work_done(&self, queue: &str, took: Duration) {
        self.inner
            .work_duration
            .with_label_values(&[queue, queue])
            .observe(took.as_secs_f64());
    }

    pub(crate) fn unfinished(&self, queue: &str, total: Duration, longest: Duration) {
        self.inner
            .unfinished_work
            .with_label_values(&[queue, queue])
            .set(total.as_secs_f64());
        self.inner
            .longest_running
            .with_label_values(&[queue, queue])
            .set(longest.as_secs_f64());
    }

    pub(crate) fn request(&self, code: &str, method: &str, host: &str) {
        self.inner
            .requests
            .with_label_values(&[code, method, host])
            .inc();
    }

    pub(crate) fn leading(&self, lease: &str, leading: bool) {
        self.inner
            .leader
            .with_label_values(&[lease])
            .set(i64::from(leading));
    }

    pub(crate) fn event_posted(&self, sink: &str) {
        self.inner.events_posted.with_label_values(&[sink]).inc();
    }

    pub(crate) fn event_dropped(&self, sink: &str, reason: &str) {
        self.events_dropped(sink, reason, 1);
    }

    pub(crate) fn events_dropped(&self, sink: &str, reason: &str, count: usize) {
        if count > 0 {
            let counter = self.inner.events_dropped.with_label_values(&[sink, reason]);
            counter.inc_by(u64::try_from(count).unwrap_or(u64::MAX));
        }
    }

    #[cfg(test)]
    pub(crate) fn events_posted(&self, sink: &str) -> u64 {
        self.inner.events_posted.with_label_values(&[sink]).get()
    }

    pub(crate) fn undecodable(&self, kind: &str, objects: usize) {
        self.inner
            .undecodable
            .with_label_values(&[kind])
            .set(i64::try_from(objects).unwrap_or(i64::MAX));
    }

    pub(crate) fn watch_failed(&self, resource: &str) {
        self.inner.watch_errors.with_label_values(&[resource]).inc();
    }

    pub(crate) fn watch_listed(&self, resource: &str) {
        self.inner
            .watch_relists
            .with_label_values(&[resource])
            .inc();
    }
}

#[cfg(test)]
mod tests;
