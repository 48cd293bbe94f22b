//! Stages: what others need comes first, and nothing of a stage is written unless all of it is accepted.

use anyhow::{Result, ensure};
use serde_json::json;

use super::World;

#[tokio::test]
async fn a_namespace_comes_before_what_lives_in_it() -> Result<()> {
    let world = World::new("apply-namespace-first").await?;
    let made = format!("{}-made", world.name());
    let namespaced = |kind: &str, name: &str| json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": made}});
    let objects = [
        namespaced("ConfigMap", "a"),
        namespaced("ServiceAccount", "sa"),
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": made}}),
    ];
    let outcome = world.apply(&objects).await?;
    assert_eq!(outcome.failure, None);
    let lines = format!(
        "Namespace/{made} created\nServiceAccount/{made}/sa created\nConfigMap/{made}/a created"
    );
    assert_eq!(outcome.changes.changed_lines(), lines);
    let ids: Vec<String> = outcome
        .changes
        .inventory()
        .into_iter()
        .map(|entry| entry.id)
        .collect();
    let expected = [
        format!("_{made}__Namespace"),
        format!("{made}_sa__ServiceAccount"),
        format!("{made}_a__ConfigMap"),
    ];
    assert_eq!(ids, expected);

    let pruned = world
        .applier()
        .prune(&outcome.changes.inventory(), &world.owner)
        .await;
    let lines = format!(
        "ConfigMap/{made}/a deleted\nServiceAccount/{made}/sa deleted\nNamespace/{made} deleted"
    );
    assert_eq!(pruned.changes.all_lines(), lines);
    Ok(())
}

#[tokio::test]
async fn a_kind_and_an_object_of_it_can_come_together() -> Result<()> {
    let world = World::new("apply-crd-and-cr").await?;
    let group = format!("{}.example.com", world.name());
    let schema = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("widgets.{group}")},
        "spec": {
            "group": group, "scope": "Namespaced",
            "names": {"kind": "Widget", "plural": "widgets", "singular": "widget"},
            "versions": [{"name": "v1", "served": true, "storage": true, "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": schema}}],
        },
    });
    let widget = world.object(
        &format!("{group}/v1"),
        "Widget",
        "w",
        &json!({"spec": {"size": 1}}),
    );
    let objects = [widget, definition];
    let lines = format!(
        "CustomResourceDefinition/widgets.{group} created\nWidget/{}/w created",
        world.name()
    );
    let outcome = world.apply(&objects).await?;
    assert_eq!(outcome.failure, None);
    assert_eq!(outcome.changes.changed_lines(), lines);
    assert_eq!(world.applied(&objects).await?, "", "nothing is left to do");

    let pruned = world
        .applier()
        .prune(&outcome.changes.inventory(), &world.owner)
        .await;
    assert_eq!(pruned.failure, None);
    world
        .applier()
        .wait_gone(&pruned.changes, super::LIMIT)
        .await?;
    let again = world
        .applier()
        .prune(&outcome.changes.inventory(), &world.owner)
        .await;
    assert_eq!(again.changes, {
        let mut gone = again.changes.clone();
        for change in &mut gone.entries {
            change.action = weir_apply::Action::Deleted;
        }
        gone
    });
    Ok(())
}

#[tokio::test]
async fn one_refused_object_keeps_its_whole_stage_from_being_written() -> Result<()> {
    let world = World::new("apply-refused-stage").await?;
    let made = format!("{}-made", world.name());
    let service = world.object(
        "v1",
        "Service",
        "bad",
        &json!({"spec": {"ports": [{"port": 99_999_999}]}}),
    );
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": made}});
    let message = world
        .refused(&[world.map("a", "1"), service, namespace])
        .await?;
    let expected = format!(
        "Service/{}/bad dry-run failed (Invalid): Service \"bad\" is invalid: \
        [spec.ports[0].port: Invalid value: 99999999: must be between 1 and 65535, inclusive, \
        spec.ports[0].targetPort: Invalid value: 99999999: must be between 1 and 65535, inclusive]\n\
        Namespace/{made} created\n",
        world.name()
    );
    assert_eq!(message, expected);
    ensure!(
        world.config_map("a").await?.is_none(),
        "the other object of the stage was written"
    );
    Ok(())
}
