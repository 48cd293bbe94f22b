//! Pods: the one kind whose verdict depends on the time.

use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::Status;
use crate::field::{Condition, mistyped, nested, text};
use crate::time;

/// How long a pod may stay unschedulable before it counts as failed.
const SCHEDULE_WINDOW: Duration = Duration::from_secs(15);

/// A running pod must be ready; a finished one is current, however it ended.
///
/// # Errors
/// If its phase is none, or it has no list of containers.
pub(crate) fn pod(
    object: &Value,
    conditions: &[Condition<'_>],
    now: SystemTime,
) -> Result<Status, String> {
    let is_ready = |it: &Condition<'_>| it.kind == "Ready" && it.status == "True";
    match text(object, "/status/phase").unwrap_or_default() {
        "Succeeded" => Ok(Status::current("Pod has completed successfully")),
        "Failed" => Ok(Status::current("Pod has completed, but not successfully")),
        "Running" if conditions.iter().any(is_ready) => Ok(Status::current("Pod is Ready")),
        "Running" => Ok(crash_loop(object)?
            .unwrap_or_else(|| Status::in_progress("Pod is running but is not Ready"))),
        "Pending" => Ok(pending(object, conditions, now)),
        "" => Ok(Status::in_progress("Pod phase not available")),
        phase => Err(format!("unknown phase {phase}")),
    }
}

/// Whether no node takes the pod. The first condition that says that it is not scheduled counts.
pub(crate) fn is_unschedulable(conditions: &[Condition<'_>]) -> bool {
    let unscheduled = |it: &&Condition<'_>| it.kind == "PodScheduled" && it.status == "False";
    let condition = conditions.iter().find(unscheduled);
    condition.is_some_and(|condition| condition.reason == "Unschedulable")
}

fn pending(object: &Value, conditions: &[Condition<'_>], now: SystemTime) -> Status {
    if !is_unschedulable(conditions) {
        return Status::in_progress("Pod is in the Pending phase");
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

fn crash_loop(object: &Value) -> Result<Option<Status>, String> {
    let containers = match nested(object, "status", "containerStatuses")? {
        None => return Ok(None),
        Some(Value::Array(containers)) => containers,
        Some(other) => {
            return Err(mistyped(
                "status",
                "containerStatuses",
                other,
                "[]interface{}",
            ));
        }
    };
    let names: Vec<&str> = containers
        .iter()
        .filter(|status| text(status, "/state/waiting/reason") == Some("CrashLoopBackOff"))
        .filter_map(|status| text(status, "/name"))
        .collect();
    Ok((!names.is_empty()).then(|| {
        Status::failed(format!(
            "Containers in CrashLoop state: {}",
            names.join(",")
        ))
    }))
}
