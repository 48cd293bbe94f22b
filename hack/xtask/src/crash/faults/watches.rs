//! Watches that say nothing any more although nobody closes them, and watches that leave something out.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Result, ensure};
use futures::future::LocalBoxFuture;
use harness::ApiProxy;

use super::{MOMENT, References, Row, recovered};
use crate::crash::case::Case;
use crate::crash::points::{QUIET, begin, silence};
use crate::crash::stage::Stage;

/// Silence is noticed within 150 s, and what was missed takes a moment.
const NOTICED: Duration = Duration::from_secs(200);

/// What happens while all watches are deaf.
const DEAF: [(&str, &str); 2] = [
    (
        "F8  every watch falls silent and stays open, then an upgrade",
        "upgrade",
    ),
    (
        "F8  every watch falls silent and stays open, then drift",
        "drift",
    ),
];

/// What happens, and the kinds whose events are lost meanwhile.
const LOST: [(&str, &str, &[&str]); 5] = [
    (
        "F10 the events of a new revision are lost",
        "upgrade",
        &["gitrepositories"],
    ),
    (
        "F10 the events of what is pruned are lost",
        "prune",
        &["configmaps", "secrets", "services", "deployments"],
    ),
    (
        "F10 the events of drift are lost",
        "drift",
        &["configmaps", "deployments"],
    ),
    (
        "F10 the events of a deleted Kustomization are lost",
        "delete",
        &["kustomizations"],
    ),
    (
        "F10 the events of an upgrade's own objects are lost",
        "upgrade",
        &["configmaps", "secrets", "deployments"],
    ),
];

/// All faults of this file.
pub(super) fn all<'a>(
    stage: &'a Stage,
    references: &'a References,
    only: &str,
) -> Vec<LocalBoxFuture<'a, Row>> {
    let mut runs: Vec<LocalBoxFuture<'a, Row>> = Vec::new();
    // The longest first.
    for (name, scenario) in DEAF.into_iter().filter(|it| it.0.contains(only)) {
        runs.push(Box::pin(async move {
            Row::of(name, deaf(stage, references, scenario).await)
        }));
    }
    for (name, scenario, kinds) in LOST.into_iter().filter(|it| it.0.contains(only)) {
        runs.push(Box::pin(async move {
            Row::of(name, lost(stage, references, scenario, kinds).await)
        }));
    }
    runs
}

async fn deaf(stage: &Stage, references: &References, scenario: &str) -> Result<()> {
    let (scenario, reference) = references.of(scenario)?;
    let mut case = Case::prepare(stage, scenario).await?;
    let proxy = ApiProxy::start(&stage.plane)?;
    let mut controller = stage.controller(&proxy, case.name()).await?;
    begin(&mut case, scenario).await?;
    silence(&proxy, QUIET).await?;
    proxy.clear();
    proxy.silence_open_watches();
    case.act(scenario).await?;
    tokio::time::sleep(MOMENT).await;
    let log = proxy.log();
    let heard = log.iter().find(|record| record.asked.is_write());
    ensure!(heard.is_none(), "a deaf controller writes {heard:?}");
    case.becomes_within(NOTICED, &reference.picture).await?;
    recovered(&case, scenario, reference, &proxy).await?;
    controller.process().check_running()?;
    drop(controller);
    case.clean_up().await
}

async fn lost(
    stage: &Stage,
    references: &References,
    scenario: &str,
    kinds: &'static [&'static str],
) -> Result<()> {
    let (scenario, reference) = references.of(scenario)?;
    let mut case = Case::prepare(stage, scenario).await?;
    let proxy = ApiProxy::start(&stage.plane)?;
    // Lists are read again every hour; nobody waits that long here.
    let flags = ["--watch-relist-interval=8s"];
    let mut controller = stage.controller_with(&proxy, case.name(), &flags).await?;
    begin(&mut case, scenario).await?;
    silence(&proxy, QUIET).await?;
    proxy.clear();
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    let name = case.name().to_owned();
    proxy.lose(move |asked, line| {
        let of_interest = kinds.contains(&&*asked.resource) && line.contains(&name);
        let tells = line.contains(r#""type":"MODIFIED""#) || line.contains(r#""type":"DELETED""#);
        if of_interest && tells {
            counted.fetch_add(1, Ordering::SeqCst);
        }
        of_interest && tells
    });
    case.act(scenario).await?;
    tokio::time::sleep(MOMENT).await;
    proxy.pass_all();
    ensure!(count.load(Ordering::SeqCst) > 0, "no event was lost");
    recovered(&case, scenario, reference, &proxy).await?;
    controller.process().check_running()?;
    drop(controller);
    case.clean_up().await
}
