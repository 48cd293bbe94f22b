//! Which identities may be told what the controller's own watches show.
//!
//! What is not asked of the API server is not refused by it either. So an identity that is not the controller's proves
//! at least once per interval that it may apply objects of a kind: by an apply, or else by a SelfSubjectAccessReview.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use kube::api::PostParams;
use kube::core::ApiResource;
use kube::{Api, Client};
use parking_lot::Mutex;
use weir_runtime::kind::Chain;

/// Answers that are kept; old ones go first.
const MAX: usize = 16_384;

/// What is asked: may `user` apply objects of a kind in a namespace?
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Question {
    /// The impersonated user.
    pub user: String,
    /// API group and plural of the kind.
    pub resource: (String, String),
    /// The namespace; empty for objects of the cluster.
    pub namespace: String,
}

#[derive(Debug, Clone, Copy)]
struct Answer {
    allowed: bool,
    at: Instant,
}

/// One question; locked while it is asked, so that it is asked once.
type Slot = Arc<tokio::sync::Mutex<Option<Answer>>>;

/// The answers so far.
#[derive(Debug, Default)]
pub struct Rights(Mutex<HashMap<Question, Slot>>);

impl Rights {
    /// Whether the answer is yes, asked with `client` unless it is younger than `age`. Without an answer it is no.
    pub async fn may_apply(&self, client: &Client, question: Question, age: Duration) -> bool {
        let slot = self.slot(&question);
        let mut answer = slot.lock().await;
        if let Some(known) = answer.filter(|known| known.at.elapsed() < age) {
            return known.allowed;
        }
        let before = answer.is_none_or(|known| known.allowed);
        let allowed = ask(client, &question).await;
        if before && !allowed {
            let (group, plural) = &question.resource;
            tracing::info!(
                user = question.user,
                resource = format!("{plural}.{group}"),
                namespace = question.namespace,
                "not allowed to apply, so its objects are compared and corrected at the interval only"
            );
        }
        *answer = Some(Answer {
            allowed,
            at: Instant::now(),
        });
        allowed
    }

    /// An apply has shown that the answer is yes.
    pub fn shown(&self, question: &Question) {
        let slot = self.slot(question);
        if let Ok(mut answer) = slot.try_lock() {
            *answer = Some(Answer {
                allowed: true,
                at: Instant::now(),
            });
        }
    }

    fn slot(&self, question: &Question) -> Slot {
        let mut slots = self.0.lock();
        if slots.len() >= MAX && !slots.contains_key(question) {
            slots.retain(|_, slot| Arc::strong_count(slot) > 1);
        }
        Arc::clone(slots.entry(question.clone()).or_default())
    }
}

async fn ask(client: &Client, question: &Question) -> bool {
    let text = |text: &String| (!text.is_empty()).then(|| text.clone());
    let (group, plural) = &question.resource;
    let review = SelfSubjectAccessReview {
        spec: SelfSubjectAccessReviewSpec {
            resource_attributes: Some(ResourceAttributes {
                group: text(group),
                resource: text(plural),
                namespace: text(&question.namespace),
                verb: Some("patch".to_owned()),
                ..ResourceAttributes::default()
            }),
            ..SelfSubjectAccessReviewSpec::default()
        },
        ..SelfSubjectAccessReview::default()
    };
    let answer = Api::all(client.clone())
        .create(&PostParams::default(), &review)
        .await;
    match answer {
        Ok(review) => review.status.is_some_and(|status| status.allowed),
        Err(error) => {
            tracing::debug!(error = %Chain(&error), "unable to review access");
            false
        }
    }
}

/// The question about objects of `resource` in `namespace`.
#[must_use]
pub fn question(user: &str, resource: &ApiResource, namespace: &str) -> Question {
    Question {
        user: user.to_owned(),
        resource: (resource.group.clone(), resource.plural.clone()),
        namespace: namespace.to_owned(),
    }
}
