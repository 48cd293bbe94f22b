//! A namespace of others beside the items that are measured: many that fail, or one whose build is slow.

use std::fmt::Write as _;

use anyhow::Result;
use kube::Api;
use serde_json::{Value, json};
use weir_api::kustomize::v1::Kustomization;
use weir_api::meta::{ConditionStatus, find_condition};

use super::cluster::load;
use super::level::Level;
use super::stage::{self, Stage};
use super::workload;

const NAMESPACE: &str = "neighbours";
const SOURCE: &str = "shared";
/// Path of what builds slowly.
const SLOW: &str = "slow";
/// Objects in the slow build, and patches that are tried on each of them.
const SLOW_OBJECTS: usize = 2000;
const SLOW_PATCHES: usize = 400;

/// Creates so many Kustomizations of a path that does not exist, which are tried again after `retry`, and waits
/// until each of them has failed once.
///
/// # Errors
/// If one of them does not fail.
pub(super) async fn fail(stage: &Stage, count: usize, retry: &str) -> Result<()> {
    source(stage).await?;
    surround(stage, workload::names(count), "./missing", retry).await
}

/// Creates a Kustomization whose build takes seconds of CPU, and which then fails because its account may apply
/// nothing; it is tried again after `retry`. Waits until it has failed once.
///
/// # Errors
/// If it does not fail.
pub(super) async fn build_slowly(stage: &mut Stage, retry: &str) -> Result<()> {
    let files = [
        (format!("{SLOW}/kustomization.yaml"), slow_kustomization()),
        (format!("{SLOW}/objects.yaml"), slow_objects()),
    ];
    let files = files
        .each_ref()
        .map(|(path, text)| (path.as_str(), text.as_str()));
    stage.repository.commit(&files, "A slow build")?;
    source(stage).await?;
    surround(stage, vec![SLOW.to_owned()], &format!("./{SLOW}"), retry).await
}

fn slow_objects() -> String {
    let mut text = String::new();
    for number in 0..SLOW_OBJECTS {
        let _ = write!(
            text,
            "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: slow-{number}}}\ndata: {{}}\n"
        );
    }
    text
}

fn slow_kustomization() -> String {
    let patches: Vec<Value> = (0..SLOW_PATCHES)
        .map(|number| {
            let op = json!([{"op": "add", "path": format!("/data/key-{number}"), "value": "x"}]);
            json!({"target": {"kind": "ConfigMap", "name": "slow-.*"}, "patch": op.to_string()})
        })
        .collect();
    json!({"resources": ["objects.yaml"], "patches": patches}).to_string()
}

async fn source(stage: &Stage) -> Result<()> {
    let namespace =
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}});
    let path = format!("/api/v1/namespaces/{NAMESPACE}");
    stage.cluster.apply(&path, &namespace).await?;
    let source = workload::git_repository(SOURCE, stage.repository.url());
    let path = path_of("source", "gitrepositories", SOURCE);
    stage.cluster.apply(&path, &moved(source)).await
}

/// Creates them and waits until each has failed.
async fn surround(stage: &Stage, names: Vec<String>, path: &str, retry: &str) -> Result<()> {
    let items: Level<Kustomization> =
        Level::start(Api::namespaced(stage.cluster.client(), NAMESPACE));
    items.expect(names.clone(), |_, item| {
        let ready =
            item.and_then(|it| find_condition(it.status.as_ref()?.conditions.as_slice(), "Ready"));
        ready.is_some_and(|it| it.status == ConditionStatus::False)
    });
    load(&names, async |name| {
        let item = neighbour(name, path, retry);
        let path = path_of("kustomize", "kustomizations", name);
        stage.cluster.apply(&path, &item).await
    })
    .await?;
    items.reached(stage.limit, stage::describe).await.map(drop)
}

fn neighbour(name: &str, path: &str, retry: &str) -> Value {
    let mut item = moved(workload::kustomization(name, SOURCE, "1m"));
    item["spec"]["path"] = path.into();
    item["spec"]["retryInterval"] = retry.into();
    item["spec"]["targetNamespace"] = NAMESPACE.into();
    item["spec"]["serviceAccountName"] = "default".into();
    item
}

fn moved(mut object: Value) -> Value {
    object["metadata"]["namespace"] = NAMESPACE.into();
    object
}

fn path_of(group: &str, plural: &str, name: &str) -> String {
    format!("/apis/{group}.toolkit.fluxcd.io/v1/namespaces/{NAMESPACE}/{plural}/{name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_elsewhere_and_fail() {
        let item = neighbour("a", "./missing", "5s");
        assert_eq!(item["metadata"]["namespace"], NAMESPACE);
        assert_eq!(item["spec"]["path"], "./missing");
        assert_eq!(item["spec"]["retryInterval"], "5s");
        assert_eq!(item["spec"]["serviceAccountName"], "default");
    }
}
