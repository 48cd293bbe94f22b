//! Built-in kinds that run nothing themselves, jobs, and definitions of kinds.

use serde_json::Value;

use crate::Status;
use crate::field::{Condition, conditions, integer, text};

/// Kinds that are done once they exist.
pub(crate) fn always_current(_: &Value) -> Status {
    Status::current("Resource is always ready")
}

/// A budget is current whatever it allows.
pub(crate) fn disruption_budget(_: &Value) -> Status {
    Status::current("AllowedDisruptions has been computed.")
}

/// A load balancer needs its cluster address.
pub(crate) fn service(object: &Value) -> Status {
    let address = text(object, "/spec/clusterIP").unwrap_or_default();
    if text(object, "/spec/type") == Some("LoadBalancer") && address.is_empty() {
        return Status::in_progress("ClusterIP not set. Service type: LoadBalancer");
    }
    Status::current("Service is ready")
}

/// A claim must be bound.
pub(crate) fn volume_claim(object: &Value) -> Status {
    match text(object, "/status/phase").unwrap_or("unknown") {
        "Bound" => Status::current("PVC is Bound"),
        phase => Status::in_progress(format!("PVC is not Bound. phase: {phase}")),
    }
}

/// A job must have completed, or be suspended.
///
/// # Errors
/// If its conditions are none.
pub(crate) fn job(object: &Value) -> Result<Status, String> {
    if object.pointer("/spec/suspend") == Some(&Value::Bool(true)) {
        return Ok(Status::current("Job is suspended"));
    }
    let count = |field: &str| integer(object, &format!("/status/{field}")).unwrap_or(0);
    let parallelism = integer(object, "/spec/parallelism").unwrap_or(1);
    let completions = integer(object, "/spec/completions").unwrap_or(parallelism);
    let (succeeded, failed) = (count("succeeded"), count("failed"));
    for condition in conditions(object)? {
        match (condition.kind, condition.status) {
            ("Complete", "True") => {
                let message = format!("Job Completed. succeeded: {succeeded}/{completions}");
                return Ok(Status::current(message));
            }
            ("Failed", "True") => {
                let message = format!("Job Failed. failed: {failed}/{completions}");
                return Ok(Status::failed(message));
            }
            _ => {}
        }
    }
    let started = text(object, "/status/startTime").unwrap_or_default();
    Ok(Status::in_progress(if started.is_empty() {
        format!("Job not started. active: 0/{parallelism}")
    } else {
        let active = count("active");
        format!("Job in progress. success:{succeeded}, active: {active}, failed: {failed}")
    }))
}

/// A definition must be established, its names accepted.
pub(crate) fn custom_resource_definition(_: &Value, conditions: &[Condition<'_>]) -> Status {
    for condition in conditions {
        match (condition.kind, condition.status) {
            ("NamesAccepted", "False") => return Status::failed(condition.message),
            ("Established", "False") if condition.reason != "Installing" => {
                return Status::failed(condition.message);
            }
            ("Established", "True") => return Status::current("CRD is established"),
            _ => {}
        }
    }
    Status::in_progress("Install in progress")
}
