//! Kinds that get a newer version with fields that have defaults.

use anyhow::{Context as _, Result};
use harness::eventually;
use serde_json::{Value, json};

use super::{LIMIT, World};

/// A definition with the first `versions` of v1beta1 and v1, of which the last is served; with `colour` v1 has a field with a default inside
/// of a list.
fn definition(group: &str, versions: usize, colour: bool) -> Value {
    let version = |(at, name): (usize, &str)| {
        let newest = at + 1 == versions;
        let mut item = json!({"type": "object", "properties": {"size": {"type": "string"}}});
        if colour && newest {
            item["properties"]["colour"] = json!({"type": "string", "default": "red"});
        }
        let spec =
            json!({"type": "object", "properties": {"parts": {"type": "array", "items": item}}});
        json!({
            "name": name, "served": newest, "storage": newest,
            "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}},
        })
    };
    let all = ["v1beta1", "v1"].into_iter().take(versions).enumerate();
    let all: Vec<Value> = all.map(version).collect();
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("widgets.{group}")},
        "spec": {
            "group": group, "scope": "Namespaced", "versions": all,
            "names": {"kind": "Widget", "plural": "widgets", "singular": "widget"},
        },
    })
}

#[tokio::test]
async fn entries_of_an_old_version_stop_an_apply_unless_they_are_migrated() -> Result<()> {
    let mut world = World::new("apply-migrate").await?;
    let group = format!("{}.example.com", world.name());
    let widget = |version: &str| {
        let fields = json!({"spec": {"parts": [{"size": "big"}]}});
        world.object(&format!("{group}/{version}"), "Widget", "w", &fields)
    };
    let (old, new) = (widget("v1beta1"), widget("v1"));
    world.applied(&[definition(&group, 1, false), old]).await?;
    world.applied(&[definition(&group, 2, false)]).await?;
    // Nothing differs, so that our entry stays what it is.
    world.applied(std::slice::from_ref(&new)).await?;
    // Somebody writes it, so that it is stored in the new version.
    let path = format!("/apis/{group}/v1/namespaces/{{ns}}/widgets/w");
    touch(&world, &path).await?;
    world.applied(&[definition(&group, 2, true)]).await?;
    // As long as the server goes by the old schema, nothing differs and nothing is written.
    let refused = eventually(LIMIT, "the new schema in use", async || {
        world.refused(std::slice::from_ref(&new)).await
    });
    let message = refused.await?;
    assert!(
        message.contains("field not declared in schema"),
        "{message}"
    );

    world.settings.migrate_api_version = true;
    world.applied(std::slice::from_ref(&new)).await?;
    let live = world.get(&path).await?.context("no Widget")?;
    let entries = live["metadata"]["managedFields"].as_array();
    let is_ours = |entry: &&Value| entry["manager"] == "kustomize-controller";
    let versions: Vec<_> = entries
        .into_iter()
        .flatten()
        .filter(is_ours)
        .map(|it| &it["apiVersion"])
        .collect();
    assert_eq!(versions, [&json!(format!("{group}/v1"))]);
    assert_eq!(world.applied(&[new]).await?, "");
    Ok(())
}

/// Writes an annotation, as somebody else.
async fn touch(world: &World, path: &str) -> Result<()> {
    let path = path.replace("{ns}", world.name());
    let patch = json!({"metadata": {"annotations": {"touched": "yes"}}});
    let request = http::Request::patch(format!("{path}?fieldManager=somebody"))
        .header("Content-Type", "application/merge-patch+json")
        .body(patch.to_string().into_bytes())?;
    world.namespace.client().request::<Value>(request).await?;
    Ok(())
}
