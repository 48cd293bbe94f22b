//! `bench latency`: one item at a time, the system otherwise idle.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use clap::Args;
use k8s_openapi::api::core::v1::Service;
use kube::{Api, ResourceExt as _};
use weir_api::Reconcilable as _;

use super::cluster;
use super::level::Level;
use super::peer::Peer;
use super::report::{Record, Report};
use super::stage::{self, Stage};
use super::workload::NAMESPACE;
use super::{Common, FLOOR};

/// Between two steps, so that the end of one is not measured with the next.
const PAUSE: Duration = Duration::from_millis(400);

/// What `bench latency` takes.
#[derive(Args, Clone, Debug)]
pub(super) struct Options {
    #[command(flatten)]
    pub(super) common: Common,
    /// How often each is measured.
    #[arg(long, default_value_t = 20)]
    count: usize,
    /// How often it is done before that without being measured.
    #[arg(long, default_value_t = 3)]
    warm_up: usize,
    /// Seconds within which a deleted object must be back to be counted.
    #[arg(long, value_name = "SECONDS", default_value_t = 5)]
    heal_limit: u64,
}

/// What was measured, by what it is; `None` is something that did not come.
type Measured = BTreeMap<&'static str, Vec<Option<Duration>>>;

/// Measures everything for one peer. What fails is said in the report.
pub(super) async fn run(options: &Options, peer: &Peer, report: &mut Report) {
    // A plain client has nobody to wait for.
    if peer.name == FLOOR {
        return;
    }
    let about = format!("{} after {} to warm up", options.count, options.warm_up);
    let mut record = Record::new(peer, &about);
    let result = perform(options, peer, &mut record).await;
    record.end(result);
    report.add(record);
}

async fn perform(options: &Options, peer: &Peer, record: &mut Record) -> Result<()> {
    let mut stage = Stage::start(&options.common, peer).await?;
    record.idle_mib = stage.resident().await;
    let services: Level<Service> = Level::start(Api::namespaced(stage.cluster.client(), NAMESPACE));
    let mut measured = Measured::new();
    for round in 0..options.warm_up + options.count {
        let times = one(options, &stage, &services, round).await;
        let times = match times {
            Ok(times) => times,
            Err(error) => return Err(error.context(stage.logs())),
        };
        if round >= options.warm_up {
            for (what, time) in times {
                measured.entry(what).or_default().push(time);
            }
        }
    }
    for (what, times) in measured {
        record.latency(what, &times);
    }
    Ok(())
}

/// One item from its creation to its end.
async fn one(
    options: &Options,
    stage: &Stage,
    services: &Level<Service>,
    round: usize,
) -> Result<Vec<(&'static str, Option<Duration>)>> {
    let name = format!("one-{round:03}");
    let (item, source) = (
        cluster::kustomization(&name),
        cluster::git_repository(&name),
    );
    let commit = stage.repository.resolve("main")?;
    let mut times = Vec::new();

    let begin = Instant::now();
    let create = async {
        stage.create_source(&name).await?;
        stage.create_item(&name, &name).await
    };
    let ready = until_applied(stage, &name, commit, create).await?;
    times.push(("1 created → Ready", Some(ready.1 - begin)));
    tokio::time::sleep(PAUSE).await;

    let commit = stage.push(&format!("push-{round}"))?;
    let begin = Instant::now();
    let ask = stage.cluster.request(&source, &commit);
    let ready = until_applied(stage, &name, commit.clone(), ask).await?;
    times.push(("2 push → applied", Some(ready.1 - begin)));
    times.push(("3   of which → fetched", Some(ready.0 - begin)));
    tokio::time::sleep(PAUSE).await;

    times.push(("4 no-op handled", Some(no_op(stage, &name, &item).await?)));
    tokio::time::sleep(PAUSE).await;
    let asked = source_no_op(stage, &name, &source).await?;
    times.push(("5 no-op of the source handled", Some(asked)));
    tokio::time::sleep(PAUSE).await;

    let limit = Duration::from_secs(options.heal_limit);
    let back = heal(stage, services, &name, limit).await?;
    times.push(("6 deleted object back", back));
    tokio::time::sleep(PAUSE).await;

    stage
        .kustomizations
        .expect([name.clone()], |_, it| it.is_none());
    let begin = Instant::now();
    stage.cluster.delete(&item).await?;
    let gone = stage.kustomizations.reached(stage.limit, stage::describe);
    times.push(("7 deleted → gone", Some(gone.await?[&name] - begin)));
    stage.sources.expect([name.clone()], |_, it| it.is_none());
    let begin = Instant::now();
    stage.cluster.delete(&source).await?;
    let gone = stage.sources.reached(stage.limit, stage::describe);
    times.push(("8 source deleted → gone", Some(gone.await?[&name] - begin)));
    stage.check_gone().await?;
    tokio::time::sleep(PAUSE).await;
    Ok(times)
}

/// Does something, and says when the source and the item were Ready with the commit.
async fn until_applied(
    stage: &Stage,
    name: &str,
    commit: String,
    work: impl Future<Output = Result<()>>,
) -> Result<(Instant, Instant)> {
    stage.sources.expect([name.to_owned()], {
        let commit = commit.clone();
        move |_, it| it.is_some_and(|it| stage::fetched_at(it, &commit))
    });
    stage
        .kustomizations
        .expect([name.to_owned()], move |_, it| {
            it.is_some_and(|it| stage::applied_at(it, &commit))
        });
    work.await?;
    let applied = stage.kustomizations.reached(stage.limit, stage::describe);
    let applied = applied.await?;
    let fetched = stage.sources.reached(stage.limit, stage::describe).await?;
    Ok((fetched[name], applied[name]))
}

async fn no_op(stage: &Stage, name: &str, path: &str) -> Result<Duration> {
    stage.kustomizations.expect([name.to_owned()], |_, it| {
        it.is_some_and(|it| {
            let handled = it
                .status()
                .map(|it| it.last_handled_reconcile_at == "no-op");
            handled == Some(true) && stage::applied(it)
        })
    });
    let begin = Instant::now();
    stage.cluster.request(path, "no-op").await?;
    let handled = stage.kustomizations.reached(stage.limit, stage::describe);
    Ok(handled.await?[name] - begin)
}

async fn source_no_op(stage: &Stage, name: &str, path: &str) -> Result<Duration> {
    stage.sources.expect([name.to_owned()], |_, it| {
        it.is_some_and(|it| {
            let status = it.status();
            let handled = status.map(|it| it.last_handled_reconcile_at == "no-op");
            handled == Some(true)
                && stage::is_ready(it, status.and_then(|it| it.observed_generation))
        })
    });
    let begin = Instant::now();
    stage.cluster.request(path, "no-op").await?;
    let handled = stage.sources.reached(stage.limit, stage::describe);
    Ok(handled.await?[name] - begin)
}

/// Deletes the item's Service and waits until there is another one.
async fn heal(
    stage: &Stage,
    services: &Level<Service>,
    name: &str,
    limit: Duration,
) -> Result<Option<Duration>> {
    services.expect([name.to_owned()], |_, it| it.is_some());
    services.reached(stage.limit, |it| it.name_any()).await?;
    let before = services.read(name, |it| it.uid())?.context("no uid")?;
    services.expect([name.to_owned()], move |_, it| {
        it.and_then(|it| it.uid()).is_some_and(|it| it != before)
    });
    let begin = Instant::now();
    let path = format!("{}/{name}", stage.collection(1));
    stage.cluster.delete(&path).await?;
    let (back, _) = services.seen(limit).await;
    Ok(back.get(name).map(|at| *at - begin))
}
