//! Objects deleted and edited by hand, and the time until they are as they should be.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::time::{Duration, Instant};

use anyhow::Result;
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Service};
use kube::{Api, Resource, ResourceExt as _};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::cluster::{self, load};
use super::level::Level;
use super::meter::Times;
use super::report::Record;
use super::stage::{self, Stage};
use super::workload::NAMESPACE;

/// What is written into a Deployment by hand.
const DRIFTED_CPU: &str = "7m";

/// Items that drift.
pub(super) struct Drift<'a> {
    pub(super) stage: &'a Stage,
    pub(super) names: &'a [String],
    /// The value that is right.
    pub(super) cpu: &'static str,
    /// How long it may take until all is right again.
    pub(super) limit: Duration,
}

impl Drift<'_> {
    /// Measures both ways to drift, with this interval for peers that look only then.
    /// Returns whether all came back.
    pub(super) async fn measure(&self, interval: &str, record: &mut Record) -> Result<bool> {
        self.intervals(interval).await?;
        let deleted = self.stage.meter.measure("drift: deleted", self.deleted());
        let deleted = deleted.await?;
        let edited = if self.stage.workload.deployment {
            let work = self.edited::<Deployment>();
            self.stage.meter.measure("drift: edited", work).await?
        } else {
            let work = self.edited::<ConfigMap>();
            self.stage.meter.measure("drift: edited", work).await?
        };
        let all = deleted.items == self.names.len() && edited.items == self.names.len();
        record.phase(deleted);
        record.phase(edited);
        self.intervals("60m").await?;
        Ok(all)
    }

    /// Gives the items another interval, and waits until that is dealt with.
    async fn intervals(&self, interval: &str) -> Result<()> {
        let stage = self.stage;
        let wanted = interval.to_owned();
        stage
            .kustomizations
            .expect(self.names.to_vec(), move |_, item| {
                item.is_some_and(|it| it.spec.interval.to_string() == wanted && stage::applied(it))
            });
        let patch = json!({"spec": {"interval": interval}});
        load(self.names, async |name| {
            stage
                .cluster
                .merge(&cluster::kustomization(name), &patch)
                .await
        })
        .await?;
        let handled = stage.kustomizations.reached(stage.limit, stage::describe);
        handled.await?;
        stage.meter.idle().await;
        Ok(())
    }

    /// Deletes the Service of each item, and waits until there is another.
    async fn deleted(&self) -> Result<Times> {
        let services = self.watch::<Service>().await?;
        let mut before = BTreeMap::new();
        for name in self.names {
            before.insert(name.clone(), services.read(name, |it| it.uid())?);
        }
        services.expect(self.names.to_vec(), move |name, it| {
            it.is_some_and(|it| it.uid() != before[name])
        });
        self.seen(&services, async |name| {
            let path = format!("{}/{name}", self.stage.collection(1));
            self.stage.cluster.delete(&path).await
        })
        .await
    }

    /// Edits the third object of each item, and waits until the edit is undone.
    async fn edited<K>(&self) -> Result<Times>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
        K: Clone + Debug + Send + DeserializeOwned + Serialize + 'static,
    {
        let edited = self.watch::<K>().await?;
        edited.expect(self.names.to_vec(), self.corrected());
        self.seen(&edited, async |name| {
            let path = format!("{}/{name}", self.stage.collection(2));
            let field = self.stage.workload.cpu_path();
            self.stage.cluster.replace(&path, field, DRIFTED_CPU).await
        })
        .await
    }

    /// A watch that has seen every item's object: one that begins after a change would miss it.
    async fn watch<K>(&self) -> Result<Level<K>>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
        K: Clone + Debug + Send + DeserializeOwned + 'static,
    {
        let level: Level<K> = Level::start(Api::namespaced(self.stage.cluster.client(), NAMESPACE));
        level.expect(self.names.to_vec(), |_, it| it.is_some());
        let there = level.reached(self.stage.limit, |it| it.name_any());
        there.await?;
        Ok(level)
    }

    /// Does it to each item, and waits for what is expected of them.
    async fn seen<K>(
        &self,
        level: &Level<K>,
        each: impl AsyncFn(&str) -> Result<()>,
    ) -> Result<Times>
    where
        K: Resource<DynamicType = ()> + Clone + Debug + Send + DeserializeOwned + 'static,
    {
        let begin = Instant::now();
        let load = load(self.names, each).await?;
        let (came, missing) = level.seen(self.limit).await;
        Ok(Times::between(begin, &load.began, &came).and("not_back", missing.len() as f64))
    }

    /// Whether an object has been seen with the value of the edit, and then with the right one.
    fn corrected<K: Serialize>(&self) -> impl Fn(&str, Option<&K>) -> bool + Send + 'static {
        let (path, cpu) = (self.stage.workload.cpu_path(), self.cpu);
        let drifted: RefCell<BTreeSet<String>> = RefCell::default();
        move |name, object| {
            let value = object.map(|it| serde_json::to_value(it).unwrap_or_default());
            let value = value.as_ref().and_then(|it| it.pointer(path)?.as_str());
            if value == Some(DRIFTED_CPU) {
                drifted.borrow_mut().insert(name.to_owned());
            }
            value == Some(cpu) && drifted.borrow().contains(name)
        }
    }
}
