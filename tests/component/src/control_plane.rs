//! What all other tests here take for granted.

use std::time::Duration;

use anyhow::{Result, ensure};
use harness::{ControlPlane, eventually};
use k8s_openapi::api::core::v1::{ConfigMap, ServiceAccount};
use kube::ResourceExt as _;
use kube::api::DeleteParams;

const LIMIT: Duration = Duration::from_secs(20);

const OWNER_AND_OWNED: &str = "
apiVersion: v1
kind: ConfigMap
metadata: {name: owner}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: owned}
";

#[tokio::test]
async fn every_namespace_gets_a_default_service_account() -> Result<()> {
    let plane = ControlPlane::shared().await?;
    let namespace = plane.namespace("default-service-account").await?;
    namespace
        .wait_for::<ServiceAccount>("default", LIMIT, "the account", |_| true)
        .await?;
    Ok(())
}

#[tokio::test]
async fn owned_objects_are_garbage_collected() -> Result<()> {
    let plane = ControlPlane::shared().await?;
    let namespace = plane.namespace("garbage-collection").await?;
    let objects = namespace.apply(OWNER_AND_OWNED).await?;
    let uid = objects[0].uid().unwrap_or_default();
    let owner = format!("{{apiVersion: v1, kind: ConfigMap, name: owner, uid: {uid}}}");
    let metadata = format!("{{name: owned, ownerReferences: [{owner}]}}");
    namespace
        .apply(&format!(
            "{{apiVersion: v1, kind: ConfigMap, metadata: {metadata}}}"
        ))
        .await?;

    let maps = namespace.api::<ConfigMap>();
    maps.delete("owner", &DeleteParams::default()).await?;
    eventually(LIMIT, "the owned object gone", async || {
        ensure!(maps.get_opt("owned").await?.is_none(), "it is still there");
        Ok(())
    })
    .await
}
