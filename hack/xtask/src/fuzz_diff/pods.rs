//! Random pods, and what holds them.

use serde_json::{Value, json};

use super::kinds::{labels, name};
use super::rng::Rng;
use super::scalars;

/// An image, in one of the ways that it can be written.
pub(super) fn image(rng: &mut Rng) -> String {
    const DIGEST: &str = "sha256:24a0c4b4a4c0eb97a1aabb8e29f18e917d05abfe1b7a7c07857230879ce7d3d3";
    let name = rng.text(&[
        "nginx",
        "redis",
        "registry.example.com:5000/team/app",
        "ghcr.io/o/app",
        "docker.io/library/nginx",
        "app",
    ]);
    match rng.below(6) {
        0 => name,
        1 => format!("{name}@{DIGEST}"),
        2 => format!("{name}:1.2@{DIGEST}"),
        3 => format!("{name}:latest"),
        4 => format!("{name}:v1.2.3-rc.1_x"),
        _ => format!("{name}:1.2"),
    }
}

fn variables(rng: &mut Rng) -> Value {
    let mut env = vec![json!({"name": "A", "value": scalars::line(rng)})];
    for (key, kind, reference) in [
        ("FROM_CM", "configMapKeyRef", name(rng)),
        ("FROM_SECRET", "secretKeyRef", name(rng)),
    ] {
        if rng.chance(40) {
            env.push(json!({"name": key, "valueFrom": {kind: {"name": reference, "key": "key"}}}));
        }
    }
    if rng.chance(30) {
        env.push(json!({"name": "VAR", "value": rng.text(&["$(HOST)", "x-$(PORT)-$(HOST)", "$(NONE)", "$$(HOST)"])}));
    }
    Value::from(env)
}

fn container(rng: &mut Rng, name: &str) -> Value {
    let mut container = json!({"name": name, "image": image(rng)});
    if rng.chance(60) {
        container["env"] = variables(rng);
    }
    if rng.chance(40) {
        let mut ports = vec![json!({"containerPort": 8080, "name": "http"})];
        if rng.chance(40) {
            ports.push(json!({"containerPort": 8080, "protocol": "UDP"}));
        }
        if rng.chance(30) {
            ports.push(json!({"containerPort": 9090, "protocol": "TCP", "hostPort": 1}));
        }
        container["ports"] = Value::from(ports);
    }
    if rng.chance(30) {
        container["args"] = json!(["--x=$(HOST)", scalars::line(rng), scalars::any(rng)]);
        container["command"] = json!(["/bin/sh", "-c", "echo $(PORT)"]);
    }
    if rng.chance(30) {
        container["envFrom"] = json!([{"configMapRef": {"name": self::name(rng)}}, {"secretRef": {"name": self::name(rng)}}]);
    }
    if rng.chance(40) {
        container["volumeMounts"] =
            json!([{"name": "v0", "mountPath": "/v0"}, {"name": "v1", "mountPath": "/$(HOST)"}]);
    }
    if rng.chance(30) {
        container["resources"] = json!({"limits": {"cpu": scalars::raw("1"), "memory": "128Mi"}, "requests": {"cpu": "100m"}});
    }
    if rng.chance(20) {
        container["livenessProbe"] =
            json!({"httpGet": {"path": "/", "port": "http"}, "periodSeconds": 3});
    }
    container
}

fn volumes(rng: &mut Rng) -> Value {
    json!([
        {"name": "v0", "configMap": {"name": name(rng), "items": [{"key": "key", "path": "p"}]}},
        {"name": "v1", "secret": {"secretName": name(rng)}},
        {"name": "v2", "persistentVolumeClaim": {"claimName": name(rng)}},
        {"name": "v3", "emptyDir": {}},
        {"name": "v4", "projected": {"sources": [{"configMap": {"name": name(rng)}}, {"secret": {"name": name(rng)}}]}},
    ])
}

/// A pod's own content.
pub(super) fn spec(rng: &mut Rng) -> Value {
    let count = rng.between(1, 3);
    let containers: Vec<Value> = ["main", "side", "log"]
        .iter()
        .take(count)
        .map(|name| container(rng, name))
        .collect();
    let mut spec = json!({"containers": containers});
    if rng.chance(25) {
        spec["initContainers"] = json!([container(rng, "init"), container(rng, "init-2")]);
    }
    if rng.chance(50) {
        spec["volumes"] = volumes(rng);
    }
    if rng.chance(40) {
        spec["serviceAccountName"] = Value::from(name(rng));
    }
    if rng.chance(20) {
        spec["imagePullSecrets"] = json!([{"name": name(rng)}]);
        spec["priorityClassName"] = Value::from(name(rng));
    }
    if rng.chance(20) {
        spec["affinity"] = affinity(rng);
    }
    if rng.chance(15) {
        spec["topologySpreadConstraints"] = json!([
            {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {"matchLabels": labels(rng)}},
            {"maxSkew": 1, "topologyKey": "host", "whenUnsatisfiable": "ScheduleAnyway"}]);
    }
    if rng.chance(15) {
        spec["tolerations"] = json!([{"key": "a", "operator": "Exists"}, {"key": "b", "value": "c", "effect": "NoSchedule"}]);
        spec["hostAliases"] = json!([{"ip": "127.0.0.1", "hostnames": ["a", "b"]}]);
    }
    spec
}

fn affinity(rng: &mut Rng) -> Value {
    let term = json!({"topologyKey": "host", "labelSelector": {"matchLabels": labels(rng)}});
    json!({"podAntiAffinity": {
        "requiredDuringSchedulingIgnoredDuringExecution": [term.clone()],
        "preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 100, "podAffinityTerm": term}]}})
}

/// A pod's template.
pub(super) fn template(rng: &mut Rng) -> Value {
    let mut metadata = json!({"labels": labels(rng)});
    if rng.chance(30) {
        metadata["annotations"] = json!({"note": scalars::scalar(rng)});
    }
    json!({"metadata": metadata, "spec": spec(rng)})
}

/// A pod by itself.
pub(super) fn pod(rng: &mut Rng) -> Value {
    json!({"spec": spec(rng)})
}

/// A workload with a selector.
pub(super) fn workload(rng: &mut Rng) -> Value {
    let mut template = template(rng);
    let labels = labels(rng);
    template["metadata"]["labels"] = labels.clone();
    let mut body = json!({"spec": {"selector": {"matchLabels": labels}, "template": template}});
    if rng.chance(60) {
        body["spec"]["replicas"] = Value::from(rng.below(5));
    }
    if rng.chance(20) {
        body["spec"]["strategy"] = json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": "25%"}});
    }
    body
}

/// A StatefulSet.
pub(super) fn stateful_set(rng: &mut Rng) -> Value {
    let mut body = workload(rng);
    body["spec"]["serviceName"] = Value::from(name(rng));
    if rng.chance(60) {
        let mut claim = claim(rng);
        claim["metadata"] = json!({"name": "data"});
        body["spec"]["volumeClaimTemplates"] = json!([claim]);
    }
    body
}

/// A ReplicationController, whose selector is a plain map.
pub(super) fn controller(rng: &mut Rng) -> Value {
    json!({"spec": {"replicas": 1, "selector": labels(rng), "template": template(rng)}})
}

/// A Job.
pub(super) fn job(rng: &mut Rng) -> Value {
    json!({"spec": {"backoffLimit": 1, "template": template(rng)}})
}

/// A CronJob.
pub(super) fn cron_job(rng: &mut Rng) -> Value {
    json!({"spec": {"schedule": "*/5 * * * *", "jobTemplate": {"spec": {"template": template(rng)}}}})
}

/// A claim.
pub(super) fn claim(rng: &mut Rng) -> Value {
    json!({"spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": name(rng), "volumeName": name(rng),
        "resources": {"requests": {"storage": "1Gi"}}}})
}
