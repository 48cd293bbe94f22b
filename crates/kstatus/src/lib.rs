//! Is a Kubernetes object Current, InProgress or Failed.
//!
//! [`compute`] looks at one object and the time, and at nothing else. Built-in kinds have rules of their own;
//! every other kind is judged by `observedGeneration` and its conditions.
//!
//! Source: cli-utils v1.2 `pkg/kstatus/status`, fluxcd/pkg `runtime/statusreaders/job.go`

mod field;
mod kinds;
mod pod;
mod time;
mod workload;

use std::fmt;
use std::time::SystemTime;

use serde_json::Value;

use field::{Condition, conditions, integer, text};

/// The verdict on an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// The state.
    pub kind: Kind,
    /// Why, in a sentence for people.
    pub message: String,
    /// When the verdict would become another one although the object stays the same.
    pub changes_at: Option<SystemTime>,
}

/// The state of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// It is as its specification says.
    Current,
    /// It is on its way there.
    InProgress,
    /// It will not get there by itself.
    Failed,
    /// It is being deleted.
    Terminating,
    /// There is no such object.
    NotFound,
    /// Nothing is known of it.
    Unknown,
}

impl Kind {
    /// The name as messages print it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Current => "Current",
            Self::InProgress => "InProgress",
            Self::Failed => "Failed",
            Self::Terminating => "Terminating",
            Self::NotFound => "NotFound",
            Self::Unknown => "Unknown",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Status {
    /// The verdict on an object that does not exist.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(Kind::NotFound, "Resource not found")
    }

    fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            changes_at: None,
        }
    }

    fn current(message: impl Into<String>) -> Self {
        Self::new(Kind::Current, message)
    }

    fn in_progress(message: impl Into<String>) -> Self {
        Self::new(Kind::InProgress, message)
    }

    fn failed(message: impl Into<String>) -> Self {
        Self::new(Kind::Failed, message)
    }
}

/// Judges `object` as it stands at `now`.
///
/// A Job counts as done when it is complete or suspended, which is Flux's rule.
#[must_use]
pub fn compute(object: &Value, now: SystemTime) -> Status {
    if let Some(status) = generic(object) {
        return status;
    }
    match rule(object) {
        Some(Rule::Object(rule)) => rule(object),
        Some(Rule::Timed(rule)) => rule(object, now),
        None => by_ready_condition(object),
    }
}

/// What holds for every kind: deletion, observed generation, the two standard conditions.
fn generic(object: &Value) -> Option<Status> {
    if object.pointer("/metadata/deletionTimestamp").is_some() {
        return Some(Status::new(
            Kind::Terminating,
            "Resource scheduled for deletion",
        ));
    }
    let generation = integer(object, "/metadata/generation");
    let observed = integer(object, "/status/observedGeneration");
    if let (Some(generation), Some(observed)) = (generation, observed)
        && generation != observed
    {
        let kind = text(object, "/kind").unwrap_or_default();
        return Some(Status::in_progress(format!(
            "{kind} generation is {generation}, but latest observed generation is {observed}"
        )));
    }
    conditions(object).find_map(|condition| match (condition.kind, condition.status) {
        ("Reconciling", "True") => Some(Status::in_progress(condition.message)),
        ("Stalled", "True") => Some(Status::failed(condition.message)),
        _ => None,
    })
}

enum Rule {
    Object(fn(&Value) -> Status),
    Timed(fn(&Value, SystemTime) -> Status),
}

/// The rule of a built-in kind, whatever its version.
fn rule(object: &Value) -> Option<Rule> {
    let api_version = text(object, "/apiVersion").unwrap_or_default();
    let group = api_version.split_once('/').map_or("", |(group, _)| group);
    Some(match (group, text(object, "/kind").unwrap_or_default()) {
        ("", "Pod") => Rule::Timed(pod::pod),
        ("", "Secret" | "ConfigMap") | ("batch", "CronJob") => Rule::Object(kinds::always_current),
        ("policy", "PodDisruptionBudget") => Rule::Object(kinds::disruption_budget),
        ("", "Service") => Rule::Object(kinds::service),
        ("", "PersistentVolumeClaim") => Rule::Object(kinds::volume_claim),
        ("batch", "Job") => Rule::Object(kinds::job),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => {
            Rule::Object(kinds::custom_resource_definition)
        }
        ("apps" | "extensions", "Deployment") => Rule::Object(workload::deployment),
        ("apps", "StatefulSet") => Rule::Object(workload::stateful_set),
        ("apps" | "extensions", "DaemonSet") => Rule::Object(workload::daemon_set),
        ("apps" | "extensions", "ReplicaSet") => Rule::Object(workload::replica_set),
        _ => return None,
    })
}

fn by_ready_condition(object: &Value) -> Status {
    let ready = |condition: &Condition<'_>| condition.kind == "Ready";
    match conditions(object).find(ready) {
        Some(Condition { status: "True", .. }) => Status::current("Resource is Ready"),
        Some(Condition {
            status: "False" | "Unknown",
            message,
            ..
        }) => Status::in_progress(message),
        _ => Status::current("Resource is current"),
    }
}

#[cfg(test)]
mod tests;
