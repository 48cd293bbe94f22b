//! A controller starts against an API server whose caches are behind.
//!
//! Lists are answered as of an old version, by the API server itself, and watches are silent; reads and writes of
//! single objects are not served from caches, and are as fresh as ever.

use anyhow::{Context as _, Result, ensure};
use futures::future::LocalBoxFuture;
use harness::{ApiProxy, ApiRecord, ApiRequest, Fate};

use super::{MOMENT, References, Row, recovered};
use crate::crash::case::Case;
use crate::crash::points::{QUIET, begin, silence};
use crate::crash::stage::Stage;
use crate::picture;

/// Kinds whose lists are old, and what had happened since.
const FAULTS: [(&str, &str, &[&str]); 5] = [
    (
        "F11 a new process reads everything as before an upgrade",
        "upgrade",
        &[],
    ),
    (
        "F11 a new process reads sources as before an upgrade",
        "upgrade",
        &["gitrepositories"],
    ),
    (
        "F11 a new process reads Kustomizations as before an upgrade",
        "upgrade",
        &["kustomizations"],
    ),
    (
        "F11 a new process reads sources as before a prune",
        "prune",
        &["gitrepositories"],
    ),
    (
        "F11 a new process reads everything as before a prune",
        "prune",
        &[],
    ),
];

/// All faults of this file.
pub(super) fn all<'a>(
    stage: &'a Stage,
    references: &'a References,
    only: &str,
) -> Vec<LocalBoxFuture<'a, Row>> {
    let mut runs: Vec<LocalBoxFuture<'a, Row>> = Vec::new();
    for (name, scenario, kinds) in FAULTS.into_iter().filter(|it| it.0.contains(only)) {
        runs.push(Box::pin(async move {
            Row::of(name, behind(stage, references, scenario, kinds).await)
        }));
    }
    let name = "F11 a new process reads Kustomizations as before an upgrade, one is deleted";
    if name.contains(only) {
        runs.push(Box::pin(async move {
            Row::of(name, deleted_behind(stage, references).await)
        }));
    }
    runs
}

/// Lists of these kinds, of all if none is named, are as of `version`.
fn as_of(
    version: u64,
    kinds: &'static [&'static str],
) -> impl Fn(&ApiRequest) -> Fate + Send + Sync {
    move |asked| {
        let old = kinds.is_empty() || kinds.contains(&&*asked.resource);
        match old && (asked.is_list() || asked.is_watch()) {
            true => Fate::AsOf(version),
            false => Fate::Pass,
        }
    }
}

async fn behind(
    stage: &Stage,
    references: &References,
    scenario: &str,
    kinds: &'static [&'static str],
) -> Result<()> {
    let (scenario, reference) = references.of(scenario)?;
    let mut case = Case::prepare(stage, scenario).await?;
    let proxy = ApiProxy::start(&stage.plane)?;
    let controller = stage.controller(&proxy, case.name()).await?;
    begin(&mut case, scenario).await?;
    silence(&proxy, QUIET).await?;
    let version = case.version().await?;
    proxy.clear();
    case.act(scenario).await?;
    case.becomes(&reference.picture).await?;
    silence(&proxy, QUIET).await?;
    drop(controller);
    let before = picture::uids(&stage.client, case.name()).await?;

    let proxy = ApiProxy::start(&stage.plane)?;
    proxy.rule(as_of(version, kinds));
    let controller = stage.controller(&proxy, case.name()).await?;
    tokio::time::sleep(MOMENT * 2).await;
    let deleted = deletions(&proxy.log());
    ensure!(deleted.is_empty(), "deleted on an old view: {deleted:?}");
    let orphans = picture::orphans(&stage.client, case.name()).await?;
    ensure!(orphans.is_empty(), "not in the inventory: {orphans:?}");
    drop(controller);

    let proxy = ApiProxy::start(&stage.plane)?;
    let controller = stage.controller(&proxy, case.name()).await?;
    recovered(&case, scenario, reference, &proxy).await?;
    drop(controller);
    let after = picture::uids(&stage.client, case.name()).await?;
    for (path, uid) in &before {
        let now = after.get(path).with_context(|| format!("{path} is gone"))?;
        ensure!(now == uid, "{path} is another one");
    }
    case.clean_up().await
}

/// What the old inventory does not hold is deleted with its Kustomization all the same.
async fn deleted_behind(stage: &Stage, references: &References) -> Result<()> {
    let (scenario, reference) = references.of("upgrade")?;
    let mut case = Case::prepare(stage, scenario).await?;
    let proxy = ApiProxy::start(&stage.plane)?;
    let controller = stage.controller(&proxy, case.name()).await?;
    begin(&mut case, scenario).await?;
    silence(&proxy, QUIET).await?;
    let version = case.version().await?;
    case.act(scenario).await?;
    case.becomes(&reference.picture).await?;
    silence(&proxy, QUIET).await?;
    drop(controller);

    let proxy = ApiProxy::start(&stage.plane)?;
    proxy.rule(as_of(version, &["kustomizations"]));
    let controller = stage.controller(&proxy, case.name()).await?;
    case.delete().await?;
    tokio::time::sleep(MOMENT).await;
    drop(controller);
    let proxy = ApiProxy::start(&stage.plane)?;
    let controller = stage.controller(&proxy, case.name()).await?;
    case.all_gone().await?;
    drop(controller);
    case.clean_up().await
}

fn deletions(log: &[ApiRecord]) -> Vec<String> {
    let taken = log.iter().filter(|record| {
        record.asked.is_write() && record.asked.method == http::Method::DELETE && record.is_taken()
    });
    taken.map(|record| record.asked.to_string()).collect()
}
