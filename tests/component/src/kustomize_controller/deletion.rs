//! What becomes of the objects when their Kustomization is deleted.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::fixture::{Loop, config_map};

async fn check(test: &str, spec: Value, suspended: bool, gone: bool) -> Result<()> {
    let all = Loop::start(test, &[("a.yaml", &config_map("a", "1"))]).await?;
    let mut whole = json!({"targetNamespace": all.namespace.name()});
    if let (Value::Object(whole), Value::Object(spec)) = (&mut whole, spec) {
        whole.extend(spec);
    }
    all.kustomization("app", whole.clone()).await?;
    all.applied("app", &all.revision()?).await?;
    if suspended {
        whole["suspend"] = json!(true);
        all.kustomization("app", whole).await?;
    }
    all.delete("app").await?;
    if gone {
        all.config_map_gone("a").await?;
        all.event("app", "ReconciliationSucceeded", "/a deleted")
            .await?;
    } else {
        let left = all.config_map("a").await?.context("the object stays")?;
        ensure!(
            left.metadata.deletion_timestamp.is_none(),
            "it is being deleted"
        );
    }
    Ok(())
}

#[tokio::test]
async fn mirror_prune_deletes_what_prune_would() -> Result<()> {
    check("delete-mirror", json!({}), false, true).await
}

#[tokio::test]
async fn mirror_prune_without_prune_keeps_the_objects() -> Result<()> {
    check("delete-mirror-keep", json!({"prune": false}), false, false).await
}

#[tokio::test]
async fn delete_deletes_even_without_prune() -> Result<()> {
    check(
        "delete-delete",
        json!({"prune": false, "deletionPolicy": "Delete"}),
        false,
        true,
    )
    .await
}

#[tokio::test]
async fn wait_for_termination_deletes_and_waits() -> Result<()> {
    let policy = json!({"prune": false, "deletionPolicy": "WaitForTermination"});
    check("delete-wait", policy, false, true).await
}

#[tokio::test]
async fn orphan_keeps_the_objects_although_prune_is_on() -> Result<()> {
    check(
        "delete-orphan",
        json!({"deletionPolicy": "Orphan"}),
        false,
        false,
    )
    .await
}

#[tokio::test]
async fn a_suspended_one_keeps_the_objects() -> Result<()> {
    check("delete-suspended", json!({}), true, false).await
}

#[tokio::test]
async fn one_that_was_never_reconciled_goes_away() -> Result<()> {
    let all = Loop::start("delete-early", &[("a.yaml", &config_map("a", "1"))]).await?;
    all.kustomization("app", json!({"suspend": true})).await?;
    all.delete("app").await
}

#[tokio::test]
async fn one_that_fails_is_deleted_with_what_it_applied() -> Result<()> {
    let all = Loop::start("delete-failing", &[("a.yaml", &config_map("a", "1"))]).await?;
    all.kustomization("app", json!({"targetNamespace": all.namespace.name()}))
        .await?;
    all.applied("app", &all.revision()?).await?;
    all.push(&[("a.yaml", "a: [")], &[]).await?;
    all.fails("app", "BuildFailed").await?;
    all.delete("app").await?;
    all.config_map_gone("a").await
}
