//! The steps of the show: do something, wait for what must follow, time it.

use std::fmt::Debug;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, ensure};
use harness::{GitServer, Repository};
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Service};
use kube::api::{DeleteParams, Patch, PatchParams};
use kube::runtime::wait::await_condition;
use kube::{Api, Client, Resource, ResourceExt as _};
use serde::de::DeserializeOwned;
use serde_json::json;
use weir_api::Reconcilable;
use weir_api::kustomize::v1::Kustomization;
use weir_api::meta::{Condition, ConditionStatus, find_condition};
use weir_api::source::v1::GitRepository;

use super::report::Report;
use super::sample::{self, EXTRA, NAME, NAMESPACE};

/// Everything shown takes well under this; healing by interval takes 10 s.
const LIMIT: Duration = Duration::from_secs(60);

/// The repository and the cluster.
#[derive(Debug)]
pub(super) struct Show {
    cluster: Cluster,
    repository: Repository,
}

/// A client that prints nothing.
struct Cluster(Client);

impl Debug for Cluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Cluster")
    }
}

impl Show {
    /// Makes the repository with its first commit, and the namespace.
    pub(super) async fn prepare(client: Client, git: &GitServer) -> Result<Self> {
        let repository = git.repo(NAME)?;
        let files = sample::files();
        let files: Vec<(&str, &str)> = files
            .iter()
            .map(|(path, text)| (*path, text.as_str()))
            .collect();
        repository.commit(&files, "Say hello")?;
        let show = Self {
            cluster: Cluster(client),
            repository,
        };
        let namespace =
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}});
        let namespaces: Api<Namespace> = Api::all(show.client());
        namespaces
            .patch(NAMESPACE, &by_us(), &Patch::Apply(namespace))
            .await?;
        Ok(show)
    }

    /// The address to clone from.
    pub(super) fn repository_url(&self) -> &str {
        self.repository.url()
    }

    /// Shows every step in order.
    pub(super) async fn everything(&self, report: &mut Report) -> Result<()> {
        self.install(report).await?;
        self.push(report).await?;
        self.delete_by_hand(report).await?;
        self.remove_file(report).await?;
        let good = self.repository.resolve("main")?;
        self.bad_commit(report).await?;
        self.revert(&good, report).await
    }

    async fn install(&self, report: &mut Report) -> Result<()> {
        let begin = Instant::now();
        let [source, kustomization] = sample::flux_objects(self.repository.url());
        self.api::<GitRepository>()
            .patch(NAME, &by_us(), &Patch::Apply(source))
            .await?;
        self.api::<Kustomization>()
            .patch(NAME, &by_us(), &Patch::Apply(kustomization))
            .await?;
        let ready = self.ready_at(&self.repository.resolve("main")?).await?;
        let entries = ready
            .status()
            .and_then(|it| it.inventory.as_ref())
            .map(|it| it.entries.len());
        ensure!(
            entries == Some(sample::OBJECTS),
            "the inventory has {entries:?} entries"
        );
        report.shown(
            &format!("install → {} objects applied and Ready", sample::OBJECTS),
            begin.elapsed(),
        );
        Ok(())
    }

    async fn push(&self, report: &mut Report) -> Result<()> {
        let begin = Instant::now();
        let commit = self
            .commit(
                "Greet the world",
                "app/config.yaml",
                &sample::config("world"),
            )
            .await?;
        self.wait("the new greeting", NAME, |map: &ConfigMap| {
            greeting(map) == Some("world")
        })
        .await?;
        let applied = begin.elapsed();
        self.ready_at(&commit).await?;
        report.shown("push → applied", applied);
        report.detail(&format!(
            "and Ready after {} ms",
            begin.elapsed().as_millis()
        ));
        Ok(())
    }

    async fn delete_by_hand(&self, report: &mut Report) -> Result<()> {
        let services = self.api::<Service>();
        let old = services.get(NAME).await?.uid();
        let begin = Instant::now();
        services.delete(NAME, &DeleteParams::default()).await?;
        self.wait("the Service again", NAME, |service: &Service| {
            service.uid() != old
        })
        .await?;
        report.shown("Service deleted by hand → back", begin.elapsed());
        Ok(())
    }

    async fn remove_file(&self, report: &mut Report) -> Result<()> {
        let begin = Instant::now();
        let change = self
            .repository
            .change()
            .message("Drop the extra")
            .delete("app/extra.yaml");
        let commit = change
            .write("app/kustomization.yaml", sample::kustomization(false))
            .commit()?;
        self.request().await?;
        let gone = |map: Option<&ConfigMap>| map.is_none();
        self.wait_for("the pruned ConfigMap", EXTRA, gone).await?;
        report.shown("file removed → pruned", begin.elapsed());
        self.ready_at(&commit).await.map(drop)
    }

    async fn bad_commit(&self, report: &mut Report) -> Result<()> {
        let before = self.running().await?;
        let begin = Instant::now();
        let change = self.repository.change().message("Break it");
        let change = change.write("app/config.yaml", sample::config("broken"));
        let commit = change
            .write("app/service.yaml", sample::service(99_999))
            .commit()?;
        self.request().await?;
        let failed = |it: &Kustomization| {
            let attempted = it
                .status()
                .is_some_and(|it| it.last_attempted_revision.contains(&commit));
            attempted && ready(it).is_some_and(|it| it.status == ConditionStatus::False)
        };
        let object = self.wait("a failed Kustomization", NAME, failed).await?;
        report.shown("bad commit → Ready=False", begin.elapsed());
        let condition = ready(&object).context("it has just been there")?;
        report.detail(&format!(
            "{}: {}",
            condition.reason,
            first_line(&condition.message)
        ));
        ensure!(
            self.running().await? == before,
            "the running objects were touched"
        );
        report.detail("the running objects are untouched");
        Ok(())
    }

    async fn revert(&self, good: &str, report: &mut Report) -> Result<()> {
        let before = self.running().await?;
        let begin = Instant::now();
        let tree = format!("{good}^{{tree}}");
        let args = [
            "commit-tree",
            "-p",
            "main",
            "-m",
            "Revert \"Break it\"",
            &tree,
        ];
        let commit = self.repository.git(&args)?;
        self.repository.branch("main", &commit)?;
        self.request().await?;
        self.ready_at(&commit).await?;
        report.shown("revert → healed", begin.elapsed());
        ensure!(
            self.running().await? == before,
            "the running objects were touched"
        );
        Ok(())
    }

    /// Conditions of both objects, as text.
    pub(super) async fn state(&self) -> String {
        let source = self
            .api::<GitRepository>()
            .get_opt(NAME)
            .await
            .ok()
            .flatten();
        let kustomization = self
            .api::<Kustomization>()
            .get_opt(NAME)
            .await
            .ok()
            .flatten();
        let source = describe("GitRepository", source.as_ref());
        source + &describe("Kustomization", kustomization.as_ref())
    }

    /// Removes everything that was shown from a cluster that is not ours.
    pub(super) async fn clean_up(&self) -> Result<()> {
        self.api::<Kustomization>()
            .delete(NAME, &DeleteParams::default())
            .await?;
        self.wait_for("no Kustomization", NAME, |it: Option<&Kustomization>| {
            it.is_none()
        })
        .await?;
        self.api::<GitRepository>()
            .delete(NAME, &DeleteParams::default())
            .await?;
        self.wait_for("no GitRepository", NAME, |it: Option<&GitRepository>| {
            it.is_none()
        })
        .await?;
        let namespaces: Api<Namespace> = Api::all(self.client());
        namespaces
            .delete(NAMESPACE, &DeleteParams::default())
            .await?;
        Ok(())
    }

    /// Commits one file and asks for it to be fetched.
    async fn commit(&self, message: &str, path: &str, text: &str) -> Result<String> {
        let commit = self.repository.commit(&[(path, text)], message)?;
        self.request().await?;
        Ok(commit)
    }

    /// Asks for the source to be looked at now, as a webhook or `flux reconcile` does.
    async fn request(&self) -> Result<()> {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_nanos();
        let annotations = json!({"reconcile.fluxcd.io/requestedAt": now.to_string()});
        let patch = Patch::Merge(json!({"metadata": {"annotations": annotations}}));
        self.api::<GitRepository>()
            .patch(NAME, &PatchParams::default(), &patch)
            .await?;
        Ok(())
    }

    /// Waits until the Kustomization is Ready at this commit.
    async fn ready_at(&self, commit: &str) -> Result<Kustomization> {
        let what = format!("a Kustomization that is Ready at {commit}");
        let reached = |it: &Kustomization| {
            let applied = it
                .status()
                .is_some_and(|it| it.last_applied_revision.contains(commit));
            let observed = it.status().and_then(|it| it.observed_generation);
            applied
                && observed == it.metadata.generation
                && ready(it).is_some_and(Condition::is_true)
        };
        self.wait(&what, NAME, reached).await
    }

    /// What identifies the running objects and their versions. A Deployment's
    /// status moves by itself, its generation does not.
    async fn running(&self) -> Result<[Option<String>; 6]> {
        let map = self.api::<ConfigMap>().get(NAME).await?;
        let service = self.api::<Service>().get(NAME).await?;
        let deployment = self.api::<Deployment>().get(NAME).await?;
        Ok([
            map.uid(),
            map.resource_version(),
            service.uid(),
            service.resource_version(),
            deployment.uid(),
            deployment.metadata.generation.map(|it| it.to_string()),
        ])
    }

    async fn wait<K>(&self, what: &str, name: &str, wanted: impl Fn(&K) -> bool) -> Result<K>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
        K: Clone + Debug + DeserializeOwned + Send + 'static,
    {
        let found = self.wait_for(what, name, |object: Option<&K>| object.is_some_and(&wanted));
        found.await?.with_context(|| format!("no {what}"))
    }

    async fn wait_for<K>(
        &self,
        what: &str,
        name: &str,
        wanted: impl Fn(Option<&K>) -> bool,
    ) -> Result<Option<K>>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
        K: Clone + Debug + DeserializeOwned + Send + 'static,
    {
        let found = await_condition(self.api::<K>(), name, wanted);
        let found = tokio::time::timeout(LIMIT, found).await;
        found
            .with_context(|| format!("waited {LIMIT:?} for {what}"))?
            .context("the watch broke")
    }

    fn api<K>(&self) -> Api<K>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
    {
        Api::namespaced(self.client(), NAMESPACE)
    }

    fn client(&self) -> Client {
        self.cluster.0.clone()
    }
}

fn by_us() -> PatchParams {
    PatchParams::apply("weir-quickstart").force()
}

fn greeting(map: &ConfigMap) -> Option<&str> {
    map.data.as_ref()?.get("greeting").map(String::as_str)
}

fn ready<K: Reconcilable>(object: &K) -> Option<&Condition> {
    find_condition(object.conditions(), "Ready")
}

fn describe<K: Reconcilable>(kind: &str, object: Option<&K>) -> String {
    let Some(object) = object else {
        return format!("  {kind}: not there\n");
    };
    let line = |it: &Condition| {
        format!(
            "  {kind} {}={} {}: {}\n",
            it.type_,
            it.status,
            it.reason,
            first_line(&it.message)
        )
    };
    object.conditions().iter().map(line).collect()
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}
