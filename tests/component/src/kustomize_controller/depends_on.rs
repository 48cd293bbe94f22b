//! Order between Kustomizations.

use anyhow::{Result, ensure};
use serde_json::json;

use crate::fixture::{Loop, config_map};

#[tokio::test]
async fn a_dependent_waits_and_goes_on_at_once_when_its_dependency_is_ready() -> Result<()> {
    let files = [
        ("one/a.yaml", &*config_map("a", "1")),
        ("two/b.yaml", &*config_map("b", "1")),
    ];
    // Longer than the test may take: only being woken can make it pass.
    let all = Loop::with_flags("depends-on", &files, &["--requeue-dependency=1h"]).await?;
    let namespace = all.namespace.name().to_owned();
    let spec = |path: &str| json!({"targetNamespace": namespace, "path": path});
    let mut second = spec("./two");
    second["dependsOn"] = json!([{"name": "first"}]);
    all.kustomization("second", second).await?;
    let failure = all.fails("second", "DependencyNotReady").await?;
    let expected = format!(
        "dependency '{namespace}/first' not found: kustomizations.kustomize.toolkit.fluxcd.io \"first\" not found"
    );
    assert_eq!(failure, expected);
    all.event("second", "DependencyNotReady", "retrying in 1h0m0s")
        .await?;

    all.kustomization("first", spec("./one")).await?;
    let revision = all.revision()?;
    all.applied("second", &revision).await?;
    all.applied("first", &revision).await?;

    let revision = all
        .push(
            &[
                ("one/a.yaml", &config_map("a", "2")),
                ("two/b.yaml", &config_map("b", "2")),
            ],
            &[],
        )
        .await?;
    let second = all.applied("second", &revision).await?;
    let first = all.applied("first", &revision).await?;
    let applied_at = |object: &weir_api::kustomize::v1::Kustomization| {
        object
            .status
            .as_ref()
            .map(|status| status.history[0].last_reconciled)
    };
    ensure!(
        applied_at(&first) <= applied_at(&second),
        "the dependency was applied first"
    );
    Ok(())
}

#[tokio::test]
async fn a_dependent_whose_dependency_is_gone_can_be_deleted() -> Result<()> {
    let all = Loop::start("depends-delete", &[("a.yaml", &config_map("a", "1"))]).await?;
    let spec = json!({"targetNamespace": all.namespace.name(), "dependsOn": [{"name": "never"}]});
    all.kustomization("app", spec).await?;
    all.fails("app", "DependencyNotReady").await?;
    all.delete("app").await
}
