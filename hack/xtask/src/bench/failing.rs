//! A namespace full of items that fail again and again, beside those that are measured.

use anyhow::Result;
use kube::Api;
use serde_json::{Value, json};
use weir_api::kustomize::v1::Kustomization;
use weir_api::meta::{ConditionStatus, find_condition};

use super::cluster::load;
use super::level::Level;
use super::stage::{self, Stage};
use super::workload;

const NAMESPACE: &str = "failing";
const SOURCE: &str = "shared";

/// Creates so many Kustomizations of a path that does not exist, which are tried
/// again after `retry`, and waits until each of them has failed once.
///
/// # Errors
/// If one of them does not fail.
pub(super) async fn surround(stage: &Stage, count: usize, retry: &str) -> Result<()> {
    let namespace =
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}});
    let path = format!("/api/v1/namespaces/{NAMESPACE}");
    stage.cluster.apply(&path, &namespace).await?;
    let source = workload::git_repository(SOURCE, stage.repository.url());
    stage
        .cluster
        .apply(
            &path_of("source", "gitrepositories", SOURCE),
            &moved(source),
        )
        .await?;

    let names = workload::names(count);
    let items: Level<Kustomization> =
        Level::start(Api::namespaced(stage.cluster.client(), NAMESPACE));
    items.expect(names.clone(), |_, item| {
        let ready =
            item.and_then(|it| find_condition(it.status.as_ref()?.conditions.as_slice(), "Ready"));
        ready.is_some_and(|it| it.status == ConditionStatus::False)
    });
    load(&names, async |name| {
        let item = failing_item(name, retry);
        let path = path_of("kustomize", "kustomizations", name);
        stage.cluster.apply(&path, &item).await
    })
    .await?;
    items.reached(stage.limit, stage::describe).await.map(drop)
}

fn failing_item(name: &str, retry: &str) -> Value {
    let mut item = moved(workload::kustomization(name, SOURCE, "1m"));
    item["spec"]["path"] = "./missing".into();
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
    fn they_are_elsewhere_and_cannot_be_built() {
        let item = failing_item("a", "5s");
        assert_eq!(item["metadata"]["namespace"], NAMESPACE);
        assert_eq!(item["spec"]["path"], "./missing");
        assert_eq!(item["spec"]["retryInterval"], "5s");
    }
}
