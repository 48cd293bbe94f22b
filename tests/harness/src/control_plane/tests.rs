//! The control plane does what tests rely on.

use std::time::Instant;

use anyhow::ensure;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace as CoreNamespace};
use kube::ResourceExt as _;
use kube::api::DeleteParams;

use super::*;

const DEPLOYMENT: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: app}
spec:
  replicas: 0
  selector: {matchLabels: {app: app}}
  template:
    metadata: {labels: {app: app}}
    spec: {containers: [{name: app, image: app}]}
";

#[tokio::test]
async fn deployments_and_namespaces_are_reconciled() {
    let start = Instant::now();
    let plane = ControlPlane::shared().await.unwrap();
    eprintln!("ready with CRDs after {:?}", start.elapsed());
    let namespace = plane.namespace("control-plane-reconciles").await.unwrap();
    namespace.apply(DEPLOYMENT).await.unwrap();
    let limit = Duration::from_secs(20);
    let available = |deployment: &Deployment| {
        let status = deployment.status.as_ref();
        status.is_some_and(|status| status.observed_generation == Some(1))
    };
    namespace
        .wait_for::<Deployment>("app", limit, "an observed Deployment", available)
        .await
        .unwrap();

    let client = plane.client().await.unwrap();
    let namespaces: Api<CoreNamespace> = Api::all(client.clone());
    namespaces
        .delete(namespace.name(), &DeleteParams::default())
        .await
        .unwrap();
    eventually(limit, "the namespace gone", async || {
        let left = namespaces.get_opt(namespace.name()).await?;
        ensure!(left.is_none(), "it is still there");
        Ok(())
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn our_kinds_are_served() {
    let plane = ControlPlane::shared().await.unwrap();
    let namespace = plane.namespace("our-kinds").await.unwrap();
    let source = "
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: app}
spec: {url: 'http://127.0.0.1/app.git', interval: 1m, ref: {branch: main}}
";
    let objects = namespace.apply(source).await.unwrap();
    assert_eq!(objects[0].name_any(), "app");
    assert_eq!(objects[0].data["spec"]["timeout"], "60s");
}

#[tokio::test]
async fn other_identities_have_only_their_own_rights() {
    let plane = ControlPlane::shared().await.unwrap();
    let namespace = plane.namespace("identities").await.unwrap();
    let nobody = plane.client_as("nobody", &["nothing"]).await.unwrap();
    let maps: Api<ConfigMap> = Api::namespaced(nobody, namespace.name());
    let refused = maps.list(&Default::default()).await.unwrap_err();
    assert!(refused.to_string().contains("nobody"), "{refused}");

    namespace
        .apply("{apiVersion: v1, kind: ServiceAccount, metadata: {name: robot}}")
        .await
        .unwrap();
    let path = plane
        .kubeconfig_of(namespace.name(), "robot")
        .await
        .unwrap();
    let robot = Client::try_from(load(&path).await.unwrap()).unwrap();
    let maps: Api<ConfigMap> = Api::namespaced(robot, namespace.name());
    let refused = maps.list(&Default::default()).await.unwrap_err();
    assert!(refused.to_string().contains(":robot"), "{refused}");
}
