//! The floor: what the controllers must write at least, written by a plain client.

use std::collections::BTreeMap;
use std::time::Instant;

use anyhow::Result;
use k8s_openapi::api::apps::v1::Deployment;
use kube::{Api, ResourceExt as _};
use serde_json::{Value, json};

use super::cluster::{self, Load, load};
use super::level::Level;
use super::meter::Times;
use super::mttp::{Options, Phases};
use super::peer::Peer;
use super::report::Record;
use super::stage::Stage;
use super::workload::{self, CPU, NAMESPACE, OBJECTS};

/// A client in the place of the controllers.
struct Floor<'a> {
    stage: &'a Stage,
    names: Vec<String>,
}

/// The same phases without controllers. There is nothing that drifts.
///
/// # Errors
/// If a request fails, or Deployments are not dealt with in time.
pub(super) async fn run(options: &Options, peer: &Peer, record: &mut Record) -> Result<()> {
    let stage = Stage::start(&options.common, peer).await?;
    let floor = Floor {
        stage: &stage,
        names: workload::names(options.n),
    };
    let deployments: Level<Deployment> =
        Level::start(Api::namespaced(stage.cluster.client(), NAMESPACE));
    for phase in &options.phases {
        let measured = match phase {
            Phases::Install => {
                let work = floor.install(&deployments);
                stage.meter.measure("install", work).await?
            }
            Phases::Resync => stage.meter.measure("resync", floor.resync()).await?,
            Phases::Push => stage.meter.measure("push", floor.push()).await?,
            Phases::Upgrade => stage.meter.measure("upgrade", floor.upgrade()).await?,
            Phases::Drift => continue,
            Phases::Delete => stage.meter.measure("delete", floor.delete()).await?,
        };
        record.phase(measured);
    }
    Ok(())
}

impl Floor<'_> {
    /// Creates each Kustomization, its four objects, and writes its status once.
    async fn install(&self, deployments: &Level<Deployment>) -> Result<Times> {
        let current = |_: &str, it: Option<&Deployment>| {
            let observed = it.and_then(|it| it.status.as_ref()?.observed_generation);
            it.is_some_and(|it| it.metadata.generation == observed)
        };
        let wanted = if self.stage.workload.deployment {
            self.names.clone()
        } else {
            Vec::new()
        };
        deployments.expect(wanted, current);
        let begin = Instant::now();
        let written = load(&self.names, async |name| {
            self.stage.create_item(name, "shared").await?;
            self.apply(name, "first", CPU[0], 0..OBJECTS).await?;
            self.status(name, "install").await
        });
        let written = written.await?;
        let times = written.times(begin);
        let current = deployments.reached(self.stage.limit, |it| it.name_any());
        let current = Times::between(begin, &BTreeMap::new(), &current.await?);
        Ok(times.and("deployments_current_seconds", current.clock.as_secs_f64()))
    }

    /// Asks for each to be looked at, and writes its status once.
    async fn resync(&self) -> Result<Times> {
        self.each(async |name| {
            let path = cluster::kustomization(name);
            self.stage.cluster.request(&path, "resync").await?;
            self.status(name, "resync").await
        })
        .await
    }

    async fn push(&self) -> Result<Times> {
        self.each(async |name| {
            self.apply(name, "second", CPU[0], 0..OBJECTS).await?;
            self.status(name, "push").await
        })
        .await
    }

    async fn upgrade(&self) -> Result<Times> {
        let patch = json!({"spec": {"postBuild": {"substitute": {"MCPU": CPU[1]}}}});
        self.each(async |name| {
            let path = cluster::kustomization(name);
            self.stage.cluster.merge(&path, &patch).await?;
            self.apply(name, "second", CPU[1], 2..3).await?;
            self.status(name, "upgrade").await
        })
        .await
    }

    async fn delete(&self) -> Result<Times> {
        self.each(async |name| {
            let cluster = &self.stage.cluster;
            cluster.delete(&cluster::kustomization(name)).await?;
            for index in 0..OBJECTS {
                let path = format!("{}/{name}", self.stage.collection(index));
                cluster.delete(&path).await?;
            }
            Ok(())
        })
        .await
    }

    async fn each(&self, each: impl AsyncFn(&str) -> Result<()>) -> Result<Times> {
        let begin = Instant::now();
        Ok(load(&self.names, each).await?.times(begin))
    }

    async fn apply(
        &self,
        name: &str,
        label: &str,
        cpu: &str,
        which: std::ops::Range<usize>,
    ) -> Result<()> {
        let objects = self.stage.workload.objects(name, label, cpu);
        for (index, object) in objects.iter().enumerate() {
            if which.contains(&index) {
                let path = format!("{}/{name}", self.stage.collection(index));
                self.stage.cluster.apply(&path, object).await?;
            }
        }
        Ok(())
    }

    /// A status of the size that a controller writes.
    async fn status(&self, name: &str, message: &str) -> Result<()> {
        let kinds = self.stage.workload.kinds();
        let entry = |(kind, version, _): &workload::Applied| {
            let (group, version) = version.split_once('/').unwrap_or(("", version));
            json!({"id": format!("{NAMESPACE}_{name}_{group}_{kind}"), "v": version})
        };
        let entries: Vec<Value> = kinds.iter().map(entry).collect();
        let ready = json!({
            "type": "Ready", "status": "True", "reason": "ReconciliationSucceeded", "message": message,
            "lastTransitionTime": "2026-01-01T00:00:00Z", "observedGeneration": 1,
        });
        let status = json!({
            "conditions": [ready], "inventory": {"entries": entries}, "observedGeneration": 1,
            "lastAppliedRevision": message, "lastAttemptedRevision": message,
        });
        let path = format!("{}/status", cluster::kustomization(name));
        let patch = json!({"status": status});
        self.stage.cluster.merge(&path, &patch).await
    }
}

impl Load {
    /// The times of items that were there when their last request was answered.
    fn times(self, begin: Instant) -> Times {
        Times {
            clock: begin.elapsed(),
            items: self.took,
            also: Vec::new(),
        }
    }
}
