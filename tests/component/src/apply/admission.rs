//! Admission policies have the last word, on applies and on deletions.

use anyhow::{Result, ensure};
use serde_json::json;

use super::World;

/// A policy for ConfigMaps of the namespace that are named `guarded`.
async fn forbid(world: &World, operations: &[&str]) -> Result<()> {
    let name = world.name();
    let group = "admissionregistration.k8s.io/v1";
    let policy = json!({"apiVersion": group, "kind": "ValidatingAdmissionPolicy", "metadata": {"name": name}, "spec": {
        "failurePolicy": "Fail",
        "matchConstraints": {"resourceRules": [
            {"apiGroups": [""], "apiVersions": ["v1"], "operations": operations, "resources": ["configmaps"]}]},
        "validations": [{"message": "not this one",
            "expression": "(object == null ? oldObject : object).metadata.name != 'guarded'"}]}});
    let binding = json!({"apiVersion": group, "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": name},
        "spec": {"policyName": name, "validationActions": ["Deny"],
            "matchResources": {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}}}});
    world
        .namespace
        .apply(&format!("{policy}\n---\n{binding}"))
        .await?;
    Ok(())
}

#[tokio::test]
async fn a_refused_object_keeps_the_others_from_being_written() -> Result<()> {
    let world = World::new("admission-apply").await?;
    let name = world.name();
    forbid(&world, &["CREATE", "UPDATE"]).await?;
    let expected = format!(
        "ConfigMap/{name}/guarded dry-run failed (Invalid): configmaps \"guarded\" is forbidden: \
        ValidatingAdmissionPolicy '{name}' with binding '{name}' denied request: not this one\n"
    );
    let message = harness::eventually(super::LIMIT, "the policy in force", async || {
        let outcome = world.apply(&[world.map("guarded", "1")]).await?;
        outcome
            .failure
            .ok_or_else(|| anyhow::anyhow!("it is not in force"))
    })
    .await?;
    assert_eq!(message, expected);
    assert_eq!(
        world
            .refused(&[world.map("a", "1"), world.map("guarded", "2")])
            .await?,
        expected
    );
    ensure!(
        world.config_map("a").await?.is_none(),
        "the other object was written"
    );
    Ok(())
}

#[tokio::test]
async fn a_refused_deletion_leaves_the_object_in_the_inventory() -> Result<()> {
    let world = World::new("admission-delete").await?;
    let name = world.name();
    let maps = [world.map("a", "1"), world.map("guarded", "1")];
    world.applied(&maps).await?;
    forbid(&world, &["DELETE"]).await?;
    let expected = format!(
        "delete failed, errors: ConfigMap/{name}/guarded delete failed: configmaps \"guarded\" is forbidden: \
        ValidatingAdmissionPolicy '{name}' with binding '{name}' denied request: not this one;"
    );
    let pruned = harness::eventually(super::LIMIT, "the policy in force", async || {
        let entries = world.apply(&maps).await?.changes.inventory();
        let pruned = world.applier().prune(&entries, &world.owner).await;
        ensure!(pruned.failure.is_some(), "it is not in force");
        Ok(pruned)
    })
    .await?;
    assert_eq!(
        pruned.failure.map(|failure| failure.to_string()),
        Some(expected)
    );
    assert_eq!(pruned.survivors.len(), 1);
    assert_eq!(
        pruned.changes.all_lines(),
        format!("ConfigMap/{name}/a deleted")
    );
    Ok(())
}
