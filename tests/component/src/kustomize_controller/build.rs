//! What a folder's own kustomization can say, through the controller.

use anyhow::{Context as _, Result, ensure};
use harness::eventually;
use serde_json::json;

use crate::fixture::{LIMIT, Loop, config_map, inventory, value};

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

/// The plugins of one folder, some inline and some in files.
const PLUGINS: &str = r#"
resources: [a.yaml]
generators:
- made.yaml
- |
  apiVersion: builtin
  kind: SecretGenerator
  metadata: {name: secrets}
  name: secret
  literals: [k=v]
  options: {disableNameSuffixHash: true}
transformers:
- prefix.yaml
- |
  apiVersion: builtin
  kind: LabelTransformer
  metadata: {name: labels}
  labels: {team: blue}
  fieldSpecs: [{path: metadata/labels, create: true}]
- |
  apiVersion: builtin
  kind: PatchTransformer
  metadata: {name: patch}
  patch: '[{"op": "replace", "path": "/data/v", "value": "patched"}]'
  target: {kind: ConfigMap, name: a}
"#;

#[tokio::test]
async fn plugins_inline_and_in_files_are_applied() -> Result<()> {
    let made = "apiVersion: builtin\nkind: ConfigMapGenerator\nmetadata: {name: m}\nname: made\nliterals: [k=v]\noptions: {disableNameSuffixHash: true}\n";
    let prefix = "apiVersion: builtin\nkind: PrefixTransformer\nmetadata: {name: p}\nprefix: pre-\nfieldSpecs: [{path: metadata/name}]\n";
    let files = [
        ("kustomization.yaml", PLUGINS),
        ("made.yaml", made),
        ("prefix.yaml", prefix),
        ("a.yaml", &*config_map("a", "1")),
    ];
    let all = Loop::start("plugins", &files).await?;
    let namespace = all.namespace.name();
    // The generators' objects and the file's get their namespace from the spec.
    let spec = json!({"targetNamespace": namespace});
    all.kustomization("app", spec).await?;
    let object = all.applied("app", &all.revision()?).await?;
    assert_eq!(
        inventory(&object),
        [
            format!("{namespace}_pre-a__ConfigMap"),
            format!("{namespace}_pre-made__ConfigMap"),
            format!("{namespace}_pre-secret__Secret"),
        ]
    );
    let found = all.config_map("pre-a").await?.context("applied")?;
    assert_eq!(value(&found), "patched");
    let labels = found.metadata.labels.unwrap_or_default();
    assert_eq!(labels.get("team").map(String::as_str), Some("blue"));
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
