//! Waiting for what was applied.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use weir_api::Reconcilable;

use crate::fixture::{Loop, config_map, inventory, is, message};

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
