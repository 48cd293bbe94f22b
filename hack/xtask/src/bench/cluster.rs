//! The bench's own requests: as plain as they can be, a bounded number at once.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use http::{Method, Request};
use kube::Client;
use serde_json::{Value, json};

use super::workload::NAMESPACE;

/// Requests at once, each over a connection of its own.
pub(super) const CONNECTIONS: usize = 32;
const APPLY: &str = "application/apply-patch+yaml";
const MERGE: &str = "application/merge-patch+json";
const JSON_PATCH: &str = "application/json-patch+json";
const METADATA_LIST: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";

/// A client that names itself `bench`.
#[derive(Clone)]
pub(super) struct Cluster(Client);

impl Cluster {
    pub(super) fn new(client: Client) -> Self {
        Self(client)
    }

    pub(super) fn client(&self) -> Client {
        self.0.clone()
    }

    /// Creates or changes an object by server-side apply.
    pub(super) async fn apply(&self, path: &str, object: &Value) -> Result<()> {
        let path = format!("{path}?fieldManager=bench&force=true");
        self.send(Method::PATCH, &path, APPLY, object).await
    }

    /// Changes what the patch names.
    pub(super) async fn merge(&self, path: &str, patch: &Value) -> Result<()> {
        self.send(Method::PATCH, path, MERGE, patch).await
    }

    /// Puts another value into a field that exists.
    pub(super) async fn replace(&self, path: &str, field: &str, value: &str) -> Result<()> {
        let patch = json!([{"op": "replace", "path": field, "value": value}]);
        self.send(Method::PATCH, path, JSON_PATCH, &patch).await
    }

    /// Asks a controller to look at an object now.
    pub(super) async fn request(&self, path: &str, token: &str) -> Result<()> {
        let annotations = json!({"reconcile.fluxcd.io/requestedAt": token});
        self.merge(path, &json!({"metadata": {"annotations": annotations}}))
            .await
    }

    /// Deletes in the background.
    pub(super) async fn delete(&self, path: &str) -> Result<()> {
        self.send(Method::DELETE, path, "application/json", &json!({}))
            .await
    }

    /// How many objects there are, with this label if one is given.
    pub(super) async fn count(&self, collection: &str, label: Option<&str>) -> Result<usize> {
        let query = label.map_or_else(String::new, |label| {
            format!(
                "?labelSelector={}",
                label.replace('/', "%2F").replace('=', "%3D")
            )
        });
        let request = Request::get(format!("{collection}{query}"))
            .header("accept", METADATA_LIST)
            .header("user-agent", "bench")
            .body(Vec::new())?;
        let list: Value = self.0.request(request).await?;
        // An empty list of metadata has a null for its items.
        Ok(list["items"].as_array().map_or(0, Vec::len))
    }

    /// The whole list of a kind.
    pub(super) async fn list(&self, collection: &str) -> Result<Vec<Value>> {
        let request = Request::get(collection)
            .header("user-agent", "bench")
            .body(Vec::new())?;
        let mut list: Value = self.0.request(request).await?;
        match list["items"].take() {
            Value::Array(items) => Ok(items),
            _ => bail!("no list at {collection}"),
        }
    }

    async fn send(&self, method: Method, path: &str, form: &str, body: &Value) -> Result<()> {
        let request = Request::builder()
            .method(&method)
            .uri(path)
            .header("content-type", form)
            .header("user-agent", "bench")
            .body(serde_json::to_vec(body)?)?;
        let answer = self.0.request_text(request).await;
        answer
            .map(drop)
            .with_context(|| format!("{method} {path} failed"))
    }
}

/// The path of a kind's objects in the bench's namespace.
pub(super) fn collection(version: &str, plural: &str) -> String {
    let root = if version.contains('/') { "apis" } else { "api" };
    format!("/{root}/{version}/namespaces/{NAMESPACE}/{plural}")
}

/// The path of a Kustomization.
pub(super) fn kustomization(name: &str) -> String {
    let collection = collection("kustomize.toolkit.fluxcd.io/v1", "kustomizations");
    format!("{collection}/{name}")
}

/// The path of a GitRepository.
pub(super) fn git_repository(name: &str) -> String {
    let collection = collection("source.toolkit.fluxcd.io/v1", "gitrepositories");
    format!("{collection}/{name}")
}

/// When each of many things began, and how long it took.
#[derive(Debug, Default)]
pub(super) struct Load {
    pub(super) began: BTreeMap<String, Instant>,
    pub(super) took: Vec<Duration>,
}

/// Does something for each name, [`CONNECTIONS`] at once.
///
/// # Errors
/// The first one that fails.
pub(super) async fn load(names: &[String], each: impl AsyncFn(&str) -> Result<()>) -> Result<Load> {
    let one = async |name: &String| {
        let begin = Instant::now();
        each(name).await?;
        anyhow::Ok((name.clone(), begin, begin.elapsed()))
    };
    let done: Vec<(String, Instant, Duration)> = stream::iter(names)
        .map(one)
        .buffer_unordered(CONNECTIONS)
        .try_collect()
        .await?;
    let mut load = Load::default();
    for (name, begin, took) in done {
        load.began.insert(name, begin);
        load.took.push(took);
    }
    Ok(load)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_those_of_the_group() {
        assert_eq!(
            collection("v1", "services"),
            "/api/v1/namespaces/bench/services"
        );
        assert_eq!(
            collection("apps/v1", "deployments"),
            "/apis/apps/v1/namespaces/bench/deployments"
        );
    }

    #[tokio::test]
    async fn a_load_is_done_once_for_each_and_fails_as_a_whole() {
        let names: Vec<String> = (0..100).map(|it| it.to_string()).collect();
        let load_all = load(&names, async |_| Ok(())).await.unwrap();
        assert_eq!((load_all.began.len(), load_all.took.len()), (100, 100));
        let some = load(&names, async |name| {
            anyhow::ensure!(name != "7", "no");
            Ok(())
        });
        assert!(some.await.is_err());
    }
}
