//! One run of a scenario in a namespace of its own.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use harness::{ApiRecord, Controllers, ControllersOptions, Namespace, Repository, eventually};
use http::{Method, Request};
use jiff::Timestamp;
use kube::Client;
use serde_json::{Value, json};

use super::scenarios::{Act, File, Scenario};
use super::stage::Stage;
use crate::picture::{self, Picture, Uids};

/// How long anything may take.
pub(super) const LIMIT: Duration = Duration::from_secs(60);
/// The controller's lease.
const LEASE: &str = "kustomize-controller-leader-election";
/// The name of the Kustomization and of its source.
pub(super) const NAME: &str = "app";

/// A namespace with its repository.
pub(super) struct Case {
    pub(super) namespace: Namespace,
    client: Client,
    repository: Repository,
    commits: Vec<String>,
    uids: Uids,
}

impl Case {
    /// A namespace with the first revision of the scenario, and its source.
    pub(super) async fn prepare(stage: &Stage, scenario: &Scenario) -> Result<Self> {
        let mut case = Self::begin(stage).await?;
        case.first(scenario, "all").await?;
        Ok(case)
    }

    /// The same with a source-controller of its own that stores artifacts in `folder`.
    pub(super) async fn with_own_sources(
        stage: &Stage,
        scenario: &Scenario,
        folder: &Path,
    ) -> Result<(Self, Controllers)> {
        let folder = folder.to_path_buf();
        Self::with_sources(stage, scenario, |options| options.storage = Some(folder)).await
    }

    /// The same with a source-controller of its own.
    pub(super) async fn with_sources(
        stage: &Stage,
        scenario: &Scenario,
        set: impl FnOnce(&mut ControllersOptions),
    ) -> Result<(Self, Controllers)> {
        let mut case = Self::begin(stage).await?;
        let mut options = stage.source_options(case.name())?;
        set(&mut options);
        let sources = Controllers::start(&options).await?;
        let own = case.name().to_owned();
        case.first(scenario, &own).await?;
        Ok((case, sources))
    }

    async fn begin(stage: &Stage) -> Result<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let namespace = stage.plane.namespace(&format!("crash-{number}")).await?;
        let repository = stage.git.repo(namespace.name())?;
        Ok(Self {
            client: stage.client.clone(),
            repository,
            commits: Vec::new(),
            namespace,
            uids: Uids::default(),
        })
    }

    /// The first revision, and its source for the source-controller that watches this label.
    async fn first(&mut self, scenario: &Scenario, sources: &str) -> Result<()> {
        self.commit(scenario.files, &[])?;
        self.create_source(sources).await
    }

    /// The source, for the source-controller that watches this label; waits until it has fetched.
    pub(super) async fn create_source(&self, sources: &str) -> Result<()> {
        let spec =
            json!({"interval": "1h", "url": self.repository.url(), "ref": {"branch": "main"}});
        let source = json!({
            "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
            "metadata": {"name": NAME, "labels": {"sources": sources}}, "spec": spec,
        });
        self.namespace.apply(&source.to_string()).await?;
        self.fetched().await
    }

    /// Commits these files, asks the source to look, and returns the commit.
    pub(super) async fn push(&mut self, files: &[(&str, String)]) -> Result<String> {
        let mut change = self.repository.change().message("change");
        for (path, text) in files {
            change = change.write(path, text);
        }
        let commit = change.commit()?;
        self.commits.push(commit.clone());
        self.request("source.toolkit.fluxcd.io/v1", "gitrepositories", &commit)
            .await?;
        Ok(commit)
    }

    /// The name of its namespace.
    pub(super) fn name(&self) -> &str {
        self.namespace.name()
    }

    /// The Kustomization is created, and done.
    pub(super) async fn install(&mut self, scenario: &Scenario) -> Result<()> {
        self.create(scenario).await?;
        self.applied().await?;
        self.edit(scenario.before).await
    }

    /// What is there now is what the act finds.
    pub(super) async fn remember(&mut self) -> Result<()> {
        self.uids = picture::uids(&self.client, self.name()).await?;
        Ok(())
    }

    /// Sets off the writes.
    pub(super) async fn act(&mut self, scenario: &Scenario) -> Result<()> {
        match scenario.act {
            Act::Create => self.create(scenario).await,
            Act::Commit(..) => {
                self.act_unfetched(scenario).await?;
                self.fetched().await
            }
            Act::Delete => self.delete().await,
            Act::Edit(edits) => self.edit(edits).await,
        }
    }

    /// Commits, and asks the source to look, without waiting for what comes of it.
    pub(super) async fn act_unfetched(&mut self, scenario: &Scenario) -> Result<()> {
        if let Act::Commit(files, gone) = scenario.act {
            self.commit(files, gone)?;
        }
        self.request("source.toolkit.fluxcd.io/v1", "gitrepositories", "next")
            .await
    }

    /// The source.
    pub(super) async fn source(&self) -> Result<Value> {
        let path = self.path("source.toolkit.fluxcd.io/v1", "gitrepositories");
        let source = picture::get(&self.client, &path).await?;
        source.context("it is there")
    }

    /// Changes the spec of the source.
    pub(super) async fn patch_source(&self, spec: &Value) -> Result<()> {
        let path = self.path("source.toolkit.fluxcd.io/v1", "gitrepositories");
        self.send(Method::PATCH, &path, &json!({"spec": spec}))
            .await
    }

    /// Changes the spec of the Kustomization.
    pub(super) async fn patch_spec(&self, spec: &Value) -> Result<()> {
        let patch = json!({"spec": spec});
        self.send(Method::PATCH, &self.kustomization(), &patch)
            .await
    }

    /// Deletes what is at `path`.
    pub(super) async fn remove(&self, path: &str) -> Result<()> {
        self.send(Method::DELETE, path, &json!({})).await
    }

    /// Writes somebody's name into the controller's lease.
    pub(super) async fn hold_lease(&self, holder: &str, at: Timestamp) -> Result<()> {
        let spec = json!({
            "holderIdentity": holder, "leaseDurationSeconds": 6, "leaseTransitions": 1,
            "acquireTime": format!("{at:.6}"), "renewTime": format!("{at:.6}"),
        });
        let lease = json!({
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": LEASE}, "spec": spec,
        });
        self.namespace.apply(&lease.to_string()).await.map(drop)
    }

    /// Whose name is in the controller's lease.
    pub(super) async fn lease_holder(&self) -> Result<String> {
        let path = format!(
            "/apis/coordination.k8s.io/v1/namespaces/{}/leases/{LEASE}",
            self.name()
        );
        let lease = picture::get(&self.client, &path).await?.unwrap_or_default();
        Ok(lease["spec"]["holderIdentity"]
            .as_str()
            .unwrap_or_default()
            .to_owned())
    }

    /// What is there now.
    pub(super) async fn picture(&self) -> Result<Picture> {
        let mut picture = Picture::take(&self.client, self.name(), &self.uids).await?;
        picture.shorten();
        picture.rename(self.name(), "NS");
        for (number, commit) in self.commits.iter().enumerate() {
            picture.rename(commit, &format!("COMMIT-{}", number + 1));
        }
        Ok(picture)
    }

    /// Waits until the picture is `wanted`.
    pub(super) async fn becomes(&self, wanted: &Picture) -> Result<()> {
        self.becomes_within(LIMIT, wanted).await
    }

    /// The same for what takes longer.
    pub(super) async fn becomes_within(&self, limit: Duration, wanted: &Picture) -> Result<()> {
        eventually(limit, "the end state", async || {
            let picture = self.picture().await?;
            let difference = wanted.difference(&picture);
            ensure!(difference.is_empty(), "\n{}", difference.join("\n"));
            Ok(())
        })
        .await
    }

    /// The Kustomization, if it exists.
    pub(super) async fn live(&self) -> Result<Option<Value>> {
        picture::get(&self.client, &self.kustomization()).await
    }

    /// Waits until the Kustomization is gone, or has come to an end with the newest revision.
    pub(super) async fn settled(&self, scenario: &Scenario) -> Result<()> {
        let commit = self.commits.last().context("there is a commit")?;
        eventually(LIMIT, "a settled Kustomization", async || {
            let live = self.live().await?;
            let Some(live) = live else {
                ensure!(matches!(scenario.act, Act::Delete), "it is not there");
                return Ok(());
            };
            ensure!(!matches!(scenario.act, Act::Delete), "it is there");
            let attempted = &live["status"]["lastAttemptedRevision"];
            let current = attempted.as_str().is_some_and(|it| it.contains(commit));
            let ready = picture::ready(&live);
            ensure!(current && ready != "Unknown", "{}", live["status"]);
            Ok(())
        })
        .await
    }

    /// Asks for one more pass, and waits until it is over.
    pub(super) async fn another_pass(&self, token: &str) -> Result<()> {
        self.request("kustomize.toolkit.fluxcd.io/v1", "kustomizations", token)
            .await?;
        eventually(LIMIT, "another pass", async || {
            let live = self.live().await?.context("it is there")?;
            let handled = &live["status"]["lastHandledReconcileAt"];
            ensure!(
                handled == token && picture::ready(&live) != "Unknown",
                "it says {handled}"
            );
            Ok(())
        })
        .await
    }

    /// The same log as of a case whose namespace is `NS`.
    pub(super) fn renamed(&self, mut log: Vec<ApiRecord>) -> Vec<ApiRecord> {
        for record in &mut log {
            for part in [&mut record.asked.name, &mut record.asked.namespace] {
                *part = part.replace(self.name(), "NS");
            }
        }
        log
    }

    /// The versions of what is applied.
    pub(super) async fn versions(&self) -> Result<Uids> {
        picture::versions(&self.client, self.name()).await
    }

    /// The version of the whole cluster.
    pub(super) async fn version(&self) -> Result<u64> {
        let path = format!("/api/v1/namespaces/{}/configmaps", self.name());
        let list = picture::get(&self.client, &path)
            .await?
            .context("there is a list")?;
        let version = list["metadata"]["resourceVersion"].as_str();
        Ok(version.context("a list has a version")?.parse()?)
    }

    /// Deletes the Kustomization.
    pub(super) async fn delete(&self) -> Result<()> {
        let path = self.kustomization();
        self.send(Method::DELETE, &path, &json!({})).await
    }

    /// Waits until the Kustomization and all that it applied are gone.
    pub(super) async fn all_gone(&self) -> Result<()> {
        eventually(LIMIT, "everything gone", async || {
            ensure!(self.live().await?.is_none(), "the Kustomization is there");
            let left = picture::orphans(&self.client, self.name()).await?;
            ensure!(left.is_empty(), "{left:?} are there");
            Ok(())
        })
        .await
    }

    /// Removes what is not in the namespace, and lets the namespace go although no controller is there.
    pub(super) async fn clean_up(&self) -> Result<()> {
        let released = json!({"metadata": {"finalizers": null}});
        // It may be gone already.
        let _ = self
            .send(Method::PATCH, &self.kustomization(), &released)
            .await;
        picture::delete_cluster_scoped(&self.client, self.name()).await
    }

    async fn create(&self, scenario: &Scenario) -> Result<()> {
        let mut spec = json!({
            "interval": "1h", "retryInterval": "1s", "prune": true, "path": "./", "targetNamespace": self.name(),
            "sourceRef": {"kind": "GitRepository", "name": NAME},
        });
        if let (Value::Object(spec), Value::Object(more)) = (&mut spec, scenario.spec.clone()) {
            spec.extend(more);
        }
        let object = json!({
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
            "metadata": {"name": NAME, "labels": {"case": self.name()}}, "spec": spec,
        });
        self.namespace.apply(&object.to_string()).await.map(drop)
    }

    async fn applied(&self) -> Result<()> {
        eventually(LIMIT, "an applied Kustomization", async || {
            let live = self.live().await?.context("it is there")?;
            ensure!(picture::ready(&live) == "True", "{}", live["status"]);
            Ok(())
        })
        .await
    }

    fn commit(&mut self, files: &[File], gone: &[&str]) -> Result<()> {
        let mut change = self.repository.change().message("change");
        for (path, text) in files {
            change = change.write(path, text.replace("NS", self.namespace.name()));
        }
        for path in gone {
            change = change.delete(path);
        }
        let commit = change.commit()?;
        self.commits.push(commit);
        Ok(())
    }

    /// Waits until the source has the newest commit.
    async fn fetched(&self) -> Result<()> {
        let commit = self.commits.last().context("there is a commit")?;
        let path = self.path("source.toolkit.fluxcd.io/v1", "gitrepositories");
        eventually(LIMIT, "a fetched source", async || {
            let source = picture::get(&self.client, &path)
                .await?
                .context("it is there")?;
            let revision = &source["status"]["artifact"]["revision"];
            ensure!(
                revision.as_str().is_some_and(|it| it.contains(commit)),
                "{revision}"
            );
            Ok(())
        })
        .await
    }

    /// Changes and deletes objects by hand.
    pub(super) async fn edit(&self, edits: &[(&str, Option<&str>)]) -> Result<()> {
        for (path, patch) in edits {
            let path = format!("/{}", path.replace("NS", self.name()));
            match patch {
                None => self.send(Method::DELETE, &path, &json!({})).await?,
                Some(patch) => {
                    let path = format!("{path}?fieldManager=kubectl-edit");
                    let patch = serde_json::from_str(patch)?;
                    self.send(Method::PATCH, &path, &patch).await?;
                }
            }
        }
        Ok(())
    }

    async fn request(&self, version: &str, plural: &str, token: &str) -> Result<()> {
        let annotations = json!({"reconcile.fluxcd.io/requestedAt": token});
        let patch = json!({"metadata": {"annotations": annotations}});
        self.send(Method::PATCH, &self.path(version, plural), &patch)
            .await
    }

    fn kustomization(&self) -> String {
        self.path("kustomize.toolkit.fluxcd.io/v1", "kustomizations")
    }

    fn path(&self, version: &str, plural: &str) -> String {
        format!("/apis/{version}/namespaces/{}/{plural}/{NAME}", self.name())
    }

    async fn send(&self, method: Method, path: &str, body: &Value) -> Result<()> {
        let form = match method {
            Method::PATCH => "application/merge-patch+json",
            _ => "application/json",
        };
        let request = Request::builder()
            .method(&method)
            .uri(path)
            .header("content-type", form)
            .body(serde_json::to_vec(body)?)?;
        let answer = self.client.request_text(request).await;
        answer.map(drop).with_context(|| format!("{method} {path}"))
    }
}
