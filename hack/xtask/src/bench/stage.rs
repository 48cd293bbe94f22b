//! Everything that runs while a peer is measured.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use harness::{ControlPlane, GitServer, Repository, eventually, layout};
use kube::{Api, ResourceExt as _};
use weir_api::Reconcilable;
use weir_api::kustomize::v1::Kustomization;
use weir_api::meta::find_condition;
use weir_api::source::v1::GitRepository;

use super::Common;
use super::cluster::{self, Cluster};
use super::level::Level;
use super::meter::Meter;
use super::peer::{Peer, Running};
use super::requests::Counter;
use super::usage::Watched;
use super::workload::{self, LABEL, NAMESPACE, OBJECTS, Workload};

/// How long what was deleted in the background may stay.
const GONE_WITHIN: Duration = Duration::from_secs(60);

/// A control plane with a peer's controllers, a repository and a watch for each of the two kinds.
pub(super) struct Stage {
    pub(super) kustomizations: Level<Kustomization>,
    pub(super) sources: Level<GitRepository>,
    pub(super) cluster: Cluster,
    pub(super) meter: Meter,
    pub(super) repository: Repository,
    pub(super) workload: Workload,
    /// How long a phase may take.
    pub(super) limit: Duration,
    /// `spec.timeout` of each Kustomization.
    item_timeout: String,
    // Dropped in this order: who depends on a server ends before it.
    running: Running,
    _git: GitServer,
    _plane: ControlPlane,
}

impl Stage {
    /// Starts it all, with the first commit in the repository and no items.
    ///
    /// # Errors
    /// If a part does not come up.
    pub(super) async fn start(common: &Common, peer: &Peer) -> Result<Self> {
        let logs = layout::fresh_logs(&format!("bench-{}", peer.name))?;
        let plane = start_plane(common, &logs).await?;
        let cluster = Cluster::new(plane.client().await?);
        for (path, object) in workload::foundation() {
            let name = object["metadata"]["name"].as_str().unwrap_or_default();
            cluster.apply(&format!("{path}/{name}"), &object).await?;
        }
        let workload = Workload {
            deployment: !common.no_deployment,
        };
        let git = GitServer::start()?;
        let repository = git.repo("bench")?;
        let (path, text) = workload.file("first");
        repository.commit(&[(&path, &text)], "First")?;
        let weir = if peer.processes.is_empty() {
            PathBuf::new()
        } else {
            common.weir()?
        };
        let running = peer.start(&plane.kubeconfig(), &weir, &logs).await?;
        let [etcd, server, manager] = plane.process_ids();
        let plane_processes = [
            ("kube-apiserver", server),
            ("etcd", etcd),
            ("kube-controller-manager", manager),
        ];
        let watched = plane_processes.map(|(name, id)| Watched {
            name: name.to_owned(),
            id,
        });
        let audit = common.audit.then(|| plane.audit_log());
        let counter = Counter::new(cluster.client(), audit);
        Ok(Self {
            kustomizations: Level::start(Api::namespaced(cluster.client(), NAMESPACE)),
            sources: Level::start(Api::namespaced(cluster.client(), NAMESPACE)),
            meter: Meter::new(running.watched(), watched.into(), counter),
            cluster,
            repository,
            workload,
            limit: common.limit(),
            item_timeout: common.item_timeout.clone(),
            running,
            _git: git,
            _plane: plane,
        })
    }

    /// Makes a GitRepository of the bench's repository.
    pub(super) async fn create_source(&self, name: &str) -> Result<()> {
        let object = workload::git_repository(name, self.repository.url());
        self.cluster
            .apply(&cluster::git_repository(name), &object)
            .await
    }

    /// Makes a Kustomization.
    pub(super) async fn create_item(&self, name: &str, source: &str) -> Result<()> {
        let object = workload::kustomization(name, source, &self.item_timeout);
        self.cluster
            .apply(&cluster::kustomization(name), &object)
            .await
    }

    /// Commits this value of the label and returns the commit.
    pub(super) fn push(&self, label: &str) -> Result<String> {
        let (path, text) = self.workload.file(label);
        self.repository.commit(&[(&path, &text)], label)
    }

    /// The path of the `index`th kind's objects.
    pub(super) fn collection(&self, index: usize) -> String {
        let (_, version, plural) = self.workload.kinds()[index];
        cluster::collection(version, plural)
    }

    /// Checks that there are four objects for each of `items`, all with this label and this value.
    ///
    /// # Errors
    /// If not; the peer has said Ready too early, or not done the work.
    pub(super) async fn check(&self, items: usize, label: &str, cpu: &str) -> Result<()> {
        let label = format!("{LABEL}={label}");
        for index in 0..OBJECTS {
            let found = self
                .cluster
                .count(&self.collection(index), Some(&label))
                .await?;
            let kind = self.workload.kinds()[index].0;
            ensure!(found == items, "{found} of {items} {kind}s have {label}");
        }
        let path = self.workload.cpu_path();
        let thirds = self.cluster.list(&self.collection(2)).await?;
        let right = |it: &&serde_json::Value| it.pointer(path).is_some_and(|it| it == cpu);
        let found = thirds.iter().filter(right).count();
        ensure!(found == items, "{found} of {items} have the value {cpu}");
        Ok(())
    }

    /// Waits until no object of any item is left.
    ///
    /// # Errors
    /// If some stay.
    pub(super) async fn check_gone(&self) -> Result<()> {
        eventually(GONE_WITHIN, "no objects", async || {
            for index in 0..OBJECTS {
                let left = self
                    .cluster
                    .count(&self.collection(index), Some(LABEL))
                    .await?;
                let kind = self.workload.kinds()[index].0;
                ensure!(left == 0, "{left} {kind}s are left");
            }
            Ok(())
        })
        .await
    }

    /// What the peer's programs say, for a failure.
    pub(super) fn logs(&mut self) -> String {
        self.running.logs()
    }

    /// The memory of the peer's programs once they are idle, in MiB.
    pub(super) async fn resident(&self) -> BTreeMap<String, f64> {
        self.meter.idle().await;
        self.meter.resident().into_iter().collect()
    }
}

/// Whether the object is Ready at its present generation.
pub(super) fn is_ready<K: Reconcilable>(object: &K, observed: Option<i64>) -> bool {
    let generation = object.meta().generation;
    let ready = find_condition(object.conditions(), "Ready");
    observed == generation
        && ready.is_some_and(|it| {
            it.is_true()
                && (it.observed_generation.is_none() || it.observed_generation == generation)
        })
}

/// Whether a Kustomization is Ready.
pub(super) fn applied(item: &Kustomization) -> bool {
    let observed = item.status().and_then(|it| it.observed_generation);
    is_ready(item, observed)
}

/// Whether a Kustomization is Ready with this commit.
pub(super) fn applied_at(item: &Kustomization, commit: &str) -> bool {
    let has =
        |it: &<Kustomization as Reconcilable>::Status| it.last_applied_revision.contains(commit);
    applied(item) && item.status().is_some_and(has)
}

/// Whether a GitRepository is Ready with this commit.
pub(super) fn fetched_at(source: &GitRepository, commit: &str) -> bool {
    let status = source.status();
    let artifact = status.and_then(|it| it.artifact.as_ref());
    is_ready(source, status.and_then(|it| it.observed_generation))
        && artifact.is_some_and(|it| it.revision.contains(commit))
}

/// The condition that says why something did not come.
pub(super) fn describe<K: Reconcilable>(object: &K) -> String {
    let generation = object.meta().generation.unwrap_or_default();
    match find_condition(object.conditions(), "Ready") {
        Some(ready) => format!(
            "{} at generation {generation}: Ready={} {} {}",
            object.name_any(),
            ready.status,
            ready.reason,
            ready.message
        ),
        None => format!("{}: no Ready condition", object.name_any()),
    }
}

async fn start_plane(common: &Common, logs: &Path) -> Result<ControlPlane> {
    let binaries = harness::binaries::find()?;
    let plane = ControlPlane::start_with(binaries, logs, &common.control_plane()).await?;
    plane.install_crds().await.context("no CRDs")?;
    Ok(plane)
}
