//! Drift that a watch shows is corrected at once, and never so that a loop comes of it.
//!
//! That something does not happen is seen by a sentinel: another Kustomization's object that drifts after it and is
//! corrected before the first one is looked at.

use anyhow::{Context as _, Result, ensure};
use harness::eventually;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kube::api::{ApiResource, DeleteParams, DynamicObject, ListParams, Patch, PatchParams};
use kube::{Api, ResourceExt as _};
use serde_json::{Value, json};
use weir_api::kustomize::v1::Kustomization;

use crate::fixture::{LIMIT, Loop, config_map, uid, value};

const DEPLOYMENT: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  replicas: 0\n  \
    selector: {matchLabels: {app: web}}\n  template:\n    metadata: {labels: {app: web}}\n    \
    spec: {containers: [{name: web, image: 'example.com/web:1'}]}\n";

const JOB: &str = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: once}\nspec:\n  \
    ttlSecondsAfterFinished: 3600\n  template:\n    \
    spec: {restartPolicy: Never, containers: [{name: a, image: 'example.com/a:1'}]}\n";

/// A Kustomization `app` of the folder `app`, and the sentinel.
async fn start(test: &str, files: &[(&str, &str)], flags: &[&str]) -> Result<Loop> {
    let sentinels: Vec<_> = (0..3)
        .map(|number| {
            let name = format!("sentinel-{number}");
            (format!("sentinel/{name}.yaml"), config_map(&name, "0"))
        })
        .collect();
    let mut all = files.to_vec();
    all.extend(sentinels.iter().map(|(path, map)| (&**path, &**map)));
    let all = Loop::with_flags(test, &all, flags).await?;
    for name in ["app", "sentinel"] {
        let annotations = json!({"weir.dev/drift": "watch"});
        kustomization(
            &all,
            name,
            &if name == "sentinel" {
                annotations
            } else {
                json!({})
            },
        )
        .await?;
        all.applied(name, &all.revision()?).await?;
    }
    Ok(all)
}

async fn kustomization(all: &Loop, name: &str, annotations: &Value) -> Result<()> {
    let object = json!({
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
        "metadata": {"name": name, "annotations": annotations},
        "spec": {
            "interval": "1h", "retryInterval": "1s", "prune": true, "path": format!("./{name}"),
            "sourceRef": {"kind": "GitRepository", "name": "app"}, "targetNamespace": all.namespace.name(),
        },
    });
    all.namespace.apply(&object.to_string()).await?;
    Ok(())
}

/// What drifted before this call and is corrected by a watch is corrected when it returns. Each number counts once:
/// no object is corrected all the time.
async fn settled(all: &Loop, number: u32) -> Result<()> {
    let maps = all.namespace.api::<ConfigMap>();
    let name = format!("sentinel-{number}");
    let before = uid(&all.config_map(&name).await?.context("the sentinel")?);
    maps.delete(&name, &DeleteParams::default()).await?;
    eventually(LIMIT, "sentinel is back", async || {
        let map = all.config_map(&name).await?.context("not back")?;
        ensure!(uid(&map) != before, "not gone");
        Ok(())
    })
    .await
}

/// Changes an object as `manager`, and returns what became of it.
async fn edit<K>(all: &Loop, name: &str, manager: &str, patch: Value) -> Result<DynamicObject>
where
    K: kube::Resource<DynamicType = ()>,
{
    let params = PatchParams {
        field_manager: Some(manager.to_owned()),
        ..PatchParams::default()
    };
    let resource = ApiResource::erase::<K>(&());
    let api: Api<DynamicObject> =
        Api::namespaced_with(all.namespace.client(), all.namespace.name(), &resource);
    Ok(api.patch(name, &params, &Patch::Merge(patch)).await?)
}

async fn config_map_is(all: &Loop, name: &str, wanted: &str) -> Result<ConfigMap> {
    eventually(LIMIT, &format!("{name} is {wanted}"), async || {
        let map = all.config_map(name).await?.context("not there")?;
        ensure!(value(&map) == wanted, "it is {}", value(&map));
        Ok(map)
    })
    .await
}

#[tokio::test]
async fn an_edit_of_our_field_is_undone_and_a_key_of_kubectl_waits() -> Result<()> {
    let all = start("drift-edit", &[("app/a.yaml", &config_map("a", "1"))], &[]).await?;
    let change = json!({"data": {"v": "2", "theirs": "x"}});
    edit::<ConfigMap>(&all, "a", "kubectl-edit", change).await?;
    config_map_is(&all, "a", "1").await?;
    Ok(())
}

#[tokio::test]
async fn a_key_that_kubectl_adds_goes_at_the_next_pass() -> Result<()> {
    let all = start(
        "drift-takeover",
        &[("app/a.yaml", &config_map("a", "1"))],
        &[],
    )
    .await?;
    let change = json!({"data": {"theirs": "x"}});
    let edited = edit::<ConfigMap>(&all, "a", "kubectl-edit", change).await?;
    settled(&all, 0).await?;
    let map = all.config_map("a").await?.context("it is there")?;
    assert_eq!(map.resource_version(), edited.resource_version());
    all.reconcile("app").await?;
    let map = all.config_map("a").await?.context("it is there")?;
    assert_eq!(map.data.unwrap_or_default().len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_rollout_restart_is_undone_at_the_next_pass_only() -> Result<()> {
    let all = start("drift-restart", &[("app/web.yaml", DEPLOYMENT)], &[]).await?;
    let restarted = json!({"kubectl.kubernetes.io/restartedAt": "2026-01-01T00:00:00Z"});
    let template = json!({"metadata": {"annotations": restarted}});
    let change = json!({"spec": {"template": template}});
    edit::<Deployment>(&all, "web", "kubectl-rollout", change).await?;
    settled(&all, 0).await?;
    assert_eq!(restarts(&all).await?, 1);
    all.reconcile("app").await?;
    assert_eq!(restarts(&all).await?, 0);
    Ok(())
}

async fn restarts(all: &Loop) -> Result<usize> {
    let deployment = all.namespace.api::<Deployment>().get("web").await?;
    let metadata = deployment.spec.and_then(|spec| spec.template.metadata);
    let annotations = metadata.and_then(|metadata| metadata.annotations);
    Ok(annotations.unwrap_or_default().len())
}

async fn scale(all: &Loop, replicas: i32) -> Result<()> {
    let params = PatchParams {
        field_manager: Some("kube-controller-manager".to_owned()),
        ..PatchParams::default()
    };
    let patch = Patch::Merge(json!({"spec": {"replicas": replicas}}));
    let deployments = all.namespace.api::<Deployment>();
    deployments.patch_scale("web", &params, &patch).await?;
    Ok(())
}

async fn replicas(all: &Loop) -> Result<i32> {
    let deployment = all.namespace.api::<Deployment>().get("web").await?;
    Ok(deployment.spec.and_then(|spec| spec.replicas).unwrap_or(-1))
}

#[tokio::test]
async fn an_autoscaler_is_corrected_once_named_and_then_left_to_the_interval() -> Result<()> {
    let all = start("drift-autoscaler", &[("app/web.yaml", DEPLOYMENT)], &[]).await?;
    scale(&all, 3).await?;
    eventually(LIMIT, "replicas are back", async || {
        let now = replicas(&all).await?;
        ensure!(now == 0, "there are {now}");
        Ok(())
    })
    .await?;
    let text = "/web was changed by kube-controller-manager through scale and is corrected now";
    all.event("app", "Progressing", text).await?;
    scale(&all, 4).await?;
    settled(&all, 0).await?;
    assert_eq!(replicas(&all).await?, 4);
    all.reconcile("app").await?;
    assert_eq!(replicas(&all).await?, 0);
    Ok(())
}

/// Plays the kubelet: the Job's pod ends, so the Job does.
async fn finish(all: &Loop) -> Result<()> {
    let pods = all.namespace.api::<Pod>();
    let of_job = ListParams::default().labels("job-name=once");
    let pod = eventually(LIMIT, "a pod of the Job", async || {
        let pod = pods.list(&of_job).await?.items.pop();
        pod.context("there is none")
    })
    .await?;
    let ended = Patch::Merge(json!({"status": {"phase": "Succeeded"}}));
    pods.patch_status(&pod.name_any(), &PatchParams::default(), &ended)
        .await?;
    let complete = |job: &Job| {
        let status = job.status.as_ref();
        status.is_some_and(|status| status.completion_time.is_some())
    };
    all.namespace
        .wait_for::<Job>("once", LIMIT, "complete", complete)
        .await?;
    Ok(())
}

#[tokio::test]
async fn a_finished_job_that_is_cleaned_up_is_no_drift() -> Result<()> {
    let all = start("drift-ttl", &[("app/job.yaml", JOB)], &[]).await?;
    finish(&all).await?;
    let jobs = all.namespace.api::<Job>();
    settled(&all, 0).await?;
    jobs.delete("once", &DeleteParams::background()).await?;
    settled(&all, 1).await?;
    ensure!(jobs.get_opt("once").await?.is_none(), "it came back");
    all.reconcile("app").await?;
    jobs.get("once").await?;
    Ok(())
}

#[tokio::test]
async fn two_owners_do_not_fight_and_each_is_told_once() -> Result<()> {
    let files = [
        ("app/a.yaml", &*config_map("a", "1")),
        ("other/a.yaml", &*config_map("a", "2")),
    ];
    let all = start("drift-owners", &files, &[]).await?;
    kustomization(&all, "other", &json!({})).await?;
    all.applied("other", &all.revision()?).await?;
    settled(&all, 0).await?;
    let map = config_map_is(&all, "a", "2").await?;
    settled(&all, 1).await?;
    let later = all.config_map("a").await?.context("it is there")?;
    assert_eq!(later.resource_version(), map.resource_version());
    let namespace = all.namespace.name();
    for (name, other, wanted) in [("app", "other", "1"), ("other", "app", "2")] {
        all.reconcile(name).await?;
        config_map_is(&all, "a", wanted).await?;
        let text =
            format!("ConfigMap/{namespace}/a is also applied by Kustomization/{namespace}/{other}");
        all.event(name, "Progressing", &text).await?;
    }
    all.reconcile("app").await?;
    all.reconcile("other").await?;
    let told = all.events.events().into_iter().filter(|event| {
        let message = event["message"].as_str().unwrap_or_default();
        message.contains("is also applied by")
    });
    assert_eq!(told.count(), 2);
    Ok(())
}

#[tokio::test]
async fn an_object_that_loses_its_label_keeps_losing_it_until_the_next_pass() -> Result<()> {
    let all = start("drift-label", &[("app/a.yaml", &config_map("a", "1"))], &[]).await?;
    let labels = json!({"metadata": {"labels": {"kustomize.toolkit.fluxcd.io/name": null}}});
    let edited = edit::<ConfigMap>(&all, "a", "kubectl-label", labels).await?;
    settled(&all, 0).await?;
    let map = all.config_map("a").await?.context("it is there")?;
    assert_eq!(map.resource_version(), edited.resource_version());
    all.reconcile("app").await?;
    let map = all.config_map("a").await?.context("it is there")?;
    assert_eq!(map.uid(), edited.uid());
    assert!(
        map.labels()
            .contains_key("kustomize.toolkit.fluxcd.io/name")
    );
    Ok(())
}

#[tokio::test]
async fn an_object_that_moves_to_another_kustomization_stays_there() -> Result<()> {
    let files = [
        ("app/a.yaml", &*config_map("a", "1")),
        ("app/b.yaml", &*config_map("b", "1")),
        ("other/c.yaml", &*config_map("c", "1")),
    ];
    let all = start("drift-move", &files, &[]).await?;
    kustomization(&all, "other", &json!({})).await?;
    all.applied("other", &all.revision()?).await?;
    let revision = all
        .push(&[("other/a.yaml", &config_map("a", "2"))], &["app/a.yaml"])
        .await?;
    for name in ["app", "other"] {
        all.applied(name, &revision).await?;
    }
    let map = config_map_is(&all, "a", "2").await?;
    assert_eq!(map.labels()["kustomize.toolkit.fluxcd.io/name"], "other");
    settled(&all, 0).await?;
    let later = all.config_map("a").await?.context("it stays")?;
    assert_eq!(later.resource_version(), map.resource_version());
    Ok(())
}

#[tokio::test]
async fn drift_waits_for_the_interval_where_that_is_asked_for() -> Result<()> {
    let files = [("app/a.yaml", &*config_map("a", "1"))];
    let all = start("drift-interval", &files, &["--detect-drift=interval"]).await?;
    edit::<ConfigMap>(&all, "a", "editor", json!({"data": {"v": "2"}})).await?;
    settled(&all, 0).await?;
    config_map_is(&all, "a", "2").await?;
    all.reconcile("app").await?;
    config_map_is(&all, "a", "1").await?;
    let annotation = json!({"metadata": {"annotations": {"weir.dev/drift": "watch"}}});
    edit::<Kustomization>(&all, "app", "editor", annotation).await?;
    edit::<ConfigMap>(&all, "a", "kubectl-edit", json!({"data": {"v": "3"}})).await?;
    config_map_is(&all, "a", "1").await?;
    Ok(())
}
