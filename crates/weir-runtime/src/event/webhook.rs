//! Events as JSON to `--events-addr`.
//!
//! Five seconds per try, up to four retries on connection errors and 5xx; 429 means that the receiver has
//! the event already.
//! Source: fluxcd/pkg `runtime/events/recorder.go` (Flux 2.9).

use std::time::Duration;

use k8s_openapi::api::core::v1::ObjectReference;
use reqwest::{Client, StatusCode, Url};
use weir_api::event::{Event as Body, Severity};

use super::recorder::{Posting, RecorderOptions, StartError};
use super::{EventKind, MAX_MESSAGE, truncated};
use crate::metrics::Metrics;

const TIMEOUT: Duration = Duration::from_secs(5);
const RETRIES: u32 = 4;
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LAST_PAUSE: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(super) struct Webhook {
    client: Client,
    url: Url,
    controller: &'static str,
    instance: String,
    metrics: Metrics,
}

/// What one try came to.
enum Tried {
    Taken,
    Refused(StatusCode),
    TryAgain(String),
}

impl Webhook {
    pub(super) fn new(options: &RecorderOptions, metrics: Metrics) -> Result<Self, StartError> {
        let address = &options.events_addr;
        let invalid = |source| StartError::ParseAddress {
            address: address.clone(),
            source,
        };
        if address.trim() != address {
            return Err(invalid(
                "first path segment in URL cannot contain colon".into(),
            ));
        }
        let url = Url::parse(address).map_err(|source| invalid(Box::new(source)))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(invalid("the scheme must be http or https".into()));
        }
        let client = Client::builder()
            .timeout(TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .build();
        Ok(Self {
            client: client.map_err(StartError::BuildClient)?,
            url,
            controller: options.controller,
            instance: options.instance.clone(),
            metrics,
        })
    }

    pub(super) async fn post(&self, posting: &Posting) {
        let Ok(body) = serde_json::to_vec(&self.body(posting)) else {
            return self.metrics.event_dropped("webhook", "encoding");
        };
        let mut pause = FIRST_PAUSE;
        for attempt in 0..=RETRIES {
            let problem = match self.try_once(body.clone()).await {
                Tried::Taken => return self.metrics.event_posted("webhook"),
                Tried::Refused(status) => {
                    return self.give_up("refused", &format!("status {status}"));
                }
                Tried::TryAgain(problem) => problem,
            };
            if attempt == RETRIES {
                return self.give_up("unreachable", &problem);
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LAST_PAUSE);
        }
    }

    async fn try_once(&self, body: Vec<u8>) -> Tried {
        let request = self
            .client
            .post(self.url.clone())
            .header(http::header::CONTENT_TYPE, "application/json");
        match request
            .body(body)
            .send()
            .await
            .map(|response| response.status())
        {
            Ok(status) if status.is_success() || status == StatusCode::TOO_MANY_REQUESTS => {
                Tried::Taken
            }
            Ok(status) if status.is_server_error() => Tried::TryAgain(format!("status {status}")),
            Ok(status) => Tried::Refused(status),
            Err(error) => Tried::TryAgain(crate::kind::Chain(&error.without_url()).to_string()),
        }
    }

    fn give_up(&self, reason: &'static str, problem: &str) {
        self.metrics.event_dropped("webhook", reason);
        tracing::error!(
            controller = self.controller,
            error = problem,
            "unable to record event"
        );
    }

    fn body(&self, posting: &Posting) -> Body {
        let involved = &posting.involved;
        let event = &posting.event;
        Body {
            involved_object: ObjectReference {
                api_version: Some(involved.api_version.clone()),
                kind: Some(involved.kind.clone()),
                namespace: Some(involved.namespace.clone()),
                name: Some(involved.name.clone()),
                uid: Some(involved.uid.clone()),
                resource_version: Some(involved.resource_version.clone()),
                field_path: None,
            },
            severity: if event.kind == EventKind::Warning {
                Severity::Error
            } else {
                Severity::Info
            },
            timestamp: posting.at.into(),
            message: truncated(&event.message, MAX_MESSAGE),
            reason: event.posted_reason().to_owned(),
            metadata: event.posted_metadata(involved),
            reporting_controller: self.controller.to_owned(),
            reporting_instance: self.instance.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::Router;
    use axum::routing::post;
    use jiff::Timestamp;

    use super::*;
    use crate::event::{Event, Involved};

    /// Posts one event to a server that gives these answers in turn; returns (tries, posted, dropped).
    async fn check(answers: &'static [u16], tries: usize, posted: u64) {
        let seen = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&seen);
        let router = Router::new().route(
            "/",
            post(move || {
                let answer = answers[count.fetch_add(1, Ordering::SeqCst).min(answers.len() - 1)];
                async move { StatusCode::from_u16(answer).expect("valid") }
            }),
        );
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let address = listener.local_addr().expect("bound");
        tokio::spawn(async move { axum::serve(listener, router).await });
        let metrics = Metrics::new();
        let webhook =
            Webhook::new(&options(&format!("http://{address}/")), metrics.clone()).expect("valid");
        webhook.post(&posting()).await;
        assert_eq!(seen.load(Ordering::SeqCst), tries);
        assert_eq!(metrics.events_posted("webhook"), posted);
    }

    fn options(address: &str) -> RecorderOptions {
        RecorderOptions {
            controller: "source-controller",
            events_addr: address.into(),
            instance: "pod".into(),
        }
    }

    fn posting() -> Posting {
        let involved = Involved {
            api_version: "source.toolkit.fluxcd.io/v1".into(),
            kind: "GitRepository".into(),
            namespace: "ns".into(),
            name: "app".into(),
            uid: "u".into(),
            resource_version: "7".into(),
            annotations: std::collections::BTreeMap::new(),
        };
        let event = Event::normal("NewArtifact", "stored").with("revision", "main@sha1:1");
        Posting {
            involved: Arc::new(involved),
            event: Arc::new(event),
            at: Timestamp::UNIX_EPOCH,
        }
    }

    #[tokio::test]
    async fn a_duplicate_is_not_retried() {
        check(&[429], 1, 1).await;
    }

    #[tokio::test]
    async fn a_refusal_is_not_retried() {
        check(&[400], 1, 0).await;
    }

    #[tokio::test]
    async fn a_server_error_is_retried_after_a_second() {
        check(&[503, 202], 2, 1).await;
    }

    #[test]
    fn the_body_is_what_flux_posts() {
        let webhook = Webhook::new(&options("http://h/"), Metrics::new()).expect("valid");
        let expect = serde_json::json!({
            "involvedObject": {
                "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository", "namespace": "ns",
                "name": "app", "uid": "u", "resourceVersion": "7",
            },
            "severity": "info", "timestamp": "1970-01-01T00:00:00Z", "message": "stored",
            "reason": "NewArtifact", "metadata": {"source.toolkit.fluxcd.io/revision": "main@sha1:1"},
            "reportingController": "source-controller", "reportingInstance": "pod",
        });
        assert_eq!(
            serde_json::to_value(webhook.body(&posting())).expect("prints"),
            expect
        );
    }

    #[test]
    fn an_address_with_a_leading_space_is_refused() {
        for address in [" http://h/", "ftp://h/", "h"] {
            assert!(
                Webhook::new(&options(address), Metrics::new()).is_err(),
                "{address}"
            );
        }
    }
}
