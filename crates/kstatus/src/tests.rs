//! Tables of objects and verdicts, kind by kind.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::*;

const CREATED: &str = "2026-01-01T00:00:00Z";

fn at(seconds: u64) -> SystemTime {
    time::parse(CREATED).expect("a timestamp") + Duration::from_secs(seconds)
}

fn check(api_version: &str, kind: &str, rows: &[(Value, Kind, &str)]) {
    for (fields, state, message) in rows {
        let mut object = json!({"apiVersion": api_version, "kind": kind});
        for (key, value) in fields.as_object().expect("fields of an object") {
            object[key] = value.clone();
        }
        let status = compute(&object, at(60));
        let got = (status.kind, status.message.as_str());
        assert_eq!(got, (*state, *message), "{object}");
    }
}

#[test]
fn any_kind_is_judged_by_generation_and_conditions() {
    let with = |kind: &str, status: &str| json!({"status": {"conditions": [{"type": kind, "status": status, "message": "m"}]}});
    check(
        "example.com/v1",
        "Widget",
        &[
            (json!({}), Kind::Current, "Resource is current"),
            (
                json!({"metadata": {"deletionTimestamp": CREATED}}),
                Kind::Terminating,
                "Resource scheduled for deletion",
            ),
            (
                json!({"metadata": {"generation": 2}, "status": {"observedGeneration": 1}}),
                Kind::InProgress,
                "Widget generation is 2, but latest observed generation is 1",
            ),
            (with("Reconciling", "True"), Kind::InProgress, "m"),
            (with("Stalled", "True"), Kind::Failed, "m"),
            (with("Ready", "True"), Kind::Current, "Resource is Ready"),
            (with("Ready", "False"), Kind::InProgress, "m"),
            (with("Ready", "Unknown"), Kind::InProgress, "m"),
            (with("Other", "False"), Kind::Current, "Resource is current"),
        ],
    );
}

#[test]
fn deployments_need_every_count_and_both_conditions() {
    let with = |reason: &str, available: &str, counts: [i64; 4]| {
        json!({
            "spec": {"replicas": 1, "progressDeadlineSeconds": 600},
            "status": {
                "replicas": counts[0], "updatedReplicas": counts[1],
                "availableReplicas": counts[2], "readyReplicas": counts[3],
                "conditions": [
                    {"type": "Progressing", "status": "True", "reason": reason},
                    {"type": "Available", "status": available},
                ],
            },
        })
    };
    let done = "NewReplicaSetAvailable";
    check(
        "apps/v1",
        "Deployment",
        &[
            (json!({}), Kind::InProgress, "Replicas: 0/1"),
            (
                with(done, "True", [1, 1, 1, 1]),
                Kind::Current,
                "Deployment is available. Replicas: 1",
            ),
            (
                with(done, "True", [1, 0, 1, 1]),
                Kind::InProgress,
                "Updated: 0/1",
            ),
            (
                with(done, "True", [2, 1, 1, 1]),
                Kind::InProgress,
                "Pending termination: 1",
            ),
            (
                with(done, "True", [1, 1, 0, 1]),
                Kind::InProgress,
                "Available: 0/1",
            ),
            (
                with(done, "True", [1, 1, 1, 0]),
                Kind::InProgress,
                "Ready: 0/1",
            ),
            (
                with("Other", "True", [1, 1, 1, 1]),
                Kind::InProgress,
                "ReplicaSet not Available",
            ),
            (
                with(done, "False", [1, 1, 1, 1]),
                Kind::InProgress,
                "Deployment not Available",
            ),
            (
                with("ProgressDeadlineExceeded", "True", [1, 1, 1, 1]),
                Kind::Failed,
                "Progress deadline exceeded",
            ),
        ],
    );
}

#[test]
fn stateful_sets_need_one_revision_or_their_partition() {
    let with = |strategy: Value, updated: i64, revision: &str| {
        json!({
            "spec": {"replicas": 2, "updateStrategy": strategy},
            "status": {
                "replicas": 2, "readyReplicas": 2, "currentReplicas": 2, "updatedReplicas": updated,
                "currentRevision": "a", "updateRevision": revision,
            },
        })
    };
    let partition = json!({"rollingUpdate": {"partition": 1}});
    check(
        "apps/v1",
        "StatefulSet",
        &[
            (json!({}), Kind::InProgress, "Replicas: 0/1"),
            (
                with(json!({}), 2, "a"),
                Kind::Current,
                "All replicas scheduled as expected. Replicas: 2",
            ),
            (
                with(json!({}), 2, "b"),
                Kind::InProgress,
                "Waiting for updated revision to match current",
            ),
            (
                with(partition.clone(), 0, "b"),
                Kind::InProgress,
                "updated: 0/1",
            ),
            (
                with(partition, 1, "b"),
                Kind::Current,
                "Partition rollout complete. updated: 1",
            ),
            (
                with(json!({"type": "OnDelete"}), 0, "b"),
                Kind::Current,
                "StatefulSet is using the ondelete update strategy",
            ),
        ],
    );
}

#[test]
fn daemon_and_replica_sets_need_all_their_pods() {
    let with = |ready: i64| {
        json!({
            "metadata": {"generation": 1},
            "status": {
                "observedGeneration": 1, "desiredNumberScheduled": 2, "currentNumberScheduled": 2,
                "updatedNumberScheduled": 2, "numberAvailable": 2, "numberReady": ready,
            },
        })
    };
    check(
        "apps/v1",
        "DaemonSet",
        &[
            (
                json!({}),
                Kind::InProgress,
                "DaemonSet metadata.generation not found",
            ),
            (with(1), Kind::InProgress, "Ready: 1/2"),
            (
                with(2),
                Kind::Current,
                "All replicas scheduled as expected. Replicas: 2",
            ),
        ],
    );
    let with = |labelled: i64| json!({"status": {"replicas": 1, "fullyLabeledReplicas": labelled, "availableReplicas": 1, "readyReplicas": 1}});
    check(
        "apps/v1",
        "ReplicaSet",
        &[
            (with(0), Kind::InProgress, "Labelled: 0/1"),
            (
                with(1),
                Kind::Current,
                "ReplicaSet is available. Replicas: 1",
            ),
        ],
    );
}

#[test]
fn pods_must_run_or_have_run() {
    let phase = |phase: &str| json!({"status": {"phase": phase}});
    let waiting = json!({"status": {"phase": "Running", "containerStatuses": [
        {"name": "web", "state": {"waiting": {"reason": "CrashLoopBackOff"}}}]}});
    let ready = json!({"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}});
    check(
        "v1",
        "Pod",
        &[
            (json!({}), Kind::InProgress, "Pod phase not available"),
            (
                phase("Pending"),
                Kind::InProgress,
                "Pod is in the Pending phase",
            ),
            (
                phase("Running"),
                Kind::InProgress,
                "Pod is running but is not Ready",
            ),
            (
                phase("Succeeded"),
                Kind::Current,
                "Pod has completed successfully",
            ),
            (
                phase("Failed"),
                Kind::Current,
                "Pod has completed, but not successfully",
            ),
            (ready, Kind::Current, "Pod is Ready"),
            (waiting, Kind::Failed, "Containers in CrashLoop state: web"),
        ],
    );
}

#[test]
fn an_unschedulable_pod_fails_after_fifteen_seconds_and_says_when() {
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"creationTimestamp": CREATED},
        "status": {"phase": "Pending", "conditions": [
            {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}]},
    });
    let early = compute(&pod, at(14));
    assert_eq!(
        (early.kind, early.changes_at),
        (Kind::InProgress, Some(at(15)))
    );
    let late = compute(&pod, at(16));
    assert_eq!((late.kind, late.changes_at), (Kind::Failed, None));
}

#[test]
fn jobs_are_done_when_complete_or_suspended() {
    let with = |kind: &str| json!({"status": {"succeeded": 1, "failed": 1, "conditions": [{"type": kind, "status": "True"}]}});
    check(
        "batch/v1",
        "Job",
        &[
            (json!({}), Kind::InProgress, "Job not started. active: 0/1"),
            (
                with("Complete"),
                Kind::Current,
                "Job Completed. succeeded: 1/1",
            ),
            (
                json!({"spec": {"suspend": true}}),
                Kind::Current,
                "Job is suspended",
            ),
            (with("Failed"), Kind::Failed, "Job Failed. failed: 1/1"),
        ],
    );
}

#[test]
fn plain_kinds_and_definitions() {
    check(
        "v1",
        "ConfigMap",
        &[(json!({}), Kind::Current, "Resource is always ready")],
    );
    check(
        "v1",
        "Service",
        &[
            (
                json!({"spec": {"type": "LoadBalancer"}}),
                Kind::InProgress,
                "ClusterIP not set. Service type: LoadBalancer",
            ),
            (json!({"spec": {}}), Kind::Current, "Service is ready"),
        ],
    );
    check(
        "v1",
        "PersistentVolumeClaim",
        &[
            (
                json!({}),
                Kind::InProgress,
                "PVC is not Bound. phase: unknown",
            ),
            (
                json!({"status": {"phase": "Bound"}}),
                Kind::Current,
                "PVC is Bound",
            ),
        ],
    );
    let with = |kind: &str, status: &str| json!({"status": {"conditions": [{"type": kind, "status": status, "message": "m"}]}});
    check(
        "apiextensions.k8s.io/v1",
        "CustomResourceDefinition",
        &[
            (json!({}), Kind::InProgress, "Install in progress"),
            (
                with("Established", "True"),
                Kind::Current,
                "CRD is established",
            ),
            (with("NamesAccepted", "False"), Kind::Failed, "m"),
        ],
    );
}

#[test]
fn a_failed_pod_counts_unless_it_may_yet_be_scheduled_or_makes_room() {
    let crashing = json!({"phase": "Running", "containerStatuses": [
        {"name": "c", "state": {"waiting": {"reason": "CrashLoopBackOff"}}},
    ]});
    let unschedulable = json!({"phase": "Pending", "conditions": [
        {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"},
    ]});
    for (deleting, status, failed) in [
        (false, &crashing, true),
        (true, &crashing, false),
        (false, &unschedulable, false),
        (false, &json!({"phase": "Running"}), false),
    ] {
        let mut pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {}, "status": status});
        if deleting {
            pod["metadata"]["deletionTimestamp"] = json!(CREATED);
        }
        assert_eq!(is_failed_pod(&pod, at(60)), failed, "{pod}");
    }
}
