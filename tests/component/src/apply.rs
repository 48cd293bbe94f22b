//! `weir-apply` against a real API server: what is written, what is refused and in which words, what is pruned.

mod admission;
mod drift;
mod errors;
mod immutable;
mod kinds;
mod metadata;
mod migrate;
mod no_op;
mod prune;
mod samples;
mod stages;
mod takeover;

use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use harness::{ControlPlane, Namespace};
use kube::Client;
use serde_json::{Value, json};
use weir_api::meta::IgnoreRule;
use weir_apply::{Applier, ChangeSet, Cluster, Force, Object, Owner, Settings, prepare, stages};

/// How long anything may take on a loaded machine.
const LIMIT: Duration = Duration::from_secs(60);

/// A namespace, and somebody who applies objects to it.
struct World {
    namespace: Namespace,
    cluster: Cluster,
    settings: Settings,
    owner: Owner,
    force: Force,
    ignore: Vec<IgnoreRule>,
}

/// What an apply came to: everything that was done, and the message if it failed.
#[derive(Debug)]
struct Outcome {
    changes: ChangeSet,
    failure: Option<String>,
}

impl World {
    async fn new(test: &str) -> Result<Self> {
        let namespace = ControlPlane::shared().await?.namespace(test).await?;
        Ok(Self {
            cluster: Cluster::new(namespace.client()),
            settings: Settings::default(),
            owner: Owner::new(namespace.name(), "app"),
            force: Force::OnRequest,
            ignore: Vec::new(),
            namespace,
        })
    }

    fn name(&self) -> &str {
        self.namespace.name()
    }

    /// From here on with the rights of that identity.
    fn act_as(&mut self, client: Client) {
        self.cluster = self.cluster.with_client(client);
    }

    fn applier(&self) -> Applier {
        Applier::new(self.cluster.clone(), self.settings.clone())
    }

    /// Applies `objects` as a Kustomization does, stage by stage.
    async fn apply(&self, objects: &[Value]) -> Result<Outcome> {
        let objects = objects
            .iter()
            .cloned()
            .map(Object::new)
            .collect::<Result<Vec<_>, _>>()?;
        let objects = prepare(objects, &self.owner, None)?;
        let mut changes = ChangeSet::default();
        let mut failure = None;
        for stage in stages(objects, &[]) {
            let earlier = changes.clone();
            if let Err(error) = self.apply_stage(stage, &mut changes).await {
                failure = Some(earlier.failure_message(&error));
                break;
            }
        }
        Ok(Outcome { changes, failure })
    }

    async fn apply_stage(&self, stage: weir_apply::Stage, changes: &mut ChangeSet) -> Result<()> {
        let applier = self.applier().with_ignore_rules(&self.ignore)?;
        let plan = applier.plan(stage, self.force).await?;
        applier.execute(&plan, changes).await?;
        if plan.kind.waits() {
            applier.wait_ready(&plan, LIMIT).await?;
        }
        Ok(())
    }

    /// Applies `objects` and returns what changed, as the event tells it.
    async fn applied(&self, objects: &[Value]) -> Result<String> {
        let outcome = self.apply(objects).await?;
        match outcome.failure {
            None => Ok(outcome.changes.changed_lines()),
            Some(failure) => Err(anyhow!(failure)),
        }
    }

    /// Applies `objects`, which must fail, and returns the message.
    async fn refused(&self, objects: &[Value]) -> Result<String> {
        self.apply(objects).await?.failure.context("it was applied")
    }

    /// An object as kubectl sees it. None if it is not there.
    async fn get(&self, path: &str) -> Result<Option<Value>> {
        let path = path.replace("{ns}", self.name());
        let request = http::Request::get(path).body(Vec::new())?;
        match self.namespace.client().request::<Value>(request).await {
            Ok(object) => Ok(Some(object)),
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn config_map(&self, name: &str) -> Result<Option<Value>> {
        self.get(&format!("/api/v1/namespaces/{{ns}}/configmaps/{name}"))
            .await
    }

    /// A ConfigMap that must be there.
    async fn there(&self, name: &str) -> Result<Value> {
        self.config_map(name)
            .await?
            .with_context(|| format!("ConfigMap {name} is not there"))
    }

    /// A merge patch of a ConfigMap, as somebody else.
    async fn patch(&self, name: &str, manager: &str, patch: &Value) -> Result<Value> {
        let path = format!(
            "/api/v1/namespaces/{}/configmaps/{name}?fieldManager={manager}",
            self.name()
        );
        let request = http::Request::patch(path)
            .header("Content-Type", "application/merge-patch+json")
            .body(patch.to_string().into_bytes())?;
        Ok(self.namespace.client().request(request).await?)
    }

    /// Creates a ConfigMap as somebody else.
    async fn create(&self, manager: &str, config_map: &Value) -> Result<Value> {
        let path = format!(
            "/api/v1/namespaces/{}/configmaps?fieldManager={manager}",
            self.name()
        );
        let request = http::Request::post(path)
            .header("Content-Type", "application/json")
            .body(config_map.to_string().into_bytes())?;
        Ok(self.namespace.client().request(request).await?)
    }

    /// An object of the namespace; `fields` are its other fields.
    fn object(&self, api_version: &str, kind: &str, name: &str, fields: &Value) -> Value {
        let mut object = json!({
            "apiVersion": api_version, "kind": kind,
            "metadata": {"name": name, "namespace": self.name()},
        });
        merge(&mut object, fields);
        object
    }

    /// A ConfigMap with one value.
    fn map(&self, name: &str, value: &str) -> Value {
        self.object("v1", "ConfigMap", name, &json!({"data": {"v": value}}))
    }

    /// The same with an annotation of Flux.
    fn marked(&self, name: &str, value: &str, key: &str, mark: &str) -> Value {
        let mut object = self.map(name, value);
        let annotations = json!({format!("kustomize.toolkit.fluxcd.io/{key}"): mark});
        merge(
            &mut object,
            &json!({"metadata": {"annotations": annotations}}),
        );
        object
    }
}

/// Puts the fields of `other` into `value`, maps into maps.
fn merge(value: &mut Value, other: &Value) {
    match (value, other) {
        (Value::Object(fields), Value::Object(others)) => {
            for (key, other) in others {
                merge(fields.entry(key).or_insert(Value::Null), other);
            }
        }
        (value, other) => *value = other.clone(),
    }
}

/// `manager/operation` of everybody who owns fields.
fn managers(object: &Value) -> Vec<String> {
    let entries = object["metadata"]["managedFields"]
        .as_array()
        .into_iter()
        .flatten();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut names: Vec<String> = entries
        .map(|entry| format!("{}/{}", text(&entry["manager"]), text(&entry["operation"])))
        .collect();
    names.sort();
    names
}
