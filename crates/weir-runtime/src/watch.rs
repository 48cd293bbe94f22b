//! One watch: list, follow, and begin again whatever happens.
//!
//! Lists stream where the API server can do that, else come in pages. A closed connection goes on from the
//! last version, an expired one (410) lists again, a missing kind (404) is asked for again within 30 s, and
//! about hourly the list is read again to repair what a lost event hid. Every watch backs off by itself, so
//! none can starve another.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use kube::api::{Api, DynamicObject, ListParams, WatchEvent, WatchParams};
use rand::Rng;
use tokio::time::Instant;

use crate::metrics::Metrics;

const PAGE: u32 = 500;
/// The server closes a watch after this many seconds, at random in between.
const SESSION: std::ops::Range<u32> = 240..290;
/// A connection that is silent so much longer than the session is dead.
const SILENCE: Duration = Duration::from_secs(10);
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LAST_PAUSE: Duration = Duration::from_secs(30);
const RELIST: Duration = Duration::from_secs(3600);
const INITIAL_EVENTS_END: &str = "k8s.io/initial-events-end";

/// What a watch tells its owner.
pub(crate) trait Sink: Send + Sync + 'static {
    /// A list begins.
    fn begin(&self);
    /// An object of the list.
    fn listed(&self, object: DynamicObject);
    /// The list is complete.
    fn complete(&self);
    /// An object was created or changed.
    fn applied(&self, object: DynamicObject);
    /// An object was deleted.
    fn deleted(&self, object: DynamicObject);
    /// The watch broke.
    fn broken(&self);
    /// The watch goes on without having missed anything.
    fn resumed(&self);
}

/// When a watch last heard from the API server. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Pulse {
    born: Instant,
    last: Arc<AtomicU64>,
}

impl Pulse {
    pub(crate) fn new() -> Self {
        Self {
            born: Instant::now(),
            last: Arc::default(),
        }
    }

    fn beat(&self) {
        let age = u64::try_from(self.born.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last.store(age, Ordering::Relaxed);
    }

    /// How long nothing was heard.
    pub(crate) fn silence(&self) -> Duration {
        self.born
            .elapsed()
            .saturating_sub(Duration::from_millis(self.last.load(Ordering::Relaxed)))
    }
}

/// What to watch.
#[derive(Debug, Clone)]
pub(crate) struct Watch {
    pub(crate) api: Api<DynamicObject>,
    /// `plural.group`, for logs and metrics.
    pub(crate) resource: String,
    pub(crate) labels: Option<String>,
    pub(crate) metrics: Metrics,
    pub(crate) pulse: Pulse,
}

/// Why following ended.
enum Ended {
    /// The server closed the session, or it went silent: go on from here.
    Closed(String),
    /// The version is too old, or the list is due: list again.
    Restart,
}

#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("{}", crate::client::describe(.0))]
    Request(#[from] kube::Error),
    #[error("{0}")]
    Status(String),
    #[error("the list has no resource version")]
    NoVersion,
}

impl Watch {
    /// Watches for good; dropped to stop.
    pub(crate) async fn run(self, sink: Arc<dyn Sink>) {
        let mut streaming = true;
        let mut pause = FIRST_PAUSE;
        loop {
            let started = Instant::now();
            let result = self.list_and_follow(&*sink, &mut streaming).await;
            let Err(fault) = result else { continue };
            sink.broken();
            self.metrics.watch_failed(&self.resource);
            self.report(&fault, pause);
            if started.elapsed() > LAST_PAUSE {
                pause = FIRST_PAUSE;
            }
            tokio::time::sleep(jittered(pause)).await;
            pause = (pause * 2).min(LAST_PAUSE);
        }
    }

    /// Lists and follows until the list has to be read again.
    async fn list_and_follow(&self, sink: &dyn Sink, streaming: &mut bool) -> Result<(), Fault> {
        let relist = Instant::now() + RELIST.mul_f64(rand::rng().random_range(0.9..1.1));
        let first = match self.stream_list(sink, streaming, relist).await? {
            Some(ended) => ended,
            None => Ended::Closed(self.page_list(sink).await?),
        };
        let mut ended = first;
        let mut pause = FIRST_PAUSE;
        while let Ended::Closed(version) = ended {
            let session = Instant::now();
            ended = match self.follow(sink, &version, relist).await {
                Ok(ended) => ended,
                Err((version, fault)) => {
                    sink.broken();
                    self.metrics.watch_failed(&self.resource);
                    self.report(&fault, pause);
                    if session.elapsed() > LAST_PAUSE {
                        pause = FIRST_PAUSE;
                    }
                    tokio::time::sleep(jittered(pause)).await;
                    pause = (pause * 2).min(LAST_PAUSE);
                    Ended::Closed(version)
                }
            };
        }
        Ok(())
    }

    /// Lists and follows in one request; `None` if the server cannot.
    async fn stream_list(
        &self,
        sink: &dyn Sink,
        streaming: &mut bool,
        relist: Instant,
    ) -> Result<Option<Ended>, Fault> {
        if !*streaming {
            return Ok(None);
        }
        let (params, session) = self.session(true);
        let stream = match self.api.watch(&params, "").await {
            Err(kube::Error::Api(status)) if matches!(status.code, 400 | 422) => {
                *streaming = false;
                return Ok(None);
            }
            other => other?,
        };
        sink.begin();
        let mut listing = true;
        let mut version = String::new();
        let mut stream = stream.boxed();
        loop {
            let next =
                tokio::time::timeout_at(relist.min(Instant::now() + session), stream.try_next());
            let event = match next.await {
                Ok(event) => event?,
                Err(_) if Instant::now() >= relist => return Ok(Some(Ended::Restart)),
                Err(_) => None,
            };
            self.pulse.beat();
            match event {
                None if listing => return Err(Fault::NoVersion),
                None => return Ok(Some(Ended::Closed(version))),
                Some(WatchEvent::Added(object) | WatchEvent::Modified(object)) if listing => {
                    sink.listed(object)
                }
                Some(WatchEvent::Bookmark(mark)) => {
                    version.clone_from(&mark.metadata.resource_version);
                    if listing && mark.metadata.annotations.contains_key(INITIAL_EVENTS_END) {
                        listing = false;
                        self.metrics.watch_listed(&self.resource);
                        sink.complete();
                    }
                }
                Some(WatchEvent::Error(status)) if status.code == 410 => {
                    return Ok(Some(Ended::Restart));
                }
                Some(WatchEvent::Error(status)) => return Err(Fault::Status(status.message)),
                Some(event) => tell(sink, event, &mut version),
            }
        }
    }

    /// Lists in pages; returns the version to follow from.
    async fn page_list(&self, sink: &dyn Sink) -> Result<String, Fault> {
        let mut params = ListParams {
            label_selector: self.labels.clone(),
            ..ListParams::default()
        }
        .limit(PAGE);
        sink.begin();
        loop {
            let page = self.api.list(&params).await?;
            self.pulse.beat();
            page.items
                .into_iter()
                .for_each(|object| sink.listed(object));
            params.continue_token = page.metadata.continue_.filter(|token| !token.is_empty());
            if params.continue_token.is_none() {
                let version = page
                    .metadata
                    .resource_version
                    .filter(|version| !version.is_empty());
                let version = version.ok_or(Fault::NoVersion)?;
                self.metrics.watch_listed(&self.resource);
                sink.complete();
                return Ok(version);
            }
        }
    }

    /// Follows from `version` until the session ends.
    async fn follow(
        &self,
        sink: &dyn Sink,
        version: &str,
        relist: Instant,
    ) -> Result<Ended, (String, Fault)> {
        let mut version = version.to_owned();
        let (params, session) = self.session(false);
        let stream = match self.api.watch(&params, &version).await {
            Err(kube::Error::Api(status)) if status.code == 410 => return Ok(Ended::Restart),
            Err(error) => return Err((version, error.into())),
            Ok(stream) => stream,
        };
        self.pulse.beat();
        sink.resumed();
        let mut stream = stream.boxed();
        loop {
            let next =
                tokio::time::timeout_at(relist.min(Instant::now() + session), stream.try_next());
            let event = match next.await {
                Ok(Ok(event)) => event,
                Ok(Err(error)) => return Err((version, error.into())),
                Err(_) if Instant::now() >= relist => return Ok(Ended::Restart),
                Err(_) => None,
            };
            self.pulse.beat();
            match event {
                None => return Ok(Ended::Closed(version)),
                Some(WatchEvent::Error(status)) if status.code == 410 => return Ok(Ended::Restart),
                Some(WatchEvent::Error(status)) => {
                    return Err((version, Fault::Status(status.message)));
                }
                Some(event) => tell(sink, event, &mut version),
            }
        }
    }

    fn session(&self, send_initial_events: bool) -> (WatchParams, Duration) {
        let seconds = rand::rng().random_range(SESSION);
        let params = WatchParams {
            label_selector: self.labels.clone(),
            timeout: Some(seconds),
            send_initial_events,
            ..WatchParams::default()
        };
        (params, Duration::from_secs(u64::from(seconds)) + SILENCE)
    }

    fn report(&self, fault: &Fault, pause: Duration) {
        let missing =
            matches!(fault, Fault::Request(kube::Error::Api(status)) if status.code == 404);
        // The first failure is news; those that follow repeat it.
        if pause == FIRST_PAUSE && !missing {
            tracing::error!(logger = "watch", resource = self.resource, error = %fault, "watch failed, will retry");
        } else {
            tracing::debug!(logger = "watch", resource = self.resource, error = %fault, "watch failed, will retry");
        }
    }
}

fn tell(sink: &dyn Sink, event: WatchEvent<DynamicObject>, version: &mut String) {
    let mut seen = |object: &DynamicObject| {
        if let Some(new) = &object.metadata.resource_version {
            version.clone_from(new);
        }
    };
    match event {
        WatchEvent::Added(object) | WatchEvent::Modified(object) => {
            seen(&object);
            sink.applied(object);
        }
        WatchEvent::Deleted(object) => {
            seen(&object);
            sink.deleted(object);
        }
        WatchEvent::Bookmark(mark) => *version = mark.metadata.resource_version,
        WatchEvent::Error(_) => {}
    }
}

fn jittered(pause: Duration) -> Duration {
    pause.mul_f64(rand::rng().random_range(0.8..1.2))
}
