//! Too little processor, and too much to do.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use harness::{ApiProxy, eventually};
use serde_json::{Value, json};

use super::group::Group;
use super::{Begun, References, finish, started_with};
use crate::crash::case::Case;
use crate::crash::points::{QUIET, begin, silence};
use crate::crash::scenarios::{Act, File, Scenario};
use crate::crash::stage::Stage;
use crate::picture;

/// How long an upgrade may take so.
const PATIENCE: Duration = Duration::from_secs(240);
/// A probe of Kubernetes waits a second, and three failures restart the pod.
const PROBE: Duration = Duration::from_secs(1);
/// Objects of the storm.
const OBJECTS: usize = 1000;
/// How long the storm may last.
const STORM: Duration = Duration::from_secs(300);
/// The most memory that a controller may have taken for it, in KiB.
const MEMORY: u64 = 256 << 10;

/// A twentieth of one processor: the lease is kept, the probe is answered, the work is done.
pub(super) async fn throttled(stage: &Stage, references: &References) -> Result<()> {
    let (scenario, reference) = references.of("upgrade")?;
    let flags = ["--enable-leader-election"];
    let Begun {
        mut case,
        proxy,
        mut controller,
    } = started_with(stage, references, "upgrade", &flags).await?;
    let holder = case.lease_holder().await?;
    let group = Group::of_processor(controller.process().id(), 50)?;
    proxy.clear();
    case.act(scenario).await?;
    let url = format!("{}/healthz", controller.health_url());
    let probes = async {
        let mut failed = 0;
        // As a kubelet does.
        while failed < 3 {
            let probe = tokio::time::timeout(PROBE, reqwest::get(&url)).await;
            failed = if matches!(probe, Ok(Ok(_))) {
                0
            } else {
                failed + 1
            };
            tokio::time::sleep(PROBE * 10).await;
        }
    };
    tokio::select! {
        () = probes => anyhow::bail!("the probe failed three times"),
        end = case.becomes_within(PATIENCE, &reference.picture) => end?,
    }
    drop(group);
    let now = case.lease_holder().await?;
    ensure!(now == holder, "{holder} led, {now} leads");
    let begun = Begun {
        case,
        proxy,
        controller,
    };
    finish(begun, scenario, reference).await
}

/// Everything is edited by hand, and whoever is to mend it dies in the middle.
pub(super) async fn storm(stage: &Stage) -> Result<()> {
    let scenario = crowd();
    let mut case = Case::prepare(stage, &scenario).await?;
    let proxy = ApiProxy::start(&stage.plane)?;
    let controller = stage.controller(&proxy, case.name()).await?;
    begin(&mut case, &scenario).await?;
    silence(&proxy, QUIET).await?;
    let edits: Vec<String> = (0..OBJECTS)
        .map(|number| format!("api/v1/namespaces/NS/configmaps/m{number}"))
        .collect();
    let shared = &case;
    let patched = stream::iter(&edits).map(|path| async move {
        let edit = [(path.as_str(), Some(r#"{"data":{"v":"9"}}"#))];
        shared.edit(&edit).await
    });
    patched.buffer_unordered(8).try_collect::<Vec<()>>().await?;
    drop(controller);
    let begun = Instant::now();
    let next = ApiProxy::start(&stage.plane)?;
    let mut controller = stage.controller(&next, case.name()).await?;
    let path = format!("/api/v1/namespaces/{}/configmaps", case.name());
    eventually(STORM, "everything mended", async || {
        let list = picture::get(&stage.client, &path)
            .await?
            .unwrap_or_default();
        let items = list["items"].as_array().cloned().unwrap_or_default();
        let ours = |it: &&Value| it["data"]["v"] == json!("1");
        let mended = items.iter().filter(ours).count();
        ensure!(mended == OBJECTS, "{mended} are");
        Ok(())
    })
    .await?;
    let took = begun.elapsed().as_secs();
    let most = controller.process().peak_memory()?;
    eprintln!("F50: mended in {took} s, {} MiB at most", most >> 10);
    ensure!(most < MEMORY, "{most} KiB of memory");
    silence(&next, QUIET).await?;
    let orphans = picture::orphans(&stage.client, case.name()).await?;
    ensure!(orphans.is_empty(), "not in the inventory: {orphans:?}");
    controller.process().check_running()?;
    drop(controller);
    case.clean_up().await
}

/// A thousand ConfigMaps in one file.
fn crowd() -> Scenario {
    let object = |number: usize| {
        format!(
            "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: m{number}}}\ndata: {{v: '1'}}\n"
        )
    };
    let text: String = (0..OBJECTS).map(object).collect();
    // One per run of the command.
    let text: &'static str = Box::leak(text.into_boxed_str());
    let files: &'static [File] = Box::leak(Box::new([("all.yaml", text)]));
    Scenario {
        name: "crowd",
        files,
        spec: json!({}),
        before: &[],
        act: Act::Edit(&[]),
        pause: 0,
    }
}
