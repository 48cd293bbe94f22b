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
async fn numbers_need_quotes_and_a_variable_may_hold_them() -> Result<()> {
    let text = r#"apiVersion: v1
kind: ConfigMap
metadata:
  name: a
  annotations: {on: "${quote}${on}${quote}"}
data:
  number: ${quote}${number}${quote}
  text: number ${number}
immutable: ${off}
"#;
    let bad =
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\ndata: {number: \"${number}\"}\n";
    let all = Loop::start(
        "substitute-numbers",
        &[("a/a.yaml", text), ("b/b.yaml", bad)],
    )
    .await?;
    let spec = |path: &str| {
        json!({
            "targetNamespace": all.namespace.name(), "path": path,
            "postBuild": {"substitute": {"number": "42", "on": "true", "off": "false", "quote": "\""}},
        })
    };
    all.kustomization("a", spec("a")).await?;
    all.applied("a", &all.revision()?).await?;
    let found = all.config_map("a").await?.context("applied")?;
    let data = found.data.unwrap_or_default();
    assert_eq!(data["number"], "42");
    assert_eq!(data["text"], "number 42");
    assert_eq!(found.immutable, Some(false));
    assert_eq!(found.metadata.annotations.unwrap_or_default()["on"], "true");
    // The build has taken the quotes off, so that a number is left.
    all.kustomization("b", spec("b")).await?;
    let failure = all.fails("b", "ReconciliationFailed").await?;
    ensure!(failure.contains("ConfigMap"), "{failure}");
    Ok(())
}

#[tokio::test]
async fn defaults_count_without_variables_where_the_strategy_says_so() -> Result<()> {
    let all = Loop::start(
        "substitute-always",
        &[("a.yaml", &template("a", "${a:=default}"))],
    )
    .await?;
    let spec = |strategy: &str| {
        json!({
            "targetNamespace": all.namespace.name(),
            "postBuild": {"substituteStrategy": strategy},
        })
    };
    all.kustomization("app", spec("WithVariables")).await?;
    all.applied("app", &all.revision()?).await?;
    let text = async || -> Result<String> {
        Ok(value(&all.config_map("a").await?.context("applied")?).to_owned())
    };
    assert_eq!(text().await?, "${a:=default}");
    all.kustomization("app", spec("Always")).await?;
    eventually(LIMIT, "the default", async || {
        let text = text().await?;
        ensure!(text == "default", "still {text}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn the_owners_labels_are_not_substituted() -> Result<()> {
    let marked = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  labels: {kustomize.toolkit.fluxcd.io/name: \"${a}\"}\n  annotations: {kustomize.toolkit.fluxcd.io/substitute: enabled}\ndata: {v: \"${a}\"}\n";
    let exempt = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: b\n  annotations: {kustomize.toolkit.fluxcd.io/substitute: disabled}\ndata: {v: \"${a}\"}\n";
    let all = Loop::start(
        "substitute-owner",
        &[("a.yaml", marked), ("b.yaml", exempt)],
    )
    .await?;
    let spec =
        json!({"targetNamespace": all.namespace.name(), "postBuild": {"substitute": {"a": "x"}}});
    all.kustomization("app", spec).await?;
    all.applied("app", &all.revision()?).await?;
    for (name, expected) in [("a", "x"), ("b", "${a}")] {
        let found = all.config_map(name).await?.context("applied")?;
        assert_eq!(value(&found), expected);
        let labels = found.metadata.labels.unwrap_or_default();
        assert_eq!(labels["kustomize.toolkit.fluxcd.io/name"], "app");
    }
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
