//! Pruning deletes what is still ours, and says what it could not delete.

use std::time::Duration;

use anyhow::{Result, ensure};
use harness::ControlPlane;
use serde_json::json;
use weir_api::meta::InventoryEntry;
use weir_apply::{Action, inventory};

use super::World;

#[tokio::test]
async fn only_what_is_still_ours_is_deleted() -> Result<()> {
    let world = World::new("prune-owner").await?;
    let names = ["ours", "gone", "moved", "kept", "unlabelled"];
    let maps: Vec<_> = names.iter().map(|name| world.map(name, "1")).collect();
    let entries = world.apply(&maps).await?.changes.inventory();
    let labels = |labels| json!({"metadata": {"labels": labels}});
    world
        .patch(
            "moved",
            "other",
            &labels(json!({"kustomize.toolkit.fluxcd.io/name": "other"})),
        )
        .await?;
    world
        .patch(
            "unlabelled",
            "other",
            &json!({"metadata": {"labels": null}}),
        )
        .await?;
    let keep =
        json!({"metadata": {"annotations": {"kustomize.toolkit.fluxcd.io/prune": "disabled"}}});
    world.patch("kept", "other", &keep).await?;
    let request = http::Request::delete(format!(
        "/api/v1/namespaces/{}/configmaps/gone",
        world.name()
    ));
    world
        .namespace
        .client()
        .request::<serde_json::Value>(request.body(Vec::new())?)
        .await?;

    let mut forged = entries.clone();
    forged.push(InventoryEntry {
        id: "not an id".to_owned(),
        v: "v1".to_owned(),
    });
    forged.push(InventoryEntry {
        id: "default_kubernetes__Service".to_owned(),
        v: "v1".to_owned(),
    });
    forged.push(InventoryEntry {
        id: "a_b_gone.example.com_Nothing".to_owned(),
        v: "v1".to_owned(),
    });
    let pruned = world.applier().prune(&forged, &world.owner).await;
    let namespace = world.name();
    let expected = format!(
        "Nothing/a/b deleted\nService/default/kubernetes skipped\n\
        ConfigMap/{namespace}/unlabelled skipped\nConfigMap/{namespace}/ours deleted\n\
        ConfigMap/{namespace}/moved skipped\nConfigMap/{namespace}/kept skipped\nConfigMap/{namespace}/gone deleted"
    );
    assert_eq!(
        pruned
            .changes
            .all_lines()
            .replace("Service/default/kubernetes skipped\n", ""),
        expected.replace("Service/default/kubernetes skipped\n", "")
    );
    assert_eq!((pruned.failure, pruned.survivors), (None, Vec::new()));
    ensure!(
        world.config_map("ours").await?.is_none(),
        "it is still there"
    );
    for name in ["moved", "kept", "unlabelled"] {
        world.there(name).await?;
    }
    Ok(())
}

#[tokio::test]
async fn what_may_not_be_deleted_stays_in_the_inventory() -> Result<()> {
    let mut world = World::new("prune-forbidden").await?;
    let namespace = world.name().to_owned();
    let entries = world
        .apply(&[world.map("a", "1")])
        .await?
        .changes
        .inventory();
    let rbac = "rbac.authorization.k8s.io";
    let rules =
        json!([{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "patch"]}]);
    let role = json!({"apiVersion": format!("{rbac}/v1"), "kind": "Role",
        "metadata": {"name": "tenant"}, "rules": rules});
    let binding = json!({"apiVersion": format!("{rbac}/v1"), "kind": "RoleBinding", "metadata": {"name": "tenant"},
        "roleRef": {"apiGroup": rbac, "kind": "Role", "name": "tenant"},
        "subjects": [{"kind": "ServiceAccount", "name": "tenant", "namespace": namespace}]});
    world
        .namespace
        .apply(&format!("{role}\n---\n{binding}"))
        .await?;
    let user = format!("system:serviceaccount:{namespace}:tenant");
    world.act_as(ControlPlane::shared().await?.client_as(&user, &[]).await?);
    let expected = format!(
        "delete failed, errors: ConfigMap/{namespace}/a delete failed: configmaps \"a\" is forbidden: \
        User \"{user}\" cannot delete resource \"configmaps\" in API group \"\" in the namespace \"{namespace}\";"
    );
    let pruned = harness::eventually(super::LIMIT, "the right to read", async || {
        let pruned = world.applier().prune(&entries, &world.owner).await;
        let failure = pruned
            .failure
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default();
        ensure!(!failure.contains("query failed"), "{failure}");
        Ok(pruned)
    })
    .await?;
    assert_eq!(
        pruned.failure.map(|failure| failure.to_string()),
        Some(expected)
    );
    assert_eq!(pruned.survivors, entries);
    assert_eq!(inventory::union(&[], &pruned.survivors), entries);
    Ok(())
}

#[tokio::test]
async fn an_object_that_waits_for_somebody_counts_as_deleted_and_can_be_waited_for() -> Result<()> {
    let world = World::new("prune-finalizer").await?;
    let entries = world
        .apply(&[world.map("a", "1")])
        .await?
        .changes
        .inventory();
    let finalizers = |list| json!({"metadata": {"finalizers": list}});
    world
        .patch("a", "other", &finalizers(json!(["example.com/wait"])))
        .await?;
    let applier = world.applier();
    let pruned = applier.prune(&entries, &world.owner).await;
    assert_eq!(
        pruned.changes.all_lines(),
        format!("ConfigMap/{}/a deleted", world.name())
    );

    let error = applier
        .wait_gone(&pruned.changes, Duration::from_millis(300))
        .await
        .err();
    let message = format!(
        "timeout waiting for: [ConfigMap/{}/a status: 'Terminating']",
        world.name()
    );
    assert_eq!(error.map(|error| error.to_string()), Some(message));
    world.patch("a", "other", &finalizers(json!([]))).await?;
    applier.wait_gone(&pruned.changes, super::LIMIT).await?;
    Ok(())
}

#[tokio::test]
async fn an_object_that_moves_meanwhile_is_not_deleted() -> Result<()> {
    let world = World::new("prune-race").await?;
    let mut moved = 0;
    for round in 0..20 {
        let name = format!("a{round}");
        let entries = world
            .apply(&[world.map(&name, "1")])
            .await?
            .changes
            .inventory();
        let labels = json!({"kustomize.toolkit.fluxcd.io/name": "other"});
        let labels = json!({"metadata": {"labels": labels}});
        let applier = world.applier();
        let (pruned, relabelled) = tokio::join!(
            applier.prune(&entries, &world.owner),
            world.patch(&name, "other", &labels)
        );
        // Whoever comes first: what bears the other label is still there.
        if relabelled.is_ok() {
            world.there(&name).await?;
            assert_eq!(pruned.changes.entries[0].action, Action::Skipped);
            moved += 1;
        } else {
            assert_eq!(pruned.changes.entries[0].action, Action::Deleted);
        }
    }
    ensure!(moved > 0, "no round moved the object first");
    Ok(())
}
