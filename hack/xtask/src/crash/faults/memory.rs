//! The kernel's limit of memory, and repositories that would have more.

use std::time::Duration;

use anyhow::{Result, ensure};
use harness::{ApiProxy, Repository, eventually};
use serde_json::json;

use super::group::Group;
use super::{Begun, References, finish};
use crate::crash::case::Case;
use crate::crash::points::{QUIET, begin, silence};
use crate::crash::stage::Stage;
use crate::picture;

/// What each process may have: a quarter of what its container has, as it is shipped.
const LIMIT: u64 = 256 << 20;
/// How long it may take to get through them, in a debug build.
const PATIENCE: Duration = Duration::from_secs(300);
/// Hostile repositories at a time.
const BOMBS: usize = 4;
/// Bytes of their only file, which shrinks to next to nothing on the way.
const BOMB: usize = 300 << 20;

/// Repositories that are small on the wire and large in memory, all at once. Who fetches and who applies lives on under
/// the limit, and others are served.
pub(super) async fn bombs(stage: &Stage, references: &References) -> Result<()> {
    let (scenario, reference) = references.of("upgrade")?;
    let (mut case, mut sources) = Case::with_sources(stage, scenario, |_| {}).await?;
    let proxy = ApiProxy::start(&stage.plane)?;
    let mut controller = stage.controller(&proxy, case.name()).await?;
    begin(&mut case, scenario).await?;
    silence(&proxy, QUIET).await?;
    proxy.clear();
    let groups = [
        Group::of_memory(sources.process().id(), LIMIT)?,
        Group::of_memory(controller.process().id(), LIMIT)?,
    ];
    let mut repositories = Vec::new();
    for number in 0..BOMBS {
        repositories.push(bomb(stage, &case, number).await?);
    }
    case.act_unfetched(scenario).await?;
    eventually(PATIENCE, "the neighbour served", async || {
        let mut difference = reference.picture.difference(&case.picture().await?);
        difference.retain(|line| !line.contains("/bomb-"));
        ensure!(difference.is_empty(), "\n{}", difference.join("\n"));
        Ok(())
    })
    .await?;
    for number in 0..BOMBS {
        let path = path(
            &case,
            "kustomize.toolkit.fluxcd.io",
            "kustomizations",
            number,
        );
        eventually(PATIENCE, "an end of what is hostile", async || {
            let live = picture::get(&stage.client, &path)
                .await?
                .unwrap_or_default();
            ensure!(picture::ready(&live) == "False", "{}", live["status"]);
            Ok(())
        })
        .await?;
        case.remove(&path).await?;
    }
    sources.process().check_running()?;
    controller.process().check_running()?;
    let most = [
        sources.process().peak_memory()? >> 10,
        controller.process().peak_memory()? >> 10,
    ];
    eprintln!("F36: {most:?} MiB at most");
    drop(groups);
    let begun = Begun {
        case,
        proxy,
        controller,
    };
    let result = finish(begun, scenario, reference).await;
    drop((sources, repositories));
    result
}

fn path(case: &Case, group: &str, plural: &str, number: usize) -> String {
    format!(
        "/apis/{group}/v1/namespaces/{}/{plural}/bomb-{number}",
        case.name()
    )
}

/// A repository with one large file, its source, and a Kustomization that would apply it.
async fn bomb(stage: &Stage, case: &Case, number: usize) -> Result<Repository> {
    let repository = stage.git.repo(&format!("{}-bomb-{number}", case.name()))?;
    let text = format!("{number}").repeat(BOMB);
    repository.change().write("bomb.yaml", text).commit()?;
    let name = format!("bomb-{number}");
    let source = json!({
        "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
        "metadata": {"name": name, "labels": {"sources": case.name()}},
        "spec": {"interval": "1h", "timeout": "120s", "url": repository.url(), "ref": {"branch": "main"}},
    });
    let kustomization = json!({
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
        "metadata": {"name": name, "labels": {"case": case.name()}},
        "spec": {"interval": "1h", "retryInterval": "5s", "prune": true, "path": "./",
                 "sourceRef": {"kind": "GitRepository", "name": name}},
    });
    case.namespace
        .apply(&format!("{source}\n---\n{kustomization}"))
        .await?;
    Ok(repository)
}
