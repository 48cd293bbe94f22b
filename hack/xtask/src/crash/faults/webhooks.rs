//! A webhook rewrites what is applied, each time it is.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Result, ensure};
use futures::future::LocalBoxFuture;
use harness::{ApiProxy, MutatingWebhook, eventually};
use serde_json::{Value, json};

use super::{Begun, References, Row, started};
use crate::crash::case::LIMIT;
use crate::crash::points::{QUIET, Reference, check_log, idle, silence};
use crate::crash::stage::Stage;

/// How long the webhook may provoke.
const WHILE: Duration = Duration::from_secs(15);
/// An object is applied, corrected twice, and then left to the interval.
const MOST: usize = 3;

/// What a webhook puts in the place of our values.
#[derive(Clone, Copy)]
enum Habit {
    /// Always the same.
    Steady,
    /// Something else each time.
    Fickle,
}

const FAULTS: [(&str, Habit); 2] = [
    (
        "F14 a webhook puts its own value in the place of ours, in an upgrade",
        Habit::Steady,
    ),
    (
        "F14 a webhook puts another value in the place of ours each time, in an upgrade",
        Habit::Fickle,
    ),
];

pub(super) fn all<'a>(
    stage: &'a Stage,
    references: &'a References,
    only: &str,
) -> Vec<LocalBoxFuture<'a, Row>> {
    let faults = FAULTS.into_iter().filter(|(name, _)| name.contains(only));
    let row = |(name, habit)| -> LocalBoxFuture<'a, Row> {
        Box::pin(async move { Row::of(name, rewritten(stage, references, habit).await) })
    };
    faults.map(row).collect()
}

async fn rewritten(stage: &Stage, references: &References, habit: Habit) -> Result<()> {
    let (scenario, reference) = references.of("upgrade")?;
    let mut begun = started(stage, references, "upgrade").await?;
    let webhook = MutatingWebhook::start(change(habit))?;
    let resources = [("", "configmaps"), ("apps", "deployments")];
    let name = begun.case.name().to_owned();
    let configuration = webhook.configuration(&name, &name, &resources);
    begun
        .case
        .namespace
        .apply(&configuration.to_string())
        .await?;
    // The API server hears of it by a watch of its own.
    tokio::time::sleep(Duration::from_secs(2)).await;
    begun.case.act(scenario).await?;
    begun.case.settled(scenario).await?;
    tokio::time::sleep(WHILE).await;
    ensure!(webhook.asked() > 0, "the webhook was never asked");
    bounded(&begun.proxy, "while it is left alone")?;
    for token in ["once", "twice"] {
        silence(&begun.proxy, QUIET).await?;
        begun.proxy.clear();
        begun.case.another_pass(token).await?;
        tokio::time::sleep(WHILE / 3).await;
        bounded(&begun.proxy, "for one more pass")?;
    }
    let path = format!(
        "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/{}",
        begun.case.name()
    );
    begun.case.remove(&path).await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    begun.case.another_pass("without").await?;
    over(begun, reference).await
}

/// Our values are back. What the webhook had brought counts as a generation of its own.
async fn over(begun: Begun, reference: &Reference) -> Result<()> {
    let Begun {
        case,
        proxy,
        mut controller,
    } = begun;
    eventually(LIMIT, "our values", async || {
        let mut difference = reference.picture.difference(&case.picture().await?);
        difference.retain(|line| !line.contains("generation") && !line.contains("/revision:"));
        ensure!(difference.is_empty(), "\n{}", difference.join("\n"));
        Ok(())
    })
    .await?;
    check_log(&reference.log, &case.renamed(proxy.log()))?;
    idle(&case, &proxy, &case.picture().await?).await?;
    controller.process().check_running()?;
    drop(controller);
    case.clean_up().await
}

/// The patch that a webhook answers with.
fn change(habit: Habit) -> impl Fn(&Value) -> Value + Send + Sync + 'static {
    let number = AtomicUsize::new(0);
    move |object| {
        let number = match habit {
            Habit::Steady => 0,
            Habit::Fickle => number.fetch_add(1, Ordering::SeqCst),
        };
        let replace =
            |path: &str, value: Value| json!([{"op": "replace", "path": path, "value": value}]);
        match object["kind"].as_str() {
            Some("ConfigMap") if !object["data"]["v"].is_null() => {
                replace("/data/v", json!(format!("theirs-{number}")))
            }
            Some("Deployment") => replace(
                "/spec/template/spec/containers/0/image",
                json!(format!("mirror.example.com/web:{number}")),
            ),
            _ => json!([]),
        }
    }
}

/// Nothing was written without end: neither an object nor an event about it.
fn bounded(proxy: &ApiProxy, when: &str) -> Result<()> {
    let mut writes: BTreeMap<String, usize> = BTreeMap::new();
    for record in proxy.log().iter().filter(|record| record.asked.is_write()) {
        let asked = &record.asked;
        let what = match &*asked.resource {
            // Each pass tells what it is at.
            "kustomizations" | "leases" => continue,
            "events" => "events".to_owned(),
            _ => asked.to_string(),
        };
        *writes.entry(what).or_default() += 1;
    }
    let events = writes.remove("events").unwrap_or_default();
    ensure!(events <= 3 * MOST, "{events} events {when}");
    writes.retain(|_, times| *times > MOST);
    ensure!(writes.is_empty(), "written {when}: {writes:?}");
    Ok(())
}
