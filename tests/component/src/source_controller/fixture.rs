//! A repository and source-controller, for one test.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use file_tree::FileTree;
use harness::{
    ControlPlane, Controllers, ControllersOptions, EventSink, GitServer, Namespace, Repository,
    eventually,
};
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};
use weir_api::meta::{Artifact, Condition, annotation, find_condition};
use weir_api::source::v1::{GitRepository, GitRepositoryStatus};
use weir_artifact::{FetchOptions, Fetcher};

/// How long anything may take. Generous: a loaded machine is slow, and a state that comes is not late.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// A fresh namespace with its own source-controller, and a repository `app`.
pub(crate) struct Sources {
    pub(crate) namespace: Namespace,
    pub(crate) repo: Repository,
    pub(crate) git: GitServer,
    pub(crate) events: EventSink,
    pub(crate) controllers: Controllers,
}

impl Sources {
    /// A controller with its default flags and a server over plain HTTP.
    pub(crate) async fn start(test: &str) -> Result<Self> {
        Self::with(test, GitServer::start()?, &[]).await
    }

    /// The same with another server and further flags.
    pub(crate) async fn with(test: &str, git: GitServer, flags: &[&str]) -> Result<Self> {
        Self::with_environment(test, git, flags, &[]).await
    }

    /// The same with variables for the controller.
    pub(crate) async fn with_environment(
        test: &str,
        git: GitServer,
        flags: &[&str],
        environment: &[(&str, &str)],
    ) -> Result<Self> {
        Self::shaped(test, git, |options| {
            options.flags = flags.iter().map(|flag| (*flag).to_owned()).collect();
            let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
            options.environment = environment.iter().map(owned).collect();
        })
        .await
    }

    /// The same with whatever `shape` makes of the controller's options.
    pub(crate) async fn shaped(
        test: &str,
        git: GitServer,
        shape: impl FnOnce(&mut ControllersOptions),
    ) -> Result<Self> {
        let plane = ControlPlane::shared().await?;
        plane.install_crds().await?;
        let namespace = plane.namespace(test).await?;
        let events = EventSink::start()?;
        let mut options = ControllersOptions::new(namespace.kubeconfig(), namespace.logs());
        options.binary = "source-controller".to_owned();
        options.command = Vec::new();
        options.namespace = Some(namespace.name().to_owned());
        options.events = Some(events.url());
        shape(&mut options);
        let controllers = Controllers::start(&options).await?;
        let repo = git.repo("app")?;
        Ok(Self {
            namespace,
            repo,
            git,
            events,
            controllers,
        })
    }

    /// Applies GitRepository `app`; `spec` is merged over interval 1h and branch main, null removes.
    pub(crate) async fn apply(&self, spec: Value) -> Result<()> {
        let mut whole =
            json!({"interval": "1h", "url": self.repo.url(), "ref": {"branch": "main"}});
        if let (Value::Object(whole), Value::Object(spec)) = (&mut whole, spec) {
            whole.extend(spec);
            whole.retain(|_, value| !value.is_null());
        }
        let object = json!({
            "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
            "metadata": {"name": "app"}, "spec": whole,
        });
        self.namespace.apply(&object.to_string()).await?;
        Ok(())
    }

    /// Applies a Secret with these values.
    pub(crate) async fn secret(&self, name: &str, values: Value) -> Result<()> {
        let object = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": values});
        self.namespace.apply(&object.to_string()).await?;
        Ok(())
    }

    /// Waits until `app` is Ready at its present generation with this revision.
    pub(crate) async fn ready(&self, revision: &str) -> Result<GitRepository> {
        self.wait(&format!("Ready at {revision}"), |object| {
            is(object, "Ready", "True", "Succeeded")
                && artifact(object).is_some_and(|artifact| artifact.revision == revision)
                && status(object).observed_generation == object.metadata.generation
        })
        .await
    }

    /// Waits until Ready is False for `reason` at the present generation; the object.
    pub(crate) async fn fails(&self, reason: &str) -> Result<GitRepository> {
        self.wait(reason, |object| {
            is(object, "Ready", "False", reason)
                && condition(object, "Ready").and_then(|found| found.observed_generation)
                    == object.metadata.generation
        })
        .await
    }

    /// Waits for a state of `app`.
    pub(crate) async fn wait(
        &self,
        what: &str,
        wanted: impl Fn(&GitRepository) -> bool,
    ) -> Result<GitRepository> {
        self.namespace
            .wait_for::<GitRepository>("app", LIMIT, what, wanted)
            .await
    }

    /// Waits until there is no `app`.
    pub(crate) async fn gone(&self) -> Result<()> {
        let api = self.namespace.api::<GitRepository>();
        eventually(LIMIT, "GitRepository gone", async || {
            ensure!(api.get_opt("app").await?.is_none(), "it is still there");
            Ok(())
        })
        .await
    }

    /// Sets the request annotation.
    pub(crate) async fn request(&self, value: &str) -> Result<()> {
        self.patch(
            json!({"metadata": {"annotations": {annotation::RECONCILE_REQUESTED_AT: value}}}),
        )
        .await
    }

    /// Asks for a reconciliation and waits until it is handled.
    pub(crate) async fn reconcile(&self, value: &str) -> Result<GitRepository> {
        self.request(value).await?;
        self.wait("handled", |object| {
            status(object).last_handled_reconcile_at == value
        })
        .await
    }

    /// Patches `app`.
    pub(crate) async fn patch(&self, patch: Value) -> Result<()> {
        let api = self.namespace.api::<GitRepository>();
        api.patch("app", &PatchParams::default(), &Patch::Merge(patch))
            .await?;
        Ok(())
    }

    /// Patches the status of `app`, as somebody else may.
    pub(crate) async fn patch_status(&self, status: Value) -> Result<()> {
        let api = self.namespace.api::<GitRepository>();
        let patch = Patch::Merge(json!({"status": status}));
        api.patch_status("app", &PatchParams::default(), &patch)
            .await?;
        Ok(())
    }

    /// The files of the artifact, fetched and verified as a consumer does it.
    pub(crate) async fn files(&self, object: &GitRepository) -> Result<Arc<FileTree>> {
        let artifact = artifact(object).context("has an artifact")?;
        let options = FetchOptions {
            retries: 0,
            ..FetchOptions::default()
        };
        Ok(Fetcher::new(options)?
            .fetch(&artifact.url, &artifact.digest)
            .await?)
    }

    /// Waits for a posted event with this reason and text.
    pub(crate) async fn event(&self, reason: &str, text: &str) -> Result<Value> {
        let what = format!("event {reason} {text}");
        let wanted = |event: &Value| {
            event["reason"] == reason
                && event["message"]
                    .as_str()
                    .is_some_and(|message| message.contains(text))
        };
        self.events
            .wait_for(LIMIT, &what, wanted)
            .await
            .context(what)
    }

    /// How often the server was asked for a pack.
    pub(crate) fn packs(&self) -> usize {
        let posts = |request: &&String| request.starts_with("POST");
        self.repo.requests().iter().filter(posts).count()
    }
}

/// The paths of a tree's files, in walk order.
pub(crate) fn paths(tree: &FileTree) -> Vec<String> {
    tree.walk()
        .filter(|(_, entry)| matches!(entry, file_tree::Entry::File { .. }))
        .map(|(path, _)| path)
        .collect()
}

/// The status; an empty one where there is none.
pub(crate) fn status(object: &GitRepository) -> GitRepositoryStatus {
    object.status.clone().unwrap_or_default()
}

/// The artifact of the status.
pub(crate) fn artifact(object: &GitRepository) -> Option<Artifact> {
    status(object).artifact
}

/// A condition of the status.
pub(crate) fn condition(object: &GitRepository, type_: &str) -> Option<Condition> {
    find_condition(&status(object).conditions, type_).cloned()
}

/// The message of a condition; empty without one.
pub(crate) fn message(object: &GitRepository, type_: &str) -> String {
    condition(object, type_).map_or_else(String::new, |found| found.message)
}

/// Whether a condition has that status and reason.
pub(crate) fn is(object: &GitRepository, type_: &str, status: &str, reason: &str) -> bool {
    condition(object, type_)
        .is_some_and(|found| found.status.as_str() == status && found.reason == reason)
}
