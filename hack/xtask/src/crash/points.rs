//! Kills the controller at every write of a scenario, and looks at what comes of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use futures::{StreamExt as _, stream};
use harness::process::kill_group;
use harness::{ApiProxy, ApiRecord, ApiRequest, Fate, Hook, eventually};
use tokio::sync::watch;

use super::case::{Case, LIMIT};
use super::scenarios::{Act, Scenario};
use super::stage::Stage;
use crate::picture::{self, Picture};

/// Nothing is written for so long: it is over.
pub(super) const QUIET: Duration = Duration::from_millis(700);

/// When the controller dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    /// The write never reaches the server.
    Before,
    /// The server has taken it, and its answer is lost.
    After,
}

/// A write of a scenario: what it is, and how many of the same came before it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Point {
    write: String,
    before: usize,
}

/// What came of a scenario.
pub(super) struct Tally {
    scenario: &'static str,
    writes: usize,
    passed: [usize; 2],
    missed: usize,
    pub(super) failures: Vec<String>,
}

impl Tally {
    /// The head of the table.
    pub(super) const HEAD: &'static str = "scenario          writes   killed before: passed   killed after: passed   not reached   failed";

    /// The scenario's line of the table.
    pub(super) fn line(&self) -> String {
        format!(
            "{:<18}{:>6}{:>24}{:>23}{:>14}{:>9}",
            self.scenario,
            self.writes,
            self.passed[0],
            self.passed[1],
            self.missed,
            self.failures.len()
        )
    }
}

/// An undisturbed run.
pub(super) struct Reference {
    pub(super) picture: Picture,
    pub(super) log: Vec<ApiRecord>,
}

/// Runs a scenario once undisturbed, and twice for each of its writes.
pub(super) async fn run(stage: &Stage, scenario: &Scenario, jobs: usize) -> Result<Tally> {
    let reference = undisturbed(stage, scenario).await;
    let reference = reference.with_context(|| format!("{}, undisturbed", scenario.name))?;
    let points = points(&reference.log);
    let mut tally = Tally {
        scenario: scenario.name,
        writes: points.len(),
        passed: [0, 0],
        missed: 0,
        failures: Vec::new(),
    };
    let moments = [Moment::Before, Moment::After];
    let cases = points
        .iter()
        .flat_map(|point| moments.map(|moment| (point.clone(), moment)));
    let reference = &reference;
    let runs = cases.map(|(point, moment)| async move {
        let result = killed(stage, scenario, reference, &point, moment).await;
        (point, moment, result)
    });
    let mut runs = stream::iter(runs).buffer_unordered(jobs.max(1));
    while let Some((point, moment, result)) = runs.next().await {
        match result {
            Ok(true) => tally.passed[usize::from(moment == Moment::After)] += 1,
            Ok(false) => tally.missed += 1,
            Err(error) => {
                let (write, before) = (&point.write, point.before);
                let failure = format!(
                    "{}, killed {moment:?} {write} ({before} the same before): {error:#}",
                    scenario.name
                );
                eprintln!("{failure}");
                tally.failures.push(failure);
            }
        }
    }
    Ok(tally)
}

/// The writes of a log.
fn points(log: &[ApiRecord]) -> Vec<Point> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let writes = log.iter().filter(|record| record.asked.is_write());
    let point = |record: &ApiRecord| {
        let write = record.asked.to_string();
        let count = seen.entry(write.clone()).or_default();
        *count += 1;
        Point {
            before: *count - 1,
            write,
        }
    };
    writes.map(point).collect()
}

pub(super) async fn undisturbed(stage: &Stage, scenario: &Scenario) -> Result<Reference> {
    let mut case = Case::prepare(stage, scenario).await?;
    let proxy = ApiProxy::start(&stage.plane)?;
    let controller = stage.controller(&proxy, case.name()).await?;
    begin(&mut case, scenario).await?;
    proxy.clear();
    proxy.rule(slowed(scenario.pause));
    case.act(scenario).await?;
    eventually(LIMIT, "a write", async || {
        let log = proxy.log();
        let first = log.iter().find(|record| record.asked.is_write());
        first.map(drop).context("there is none")
    })
    .await?;
    case.settled(scenario).await?;
    silence(&proxy, QUIET * 4).await?;
    let log = case.renamed(proxy.log());
    let picture = case.picture().await?;
    drop(controller);
    case.clean_up().await?;
    Ok(Reference { picture, log })
}

/// One run with a crash; false if the write never came.
async fn killed(
    stage: &Stage,
    scenario: &Scenario,
    reference: &Reference,
    point: &Point,
    moment: Moment,
) -> Result<bool> {
    let mut case = Case::prepare(stage, scenario).await?;
    let proxy = ApiProxy::start(&stage.plane)?;
    let mut controller = stage.controller(&proxy, case.name()).await?;
    begin(&mut case, scenario).await?;
    proxy.clear();
    let (shot, mut dead) = watch::channel(false);
    let victim = controller.process().id();
    let kill: Hook = Arc::new(move || {
        kill_group(victim);
        shot.send_replace(true);
    });
    let write = point.write.replace("NS", case.name());
    proxy.rule(trap(write, point.before, moment, kill, scenario.pause));
    case.act(scenario).await?;
    let hit = tokio::time::timeout(LIMIT / 3, dead.wait_for(|dead| *dead)).await;
    if !matches!(hit, Ok(Ok(_))) {
        case.clean_up().await?;
        return Ok(false);
    }
    drop(controller);
    let first = case.renamed(proxy.log());
    drop(proxy);
    let orphans = picture::orphans(&stage.client, case.name()).await?;
    ensure!(
        orphans.is_empty(),
        "not in the inventory after the crash: {orphans:?}"
    );

    let proxy = ApiProxy::start(&stage.plane)?;
    proxy.rule(slowed(scenario.pause));
    let controller = stage.controller(&proxy, case.name()).await?;
    case.becomes(&reference.picture).await?;
    silence(&proxy, QUIET).await?;
    case.becomes(&reference.picture).await?;
    let mut log = first;
    log.extend(case.renamed(proxy.log()));
    check_log(&reference.log, &log)?;
    if !matches!(scenario.act, Act::Delete) {
        idle(&case, &proxy, &reference.picture).await?;
    }
    drop(controller);
    case.clean_up().await?;
    Ok(true)
}

/// The state before the act.
pub(super) async fn begin(case: &mut Case, scenario: &Scenario) -> Result<()> {
    if !matches!(scenario.act, Act::Create) {
        case.install(scenario).await?;
    }
    case.remember().await
}

/// One more pass changes nothing.
pub(super) async fn idle(case: &Case, proxy: &ApiProxy, wanted: &Picture) -> Result<()> {
    let before = case.versions().await?;
    case.another_pass("idle").await?;
    silence(proxy, QUIET).await?;
    case.becomes(wanted).await?;
    let mut after = case.versions().await?;
    after.retain(|path, version| before.get(path) != Some(version));
    ensure!(after.is_empty(), "one more pass changes {after:?}");
    Ok(())
}

/// Kills at one write; nothing passes any more then.
fn trap(
    write: String,
    before: usize,
    moment: Moment,
    kill: Hook,
    pause: u64,
) -> impl Fn(&ApiRequest) -> Fate + Send + Sync + 'static {
    let (seen, shot) = (AtomicUsize::new(0), AtomicBool::new(false));
    let slowed = slowed(pause);
    move |asked| {
        if shot.load(Ordering::SeqCst) {
            return Fate::Drop;
        }
        if !asked.is_write() || asked.to_string() != write {
            return slowed(asked);
        }
        if seen.fetch_add(1, Ordering::SeqCst) != before {
            return slowed(asked);
        }
        shot.store(true, Ordering::SeqCst);
        match moment {
            Moment::Before => {
                kill();
                Fate::Drop
            }
            Moment::After => Fate::LoseAnswer(Arc::clone(&kill)),
        }
    }
}

/// An API server that takes its time for writes.
fn slowed(pause: u64) -> impl Fn(&ApiRequest) -> Fate + Send + Sync + 'static {
    move |asked| match asked.is_write() && pause > 0 {
        true => Fate::Delay(Duration::from_millis(pause)),
        false => Fate::Pass,
    }
}

/// Waits until nothing has been written for a while.
pub(super) async fn silence(proxy: &ApiProxy, quiet: Duration) -> Result<()> {
    eventually(LIMIT, "silence", async || {
        let log = proxy.log();
        let last = log.iter().rfind(|record| record.asked.is_write());
        if let Some(last) = last.filter(|last| last.at.elapsed() < quiet) {
            bail!("{}", last.asked);
        }
        Ok(())
    })
    .await
}

/// No object was created or deleted more often than in the undisturbed run.
pub(super) fn check_log(reference: &[ApiRecord], log: &[ApiRecord]) -> Result<()> {
    for (what, of_interest) in [
        ("deleted", is_deletion as fn(&ApiRecord) -> bool),
        ("created", is_creation),
    ] {
        let wanted = count(reference, of_interest);
        for (write, times) in count(log, of_interest) {
            let most = wanted.get(&write).copied().unwrap_or_default();
            ensure!(
                times <= most,
                "{write}: {what} {times} times instead of {most}"
            );
        }
    }
    Ok(())
}

pub(super) fn is_deletion(record: &ApiRecord) -> bool {
    record.asked.is_write() && record.asked.method == http::Method::DELETE && record.is_taken()
}

fn is_creation(record: &ApiRecord) -> bool {
    record.asked.is_write() && record.status == Some(201)
}

fn count(log: &[ApiRecord], of_interest: fn(&ApiRecord) -> bool) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for record in log.iter().filter(|record| of_interest(record)) {
        *counts.entry(record.asked.to_string()).or_default() += 1;
    }
    counts
}
