//! A fresh namespace for one test.

use std::fmt::Debug;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::Namespace as CoreNamespace;
use kube::api::{DeleteParams, DynamicObject, Patch, PatchParams, PostParams};
use kube::core::GroupVersionKind;
use kube::discovery::{self, Scope};
use kube::{Api, Client, Config, Resource, ResourceExt as _};
use serde::de::DeserializeOwned;
use serde::{Deserialize as _, Serialize};
use serde_json::Value;

use crate::eventually::failed_here;
use crate::{background, canary, eventually, layout};

/// Kubernetes' limit for names, less a dash and the random part.
const NAME_LENGTH: usize = 63 - 7;
/// Kinds whose state is written next to the logs of a failed test.
const DUMPED: &str = "gitrepositories,kustomizations,deployments,configmaps,events";

/// A namespace of its own for a test; deleted, without waiting, when dropped.
/// If the test failed, its objects are written to the test's log folder first.
#[derive(Debug)]
pub struct Namespace {
    name: String,
    test: String,
    logs: PathBuf,
    client: ClientHandle,
    config: Config,
    kubeconfig: PathBuf,
    kubectl: PathBuf,
}

/// A client that prints nothing.
struct ClientHandle(Client);

impl Debug for ClientHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Client")
    }
}

impl Namespace {
    pub(crate) async fn create(
        config: Config,
        kubeconfig: PathBuf,
        kubectl: PathBuf,
        test: &str,
    ) -> Result<Self> {
        let client = Client::try_from(config.clone())?;
        let short: String = test.chars().take(NAME_LENGTH).collect();
        let name = format!(
            "{}-{:06x}",
            short.trim_end_matches('-'),
            rand::random::<u32>() >> 8
        );
        let mut object = CoreNamespace::default();
        object.metadata.name = Some(name.clone());
        Api::all(client.clone())
            .create(&PostParams::default(), &object)
            .await
            .with_context(|| format!("cannot make namespace {name}"))?;
        let logs = layout::fresh_logs(test)?;
        let (test, client) = (test.to_owned(), ClientHandle(client));
        Ok(Self {
            name,
            test,
            logs,
            client,
            config,
            kubeconfig,
            kubectl,
        })
    }

    /// The namespace's name: that of the test and a random part.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The test's log folder, `target/test-logs/<test>`.
    pub fn logs(&self) -> &Path {
        &self.logs
    }

    /// A kubeconfig file of an administrator of this namespace's cluster.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// A client with an administrator's rights.
    pub fn client(&self) -> Client {
        self.client.0.clone()
    }

    /// Objects of a type in this namespace.
    pub fn api<K>(&self) -> Api<K>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
    {
        Api::namespaced(self.client(), &self.name)
    }

    /// Applies YAML documents server-side, those of namespaced kinds in this
    /// namespace unless they name another, and returns what the server made of
    /// them, in order.
    ///
    /// # Errors
    /// If a document is no object, its kind is unknown, or it is refused.
    pub async fn apply(&self, yaml: &str) -> Result<Vec<DynamicObject>> {
        let mut applied = Vec::new();
        for document in yaml_serde::Deserializer::from_str(yaml) {
            let value = Value::deserialize(document).context("not YAML")?;
            if value.is_null() {
                continue;
            }
            canary::learn(&value);
            let object: DynamicObject = serde_json::from_value(value).context("not an object")?;
            let api = self.api_of(&object).await?;
            let params = PatchParams::apply("test").force();
            let name = object.name_any();
            let result = api.patch(&name, &params, &Patch::Apply(&object)).await;
            applied.push(result.with_context(|| format!("cannot apply {name}"))?);
        }
        Ok(applied)
    }

    /// Waits until the named object exists and `wanted` holds for it, and returns it.
    ///
    /// # Errors
    /// If that does not come within `limit`; the error shows the object's conditions.
    pub async fn wait_for<K>(
        &self,
        name: &str,
        limit: Duration,
        what: &str,
        wanted: impl Fn(&K) -> bool,
    ) -> Result<K>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
        K: Clone + DeserializeOwned + Serialize + Debug,
    {
        let api = self.api::<K>();
        eventually(limit, what, async || {
            let object = api.get(name).await.context("cannot get it")?;
            if wanted(&object) {
                return Ok(object);
            }
            bail!(
                "{} {name}: {}",
                K::kind(&()),
                conditions(&serde_json::to_value(&object)?)
            )
        })
        .await
        .and_then(|object: K| {
            let status = serde_json::to_value(&object)?["status"].to_string();
            let told = canary::found_in(&status);
            ensure!(told.is_none(), "{status} holds {told:?} of a Secret");
            Ok(object)
        })
    }

    /// Waits until a condition of the named object has this status at the
    /// object's present generation, and returns the object.
    ///
    /// # Errors
    /// As [`Namespace::wait_for`].
    pub async fn wait_for_condition<K>(
        &self,
        name: &str,
        limit: Duration,
        condition: &str,
        status: &str,
    ) -> Result<K>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
        K: Clone + DeserializeOwned + Serialize + Debug,
    {
        let what = format!("{} {name} with {condition}={status}", K::kind(&()));
        let wanted = |object: &K| {
            let object = serde_json::to_value(object).unwrap_or_default();
            has_condition(&object, condition, status)
        };
        self.wait_for(name, limit, &what, wanted).await
    }

    async fn api_of(&self, object: &DynamicObject) -> Result<Api<DynamicObject>> {
        let types = object.types.clone().context("no apiVersion and kind")?;
        let gvk = GroupVersionKind::try_from(types)?;
        let found = discovery::pinned_kind(&self.client.0, &gvk).await;
        let (resource, capabilities) = found.with_context(|| format!("no kind {}", gvk.kind))?;
        Ok(match capabilities.scope {
            Scope::Cluster => Api::all_with(self.client(), &resource),
            Scope::Namespaced => {
                let namespace = object.namespace().unwrap_or_else(|| self.name.clone());
                Api::namespaced_with(self.client(), &namespace, &resource)
            }
        })
    }

    fn dump(&self) {
        let mut command = Command::new(&self.kubectl);
        command.args([
            "get",
            DUMPED,
            "--output=yaml",
            "--request-timeout=5s",
            "--namespace",
        ]);
        command.arg(&self.name).env("KUBECONFIG", &self.kubeconfig);
        if let Ok(output) = command.output() {
            // The test fails anyway; this is only a help.
            let _ = fs::write(self.logs.join("objects.yaml"), output.stdout);
        }
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        if thread::panicking() || failed_here() {
            self.dump();
        }
        let (config, name, test) = (self.config.clone(), self.name.clone(), self.test.clone());
        background::runtime().spawn(async move {
            let client = Client::try_from(config).with_context(|| format!("no client: {test}"))?;
            let namespaces: Api<CoreNamespace> = Api::all(client);
            namespaces.delete(&name, &DeleteParams::default()).await?;
            anyhow::Ok(())
        });
    }
}

/// Whether a condition that speaks of the present generation has this status.
fn has_condition(object: &Value, condition: &str, status: &str) -> bool {
    let generation = &object["metadata"]["generation"];
    let mut list = object["status"]["conditions"]
        .as_array()
        .into_iter()
        .flatten();
    list.any(|it| {
        let observed = &it["observedGeneration"];
        let current = observed.is_null() || observed == generation;
        it["type"] == condition && it["status"] == status && current
    })
}

/// Generation and conditions, as text for a failed wait.
fn conditions(object: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let generation = &object["metadata"]["generation"];
    let observed = &object["status"]["observedGeneration"];
    let list = object["status"]["conditions"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|it| {
            let [kind, status, reason, message] =
                ["type", "status", "reason", "message"].map(|name| text(&it[name]));
            format!(" {kind}={status} {reason}: {message};")
        });
    format!(
        "generation {generation}, observed {observed},{}",
        list.collect::<String>()
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(observed: u32) -> Value {
        let ready = json!({
            "type": "Ready", "status": "False", "reason": "BuildFailed", "message": "no file",
            "observedGeneration": observed,
        });
        json!({"metadata": {"generation": 2}, "status": {"conditions": [ready]}})
    }

    #[test]
    fn a_condition_counts_for_the_present_generation_only() {
        assert!(has_condition(&object(2), "Ready", "False"));
        assert!(!has_condition(&object(1), "Ready", "False"));
        assert!(!has_condition(&object(2), "Ready", "True"));
        assert!(!has_condition(&json!({}), "Ready", "True"));
    }

    #[test]
    fn conditions_are_told_in_a_failure() {
        let text = conditions(&object(2));
        assert_eq!(
            text,
            "generation 2, observed null, Ready=False BuildFailed: no file;"
        );
    }
}
