//! Servers that restart, sleep and change places, and people who do not wait.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use harness::{ApiProxy, ApiRequest, Fate, eventually};
use serde_json::json;

use super::{
    Begun, MOMENT, References, Row, disks, finish, load, memory, names, past, recovered, started,
    versions,
};
use crate::crash::case::{Case, LIMIT};
use crate::crash::points::{QUIET, begin, silence};
use crate::crash::stage::Stage;
use crate::picture;

macro_rules! run {
    ($rows:ident, $only:ident, $name:expr, $run:expr) => {
        if $name.contains($only) {
            let result = $run.await;
            $rows.push(Row::of($name, result));
        }
    };
}

/// All faults that are felt by all, one after the other.
pub(super) async fn run(stage: &mut Stage, references: &References, only: &str) -> Vec<Row> {
    let mut rows = Vec::new();
    run!(
        rows,
        only,
        "F1  the API server goes and another one answers, in an upgrade",
        failover(stage, references)
    );
    run!(
        rows,
        only,
        "F2  the API server sleeps for 8 s, in an upgrade",
        sleep(stage, references, Sleeper::Server)
    );
    run!(
        rows,
        only,
        "F12 etcd sleeps for 8 s, in an upgrade",
        sleep(stage, references, Sleeper::Etcd)
    );
    run!(
        rows,
        only,
        "F12 etcd is killed and starts again after 5 s, in an upgrade",
        etcd(stage, references)
    );
    run!(
        rows,
        only,
        "F40 the namespace of a Kustomization is deleted",
        namespace(stage, references)
    );
    run!(
        rows,
        only,
        "F44 the spec changes ten times a second",
        edits(stage, references)
    );
    run!(
        rows,
        only,
        "F49 nobody receives events",
        deaf(stage, references)
    );
    run!(
        rows,
        only,
        "F54 SIGTERM in a slow upgrade, and a new process",
        terminated(stage, references)
    );
    rows.extend(surroundings(stage, references, only).await);
    rows
}

/// Those of disks, of the machine, of names and of what the cluster holds.
async fn surroundings(stage: &mut Stage, references: &References, only: &str) -> Vec<Row> {
    let mut rows = Vec::new();
    run!(
        rows,
        only,
        "F26 the disk of source-controller is full",
        disks::full(stage)
    );
    run!(
        rows,
        only,
        "F25 power goes while artifacts are written, and as they are told",
        disks::power(stage)
    );
    run!(
        rows,
        only,
        "F48 names go, and lead to IPv6 only, in an upgrade",
        names::flap(stage, references)
    );
    run!(
        rows,
        only,
        "F53 the definition is an older release's, ours, and again, in an upgrade",
        versions::changed(stage, references)
    );
    run!(
        rows,
        only,
        "F37 a twentieth of a processor, in an upgrade",
        load::throttled(stage, references)
    );
    run!(
        rows,
        only,
        "F36 a quarter of a container's memory, and files of 300 MiB, in an upgrade",
        memory::bombs(stage, references)
    );
    run!(
        rows,
        only,
        "F50 1,000 objects are edited at once, and the controller is killed",
        load::storm(stage)
    );
    run!(
        rows,
        only,
        "F51 the cluster is restored from a backup, after an upgrade",
        past::restored(stage, references, "upgrade")
    );
    run!(
        rows,
        only,
        "F51 the cluster is restored from a backup, after a prune",
        past::restored(stage, references, "prune")
    );
    run!(
        rows,
        only,
        "F38 the definition of sources is deleted and comes back",
        past::undefined(stage, references)
    );
    rows
}

/// Writes take a while.
fn slow(asked: &ApiRequest) -> Fate {
    match asked.is_write() {
        true => Fate::Delay(Duration::from_millis(700)),
        false => Fate::Pass,
    }
}

async fn failover(stage: &mut Stage, references: &References) -> Result<()> {
    let (scenario, reference) = references.of("upgrade")?;
    let second = stage.plane.second_api_server().await?;
    let mut case = Case::prepare(stage, scenario).await?;
    let proxy = ApiProxy::start(&stage.plane)?;
    proxy.lead_to(second.url());
    let mut controller = stage.controller(&proxy, case.name()).await?;
    begin(&mut case, scenario).await?;
    silence(&proxy, QUIET).await?;
    proxy.clear();
    proxy.rule(slow);
    case.act(scenario).await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    proxy.lead_to(stage.plane.url());
    drop(second);
    recovered(&case, scenario, reference, &proxy).await?;
    controller.process().check_running()?;
    drop(controller);
    case.clean_up().await
}

/// Who is stopped.
#[derive(Clone, Copy)]
enum Sleeper {
    Server,
    Etcd,
}

async fn sleep(stage: &mut Stage, references: &References, who: Sleeper) -> Result<()> {
    let (scenario, reference) = references.of("upgrade")?;
    let mut begun = started(stage, references, "upgrade").await?;
    begun.proxy.rule(slow);
    begun.case.act(scenario).await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let process = match who {
        Sleeper::Server => stage.plane.api_server(),
        Sleeper::Etcd => stage.plane.etcd(),
    };
    process.pause();
    tokio::time::sleep(Duration::from_secs(8)).await;
    process.resume();
    finish(begun, scenario, reference).await
}

async fn etcd(stage: &mut Stage, references: &References) -> Result<()> {
    let (scenario, reference) = references.of("upgrade")?;
    let mut begun = started(stage, references, "upgrade").await?;
    begun.proxy.rule(slow);
    begun.case.act(scenario).await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    stage.plane.restart_etcd(Duration::from_secs(5)).await?;
    finish(begun, scenario, reference).await
}

async fn namespace(stage: &Stage, references: &References) -> Result<()> {
    let begun = started(stage, references, "upgrade").await?;
    let case = &begun.case;
    let namespace = format!("/api/v1/namespaces/{}", case.name());
    case.remove(&namespace).await?;
    // The namespace itself goes when kube-controller-manager gets to it.
    eventually(LIMIT, "the Kustomization gone", async || {
        let left = case.live().await?;
        ensure!(left.is_none(), "{}", left.unwrap_or_default()["metadata"]);
        Ok(())
    })
    .await?;
    drop(begun);
    Ok(())
}

async fn edits(stage: &Stage, references: &References) -> Result<()> {
    let begun = started(stage, references, "upgrade").await?;
    let case = &begun.case;
    for number in 1..=40 {
        let metadata = json!({"labels": {"number": number.to_string()}});
        case.patch_spec(&json!({"commonMetadata": metadata}))
            .await?;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    eventually(LIMIT, "the last spec applied", async || {
        let live = case.live().await?.context("it is there")?;
        ensure!(picture::ready(&live) == "True", "{}", live["status"]);
        let observed = &live["status"]["observedGeneration"];
        ensure!(*observed == live["metadata"]["generation"], "{observed}");
        let path = format!("/api/v1/namespaces/{}/configmaps/a", case.name());
        let map = picture::get(&stage.client, &path)
            .await?
            .context("it is there")?;
        let label = &map["metadata"]["labels"]["number"];
        ensure!(label == "40", "{label}");
        Ok(())
    })
    .await?;
    drop(begun.controller);
    case.clean_up().await
}

async fn deaf(stage: &Stage, references: &References) -> Result<()> {
    let (scenario, reference) = references.of("upgrade")?;
    let mut case = Case::prepare(stage, scenario).await?;
    let proxy = ApiProxy::start(&stage.plane)?;
    // A port that takes connections and never answers.
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0))?;
    let flag = format!("--events-addr=http://{}/", listener.local_addr()?);
    let controller = stage.controller_with(&proxy, case.name(), &[&flag]).await?;
    begin(&mut case, scenario).await?;
    proxy.clear();
    case.act(scenario).await?;
    recovered(&case, scenario, reference, &proxy).await?;
    drop(controller);
    drop(listener);
    case.clean_up().await
}

async fn terminated(stage: &Stage, references: &References) -> Result<()> {
    let (scenario, reference) = references.of("upgrade")?;
    let Begun {
        mut case,
        proxy,
        mut controller,
    } = started(stage, references, "upgrade").await?;
    proxy.rule(slow);
    case.act(scenario).await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let status = controller.process().stop(Duration::from_secs(45))?;
    ensure!(status.success(), "it ended with {status}");
    let live = case.live().await?.context("it is there")?;
    let orphans = picture::orphans(&stage.client, case.name()).await?;
    ensure!(orphans.is_empty(), "not in the inventory: {orphans:?}");
    // What was under way was brought to its end, and status says so.
    ensure!(picture::ready(&live) != "Unknown", "{}", live["status"]);
    drop(controller);
    let proxy = ApiProxy::start(&stage.plane)?;
    let controller = stage.controller(&proxy, case.name()).await?;
    recovered(&case, scenario, reference, &proxy).await?;
    drop(controller);
    tokio::time::sleep(MOMENT / 10).await;
    case.clean_up().await
}
