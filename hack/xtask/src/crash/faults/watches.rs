//! Watches that say nothing any more although nobody closes them, and watches that leave something out.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Result, ensure};
use futures::future::LocalBoxFuture;

use super::{MOMENT, References, Row, finish, started, started_with};
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

async fn deaf(stage: &Stage, references: &References, name: &str) -> Result<()> {
    let (scenario, reference) = references.of(name)?;
    let mut begun = started(stage, references, name).await?;
    begun.proxy.silence_open_watches();
    begun.case.act(scenario).await?;
    tokio::time::sleep(MOMENT).await;
    let log = begun.proxy.log();
    let heard = log.iter().find(|record| record.asked.is_write());
    ensure!(heard.is_none(), "a deaf controller writes {heard:?}");
    let picture = &reference.picture;
    begun.case.becomes_within(NOTICED, picture).await?;
    finish(begun, scenario, reference).await
}

async fn lost(
    stage: &Stage,
    references: &References,
    name: &str,
    kinds: &'static [&'static str],
) -> Result<()> {
    let (scenario, reference) = references.of(name)?;
    // Lists are read again every hour; nobody waits that long here.
    let flags = ["--watch-relist-interval=8s"];
    let mut begun = started_with(stage, references, name, &flags).await?;
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    let name = begun.case.name().to_owned();
    begun.proxy.lose(move |asked, line| {
        let of_interest = kinds.contains(&&*asked.resource) && line.contains(&name);
        let tells = line.contains(r#""type":"MODIFIED""#) || line.contains(r#""type":"DELETED""#);
        if of_interest && tells {
            counted.fetch_add(1, Ordering::SeqCst);
        }
        of_interest && tells
    });
    begun.case.act(scenario).await?;
    tokio::time::sleep(MOMENT).await;
    begun.proxy.pass_all();
    ensure!(count.load(Ordering::SeqCst) > 0, "no event was lost");
    finish(begun, scenario, reference).await
}
