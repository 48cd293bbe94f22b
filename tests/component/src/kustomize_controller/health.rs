//! Waiting for what was applied.

use anyhow::{Result, ensure};
use harness::eventually;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};
use weir_api::Reconcilable;
use weir_api::kustomize::v1::Kustomization;

use crate::fixture::{LIMIT, Loop, config_map, inventory, is, message};

fn deployment(replicas: u32) -> String {
    let labels = json!({"app": "web"});
    let containers = json!([{"name": "web", "image": "example.com/web:1.0"}]);
    let spec: Value = json!({
        "replicas": replicas, "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": {"containers": containers}},
    });
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec}).to_string()
}

#[tokio::test]
async fn ready_waits_until_everything_is_current() -> Result<()> {
    let files = [
        ("c.yaml", &*config_map("c", "1")),
        ("d.yaml", &*deployment(0)),
    ];
    let all = Loop::start("wait", &files).await?;
    all.kustomization(
        "app",
        json!({"targetNamespace": all.namespace.name(), "wait": true}),
    )
    .await?;
    let object = all.applied("app", &all.revision()?).await?;
    assert!(is(object.conditions(), "Healthy", "True", "Succeeded"));
    ensure!(message(object.conditions(), "Healthy").starts_with("Health check passed in "));
    all.event("app", "Progressing", "Health check passed in ")
        .await?;
    Ok(())
}

#[tokio::test]
async fn a_timeout_names_what_is_not_ready_and_a_new_revision_ends_the_wait() -> Result<()> {
    let files = [
        ("c.yaml", &*config_map("c", "1")),
        ("d.yaml", &*deployment(1)),
    ];
    let all = Loop::start("wait-timeout", &files).await?;
    let namespace = all.namespace.name().to_owned();
    let spec = json!({"targetNamespace": namespace, "wait": true, "timeout": "30s", "retryInterval": "1h"});
    all.kustomization("app", spec).await?;
    let first = all.revision()?;
    let failure = all.fails("app", "HealthCheckFailed").await?;
    ensure!(
        failure.starts_with("health check failed after 30"),
        "{failure}"
    );
    ensure!(
        failure.ends_with(&format!(
            ": timeout waiting for: [Deployment/{namespace}/web status: 'InProgress']"
        )),
        "{failure}"
    );
    let object = all
        .wait("app", "failed", |object| {
            is(object.conditions(), "Healthy", "False", "HealthCheckFailed")
        })
        .await?;
    assert_eq!(
        inventory(&object).len(),
        2,
        "what was applied is in the inventory"
    );
    assert_eq!(
        object
            .status
            .as_ref()
            .map(|status| status.last_applied_revision.as_str()),
        Some("")
    );
    assert_eq!(
        object
            .status
            .as_ref()
            .map(|status| status.last_attempted_revision.clone()),
        Some(first)
    );

    // The next revision is applied while the wait for this one would go on.
    all.request::<weir_api::kustomize::v1::Kustomization>("app")
        .await?;
    all.wait("app", "waiting", |object| {
        is(object.conditions(), "Healthy", "Unknown", "Progressing")
    })
    .await?;
    let revision = all.push(&[("d.yaml", &deployment(0))], &[]).await?;
    all.applied("app", &revision).await?;
    Ok(())
}

#[tokio::test]
async fn named_objects_are_waited_for_and_a_missing_namespace_is_an_error() -> Result<()> {
    let all = Loop::start("health-checks", &[("d.yaml", &deployment(0))]).await?;
    let namespace = all.namespace.name().to_owned();
    let spec = |check: Value| json!({"targetNamespace": namespace, "healthChecks": [check]});
    all.kustomization("app", spec(json!({"kind": "Deployment", "name": "web"})))
        .await?;
    let failure = all.fails("app", "HealthCheckFailed").await?;
    ensure!(
        failure.ends_with(
            ": resource Deployment.apps web is namespace scoped, but namespace is not set"
        ),
        "{failure}"
    );
    all.kustomization(
        "app",
        spec(json!({"kind": "Deployment", "name": "web", "namespace": namespace})),
    )
    .await?;
    let object = all.applied("app", &all.revision()?).await?;
    assert!(is(object.conditions(), "Healthy", "True", "Succeeded"));
    Ok(())
}

#[tokio::test]
async fn without_a_check_there_is_no_healthy_condition() -> Result<()> {
    let all = Loop::start("wait-off", &[("c.yaml", &config_map("c", "1"))]).await?;
    let spec = |wait: bool| json!({"targetNamespace": all.namespace.name(), "wait": wait});
    all.kustomization("app", spec(true)).await?;
    all.applied("app", &all.revision()?).await?;
    all.kustomization("app", spec(false)).await?;
    all.wait("app", "no Healthy condition", |object| {
        object
            .conditions()
            .iter()
            .all(|condition| condition.type_ != "Healthy")
            && is(
                object.conditions(),
                "Ready",
                "True",
                "ReconciliationSucceeded",
            )
    })
    .await?;
    Ok(())
}

/// Upstream finishes a check before it begins the next pass; here newer work ends it. What is told is the same.
#[tokio::test]
async fn a_check_that_newer_work_ended_is_told_as_one_that_went_on() -> Result<()> {
    let all = Loop::start("health-news", &[("c.yaml", &config_map("c", "1"))]).await?;
    let scaled = async |replicas: u32| all.namespace.apply(&deployment(replicas)).await;
    scaled(0).await?;
    let check = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "namespace": all.namespace.name()});
    let spec = |timeout: &str| json!({"targetNamespace": all.namespace.name(), "timeout": timeout, "healthChecks": [check]});
    all.kustomization("app", spec("10m")).await?;
    all.applied("app", &all.revision()?).await?;
    let told = || {
        let passed = |event: &&Value| {
            let text = event["message"].as_str().unwrap_or_default();
            text.starts_with("Health check passed in ")
        };
        all.events.events().iter().filter(passed).count()
    };
    all.event("app", "Progressing", "Health check passed in ")
        .await?;
    scaled(1).await?;
    // Two passes wait, one after the other, for what was healthy before them.
    for timeout in ["11m0s", "12m0s"] {
        all.kustomization("app", spec(timeout)).await?;
        let waits = format!("with a timeout of {timeout}");
        all.wait("app", "a health check under way", |object| {
            is(object.conditions(), "Healthy", "Unknown", "Progressing")
                && message(object.conditions(), "Healthy").ends_with(&waits)
        })
        .await?;
    }
    scaled(0).await?;
    all.applied("app", &all.revision()?).await?;
    // A revision that changes objects is told when its health check passes, ended by newer work or not.
    assert_eq!(told(), 1, "nothing new was found out");
    scaled(1).await?;
    let revision = all.push(&[("c.yaml", &config_map("c", "2"))], &[]).await?;
    let of_revision = |object: &Kustomization| {
        let text = message(object.conditions(), "Healthy");
        text.contains(&revision) && is(object.conditions(), "Healthy", "Unknown", "Progressing")
    };
    all.wait("app", "a health check of the new revision", of_revision)
        .await?;
    all.kustomization("app", spec("13m0s")).await?;
    all.wait("app", "the same check gone on with", |object| {
        of_revision(object) && message(object.conditions(), "Healthy").ends_with("13m0s")
    })
    .await?;
    scaled(0).await?;
    all.applied("app", &revision).await?;
    eventually(LIMIT, "a second event", async || {
        ensure!(told() == 2, "{} were told", told());
        Ok(())
    })
    .await
}

/// A StatefulSet says nothing of pods that crash; Flux looks at them, and so must a wait that polls nothing.
#[tokio::test]
async fn a_pod_that_crashes_ends_the_wait_for_its_stateful_set() -> Result<()> {
    let set = "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: db}\nspec:\n  serviceName: db\n  selector: \
               {matchLabels: {app: db}}\n  template:\n    metadata: {labels: {app: db}}\n    spec: {containers: \
               [{name: db, image: db}]}\n";
    let all = Loop::start("health-pods", &[("a.yaml", set)]).await?;
    let spec = json!({"targetNamespace": all.namespace.name(), "wait": true, "timeout": "10m"});
    all.kustomization("app", spec).await?;
    let running =
        |object: &Kustomization| is(object.conditions(), "Healthy", "Unknown", "Progressing");
    all.wait("app", "a health check under way", running).await?;
    let pods = all.namespace.api::<k8s_openapi::api::core::v1::Pod>();
    let crash = json!({"status": {"phase": "Running", "containerStatuses": [{
        "name": "db", "image": "db", "imageID": "", "ready": false, "restartCount": 3,
        "state": {"waiting": {"reason": "CrashLoopBackOff"}},
    }]}});
    eventually(LIMIT, "a pod that crashes", async || {
        let patch = Patch::Merge(&crash);
        pods.patch_status("db-0", &PatchParams::default(), &patch)
            .await?;
        Ok(())
    })
    .await?;
    let failure = all.fails("app", "HealthCheckFailed").await?;
    let name = all.namespace.name();
    ensure!(
        failure.ends_with(&format!(
            "failed early due to stalled resources: [StatefulSet/{name}/db status: 'Failed']"
        )),
        "{failure}"
    );
    Ok(())
}

/// The Job is done and cleaned up while something else is still waited for.
#[tokio::test]
async fn a_job_that_is_cleaned_up_counts_as_done_and_does_not_come_back() -> Result<()> {
    let job = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: once}\nspec:\n  ttlSecondsAfterFinished: 1\n  \
               managedBy: example.com/test\n  template: {spec: {restartPolicy: Never, containers: [{name: j, image: j}]}}\n";
    let gate = "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: gate}\nspec: {suspend: \
                true, interval: 1h, prune: true, sourceRef: {kind: GitRepository, name: app}}\n";
    let all = Loop::start("health-ttl", &[("job.yaml", job), ("gate.yaml", gate)]).await?;
    let spec = json!({"targetNamespace": all.namespace.name(), "wait": true, "timeout": "10m"});
    all.kustomization("app", spec).await?;
    let running =
        |object: &Kustomization| is(object.conditions(), "Healthy", "Unknown", "Progressing");
    all.wait("app", "a health check under way", running).await?;
    let jobs = all.namespace.api::<k8s_openapi::api::batch::v1::Job>();
    let now = "2026-01-01T00:00:00Z";
    let condition = |kind: &str| json!({"type": kind, "status": "True", "lastTransitionTime": now, "lastProbeTime": now});
    let done = json!({"status": {
        "startTime": now, "completionTime": now, "succeeded": 1,
        "conditions": [condition("SuccessCriteriaMet"), condition("Complete")],
    }});
    jobs.patch_status("once", &PatchParams::default(), &Patch::Merge(&done))
        .await?;
    eventually(LIMIT, "the Job cleaned up", async || {
        ensure!(jobs.get_opt("once").await?.is_none(), "it is still there");
        Ok(())
    })
    .await?;
    let object = all.namespace.api::<Kustomization>().get("app").await?;
    ensure!(running(&object), "{:?}", object.conditions());

    let ready = json!({"status": {"observedGeneration": 1, "conditions": [{
        "type": "Ready", "status": "True", "reason": "Test", "message": "", "lastTransitionTime": now,
    }]}});
    let kustomizations = all.namespace.api::<Kustomization>();
    kustomizations
        .patch_status("gate", &PatchParams::default(), &Patch::Merge(&ready))
        .await?;
    all.applied("app", &all.revision()?).await?;
    ensure!(jobs.get_opt("once").await?.is_none(), "it came back");
    Ok(())
}

#[tokio::test]
async fn expressions_judge_every_kind_of_a_group() -> Result<()> {
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"k": "v"}});
    let files = [
        ("c.yaml", &*config_map("c", "1")),
        ("s.yaml", &*secret.to_string()),
    ];
    let all = Loop::start("health-exprs", &files).await?;
    let namespace = all.namespace.name().to_owned();
    let phase = |is: &str| {
        format!("has(metadata.annotations) && metadata.annotations['example.com/phase'] == '{is}'")
    };
    let rule = json!({"apiVersion": "v1", "current": phase("done"), "failed": phase("broken")});
    let spec = json!({
        "targetNamespace": namespace, "wait": true, "timeout": "10m", "retryInterval": "1h", "healthCheckExprs": [rule],
    });
    all.kustomization("app", spec).await?;
    let waiting =
        |object: &Kustomization| is(object.conditions(), "Healthy", "Unknown", "Progressing");
    all.wait("app", "waiting", waiting).await?;
    // Nobody owns the annotation, so that it stays.
    let annotate = async |plural: &str, name: &str, phase: &str| -> Result<()> {
        let annotations = json!({"example.com/phase": phase});
        let patch = Patch::Merge(json!({"metadata": {"annotations": annotations}}));
        let params = PatchParams::default();
        let client = all.namespace.client();
        if plural == "secrets" {
            let api =
                kube::Api::<k8s_openapi::api::core::v1::Secret>::namespaced(client, &namespace);
            api.patch(name, &params, &patch).await?;
        } else {
            let api =
                kube::Api::<k8s_openapi::api::core::v1::ConfigMap>::namespaced(client, &namespace);
            api.patch(name, &params, &patch).await?;
        }
        Ok(())
    };
    annotate("configmaps", "c", "done").await?;
    annotate("secrets", "s", "broken").await?;
    let failure = all.fails("app", "HealthCheckFailed").await?;
    ensure!(
        failure.ends_with(&format!(
            ": failed early due to stalled resources: [Secret/{namespace}/s status: 'Failed']"
        )),
        "{failure}"
    );
    annotate("secrets", "s", "done").await?;
    all.request::<Kustomization>("app").await?;
    let object = all.applied("app", &all.revision()?).await?;
    assert!(is(object.conditions(), "Healthy", "True", "Succeeded"));
    Ok(())
}
