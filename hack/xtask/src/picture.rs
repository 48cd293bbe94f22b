//! What is in the cluster, without what differs from run to run.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};
use futures::future::try_join_all;
use http::Request;
use kube::Client;
use serde_json::{Value, json};

/// Kinds that scenarios apply, by the path of their lists; `NS` is the namespace of the case.
const LISTS: [&str; 21] = [
    "/api/v1/namespaces/NS/configmaps",
    "/api/v1/namespaces/NS/secrets",
    "/api/v1/namespaces/NS/services",
    "/api/v1/namespaces/NS/serviceaccounts",
    "/apis/apps/v1/namespaces/NS/deployments",
    "/apis/apps/v1/namespaces/NS/statefulsets",
    "/apis/apps/v1/namespaces/NS/daemonsets",
    "/apis/autoscaling/v2/namespaces/NS/horizontalpodautoscalers",
    "/apis/batch/v1/namespaces/NS/cronjobs",
    "/apis/networking.k8s.io/v1/namespaces/NS/ingresses",
    "/apis/networking.k8s.io/v1/namespaces/NS/networkpolicies",
    "/apis/policy/v1/namespaces/NS/poddisruptionbudgets",
    "/apis/rbac.authorization.k8s.io/v1/namespaces/NS/roles",
    "/apis/rbac.authorization.k8s.io/v1/namespaces/NS/rolebindings",
    "/apis/NS.example.com/v1/namespaces/NS/things",
    "/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/NS/kustomizations",
    "/api/v1/namespaces/NS-more/configmaps",
    "/api/v1/namespaces",
    "/apis/rbac.authorization.k8s.io/v1/clusterroles",
    "/apis/scheduling.k8s.io/v1/priorityclasses",
    "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
];
/// Lists of whole clusters begin here.
const CLUSTER_SCOPED: usize = 17;
/// What Kubernetes makes itself in every namespace.
const BUILT_IN: [&str; 2] = ["default", "kube-root-ca.crt"];
/// Metadata that tells runs apart.
const RANDOM: [&str; 4] = [
    "uid",
    "resourceVersion",
    "creationTimestamp",
    "deletionTimestamp",
];
/// The label of whom an object belongs to.
const OWNER: &str = "kustomize.toolkit.fluxcd.io/name";

/// The uid of each object.
pub(crate) type Uids = BTreeMap<String, String>;

/// The objects of a case by path, normalised.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Picture(pub(crate) BTreeMap<String, Value>);

impl Picture {
    /// Takes a picture; says of each object of `before` whether it is still the same one.
    pub(crate) async fn take(client: &Client, namespace: &str, before: &Uids) -> Result<Self> {
        let mut objects = BTreeMap::new();
        for (path, mut object) in objects_of(client, namespace).await? {
            let uid = object["metadata"]["uid"].as_str().unwrap_or_default();
            let same = before.get(&path).map(|before| before == uid);
            normalise(&mut object);
            if let Some(same) = same {
                object["isTheSame"] = json!(same);
            }
            objects.insert(path, object);
        }
        Ok(Self(objects))
    }

    /// Replaces a name wherever it stands.
    pub(crate) fn rename(&mut self, from: &str, to: &str) {
        let text = serde_json::to_string(&self.0).unwrap_or_default();
        self.0 = serde_json::from_str(&text.replace(from, to)).unwrap_or_default();
    }

    /// Shortens what conditions say to the first line: the others tell what the last pass did, and nothing of the end
    /// state.
    pub(crate) fn shorten(&mut self) {
        for object in self.0.values_mut() {
            let conditions = object.get_mut("conditions").and_then(Value::as_array_mut);
            for condition in conditions.into_iter().flatten() {
                let message = condition["message"].as_str().unwrap_or_default();
                let first = message.lines().next().unwrap_or_default().to_owned();
                condition["message"] = Value::String(first);
            }
        }
    }

    /// What `other` has otherwise, a line per place.
    pub(crate) fn difference(&self, other: &Self) -> Vec<String> {
        let mut lines = Vec::new();
        let paths: BTreeSet<_> = self.0.keys().chain(other.0.keys()).collect();
        for path in paths {
            let side = |picture: &Self| picture.0.get(path).cloned().unwrap_or_default();
            compare(path, &side(self), &side(other), &mut lines);
        }
        lines
    }
}

fn compare(path: &str, wanted: &Value, found: &Value, lines: &mut Vec<String>) {
    match (wanted, found) {
        (Value::Object(wanted), Value::Object(found)) => {
            let keys: BTreeSet<_> = wanted.keys().chain(found.keys()).collect();
            for key in keys {
                let side = |map: &serde_json::Map<String, Value>| {
                    map.get(key).cloned().unwrap_or_default()
                };
                compare(&format!("{path} {key}"), &side(wanted), &side(found), lines);
            }
        }
        _ if wanted != found => lines.push(format!("{path}: {found} instead of {wanted}")),
        _ => {}
    }
}

/// The uids of what is there.
pub(crate) async fn uids(client: &Client, namespace: &str) -> Result<Uids> {
    fields(client, namespace, "uid").await
}

/// The versions of what is there, but for Kustomizations: each pass says something about itself.
pub(crate) async fn versions(client: &Client, namespace: &str) -> Result<Uids> {
    let mut versions = fields(client, namespace, "resourceVersion").await?;
    versions.retain(|path, _| !path.contains("/kustomizations/"));
    Ok(versions)
}

async fn fields(client: &Client, namespace: &str, field: &str) -> Result<Uids> {
    let objects = objects_of(client, namespace).await?;
    let value = |object: &Value| object["metadata"][field].as_str().map(str::to_owned);
    let pair = |(path, object): (String, Value)| Some((path, value(&object)?));
    Ok(objects.into_iter().filter_map(pair).collect())
}

/// Objects that are labelled as ours and not in the inventory: nobody would ever delete them.
pub(crate) async fn orphans(client: &Client, namespace: &str) -> Result<Vec<String>> {
    let objects = objects_of(client, namespace).await?;
    let mut known = BTreeSet::new();
    for (_, object) in objects
        .iter()
        .filter(|(path, _)| path.contains("/kustomizations/"))
    {
        let entries = object["status"]["inventory"]["entries"].as_array();
        let id = |entry: &Value| entry["id"].as_str().map(str::to_owned);
        known.extend(entries.into_iter().flatten().filter_map(id));
    }
    let ours = objects.into_iter().filter(|(_, object)| {
        let metadata = &object["metadata"];
        metadata["labels"][OWNER].is_string() && metadata["deletionTimestamp"].is_null()
    });
    let id = |(_, object): (String, Value)| {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let version = text(&object["apiVersion"]);
        let group = version.split_once('/').map_or("", |(group, _)| group);
        let [namespace, name] = ["namespace", "name"].map(|key| text(&object["metadata"][key]));
        format!("{namespace}_{name}_{group}_{}", text(&object["kind"]))
    };
    Ok(ours.map(id).filter(|id| !known.contains(id)).collect())
}

/// Deletes what a case has made outside of its namespace.
pub(crate) async fn delete_cluster_scoped(client: &Client, namespace: &str) -> Result<()> {
    for (path, _) in objects_of(client, namespace).await? {
        let own = LISTS[CLUSTER_SCOPED..].iter().any(|list| {
            path.strip_prefix(list)
                .is_some_and(|name| !name[1..].contains('/'))
        });
        if own && path != format!("/api/v1/namespaces/{namespace}") {
            let request = Request::delete(&path).body(Vec::new())?;
            // It may go by itself.
            let _ = client.request_text(request).await;
        }
    }
    Ok(())
}

/// An object, if it exists.
pub(crate) async fn get(client: &Client, path: &str) -> Result<Option<Value>> {
    let request = Request::get(path).body(Vec::new())?;
    match client.request::<Value>(request).await {
        Ok(value) => Ok(Some(value)),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(None),
        Err(error) => Err(error).with_context(|| format!("GET {path}")),
    }
}

/// The status of the Ready condition at the present generation, `Unknown` without one.
pub(crate) fn ready(object: &Value) -> &str {
    let conditions = object["status"]["conditions"].as_array();
    let mut ready = conditions.into_iter().flatten().filter(|it| {
        it["type"] == "Ready" && it["observedGeneration"] == object["metadata"]["generation"]
    });
    ready
        .next()
        .and_then(|it| it["status"].as_str())
        .unwrap_or("Unknown")
}

async fn objects_of(client: &Client, namespace: &str) -> Result<Vec<(String, Value)>> {
    let lists = LISTS.iter().map(async |list| {
        let path = list.replace("NS", namespace);
        let mut found = get(client, &path).await?.unwrap_or_default();
        // Items of a list do not say what they are.
        let kind = found["kind"].as_str().unwrap_or_default();
        let kind = kind.trim_end_matches("List").to_owned();
        let version = found["apiVersion"].take();
        let Value::Array(items) = found["items"].take() else {
            return anyhow::Ok(Vec::new());
        };
        let of_case = |(path, _): &(String, Value)| path.contains(namespace);
        let named = items.into_iter().filter_map(|mut item| {
            let name = item["metadata"]["name"].as_str()?.to_owned();
            item["kind"] = json!(kind);
            item["apiVersion"] = version.clone();
            (!BUILT_IN.contains(&&*name)).then(|| (format!("{path}/{name}"), item))
        });
        Ok(named.filter(of_case).collect())
    });
    Ok(try_join_all(lists).await?.concat())
}

fn normalise(object: &mut Value) {
    if object["kind"] == "Kustomization" {
        *object = kustomization(object);
        return;
    }
    let metadata = &mut object["metadata"];
    if let Value::Object(metadata) = metadata {
        metadata.retain(|key, _| !RANDOM.contains(&&**key));
    }
    for entry in metadata["managedFields"]
        .as_array_mut()
        .into_iter()
        .flatten()
    {
        if let Value::Object(entry) = entry {
            entry.remove("time");
        }
    }
    if let Value::Object(fields) = object {
        fields.remove("status");
    }
    for key in ["clusterIP", "clusterIPs"] {
        if let Some(field) = object["spec"].get_mut(key) {
            *field = Value::Null;
        }
    }
}

/// What users and other programs see of a Kustomization; not how often it was looked at.
fn kustomization(object: &Value) -> Value {
    let status = &object["status"];
    let mut conditions = status["conditions"].clone();
    for condition in conditions.as_array_mut().into_iter().flatten() {
        if let Value::Object(condition) = condition {
            condition.remove("lastTransitionTime");
        }
        if condition["reason"] == "Succeeded" {
            condition["message"] = json!("");
        }
    }
    json!({
        "finalizers": object["metadata"]["finalizers"],
        "deleting": object["metadata"]["deletionTimestamp"].is_string(),
        "observedGeneration": status["observedGeneration"],
        "conditions": conditions,
        "inventory": status["inventory"]["entries"],
        "lastAppliedRevision": status["lastAppliedRevision"],
        "lastAttemptedRevision": status["lastAttemptedRevision"],
        "lastOutcome": status["history"][0]["lastReconciledStatus"],
    })
}
