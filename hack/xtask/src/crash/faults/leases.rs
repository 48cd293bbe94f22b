//! Who may write: leases that are lost, taken, held by others with wrong clocks, and processes that sleep.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use futures::future::LocalBoxFuture;
use harness::{ApiProxy, ApiRequest, Controllers, Fate, eventually};
use jiff::{SignedDuration, Timestamp};

use super::{References, Row, recovered};
use crate::crash::case::{Case, LIMIT};
use crate::crash::points::{QUIET, begin, silence};
use crate::crash::stage::Stage;

/// Short, so that nobody waits long: others wait this long, and the holder gives up before.
const LEASE: [&str; 4] = [
    "--enable-leader-election",
    "--leader-election-lease-duration=6s",
    "--leader-election-renew-deadline=4s",
    "--leader-election-retry-period=1s",
];
const DURATION: Duration = Duration::from_secs(6);

/// All faults of this file.
pub(super) fn all<'a>(
    stage: &'a Stage,
    references: &'a References,
    only: &str,
) -> Vec<LocalBoxFuture<'a, Row>> {
    let mut runs: Vec<LocalBoxFuture<'a, Row>> = Vec::new();
    let name = "F33 the lease cannot be renewed while a slow upgrade is under way";
    if name.contains(only) {
        runs.push(Box::pin(async move {
            Row::of(name, unrenewed(stage, references, Loss::Silent).await)
        }));
    }
    let name = "F33 somebody else takes the lease while a slow upgrade is under way";
    if name.contains(only) {
        runs.push(Box::pin(async move {
            Row::of(name, unrenewed(stage, references, Loss::Taken).await)
        }));
    }
    let name = "F34 the leader sleeps for longer than its lease, and wakes up beside the next one";
    if name.contains(only) {
        runs.push(Box::pin(async move {
            Row::of(name, asleep(stage, references).await)
        }));
    }
    for (name, hours) in [
        ("F35 another leader's clock is an hour ahead", 1),
        ("F35 another leader's clock is an hour behind", -1),
    ] {
        if name.contains(only) {
            runs.push(Box::pin(async move {
                Row::of(name, skewed(stage, hours).await)
            }));
        }
    }
    runs
}

/// How a lease is lost.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Loss {
    /// Renewals are never answered.
    Silent,
    /// Another name stands in it.
    Taken,
}

async fn candidate(stage: &Stage, proxy: &ApiProxy, case: &Case) -> Result<Controllers> {
    stage.controller_with(proxy, case.name(), &LEASE).await
}

/// Writes take a while.
fn slow(asked: &ApiRequest) -> Fate {
    match asked.is_write() {
        true => Fate::Delay(Duration::from_millis(1500)),
        false => Fate::Pass,
    }
}

async fn unrenewed(stage: &Stage, references: &References, loss: Loss) -> Result<()> {
    let (scenario, reference) = references.of("upgrade")?;
    let mut case = Case::prepare(stage, scenario).await?;
    let proxy = ApiProxy::start(&stage.plane)?;
    let mut controller = candidate(stage, &proxy, &case).await?;
    begin(&mut case, scenario).await?;
    silence(&proxy, QUIET).await?;
    proxy.clear();
    proxy.rule(move |asked| match &*asked.resource {
        "leases" if loss == Loss::Silent => Fate::Hang,
        _ => slow(asked),
    });
    let lost = Instant::now();
    if loss == Loss::Taken {
        case.hold_lease("somebody-else", Timestamp::now()).await?;
    }
    case.act(scenario).await?;
    eventually(LIMIT, "the end of a process without a lease", async || {
        let ended = controller.process().check_running().is_err();
        ensure!(ended, "it runs");
        Ok(())
    })
    .await?;
    let log = proxy.log();
    let late = log
        .iter()
        .find(|record| record.asked.is_write() && record.at.duration_since(lost) >= DURATION);
    ensure!(
        late.is_none(),
        "{} after the lease",
        late.map(|it| it.asked.to_string()).unwrap_or_default()
    );
    drop(controller);
    let first = case.renamed(log);
    let next = ApiProxy::start(&stage.plane)?;
    let controller = candidate(stage, &next, &case).await?;
    recovered(&case, scenario, reference, &next).await?;
    let mut whole = first;
    whole.extend(case.renamed(next.log()));
    crate::crash::points::check_log(&reference.log, &whole)?;
    drop(controller);
    case.clean_up().await
}

async fn asleep(stage: &Stage, references: &References) -> Result<()> {
    let (scenario, reference) = references.of("upgrade")?;
    let mut case = Case::prepare(stage, scenario).await?;
    let proxy = ApiProxy::start(&stage.plane)?;
    let mut sleeper = candidate(stage, &proxy, &case).await?;
    begin(&mut case, scenario).await?;
    silence(&proxy, QUIET).await?;
    proxy.clear();
    proxy.rule(slow);
    case.act(scenario).await?;
    eventually(LIMIT, "a first write", async || {
        let begun = proxy.log().iter().any(|record| record.asked.is_write());
        ensure!(begun, "there is none");
        Ok(())
    })
    .await?;
    sleeper.process().pause();
    let next = ApiProxy::start(&stage.plane)?;
    let controller = candidate(stage, &next, &case).await?;
    case.becomes(&reference.picture).await?;
    let woken = Instant::now();
    sleeper.process().resume();
    eventually(LIMIT, "the end of the process that slept", async || {
        ensure!(sleeper.process().check_running().is_err(), "it runs");
        Ok(())
    })
    .await?;
    let log = proxy.log();
    let late = log
        .iter()
        .find(|record| record.asked.is_write() && record.at > woken);
    ensure!(
        late.is_none(),
        "{} after it slept",
        late.map(|it| it.asked.to_string()).unwrap_or_default()
    );
    recovered(&case, scenario, reference, &next).await?;
    drop(controller);
    case.clean_up().await
}

/// The holder's clock says something else; it renews its lease, and then no more.
async fn skewed(stage: &Stage, hours: i64) -> Result<()> {
    let scenarios = crate::crash::scenarios::all();
    let scenario = scenarios.iter().find(|it| it.name == "delete");
    let scenario = scenario.context("there is a scenario to delete")?;
    let case = Case::prepare(stage, scenario).await?;
    let shift = SignedDuration::from_hours(hours);
    let renew = async || case.hold_lease("skewed", Timestamp::now() + shift).await;
    renew().await?;
    let proxy = ApiProxy::start(&stage.plane)?;
    let controller = candidate(stage, &proxy, &case).await?;
    let renewed = Instant::now();
    while renewed.elapsed() < DURATION * 2 {
        renew().await?;
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    ensure!(
        !case.lease_holder().await?.is_empty(),
        "nobody holds the lease"
    );
    ensure!(
        case.lease_holder().await? == "skewed",
        "the lease was taken from a living leader"
    );
    eventually(LIMIT, "the next leader", async || {
        let holder = case.lease_holder().await?;
        ensure!(holder != "skewed", "{holder} leads");
        Ok(())
    })
    .await?;
    drop(controller);
    case.clean_up().await
}
