//! Whose rights count, and which references are allowed.

use anyhow::{Context as _, Result, ensure};
use serde_json::json;

use crate::fixture::{Loop, config_map, is, message};
use weir_api::Reconcilable;

const RIGHTS: &str = "
apiVersion: v1
kind: ServiceAccount
metadata: {name: tenant}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: tenant}
rules: [{apiGroups: [''], resources: [configmaps], verbs: ['*']}]
";

fn binding(namespace: &str) -> String {
    json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "tenant"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "tenant"},
        "subjects": [{"kind": "ServiceAccount", "name": "tenant", "namespace": namespace}],
    })
    .to_string()
}

#[tokio::test]
async fn objects_are_applied_with_the_service_accounts_rights() -> Result<()> {
    let all = Loop::start("impersonate", &[("a.yaml", &config_map("a", "1"))]).await?;
    let namespace = all.namespace.name().to_owned();
    let spec = json!({"targetNamespace": namespace, "serviceAccountName": "tenant", "retryInterval": "1s"});
    all.kustomization("app", spec).await?;
    let failure = all.fails("app", "ReconciliationFailed").await?;
    ensure!(
        failure.contains(&format!(
            "User \"system:serviceaccount:{namespace}:tenant\" cannot patch resource"
        )),
        "{failure}"
    );
    all.namespace.apply(RIGHTS).await?;
    all.namespace.apply(&binding(&namespace)).await?;
    all.applied("app", &all.revision()?).await?;
    Ok(())
}

#[tokio::test]
async fn one_whose_account_is_gone_is_deleted_and_its_objects_stay() -> Result<()> {
    let all = Loop::start("impersonate-gone", &[("a.yaml", &config_map("a", "1"))]).await?;
    let namespace = all.namespace.name().to_owned();
    all.namespace.apply(RIGHTS).await?;
    all.namespace.apply(&binding(&namespace)).await?;
    all.kustomization(
        "app",
        json!({"targetNamespace": namespace, "serviceAccountName": "tenant"}),
    )
    .await?;
    all.applied("app", &all.revision()?).await?;
    let accounts = all
        .namespace
        .api::<k8s_openapi::api::core::v1::ServiceAccount>();
    accounts
        .delete("tenant", &kube::api::DeleteParams::default())
        .await?;
    all.delete("app").await?;
    all.config_map("a").await?.context("nobody may delete it")?;
    all.event(
        "app",
        "ReconciliationSucceeded",
        "unable to prune objects: \nConfigMap/",
    )
    .await?;
    Ok(())
}

#[tokio::test]
async fn a_source_in_another_namespace_is_refused_under_lockdown() -> Result<()> {
    let files = [("a.yaml", &*config_map("a", "1"))];
    let all = Loop::with_flags("lockdown", &files, &["--no-cross-namespace-refs"]).await?;
    let reference = json!({"kind": "GitRepository", "name": "app", "namespace": "default"});
    all.kustomization("app", json!({"sourceRef": reference}))
        .await?;
    let object = all
        .wait("app", "stalled", |object| {
            is(object.conditions(), "Stalled", "True", "AccessDenied")
        })
        .await?;
    let expected =
        "can't access 'GitRepository/default/app', cross-namespace references have been blocked";
    assert_eq!(message(object.conditions(), "Ready"), expected);
    all.event("app", "AccessDenied", expected).await?;
    all.kustomization("app", json!({"targetNamespace": all.namespace.name()}))
        .await?;
    all.applied("app", &all.revision()?).await?;
    Ok(())
}
