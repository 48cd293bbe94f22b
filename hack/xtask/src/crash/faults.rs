//! The world misbehaves around a controller that lives on, and what must hold comes true nevertheless.
//!
//! After a fault has ended: the end state is that of an undisturbed run, every object of ours is in an inventory at
//! every moment, nothing was created or deleted more often, one more pass changes nothing, and the process has not
//! ended. Faults of the API server are injected by the proxy; what cannot be injected honestly is not here.

mod disks;
mod group;
mod leases;
mod load;
mod memory;
mod names;
mod past;
mod rules;
mod servers;
mod stale;
mod versions;
mod watches;
mod webhooks;

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use futures::{StreamExt as _, stream};
use harness::{ApiProxy, Controllers};

use super::case::Case;
use super::points::{QUIET, Reference, begin, check_log, idle, silence, undisturbed};
use super::scenarios::{self, Act, Scenario};
use super::stage::Stage;
use crate::picture;
use rules::Fault;

/// A fault and what came of it.
pub(super) struct Row {
    name: String,
    failure: Option<String>,
}

impl Row {
    pub(super) fn line(&self) -> String {
        let word = if self.failure.is_some() {
            "FAILED"
        } else {
            "holds"
        };
        format!("{:<88}{word}", self.name)
    }

    pub(super) fn failure(&self) -> Option<String> {
        let failure = self.failure.as_ref()?;
        Some(format!("{}: {failure}", self.name))
    }

    fn of(name: &str, result: Result<()>) -> Self {
        let failure = result.err().map(|error| format!("{error:#}"));
        let row = Self {
            name: name.to_owned(),
            failure,
        };
        eprintln!("{}", row.line());
        row
    }
}

/// Undisturbed runs by the name of their scenario.
pub(super) struct References(BTreeMap<&'static str, (Scenario, Reference)>);

impl References {
    fn of(&self, name: &str) -> Result<(&Scenario, &Reference)> {
        let found = self
            .0
            .get(name)
            .with_context(|| format!("no scenario {name}"))?;
        Ok((&found.0, &found.1))
    }
}

/// Scenarios that faults meet.
const USED: [&str; 5] = ["install", "upgrade", "prune", "delete", "drift"];

/// Runs every fault whose name contains `only`.
pub(super) async fn run(stage: &mut Stage, only: &str, jobs: usize) -> Result<Vec<Row>> {
    let mut references = BTreeMap::new();
    for scenario in scenarios::all() {
        if USED.contains(&scenario.name) {
            let reference = undisturbed(stage, &scenario).await?;
            references.insert(scenario.name, (scenario, reference));
        }
    }
    let references = References(references);
    let (shared, all): (&Stage, &References) = (stage, &references);
    let mut side_by_side = watches::all(shared, all, only);
    for fault in rules::FAULTS.iter().filter(|it| it.name.contains(only)) {
        side_by_side.push(Box::pin(async move {
            let result = disturbed(shared, all, fault).await;
            Row::of(fault.name, result)
        }));
    }
    side_by_side.extend(stale::all(shared, all, only));
    side_by_side.extend(leases::all(shared, all, only));
    side_by_side.extend(webhooks::all(shared, all, only));
    let mut rows: Vec<Row> = stream::iter(side_by_side)
        .buffer_unordered(jobs.max(1))
        .collect()
        .await;
    rows.extend(servers::run(stage, &references, only).await);
    rows.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(rows)
}

/// A case at the moment before its act.
struct Begun {
    case: Case,
    proxy: ApiProxy,
    controller: Controllers,
}

async fn started(stage: &Stage, references: &References, name: &str) -> Result<Begun> {
    started_with(stage, references, name, &[]).await
}

/// The same with further flags.
async fn started_with(
    stage: &Stage,
    references: &References,
    name: &str,
    flags: &[&str],
) -> Result<Begun> {
    let (scenario, _) = references.of(name)?;
    let mut case = Case::prepare(stage, scenario).await?;
    let proxy = ApiProxy::start(&stage.plane)?;
    let controller = stage.controller_with(&proxy, case.name(), flags).await?;
    begin(&mut case, scenario).await?;
    silence(&proxy, QUIET).await?;
    proxy.clear();
    Ok(Begun {
        case,
        proxy,
        controller,
    })
}

/// The fault is over.
async fn finish(begun: Begun, scenario: &Scenario, reference: &Reference) -> Result<()> {
    let Begun {
        case,
        proxy,
        mut controller,
    } = begun;
    proxy.pass_all();
    recovered(&case, scenario, reference, &proxy).await?;
    controller.process().check_running()?;
    drop(controller);
    case.clean_up().await
}

/// A run during which a rule holds for a while.
async fn disturbed(stage: &Stage, references: &References, fault: &Fault) -> Result<()> {
    let (scenario, reference) = references.of(fault.scenario)?;
    let mut case = Case::prepare(stage, scenario).await?;
    let proxy = ApiProxy::start(&stage.plane)?;
    let mut controller = stage.controller(&proxy, case.name()).await?;
    begin(&mut case, scenario).await?;
    proxy.clear();
    proxy.rule((fault.rule)());
    case.act(scenario).await?;
    tokio::time::sleep(fault.lasts).await;
    let asked = proxy.log().len();
    ensure!(asked <= fault.most, "{asked} requests during the fault");
    let orphans = picture::orphans(&stage.client, case.name()).await?;
    ensure!(
        orphans.is_empty(),
        "not in the inventory during the fault: {orphans:?}"
    );
    controller.process().check_running()?;
    let begun = Begun {
        case,
        proxy,
        controller,
    };
    finish(begun, scenario, reference).await
}

/// What must hold when a fault is over.
async fn recovered(
    case: &Case,
    scenario: &Scenario,
    reference: &Reference,
    proxy: &ApiProxy,
) -> Result<()> {
    case.becomes(&reference.picture).await?;
    silence(proxy, QUIET).await?;
    case.becomes(&reference.picture).await?;
    check_log(&reference.log, &case.renamed(proxy.log()))?;
    if !matches!(scenario.act, Act::Delete) {
        idle(case, proxy, &reference.picture).await?;
    }
    Ok(())
}

/// A moment, for what is to be seen not to happen.
const MOMENT: Duration = Duration::from_secs(3);
