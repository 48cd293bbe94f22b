//! The recorder: takes events without waiting and hands them to the two ways out.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use kube::Client;
use thiserror::Error;

use super::lanes::Lanes;
use super::native::Native;
use super::webhook::Webhook;
use super::{Event, EventKind, Involved};
use crate::metrics::Metrics;

/// An event on its way out.
#[derive(Debug, Clone)]
pub(super) struct Posting {
    pub(super) involved: Arc<Involved>,
    pub(super) event: Arc<Event>,
    pub(super) at: Timestamp,
}

/// Where a controller's events go.
#[derive(Debug, Clone)]
pub struct RecorderOptions {
    /// The controller's name: component, reporting controller.
    pub controller: &'static str,
    /// `--events-addr`; empty posts Kubernetes Events only.
    pub events_addr: String,
    /// The name of the pod.
    pub instance: String,
}

/// Why a recorder cannot start.
#[derive(Debug, Error)]
pub enum StartError {
    /// `--events-addr` is no URL.
    #[error("invalid events address '{address}'")]
    ParseAddress {
        /// The address as given.
        address: String,
        /// What is wrong with it.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The HTTP client could not be built.
    #[error("failed to build the client for the events address")]
    BuildClient(#[source] reqwest::Error),
}

/// Posts one controller's events in the background. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Recorder {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    native: Lanes<Posting>,
    webhook: Option<Lanes<Posting>>,
    metrics: Metrics,
}

impl Recorder {
    /// Starts the background posting.
    ///
    /// # Errors
    /// If the address is not a URL; surrounding spaces are not one either.
    pub fn start(
        options: RecorderOptions,
        client: Client,
        metrics: Metrics,
    ) -> Result<Self, StartError> {
        let webhook = match options.events_addr.as_str() {
            "" => None,
            _ => Some(Arc::new(Webhook::new(&options, metrics.clone())?)),
        };
        let webhook = webhook.map(|webhook| {
            Lanes::start(move |posting: Posting| {
                let webhook = Arc::clone(&webhook);
                async move { webhook.post(&posting).await }
            })
        });
        let native = Arc::new(Native::new(&options, client, metrics.clone()));
        let native = Lanes::start(move |posting: Posting| {
            let native = Arc::clone(&native);
            async move { native.post(&posting).await }
        });
        Ok(Self {
            inner: Arc::new(Inner {
                native,
                webhook,
                metrics,
            }),
        })
    }

    /// Queues `event` about `involved`; what finds no room is counted as dropped.
    pub fn record(&self, involved: &Arc<Involved>, event: Event) {
        let posting = Posting {
            involved: Arc::clone(involved),
            event: Arc::new(event),
            at: Timestamp::now(),
        };
        if posting.event.kind != EventKind::Trace
            && let Some(webhook) = &self.inner.webhook
        {
            self.push(webhook, "webhook", posting.clone());
        }
        self.push(&self.inner.native, "kubernetes", posting);
    }

    fn push(&self, lanes: &Lanes<Posting>, sink: &str, posting: Posting) {
        if let Err(reason) = lanes.push(posting.involved.uid.clone(), posting) {
            self.inner.metrics.event_dropped(sink, reason);
        }
    }

    /// Takes no more events and waits, at most `within`, until the queued ones are out.
    /// Returns how many were not; they are counted as dropped.
    pub async fn flush(&self, within: Duration) -> usize {
        let native = self.inner.native.flush(within);
        let webhook = async {
            match &self.inner.webhook {
                Some(webhook) => webhook.flush(within).await,
                None => 0,
            }
        };
        let (native, webhook) = tokio::join!(native, webhook);
        for (sink, count) in [("kubernetes", native), ("webhook", webhook)] {
            self.inner.metrics.events_dropped(sink, "shutdown", count);
        }
        native + webhook
    }
}
