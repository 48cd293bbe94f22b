//! Pods: the one kind whose verdict depends on the time.

use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::Status;
use crate::field::{conditions, items, text};
use crate::time;

/// How long a pod may stay unschedulable before it counts as failed.
const SCHEDULE_WINDOW: Duration = Duration::from_secs(15);

/// A running pod must be ready; a finished one is current, however it ended.
pub(crate) fn pod(object: &Value, now: SystemTime) -> Status {
    match text(object, "/status/phase").unwrap_or_default() {
        "Succeeded" => Status::current("Pod has completed successfully"),
        "Failed" => Status::current("Pod has completed, but not successfully"),
        "Running" if has_condition(object, "Ready", "True", None) => {
            Status::current("Pod is Ready")
        }
        "Running" => crash_loop(object)
            .unwrap_or_else(|| Status::in_progress("Pod is running but is not Ready")),
        "Pending" => pending(object, now),
        "" => Status::in_progress("Pod phase not available"),
        phase => Status::new(crate::Kind::Unknown, format!("unknown phase {phase}")),
    }
}

fn pending(object: &Value, now: SystemTime) -> Status {
    if !has_condition(object, "PodScheduled", "False", Some("Unschedulable")) {
        return crash_loop(object)
            .unwrap_or_else(|| Status::in_progress("Pod is in the Pending phase"));
    }
    let created = text(object, "/metadata/creationTimestamp").and_then(time::parse);
    match created.map(|created| created + SCHEDULE_WINDOW) {
        Some(deadline) if now < deadline => Status {
            changes_at: Some(deadline),
            ..Status::in_progress("Pod has not been scheduled")
        },
        _ => Status::failed("Pod could not be scheduled"),
    }
}

fn has_condition(object: &Value, kind: &str, status: &str, reason: Option<&str>) -> bool {
    conditions(object).any(|condition| {
        condition.kind == kind
            && condition.status == status
            && reason.is_none_or(|reason| condition.reason == reason)
    })
}

fn crash_loop(object: &Value) -> Option<Status> {
    let names: Vec<&str> = items(object, "/status/containerStatuses")
        .filter(|status| text(status, "/state/waiting/reason") == Some("CrashLoopBackOff"))
        .map(|status| text(status, "/name").unwrap_or_default())
        .collect();
    (!names.is_empty()).then(|| {
        Status::failed(format!(
            "Containers in CrashLoop state: {}",
            names.join(",")
        ))
    })
}
