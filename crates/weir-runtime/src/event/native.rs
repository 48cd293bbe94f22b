//! Events as core/v1 Kubernetes Events.
//!
//! Source: client-go v0.36 `tools/record/event.go`.

use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::{Event as KubeEvent, EventSource, ObjectReference};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::api::{Api, ObjectMeta, Patch, PatchParams, PostParams};
use kube::{Client, Error};
use parking_lot::Mutex;

use super::budget::{Budget, Decision};
use super::recorder::{Posting, RecorderOptions};
use super::{MAX_MESSAGE, truncated};
use crate::metrics::Metrics;

/// Tries per event when the API server cannot be reached or is overloaded.
const TRIES: u32 = 4;
const PAUSE: Duration = Duration::from_secs(1);
/// Where Events of objects without a namespace go.
const DEFAULT_NAMESPACE: &str = "default";
/// The longest name of a Kubernetes object.
const MAX_NAME: usize = 253;

type Identity = (String, &'static str, String, String);

pub(super) struct Native {
    client: Client,
    controller: &'static str,
    metrics: Metrics,
    budget: Mutex<Budget<Identity, String>>,
}

impl Native {
    pub(super) fn new(options: &RecorderOptions, client: Client, metrics: Metrics) -> Self {
        Self {
            client,
            controller: options.controller,
            metrics,
            budget: Mutex::new(Budget::new()),
        }
    }

    pub(super) async fn post(&self, posting: &Posting) {
        let identity = identity(posting);
        let decision =
            self.budget
                .lock()
                .decide(Instant::now(), &identity, posting.involved.uid.clone());
        let (create, name, count) = match decision {
            Decision::Drop => return self.metrics.event_dropped("kubernetes", "rate_limited"),
            Decision::Create => (true, event_name(posting), 1),
            Decision::Repeat { name, count } => (false, name, count),
        };
        let mut result = match create {
            true => self.create(posting, &identity, &name).await,
            false => self.count(posting, &name, count).await,
        };
        if let Err(Error::Api(status)) = &result
            && status.is_not_found()
            && !create
        {
            self.budget.lock().forget(&identity);
            result = self.create(posting, &identity, &event_name(posting)).await;
        }
        match result {
            Ok(()) => self.metrics.event_posted("kubernetes"),
            Err(error) => self.lost(posting, &error),
        }
    }

    async fn create(
        &self,
        posting: &Posting,
        identity: &Identity,
        name: &str,
    ) -> Result<(), Error> {
        let event = self.event(posting, name);
        let api: Api<KubeEvent> = Api::namespaced(self.client.clone(), namespace(posting));
        retried(|| async {
            let params = PostParams::default();
            api.create(&params, &event).await.map(drop)
        })
        .await?;
        self.budget
            .lock()
            .created(Instant::now(), identity.clone(), name.to_owned());
        Ok(())
    }

    async fn count(&self, posting: &Posting, name: &str, count: i32) -> Result<(), Error> {
        let api: Api<KubeEvent> = Api::namespaced(self.client.clone(), namespace(posting));
        let patch =
            Patch::Merge(serde_json::json!({ "count": count, "lastTimestamp": Time(posting.at) }));
        retried(|| async {
            api.patch(name, &PatchParams::default(), &patch)
                .await
                .map(drop)
        })
        .await
    }

    fn lost(&self, posting: &Posting, error: &Error) {
        // A namespace that is being deleted takes no Events: nobody can read them any more.
        let gone =
            matches!(error, Error::Api(status) if status.is_not_found() || status.is_forbidden());
        self.metrics
            .event_dropped("kubernetes", if gone { "refused" } else { "unreachable" });
        tracing::debug!(
            controller = self.controller,
            namespace = posting.involved.namespace,
            name = posting.involved.name,
            error = %crate::client::describe(error),
            "unable to create a Kubernetes Event"
        );
    }

    fn event(&self, posting: &Posting, name: &str) -> KubeEvent {
        let involved = &posting.involved;
        let at = Some(Time(posting.at));
        let metadata = posting.event.posted_metadata(involved);
        KubeEvent {
            metadata: ObjectMeta {
                name: Some(name.to_owned()),
                namespace: Some(namespace(posting).to_owned()),
                annotations: (!metadata.is_empty()).then_some(metadata),
                ..ObjectMeta::default()
            },
            involved_object: ObjectReference {
                api_version: Some(involved.api_version.clone()),
                kind: Some(involved.kind.clone()),
                namespace: Some(involved.namespace.clone()),
                name: Some(involved.name.clone()),
                uid: Some(involved.uid.clone()),
                resource_version: Some(involved.resource_version.clone()),
                field_path: None,
            },
            type_: Some(posting.event.kind.kubernetes_type().to_owned()),
            reason: Some(posting.event.posted_reason().to_owned()),
            message: Some(truncated(&posting.event.message, MAX_MESSAGE)),
            count: Some(1),
            first_timestamp: at.clone(),
            last_timestamp: at,
            source: Some(EventSource {
                component: Some(self.controller.to_owned()),
                host: None,
            }),
            reporting_component: Some(self.controller.to_owned()),
            reporting_instance: Some(String::new()),
            ..KubeEvent::default()
        }
    }
}

fn identity(posting: &Posting) -> Identity {
    let event = &posting.event;
    let kind = event.kind.kubernetes_type();
    (
        posting.involved.uid.clone(),
        kind,
        event.posted_reason().to_owned(),
        event.message.clone(),
    )
}

fn namespace(posting: &Posting) -> &str {
    match posting.involved.namespace.as_str() {
        "" => DEFAULT_NAMESPACE,
        namespace => namespace,
    }
}

fn event_name(posting: &Posting) -> String {
    let suffix = format!(".{:x}", posting.at.as_nanosecond());
    let name = &posting.involved.name;
    let keep = name.floor_char_boundary(MAX_NAME.saturating_sub(suffix.len()));
    format!("{}{suffix}", &name[..keep])
}

/// Repeats `request` while the API server cannot be reached or is overloaded.
async fn retried<F: Future<Output = Result<(), Error>>>(
    request: impl Fn() -> F,
) -> Result<(), Error> {
    let mut pause = PAUSE;
    for _ in 1..TRIES {
        match request().await {
            Err(error) if transient(&error) => tokio::time::sleep(pause).await,
            other => return other,
        }
        pause *= 2;
    }
    request().await
}

fn transient(error: &Error) -> bool {
    match error {
        Error::Api(status) => status.code == 429 || status.code >= 500,
        Error::HyperError(_) | Error::Service(_) => true,
        _ => false,
    }
}
