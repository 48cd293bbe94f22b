//! Every family with its name, its help and its labels.

use prometheus::core::Collector;
use prometheus::{
    GaugeVec, HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts, Registry,
    exponential_buckets,
};

use super::Families;
use super::tokens::TokenMetrics;

const RECONCILE_BUCKETS: &[f64] = &[
    0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9,
    1.0, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 15.0, 20.0,
    25.0, 30.0, 40.0, 50.0, 60.0,
];
const ONE: &[&str] = &["controller"];
const QUEUE: &[&str] = &["name", "controller"];

#[expect(clippy::too_many_lines, reason = "a table: one entry per family")]
pub(super) fn families(registry: Registry) -> Families {
    let r = &registry;
    Families {
        reconcile_duration: histogram(
            r,
            "gotk_reconcile_duration_seconds",
            "The duration in seconds of a GitOps Toolkit resource reconciliation.",
            (&["kind", "name", "namespace"], duration_buckets()),
        ),
        reconcile_total: counter(
            r,
            "controller_runtime_reconcile_total",
            "Total number of reconciliations per controller",
            &["controller", "result"],
        ),
        reconcile_errors: counter(
            r,
            "controller_runtime_reconcile_errors_total",
            "Total number of reconciliation errors per controller",
            ONE,
        ),
        reconcile_terminal_errors: counter(
            r,
            "controller_runtime_terminal_reconcile_errors_total",
            "Total number of terminal reconciliation errors per controller",
            ONE,
        ),
        reconcile_panics: counter(
            r,
            "controller_runtime_reconcile_panics_total",
            "Total number of reconciliation panics per controller",
            ONE,
        ),
        reconcile_time: histogram(
            r,
            "controller_runtime_reconcile_time_seconds",
            "Length of time per reconciliation per controller",
            (ONE, RECONCILE_BUCKETS.to_vec()),
        ),
        max_concurrent: gauge(
            r,
            "controller_runtime_max_concurrent_reconciles",
            "Maximum number of concurrent reconciles per controller",
            ONE,
        ),
        active_workers: gauge(
            r,
            "controller_runtime_active_workers",
            "Number of currently used workers per controller",
            ONE,
        ),
        queue_depth: gauge(r, "workqueue_depth", "Current depth of workqueue", QUEUE),
        queue_adds: counter(
            r,
            "workqueue_adds_total",
            "Total number of adds handled by workqueue",
            QUEUE,
        ),
        queue_retries: counter(
            r,
            "workqueue_retries_total",
            "Total number of retries handled by workqueue",
            QUEUE,
        ),
        queue_duration: histogram(
            r,
            "workqueue_queue_duration_seconds",
            "How long in seconds an item stays in workqueue before being requested",
            (QUEUE, queue_buckets()),
        ),
        work_duration: histogram(
            r,
            "workqueue_work_duration_seconds",
            "How long in seconds processing an item from workqueue takes.",
            (QUEUE, queue_buckets()),
        ),
        unfinished_work: float(
            r,
            "workqueue_unfinished_work_seconds",
            "How many seconds of work that is in progress and has not been observed by work_duration.",
            QUEUE,
        ),
        longest_running: float(
            r,
            "workqueue_longest_running_processor_seconds",
            "How many seconds has the longest running processor for workqueue been running.",
            QUEUE,
        ),
        requests: counter(
            r,
            "rest_client_requests_total",
            "Number of HTTP requests, partitioned by status code, method, and host.",
            &["code", "method", "host"],
        ),
        leader: gauge(
            r,
            "leader_election_master_status",
            "Whether this process leads: 1 means it does, 0 means it does not.",
            &["name"],
        ),
        events_posted: counter(
            r,
            "weir_events_posted_total",
            "Events that were delivered.",
            &["sink"],
        ),
        events_dropped: counter(
            r,
            "weir_events_dropped_total",
            "Events that were dropped, and why.",
            &["sink", "reason"],
        ),
        undecodable: gauge(
            r,
            "weir_undecodable_objects",
            "Stored objects that do not decode as their kind.",
            &["kind"],
        ),
        watch_errors: counter(
            r,
            "weir_watch_errors_total",
            "Failures of watches and their lists.",
            &["resource"],
        ),
        watch_relists: counter(
            r,
            "weir_watch_lists_total",
            "Complete lists read for watches.",
            &["resource"],
        ),
        tokens: TokenMetrics::new(r),
        registry,
    }
}

fn duration_buckets() -> Vec<f64> {
    // Ten buckets from 10 ms to half an hour, each the same factor apart.
    let factor = (1800.0_f64 / 0.01).powf(1.0 / 9.0);
    (0..10).map(|power| 0.01 * factor.powi(power)).collect()
}

fn queue_buckets() -> Vec<f64> {
    exponential_buckets(1e-8, 10.0, 12).expect("a positive start and a factor above one")
}

pub(super) fn registered<C: Collector + Clone + 'static>(
    registry: &Registry,
    family: prometheus::Result<C>,
) -> C {
    let family = family.expect("names and labels are constants that a test reads back");
    registry
        .register(Box::new(family.clone()))
        .expect("every name is registered once");
    family
}

pub(super) fn counter(
    registry: &Registry,
    name: &str,
    help: &str,
    labels: &[&str],
) -> IntCounterVec {
    registered(registry, IntCounterVec::new(Opts::new(name, help), labels))
}

fn gauge(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> IntGaugeVec {
    registered(registry, IntGaugeVec::new(Opts::new(name, help), labels))
}

fn float(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> GaugeVec {
    registered(registry, GaugeVec::new(Opts::new(name, help), labels))
}

fn histogram(
    registry: &Registry,
    name: &str,
    help: &str,
    (labels, buckets): (&[&str], Vec<f64>),
) -> HistogramVec {
    registered(
        registry,
        HistogramVec::new(HistogramOpts::new(name, help).buckets(buckets), labels),
    )
}
