//! `bench mttp`: many items at once, in phases.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use clap::{Args, ValueEnum};
use serde_json::json;
use weir_api::Reconcilable as _;

use super::cluster::{self, load};
use super::drift::Drift;
use super::meter::Times;
use super::peer::Peer;
use super::report::{Record, Report};
use super::stage::{self, Stage};
use super::workload::{self, CPU};
use super::{Common, FLOOR, Source, floor, neighbours};

/// The name of the GitRepository that all share.
const SHARED: &str = "shared";

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
    /// How many items drift; of each a Service is deleted, and then a Deployment edited.
    #[arg(long, default_value_t = 20)]
    drift_items: usize,
    /// `spec.interval` of those that drift, for peers that look only then.
    #[arg(long, value_name = "DURATION", default_value = "60s")]
    drift_interval: String,
    /// Seconds within which what drifted must be back.
    #[arg(long, value_name = "SECONDS", default_value_t = 150)]
    drift_limit: u64,
    /// Who fills another namespace meanwhile; each is a run of its own, compared with the first.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Neighbours::Nobody])]
    beside: Vec<Neighbours>,
    /// How many Kustomizations fail beside.
    #[arg(long, value_name = "N", default_value_t = 1000)]
    failing: usize,
    /// `spec.retryInterval` of neighbours.
    #[arg(long, value_name = "DURATION", default_value = "30s")]
    retry: String,
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

/// Who fills another namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Neighbours {
    /// No one.
    Nobody,
    /// Many Kustomizations that fail again and again.
    Failing,
    /// One Kustomization whose build takes seconds, again and again.
    Slow,
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
    let work = format!("{} items from {source}", options.n);
    if peer.name == FLOOR {
        let mut record = Record::new(peer, &work);
        let result = floor::run(options, peer, &mut record).await;
        record.end(result);
        return report.add(record);
    }
    for neighbours in &options.beside {
        let retry = &options.retry;
        let beside = match neighbours {
            Neighbours::Nobody => String::new(),
            Neighbours::Failing => format!(", beside {} that fail every {retry}", options.failing),
            Neighbours::Slow => format!(", beside a slow build every {retry}"),
        };
        let mut record = Record::new(peer, &format!("{work}{beside}"));
        let result = perform(options, peer, *neighbours, &mut record).await;
        record.end(result);
        report.add(record);
    }
}

async fn perform(
    options: &Options,
    peer: &Peer,
    neighbours: Neighbours,
    record: &mut Record,
) -> Result<()> {
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
    match neighbours {
        Neighbours::Nobody => {}
        Neighbours::Failing => {
            neighbours::fail(&run.stage, options.failing, &options.retry).await?;
        }
        Neighbours::Slow => neighbours::build_slowly(&mut run.stage, &options.retry).await?,
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

    async fn drift(&self, record: &mut Record) -> Result<()> {
        let count = self.options.drift_items.min(self.names.len());
        let drift = Drift {
            stage: &self.stage,
            names: &self.names[..count],
            cpu: self.cpu,
            limit: Duration::from_secs(self.options.drift_limit),
        };
        let all = drift.measure(&self.options.drift_interval, record).await?;
        // Who has not come back cannot be right.
        if all { self.check().await } else { Ok(()) }
    }
}
