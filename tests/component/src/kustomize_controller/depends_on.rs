//! Order between Kustomizations.

use anyhow::{Context as _, Result, ensure};
use kube::api::{Patch, PatchParams};
use serde_json::json;
use weir_api::Reconcilable as _;
use weir_api::kustomize::v1::Kustomization;

use crate::fixture::{Loop, config_map, is};

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
    let applied_at = |object: &Kustomization| {
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

/// Gives a Kustomization a label.
async fn label(all: &Loop, name: &str, version: &str) -> Result<()> {
    let patch = Patch::Merge(json!({"metadata": {"labels": {"version": version}}}));
    let api = kube::Api::<Kustomization>::namespaced(all.namespace.client(), all.namespace.name());
    api.patch(name, &PatchParams::default(), &patch).await?;
    Ok(())
}

#[tokio::test]
async fn an_expression_says_when_a_dependency_is_ready() -> Result<()> {
    let files = [
        ("one/a.yaml", &*config_map("a", "1")),
        ("two/b.yaml", &*config_map("b", "1")),
    ];
    // Longer than the test may take: only being woken can make it pass.
    let all = Loop::with_flags("ready-expr", &files, &["--requeue-dependency=1h"]).await?;
    let namespace = all.namespace.name().to_owned();
    let spec = |path: &str| json!({"targetNamespace": namespace, "path": path});
    // A dependency that is never ready counts if the expression says so.
    let mut first = spec("./one");
    first["suspend"] = json!(true);
    all.kustomization("first", first).await?;
    label(&all, "first", "1").await?;
    let mut second = spec("./two");
    let same = "dep.metadata.labels['version'] == self.metadata.labels['version']";
    second["dependsOn"] = json!([{"name": "first", "readyExpr": same}]);
    all.kustomization("second", second.clone()).await?;
    let failure = all.fails("second", "DependencyNotReady").await?;
    ensure!(
        failure == format!("failed to evaluate the CEL expression '{same}': no such key: labels"),
        "{failure}"
    );
    label(&all, "second", "2").await?;
    all.request::<Kustomization>("second").await?;
    let text = format!("dependency '{namespace}/first' is not ready according to readyExpr eval");
    all.wait("second", "not ready by the expression", |object| {
        crate::fixture::message(object.conditions(), "Ready") == text
    })
    .await?;
    all.event("second", "DependencyNotReady", "retrying in 1h0m0s")
        .await?;
    // The dependency alone changes: whoever waits for it looks again.
    label(&all, "first", "2").await?;
    all.applied("second", &all.revision()?).await?;
    Ok(())
}

#[tokio::test]
async fn with_its_gate_the_built_in_check_counts_beside_the_expression() -> Result<()> {
    let files = [("one/a.yaml", &*config_map("a", "1"))];
    let flags = ["--feature-gates=AdditiveCELDependencyCheck=true"];
    let all = Loop::with_flags("ready-gate", &files, &flags).await?;
    let namespace = all.namespace.name().to_owned();
    all.kustomization("first", json!({"path": "./one", "suspend": true}))
        .await?;
    let depends = json!([{"name": "first", "readyExpr": "dep.metadata.name == 'first'"}]);
    let spec = json!({"path": "./one", "targetNamespace": namespace, "dependsOn": depends});
    all.kustomization("second", spec).await?;
    let failure = all.fails("second", "DependencyNotReady").await?;
    assert_eq!(
        failure,
        format!("dependency '{namespace}/first' is not ready")
    );
    Ok(())
}

/// Fields of a spec, and what is said of them.
fn wrong_expressions() -> [(serde_json::Value, String); 4] {
    let dependency = "terminal error: failed to evaluate dependency first: ";
    [
        (
            json!({"dependsOn": [{"name": "first", "readyExpr": "self.metadata.name"}]}),
            format!("{dependency}CEL expression output type mismatch: expected bool, got dyn"),
        ),
        (
            json!({"dependsOn": [{"name": "first", "readyExpr": "nope == 1"}]}),
            format!("{dependency}failed to parse the CEL expression 'nope == 1': ERROR: <input>:1:1: undeclared reference to 'nope' (in container '')\n | nope == 1\n | ^"),
        ),
        (
            json!({"healthCheckExprs": [{"apiVersion": "v1", "kind": "ConfigMap", "current": "data.x ="}]}),
            "failed to create custom status evaluator for healthchecks[0]: failed to parse the expression Current: failed to parse the CEL expression 'data.x =': ".to_owned(),
        ),
        (
            json!({"healthCheckExprs": [
                {"apiVersion": "v1", "kind": "ConfigMap", "current": "true"},
                {"apiVersion": "v1", "kind": "ConfigMap", "current": "false"},
            ]}),
            "duplicate custom health check for GroupKind ConfigMap at healthchecks[1]".to_owned(),
        ),
    ]
}

#[tokio::test]
async fn a_wrong_expression_stalls_until_it_is_mended() -> Result<()> {
    let files = [("one/a.yaml", &*config_map("a", "1"))];
    let all = Loop::start("expr-stalls", &files).await?;
    let namespace = all.namespace.name().to_owned();
    let spec = json!({"path": "./one", "targetNamespace": namespace});
    all.kustomization("first", spec.clone()).await?;
    all.kustomization("second", spec.clone()).await?;
    let before = all.applied("second", &all.revision()?).await?;
    for (field, expected) in wrong_expressions() {
        let mut wrong = spec.clone();
        let fields = wrong.as_object_mut().context("an object")?;
        fields.extend(field.as_object().context("an object")?.clone());
        all.kustomization("second", wrong).await?;
        let expected =
            format!("Reconciliation failed terminally due to configuration error: {expected}");
        let object = all
            .wait("second", &expected, |object| {
                let said = crate::fixture::message(object.conditions(), "Stalled");
                said.starts_with(&expected)
                    && object.status.as_ref().and_then(|it| it.observed_generation)
                        == object.metadata.generation
            })
            .await?;
        assert!(is(
            object.conditions(),
            "Ready",
            "False",
            "InvalidCELExpression"
        ));
        assert!(is(
            object.conditions(),
            "Stalled",
            "True",
            "InvalidCELExpression"
        ));
        assert_eq!(
            crate::fixture::inventory(&object),
            crate::fixture::inventory(&before)
        );
    }
    all.event(
        "second",
        "InvalidCELExpression",
        "duplicate custom health check",
    )
    .await?;
    all.config_map("a").await?.context("still there")?;
    all.kustomization("second", spec).await?;
    all.wait("second", "mended", |object| {
        is(
            object.conditions(),
            "Ready",
            "True",
            "ReconciliationSucceeded",
        ) && object.conditions().iter().all(|it| it.type_ != "Stalled")
    })
    .await?;
    Ok(())
}
