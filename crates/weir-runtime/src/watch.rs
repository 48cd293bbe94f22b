//! One watch: list, follow, and begin again whatever happens.
//!
//! Lists stream where the API server can do that, else come in pages. A closed connection goes on from the
//! last version, an expired one (410) lists again, a missing kind (404) is asked for again within 30 s, and
//! about hourly the list is read again to repair what a lost event hid. Every watch backs off by itself, so
//! none can starve another.
//!
//! API servers send a bookmark about every minute: a connection on which nothing comes for longer is dead, even if
//! nobody closes it. A server may have been restored from a backup: it knows nothing of our version, and would be
//! silent until it has come to it a second time. So where a session breaks or falls silent, its version is asked for
//! first, and after no server could be reached at all the list is read again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use kube::api::{Api, DynamicObject, ListParams, WatchEvent, WatchParams};
use rand::Rng;
use tokio::time::Instant;

use crate::metrics::Metrics;

const PAGE: u32 = 500;
/// The server closes a watch after this many seconds, at random in between.
const SESSION: std::ops::Range<u32> = 240..290;
/// A connection that is silent for so long is dead: more than two bookmarks are missing.
const SILENCE: Duration = Duration::from_secs(150);
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LAST_PAUSE: Duration = Duration::from_secs(30);
/// How long a watch may take to begin.
const ANSWER: Duration = Duration::from_secs(30);
/// How often the list is read again, unless told otherwise.
pub(crate) const RELIST: Duration = Duration::from_secs(3600);
const INITIAL_EVENTS_END: &str = "k8s.io/initial-events-end";

/// What a watch tells its owner.
pub(crate) trait Sink: Send + Sync + 'static {
    /// A list begins.
    fn begin(&self);
    /// An object of the list.
    fn listed(&self, object: DynamicObject);
    /// The list is complete, as of this version.
    fn complete(&self, version: &str);
    /// An object was created or changed.
    fn applied(&self, object: DynamicObject);
    /// An object was deleted.
    fn deleted(&self, object: DynamicObject);
    /// The watch broke.
    fn broken(&self);
    /// The watch goes on without having missed anything.
    fn resumed(&self);
    /// The server has gone back in time: versions that come now are below those that were seen, and are right.
    fn rewound(&self);
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
    /// How often the list is read again, more or less.
    pub(crate) relist: Duration,
}

/// What a watch knows from before.
struct Past {
    /// Lists can be streamed.
    streaming: bool,
    /// The last version that it came to.
    version: Option<String>,
}

/// Whether a version comes before another one of the same resource. Those that are no numbers cannot be compared.
fn is_before(version: &str, other: &str) -> bool {
    let number = |text: &str| text.parse::<u64>().ok();
    matches!((number(version), number(other)), (Some(one), Some(other)) if one < other)
}

/// Why following ended.
#[derive(Debug)]
enum Ended {
    /// The session is over: go on from the last version.
    Closed,
    /// Nothing came for too long.
    Silent,
    /// The version is too old, or the list is due: list again.
    Restart,
}

#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("{}", crate::client::describe(.0))]
    Request(#[from] kube::Error),
    #[error("{0}")]
    Status(String),
    #[error("{}", crate::client::describe(.0))]
    Unreachable(#[source] kube::Error),
    #[error("request did not begin to answer within {ANSWER:?}")]
    Unanswered,
    #[error("the list ended before it was complete")]
    Incomplete,
}

impl Fault {
    /// No server has answered.
    fn is_absence(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::Unanswered)
    }
}

impl Watch {
    /// Watches for good; dropped to stop.
    pub(crate) async fn run(self, sink: Arc<dyn Sink>) {
        let mut past = Past {
            streaming: true,
            version: None,
        };
        let mut pause = FIRST_PAUSE;
        loop {
            let started = Instant::now();
            let result = self.list_and_follow(&*sink, &mut past).await;
            let Err(fault) = result else { continue };
            self.failed(&*sink, &fault, pause);
            if started.elapsed() > LAST_PAUSE {
                pause = FIRST_PAUSE;
            }
            tokio::time::sleep(jittered(pause)).await;
            pause = (pause * 2).min(LAST_PAUSE);
        }
    }

    /// Lists and follows until the list has to be read again.
    async fn list_and_follow(&self, sink: &dyn Sink, past: &mut Past) -> Result<(), Fault> {
        let relist = Instant::now() + self.relist.mul_f64(rand::rng().random_range(0.9..1.1));
        let listed = match past.streaming {
            true => self.stream_list(sink).await?,
            false => None,
        };
        past.streaming = listed.is_some();
        let (mut version, mut session) = match listed {
            Some((version, session)) => (version, Some(session)),
            None => (self.page_list(sink).await?, None),
        };
        if past
            .version
            .as_deref()
            .is_some_and(|seen| is_before(&version, seen))
        {
            self.tell_of_past(&version);
            sink.rewound();
        }
        past.version = Some(version.clone());
        self.metrics.watch_listed(&self.resource);
        sink.complete(&version);
        let mut pause = FIRST_PAUSE;
        let mut doubtful = false;
        loop {
            let started = Instant::now();
            if doubtful && self.is_behind(&version).await {
                sink.broken();
                return Ok(());
            }
            let followed = self
                .follow(sink, &mut version, session.take(), relist)
                .await;
            past.version = Some(version.clone());
            doubtful = matches!(followed, Ok(Ended::Silent) | Err(_));
            match followed {
                Ok(Ended::Restart) => return Ok(()),
                Err(fault) if fault.is_absence() => return Err(fault),
                Ok(Ended::Closed | Ended::Silent) => {}
                Err(fault) => {
                    self.failed(sink, &fault, pause);
                    if started.elapsed() > LAST_PAUSE {
                        pause = FIRST_PAUSE;
                    }
                    tokio::time::sleep(jittered(pause)).await;
                    pause = (pause * 2).min(LAST_PAUSE);
                }
            }
        }
    }

    /// Reads a list as the beginning of a watch, and returns its version and the watch; `None` if the
    /// server cannot do that.
    async fn stream_list(&self, sink: &dyn Sink) -> Result<Option<(String, Session)>, Fault> {
        let mut session = match self.open("", true).await {
            Err(Fault::Request(kube::Error::Api(status))) if matches!(status.code, 400 | 422) => {
                return Ok(None);
            }
            other => other?,
        };
        sink.begin();
        loop {
            match session.next(None).await? {
                Heard::Event(WatchEvent::Added(object) | WatchEvent::Modified(object)) => {
                    sink.listed(object)
                }
                Heard::Event(WatchEvent::Bookmark(mark)) => {
                    if mark.metadata.annotations.contains_key(INITIAL_EVENTS_END) {
                        return Ok(Some((mark.metadata.resource_version, session)));
                    }
                }
                Heard::Event(WatchEvent::Error(status)) => {
                    return Err(Fault::Status(status.message));
                }
                Heard::Event(WatchEvent::Deleted(_)) => {}
                Heard::End | Heard::Silence | Heard::Due => return Err(Fault::Incomplete),
            }
            self.pulse.beat();
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
                return version.ok_or(Fault::Incomplete);
            }
        }
    }

    /// Follows from `version`, which it moves on, until the session ends; opens one unless given.
    async fn follow(
        &self,
        sink: &dyn Sink,
        version: &mut String,
        session: Option<Session>,
        relist: Instant,
    ) -> Result<Ended, Fault> {
        let mut session = match session {
            Some(session) => session,
            None => match self.open(version, false).await {
                Err(Fault::Request(kube::Error::Api(status))) if status.code == 410 => {
                    return Ok(Ended::Restart);
                }
                other => other?,
            },
        };
        sink.resumed();
        loop {
            self.pulse.beat();
            match session.next(Some(relist)).await? {
                Heard::End => return Ok(Ended::Closed),
                Heard::Silence => return Ok(Ended::Silent),
                Heard::Due => return Ok(Ended::Restart),
                Heard::Event(WatchEvent::Error(status)) if status.code == 410 => {
                    return Ok(Ended::Restart);
                }
                Heard::Event(WatchEvent::Error(status)) => {
                    return Err(Fault::Status(status.message));
                }
                Heard::Event(event) => tell(sink, event, version),
            }
        }
    }

    async fn open(&self, version: &str, send_initial_events: bool) -> Result<Session, Fault> {
        let seconds = rand::rng().random_range(SESSION);
        let params = WatchParams {
            label_selector: self.labels.clone(),
            timeout: Some(seconds),
            send_initial_events,
            ..WatchParams::default()
        };
        let opened = tokio::time::timeout(ANSWER, self.api.watch(&params, version)).await;
        let events = match opened.map_err(|_| Fault::Unanswered)? {
            Err(error @ kube::Error::Api(_)) => return Err(Fault::Request(error)),
            Err(error) => return Err(Fault::Unreachable(error)),
            Ok(events) => events.boxed(),
        };
        Ok(Session { events })
    }

    /// Whether the server has never come to `version`. What it does not say, or says of a kind whose versions are no
    /// numbers, does not count.
    async fn is_behind(&self, version: &str) -> bool {
        let params = ListParams {
            label_selector: self.labels.clone(),
            ..ListParams::default()
        };
        let answer = self.api.list_metadata(&params.limit(1)).await;
        let now = answer.ok().and_then(|list| list.metadata.resource_version);
        now.is_some_and(|now| is_before(&now, version))
    }

    fn tell_of_past(&self, version: &str) {
        tracing::error!(
            logger = "watch",
            resource = self.resource,
            version,
            "the API server has gone back in time, its list counts from now on"
        );
    }

    fn failed(&self, sink: &dyn Sink, fault: &Fault, pause: Duration) {
        sink.broken();
        self.metrics.watch_failed(&self.resource);
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

/// One watch request.
struct Session {
    events: BoxStream<'static, kube::Result<WatchEvent<DynamicObject>>>,
}

/// What a session brought.
#[expect(
    clippy::large_enum_variant,
    reason = "there is one at a time, and it is taken apart at once"
)]
enum Heard {
    Event(WatchEvent<DynamicObject>),
    /// It is over.
    End,
    /// It is silent for too long.
    Silence,
    /// The list is due.
    Due,
}

impl Session {
    async fn next(&mut self, relist: Option<Instant>) -> Result<Heard, Fault> {
        let patience = Instant::now() + SILENCE;
        let until = relist.map_or(patience, |relist| relist.min(patience));
        match tokio::time::timeout_at(until, self.events.try_next()).await {
            Ok(event) => Ok(event?.map_or(Heard::End, Heard::Event)),
            Err(_) if until < patience => Ok(Heard::Due),
            Err(_) => Ok(Heard::Silence),
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

#[cfg(test)]
mod tests;
