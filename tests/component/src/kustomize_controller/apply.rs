//! What a successful pass makes, says and leaves alone.

use anyhow::{Context as _, Result, ensure};
use harness::eventually;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Service};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{DeleteParams, Patch, PatchParams};
use kube::{Api, ResourceExt as _};
use serde_json::{Value, json};
use weir_api::Reconcilable;
use weir_api::kustomize::v1::Kustomization;

use crate::fixture::{LIMIT, Loop, config_map, inventory, is, message, uid, value};

const SERVICE: &str = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {selector: {app: web}, ports: [{port: 80}]}\n";

#[tokio::test]
async fn a_commit_becomes_objects_and_status_says_so_as_flux_does() -> Result<()> {
    let files = [
        ("cm.yaml", &*config_map("a", "1")),
        ("sub/svc.yaml", SERVICE),
    ];
    let all = Loop::start("first-apply", &files).await?;
    let namespace = all.namespace.name().to_owned();
    all.kustomization("app", json!({"targetNamespace": namespace}))
        .await?;
    let revision = all.revision()?;
    let object = all.applied("app", &revision).await?;

    assert_eq!(
        message(object.conditions(), "Ready"),
        format!("Applied revision: {revision}")
    );
    assert_eq!(object.conditions().len(), 1, "{:?}", object.conditions());
    assert_eq!(
        inventory(&object),
        [
            format!("{namespace}_a__ConfigMap"),
            format!("{namespace}_web__Service")
        ]
    );
    assert_eq!(object.finalizers(), ["finalizers.fluxcd.io"]);
    let status = object.status.as_ref().context("a status")?;
    assert_eq!(status.last_attempted_revision, revision);
    assert_eq!(status.history.len(), 1);
    assert_eq!(status.history[0].total_reconciliations, 1);
    assert_eq!(
        status.history[0].last_reconciled_status,
        "ReconciliationSucceeded"
    );

    let managers: Vec<_> = object
        .managed_fields()
        .iter()
        .filter_map(|entry| entry.manager.clone())
        .collect();
    assert!(
        managers.contains(&"gotk-kustomize-controller".to_owned()),
        "{managers:?}"
    );
    let service = all.namespace.api::<Service>().get("web").await?;
    let labels = service.labels();
    assert_eq!(
        labels
            .get("kustomize.toolkit.fluxcd.io/name")
            .map(String::as_str),
        Some("app")
    );
    assert_eq!(
        labels.get("kustomize.toolkit.fluxcd.io/namespace"),
        Some(&namespace)
    );
    assert!(service.managed_fields().iter().any(|entry| {
        entry.manager.as_deref() == Some("kustomize-controller")
            && entry.operation.as_deref() == Some("Apply")
    }));
    announces(&all, &namespace, &revision).await
}

/// The two events of a first apply, as notification-controller would get them.
async fn announces(all: &Loop, namespace: &str, revision: &str) -> Result<()> {
    let created = format!("ConfigMap/{namespace}/a created\nService/{namespace}/web created");
    let event = all.event("app", "Progressing", &created).await?;
    assert_eq!(
        event["metadata"],
        json!({"kustomize.toolkit.fluxcd.io/revision": revision})
    );
    let event = all
        .event("app", "ReconciliationSucceeded", "next run in 1h0m0s")
        .await?;
    assert_eq!(
        event["metadata"]["kustomize.toolkit.fluxcd.io/commit_status"],
        "update"
    );
    assert_eq!(event["severity"], "info");
    Ok(())
}

#[tokio::test]
async fn a_request_without_a_change_writes_no_object() -> Result<()> {
    let all = Loop::start("no-op", &[("cm.yaml", &config_map("a", "1"))]).await?;
    all.kustomization("app", json!({"targetNamespace": all.namespace.name()}))
        .await?;
    all.applied("app", &all.revision()?).await?;
    let before = all.config_map("a").await?.context("applied")?;
    let object = all.reconcile("app").await?;
    let after = all.config_map("a").await?.context("still there")?;
    assert_eq!(before.resource_version(), after.resource_version());
    let status = object.status.as_ref().context("a status")?;
    assert_eq!(status.history[0].total_reconciliations, 2);
    assert!(is(
        object.conditions(),
        "Ready",
        "True",
        "ReconciliationSucceeded"
    ));
    Ok(())
}

#[tokio::test]
async fn an_object_deleted_by_hand_comes_back_before_the_interval() -> Result<()> {
    let all = Loop::start("drift-deleted", &[("cm.yaml", &config_map("a", "1"))]).await?;
    all.kustomization("app", json!({"targetNamespace": all.namespace.name()}))
        .await?;
    all.applied("app", &all.revision()?).await?;
    let first = all.config_map("a").await?.context("applied")?;
    all.namespace
        .api::<ConfigMap>()
        .delete("a", &DeleteParams::default())
        .await?;
    eventually(LIMIT, "the object back", async || {
        let found = all.config_map("a").await?.context("gone")?;
        ensure!(uid(&found) != uid(&first), "not deleted yet");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn an_edit_by_hand_is_undone_at_the_next_pass() -> Result<()> {
    let all = Loop::start("drift-edited", &[("cm.yaml", &config_map("a", "1"))]).await?;
    all.kustomization("app", json!({"targetNamespace": all.namespace.name()}))
        .await?;
    all.applied("app", &all.revision()?).await?;
    let edit = Patch::Merge(json!({"data": {"v": "edited"}}));
    all.namespace
        .api::<ConfigMap>()
        .patch("a", &PatchParams::default(), &edit)
        .await?;
    all.reconcile("app").await?;
    assert_eq!(value(&all.config_map("a").await?.context("there")?), "1");
    all.event("app", "Progressing", "/a configured").await?;
    Ok(())
}

#[tokio::test]
async fn patches_metadata_and_namespace_of_the_spec_are_applied() -> Result<()> {
    let overlay = "resources: [cm.yaml]\nconfigMapGenerator:\n- name: made\n  literals: [k=1]\n";
    let files = [
        ("kustomization.yaml", overlay),
        ("cm.yaml", &*config_map("a", "1")),
    ];
    let all = Loop::start("overlay", &files).await?;
    all.kustomization("app", json!({
        "targetNamespace": all.namespace.name(),
        "commonMetadata": {"labels": {"team": "x"}, "annotations": {"note": "y"}},
        "patches": [{"patch": "- {op: replace, path: /data/v, value: patched}", "target": {"kind": "ConfigMap", "name": "a"}}],
    }))
    .await?;
    let object = all.applied("app", &all.revision()?).await?;
    let found = all.config_map("a").await?.context("applied")?;
    assert_eq!(value(&found), "patched");
    assert_eq!(found.labels().get("team").map(String::as_str), Some("x"));
    assert_eq!(
        found.annotations().get("note").map(String::as_str),
        Some("y")
    );
    assert!(
        inventory(&object).iter().any(|id| id.contains("_made-")),
        "{:?}",
        inventory(&object)
    );
    Ok(())
}

#[tokio::test]
async fn names_images_and_components_of_the_spec_are_applied() -> Result<()> {
    let deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  replicas: 0\n  selector: {matchLabels: {app: web}}\n  template:\n    metadata: {labels: {app: web}}\n    spec: {containers: [{name: web, image: 'example.com/web:1'}]}\n";
    let component =
        "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nresources: [extra.yaml]\n";
    let files = [
        ("app/kustomization.yaml", "resources: [web.yaml]\n"),
        ("app/web.yaml", deployment),
        ("part/kustomization.yaml", component),
        ("part/extra.yaml", &*config_map("extra", "1")),
    ];
    let all = Loop::start("spec-names", &files).await?;
    let namespace = all.namespace.name();
    all.kustomization(
        "app",
        json!({
            "targetNamespace": namespace, "path": "./app", "namePrefix": "pre-", "nameSuffix": "-post",
            "images": [{"name": "example.com/web", "newTag": "2"}],
            "components": ["../part", "../absent"], "ignoreMissingComponents": true,
        }),
    )
    .await?;
    let object = all.applied("app", &all.revision()?).await?;
    assert_eq!(
        inventory(&object),
        [
            format!("{namespace}_pre-extra-post__ConfigMap"),
            format!("{namespace}_pre-web-post_apps_Deployment"),
        ]
    );
    let found = all
        .namespace
        .api::<Deployment>()
        .get("pre-web-post")
        .await?;
    let pod = found.spec.and_then(|spec| spec.template.spec);
    let image = pod.and_then(|pod| pod.containers.first()?.image.clone());
    assert_eq!(image.as_deref(), Some("example.com/web:2"));
    Ok(())
}

#[tokio::test]
async fn a_namespace_and_what_is_in_it_come_in_one_commit() -> Result<()> {
    let all = Loop::start("stages", &[]).await?;
    let made = format!("{}-made", all.namespace.name());
    let namespace = format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: {made}}}\n");
    let inside =
        format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a, namespace: {made}}}\n");
    let revision = all
        .push(&[("a.yaml", &inside), ("z.yaml", &namespace)], &[])
        .await?;
    all.kustomization("app", json!({})).await?;
    let object = all.applied("app", &revision).await?;
    assert_eq!(
        inventory(&object),
        [
            format!("_{made}__Namespace"),
            format!("{made}_a__ConfigMap")
        ]
    );
    all.delete("app").await
}

/// Waits until nothing serves the widgets of `group`.
async fn not_served(all: &Loop, group: &str) -> Result<()> {
    eventually(LIMIT, "a kind that is gone", async || {
        let path = format!("/apis/{group}/v1");
        let request = http::Request::get(path).body(Vec::new())?;
        let answer = all.namespace.client().request_text(request).await;
        ensure!(answer.is_err(), "it is served");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_definition_may_go_and_come_back_and_go_for_good() -> Result<()> {
    let all = Loop::start("crd-gone", &[]).await?;
    let group = format!("{}.example.com", all.namespace.name());
    let definition = widgets(&group).to_string();
    let widget = json!({"apiVersion": format!("{group}/v1"), "kind": "Widget", "metadata": {"name": "w"}, "spec": {"size": 1}});
    let files = [
        ("a.yaml", &*widget.to_string()),
        ("b.yaml", &config_map("b", "1")),
    ];
    let revision = all.push(&files, &[]).await?;
    let definitions = Api::<CustomResourceDefinition>::all(all.namespace.client());
    let name = format!("widgets.{group}");
    for _ in 0..2 {
        all.namespace.apply(&definition).await?;
        all.kustomization("app", json!({"targetNamespace": all.namespace.name()}))
            .await?;
        all.applied("app", &revision).await?;
        definitions.delete(&name, &DeleteParams::default()).await?;
        not_served(&all, &group).await?;
        all.request::<Kustomization>("app").await?;
        all.wait("app", "a kind that is gone", |object| {
            message(object.conditions(), "Ready").contains("no matches for kind \"Widget\"")
        })
        .await?;
    }
    all.delete("app").await?;
    all.config_map_gone("b").await
}

/// A definition of widgets.
fn widgets(group: &str) -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("widgets.{group}")},
        "spec": {
            "group": group, "scope": "Namespaced",
            "names": {"plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList"},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {
                "type": "object", "x-kubernetes-preserve-unknown-fields": true,
            }}}],
        },
    })
}

#[tokio::test]
async fn a_custom_resource_is_applied_after_its_definition_is_served() -> Result<()> {
    let all = Loop::start("crd-and-cr", &[]).await?;
    let group = format!("{}.example.com", all.namespace.name());
    let definition = widgets(&group);
    let widget = json!({"apiVersion": format!("{group}/v1"), "kind": "Widget", "metadata": {"name": "w"}, "spec": {"size": 1}});
    let files = [
        ("a.yaml", widget.to_string()),
        ("crd.yaml", definition.to_string()),
    ];
    let revision = all
        .push(&[(files[0].0, &files[0].1), (files[1].0, &files[1].1)], &[])
        .await?;
    all.kustomization(
        "app",
        json!({"targetNamespace": all.namespace.name(), "wait": true}),
    )
    .await?;
    all.applied("app", &revision).await?;
    all.delete("app").await
}

#[tokio::test]
async fn suspension_leaves_drift_alone_but_serves_the_request() -> Result<()> {
    let all = Loop::start("suspend", &[("cm.yaml", &config_map("a", "1"))]).await?;
    all.kustomization("app", json!({"targetNamespace": all.namespace.name()}))
        .await?;
    all.applied("app", &all.revision()?).await?;
    let suspend = |on: bool| Patch::Merge(json!({"spec": {"suspend": on}}));
    let api = all.namespace.api::<Kustomization>();
    api.patch("app", &PatchParams::default(), &suspend(true))
        .await?;
    all.namespace
        .api::<ConfigMap>()
        .delete("a", &DeleteParams::default())
        .await?;
    let object = all.reconcile("app").await?;
    assert!(is(
        object.conditions(),
        "Ready",
        "True",
        "ReconciliationSucceeded"
    ));
    assert!(
        all.config_map("a").await?.is_none(),
        "a suspended object heals nothing"
    );
    api.patch("app", &PatchParams::default(), &suspend(false))
        .await?;
    eventually(LIMIT, "the object back", async || {
        all.config_map("a").await?.context("still gone")?;
        Ok(())
    })
    .await
}
