//! How often the API server is asked.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use weir_api::Reconcilable;

use crate::fixture::{Loop, config_map};

const ACCOUNT: &str = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: NAME}\n";
const SERVICE: &str = "apiVersion: v1\nkind: Service\nmetadata: {name: NAME}\nspec: {selector: {app: NAME}, ports: [{port: 80}]}\n";
const DEPLOYMENT: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: NAME}\nspec:\n  replicas: 0\n  \
    selector: {matchLabels: {app: NAME}}\n  template:\n    metadata: {labels: {app: NAME}}\n    \
    spec: {containers: [{name: a, image: 'example.com/a:1'}]}\n";

/// Four objects of one item.
fn files(name: &str) -> Vec<(String, String)> {
    let map = config_map("NAME", "1");
    [ACCOUNT, SERVICE, DEPLOYMENT, &map]
        .iter()
        .enumerate()
        .map(|(number, text)| (format!("{name}/{number}.yaml"), text.replace("NAME", name)))
        .collect()
}

/// The requests of the controllers so far, by method.
async fn requests(all: &Loop) -> Result<BTreeMap<String, u64>> {
    let text = reqwest::get(all.controllers.metrics_url())
        .await?
        .text()
        .await?;
    let mut sum = BTreeMap::new();
    for line in text.lines() {
        let Some(rest) = line.strip_prefix("rest_client_requests_total{") else {
            continue;
        };
        let (labels, count) = rest.rsplit_once(' ').context("a sample")?;
        let method = labels.split("method=\"").nth(1).context("a method")?;
        let method = method.split('"').next().unwrap_or_default();
        *sum.entry(method.to_owned()).or_default() += count.parse::<u64>()?;
    }
    ensure!(!sum.is_empty(), "no requests are counted");
    Ok(sum)
}

/// The requests of `method` since `before`.
async fn since(all: &Loop, before: &BTreeMap<String, u64>, method: &str) -> Result<u64> {
    let count = |sum: &BTreeMap<String, u64>| sum.get(method).copied().unwrap_or_default();
    Ok(count(&requests(all).await?) - count(before))
}

#[tokio::test]
async fn a_new_item_takes_two_requests_per_object_and_an_unchanged_one_none() -> Result<()> {
    let mut content = files("first");
    content.extend(files("second"));
    let content: Vec<_> = content
        .iter()
        .map(|(path, text)| (&**path, &**text))
        .collect();
    let all = Loop::start("requests", &content).await?;
    let revision = all.revision()?;
    let spec = |name: &str| json!({"targetNamespace": all.namespace.name(), "path": format!("./{name}"), "wait": true});
    // Kinds are found out and watches started once.
    all.kustomization("first", spec("first")).await?;
    all.applied("first", &revision).await?;
    all.reconcile("first").await?;

    let before = requests(&all).await?;
    all.kustomization("second", spec("second")).await?;
    let object = all.applied("second", &revision).await?;
    let patches = since(&all, &before, "PATCH").await?;
    // The finalizer, a dry run and an apply of each object, two or three times status.
    ensure!((11..=12).contains(&patches), "{patches} patches");
    assert_eq!(since(&all, &before, "GET").await?, 0);
    ensure!(!object.conditions().is_empty(), "it has conditions");

    let before = requests(&all).await?;
    all.reconcile("second").await?;
    assert_eq!(since(&all, &before, "PATCH").await?, 1, "of status");
    assert_eq!(since(&all, &before, "GET").await?, 0);

    let before = requests(&all).await?;
    all.delete("second").await?;
    assert_eq!(since(&all, &before, "DELETE").await?, 4);
    let gets = since(&all, &before, "GET").await?;
    assert_eq!(gets, 1, "whether it is still to be deleted");
    Ok(())
}
