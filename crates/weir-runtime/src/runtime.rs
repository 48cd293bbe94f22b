//! Running kinds: one [`Host`] per process, one [`Runtime`] per controller.
//!
//! ```no_run
//! # async fn run<K: weir_runtime::kind::Kind>(
//! #     kind: K,
//! #     flags: weir_runtime::flags::CommonFlags,
//! # ) -> Result<(), weir_runtime::runtime::RuntimeError> {
//! use tokio_util::sync::CancellationToken;
//! use weir_runtime::runtime::{Host, Runtime, RuntimeOptions, stop_signal};
//! use weir_runtime::triggers::Triggers;
//!
//! let host = Host::start("kustomize-controller", &flags).await?;
//! let stop = CancellationToken::new();
//! stop_signal(stop.clone());
//! host.serve(&flags, &stop).await?;
//! let options = RuntimeOptions::new(K::CONTROLLER, &flags, 4);
//! Runtime::new(&host, options)?.kind(kind, Triggers::new()).run(stop).await
//! # }
//! ```

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use kube::Config;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use thiserror::Error;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::client::ClientError;
use crate::event::{Recorder, RecorderOptions, StartError};
use crate::flags::{CommonFlags, runtime_namespace};
use crate::hub::Hub;
use crate::kind::Kind;
use crate::lease::{Election, ElectionError, Elector, Leadership, lease_name};
use crate::metrics::Metrics;
use crate::probes::{self, ServeError};
use crate::queue::Backoff;
use crate::shell::{self, Env, kind_name};
use crate::status::Target;
use crate::triggers::{Enqueue, Triggers};
use crate::work::WorkQueue;

/// How long running passes may take to end when the process stops.
const GRACE: Duration = Duration::from_secs(30);
/// How long queued events may take to get out when the process stops.
const FLUSH: Duration = Duration::from_secs(10);
/// How long the first pass waits for the watches that it reads from. A kind that does not exist holds up
/// nobody for longer.
const SYNC: Duration = Duration::from_secs(10);
/// How often figures about running passes are refreshed.
const OBSERVE: Duration = Duration::from_secs(5);

/// Why a controller cannot run, or ended.
#[derive(Debug, Error)]
pub enum RuntimeError {
    /// There is no cluster to talk to.
    #[error("unable to reach a cluster")]
    Client(#[from] ClientError),
    /// The metrics or health address cannot be served.
    #[error("unable to serve metrics or probes")]
    Serve(#[from] ServeError),
    /// The events address is unusable.
    #[error("unable to create event recorder")]
    Events(#[from] StartError),
    /// Leader election cannot start.
    #[error("unable to elect a leader")]
    Election(#[from] ElectionError),
    /// Another process leads now.
    #[error("leader election lost")]
    LeadershipLost,
    /// A loop of the shell ended by itself: a fault of ours, better ended than half alive.
    #[error("a kind's loop has ended unexpectedly")]
    KindEnded,
}

/// What all controllers of a process share: the cluster, its watches, the metrics. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Host {
    config: Config,
    hub: Hub,
    metrics: Metrics,
    instance: String,
}

impl Host {
    /// Connects to the cluster that `KUBECONFIG` or the service account names; starts logging, and lets the process
    /// open as many files as it may.
    ///
    /// # Errors
    /// If there is none, or its credentials cannot be used.
    pub async fn start(user_agent: &str, flags: &CommonFlags) -> Result<Self, RuntimeError> {
        crate::log::init(flags.log_level, flags.log_encoding);
        open_as_many_files_as_allowed();
        let config = crate::client::find_cluster().await?;
        Self::with_config(config, user_agent, flags)
    }

    /// The same for a given cluster, without touching the log.
    ///
    /// # Errors
    /// If the credentials cannot be used.
    pub fn with_config(
        config: Config,
        user_agent: &str,
        flags: &CommonFlags,
    ) -> Result<Self, RuntimeError> {
        let metrics = Metrics::new();
        let client = crate::client::build(config.clone(), user_agent, &metrics)?;
        let hub = Hub::relisting(
            client,
            flags.watch_namespace(),
            metrics.clone(),
            flags.watch_relist_interval,
        );
        Ok(Self {
            config,
            hub,
            metrics,
            instance: instance(),
        })
    }

    /// Serves metrics and probes until `stop`.
    ///
    /// # Errors
    /// If an address cannot be read or is taken.
    pub async fn serve(
        &self,
        flags: &CommonFlags,
        stop: &CancellationToken,
    ) -> Result<(), RuntimeError> {
        if let Some(listener) = probes::listen(&flags.metrics_addr).await? {
            tokio::spawn(probes::serve_metrics(
                listener,
                self.metrics.clone(),
                stop.clone(),
            ));
        }
        if let Some(listener) = probes::listen(&flags.health_addr).await? {
            tokio::spawn(probes::serve_health(
                listener,
                self.hub.clone(),
                stop.clone(),
            ));
        }
        Ok(())
    }

    /// The controller's own client.
    pub fn client(&self) -> &kube::Client {
        self.hub.client()
    }

    /// The configuration behind [`Self::client`], e.g. to impersonate.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The watches of the cluster.
    pub fn hub(&self) -> &Hub {
        &self.hub
    }

    /// The process' metrics.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// The name of the pod.
    pub fn instance(&self) -> &str {
        &self.instance
    }
}

/// How a controller runs.
#[derive(Debug, Clone)]
pub struct RuntimeOptions {
    /// The controller's upstream name.
    pub controller: &'static str,
    /// How many passes of a kind run at a time for any one namespace; parked ones do not count. One more runs for
    /// the others.
    pub concurrent: usize,
    /// The bounds of the back-off after failures.
    pub backoff: Backoff,
    /// By how many percent intervals are spread.
    pub jitter_percent: u8,
    /// The labels of the objects to work on; empty is all of them.
    pub label_selector: String,
    /// The events receiver; empty is none.
    pub events_addr: String,
    /// How the leader is elected; `None` runs at once.
    pub election: Option<Election>,
    /// How long running passes may take to end when the process stops.
    pub grace: Duration,
}

impl RuntimeOptions {
    /// The options that the flags ask for.
    pub fn new(controller: &'static str, flags: &CommonFlags, concurrent: usize) -> Self {
        let election = &flags.leader_election;
        let election = election.enable.then(|| Election {
            namespace: runtime_namespace(),
            name: lease_name(controller, &flags.watch_label_selector),
            identity: format!("{}_{}", instance(), uuid::Uuid::new_v4()),
            lease_duration: election.lease_duration,
            renew_deadline: election.renew_deadline,
            retry_period: election.retry_period,
            release_on_cancel: election.release_on_cancel,
        });
        Self {
            controller,
            concurrent: flags.concurrent.unwrap_or(concurrent),
            backoff: flags.backoff(),
            jitter_percent: flags.interval_jitter_percentage,
            label_selector: flags.watch_label_selector.clone(),
            events_addr: flags.events_addr.clone(),
            election,
            grace: GRACE,
        }
    }
}

type Running = Pin<Box<dyn Future<Output = ()> + Send>>;

/// One controller with its kinds.
pub struct Runtime {
    host: Host,
    options: RuntimeOptions,
    recorder: Recorder,
    elector: Option<Elector>,
    leadership: Leadership,
    /// Cancelled when no more work is taken.
    stopping: CancellationToken,
    passes: TaskTracker,
    kinds: Vec<Running>,
}

impl std::fmt::Debug for Runtime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Runtime")
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

impl Runtime {
    /// A controller without kinds; competes for its lease from now on.
    ///
    /// # Errors
    /// If the events address or the durations of the election make no sense.
    pub fn new(host: &Host, options: RuntimeOptions) -> Result<Self, RuntimeError> {
        let recorder = RecorderOptions {
            controller: options.controller,
            events_addr: options.events_addr.clone(),
            instance: host.instance.clone(),
        };
        let recorder = Recorder::start(recorder, host.client().clone(), host.metrics.clone())?;
        let elect = |election| Elector::start(election, host.config.clone(), host.metrics.clone());
        let elector = options.election.clone().map(elect).transpose()?;
        let leadership = elector
            .as_ref()
            .map_or_else(Leadership::always, Elector::leadership);
        Ok(Self {
            host: host.clone(),
            options,
            recorder,
            elector,
            leadership,
            stopping: CancellationToken::new(),
            passes: TaskTracker::new(),
            kinds: Vec::new(),
        })
    }

    /// Whether this process leads; always, without an election.
    pub fn leadership(&self) -> &Leadership {
        &self.leadership
    }

    /// The controller's event recorder, for events outside of passes.
    pub fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    /// Adds a kind, with what wakes it besides its own objects.
    #[must_use]
    pub fn kind<K: Kind>(mut self, kind: K, triggers: Triggers<K::Object>) -> Self {
        let hub = self.host.hub.clone();
        let name = kind_name::<K>().to_lowercase();
        let metrics = self.host.metrics.clone();
        let queue = WorkQueue::new(
            name,
            self.options.concurrent,
            self.options.backoff,
            metrics.clone(),
        );
        let target = Target {
            client: hub.client().clone(),
            store: hub.store_matching(&self.options.label_selector),
            field_manager: K::FIELD_MANAGER,
            leadership: self.leadership.clone(),
        };
        let env = Env {
            kind,
            hub,
            target,
            recorder: self.recorder.clone(),
            leadership: self.leadership.clone(),
            metrics,
            queue: Arc::new(queue),
            jitter_percent: self.options.jitter_percent,
            stopping: self.stopping.clone(),
            seen: parking_lot::Mutex::default(),
        };
        self.kinds.push(Box::pin(run_kind(
            Arc::new(env),
            triggers,
            self.passes.clone(),
        )));
        self
    }

    /// Runs until `stop`, then ends in order: no new work, running passes to their end, events out, lease back.
    ///
    /// # Errors
    /// If the lease was lost: the process should end.
    pub async fn run(self, stop: CancellationToken) -> Result<(), RuntimeError> {
        let Self {
            options,
            recorder,
            elector,
            leadership,
            stopping,
            passes,
            kinds,
            ..
        } = self;
        let mut loops = JoinSet::new();
        let ended = tokio::select! {
            () = stop.cancelled() => Ok(()),
            () = leadership.lost() => Err(RuntimeError::LeadershipLost),
            () = async {
                leadership.acquired().await;
                kinds.into_iter().for_each(|kind| drop(loops.spawn(kind)));
                if loops.join_next().await.is_none() {
                    std::future::pending::<()>().await;
                }
            } => Err(RuntimeError::KindEnded),
        };
        tracing::info!(controller = options.controller, "stopping");
        stopping.cancel();
        loops.shutdown().await;
        passes.close();
        // Without the lease nothing may be written: there is nothing to wait for.
        let lost = matches!(ended, Err(RuntimeError::LeadershipLost));
        let grace = if lost { Duration::ZERO } else { options.grace };
        if tokio::time::timeout(grace, passes.wait()).await.is_err() && !lost {
            tracing::error!(
                controller = options.controller,
                "passes still ran at the end of the grace period"
            );
        }
        let undelivered = recorder.flush(FLUSH).await;
        if undelivered > 0 {
            tracing::error!(
                controller = options.controller,
                undelivered,
                "events were not delivered before the end"
            );
        }
        if let Some(elector) = elector {
            elector.stop().await;
        }
        ended
    }
}

/// Everything that runs for one kind; dropped to stop. Returns only if a part of it panics.
async fn run_kind<K: Kind>(env: Arc<Env<K>>, triggers: Triggers<K::Object>, passes: TaskTracker) {
    let name = env.queue.name().to_owned();
    tracing::info!(controller = name, "starting controller");
    let mut tasks = JoinSet::new();
    let syncs = triggers.syncs();
    let queue = Arc::clone(&env.queue);
    let enqueue: Enqueue = Arc::new(move |wake| queue.add(&wake));
    triggers
        .start(&enqueue, env.store())
        .into_iter()
        .for_each(|task| drop(tasks.spawn(task)));
    tasks.spawn(watch_objects(Arc::clone(&env)));
    tasks.spawn(crate::poison::report(
        env.store().clone(),
        env.target.clone(),
    ));
    tasks.spawn(observe(Arc::clone(&env.queue)));
    for mut sync in syncs {
        let synced = tokio::time::timeout(SYNC, sync.wait_for(|sync| sync.synced)).await;
        if synced.is_err() {
            tracing::error!(
                controller = name,
                "starting without all watches being complete"
            );
        }
    }
    tracing::info!(controller = name, "starting workers");
    loop {
        tokio::select! {
            work = env.queue.next() => drop(passes.spawn(shell::work(Arc::clone(&env), work))),
            Some(ended) = tasks.join_next() => if ended.is_err() { return },
        }
    }
}

async fn watch_objects<K: Kind>(env: Arc<Env<K>>) {
    let mut objects = env.store().subscribe();
    loop {
        let change = objects.next().await;
        env.object_changed(&change.key, change.old.as_deref(), change.new.as_deref());
    }
}

async fn observe(queue: Arc<WorkQueue>) {
    loop {
        queue.observe();
        tokio::time::sleep(OBSERVE).await;
    }
}

/// Cancels `stop` at SIGTERM or SIGINT.
pub fn stop_signal(stop: CancellationToken) {
    use tokio::signal::unix::{SignalKind, signal};
    tokio::spawn(async move {
        let signals = (
            signal(SignalKind::terminate()),
            signal(SignalKind::interrupt()),
        );
        let (Ok(mut terminate), Ok(mut interrupt)) = signals else {
            tracing::error!("signals cannot be caught");
            return;
        };
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        stop.cancel();
    });
}

/// The host name, which is that of the pod.
/// Raises the soft limit of open files to the hard one, as Go's runtime does for every program: the soft one is often
/// 1,024, for the sake of programs that use `select`.
fn open_as_many_files_as_allowed() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::info!(logger = "setup", error = %error, "unable to raise the limit of open files");
    }
}

fn instance() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    std::env::var("HOSTNAME")
        .ok()
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| name.trim().to_owned())
}
