//! `bench mttp`: many items at once, in phases.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use clap::{Args, ValueEnum};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Service};
use kube::{Api, ResourceExt as _};
use serde_json::json;
use weir_api::Reconcilable as _;

use super::cluster::{self, load};
use super::level::Level;
use super::meter::Times;
use super::peer::Peer;
use super::report::{Record, Report};
use super::stage::{self, Stage};
use super::workload::{self, CPU, NAMESPACE};
use super::{Common, FLOOR, Source, failing, floor};

/// The name of the GitRepository that all share.
const SHARED: &str = "shared";
/// What is written into a Deployment by hand.
const DRIFTED_CPU: &str = "7m";

/// What `bench mttp` takes.
#[derive(Args, Clone, Debug)]
pub(super) struct Options {
    #[command(flatten)]
    pub(super) common: Common,
    /// How many items.
    #[arg(long, default_value_t = 100)]
    pub(super) n: usize,
    /// Whether all share one GitRepository or have one each.
    #[arg(long, value_enum, default_value_t = Source::One)]
    source: Source,
    /// What to measure, in this order; the first must be the installation.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Phases::ALL)]
    pub(super) phases: Vec<Phases>,
    /// How many items drift; of each a Service is deleted and a Deployment edited.
    #[arg(long, default_value_t = 20)]
    drift_items: usize,
    /// `spec.interval` of those that drift, for peers that look only then.
    #[arg(long, value_name = "DURATION", default_value = "60s")]
    drift_interval: String,
    /// Seconds within which what drifted must be back.
    #[arg(long, value_name = "SECONDS", default_value_t = 150)]
    drift_limit: u64,
    /// Fill another namespace with so many Kustomizations that fail again and again.
    #[arg(long, value_name = "N", default_value_t = 0)]
    failing: usize,
    /// `spec.retryInterval` of those that fail.
    #[arg(long, value_name = "DURATION", default_value = "30s")]
    failing_retry: String,
}

/// A phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Phases {
    /// All items are created, until all are Ready.
    Install,
    /// All are asked to look again, until all have.
    Resync,
    /// A commit changes a label of every object, until all are applied.
    Push,
    /// Each item's spec changes, and with it one of its objects.
    Upgrade,
    /// Objects are deleted and edited by hand, until they are back.
    Drift,
    /// All are deleted, until all are gone.
    Delete,
}

impl Phases {
    const ALL: [Self; 6] = [
        Self::Install,
        Self::Resync,
        Self::Push,
        Self::Upgrade,
        Self::Drift,
        Self::Delete,
    ];
}

/// A peer's run: what is there, and what it looks like now.
struct Mttp<'a> {
    options: &'a Options,
    stage: Stage,
    names: Vec<String>,
    sources: Vec<String>,
    label: &'static str,
    cpu: &'static str,
}

/// Runs all phases for one peer. What fails is said in the report.
pub(super) async fn run(options: &Options, peer: &Peer, report: &mut Report) {
    let source = match options.source {
        Source::One => "one GitRepository",
        Source::Each => "a GitRepository each",
    };
    let mut work = format!("{} items from {source}", options.n);
    if options.failing > 0 {
        let retry = &options.failing_retry;
        work += &format!(", beside {} that fail every {retry}", options.failing);
    }
    let mut record = Record::new(peer, &work);
    let result = if peer.name == FLOOR {
        floor::run(options, peer, &mut record).await
    } else {
        perform(options, peer, &mut record).await
    };
    record.end(result);
    report.add(record);
}

async fn perform(options: &Options, peer: &Peer, record: &mut Record) -> Result<()> {
    ensure!(
        options.phases.first() == Some(&Phases::Install),
        "the first phase must be install"
    );
    let names = workload::names(options.n);
    let sources = match options.source {
        Source::One => vec![SHARED.to_owned()],
        Source::Each => names.clone(),
    };
    let mut run = Mttp {
        options,
        stage: Stage::start(&options.common, peer).await?,
        names,
        sources,
        label: "first",
        cpu: CPU[0],
    };
    record.idle_mib = run.stage.resident().await;
    if options.failing > 0 {
        failing::surround(&run.stage, options.failing, &options.failing_retry).await?;
    }
    for phase in &options.phases {
        if let Err(error) = run.phase(*phase, record).await {
            return Err(error.context(run.stage.logs()));
        }
    }
    Ok(())
}

impl Mttp<'_> {
    async fn phase(&mut self, phase: Phases, record: &mut Record) -> Result<()> {
        let stage = &self.stage;
        let measured = match phase {
            Phases::Install => stage.meter.measure("install", self.install()).await?,
            Phases::Resync => stage.meter.measure("resync", self.resync()).await?,
            Phases::Push => {
                self.label = "second";
                let commit = stage.push(self.label)?;
                stage.meter.measure("push", self.push(commit)).await?
            }
            Phases::Upgrade => {
                self.cpu = CPU[1];
                stage.meter.measure("upgrade", self.upgrade()).await?
            }
            Phases::Drift => return self.drift(record).await,
            Phases::Delete => stage.meter.measure("delete", self.delete()).await?,
        };
        record.phase(measured);
        match phase {
            Phases::Delete => self.stage.check_gone().await,
            _ => self.check().await,
        }?;
        if phase == Phases::Install {
            record.loaded_mib = self.stage.resident().await;
        }
        Ok(())
    }

    async fn check(&self) -> Result<()> {
        let items = self.names.len();
        self.stage.check(items, self.label, self.cpu).await
    }

    async fn install(&self) -> Result<Times> {
        let stage = &self.stage;
        let commit = stage.repository.resolve("main")?;
        stage.kustomizations.expect(self.names.clone(), {
            let commit = commit.clone();
            move |_, item| item.is_some_and(|it| stage::applied_at(it, &commit))
        });
        stage
            .sources
            .expect(self.sources.clone(), move |_, source| {
                source.is_some_and(|it| stage::fetched_at(it, &commit))
            });
        let begin = Instant::now();
        let each = self.options.source == Source::Each;
        if !each {
            stage.create_source(SHARED).await?;
        }
        let load = load(&self.names, async |name| {
            if each {
                stage.create_source(name).await?;
            }
            let source = if each { name } else { SHARED };
            stage.create_item(name, source).await
        });
        let load = load.await?;
        let accepted = begin.elapsed();
        let fetched = stage.sources.reached(stage.limit, stage::describe).await?;
        let came = stage.kustomizations.reached(stage.limit, stage::describe);
        let times = Times::between(begin, &load.began, &came.await?);
        let fetched = Times::between(begin, &BTreeMap::new(), &fetched);
        Ok(times
            .and("created_seconds", accepted.as_secs_f64())
            .and("sources_seconds", fetched.clock.as_secs_f64()))
    }

    async fn resync(&self) -> Result<Times> {
        let stage = &self.stage;
        let token = "resync";
        stage
            .kustomizations
            .expect(self.names.clone(), move |_, item| {
                let handled = |it: &weir_api::kustomize::v1::KustomizationStatus| {
                    it.last_handled_reconcile_at == token
                };
                item.is_some_and(|it| it.status().is_some_and(handled) && stage::applied(it))
            });
        self.change(async |name| {
            stage
                .cluster
                .request(&cluster::kustomization(name), token)
                .await
        })
        .await
    }

    async fn push(&self, commit: String) -> Result<Times> {
        let stage = &self.stage;
        stage.kustomizations.expect(self.names.clone(), {
            let commit = commit.clone();
            move |_, item| item.is_some_and(|it| stage::applied_at(it, &commit))
        });
        stage.sources.expect(self.sources.clone(), {
            let commit = commit.clone();
            move |_, source| source.is_some_and(|it| stage::fetched_at(it, &commit))
        });
        let begin = Instant::now();
        let load = load(&self.sources, async |name| {
            let path = cluster::git_repository(name);
            stage.cluster.request(&path, &commit).await
        });
        load.await?;
        let fetched = stage.sources.reached(stage.limit, stage::describe).await?;
        let came = stage.kustomizations.reached(stage.limit, stage::describe);
        let times = Times::between(begin, &BTreeMap::new(), &came.await?);
        let fetched = Times::between(begin, &BTreeMap::new(), &fetched);
        Ok(times.and("sources_seconds", fetched.clock.as_secs_f64()))
    }

    async fn upgrade(&self) -> Result<Times> {
        let stage = &self.stage;
        stage.kustomizations.expect(self.names.clone(), |_, item| {
            item.is_some_and(|it| {
                let variables = it.spec.post_build.as_ref().map(|it| &it.substitute);
                let asked = variables.and_then(|it| it.get("MCPU"));
                asked.is_some_and(|it| it == CPU[1]) && stage::applied(it)
            })
        });
        let patch = json!({"spec": {"postBuild": {"substitute": {"MCPU": CPU[1]}}}});
        self.change(async |name| {
            stage
                .cluster
                .merge(&cluster::kustomization(name), &patch)
                .await
        })
        .await
    }

    async fn delete(&self) -> Result<Times> {
        let stage = &self.stage;
        let gone = |_: &str, item: Option<&_>| item.is_none();
        stage.kustomizations.expect(self.names.clone(), gone);
        let begin = Instant::now();
        let times = self
            .change(async |name| stage.cluster.delete(&cluster::kustomization(name)).await)
            .await?;
        let sources = self.sources.clone();
        stage.sources.expect(sources, |_, source| source.is_none());
        load(&self.sources, async |name| {
            stage.cluster.delete(&cluster::git_repository(name)).await
        })
        .await?;
        stage.sources.reached(stage.limit, stage::describe).await?;
        Ok(times.and("with_sources_seconds", begin.elapsed().as_secs_f64()))
    }

    /// Changes every Kustomization and waits until all have reached what is expected of them.
    async fn change(&self, each: impl AsyncFn(&str) -> Result<()>) -> Result<Times> {
        let begin = Instant::now();
        let load = load(&self.names, each).await?;
        let limit = self.stage.limit;
        let came = self.stage.kustomizations.reached(limit, stage::describe);
        Ok(Times::between(begin, &load.began, &came.await?))
    }

    async fn drift(&mut self, record: &mut Record) -> Result<()> {
        let count = self.options.drift_items.min(self.names.len());
        let names: Vec<String> = self.names.iter().take(count).cloned().collect();
        self.intervals(&names, &self.options.drift_interval).await?;
        let stage = &self.stage;
        let measured = match stage.workload.deployment {
            true => {
                let edited: Level<Deployment> =
                    Level::start(Api::namespaced(stage.cluster.client(), NAMESPACE));
                stage
                    .meter
                    .measure("drift", self.heal(&names, edited))
                    .await
            }
            false => {
                let edited: Level<ConfigMap> =
                    Level::start(Api::namespaced(stage.cluster.client(), NAMESPACE));
                stage
                    .meter
                    .measure("drift", self.heal(&names, edited))
                    .await
            }
        }?;
        let all = measured.items == 2 * count;
        record.phase(measured);
        self.intervals(&names, "60m").await?;
        if all { self.check().await } else { Ok(()) }
    }

    /// Gives these items another interval, and waits until that is dealt with.
    async fn intervals(&self, names: &[String], interval: &str) -> Result<()> {
        let stage = &self.stage;
        let wanted = interval.to_owned();
        stage.kustomizations.expect(names.to_vec(), move |_, item| {
            item.is_some_and(|it| it.spec.interval.to_string() == wanted && stage::applied(it))
        });
        let patch = json!({"spec": {"interval": interval}});
        load(names, async |name| {
            stage
                .cluster
                .merge(&cluster::kustomization(name), &patch)
                .await
        })
        .await?;
        stage
            .kustomizations
            .reached(stage.limit, stage::describe)
            .await?;
        stage.meter.idle().await;
        Ok(())
    }

    /// Deletes a Service and edits the third object of each, and waits until all are back.
    async fn heal<K>(&self, names: &[String], edited: Level<K>) -> Result<Times>
    where
        K: kube::Resource<DynamicType = ()> + Clone + std::fmt::Debug + Send + 'static,
        K: serde::de::DeserializeOwned + serde::Serialize,
    {
        let stage = &self.stage;
        let limit = Duration::from_secs(self.options.drift_limit);
        let services: Level<Service> =
            Level::start(Api::namespaced(stage.cluster.client(), NAMESPACE));
        services.expect(names.to_vec(), |_, it| it.is_some());
        services.reached(limit, |it| it.name_any()).await?;
        let mut before = BTreeMap::new();
        for name in names {
            before.insert(name.clone(), services.read(name, |it| it.uid())?);
        }
        services.expect(names.to_vec(), move |name, it| {
            it.is_some_and(|it| it.uid() != before[name])
        });
        edited.expect(names.to_vec(), self.corrected());
        let begin = Instant::now();
        let began = load(names, async |name| {
            let service = format!("{}/{name}", stage.collection(1));
            let third = format!("{}/{name}", stage.collection(2));
            stage.cluster.delete(&service).await?;
            let path = stage.workload.cpu_path();
            stage.cluster.replace(&third, path, DRIFTED_CPU).await
        });
        let began = began.await?.began;
        let (mut came, not_created) = services.seen(limit).await;
        let (corrected, not_corrected) = edited.seen(limit.saturating_sub(begin.elapsed())).await;
        let suffix = |(name, at): (String, Instant)| (format!("{name}/edited"), at);
        let mut all = began.clone();
        all.extend(began.into_iter().map(suffix));
        came.extend(corrected.into_iter().map(suffix));
        Ok(Times::between(begin, &all, &came)
            .and("deleted_not_back", not_created.len() as f64)
            .and("edited_not_back", not_corrected.len() as f64))
    }

    /// Whether an object has been seen with the value of the drift, and then with the right one.
    fn corrected<K: serde::Serialize>(&self) -> impl Fn(&str, Option<&K>) -> bool + Send + 'static {
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
