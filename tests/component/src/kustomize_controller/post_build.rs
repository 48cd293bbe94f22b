//! Variables in what was built.

use anyhow::{Context as _, Result, ensure};
use harness::eventually;
use serde_json::json;

use crate::fixture::{LIMIT, Loop, config_map, value};

fn template(name: &str, text: &str) -> String {
    config_map(name, text)
}

#[tokio::test]
async fn inline_values_win_over_those_of_config_maps_and_secrets() -> Result<()> {
    let all = Loop::start(
        "substitute",
        &[("a.yaml", &template("a", "${a}-${b}-${c:=default}"))],
    )
    .await?;
    all.namespace
        .apply("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: vars}\ndata: {a: map, b: map}\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: vars}\nstringData: {b: \"se\\ncret\"}\n")
        .await?;
    all.kustomization(
        "app",
        json!({
            "targetNamespace": all.namespace.name(),
            "postBuild": {
                "substitute": {"a": "inline"},
                "substituteFrom": [
                    {"kind": "ConfigMap", "name": "vars"}, {"kind": "Secret", "name": "vars"},
                    {"kind": "Secret", "name": "absent", "optional": true},
                ],
            },
        }),
    )
    .await?;
    all.applied("app", &all.revision()?).await?;
    assert_eq!(
        value(&all.config_map("a").await?.context("applied")?),
        "inline-secret-default"
    );
    Ok(())
}

#[tokio::test]
async fn a_variable_that_is_not_set_fails_the_build() -> Result<()> {
    let all = Loop::start(
        "substitute-strict",
        &[("a.yaml", &template("a", "${nope}"))],
    )
    .await?;
    let spec =
        json!({"targetNamespace": all.namespace.name(), "postBuild": {"substitute": {"a": "1"}}});
    all.kustomization("app", spec).await?;
    let failure = all.fails("app", "BuildFailed").await?;
    let expected = "post build failed for 'ConfigMap.v1.[noGrp]/a': envsubst error: variable substitution failed: variable not set (strict mode): \"nope\"";
    assert_eq!(failure, expected);
    Ok(())
}

#[tokio::test]
async fn a_missing_config_map_fails_the_build_until_it_exists() -> Result<()> {
    let all = Loop::start("substitute-later", &[("a.yaml", &template("a", "${v}"))]).await?;
    all.kustomization(
        "app",
        json!({
            "targetNamespace": all.namespace.name(), "retryInterval": "1s",
            "postBuild": {"substituteFrom": [{"kind": "ConfigMap", "name": "later"}]},
        }),
    )
    .await?;
    let failure = all.fails("app", "BuildFailed").await?;
    ensure!(
        failure
            .ends_with("substitute from 'ConfigMap/later' error: configmaps \"later\" not found"),
        "{failure}"
    );
    all.namespace
        .apply("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: later}\ndata: {v: here}\n")
        .await?;
    all.applied("app", &all.revision()?).await?;
    assert_eq!(
        value(&all.config_map("a").await?.context("applied")?),
        "here"
    );
    Ok(())
}

#[tokio::test]
async fn a_marked_resource_is_left_alone() -> Result<()> {
    let marked = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  labels: {kustomize.toolkit.fluxcd.io/substitute: disabled}\ndata: {v: \"${a}\"}\n";
    let all = Loop::start("substitute-disabled", &[("a.yaml", marked)]).await?;
    let spec =
        json!({"targetNamespace": all.namespace.name(), "postBuild": {"substitute": {"a": "1"}}});
    all.kustomization("app", spec).await?;
    all.applied("app", &all.revision()?).await?;
    assert_eq!(
        value(&all.config_map("a").await?.context("applied")?),
        "${a}"
    );
    Ok(())
}

#[tokio::test]
async fn a_change_of_a_labelled_config_map_is_applied_at_once() -> Result<()> {
    let all = Loop::start("substitute-watch", &[("a.yaml", &template("a", "${v}"))]).await?;
    let variables = |value: &str| {
        let label = "labels: {reconcile.fluxcd.io/watch: Enabled}";
        format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: vars, {label}}}\ndata: {{v: {value}}}\n"
        )
    };
    all.namespace.apply(&variables("one")).await?;
    let spec = json!({
        "targetNamespace": all.namespace.name(),
        "postBuild": {"substituteFrom": [{"kind": "ConfigMap", "name": "vars"}]},
    });
    all.kustomization("app", spec).await?;
    all.applied("app", &all.revision()?).await?;
    // The interval is longer than the test may take: only being woken can make it pass.
    all.namespace.apply(&variables("two")).await?;
    eventually(LIMIT, "the new value", async || {
        let found = all.config_map("a").await?.context("applied")?;
        ensure!(value(&found) == "two", "still {}", value(&found));
        Ok(())
    })
    .await
}
