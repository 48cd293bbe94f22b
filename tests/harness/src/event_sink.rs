//! Records the events that controllers post to `--events-addr`.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Result, anyhow};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use serde_json::Value;

use crate::http_server::{Body, Server, text};
use crate::{canary, eventually};

/// Largest event that is read.
const EVENT_BYTES: usize = 1 << 20;

#[derive(Debug, Default)]
struct Record {
    events: Vec<Value>,
    refusals: VecDeque<StatusCode>,
    /// An event that holds a value of a Secret.
    told: Option<String>,
}

/// A server that takes Flux events and keeps them in the order of arrival.
#[derive(Debug)]
pub struct EventSink {
    server: Server,
    record: Arc<Mutex<Record>>,
}

impl EventSink {
    /// Starts a sink on a free port.
    ///
    /// # Errors
    /// If the system gives no port.
    pub fn start() -> Result<Self> {
        let record = Arc::new(Mutex::new(Record::default()));
        let shared = Arc::clone(&record);
        let server = Server::start(None, move |request| {
            let record = Arc::clone(&shared);
            async move { Ok(receive(&record, request).await) }
        })?;
        Ok(Self { server, record })
    }

    /// The sink of this test binary, which [`Controllers::shared`] posts to.
    ///
    /// # Errors
    /// As [`EventSink::start`].
    ///
    /// [`Controllers::shared`]: crate::Controllers::shared
    pub fn shared() -> Result<&'static Self> {
        static SHARED: Mutex<Option<&'static EventSink>> = Mutex::new(None);
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sink) = *shared {
            return Ok(sink);
        }
        // One per process, for all of its life.
        let sink: &'static Self = Box::leak(Box::new(Self::start()?));
        *shared = Some(sink);
        Ok(sink)
    }

    /// The value for `--events-addr`.
    pub fn url(&self) -> String {
        format!("{}/", self.server.url())
    }

    /// All events so far, in the order of arrival.
    pub fn events(&self) -> Vec<Value> {
        lock(&self.record).events.clone()
    }

    /// Forgets the events so far.
    pub fn clear(&self) {
        lock(&self.record).events.clear();
    }

    /// Answers the next request with `status` and does not record it; call
    /// several times for several requests.
    pub fn refuse_next(&self, status: StatusCode) {
        lock(&self.record).refusals.push_back(status);
    }

    /// Waits for an event for which `wanted` holds and returns it.
    ///
    /// # Errors
    /// If none arrives within `limit`; the error lists those that did.
    pub async fn wait_for(
        &self,
        limit: Duration,
        what: &str,
        wanted: impl Fn(&Value) -> bool,
    ) -> Result<Value> {
        eventually(limit, what, async || {
            let events = self.events();
            let found = events.iter().find(|event| wanted(event)).cloned();
            found.ok_or_else(|| anyhow!("{} other events:{}", events.len(), summary(&events)))
        })
        .await
    }
}

impl Drop for EventSink {
    fn drop(&mut self) {
        let told = &lock(&self.record).told;
        let fine = told.is_none() || std::thread::panicking();
        assert!(fine, "a Secret is in the event {told:?}");
    }
}

async fn receive(record: &Mutex<Record>, request: Request<Incoming>) -> Response<Body> {
    let body = match Limited::new(request.into_body(), EVENT_BYTES)
        .collect()
        .await
    {
        Ok(body) => body.to_bytes(),
        Err(error) => return text(StatusCode::BAD_REQUEST, error.to_string()),
    };
    let mut record = lock(record);
    if let Some(status) = record.refusals.pop_front() {
        return text(status, "refused by the test");
    }
    match serde_json::from_slice(&body) {
        Ok(event) => {
            let shown = String::from_utf8_lossy(&body);
            if canary::found_in(&shown).is_some() {
                record.told = Some(shown.into_owned());
            }
            record.events.push(event);
        }
        Err(error) => return text(StatusCode::BAD_REQUEST, error.to_string()),
    }
    text(StatusCode::ACCEPTED, "")
}

fn summary(events: &[Value]) -> String {
    let field = |event: &Value, path: &str| match event.pointer(path) {
        Some(Value::String(value)) => value.clone(),
        _ => String::from("-"),
    };
    let line = |event: &Value| {
        let [kind, name, reason, message] = [
            "/involvedObject/kind",
            "/involvedObject/name",
            "/reason",
            "/message",
        ]
        .map(|path| field(event, path));
        format!("\n  {kind}/{name} {reason}: {message}")
    };
    events.iter().map(line).collect()
}

fn lock(record: &Mutex<Record>) -> std::sync::MutexGuard<'_, Record> {
    record.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn post(sink: &EventSink, event: &Value) -> StatusCode {
        reqwest::Client::new()
            .post(sink.url())
            .json(event)
            .send()
            .await
            .unwrap()
            .status()
    }

    #[tokio::test]
    async fn events_are_recorded_and_waited_for() {
        let sink = EventSink::start().unwrap();
        let event = serde_json::json!({"reason": "NewArtifact", "message": "stored artifact"});
        assert_eq!(post(&sink, &event).await, StatusCode::ACCEPTED);
        let limit = Duration::from_secs(5);
        let found = sink.wait_for(limit, "an artifact", |event| {
            event["reason"] == "NewArtifact"
        });
        assert_eq!(found.await.unwrap(), event);
    }

    #[tokio::test]
    async fn a_refused_event_is_not_recorded() {
        let sink = EventSink::start().unwrap();
        sink.refuse_next(StatusCode::TOO_MANY_REQUESTS);
        let event = serde_json::json!({"reason": "Progressing"});
        assert_eq!(post(&sink, &event).await, StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(post(&sink, &event).await, StatusCode::ACCEPTED);
        assert_eq!(sink.events().len(), 1);
    }

    #[tokio::test]
    async fn a_missing_event_is_reported_with_those_that_came() {
        let sink = EventSink::start().unwrap();
        let object = serde_json::json!({"kind": "GitRepository", "name": "app"});
        let event = serde_json::json!({"involvedObject": object, "reason": "GitOperationFailed"});
        post(&sink, &event).await;
        let limit = Duration::from_millis(100);
        let error = sink
            .wait_for(limit, "an artifact", |_| false)
            .await
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("GitRepository/app GitOperationFailed: -"),
            "{error}"
        );
    }
}
