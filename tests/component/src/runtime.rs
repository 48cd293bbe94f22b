//! The shell around any kind: what it does without the kind's help.
//!
//! The kind under test does what the URL of its GitRepository says; the shell
//! runs in this process, one per test, told apart by a label.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Result, ensure};
use clap::Parser;
use harness::{ControlPlane, EventSink, Namespace, eventually};
use kube::api::{DeleteParams, Patch, PatchParams};
use kube::{Api, ResourceExt as _};
use serde_json::json;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use weir_api::meta::{Condition, ConditionStatus, FINALIZER, annotation, find_condition};
use weir_api::source::v1::{GitRepository, GitRepositoryStatus};
use weir_runtime::conditions::Conditions;
use weir_runtime::event::Event;
use weir_runtime::flags::CommonFlags;
use weir_runtime::kind::{Chain, Failure, Kind, Next, Outcome, Report, Verdict};
use weir_runtime::pass::{CheckpointError, Pass, Wait};
use weir_runtime::runtime::{Host, Runtime, RuntimeError, RuntimeOptions};
use weir_runtime::triggers::Triggers;

const LIMIT: Duration = Duration::from_secs(20);

/// Does what the URL says: `ok`, `slow`, `park`, `fail`, `panic`, `vanish`.
struct Obedient {
    passes: Arc<AtomicU32>,
}

#[derive(Debug, thiserror::Error)]
enum Disobeyed {
    #[error("it failed")]
    Failed,
    #[error("newer work")]
    Superseded,
}

impl Failure for Disobeyed {
    fn reason(&self) -> &'static str {
        "Failed"
    }

    fn superseded(&self) -> bool {
        matches!(self, Self::Superseded)
    }
}

impl Kind for Obedient {
    type Object = GitRepository;
    type Facts = ();
    type Error = Disobeyed;

    const CONTROLLER: &'static str = "source-controller";
    const FIELD_MANAGER: &'static str = "source-controller";

    async fn reconcile(&self, pass: &Pass<Self>) -> Result<(), Disobeyed> {
        self.passes.fetch_add(1, Ordering::SeqCst);
        let url = pass.object().spec.url.as_str();
        match url.rsplit('/').next().unwrap_or_default() {
            "slow" => tokio::time::sleep(Duration::from_secs(3)).await,
            "park" => {
                let never = std::future::pending::<()>();
                if pass.wait(Instant::now() + LIMIT * 3, never).await == Wait::Superseded {
                    return Err(Disobeyed::Superseded);
                }
            }
            "fail" => return Err(Disobeyed::Failed),
            "vanish" => {
                pass.emit(Event::normal("Done", "something was done"));
                vanished(pass).await;
                ensure_gone(pass.checkpoint().await)?;
            }
            "panic" => fail_badly(),
            _ => {}
        }
        Ok(())
    }

    async fn finalize(&self, _: &Pass<Self>) -> Result<(), Disobeyed> {
        Ok(())
    }

    fn report(&self, report: Report<'_, Self>) -> Verdict<GitRepositoryStatus> {
        let mut status = report.object.status.clone().unwrap_or_default();
        let generation = report.object.metadata.generation;
        let mut conditions = Conditions::new(&mut status.conditions, generation, report.now);
        let (mut events, mut next) = (Vec::new(), Next::Never);
        match report.outcome {
            Outcome::Progressing => {
                conditions.mark_reconciling("Progressing", "at work");
                conditions.set("Ready", ConditionStatus::Unknown, "Progressing", "at work");
            }
            Outcome::Reconciled => {
                conditions.settle();
                conditions.mark_ready("Succeeded", "done");
                events.push(Event::normal("Succeeded", "done").with("revision", "r"));
            }
            Outcome::Failed(error) => {
                conditions.mark_not_ready(error.reason(), Chain(error).to_string());
                events.push(Event::warning(error.reason(), Chain(error).to_string()));
                next = Next::Backoff;
            }
            Outcome::Finalized => events.push(Event::trace("Deleted", "gone")),
            Outcome::Suspended | Outcome::FinalizeFailed(_) => {}
        }
        Verdict {
            status,
            events,
            next,
        }
    }
}

/// Waits until the object of the pass is gone.
async fn vanished(pass: &Pass<Obedient>) {
    let api = Api::<GitRepository>::namespaced(pass.client().clone(), &pass.key().namespace);
    while !matches!(api.get_opt(&pass.key().name).await, Ok(None)) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A write that finds nobody fails the pass.
fn ensure_gone(written: Result<(), CheckpointError>) -> Result<(), Disobeyed> {
    match written {
        Err(CheckpointError::Gone) => Err(Disobeyed::Failed),
        _ => Ok(()),
    }
}

fn fail_badly() {
    panic!("as told");
}

#[derive(Parser)]
struct Flags {
    #[command(flatten)]
    common: CommonFlags,
}

/// The shell running for one test's objects.
struct Shell {
    test: String,
    namespace: Namespace,
    passes: Arc<AtomicU32>,
    stop: CancellationToken,
    running: JoinHandle<Result<(), RuntimeError>>,
}

impl Shell {
    /// Starts the shell with these flags; it sees objects labelled with the test's name.
    async fn start(test: &str, flags: &[&str]) -> Result<Self> {
        let plane = ControlPlane::shared().await?;
        let selector = format!("--watch-label-selector=test={test}");
        let fixed = ["test", selector.as_str()];
        let flags = fixed.iter().chain(flags).copied();
        let flags = Flags::try_parse_from(flags)?.common;
        let host = Host::with_config(plane.config().await?, test, &flags)?;
        let passes = Arc::new(AtomicU32::new(0));
        let kind = Obedient {
            passes: Arc::clone(&passes),
        };
        let options = RuntimeOptions::new(Obedient::CONTROLLER, &flags, 4);
        let runtime = Runtime::new(&host, options)?.kind(kind, Triggers::new());
        let stop = CancellationToken::new();
        let running = tokio::spawn(runtime.run(stop.clone()));
        Ok(Self {
            test: test.to_owned(),
            namespace: plane.namespace(test).await?,
            passes,
            stop,
            running,
        })
    }

    async fn create(&self, name: &str, told: &str) -> Result<()> {
        let object = json!({
            "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
            "metadata": {"name": name, "labels": {"test": self.test}},
            "spec": {"url": format!("https://example.com/{told}"), "interval": "1h"},
        });
        self.namespace.apply(&object.to_string()).await.map(drop)
    }

    async fn patch(&self, name: &str, patch: serde_json::Value) -> Result<()> {
        let api = self.namespace.api::<GitRepository>();
        api.patch(name, &PatchParams::default(), &Patch::Merge(patch))
            .await?;
        Ok(())
    }

    async fn wait(
        &self,
        name: &str,
        what: &str,
        wanted: impl Fn(&GitRepository) -> bool,
    ) -> Result<GitRepository> {
        self.namespace.wait_for(name, LIMIT, what, wanted).await
    }

    async fn wait_ready(&self, name: &str, status: ConditionStatus) -> Result<GitRepository> {
        let what = format!("{name} with Ready={status}");
        self.wait(name, &what, |object| {
            ready(object).is_some_and(|ready| ready.status == status)
        })
        .await
    }

    fn passes(&self) -> u32 {
        self.passes.load(Ordering::SeqCst)
    }

    async fn end(self) -> Result<()> {
        self.stop.cancel();
        Ok(self.running.await??)
    }
}

fn ready(object: &GitRepository) -> Option<&Condition> {
    find_condition(&object.status.as_ref()?.conditions, "Ready")
}

#[tokio::test]
async fn a_new_object_is_ready_after_one_pass_and_rests() -> Result<()> {
    let shell = Shell::start("shell-new", &[]).await?;
    shell.create("a", "ok").await?;
    let object = shell.wait_ready("a", ConditionStatus::True).await?;
    ensure!(
        object.metadata.finalizers == Some(vec![FINALIZER.to_owned()]),
        "no finalizer"
    );
    // A second object proves that what the first one's own writes set off is over.
    shell.create("b", "ok").await?;
    shell.wait_ready("b", ConditionStatus::True).await?;
    ensure!(shell.passes() == 2, "{} passes", shell.passes());
    shell.end().await
}

#[tokio::test]
async fn a_request_runs_a_pass_and_a_label_does_not() -> Result<()> {
    let shell = Shell::start("shell-request", &[]).await?;
    shell.create("a", "ok").await?;
    shell.wait_ready("a", ConditionStatus::True).await?;
    shell
        .patch("a", json!({"metadata": {"labels": {"other": "x"}}}))
        .await?;
    shell
        .patch(
            "a",
            json!({"metadata": {"annotations": {annotation::RECONCILE_REQUESTED_AT: "1"}}}),
        )
        .await?;
    eventually(LIMIT, "two passes", async || {
        ensure!(shell.passes() == 2, "{}", shell.passes());
        Ok(())
    })
    .await?;
    shell.end().await
}

#[tokio::test]
async fn parked_passes_hold_no_worker_and_show_progress() -> Result<()> {
    let shell = Shell::start("shell-park", &["--concurrent=1"]).await?;
    shell.create("parked", "park").await?;
    shell.create("too", "park").await?;
    shell.wait_ready("parked", ConditionStatus::Unknown).await?;
    shell.wait_ready("too", ConditionStatus::Unknown).await?;
    shell.create("after", "ok").await?;
    shell.wait_ready("after", ConditionStatus::True).await?;
    shell.end().await
}

#[tokio::test]
async fn a_spec_change_ends_a_parked_pass() -> Result<()> {
    let shell = Shell::start("shell-supersede", &[]).await?;
    shell.create("a", "park").await?;
    shell.wait_ready("a", ConditionStatus::Unknown).await?;
    shell
        .patch("a", json!({"spec": {"url": "https://example.com/ok"}}))
        .await?;
    shell.wait_ready("a", ConditionStatus::True).await?;
    shell.end().await
}

#[tokio::test]
async fn a_long_pass_shows_progress() -> Result<()> {
    let shell = Shell::start("shell-slow", &[]).await?;
    shell.create("a", "slow").await?;
    shell.wait_ready("a", ConditionStatus::Unknown).await?;
    shell.wait_ready("a", ConditionStatus::True).await?;
    shell.end().await
}

#[tokio::test]
async fn a_panic_is_tried_again_and_stops_nobody_else() -> Result<()> {
    let shell = Shell::start(
        "shell-panic",
        &["--concurrent=1", "--min-retry-delay=100ms"],
    )
    .await?;
    shell.create("bad", "panic").await?;
    shell.create("good", "ok").await?;
    shell.wait_ready("good", ConditionStatus::True).await?;
    shell
        .patch("bad", json!({"spec": {"url": "https://example.com/ok"}}))
        .await?;
    shell.wait_ready("bad", ConditionStatus::True).await?;
    shell.end().await
}

#[tokio::test]
async fn a_suspended_object_rests_and_can_be_deleted() -> Result<()> {
    let shell = Shell::start("shell-suspend", &[]).await?;
    shell.create("a", "ok").await?;
    shell.wait_ready("a", ConditionStatus::True).await?;
    shell
        .patch(
            "a",
            json!({"spec": {"suspend": true, "url": "https://example.com/fail"}}),
        )
        .await?;
    shell.create("b", "ok").await?;
    shell.wait_ready("b", ConditionStatus::True).await?;
    ensure!(shell.passes() == 2, "{} passes", shell.passes());
    let api = shell.namespace.api::<GitRepository>();
    api.delete("a", &DeleteParams::default()).await?;
    eventually(LIMIT, "the object gone", async || {
        ensure!(api.get_opt("a").await?.is_none(), "it is still there");
        Ok(())
    })
    .await?;
    shell.end().await
}

#[tokio::test]
async fn an_object_that_goes_during_a_pass_fails_nobody() -> Result<()> {
    let sink = EventSink::start()?;
    let events = format!("--events-addr={}", sink.url());
    let shell = Shell::start("shell-vanish", &[&events]).await?;
    shell.create("a", "vanish").await?;
    shell
        .wait("a", "a finalizer", |object| !object.finalizers().is_empty())
        .await?;
    let api = shell.namespace.api::<GitRepository>();
    api.delete("a", &DeleteParams::default()).await?;
    shell
        .patch("a", json!({"metadata": {"finalizers": null}}))
        .await?;
    sink.wait_for(LIMIT, "what was done", |event| event["reason"] == "Done")
        .await?;
    // The events of a second object come after all of the first one's.
    shell.create("b", "ok").await?;
    sink.wait_for(LIMIT, "the second object", |event| {
        event["reason"] == "Succeeded"
    })
    .await?;
    let failed = |event: &serde_json::Value| event["reason"] == "Failed";
    ensure!(!sink.events().iter().any(failed), "a failure of nobody");
    ensure!(shell.passes() == 2, "{} passes", shell.passes());
    shell.end().await
}

#[tokio::test]
async fn stopping_ends_parked_passes_where_they_are() -> Result<()> {
    let shell = Shell::start("shell-stop", &[]).await?;
    shell.create("a", "park").await?;
    shell.wait_ready("a", ConditionStatus::Unknown).await?;
    let started = Instant::now();
    shell.end().await?;
    ensure!(
        started.elapsed() < Duration::from_secs(5),
        "took {:?}",
        started.elapsed()
    );
    Ok(())
}

#[tokio::test]
async fn the_lease_goes_to_the_next_when_the_leader_stops() -> Result<()> {
    let election = [
        "--enable-leader-election",
        "--leader-election-lease-duration=60s",
        "--leader-election-renew-deadline=40s",
        "--leader-election-retry-period=1s",
    ];
    let first = Shell::start("shell-lease", &election).await?;
    first.create("a", "ok").await?;
    first.wait_ready("a", ConditionStatus::True).await?;
    let second = Shell::start("shell-lease", &election).await?;
    first.create("b", "ok").await?;
    first.wait_ready("b", ConditionStatus::True).await?;
    ensure!(second.passes() == 0, "both lead");
    first.end().await?;
    second.create("b", "ok").await?;
    second.wait_ready("b", ConditionStatus::True).await?;
    ensure!(second.passes() > 0, "nobody leads");
    second.end().await
}
