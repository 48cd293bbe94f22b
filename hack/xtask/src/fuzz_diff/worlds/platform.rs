//! A platform: several servers in folders of their own, an installation that gathers them, and overlays of
//! it for one namespace, for the cluster, for high availability.

use serde_json::{Value, json};

use super::super::layers::Maker;
use super::{access, crd, deployment, kustomization, root, service, text, write};

const PARTS: [&str; 5] = ["server", "repo", "cache", "notifier", "web"];

/// Fills the case.
pub(super) fn build(maker: &mut Maker) {
    maker.note("world: platform");
    let count = maker.rng.between(2, PARTS.len());
    for part in PARTS.iter().take(count) {
        base(maker, part);
    }
    let mut folders: Vec<String> = PARTS
        .iter()
        .take(count)
        .map(|part| format!("../base/{part}"))
        .collect();
    folders.push(String::from("../base/config"));
    config(maker);
    let mut fields = json!({"resources": folders});
    if maker.rng.chance(50) {
        fields["images"] = json!([{"name": "example.com/platform", "newTag": "v2.9.0"}, {"name": "redis", "newTag": "7.2-alpine", "digest": ""}]);
    }
    kustomization(maker, "install", fields);
    crds(maker);
    cluster(maker);
    available(maker, count);
    let environment = maker.rng.text(&["cluster", "available"]);
    let mut top = json!({"namespace": maker.rng.text(&["platform", "argo", "on"])});
    overlay(maker, &mut top);
    root(maker, &environment, top);
}

fn base(maker: &mut Maker, part: &str) {
    let name = format!("platform-{part}");
    let workload = deployment(
        maker,
        &name,
        "example.com/platform:latest",
        &["/bin/run", "--repo", "platform-repo:8081"],
    );
    let mut resources = Vec::new();
    for (file, documents) in [
        ("deployment.yaml", vec![workload]),
        ("service.yaml", vec![service(&name, 80)]),
        ("rbac.yaml", access(&name)),
    ] {
        write(maker, &format!("base/{part}/{file}"), &documents);
        resources.push(file.to_owned());
    }
    if maker.rng.chance(40) {
        let policy = json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": name}, "spec": {
            "podSelector": {"matchLabels": {"app.kubernetes.io/name": name}}, "policyTypes": ["Ingress"],
            "ingress": [{"from": [{"namespaceSelector": {}}], "ports": [{"protocol": "TCP", "port": 8081}]}]}});
        write(maker, &format!("base/{part}/policy.yaml"), &[policy]);
        resources.push(String::from("policy.yaml"));
    }
    if maker.rng.chance(30) {
        let scaler = json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": name}, "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}, "minReplicas": 2, "maxReplicas": 5}});
        write(maker, &format!("base/{part}/scaler.yaml"), &[scaler]);
        resources.push(String::from("scaler.yaml"));
    }
    kustomization(
        maker,
        &format!("base/{part}"),
        json!({"resources": resources}),
    );
}

fn config(maker: &mut Maker) {
    let labels = json!({"app.kubernetes.io/part-of": "platform"});
    let documents = [
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "platform-cm", "labels": labels}}),
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "platform-rbac", "labels": labels},
            "data": {"policy.csv": "p, role:org-admin, applications, *, */*, allow\ng, team:admins, role:org-admin\n", "policy.default": "role:readonly"}}),
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "platform-secret", "labels": labels}, "type": "Opaque"}),
        json!({"apiVersion": "example.com/v1", "kind": "Project", "metadata": {"name": "default", "finalizers": ["resources-finalizer.example.com"]},
            "spec": {"sourceRepos": ["*"], "destinations": [{"namespace": "*", "server": "https://kubernetes.default.svc"}],
                "clusterResourceWhitelist": [{"group": "*", "kind": "*"}]}}),
    ];
    write(maker, "base/config/config.yaml", &documents);
    text(
        maker,
        "base/config/known_hosts",
        "example.com ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA\n[ssh.example.com]:443 ssh-rsa AAAAB3Nza\n",
    );
    text(
        maker,
        "base/config/nginx.conf",
        "server {\n\tlisten 80;\n  location / { proxy_pass http://up$request_uri; }\n}\n",
    );
    let mut fields = json!({"resources": ["config.yaml"], "configMapGenerator": [
        {"name": "platform-hosts", "files": ["known_hosts", "conf=nginx.conf"], "options": {"labels": labels}}]});
    if maker.rng.chance(40) {
        fields["generatorOptions"] =
            json!({"disableNameSuffixHash": true, "annotations": {"note": "made"}});
    }
    kustomization(maker, "base/config", fields);
}

fn crds(maker: &mut Maker) {
    let documents =
        ["Project", "Application"].map(|kind| crd::definition(&mut maker.rng, kind, "example.com"));
    write(maker, "crds/all.yaml", &documents);
    let mut fields = json!({"resources": ["all.yaml"]});
    if maker.rng.chance(50) {
        fields["commonAnnotations"] = json!({"keep": "true"});
    }
    if maker.rng.chance(50) {
        fields["patches"] = json!([{"target": {"kind": "CustomResourceDefinition"},
            "patch": "- op: remove\n  path: /status\n- op: add\n  path: /metadata/labels\n  value: {app.kubernetes.io/part-of: platform}\n"}]);
    }
    kustomization(maker, "crds", fields);
}

fn cluster(maker: &mut Maker) {
    let mut fields = json!({"resources": ["../crds", "../install"]});
    if maker.rng.chance(50) {
        let patch =
            json!([{"op": "replace", "path": "/subjects/0/namespace", "value": "platform"}]);
        fields["patches"] = json!([{"patch": maker.yaml(&patch), "target": {"kind": "ClusterRoleBinding", "name": "platform-.*"}}]);
    }
    kustomization(maker, "cluster", fields);
}

fn available(maker: &mut Maker, count: usize) {
    let mut patches = Vec::new();
    for part in PARTS.iter().take(count) {
        let name = format!("platform-{part}");
        let mut patch = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": {"replicas": 2,
            "template": {"spec": {"topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": {"app.kubernetes.io/name": name}}}], "affinity": null,
                "initContainers": [{"name": "wait", "image": "redis:6", "command": ["sh", "-c", "until nc -z cache 6379; do sleep 1; done"]}]}}}});
        if maker.rng.chance(40) {
            patch["spec"]["template"]["spec"]["volumes"] = json!([{"name": "tmp", "$patch": "delete"}, {"name": "extra", "configMap": {"name": "platform-hosts"}}]);
        }
        write(maker, &format!("available/{part}.yaml"), &[patch]);
        patches.push(json!({"path": format!("{part}.yaml")}));
    }
    let cache = json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "platform-redis"}, "spec": {
        "serviceName": "platform-redis", "replicas": 3, "selector": {"matchLabels": {"app": "redis"}},
        "template": {"metadata": {"labels": {"app": "redis"}}, "spec": {"containers": [{"name": "redis", "image": "redis:6",
            "volumeMounts": [{"name": "data", "mountPath": "/data"}]}]}},
        "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}]}});
    write(
        maker,
        "available/redis.yaml",
        &[cache, service("platform-redis", 6379)],
    );
    let fields = json!({"resources": ["../crds", "../install", "redis.yaml"], "patches": patches});
    kustomization(maker, "available", fields);
}

/// What a user adds on top.
fn overlay(maker: &mut Maker, fields: &mut Value) {
    if maker.rng.chance(60) {
        let patch = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "platform-cm"}, "data": {
            "url": "https://platform.example.com", "admin.enabled": "false", "timeout": "180s",
            "connectors": "connectors:\n- type: github\n  id: github\n  config:\n    clientID: $CLIENT\n"}});
        fields["patches"] = json!([{"patch": maker.yaml(&patch)}]);
    }
    if maker.rng.chance(50) {
        fields["replicas"] = json!([{"name": "platform-server", "count": 4}]);
    }
    if maker.rng.chance(40) {
        fields["configMapGenerator"] =
            json!([{"name": "platform-hosts", "behavior": "merge", "literals": ["extra=1"]}]);
    }
    if maker.rng.chance(40) {
        let part = json!({"kind": "Component", "patches": [{"target": {"kind": "Deployment|StatefulSet"}, "patch":
            "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: any\nspec:\n  template:\n    spec:\n      priorityClassName: high\n"}]});
        kustomization(maker, "parts/priority", part);
        if maker.rng.chance(70) {
            fields["components"] = json!(["../parts/priority"]);
        }
    }
    if maker.rng.chance(30) {
        fields["commonLabels"] = json!({"env": "prod", "y": "1"});
    }
    if maker.rng.chance(30) {
        fields["namePrefix"] = json!("eu-");
    }
}
