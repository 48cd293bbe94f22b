//! Kinds that keep a number of pods.

use serde_json::Value;

use crate::Status;
use crate::field::{Condition, integer, text};

/// The default that upstream takes for "no deadline".
const NO_DEADLINE: i64 = i32::MAX as i64;

fn count(object: &Value, field: &str) -> i64 {
    integer(object, &format!("/status/{field}")).unwrap_or(0)
}

fn wanted(object: &Value) -> i64 {
    integer(object, "/spec/replicas").unwrap_or(1)
}

/// The first of the counts that is smaller than it should be, as `Name: have/want`.
fn behind(counts: &[(&str, i64, i64)]) -> Option<Status> {
    let (name, have, want) = counts.iter().find(|(_, have, want)| have < want)?;
    Some(Status::in_progress(format!("{name}: {have}/{want}")))
}

fn surplus(have: i64, want: i64) -> Option<Status> {
    (have > want).then(|| Status::in_progress(format!("Pending termination: {}", have - want)))
}

/// All replicas updated, available and ready, and both conditions saying so.
pub(crate) fn deployment(object: &Value, conditions: &[Condition<'_>]) -> Status {
    let deadline = integer(object, "/spec/progressDeadlineSeconds").unwrap_or(NO_DEADLINE);
    let mut progressed = deadline == NO_DEADLINE;
    let mut available = false;
    for condition in conditions {
        match (condition.kind, condition.status, condition.reason) {
            ("Progressing", _, "ProgressDeadlineExceeded") => {
                return Status::failed("Progress deadline exceeded");
            }
            ("Progressing", "True", "NewReplicaSetAvailable") => progressed = true,
            ("Available", "True", _) => available = true,
            _ => {}
        }
    }
    let want = wanted(object);
    let replicas = count(object, "replicas");
    let updated = count(object, "updatedReplicas");
    behind(&[("Replicas", replicas, want), ("Updated", updated, want)])
        .or_else(|| surplus(replicas, want))
        .or_else(|| {
            behind(&[
                ("Available", count(object, "availableReplicas"), updated),
                ("Ready", count(object, "readyReplicas"), want),
            ])
        })
        .or_else(|| (!progressed).then(|| Status::in_progress("ReplicaSet not Available")))
        .or_else(|| (!available).then(|| Status::in_progress("Deployment not Available")))
        .unwrap_or_else(|| {
            Status::current(format!("Deployment is available. Replicas: {replicas}"))
        })
}

/// All replicas ready and of one revision; under a partition, as many updated as it lets through.
pub(crate) fn stateful_set(object: &Value) -> Status {
    if text(object, "/spec/updateStrategy/type") == Some("OnDelete") {
        return Status::current("StatefulSet is using the ondelete update strategy");
    }
    let want = wanted(object);
    let replicas = count(object, "replicas");
    let ready = count(object, "readyReplicas");
    if let Some(status) = behind(&[("Replicas", replicas, want), ("Ready", ready, want)])
        .or_else(|| surplus(replicas, want))
    {
        return status;
    }
    match integer(object, "/spec/updateStrategy/rollingUpdate/partition") {
        Some(partition) if partition != -1 => {
            let updated = count(object, "updatedReplicas");
            let target = want.saturating_sub(partition);
            behind(&[("updated", updated, target)]).unwrap_or_else(|| {
                Status::current(format!("Partition rollout complete. updated: {updated}"))
            })
        }
        _ => one_revision(object, want, replicas),
    }
}

fn one_revision(object: &Value, want: i64, replicas: i64) -> Status {
    let current = count(object, "currentReplicas");
    if let Some(status) = behind(&[("current", current, want)]) {
        return status;
    }
    if text(object, "/status/currentRevision") != text(object, "/status/updateRevision") {
        return Status::in_progress("Waiting for updated revision to match current");
    }
    Status::current(format!(
        "All replicas scheduled as expected. Replicas: {replicas}"
    ))
}

/// A pod on every node that should have one; nothing counts before the controller has looked at it.
pub(crate) fn daemon_set(object: &Value) -> Status {
    for field in ["metadata.generation", "status.observedGeneration"] {
        if integer(object, &format!("/{}", field.replace('.', "/"))).is_none() {
            return Status::in_progress(format!("DaemonSet {field} not found"));
        }
    }
    let Some(want) = integer(object, "/status/desiredNumberScheduled") else {
        return Status::in_progress("Missing .status.desiredNumberScheduled");
    };
    behind(&[
        ("Current", count(object, "currentNumberScheduled"), want),
        ("Updated", count(object, "updatedNumberScheduled"), want),
        ("Available", count(object, "numberAvailable"), want),
        ("Ready", count(object, "numberReady"), want),
    ])
    .unwrap_or_else(|| {
        Status::current(format!(
            "All replicas scheduled as expected. Replicas: {want}"
        ))
    })
}

/// All replicas labelled, available and ready.
pub(crate) fn replica_set(object: &Value, conditions: &[Condition<'_>]) -> Status {
    if conditions
        .iter()
        .any(|c| c.kind == "ReplicaFailure" && c.status == "True")
    {
        return Status::in_progress("Replica Failure condition. Check Pods");
    }
    let want = wanted(object);
    let replicas = count(object, "replicas");
    behind(&[
        ("Labelled", count(object, "fullyLabeledReplicas"), want),
        ("Available", count(object, "availableReplicas"), want),
        ("Ready", count(object, "readyReplicas"), want),
    ])
    .or_else(|| surplus(replicas, want))
    .unwrap_or_else(|| Status::current(format!("ReplicaSet is available. Replicas: {replicas}")))
}
