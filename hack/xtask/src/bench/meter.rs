//! Measures one phase: clock, CPU time, memory, requests.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::Result;
use serde::Serialize;

use super::requests::{Counter, What};
use super::usage::{self, Snapshot, Watched};

/// Controllers that use less than this share of a CPU over [`LOOK`] are done.
const IDLE: f64 = 0.05;
const LOOK: Duration = Duration::from_millis(400);
/// Looks before a phase counts as over although somebody is still busy.
const LOOKS: usize = 25;

/// When things began, and when each of them was there.
#[derive(Clone, Debug)]
pub(super) struct Times {
    /// From the first request until the last item was there.
    pub(super) clock: Duration,
    /// By item, from its own beginning.
    pub(super) items: Vec<Duration>,
    /// Other figures, in seconds or as their names say.
    pub(super) also: Vec<(String, f64)>,
}

/// A phase as it was measured.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Phase {
    pub(super) name: String,
    pub(super) items: usize,
    pub(super) clock_seconds: f64,
    pub(super) p50_seconds: f64,
    pub(super) p95_seconds: f64,
    pub(super) max_seconds: f64,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) also: BTreeMap<String, f64>,
    pub(super) processes: Vec<ProcessUse>,
    pub(super) bench_cpu_seconds: f64,
    pub(super) git_cpu_seconds: f64,
    /// CPUs that everything else on the machine took on average.
    pub(super) other_cpus: f64,
    pub(super) requests: Vec<RequestCount>,
}

/// What a process used.
#[derive(Clone, Debug, Serialize)]
pub(super) struct ProcessUse {
    pub(super) name: String,
    /// Until the controllers were idle again.
    pub(super) cpu_seconds: f64,
    pub(super) peak_mib: f64,
}

/// How often something was asked.
#[derive(Clone, Debug, Serialize)]
pub(super) struct RequestCount {
    #[serde(flatten)]
    pub(super) what: What,
    pub(super) count: u64,
}

/// Everything that is measured.
pub(super) struct Meter {
    /// Controllers, whose idleness ends a phase.
    controllers: Vec<Watched>,
    /// The controllers, then the control plane.
    all: Vec<Watched>,
    counter: Counter,
}

impl Times {
    /// The times of items that began and came at these moments.
    pub(super) fn between(
        begin: Instant,
        began: &BTreeMap<String, Instant>,
        came: &BTreeMap<String, Instant>,
    ) -> Self {
        let last = came.values().max().copied().unwrap_or(begin);
        let of = |(name, came): (&String, &Instant)| {
            came.saturating_duration_since(began.get(name).copied().unwrap_or(begin))
        };
        Self {
            clock: last.saturating_duration_since(begin),
            items: came.iter().map(of).collect(),
            also: Vec::new(),
        }
    }

    /// Adds another figure.
    pub(super) fn and(mut self, name: &str, value: f64) -> Self {
        self.also.push((name.to_owned(), value));
        self
    }
}

impl Meter {
    pub(super) fn new(
        controllers: Vec<Watched>,
        control_plane: Vec<Watched>,
        counter: Counter,
    ) -> Self {
        Self {
            all: controllers.iter().chain(&control_plane).cloned().collect(),
            controllers,
            counter,
        }
    }

    /// Does the work, waits until the controllers are idle, and says what it took.
    pub(super) async fn measure(
        &self,
        name: &str,
        work: impl Future<Output = Result<Times>>,
    ) -> Result<Phase> {
        let mark = self.counter.mark().await?;
        usage::forget_peaks(&self.all);
        let before = Snapshot::take(&self.all);
        let times = work.await?;
        self.idle().await;
        let spent = before.spent(&self.all);
        let peaks = usage::peaks(&self.all);
        let requests = self.counter.since(&mark).await?;
        let processes = self.all.iter().zip(&spent.processes).zip(peaks);
        let mut sorted = times.items.clone();
        sorted.sort();
        Ok(Phase {
            name: name.to_owned(),
            items: sorted.len(),
            clock_seconds: times.clock.as_secs_f64(),
            p50_seconds: quantile(&sorted, 50),
            p95_seconds: quantile(&sorted, 95),
            max_seconds: quantile(&sorted, 100),
            also: times.also.into_iter().collect(),
            processes: processes
                .map(|((process, cpu), peak)| ProcessUse {
                    name: process.name.clone(),
                    cpu_seconds: *cpu,
                    peak_mib: peak,
                })
                .collect(),
            bench_cpu_seconds: spent.bench,
            git_cpu_seconds: spent.git,
            other_cpus: spent.other,
            requests: requests
                .into_iter()
                .map(|(what, count)| RequestCount { what, count })
                .collect(),
        })
    }

    /// The present memory of the controllers, in MiB.
    pub(super) fn resident(&self) -> Vec<(String, f64)> {
        let names = self.controllers.iter().map(|it| it.name.clone());
        names.zip(usage::resident(&self.controllers)).collect()
    }

    /// Waits until no controller does anything; what they post after the last status counts as well.
    pub(super) async fn idle(&self) {
        for _ in 0..LOOKS {
            if self.controllers.is_empty() {
                return;
            }
            let before = Snapshot::take(&self.controllers);
            tokio::time::sleep(LOOK).await;
            let spent: f64 = before.spent(&self.controllers).processes.iter().sum();
            if spent < IDLE * LOOK.as_secs_f64() {
                return;
            }
        }
    }
}

/// The smallest time that so many per cent do not exceed, in seconds.
pub(super) fn quantile(sorted: &[Duration], percent: usize) -> f64 {
    let place = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(place - 1).map_or(0.0, |time| time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_times_that_were_measured() {
        let times: Vec<Duration> = (1..=20).map(Duration::from_secs).collect();
        assert_eq!(
            [50, 95, 100].map(|it| quantile(&times, it)),
            [10.0, 19.0, 20.0]
        );
        assert_eq!(quantile(&times[..1], 50), 1.0);
        assert_eq!(quantile(&[], 95), 0.0);
    }

    #[test]
    fn items_are_timed_from_their_own_beginning() {
        let begin = Instant::now();
        let at = |seconds| begin + Duration::from_secs(seconds);
        let began = [("a", at(1)), ("b", at(2))].map(|(name, at)| (name.to_owned(), at));
        let came = [("a", at(4)), ("b", at(3))].map(|(name, at)| (name.to_owned(), at));
        let times = Times::between(begin, &began.into(), &came.into());
        assert_eq!(times.clock, Duration::from_secs(4));
        assert_eq!(times.items, [3, 1].map(Duration::from_secs));
    }
}
