//! The words for what the API server refuses.

use anyhow::Result;
use harness::ControlPlane;
use serde_json::json;

use super::World;

#[tokio::test]
async fn an_unknown_kind() -> Result<()> {
    let world = World::new("apply-no-match").await?;
    let nothing = world.object("example.com/v1", "Nothing", "x", &json!({}));
    let expected = format!(
        "Nothing/{}/x dry-run failed: no matches for kind \"Nothing\" in version \"example.com/v1\"\n",
        world.name()
    );
    assert_eq!(
        world.refused(&[world.map("a", "1"), nothing]).await?,
        expected
    );
    Ok(())
}

#[tokio::test]
async fn a_namespace_that_is_missing_or_not_named() -> Result<()> {
    let world = World::new("apply-no-namespace").await?;
    let map = |metadata| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata});
    assert_eq!(
        world
            .refused(&[map(json!({"name": "a", "namespace": "not-there"}))])
            .await?,
        "ConfigMap/not-there/a not found: namespaces \"not-there\" not found\n"
    );
    assert_eq!(
        world.refused(&[map(json!({"name": "a"}))]).await?,
        "ConfigMap/a namespace not specified: the server could not find the requested resource\n"
    );
    Ok(())
}

/// Flux tells of one of them, whichever comes first, and of the next one when that is mended.
#[tokio::test]
async fn what_is_wrong_with_several_objects_is_told_at_once() -> Result<()> {
    let world = World::new("apply-several-errors").await?;
    let namespace = world.name();
    let number = |name: &str| world.object("v1", "ConfigMap", name, &json!({"data": {"n": 1}}));
    let port = json!({"spec": {"ports": [{"port": 0}]}});
    let service = world.object("v1", "Service", "web", &port);
    let message = world
        .refused(&[number("a"), world.map("b", "1"), number("c"), service])
        .await?;
    let subjects = ["ConfigMap", "ConfigMap", "Service"].iter();
    let subjects = subjects.zip(["a", "c", "web"]);
    let lines: Vec<&str> = message.lines().collect();
    assert_eq!(lines.len(), 3, "{message}");
    for (line, (kind, name)) in lines.iter().zip(subjects) {
        let begin = format!("{kind}/{namespace}/{name} dry-run failed");
        assert!(line.starts_with(&begin), "{message}");
    }
    assert!(world.config_map("b").await?.is_none(), "it was written");
    Ok(())
}

#[tokio::test]
async fn a_value_of_the_wrong_type() -> Result<()> {
    let world = World::new("apply-wrong-type").await?;
    let namespace = world.name();
    let map = world.object(
        "v1",
        "ConfigMap",
        "c",
        &json!({"data": {"n": 1, "s": "text"}}),
    );
    let expected = format!(
        "ConfigMap/{namespace}/c dry-run failed: failed to create typed patch object \
        ({namespace}/c; /v1, Kind=ConfigMap): .data.n: expected string, got &value.valueUnstructured{{Value:1}}\n"
    );
    assert_eq!(world.refused(&[map]).await?, expected);
    Ok(())
}

#[tokio::test]
async fn an_identity_without_rights() -> Result<()> {
    let mut world = World::new("apply-forbidden").await?;
    let namespace = world.name().to_owned();
    let user = format!("system:serviceaccount:{namespace}:tenant");
    world.act_as(ControlPlane::shared().await?.client_as(&user, &[]).await?);
    let expected = format!(
        "ConfigMap/{namespace}/a dry-run failed (Forbidden): configmaps \"a\" is forbidden: User \"{user}\" \
        cannot patch resource \"configmaps\" in API group \"\" in the namespace \"{namespace}\"\n"
    );
    assert_eq!(world.refused(&[world.map("a", "1")]).await?, expected);
    Ok(())
}

#[tokio::test]
async fn names_that_would_change_the_path_are_refused() -> Result<()> {
    let world = World::new("apply-hostile-names").await?;
    for name in ["..", "a/b", "a%2fb", "a?dryRun=All", "Bad_Name", "a b", "ä"] {
        let message = world.refused(&[world.map(name, "1")]).await?;
        assert!(message.contains("dry-run failed"), "{name}: {message}");
    }
    Ok(())
}

#[tokio::test]
async fn errors_about_a_secret_hold_none_of_its_values() -> Result<()> {
    let world = World::new("apply-secret-errors").await?;
    let canary = "canary-4711";
    let rows = [
        json!({"data": {"a": canary}}),
        json!({"data": {"a": 4711}}),
        json!({"stringData": {"a": canary}, "type": "kubernetes.io/dockerconfigjson"}),
        json!({"stringData": {"tls.crt": canary}, "type": "kubernetes.io/tls"}),
        json!({"stringData": {canary: "a b", "": canary}}),
        json!({"stringData": [canary]}),
    ];
    for fields in rows {
        let message = world
            .refused(&[world.object("v1", "Secret", "s", &fields)])
            .await?;
        let values_only = fields.to_string().contains(&format!("\"{canary}\":"));
        assert!(
            values_only || !message.contains("4711"),
            "{fields}: {message}"
        );
    }
    Ok(())
}
