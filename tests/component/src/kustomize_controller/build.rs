//! What a folder's own kustomization can say, through the controller.

mod plugins;

use anyhow::{Context as _, Result, ensure};
use harness::eventually;
use serde_json::json;

use crate::fixture::{LIMIT, Loop, config_map, inventory};

#[tokio::test]
async fn two_kustomization_files_in_one_folder_fail_the_build() -> Result<()> {
    let list = "resources: [a.yaml]\n";
    let files = [
        ("kustomization.yaml", list),
        ("Kustomization", list),
        ("a.yaml", &*config_map("a", "1")),
    ];
    let all = Loop::start("two-files", &files).await?;
    let spec = json!({"targetNamespace": all.namespace.name()});
    all.kustomization("app", spec).await?;
    let failure = all.fails("app", "BuildFailed").await?;
    ensure!(
        failure.contains("Found multiple kustomization files"),
        "{failure}"
    );
    assert!(all.config_map("a").await?.is_none());
    let revision = all.push(&[], &["Kustomization"]).await?;
    all.applied("app", &revision).await?;
    Ok(())
}

#[tokio::test]
async fn patches_delete_objects_together_and_apart() -> Result<()> {
    let names = ["a", "b", "c", "d", "kept"];
    let files: Vec<String> = names.iter().map(|name| config_map(name, "1")).collect();
    let paths = ["a.yaml", "b.yaml", "c.yaml", "d.yaml", "kept.yaml"];
    let files: Vec<(&str, &str)> = paths
        .into_iter()
        .zip(files.iter().map(String::as_str))
        .collect();
    let all = Loop::start("delete-patches", &files).await?;
    let delete = |name: &str| {
        format!("$patch: delete\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\n")
    };
    let together = [delete("a"), delete("b")].join("---\n");
    let patches = json!([{"patch": together}, {"patch": delete("c")}, {"patch": delete("d")}]);
    let spec = json!({"targetNamespace": all.namespace.name(), "patches": patches});
    all.kustomization("app", spec).await?;
    let object = all.applied("app", &all.revision()?).await?;
    let namespace = all.namespace.name();
    assert_eq!(inventory(&object), [format!("{namespace}_kept__ConfigMap")]);
    Ok(())
}

#[tokio::test]
async fn an_empty_list_of_resources_reconciles() -> Result<()> {
    let all = Loop::start("empty-list", &[("kustomization.yaml", "resources: []\n")]).await?;
    let spec = json!({"targetNamespace": all.namespace.name()});
    all.kustomization("app", spec).await?;
    let object = all.applied("app", &all.revision()?).await?;
    assert!(inventory(&object).is_empty());
    let files = [
        ("kustomization.yaml", "resources: [a.yaml]\n"),
        ("a.yaml", &*config_map("a", "1")),
    ];
    let revision = all.push(&files, &[]).await?;
    let object = all.applied("app", &revision).await?;
    assert_eq!(inventory(&object).len(), 1);
    Ok(())
}

#[tokio::test]
async fn origins_are_annotated_where_asked_for_and_go_again() -> Result<()> {
    let listed = "resources: [a.yaml]\n";
    let files = [
        ("kustomization.yaml", listed),
        ("a.yaml", &*config_map("a", "1")),
    ];
    let all = Loop::start("origins", &files).await?;
    let spec = |metadata: &[&str]| json!({"targetNamespace": all.namespace.name(), "buildMetadata": metadata});
    all.kustomization("app", spec(&["originAnnotations"]))
        .await?;
    all.applied("app", &all.revision()?).await?;
    let origin = async || -> Result<Option<String>> {
        let found = all.config_map("a").await?.context("applied")?;
        let annotations = found.metadata.annotations.unwrap_or_default();
        Ok(annotations.get("config.kubernetes.io/origin").cloned())
    };
    assert_eq!(origin().await?.as_deref(), Some("path: a.yaml\n"));
    all.kustomization("app", spec(&[])).await?;
    eventually(LIMIT, "the annotation goes", async || {
        ensure!(origin().await?.is_none());
        Ok(())
    })
    .await
}
