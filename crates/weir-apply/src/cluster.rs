//! A cluster, seen by one identity: client, known kinds, and how much it takes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use kube::Client;
use kube::core::ApiResource;
use parking_lot::Mutex;
use serde_json::Value;
use tokio::sync::Notify;

use crate::discovery::{Discovery, Mapping};
use crate::object::{Object, ObjectRef, split_api_version};
use crate::request::{self, RequestError, Verb};

/// A cluster, seen by one identity. What is known of its kinds and of its load is shared between identities.
#[derive(Clone)]
pub struct Cluster {
    client: Client,
    pub(crate) discovery: Arc<Discovery>,
    limiter: Arc<Limiter>,
}

impl std::fmt::Debug for Cluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Cluster")
    }
}

impl Cluster {
    /// A cluster of which nothing is known yet; its kinds are read with `client`.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self {
            discovery: Arc::new(Discovery::new(client.clone())),
            limiter: Arc::default(),
            client,
        }
    }

    /// The same cluster, seen by the identity of `client`.
    #[must_use]
    pub fn with_client(&self, client: Client) -> Self {
        Self {
            client,
            ..self.clone()
        }
    }

    /// The client of this identity.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Where the objects of a kind are, and whether they are in namespaces.
    ///
    /// # Errors
    /// If the kind is not served, or the server does not say.
    pub async fn resource(
        &self,
        api_version: &str,
        kind: &str,
    ) -> Result<(ApiResource, bool), RequestError> {
        let mapping = self.discovery.mapping(api_version, kind).await?;
        let (group, version) = split_api_version(&mapping.api_version);
        let resource = ApiResource {
            group: group.to_owned(),
            version: version.to_owned(),
            api_version: mapping.api_version.clone(),
            kind: kind.to_owned(),
            plural: mapping.plural.clone(),
        };
        Ok((resource, mapping.namespaced))
    }

    /// Where objects of a kind are.
    pub(crate) async fn mapping(
        &self,
        api_version: &str,
        kind: &str,
    ) -> Result<Arc<Mapping>, RequestError> {
        self.discovery.mapping(api_version, kind).await
    }

    /// Sends a request about `object` in `api_version` and reads the answer, whatever it is.
    pub(crate) async fn send(
        &self,
        object: &ObjectRef,
        api_version: &str,
        verb: &Verb<'_>,
    ) -> Result<Value, RequestError> {
        let mapping = self.mapping(api_version, &object.kind).await?;
        if mapping.namespaced && object.namespace.is_empty() {
            return Err(request::no_such_resource());
        }
        let result = request::send(&self.client, &self.limiter, &mapping, object, verb).await;
        match result {
            Err(error) if error.is_no_path() => {
                // The kind may be served elsewhere now, or no longer.
                self.discovery.forget(api_version, &mapping).await;
                let now = self.mapping(api_version, &object.kind).await?;
                if now == mapping {
                    return Err(error);
                }
                request::send(&self.client, &self.limiter, &now, object, verb).await
            }
            result => result,
        }
    }

    /// As [`Cluster::send`], for answers that are the object.
    pub(crate) async fn send_for_object(
        &self,
        object: &ObjectRef,
        api_version: &str,
        verb: &Verb<'_>,
    ) -> Result<Object, RequestError> {
        let value = self.send(object, api_version, verb).await?;
        Object::new(value).map_err(|error| RequestError::NoAnswer(error.to_string()))
    }

    /// The object, or None if it is not there.
    pub(crate) async fn get(
        &self,
        object: &ObjectRef,
        api_version: &str,
    ) -> Result<Option<Object>, RequestError> {
        match self.send_for_object(object, api_version, &Verb::Get).await {
            Ok(object) => Ok(Some(object)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Requests in flight at the start.
const START: f64 = 32.0;
/// Never fewer than this, unless the server says that it is too busy.
const FLOOR: f64 = 16.0;
/// Never more than this.
const CEILING: f64 = 128.0;
/// The server is slow when the fastest of this many answers is slow. One slow webhook does not make it so.
const WINDOW: u32 = 32;
/// An answer is slow when it takes this many times as long as the fastest ones, and longer than [`SLOW`].
const SLOW_FACTOR: u32 = 10;
const SLOW: Duration = Duration::from_millis(500);
/// Being busy counts once within this time, as all requests in flight are told so.
const CUT_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// How many requests may be in flight: more while they are answered fast, half as many when the server is busy.
#[derive(Debug)]
pub(crate) struct Limiter {
    load: Mutex<Load>,
    freed: Notify,
}

#[derive(Debug)]
struct Load {
    limit: f64,
    in_flight: u32,
    /// The fastest answer of all, forgotten slowly.
    fastest: Duration,
    /// The fastest answer of this window, and how many there were.
    recent: Duration,
    answers: u32,
    cut: Option<Instant>,
}

impl Default for Limiter {
    fn default() -> Self {
        Self {
            load: Mutex::new(Load::new()),
            freed: Notify::new(),
        }
    }
}

impl Limiter {
    /// Waits for a place.
    pub(crate) async fn enter(&self) -> Ticket<'_> {
        loop {
            let freed = self.freed.notified();
            {
                let mut load = self.load.lock();
                if f64::from(load.in_flight) + 1.0 <= load.limit {
                    load.in_flight += 1;
                    return Ticket { limiter: self };
                }
            }
            freed.await;
        }
    }
}

/// A place among the requests in flight; given back when dropped.
pub(crate) struct Ticket<'a> {
    limiter: &'a Limiter,
}

impl Ticket<'_> {
    /// Gives the place back and learns from how it went. A refusal is an answer like any other.
    pub(crate) fn leave(self, took: Duration, busy: bool) {
        self.limiter.load.lock().learn(took, busy, Instant::now());
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        self.limiter.load.lock().in_flight -= 1;
        self.limiter.freed.notify_one();
    }
}

impl Load {
    fn new() -> Self {
        Self {
            limit: START,
            in_flight: 0,
            fastest: Duration::MAX,
            recent: Duration::MAX,
            answers: 0,
            cut: None,
        }
    }

    fn learn(&mut self, took: Duration, busy: bool, now: Instant) {
        if busy {
            let rested = |cut: Instant| now.duration_since(cut) >= CUT_AGAIN_AFTER;
            if self.cut.is_none_or(rested) {
                self.limit = (self.limit / 2.0).max(1.0);
                self.cut = Some(now);
            }
            return;
        }
        // One lucky answer does not count for ever.
        let forgotten = self.fastest.saturating_add(self.fastest / 1000);
        self.fastest = took.min(forgotten);
        self.recent = took.min(self.recent);
        self.answers += 1;
        if self.answers < WINDOW {
            self.limit = (self.limit + 1.0 / self.limit).min(CEILING);
            return;
        }
        if self.recent > SLOW && self.recent > self.fastest.saturating_mul(SLOW_FACTOR) {
            self.limit = (self.limit * 0.8).max(FLOOR.min(self.limit));
        }
        (self.recent, self.answers) = (Duration::MAX, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAST: Duration = Duration::from_millis(5);

    #[test]
    fn the_limit_grows_while_answers_are_fast_and_stays_below_the_ceiling() {
        let mut load = Load::new();
        for _ in 0..10_000 {
            load.learn(FAST, false, Instant::now());
        }
        assert!((load.limit - CEILING).abs() < 1.0, "{load:?}");
    }

    #[test]
    fn a_busy_server_halves_it_once_a_second() {
        let (mut load, now) = (Load::new(), Instant::now());
        load.learn(FAST, true, now);
        load.learn(FAST, true, now);
        assert!((load.limit - START / 2.0).abs() < 0.1, "{load:?}");
        for second in 1..10 {
            load.learn(FAST, true, now + Duration::from_secs(second));
        }
        assert!((load.limit - 1.0).abs() < 0.1, "{load:?}");
    }

    #[test]
    fn only_when_every_answer_is_slow_is_the_server() {
        let (mut load, now) = (Load::new(), Instant::now());
        let slow = Duration::from_secs(2);
        for answer in 0..1000 {
            let took = if answer % 20 == 0 { FAST } else { slow };
            load.learn(took, false, now);
        }
        assert!(load.limit >= START, "{load:?}");
        for _ in 0..1000 {
            load.learn(slow, false, now);
        }
        assert!(load.limit < FLOOR + 3.0, "{load:?}");
    }

    #[tokio::test]
    async fn a_place_is_given_back_when_its_holder_is_dropped() {
        let limiter = Limiter::default();
        limiter.load.lock().limit = 1.0;
        let first = limiter.enter().await;
        let mut second = std::pin::pin!(limiter.enter());
        assert!(futures::poll!(&mut second).is_pending());
        drop(first);
        drop(second.await);
        assert_eq!(limiter.load.lock().in_flight, 0);
    }
}
