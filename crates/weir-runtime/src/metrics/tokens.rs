//! What the cache of tokens does, in the figures of upstream's dashboards.
//!
//! Source: fluxcd/pkg cache v0.14 `metrics.go`, under the prefix `gotk_token_`.

use prometheus::{IntCounter, IntCounterVec, IntGauge, Opts, Registry};
use weir_auth::{CacheWatcher, OnBehalf};

use super::families::{counter, registered};

const EVENTS: [&str; 2] = ["cache_miss", "cache_hit"];

/// The families of token caches; all caches of a process share them. Cheap to clone.
#[derive(Debug, Clone)]
pub struct TokenMetrics {
    events: IntCounterVec,
    items: IntGauge,
    requests: IntCounterVec,
    evictions: IntCounter,
}

impl TokenMetrics {
    pub(super) fn new(registry: &Registry) -> Self {
        Self {
            events: counter(
                registry,
                "gotk_token_cache_events_total",
                "Total number of cache retrieval events for a Gitops Toolkit resource reconciliation.",
                &["event_type", "kind", "name", "namespace", "operation"],
            ),
            items: registered(
                registry,
                IntGauge::new(
                    "gotk_token_cached_items",
                    "Total number of items in the cache.",
                ),
            ),
            requests: counter(
                registry,
                "gotk_token_cache_requests_total",
                "Total number of cache requests partioned by success or failure.",
                &["status"],
            ),
            evictions: registered(
                registry,
                IntCounter::with_opts(Opts::new(
                    "gotk_token_cache_evictions_total",
                    "Total number of cache evictions.",
                )),
            ),
        }
    }

    /// Drops the series of an object that is gone.
    pub fn forget(&self, of: &OnBehalf) {
        for event in EVENTS {
            // There may be none.
            let _ = self.events.remove_label_values(&labels(event, of));
        }
    }
}

impl CacheWatcher for TokenMetrics {
    fn asked(&self, on_behalf: Option<&OnBehalf>, kept: bool, given: bool) {
        let status = if given { "success" } else { "failure" };
        self.requests.with_label_values(&[status]).inc();
        if let Some(of) = on_behalf {
            let event = EVENTS[usize::from(kept)];
            self.events.with_label_values(&labels(event, of)).inc();
        }
    }

    fn added(&self) {
        self.items.inc();
    }

    fn evicted(&self) {
        self.items.dec();
        self.evictions.inc();
    }
}

fn labels<'a>(event: &'a str, of: &'a OnBehalf) -> [&'a str; 5] {
    [event, of.kind, &of.name, &of.namespace, of.operation]
}
