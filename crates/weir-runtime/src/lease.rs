//! Leader election on a Lease, with client-go's rules and Flux's lease names.
//!
//! A Lease cannot stop a request that is under way. So: no write *starts* once our own monotonic clock says
//! that the lease may have run out ([`Leadership::is_valid`]), and an overlap is harmless because deletes carry
//! preconditions and status patches an optimistic lock. The lease is renewed on a thread of its own, so that no
//! busy worker can delay it.
//!
//! Source: client-go v0.36 `tools/leaderelection/leaderelection.go`; fluxcd/pkg `runtime/leaderelection`.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::api::{Api, ObjectMeta, PostParams};
use kube::{Client, Config};
use rand::Rng;
use sha2::{Digest, Sha256};
use thiserror::Error;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use weir_api::meta::controller::LEASE_SUFFIX;

use crate::metrics::Metrics;

mod record;

use record::{Observed, Step};

/// How a controller elects its leader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Election {
    /// The Lease's namespace: `RUNTIME_NAMESPACE`; empty is that of the client's configuration.
    pub namespace: String,
    /// The Lease's name, see [`lease_name`].
    pub name: String,
    /// Who we are; unique per process.
    pub identity: String,
    /// `--leader-election-lease-duration`: others wait so long after the last renewal they saw.
    pub lease_duration: Duration,
    /// `--leader-election-renew-deadline`: without a renewal for so long we give up.
    pub renew_deadline: Duration,
    /// `--leader-election-retry-period`.
    pub retry_period: Duration,
    /// `--leader-election-release-on-cancel`: hand the lease back when stopping.
    pub release_on_cancel: bool,
}

/// Why there is no election.
#[derive(Debug, Error)]
pub enum ElectionError {
    /// The durations contradict each other.
    #[error("leader election: {0}")]
    CheckDurations(&'static str),
    /// The thread that renews the lease could not start.
    #[error("failed to start leader election")]
    Start(#[source] std::io::Error),
}

/// The Lease of `controller`; shards, that is other label selectors, have leases of their own.
pub fn lease_name(controller: &str, label_selector: &str) -> String {
    match label_selector {
        "" => format!("{controller}{LEASE_SUFFIX}"),
        selector => {
            let digest = Sha256::digest(selector.as_bytes());
            let hex: String = digest
                .iter()
                .take(4)
                .map(|byte| format!("{byte:02x}"))
                .collect();
            format!("{controller}{LEASE_SUFFIX}-{hex}")
        }
    }
}

/// Whether we lead. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Leadership {
    state: watch::Receiver<State>,
    /// Keeps the channel of [`Self::always`] open.
    _constant: Option<Arc<watch::Sender<State>>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Somebody else leads, or nobody knows yet.
    Waiting,
    /// We lead, until then if nothing renews it.
    Leading(Option<Instant>),
    /// We led once and do not any more.
    Lost,
}

impl Leadership {
    /// Without an election everybody leads.
    pub fn always() -> Self {
        let (sender, state) = watch::channel(State::Leading(None));
        Self {
            state,
            _constant: Some(Arc::new(sender)),
        }
    }

    /// Nobody leads.
    #[cfg(test)]
    pub(crate) fn never() -> Self {
        let (sender, state) = watch::channel(State::Lost);
        Self {
            state,
            _constant: Some(Arc::new(sender)),
        }
    }

    /// Whether a write may start now.
    pub fn is_valid(&self) -> bool {
        match *self.state.borrow() {
            State::Leading(until) => until.is_none_or(|until| Instant::now() < until),
            State::Waiting | State::Lost => false,
        }
    }

    /// Waits until we lead.
    pub async fn acquired(&self) {
        let leading = |state: &State| matches!(state, State::Leading(_));
        if self.state.clone().wait_for(leading).await.is_err() {
            // The election has ended without us.
            std::future::pending::<()>().await;
        }
    }

    /// Waits until we have led and no longer do.
    pub async fn lost(&self) {
        // If the election is over, so is leading.
        let _ = self
            .state
            .clone()
            .wait_for(|state| *state == State::Lost)
            .await;
    }
}

/// A running election.
#[derive(Debug)]
pub struct Elector {
    leadership: Leadership,
    stop: CancellationToken,
    ended: watch::Receiver<bool>,
}

impl Elector {
    /// Starts to compete for the lease, with a client of its own.
    ///
    /// # Errors
    /// If the durations contradict each other or there is no thread to be had.
    pub fn start(
        mut election: Election,
        config: Config,
        metrics: Metrics,
    ) -> Result<Self, ElectionError> {
        election.check()?;
        if election.namespace.is_empty() {
            election.namespace.clone_from(&config.default_namespace);
        }
        let (state, receiver) = watch::channel(State::Waiting);
        let (ended_sender, ended) = watch::channel(false);
        let stop = CancellationToken::new();
        let candidate = Candidate {
            election,
            state,
            metrics: metrics.clone(),
            observed: Observed::default(),
        };
        let stopping = stop.clone();
        std::thread::Builder::new()
            .name("lease".to_owned())
            .spawn(move || {
                compete(candidate, config, &metrics, stopping);
                ended_sender.send_replace(true);
            })
            .map_err(ElectionError::Start)?;
        Ok(Self {
            leadership: Leadership {
                state: receiver,
                _constant: None,
            },
            stop,
            ended,
        })
    }

    /// Whether we lead.
    pub fn leadership(&self) -> Leadership {
        self.leadership.clone()
    }

    /// Stops competing and hands the lease back if that is wanted. Call it when no write is under way.
    pub async fn stop(mut self) {
        self.stop.cancel();
        let ended = self.ended.wait_for(|ended| *ended);
        let _ = tokio::time::timeout(Duration::from_secs(5), ended).await;
    }
}

impl Election {
    fn check(&self) -> Result<(), ElectionError> {
        if self.lease_duration <= self.renew_deadline {
            return Err(ElectionError::CheckDurations(
                "leaseDuration must be greater than renewDeadline",
            ));
        }
        if self.renew_deadline <= self.retry_period.mul_f64(JITTER) {
            return Err(ElectionError::CheckDurations(
                "renewDeadline must be greater than retryPeriod*JitterFactor",
            ));
        }
        if self.retry_period.is_zero() {
            return Err(ElectionError::CheckDurations(
                "retryPeriod must be greater than zero",
            ));
        }
        Ok(())
    }
}

const JITTER: f64 = 1.2;

fn compete(candidate: Candidate, config: Config, metrics: &Metrics, stop: CancellationToken) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let Ok(runtime) = runtime else {
        tracing::error!(logger = "lease", "no runtime for leader election");
        return;
    };
    runtime.block_on(async {
        match crate::client::build(config, "weir-leader-election", metrics) {
            Ok(client) => candidate.run(&client, &stop).await,
            Err(error) => {
                tracing::error!(logger = "lease", error = %crate::kind::Chain(&error), "no client")
            }
        }
    });
}

/// One participant of an election.
struct Candidate {
    election: Election,
    state: watch::Sender<State>,
    metrics: Metrics,
    observed: Observed,
}

impl Candidate {
    async fn run(mut self, client: &Client, stop: &CancellationToken) {
        let api: Api<Lease> = Api::namespaced(client.clone(), &self.election.namespace);
        tracing::info!(
            logger = "lease",
            lease = self.election.name,
            "attempting to acquire leader lease..."
        );
        let mut leads_until: Option<Instant> = None;
        while !stop.is_cancelled() && !self.has_lost(leads_until) {
            let started = Instant::now();
            let limit = leads_until.map_or(self.election.renew_deadline, |until| until - started);
            let attempt = tokio::time::timeout(limit, self.attempt(&api));
            let result = tokio::select! {
                result = attempt => result.unwrap_or_else(|_| Err("timed out".to_owned())),
                () = stop.cancelled() => break,
            };
            match result {
                Ok(true) => {
                    let until = started + self.election.renew_deadline;
                    self.lead(leads_until.is_none(), until);
                    leads_until = Some(until);
                }
                Ok(false) if leads_until.is_some() => break,
                Ok(false) => {}
                Err(error) => {
                    tracing::error!(logger = "lease", error, "error updating the leader lease")
                }
            }
            let pause = self.pause(leads_until.is_some());
            let pause = leads_until.map_or(pause, |until| {
                pause.min(until.saturating_duration_since(Instant::now()))
            });
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = stop.cancelled() => {}
            }
        }
        self.metrics.leading(&self.election.name, false);
        self.state.send_replace(State::Lost);
        if leads_until.is_some() && stop.is_cancelled() && self.election.release_on_cancel {
            self.release(&api).await;
        }
    }

    fn has_lost(&self, leads_until: Option<Instant>) -> bool {
        leads_until.is_some_and(|until| Instant::now() >= until)
    }

    fn lead(&self, first: bool, until: Instant) {
        if first {
            tracing::info!(
                logger = "lease",
                lease = self.election.name,
                "successfully acquired lease"
            );
            self.metrics.leading(&self.election.name, true);
        }
        self.state.send_replace(State::Leading(Some(until)));
    }

    fn pause(&self, leading: bool) -> Duration {
        match leading {
            true => self.election.retry_period,
            false => self
                .election
                .retry_period
                .mul_f64(rand::rng().random_range(1.0..JITTER)),
        }
    }

    /// One try to take or renew the lease; `Ok` says whether it is ours now.
    async fn attempt(&mut self, api: &Api<Lease>) -> Result<bool, String> {
        let describe = |error: kube::Error| crate::client::describe(&error);
        let existing = api.get_opt(&self.election.name).await.map_err(describe)?;
        let now = Timestamp::now();
        let Some(lease) = existing else {
            let lease = Lease {
                metadata: self.metadata(),
                spec: Some(self.spec(now, now, 0)),
            };
            let created = api
                .create(&PostParams::default(), &lease)
                .await
                .map_err(describe)?;
            self.observed.saw(&created, Instant::now());
            return Ok(true);
        };
        self.observed.saw(&lease, Instant::now());
        let spec = lease.spec.clone().unwrap_or_default();
        let (acquired, transitions) =
            match self.observed.step(&spec, &self.election, Instant::now()) {
                Step::Wait => return Ok(false),
                Step::Renew => (
                    spec.acquire_time.map_or(now, |time| time.0),
                    spec.lease_transitions.unwrap_or(0),
                ),
                Step::Take => (now, spec.lease_transitions.unwrap_or(0) + 1),
            };
        let renewed = Lease {
            spec: Some(self.spec(acquired, now, transitions)),
            ..lease
        };
        let stored = api
            .replace(&self.election.name, &PostParams::default(), &renewed)
            .await
            .map_err(describe)?;
        self.observed.saw(&stored, Instant::now());
        Ok(true)
    }

    async fn release(&self, api: &Api<Lease>) {
        let Ok(Some(lease)) = api.get_opt(&self.election.name).await else {
            return;
        };
        let spec = lease.spec.clone().unwrap_or_default();
        if spec.holder_identity.as_deref() != Some(&self.election.identity) {
            return;
        }
        let now = Some(MicroTime(Timestamp::now()));
        let spec = LeaseSpec {
            holder_identity: Some(String::new()),
            lease_duration_seconds: Some(1),
            renew_time: now.clone(),
            acquire_time: now,
            ..spec
        };
        let released = Lease {
            spec: Some(spec),
            ..lease
        };
        if let Err(error) = api
            .replace(&self.election.name, &PostParams::default(), &released)
            .await
        {
            let error = crate::client::describe(&error);
            tracing::error!(
                logger = "lease",
                error,
                "failed to release the leader lease"
            );
        }
    }

    fn metadata(&self) -> ObjectMeta {
        ObjectMeta {
            name: Some(self.election.name.clone()),
            namespace: Some(self.election.namespace.clone()),
            ..ObjectMeta::default()
        }
    }

    fn spec(&self, acquired: Timestamp, renewed: Timestamp, transitions: i32) -> LeaseSpec {
        LeaseSpec {
            holder_identity: Some(self.election.identity.clone()),
            lease_duration_seconds: i32::try_from(self.election.lease_duration.as_secs()).ok(),
            acquire_time: Some(MicroTime(acquired)),
            renew_time: Some(MicroTime(renewed)),
            lease_transitions: Some(transitions),
            ..LeaseSpec::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shard_has_a_lease_of_its_own() {
        assert_eq!(
            lease_name("source-controller", ""),
            "source-controller-leader-election"
        );
        let shard = lease_name("source-controller", "sharding.fluxcd.io/key=shard1");
        let suffix = shard
            .strip_prefix("source-controller-leader-election-")
            .expect("the common name");
        assert!(
            suffix.len() == 8 && suffix.bytes().all(|byte| byte.is_ascii_hexdigit()),
            "{shard}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn leading_ends_by_our_own_clock() {
        let until = Instant::now() + Duration::from_secs(30);
        let (_sender, state) = watch::channel(State::Leading(Some(until)));
        let leadership = Leadership {
            state,
            _constant: None,
        };
        assert!(leadership.is_valid());
        tokio::time::advance(Duration::from_secs(30)).await;
        assert!(!leadership.is_valid());
        assert!(Leadership::always().is_valid());
    }

    #[test]
    fn contradicting_durations_are_refused() {
        let election = Election {
            namespace: "ns".into(),
            name: "l".into(),
            identity: "me".into(),
            lease_duration: Duration::from_secs(35),
            renew_deadline: Duration::from_secs(30),
            retry_period: Duration::from_secs(5),
            release_on_cancel: true,
        };
        assert!(election.check().is_ok());
        assert!(
            Election {
                lease_duration: Duration::from_secs(30),
                ..election.clone()
            }
            .check()
            .is_err()
        );
        assert!(
            Election {
                retry_period: Duration::from_secs(25),
                ..election.clone()
            }
            .check()
            .is_err()
        );
        assert!(
            Election {
                retry_period: Duration::ZERO,
                ..election
            }
            .check()
            .is_err()
        );
    }
}
