//! Built-in kinds come to rest: what was applied once is not written again.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::World;

fn pod_template() -> Value {
    json!({
        "metadata": {"labels": {"app": "web"}},
        "spec": {
            "initContainers": [{"name": "init", "image": "example.com/init"}],
            "containers": [{
                "name": "web", "image": "example.com/web",
                "ports": [{"containerPort": 80}, {"containerPort": 80, "protocol": "UDP"}],
                "resources": {"limits": {"cpu": 1, "memory": "1024Mi"}, "requests": {"cpu": "0.5"}},
                "env": [{"name": "A", "value": ""}],
                "livenessProbe": {"httpGet": {"path": "/", "port": 80}},
            }],
        },
    })
}

fn objects(world: &World) -> Vec<Value> {
    let selector = json!({"matchLabels": {"app": "web"}});
    let workload = json!({"spec": {"selector": selector, "template": pod_template()}});
    let mut deployment = workload.clone();
    deployment["spec"]["replicas"] = 0.into();
    let mut stateful = workload.clone();
    stateful["spec"]["replicas"] = 0.into();
    stateful["spec"]["serviceName"] = "web".into();
    stateful["spec"]["volumeClaimTemplates"] = json!([{"metadata": {"name": "data"}, "spec": {
        "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1.5Gi"}}}}]);
    let mut job = json!({"spec": {"suspend": true, "template": pod_template()}});
    job["spec"]["template"]["spec"]["restartPolicy"] = "Never".into();
    let cron = json!({"spec": {"schedule": "0 0 * * *", "suspend": true, "jobTemplate": {"spec": job["spec"]}}});
    let metric = |name: &str| {
        json!({"type": "Resource", "resource": {"name": name,
        "target": {"type": "Utilization", "averageUtilization": 80}}})
    };
    let autoscaler = json!({"spec": {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
        "maxReplicas": 3, "metrics": [metric("cpu"), metric("memory")]}});
    let rules = json!({"rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]});
    let binding = json!({"roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "web:x"},
        "subjects": [{"kind": "ServiceAccount", "name": "web"}]});
    let backend = json!({"service": {"name": "web", "port": {"number": 80}}});
    let rbac = "rbac.authorization.k8s.io/v1";
    let empty = json!({});
    let rows: Vec<(&str, &str, &str, Value)> = vec![
        ("v1", "ServiceAccount", "web", empty),
        (
            "v1",
            "Secret",
            "web",
            json!({"data": {"a": "YQ=="}, "stringData": {"b": "over"}}),
        ),
        (
            "v1",
            "Service",
            "web",
            json!({"spec": {"selector": {"app": "web"},
            "ports": [{"name": "a", "port": 80}, {"name": "b", "port": 80, "protocol": "UDP"}]}}),
        ),
        (
            "v1",
            "PersistentVolumeClaim",
            "web",
            json!({"spec": {"accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1024Mi"}}}}),
        ),
        (
            "v1",
            "ResourceQuota",
            "web",
            json!({"spec": {"hard": {"pods": 10_000, "cpu": "1000m"}}}),
        ),
        (
            "v1",
            "LimitRange",
            "web",
            json!({"spec": {"limits": [{"type": "Container", "default": {"cpu": 0.5}}]}}),
        ),
        ("apps/v1", "Deployment", "web", deployment),
        ("apps/v1", "StatefulSet", "web", stateful),
        ("apps/v1", "DaemonSet", "web", workload),
        ("batch/v1", "Job", "web", job),
        ("batch/v1", "CronJob", "web", cron),
        (
            "autoscaling/v2",
            "HorizontalPodAutoscaler",
            "web",
            autoscaler,
        ),
        (
            "policy/v1",
            "PodDisruptionBudget",
            "web",
            json!({"spec": {"minAvailable": 1, "selector": selector}}),
        ),
        (
            "networking.k8s.io/v1",
            "NetworkPolicy",
            "web",
            json!({"spec": {"podSelector": {},
            "ingress": [{"ports": [{"port": 80}]}]}}),
        ),
        (
            "networking.k8s.io/v1",
            "Ingress",
            "web",
            json!({"spec": {"rules": [{"http": {"paths": [
            {"path": "/", "pathType": "Prefix", "backend": backend}]}}]}}),
        ),
        (rbac, "Role", "web:x", rules),
        (rbac, "RoleBinding", "web:x", binding),
    ];
    rows.iter()
        .map(|(api_version, kind, name, fields)| world.object(api_version, kind, name, fields))
        .collect()
}

#[tokio::test]
async fn the_second_apply_of_built_in_kinds_writes_nothing() -> Result<()> {
    let world = World::new("apply-built-in-kinds").await?;
    let objects = objects(&world);
    let lines = world.applied(&objects).await?;
    assert_eq!(lines.lines().count(), objects.len(), "{lines}");
    assert_eq!(world.applied(&objects).await?, "");
    Ok(())
}

#[tokio::test]
async fn unknown_fields_and_a_status_are_not_sent_and_zero_values_are() -> Result<()> {
    let world = World::new("apply-unknown-fields").await?;
    let container = json!({"name": "web", "image": "example.com/web", "ports": [{"containerPort": 80}],
        "resources": {"limits": {"cpu": 1, "memory": "1024Mi"}}});
    let fields = json!({
        "metadata": {"creationTimestamp": null},
        "spec": {"replicas": 0, "noSuchField": 1, "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container]}}},
        "status": {"replicas": 7},
    });
    world
        .applied(&[world.object("apps/v1", "Deployment", "web", &fields)])
        .await?;
    let live = world
        .get("/apis/apps/v1/namespaces/{ns}/deployments/web")
        .await?
        .context("no Deployment")?;
    let entries = live["metadata"]["managedFields"]
        .as_array()
        .context("no managers")?;
    let ours = entries
        .iter()
        .find(|entry| entry["operation"] == "Apply")
        .context("no entry of ours")?;
    let container = json!({".": {}, "f:image": {}, "f:name": {},
        "f:ports": {"k:{\"containerPort\":80,\"protocol\":\"TCP\"}": {".": {}, "f:containerPort": {}, "f:protocol": {}}},
        "f:resources": {"f:limits": {"f:cpu": {}, "f:memory": {}}}});
    let expected = json!({
        "f:metadata": {"f:labels": {"f:kustomize.toolkit.fluxcd.io/name": {}, "f:kustomize.toolkit.fluxcd.io/namespace": {}}},
        "f:spec": {"f:replicas": {}, "f:selector": {}, "f:strategy": {},
            "f:template": {"f:metadata": {"f:labels": {"f:app": {}}},
                "f:spec": {"f:containers": {"k:{\"name\":\"web\"}": container}}}},
    });
    assert_eq!(ours["fieldsV1"], expected);
    Ok(())
}

#[tokio::test]
async fn a_namespace_given_to_a_cluster_scoped_object_does_not_count() -> Result<()> {
    let world = World::new("apply-cluster-scoped").await?;
    let name = format!("{}:view:all", world.name());
    let rules = json!({"rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]});
    let role = world.object("rbac.authorization.k8s.io/v1", "ClusterRole", &name, &rules);
    let outcome = world.apply(&[role]).await?;
    assert_eq!(
        outcome.changes.changed_lines(),
        format!("ClusterRole/{name} created")
    );
    let inventory = outcome.changes.inventory();
    let id = format!(
        "_{}_rbac.authorization.k8s.io_ClusterRole",
        name.replace(':', "__")
    );
    assert_eq!(inventory[0].id, id);
    let pruned = world.applier().prune(&inventory, &world.owner).await;
    assert_eq!(
        pruned.changes.all_lines(),
        format!("ClusterRole/{name} deleted")
    );
    Ok(())
}
