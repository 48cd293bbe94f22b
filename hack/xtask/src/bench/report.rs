//! What a bench prints and writes.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde::Serialize;

use super::meter::{Phase, RequestCount, quantile};
use super::peer::Peer;

/// Requests that are told one by one; the JSON file has them all.
const TOLD: usize = 14;

/// Everything that was measured in one run.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    bench: &'static str,
    command: String,
    about: Vec<String>,
    peers: Vec<Record>,
}

/// What was measured of one peer.
#[derive(Debug, Serialize)]
pub(super) struct Record {
    peer: String,
    about: String,
    work: String,
    /// Memory before there is any item.
    pub(super) idle_mib: BTreeMap<String, f64>,
    /// Memory once all items are installed and nothing happens.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) loaded_mib: BTreeMap<String, f64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    phases: Vec<Phase>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    latencies: Vec<Latency>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<String>,
}

/// Something that was measured one item at a time.
#[derive(Debug, Serialize)]
struct Latency {
    what: &'static str,
    count: usize,
    did_not_come: usize,
    p50_ms: f64,
    p95_ms: f64,
    max_ms: f64,
}

impl Record {
    pub(super) fn new(peer: &Peer, work: &str) -> Self {
        Self {
            peer: peer.name.clone(),
            about: peer.about.clone(),
            work: work.to_owned(),
            idle_mib: BTreeMap::new(),
            loaded_mib: BTreeMap::new(),
            phases: Vec::new(),
            latencies: Vec::new(),
            failure: None,
        }
    }

    /// Adds a phase.
    pub(super) fn phase(&mut self, phase: Phase) {
        eprintln!("  {} {:.2} s", phase.name, phase.clock_seconds);
        self.phases.push(phase);
    }

    /// Adds what was measured one item at a time.
    pub(super) fn latency(&mut self, what: &'static str, times: &[Option<Duration>]) {
        let mut came: Vec<Duration> = times.iter().copied().flatten().collect();
        came.sort();
        let at = |percent| quantile(&came, percent) * 1000.0;
        self.latencies.push(Latency {
            what,
            count: came.len(),
            did_not_come: times.len() - came.len(),
            p50_ms: at(50),
            p95_ms: at(95),
            max_ms: at(100),
        });
    }

    /// Keeps why it did not get to the end.
    pub(super) fn end(&mut self, result: Result<()>) {
        if let Err(error) = result {
            eprintln!("  failed: {error:#}");
            self.failure = Some(format!("{error:#}"));
        }
    }
}

impl Report {
    pub(super) fn new(bench: &'static str, about: Vec<String>) -> Self {
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        Self {
            bench,
            command: format!("cargo xtask {}", arguments.join(" ")),
            about,
            peers: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, record: Record) {
        self.peers.push(record);
    }

    /// How many peers did not get to the end.
    pub(super) fn failures(&self) -> usize {
        let failed = |it: &&Record| it.failure.is_some();
        self.peers.iter().filter(failed).count()
    }

    /// Prints everything for people, as Markdown.
    pub(super) fn print(&self) {
        println!("{}", self.command);
        for line in &self.about {
            println!("- {line}");
        }
        for record in &self.peers {
            println!("- {}: {}; {}", record.peer, record.about, record.work);
            println!("  idle {}", mebibytes(&record.idle_mib));
            if !record.loaded_mib.is_empty() {
                println!("  loaded and idle {}", mebibytes(&record.loaded_mib));
            }
            if let Some(failure) = &record.failure {
                println!("  FAILED: {failure}");
            }
        }
        if self.peers.iter().any(|it| !it.phases.is_empty()) {
            self.print_phases();
            self.print_ratios();
            self.print_requests();
        }
        if self.peers.iter().any(|it| !it.latencies.is_empty()) {
            self.print_latencies();
        }
    }

    /// Writes everything as JSON.
    pub(super) fn write(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self)?;
        std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
    }

    fn print_phases(&self) {
        println!(
            "\n| phase | peer | clock s | p50 / p95 / max s | CPU s: controllers / apiserver / etcd / kcm / git / bench | peak MiB | requests per item | other CPUs |"
        );
        println!("|---|---|---|---|---|---|---|---|");
        for (name, rows) in self.by_phase() {
            for (record, phase) in rows {
                let also: Vec<String> = phase
                    .also
                    .iter()
                    .map(|(name, value)| format!("{} {value:.2}", name.replace('_', " ")))
                    .collect();
                let also = if also.is_empty() {
                    String::new()
                } else {
                    format!(" ({})", also.join(", "))
                };
                println!(
                    "| {name} | {} | **{:.2}**{also} | {:.2} / {:.2} / {:.2} | {} | {} | {:.1} | {:.2} |",
                    record.peer,
                    phase.clock_seconds,
                    phase.p50_seconds,
                    phase.p95_seconds,
                    phase.max_seconds,
                    cpu(phase),
                    peaks(phase),
                    total(&phase.requests) as f64 / phase.items.max(1) as f64,
                    phase.other_cpus,
                );
            }
        }
    }

    /// The clocks of a peer's later runs over its first one.
    fn print_ratios(&self) {
        for (number, record) in self.peers.iter().enumerate() {
            let first = self.peers.iter().position(|it| it.peer == record.peer);
            let Some(first) = first.filter(|first| *first < number) else {
                continue;
            };
            let first = &self.peers[first].phases;
            let ratios = record.phases.iter().filter_map(|phase| {
                let alone = first.iter().find(|it| it.name == phase.name)?.clock_seconds;
                let ratio = phase.clock_seconds / alone.max(f64::EPSILON);
                Some(format!("{} {ratio:.2}", phase.name))
            });
            let ratios: Vec<String> = ratios.collect();
            println!(
                "\nClock of {} over the first run: {}",
                record.work,
                ratios.join(", ")
            );
        }
    }

    fn print_requests(&self) {
        println!("\nRequests per item, everybody's unless an agent is named:");
        for (name, rows) in self.by_phase() {
            for (record, phase) in rows {
                println!("- {name}, {}:", record.peer);
                for (agent, counts) in by_agent(&phase.requests) {
                    let items = phase.items.max(1) as f64;
                    let told: Vec<String> = counts
                        .iter()
                        .take(TOLD)
                        .map(|it| {
                            let per_item = it.count as f64 / items;
                            format!("{per_item:.2} {} {}", it.what.verb, it.what.resource)
                        })
                        .collect();
                    let sum: u64 = counts.iter().map(|it| it.count).sum();
                    let agent = if agent.is_empty() { "all" } else { agent };
                    println!("  - {agent} {:.2}: {}", sum as f64 / items, told.join(", "));
                }
            }
        }
    }

    fn print_latencies(&self) {
        println!("\n| ms, p50 / p95 / max | peer | | did not come |\n|---|---|---|---|");
        for record in &self.peers {
            for it in &record.latencies {
                println!(
                    "| {} | {} | {:.0} / {:.0} / {:.0} | {} of {} |",
                    it.what,
                    record.peer,
                    it.p50_ms,
                    it.p95_ms,
                    it.max_ms,
                    it.did_not_come,
                    it.count + it.did_not_come
                );
            }
        }
    }

    /// Phases in the order in which they were run, each with everybody who ran it.
    fn by_phase(&self) -> Vec<(&str, Vec<(&Record, &Phase)>)> {
        let longest = self.peers.iter().max_by_key(|it| it.phases.len());
        let names = longest.into_iter().flat_map(|it| &it.phases);
        names
            .map(|named| {
                let rows = self.peers.iter().flat_map(|record| {
                    let same = record.phases.iter().filter(|it| it.name == named.name);
                    same.map(move |phase| (record, phase))
                });
                (named.name.as_str(), rows.collect())
            })
            .collect()
    }
}

/// The control plane's three processes come last; those before are the peer's.
fn peer_processes(phase: &Phase) -> usize {
    phase.processes.len().saturating_sub(3)
}

fn cpu(phase: &Phase) -> String {
    let (peer, plane) = phase.processes.split_at(peer_processes(phase));
    let peer: Vec<String> = peer
        .iter()
        .map(|it| format!("{:.2}", it.cpu_seconds))
        .collect();
    let peer = if peer.is_empty() {
        String::from("–")
    } else {
        peer.join(" + ")
    };
    let plane = plane.iter().map(|it| it.cpu_seconds);
    let rest: Vec<String> = plane
        .chain([phase.git_cpu_seconds, phase.bench_cpu_seconds])
        .map(|it| format!("{it:.1}"))
        .collect();
    format!("**{peer}** / {}", rest.join(" / "))
}

fn peaks(phase: &Phase) -> String {
    let peer = &phase.processes[..peer_processes(phase)];
    let all: Vec<String> = peer
        .iter()
        .map(|it| format!("{:.0}", it.peak_mib))
        .collect();
    all.join(" + ")
}

fn total(requests: &[RequestCount]) -> u64 {
    requests.iter().map(|it| it.count).sum()
}

/// By agent, the busiest first; of each, the most frequent request first.
fn by_agent(requests: &[RequestCount]) -> Vec<(&str, Vec<&RequestCount>)> {
    let mut agents: BTreeMap<&str, Vec<&RequestCount>> = BTreeMap::new();
    for request in requests {
        agents.entry(&request.what.agent).or_default().push(request);
    }
    let mut agents: Vec<(&str, Vec<&RequestCount>)> = agents.into_iter().collect();
    for (_, counts) in &mut agents {
        counts.sort_by_key(|it| std::cmp::Reverse(it.count));
    }
    agents.sort_by_key(|(_, counts)| {
        std::cmp::Reverse(counts.iter().map(|it| it.count).sum::<u64>())
    });
    agents
}

fn mebibytes(memory: &BTreeMap<String, f64>) -> String {
    let all: Vec<String> = memory
        .iter()
        .map(|(name, mib)| format!("{name} {mib:.0} MiB"))
        .collect();
    all.join(", ")
}
