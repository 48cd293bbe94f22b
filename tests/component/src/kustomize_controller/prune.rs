//! Garbage collection of what a build no longer contains.

use anyhow::{Context as _, Result};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Patch, PatchParams};
use serde_json::json;

use crate::fixture::{Loop, config_map, inventory, is};
use weir_api::Reconcilable;

#[tokio::test]
async fn a_removed_file_takes_its_object_with_it() -> Result<()> {
    let files = [
        ("a.yaml", &*config_map("a", "1")),
        ("b.yaml", &*config_map("b", "1")),
    ];
    let all = Loop::start("prune", &files).await?;
    let namespace = all.namespace.name().to_owned();
    all.kustomization("app", json!({"targetNamespace": namespace}))
        .await?;
    all.applied("app", &all.revision()?).await?;
    let revision = all
        .push(&[("a.yaml", &config_map("a", "2"))], &["b.yaml"])
        .await?;
    let object = all.applied("app", &revision).await?;
    assert_eq!(inventory(&object), [format!("{namespace}_a__ConfigMap")]);
    all.config_map_gone("b").await?;
    all.event(
        "app",
        "Progressing",
        &format!("ConfigMap/{namespace}/b deleted"),
    )
    .await?;
    Ok(())
}

#[tokio::test]
async fn without_prune_the_object_stays_and_leaves_the_inventory() -> Result<()> {
    let files = [
        ("a.yaml", &*config_map("a", "1")),
        ("b.yaml", &*config_map("b", "1")),
    ];
    let all = Loop::start("prune-off", &files).await?;
    all.kustomization(
        "app",
        json!({"targetNamespace": all.namespace.name(), "prune": false}),
    )
    .await?;
    all.applied("app", &all.revision()?).await?;
    let revision = all.push(&[], &["b.yaml"]).await?;
    let object = all.applied("app", &revision).await?;
    assert_eq!(inventory(&object).len(), 1);
    all.config_map("b").await?.context("b stays")?;
    Ok(())
}

#[tokio::test]
async fn an_object_marked_so_or_owned_by_others_is_not_pruned() -> Result<()> {
    let files = [
        ("a.yaml", &*config_map("a", "1")),
        ("b.yaml", &*config_map("b", "1")),
        ("c.yaml", &*config_map("c", "1")),
    ];
    let all = Loop::start("prune-exempt", &files).await?;
    let namespace = all.namespace.name().to_owned();
    all.kustomization("app", json!({"targetNamespace": namespace}))
        .await?;
    all.applied("app", &all.revision()?).await?;
    let maps = all.namespace.api::<ConfigMap>();
    let edit = |patch| Patch::Merge(json!({"metadata": patch}));
    let exempt = edit(json!({"annotations": {"kustomize.toolkit.fluxcd.io/prune": "disabled"}}));
    maps.patch("b", &PatchParams::default(), &exempt).await?;
    let foreign = edit(json!({"labels": {"kustomize.toolkit.fluxcd.io/name": "other"}}));
    maps.patch("c", &PatchParams::default(), &foreign).await?;
    let revision = all.push(&[], &["b.yaml", "c.yaml"]).await?;
    let object = all.applied("app", &revision).await?;
    assert_eq!(inventory(&object), [format!("{namespace}_a__ConfigMap")]);
    all.config_map("b").await?.context("b is exempt")?;
    all.config_map("c").await?.context("c is another's")?;
    all.event("app", "Progressing", "/b skipped").await?;
    Ok(())
}

#[tokio::test]
async fn an_empty_folder_prunes_everything_and_content_restores_it() -> Result<()> {
    let all = Loop::start(
        "prune-all",
        &[("app/a.yaml", &config_map("a", "1")), ("readme.txt", "")],
    )
    .await?;
    all.kustomization("app", json!({"targetNamespace": all.namespace.name()}))
        .await?;
    all.applied("app", &all.revision()?).await?;
    let revision = all.push(&[], &["app/a.yaml"]).await?;
    let object = all.applied("app", &revision).await?;
    assert!(inventory(&object).is_empty());
    all.config_map_gone("a").await?;
    let revision = all
        .push(&[("app/a.yaml", &config_map("a", "1"))], &[])
        .await?;
    all.applied("app", &revision).await?;
    all.config_map("a").await?.context("restored")?;
    Ok(())
}

#[tokio::test]
async fn a_foreign_finalizer_delays_the_object_not_the_pass() -> Result<()> {
    let files = [
        ("a.yaml", &*config_map("a", "1")),
        ("b.yaml", &*config_map("b", "1")),
    ];
    let all = Loop::start("prune-finalizer", &files).await?;
    all.kustomization("app", json!({"targetNamespace": all.namespace.name()}))
        .await?;
    all.applied("app", &all.revision()?).await?;
    let maps = all.namespace.api::<ConfigMap>();
    let hold = Patch::Merge(json!({"metadata": {"finalizers": ["example.com/hold"]}}));
    maps.patch("b", &PatchParams::default(), &hold).await?;
    let revision = all.push(&[], &["b.yaml"]).await?;
    let object = all.applied("app", &revision).await?;
    assert_eq!(inventory(&object).len(), 1);
    assert!(is(
        object.conditions(),
        "Ready",
        "True",
        "ReconciliationSucceeded"
    ));
    let held = all.config_map("b").await?.context("held")?;
    assert!(held.metadata.deletion_timestamp.is_some());
    let release = Patch::Merge(json!({"metadata": {"finalizers": null}}));
    maps.patch("b", &PatchParams::default(), &release).await?;
    all.config_map_gone("b").await
}
