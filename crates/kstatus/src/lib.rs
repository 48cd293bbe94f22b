//! Is a Kubernetes object Current, InProgress or Failed.
//!
//! [`compute`] looks at one object and the time, and at nothing else. Built-in kinds have rules of their own;
//! every other kind is judged by `observedGeneration` and its conditions.
//!
//! Source: cli-utils v1.2 `pkg/kstatus/status`, fluxcd/pkg `runtime/statusreaders/job.go` v0.110

mod field;
mod kinds;
mod pod;
mod time;
mod workload;

use std::fmt;
use std::time::SystemTime;

use serde_json::Value;

use field::{Condition, conditions, mistyped, nested, text};

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

    /// The verdict on an object that cannot be read.
    #[must_use]
    pub fn unknown(problem: impl Into<String>) -> Self {
        Self::new(Kind::Unknown, problem)
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

/// Judges `object` as it stands at `now`. What cannot be read is [`Kind::Unknown`], the message says why.
///
/// A Job counts as done when it is complete or suspended, which is Flux's rule; nothing else matters of it.
#[must_use]
pub fn compute(object: &Value, now: SystemTime) -> Status {
    let judged = match (group(object), text(object, "/kind")) {
        ("batch", Some("Job")) => kinds::job(object),
        _ => judge(object, now),
    };
    judged.unwrap_or_else(Status::unknown)
}

/// Whether `pod` has failed in a way that the workload it belongs to will not get over by itself. One that no node
/// takes may yet find a node, and one that is being deleted makes room for another.
///
/// Source: cli-utils v1.2 `pkg/kstatus/polling/statusreaders/pod_controller.go`.
#[must_use]
pub fn is_failed_pod(pod: &Value, now: SystemTime) -> bool {
    let is_transient = pod.pointer("/metadata/deletionTimestamp").is_some()
        || conditions(pod).is_ok_and(|conditions| pod::is_unschedulable(&conditions));
    !is_transient && compute(pod, now).kind == Kind::Failed
}

fn judge(object: &Value, now: SystemTime) -> Result<Status, String> {
    if let Some(status) = deletion_or_generation(object)? {
        return Ok(status);
    }
    let conditions = conditions(object)?;
    if let Some(status) = standard(&conditions) {
        return Ok(status);
    }
    match rule(object) {
        Some(Rule::Object(rule)) => Ok(rule(object)),
        Some(Rule::Conditions(rule)) => Ok(rule(object, &conditions)),
        Some(Rule::Pod) => pod::pod(object, &conditions, now),
        None => Ok(by_ready_condition(&conditions)),
    }
}

/// What holds for every kind.
fn deletion_or_generation(object: &Value) -> Result<Option<Status>, String> {
    let looking = |name: &str| format!("looking up {name} from resource");
    match nested(object, "metadata", "deletionTimestamp") {
        Ok(None) => {}
        Ok(Some(Value::String(time))) if time.is_empty() => {}
        Ok(Some(Value::String(_))) => {
            let text = "Resource scheduled for deletion";
            return Ok(Some(Status::new(Kind::Terminating, text)));
        }
        Ok(Some(other)) => {
            let problem = mistyped("metadata", "deletionTimestamp", other, "string");
            return Err(format!(
                "{}: {problem}",
                looking("metadata.deletionTimestamp")
            ));
        }
        Err(problem) => {
            return Err(format!(
                "{}: {problem}",
                looking("metadata.deletionTimestamp")
            ));
        }
    }
    let number = |parent: &str, field: &str| match nested(object, parent, field) {
        Ok(None) => Ok(None),
        Ok(Some(value)) => match value.as_i64() {
            Some(number) => Ok(Some(number)),
            None => Err(mistyped(parent, field, value, "int64")),
        },
        Err(problem) => Err(problem),
    };
    let read = |parent: &str, field: &str| {
        let name = format!("{parent}.{field}");
        number(parent, field).map_err(|problem| format!("{}: {problem}", looking(&name)))
    };
    let Some(generation) = read("metadata", "generation")? else {
        return Ok(None);
    };
    let observed = read("status", "observedGeneration")?;
    Ok(observed
        .filter(|observed| *observed != generation)
        .map(|observed| {
            let kind = text(object, "/kind").unwrap_or_default();
            Status::in_progress(format!(
                "{kind} generation is {generation}, but latest observed generation is {observed}"
            ))
        }))
}

/// The two standard conditions.
fn standard(conditions: &[Condition<'_>]) -> Option<Status> {
    let found = |condition: &Condition<'_>| match (condition.kind, condition.status) {
        ("Reconciling", "True") => Some(Status::in_progress(condition.message)),
        ("Stalled", "True") => Some(Status::failed(condition.message)),
        _ => None,
    };
    conditions.iter().find_map(found)
}

enum Rule {
    Object(fn(&Value) -> Status),
    Conditions(fn(&Value, &[Condition<'_>]) -> Status),
    Pod,
}

fn group(object: &Value) -> &str {
    let api_version = text(object, "/apiVersion").unwrap_or_default();
    api_version.split_once('/').map_or("", |(group, _)| group)
}

/// The rule of a built-in kind, whatever its version.
fn rule(object: &Value) -> Option<Rule> {
    Some(
        match (group(object), text(object, "/kind").unwrap_or_default()) {
            ("", "Pod") => Rule::Pod,
            ("", "Secret" | "ConfigMap") | ("batch", "CronJob") => {
                Rule::Object(kinds::always_current)
            }
            ("policy", "PodDisruptionBudget") => Rule::Object(kinds::disruption_budget),
            ("", "Service") => Rule::Object(kinds::service),
            ("", "PersistentVolumeClaim") => Rule::Object(kinds::volume_claim),
            ("apiextensions.k8s.io", "CustomResourceDefinition") => {
                Rule::Conditions(kinds::custom_resource_definition)
            }
            ("apps" | "extensions", "Deployment") => Rule::Conditions(workload::deployment),
            ("apps", "StatefulSet") => Rule::Object(workload::stateful_set),
            ("apps" | "extensions", "DaemonSet") => Rule::Object(workload::daemon_set),
            ("apps" | "extensions", "ReplicaSet") => Rule::Conditions(workload::replica_set),
            _ => return None,
        },
    )
}

fn by_ready_condition(conditions: &[Condition<'_>]) -> Status {
    let ready = |condition: &&Condition<'_>| condition.kind == "Ready";
    match conditions.iter().find(ready) {
        Some(Condition { status: "True", .. }) => Status::current("Resource is Ready"),
        Some(Condition {
            status: "False" | "Unknown",
            message,
            ..
        }) => Status::in_progress(*message),
        _ => Status::current("Resource is current"),
    }
}

#[cfg(test)]
mod tests;
