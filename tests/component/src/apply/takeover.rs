//! Objects that other tools made become ours.

use anyhow::Result;
use serde_json::{Value, json};

use super::{World, managers, merge};

#[tokio::test]
async fn what_kubectl_made_is_taken_over_once() -> Result<()> {
    let world = World::new("apply-takeover-kubectl").await?;
    let mut theirs = world.object(
        "v1",
        "ConfigMap",
        "a",
        &json!({"data": {"v": "theirs", "extra": "theirs"}}),
    );
    let last = json!({"kubectl.kubernetes.io/last-applied-configuration": theirs.to_string()});
    merge(
        &mut theirs,
        &json!({"metadata": {"labels": {"theirs": "x"}, "annotations": last}}),
    );
    world.create("kubectl-client-side-apply", &theirs).await?;

    let objects = [world.map("a", "git")];
    assert_eq!(
        world.applied(&objects).await?,
        format!("ConfigMap/{}/a configured", world.name())
    );
    let live = world.there("a").await?;
    assert_eq!(live["data"], json!({"v": "git"}));
    assert_eq!(live["metadata"].get("annotations"), None);
    assert_eq!(
        live["metadata"]["labels"]
            .as_object()
            .map(serde_json::Map::len),
        Some(2),
        "{live}"
    );
    assert_eq!(managers(&live), ["kustomize-controller/Apply"]);
    assert_eq!(world.applied(&objects).await?, "");
    Ok(())
}

#[tokio::test]
async fn an_edit_by_kubectl_is_undone_and_one_by_others_is_not() -> Result<()> {
    let world = World::new("apply-takeover-edit").await?;
    world.applied(&[world.map("a", "1")]).await?;
    world
        .patch("a", "kubectl-edit", &json!({"data": {"k": "x"}}))
        .await?;
    world
        .patch("a", "controller", &json!({"data": {"c": "x"}}))
        .await?;
    world.applied(&[world.map("a", "1")]).await?;
    assert_eq!(world.there("a").await?["data"], json!({"v": "1", "c": "x"}));
    Ok(())
}

#[tokio::test]
async fn traces_of_older_tools_go_and_the_rest_stays() -> Result<()> {
    let world = World::new("apply-takeover-legacy").await?;
    let metadata = json!({
        "annotations": {"kustomize.toolkit.fluxcd.io/checksum": "x", "fluxcd.io/sync-checksum": "x", "keep": "y"},
        "labels": {"fluxcd.io/sync-gc-mark": "x", "keep": "y"},
    });
    let mut theirs = world.map("a", "1");
    merge(&mut theirs, &json!({"metadata": metadata}));
    world.create("another-tool", &theirs).await?;
    world.applied(&[world.map("a", "1")]).await?;
    let live = world.there("a").await?;
    assert_eq!(live["metadata"]["annotations"], json!({"keep": "y"}));
    assert_eq!(live["metadata"]["labels"]["keep"], "y");
    assert_eq!(
        live["metadata"]["labels"].get("fluxcd.io/sync-gc-mark"),
        None
    );
    Ok(())
}

#[tokio::test]
async fn managers_of_the_operators_list_are_taken_over_too() -> Result<()> {
    let mut world = World::new("apply-override-manager").await?;
    let theirs: Value = world.object("v1", "ConfigMap", "a", &json!({"data": {"h": "helm"}}));
    world.create("helm", &theirs).await?;
    world.applied(&[world.map("a", "1")]).await?;
    assert_eq!(
        world.there("a").await?["data"],
        json!({"v": "1", "h": "helm"})
    );
    world.settings.override_managers = vec!["helm".to_owned()];
    world.applied(&[world.map("a", "1")]).await?;
    assert_eq!(world.there("a").await?["data"], json!({"v": "1"}));
    Ok(())
}
