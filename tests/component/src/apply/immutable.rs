//! Immutable fields: an error, or, when asked for, a new object.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use weir_apply::Force;

use super::{World, merge};

fn fixed(world: &World, value: &str) -> Value {
    let mut map = world.map("fixed", value);
    merge(&mut map, &json!({"immutable": true}));
    map
}

#[tokio::test]
async fn a_change_is_refused_and_with_force_recreated() -> Result<()> {
    let mut world = World::new("apply-immutable").await?;
    let namespace = world.name().to_owned();
    world
        .applied(&[fixed(&world, "1"), world.map("a", "1")])
        .await?;
    let before = world.there("fixed").await?;

    let changed = [fixed(&world, "2"), world.map("a", "2")];
    let expected = format!(
        "ConfigMap/{namespace}/fixed dry-run failed (Invalid): ConfigMap \"fixed\" is invalid: \
        data: Forbidden: field is immutable when `immutable` is set\n"
    );
    assert_eq!(world.refused(&changed).await?, expected);
    assert_eq!(world.there("a").await?["data"]["v"], "1");

    world.force = Force::Always;
    let lines = format!("ConfigMap/{namespace}/a configured\nConfigMap/{namespace}/fixed created");
    assert_eq!(world.applied(&changed).await?, lines);
    let after = world.there("fixed").await?;
    assert_eq!(after["data"]["v"], "2");
    ensure!(
        after["metadata"]["uid"] != before["metadata"]["uid"],
        "it is the same object"
    );
    Ok(())
}

#[tokio::test]
async fn an_annotation_asks_for_it_and_finalizers_are_waited_for() -> Result<()> {
    let world = World::new("apply-force-annotation").await?;
    world.applied(&[fixed(&world, "1")]).await?;
    let finalizers = |list: Value| json!({"metadata": {"finalizers": list}});
    world
        .patch("fixed", "other", &finalizers(json!(["example.com/wait"])))
        .await?;

    let mut map = world.marked("fixed", "2", "force", "Enabled");
    merge(&mut map, &json!({"immutable": true}));
    let objects = [map];
    let release = async {
        harness::eventually(super::LIMIT, "a deletion", async || {
            let live = world.there("fixed").await?;
            ensure!(
                live["metadata"]["deletionTimestamp"].is_string(),
                "it is not being deleted"
            );
            Ok(())
        })
        .await?;
        world.patch("fixed", "other", &finalizers(json!([]))).await
    };
    let (applied, released) = tokio::join!(world.applied(&objects), release);
    released?;
    assert_eq!(
        applied?,
        format!("ConfigMap/{}/fixed created", world.name())
    );
    Ok(())
}

#[tokio::test]
async fn force_does_not_delete_an_object_for_a_mistake_in_it() -> Result<()> {
    let mut world = World::new("apply-force-invalid").await?;
    world.force = Force::Always;
    let service = |port: i64| {
        world.object(
            "v1",
            "Service",
            "s",
            &json!({"spec": {"ports": [{"port": port}]}}),
        )
    };
    world.applied(&[service(80)]).await?;
    let path = "/api/v1/namespaces/{ns}/services/s";
    let before = world.get(path).await?;
    let message = world.refused(&[service(99_999_999)]).await?;
    assert!(message.contains("must be between 1 and 65535"), "{message}");
    assert_eq!(world.get(path).await?, before);
    Ok(())
}

#[tokio::test]
async fn a_job_template_and_a_selector_are_recreated_with_force() -> Result<()> {
    let mut world = World::new("apply-force-workloads").await?;
    world.force = Force::Always;
    let template = |label: &str| {
        json!({"metadata": {"labels": {"app": label}}, "spec": {"restartPolicy": "Never",
            "containers": [{"name": "c", "image": format!("example.com/{label}:1")}]}})
    };
    let job = |label: &str| {
        world.object(
            "batch/v1",
            "Job",
            "j",
            &json!({"spec": {"template": template(label)}}),
        )
    };
    let deployment = |label: &str| {
        let mut template = template(label);
        template["spec"]["restartPolicy"] = "Always".into();
        let spec = json!({"replicas": 0, "selector": {"matchLabels": {"app": label}}, "template": template});
        world.object("apps/v1", "Deployment", "d", &json!({"spec": spec}))
    };
    world.applied(&[job("a"), deployment("a")]).await?;
    let lines = format!("Deployment/{0}/d created\nJob/{0}/j created", world.name());
    assert_eq!(world.applied(&[job("b"), deployment("b")]).await?, lines);
    Ok(())
}
