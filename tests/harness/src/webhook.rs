//! A webhook that the API server asks before it writes.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Result;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use serde_json::{Value, json};

use crate::http_server::{Answer, Server, text};
use crate::pki::Authority;

/// A running webhook that changes what is written. Dropping it closes it.
#[derive(Debug)]
pub struct MutatingWebhook {
    server: Server,
    authority: String,
    asked: Arc<AtomicUsize>,
}

impl MutatingWebhook {
    /// Starts one that answers with what `change` makes of an object: a JSON patch.
    ///
    /// # Errors
    /// If there is no free port.
    pub fn start(change: impl Fn(&Value) -> Value + Send + Sync + 'static) -> Result<Self> {
        let authority = Authority::new("webhook")?;
        let identity = authority.server()?;
        let asked = Arc::new(AtomicUsize::new(0));
        let (change, counter) = (Arc::new(change), Arc::clone(&asked));
        let handler = move |request: Request<Incoming>| {
            let (change, counter) = (Arc::clone(&change), Arc::clone(&counter));
            async move {
                counter.fetch_add(1, Ordering::SeqCst);
                answer(request, &*change).await
            }
        };
        Ok(Self {
            server: Server::start(Some(&identity), handler)?,
            authority: authority.pem().to_owned(),
            asked,
        })
    }

    /// How often it was asked.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// What has it asked about these resources of a namespace, each with its group.
    pub fn configuration(&self, name: &str, namespace: &str, resources: &[(&str, &str)]) -> Value {
        let rule = |(group, resource): &(&str, &str)| {
            json!({"apiGroups": [group], "apiVersions": ["*"], "resources": [resource],
                   "operations": ["CREATE", "UPDATE"]})
        };
        let rules: Vec<Value> = resources.iter().map(rule).collect();
        let labels = json!({"kubernetes.io/metadata.name": namespace});
        json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration",
            "metadata": {"name": name},
            "webhooks": [{
                "name": "harness.weir.dev", "admissionReviewVersions": ["v1"], "sideEffects": "None",
                "failurePolicy": "Fail", "rules": rules, "namespaceSelector": {"matchLabels": labels},
                "clientConfig": {"url": format!("{}/", self.server.url()),
                                 "caBundle": STANDARD.encode(&self.authority)},
            }],
        })
    }
}

async fn answer(request: Request<Incoming>, change: &(dyn Fn(&Value) -> Value + Sync)) -> Answer {
    let body = request.into_body().collect().await;
    let body = body.map_err(io::Error::other)?.to_bytes();
    let review: Value = serde_json::from_slice(&body).map_err(io::Error::other)?;
    let asked = &review["request"];
    let patch = change(&asked["object"]).to_string();
    let review = json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "response": {"uid": asked["uid"], "allowed": true, "patchType": "JSONPatch",
                     "patch": STANDARD.encode(patch)},
    });
    let mut response: Response<_> = text(StatusCode::OK, review.to_string());
    let kind = http::HeaderValue::from_static("application/json");
    response.headers_mut().insert("content-type", kind);
    Ok(response)
}
