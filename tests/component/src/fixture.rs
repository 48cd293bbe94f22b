//! A repository, its source and the controllers, all for one test.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use harness::{
    ControlPlane, Controllers, ControllersOptions, EventSink, GitServer, Namespace, Repository,
    eventually,
};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{DeleteParams, Patch, PatchParams};
use kube::{Api, ResourceExt as _};
use serde_json::{Value, json};
use weir_api::Reconcilable;
use weir_api::kustomize::v1::Kustomization;
use weir_api::meta::{Condition, annotation, find_condition};
use weir_api::source::v1::GitRepository;

/// How long anything may take. Generous: a loaded machine is slow, and a state that comes is not late.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// The whole loop around one namespace.
pub(crate) struct Loop {
    pub(crate) namespace: Namespace,
    pub(crate) repo: Repository,
    pub(crate) events: EventSink,
    pub(crate) controllers: Controllers,
    requests: AtomicU32,
}

impl Loop {
    /// A fresh namespace with controllers that see nothing else, and a repository that holds `files`, with its
    /// source `app`.
    pub(crate) async fn start(test: &str, files: &[(&str, &str)]) -> Result<Self> {
        Self::with_flags(test, files, &[]).await
    }

    /// The same with further variables in the controllers' environment.
    pub(crate) async fn with_environment(
        test: &str,
        files: &[(&str, &str)],
        flags: &[&str],
        environment: &[(&str, String)],
    ) -> Result<Self> {
        let pair = |(name, value): &(&str, String)| ((*name).to_owned(), value.clone());
        let environment = environment.iter().map(pair).collect();
        Self::begin(test, files, flags, environment).await
    }

    /// The same with further flags.
    pub(crate) async fn with_flags(
        test: &str,
        files: &[(&str, &str)],
        flags: &[&str],
    ) -> Result<Self> {
        Self::begin(test, files, flags, Vec::new()).await
    }

    async fn begin(
        test: &str,
        files: &[(&str, &str)],
        flags: &[&str],
        environment: Vec<(String, String)>,
    ) -> Result<Self> {
        let plane = ControlPlane::shared().await?;
        plane.install_crds().await?;
        let namespace = plane.namespace(test).await?;
        let events = EventSink::start()?;
        let mut options = ControllersOptions::new(namespace.kubeconfig(), namespace.logs());
        options.namespace = Some(namespace.name().to_owned());
        options.events = Some(events.url());
        options.flags = flags.iter().map(|flag| (*flag).to_owned()).collect();
        options.environment = environment;
        let controllers = Controllers::start(&options).await?;
        let repo = git()?.repo(namespace.name())?;
        repo.commit(files, "first")?;
        let this = Self {
            namespace,
            repo,
            events,
            controllers,
            requests: AtomicU32::new(0),
        };
        let spec = json!({"interval": "1h", "url": this.repo.url(), "ref": {"branch": "main"}});
        this.apply("source.toolkit.fluxcd.io/v1", "GitRepository", "app", &spec)
            .await?;
        Ok(this)
    }

    /// Applies a Kustomization of the source; `spec` is merged over interval 1h, prune and path `./`.
    pub(crate) async fn kustomization(&self, name: &str, spec: Value) -> Result<()> {
        let mut whole = json!({
            "interval": "1h", "retryInterval": "1s", "prune": true, "path": "./",
            "sourceRef": {"kind": "GitRepository", "name": "app"},
        });
        let (Value::Object(whole_map), Value::Object(spec)) = (&mut whole, spec) else {
            bail!("spec is a map")
        };
        whole_map.extend(spec);
        whole_map.retain(|_, value| !value.is_null());
        self.apply(
            "kustomize.toolkit.fluxcd.io/v1",
            "Kustomization",
            name,
            &whole,
        )
        .await
    }

    /// Applies one object of a Flux kind.
    pub(crate) async fn apply(
        &self,
        api_version: &str,
        kind: &str,
        name: &str,
        spec: &Value,
    ) -> Result<()> {
        let object = json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, "spec": spec});
        self.namespace.apply(&object.to_string()).await?;
        Ok(())
    }

    /// Commits a change and asks the source to fetch it; returns the revision.
    pub(crate) async fn push(&self, files: &[(&str, &str)], deleted: &[&str]) -> Result<String> {
        let mut change = self.repo.change().message("change");
        for (path, content) in files {
            change = change.write(path, content);
        }
        for path in deleted {
            change = change.delete(path);
        }
        let commit = change.commit()?;
        self.request::<GitRepository>("app").await?;
        Ok(format!("main@sha1:{commit}"))
    }

    /// The revision at the tip of the branch.
    pub(crate) fn revision(&self) -> Result<String> {
        Ok(format!("main@sha1:{}", self.repo.resolve("main")?))
    }

    /// Asks for a reconciliation as `flux reconcile` does; returns the request's value.
    pub(crate) async fn request<K>(&self, name: &str) -> Result<String>
    where
        K: Reconcilable,
    {
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        let value = format!("request-{number}");
        let patch =
            json!({"metadata": {"annotations": {annotation::RECONCILE_REQUESTED_AT: value}}});
        self.namespace
            .api::<K>()
            .patch(name, &PatchParams::default(), &Patch::Merge(patch))
            .await?;
        Ok(value)
    }

    /// Asks for a reconciliation of a Kustomization and waits until it is handled.
    pub(crate) async fn reconcile(&self, name: &str) -> Result<Kustomization> {
        let request = self.request::<Kustomization>(name).await?;
        self.wait(name, "handled", |object| {
            object
                .status
                .as_ref()
                .is_some_and(|status| status.last_handled_reconcile_at == request)
        })
        .await
    }

    /// Waits until a Kustomization has applied `revision`.
    pub(crate) async fn applied(&self, name: &str, revision: &str) -> Result<Kustomization> {
        self.wait(name, &format!("applied at {revision}"), |object| {
            is(
                object.conditions(),
                "Ready",
                "True",
                "ReconciliationSucceeded",
            ) && object
                .status
                .as_ref()
                .is_some_and(|status| status.last_applied_revision == revision)
                && object
                    .status
                    .as_ref()
                    .and_then(|status| status.observed_generation)
                    == object.metadata.generation
        })
        .await
    }

    /// Waits until a Kustomization's Ready condition is False for `reason`, and returns its message.
    pub(crate) async fn fails(&self, name: &str, reason: &str) -> Result<String> {
        let object = self
            .wait(name, reason, |object| {
                is(object.conditions(), "Ready", "False", reason)
            })
            .await?;
        Ok(message(object.conditions(), "Ready").to_owned())
    }

    /// Waits for a state of a Kustomization.
    pub(crate) async fn wait(
        &self,
        name: &str,
        what: &str,
        wanted: impl Fn(&Kustomization) -> bool,
    ) -> Result<Kustomization> {
        self.namespace
            .wait_for::<Kustomization>(name, LIMIT, what, wanted)
            .await
    }

    /// The named ConfigMap, if it exists.
    pub(crate) async fn config_map(&self, name: &str) -> Result<Option<ConfigMap>> {
        Ok(self.namespace.api::<ConfigMap>().get_opt(name).await?)
    }

    /// Waits until no ConfigMap of that name is left.
    pub(crate) async fn config_map_gone(&self, name: &str) -> Result<()> {
        eventually(LIMIT, &format!("ConfigMap {name} gone"), async || {
            ensure!(self.config_map(name).await?.is_none(), "it is still there");
            Ok(())
        })
        .await
    }

    /// Deletes a Kustomization and waits until it is gone.
    pub(crate) async fn delete(&self, name: &str) -> Result<()> {
        let api: Api<Kustomization> = self.namespace.api();
        api.delete(name, &DeleteParams::default()).await?;
        eventually(LIMIT, &format!("Kustomization {name} gone"), async || {
            ensure!(api.get_opt(name).await?.is_none(), "it is still there");
            Ok(())
        })
        .await
    }

    /// Waits for a posted event about an object of that name.
    pub(crate) async fn event(&self, name: &str, reason: &str, text: &str) -> Result<Value> {
        let what = format!("event {reason} {text}");
        self.events
            .wait_for(LIMIT, &what, |event| {
                event["involvedObject"]["name"] == name
                    && event["reason"] == reason
                    && event["message"]
                        .as_str()
                        .is_some_and(|message| message.contains(text))
            })
            .await
            .context(what)
    }
}

/// One Git server for all tests; each has its own repository.
pub(crate) fn git() -> Result<&'static GitServer> {
    static SERVER: OnceLock<GitServer> = OnceLock::new();
    if let Some(server) = SERVER.get() {
        return Ok(server);
    }
    let server = GitServer::start()?;
    Ok(SERVER.get_or_init(|| server))
}

/// Whether a condition has that status and reason.
pub(crate) fn is(conditions: &[Condition], type_: &str, status: &str, reason: &str) -> bool {
    find_condition(conditions, type_)
        .is_some_and(|condition| condition.status.as_str() == status && condition.reason == reason)
}

/// The message of a condition; empty without one.
pub(crate) fn message<'a>(conditions: &'a [Condition], type_: &str) -> &'a str {
    find_condition(conditions, type_).map_or("", |condition| &condition.message)
}

/// A ConfigMap as YAML, with one value.
pub(crate) fn config_map(name: &str, value: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\ndata:\n  v: \"{value}\"\n")
}

/// What a ConfigMap of [`config_map`] holds.
pub(crate) fn value(object: &ConfigMap) -> &str {
    object
        .data
        .as_ref()
        .and_then(|data| data.get("v"))
        .map_or("", String::as_str)
}

/// The ids of the inventory of a Kustomization.
pub(crate) fn inventory(object: &Kustomization) -> Vec<String> {
    let inventory = object
        .status
        .as_ref()
        .and_then(|status| status.inventory.as_ref());
    inventory
        .map(|inventory| {
            inventory
                .entries
                .iter()
                .map(|entry| entry.id.clone())
                .collect()
        })
        .unwrap_or_default()
}

/// The uid, which tells an object from its recreation.
pub(crate) fn uid(object: &ConfigMap) -> String {
    object.uid().unwrap_or_default()
}
