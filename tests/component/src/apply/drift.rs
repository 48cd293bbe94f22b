//! What counts as drift, and that nothing else is written.

use anyhow::Result;
use serde_json::json;
use weir_apply::Action;

use super::{World, managers};

#[tokio::test]
async fn an_object_is_created_once_and_written_again_only_when_it_differs() -> Result<()> {
    let world = World::new("apply-drift").await?;
    let subject = format!("ConfigMap/{}/a", world.name());
    let objects = [world.map("a", "1")];
    assert_eq!(world.applied(&objects).await?, format!("{subject} created"));
    let first = world.there("a").await?;
    assert_eq!(managers(&first), ["kustomize-controller/Apply"]);

    assert_eq!(world.applied(&objects).await?, "");
    assert_eq!(
        world.there("a").await?["metadata"]["resourceVersion"],
        first["metadata"]["resourceVersion"]
    );

    let foreign = json!({"data": {"theirs": "x"}, "metadata": {"labels": {"theirs": "x"}}});
    world.patch("a", "other", &foreign).await?;
    assert_eq!(
        world.applied(&objects).await?,
        "",
        "fields of others are theirs"
    );

    world
        .patch("a", "other", &json!({"data": {"v": "2"}}))
        .await?;
    assert_eq!(
        world.applied(&objects).await?,
        format!("{subject} configured")
    );
    assert_eq!(
        world.there("a").await?["data"],
        json!({"v": "1", "theirs": "x"})
    );

    let outcome = world.apply(&[world.map("a", "3")]).await?;
    let live = world.there("a").await?;
    let change = &outcome.changes.entries[0];
    assert_eq!(change.action, Action::Configured);
    assert_eq!(change.uid, live["metadata"]["uid"]);
    assert_eq!(change.resource_version, live["metadata"]["resourceVersion"]);
    Ok(())
}

#[tokio::test]
async fn a_key_that_left_the_manifest_leaves_the_object() -> Result<()> {
    let world = World::new("apply-removed-key").await?;
    let with = |data| world.object("v1", "ConfigMap", "a", &json!({"data": data}));
    world.applied(&[with(json!({"a": "1", "b": "1"}))]).await?;
    world.applied(&[with(json!({"a": "1"}))]).await?;
    assert_eq!(world.there("a").await?["data"], json!({"a": "1"}));
    Ok(())
}

#[tokio::test]
async fn an_ignored_field_keeps_what_others_write_while_other_drift_is_corrected() -> Result<()> {
    let mut world = World::new("apply-ignore-rules").await?;
    let rule = json!({"paths": ["/data/keep"], "target": {"kind": "ConfigMap", "name": "a"}});
    world.ignore = vec![serde_json::from_value(rule)?];
    let map = |name| {
        world.object(
            "v1",
            "ConfigMap",
            name,
            &json!({"data": {"keep": "git", "fix": "git"}}),
        )
    };
    let objects = [map("a"), map("b")];
    world.applied(&objects).await?;
    for name in ["a", "b"] {
        world
            .patch(name, "someone", &json!({"data": {"keep": "theirs"}}))
            .await?;
    }
    let namespace = world.name().to_owned();
    let configured = |name| format!("ConfigMap/{namespace}/{name} configured");
    assert_eq!(world.applied(&objects).await?, configured("b"));
    assert_eq!(
        world.there("a").await?["data"],
        json!({"keep": "theirs", "fix": "git"})
    );

    world
        .patch("a", "someone", &json!({"data": {"fix": "theirs"}}))
        .await?;
    assert_eq!(world.applied(&objects).await?, configured("a"));
    assert_eq!(
        world.there("a").await?["data"],
        json!({"keep": "theirs", "fix": "git"})
    );
    assert_eq!(world.applied(&objects).await?, "");

    world.ignore = Vec::new();
    assert_eq!(world.applied(&objects).await?, configured("a"));
    assert_eq!(world.there("a").await?["data"]["keep"], "git");
    Ok(())
}
