//! Labels and annotations by which objects ask to be treated otherwise.

use anyhow::Result;
use serde_json::json;

use super::World;

#[tokio::test]
async fn objects_that_ask_for_it_are_left_alone_and_stay_in_the_inventory() -> Result<()> {
    let world = World::new("apply-skip").await?;
    world
        .applied(&[
            world.map("off", "1"),
            world.map("ignored", "1"),
            world.map("live", "1"),
        ])
        .await?;
    let mark =
        json!({"metadata": {"annotations": {"kustomize.toolkit.fluxcd.io/reconcile": "Disabled"}}});
    world.patch("live", "kubectl", &mark).await?;

    let objects = [
        world.marked("off", "2", "reconcile", "disabled"),
        world.marked("ignored", "2", "ssa", "Ignore"),
        world.marked("once", "1", "ssa", "IfNotPresent"),
        world.map("live", "2"),
    ];
    let outcome = world.apply(&objects).await?;
    assert_eq!(
        outcome.changes.changed_lines(),
        format!("ConfigMap/{}/once created", world.name())
    );
    assert_eq!(outcome.changes.inventory().len(), 4);
    for name in ["off", "ignored", "live"] {
        assert_eq!(world.there(name).await?["data"]["v"], "1", "{name}");
    }
    world
        .patch("once", "other", &json!({"data": {"v": "theirs"}}))
        .await?;
    assert_eq!(world.applied(&objects).await?, "");
    assert_eq!(world.there("once").await?["data"]["v"], "theirs");

    let pruned = world
        .applier()
        .prune(&outcome.changes.inventory(), &world.owner)
        .await;
    let expected = [
        ("once", "deleted"),
        ("off", "deleted"),
        ("live", "skipped"),
        ("ignored", "deleted"),
    ]
    .map(|(name, action)| format!("ConfigMap/{}/{name} {action}", world.name()));
    assert_eq!(
        pruned.changes.all_lines(),
        expected.join("\n"),
        "only the live object counts"
    );
    Ok(())
}

#[tokio::test]
async fn an_object_that_merges_keeps_what_others_put_there() -> Result<()> {
    let world = World::new("apply-merge").await?;
    world
        .create(
            "kubectl",
            &world.object("v1", "ConfigMap", "a", &json!({"data": {"theirs": "x"}})),
        )
        .await?;
    world
        .applied(&[world.marked("a", "1", "ssa", "Merge")])
        .await?;
    assert_eq!(
        world.there("a").await?["data"],
        json!({"v": "1", "theirs": "x"})
    );
    // The mark on the live object still counts when it is taken away; only the apply after that takes over.
    assert_eq!(
        world.applied(&[world.map("a", "1")]).await?.lines().count(),
        1
    );
    assert_eq!(
        world.applied(&[world.map("a", "1")]).await?.lines().count(),
        1
    );
    assert_eq!(world.there("a").await?["data"], json!({"v": "1"}));
    Ok(())
}
