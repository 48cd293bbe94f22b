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

/// API version, kind, name, and the other fields.
type Row = (&'static str, &'static str, &'static str, Value);

fn workloads() -> Vec<Row> {
    let selector = json!({"matchLabels": {"app": "web"}});
    let daemons = json!({"spec": {"selector": selector, "template": pod_template()}});
    let mut deployment = daemons.clone();
    deployment["spec"]["replicas"] = 0.into();
    let mut stateful = deployment.clone();
    stateful["spec"]["serviceName"] = "web".into();
    stateful["spec"]["volumeClaimTemplates"] = json!([{"metadata": {"name": "data"}, "spec": {
        "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1.5Gi"}}}}]);
    let mut job = json!({"spec": {"suspend": true, "template": pod_template()}});
    job["spec"]["template"]["spec"]["restartPolicy"] = "Never".into();
    let jobs = json!({"spec": job["spec"]});
    let cron = json!({"spec": {"schedule": "0 0 * * *", "suspend": true, "jobTemplate": jobs}});
    let metric = |name: &str| {
        let target = json!({"type": "Utilization", "averageUtilization": 80});
        json!({"type": "Resource", "resource": {"name": name, "target": target}})
    };
    let scaled = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"});
    let metrics = [metric("cpu"), metric("memory")];
    let scaler = json!({"spec": {"scaleTargetRef": scaled, "maxReplicas": 3, "metrics": metrics}});
    let budget = json!({"spec": {"minAvailable": 1, "selector": selector}});
    vec![
        ("apps/v1", "Deployment", "web", deployment),
        ("apps/v1", "StatefulSet", "web", stateful),
        ("apps/v1", "DaemonSet", "web", daemons),
        ("batch/v1", "Job", "web", job),
        ("batch/v1", "CronJob", "web", cron),
        ("autoscaling/v2", "HorizontalPodAutoscaler", "web", scaler),
        ("policy/v1", "PodDisruptionBudget", "web", budget),
    ]
}

fn services() -> Vec<Row> {
    let ports = json!([{"name": "a", "port": 80}, {"name": "b", "port": 80, "protocol": "UDP"}]);
    let service = json!({"spec": {"selector": {"app": "web"}, "ports": ports}});
    let backend = json!({"service": {"name": "web", "port": {"number": 80}}});
    let paths = json!([{"path": "/", "pathType": "Prefix", "backend": backend}]);
    let policy = json!({"spec": {"podSelector": {}, "ingress": [{"ports": [{"port": 80}]}]}});
    vec![
        ("v1", "Service", "web", service),
        ("networking.k8s.io/v1", "NetworkPolicy", "web", policy),
        (
            "networking.k8s.io/v1",
            "Ingress",
            "web",
            json!({"spec": {"rules": [{"http": {"paths": paths}}]}}),
        ),
    ]
}

fn others() -> Vec<Row> {
    let group = "rbac.authorization.k8s.io";
    let rbac = "rbac.authorization.k8s.io/v1";
    let rules = json!({"rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]});
    let role = json!({"apiGroup": group, "kind": "Role", "name": "web:x"});
    let subjects = json!([{"kind": "ServiceAccount", "name": "web"}]);
    let secret = json!({"data": {"a": "YQ=="}, "stringData": {"b": "over"}});
    let storage = json!({"requests": {"storage": "1024Mi"}});
    let claim = json!({"spec": {"accessModes": ["ReadWriteOnce"], "resources": storage}});
    let quota = json!({"spec": {"hard": {"pods": 10_000, "cpu": "1000m"}}});
    let range = json!({"spec": {"limits": [{"type": "Container", "default": {"cpu": 0.5}}]}});
    vec![
        ("v1", "ServiceAccount", "web", json!({})),
        ("v1", "Secret", "web", secret),
        ("v1", "PersistentVolumeClaim", "web", claim),
        ("v1", "ResourceQuota", "web", quota),
        ("v1", "LimitRange", "web", range),
        (rbac, "Role", "web:x", rules),
        (
            rbac,
            "RoleBinding",
            "web:x",
            json!({"roleRef": role, "subjects": subjects}),
        ),
    ]
}

#[tokio::test]
async fn the_second_apply_of_built_in_kinds_writes_nothing() -> Result<()> {
    let world = World::new("apply-built-in-kinds").await?;
    let rows = [workloads(), services(), others()].concat();
    let objects: Vec<Value> = rows
        .iter()
        .map(|(api_version, kind, name, fields)| world.object(api_version, kind, name, fields))
        .collect();
    let lines = world.applied(&objects).await?;
    assert_eq!(lines.lines().count(), objects.len(), "{lines}");
    assert_eq!(world.applied(&objects).await?, "");
    Ok(())
}

#[tokio::test]
async fn fields_that_the_server_does_not_know_and_a_status_are_left_out_and_zero_values_are_not()
-> Result<()> {
    let world = World::new("apply-unknown-fields").await?;
    let container = json!({"name": "web", "image": "example.com/web", "ports": [{"containerPort": 80}],
        "resources": {"limits": {"cpu": 1, "memory": "1024Mi"}}});
    let fields = json!({
        "metadata": {"creationTimestamp": null},
        "spec": {"replicas": 0, "noSuchField": 1, "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container]}}},
        "status": {"replicas": 7},
    });
    let object = world.object("apps/v1", "Deployment", "web", &fields);
    let outcome = world.apply(&[object]).await?;
    assert_eq!(
        outcome.changes.left_out_lines(),
        format!(
            "Deployment/{}/web applied without fields that the API server does not know: .spec.noSuchField",
            world.name()
        )
    );
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

/// API servers refuse a definition whose webhook nobody could trust; people commit such until somebody fills them in.
#[tokio::test]
async fn a_definition_is_applied_without_a_bundle_that_holds_no_certificate() -> Result<()> {
    let world = World::new("apply-ca-bundle").await?;
    let kubeconfig = kube::config::Kubeconfig::read_from(world.namespace.kubeconfig())?;
    let cluster = kubeconfig
        .clusters
        .first()
        .and_then(|it| it.cluster.as_ref());
    let authority = cluster.and_then(|it| it.certificate_authority_data.clone());
    let authority = authority.context("an authority")?;
    let group = format!("{}.example.com", world.name());
    let definition = |bundle: &str| {
        let schema = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
        let version = |name: &str, storage: bool| json!({"name": name, "served": true, "storage": storage, "schema": {"openAPIV3Schema": schema}});
        let config =
            json!({"caBundle": bundle, "service": {"namespace": world.name(), "name": "hook"}});
        let webhook = json!({"conversionReviewVersions": ["v1"], "clientConfig": config});
        let fields = json!({"spec": {
            "group": group, "scope": "Namespaced", "names": {"kind": "Hooked", "plural": "hooked"},
            "versions": [version("v1", true), version("v2", false)],
            "conversion": {"strategy": "Webhook", "webhook": webhook},
        }});
        let mut object = world.object(
            "apiextensions.k8s.io/v1",
            "CustomResourceDefinition",
            &format!("hooked.{group}"),
            &fields,
        );
        object["metadata"]["namespace"] = Value::Null;
        object
    };
    let path = format!("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/hooked.{group}");
    let stored = async || {
        let live = world.get(&path).await?.context("no definition")?;
        anyhow::Ok(live["spec"]["conversion"]["webhook"]["clientConfig"]["caBundle"].clone())
    };
    let broken = "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCkFBQUEKLS0tLS1FTkQgQ0VSVElGSUNBVEUtLS0tLQo=";
    for placeholder in ["Cg==", broken] {
        world.applied(&[definition(placeholder)]).await?;
        assert_eq!(stored().await?, Value::Null, "{placeholder}");
        assert_eq!(world.applied(&[definition(placeholder)]).await?, "");
    }
    world.applied(&[definition(&authority)]).await?;
    assert_eq!(stored().await?, Value::String(authority.clone()));
    assert_eq!(world.applied(&[definition(&authority)]).await?, "");
    // Taken back, as in Flux.
    world.applied(&[definition(broken)]).await?;
    assert_eq!(stored().await?, Value::Null);
    Ok(())
}
