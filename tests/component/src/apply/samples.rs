//! Objects of many kinds, with lists and maps of every sort.

use serde_json::{Value, json};
use weir_apply::Object;

/// Two kinds of our own: one with a schema, one without.
pub(super) fn definitions() -> Vec<Value> {
    let keyed = json!({
        "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name", "proto"],
        "items": {"type": "object", "required": ["name"], "properties": {
            "name": {"type": "string"}, "proto": {"type": "string", "default": "tcp"},
            "port": {"x-kubernetes-int-or-string": true},
        }},
    });
    let schema = json!({"type": "object", "properties": {"spec": {"type": "object", "properties": {
        "keyed": keyed,
        "set": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
        "atomic": {"type": "array", "items": {"type": "integer"}},
        "whole": {"type": "object", "x-kubernetes-map-type": "atomic", "additionalProperties": {"type": "string"}},
        "map": {"type": "object", "additionalProperties": {"type": "string"}},
        "mode": {"type": "string", "default": "slow"},
        "nothing": {"type": "string", "nullable": true},
        "sub": {"type": "object", "default": {}, "properties": {"a": {"type": "integer", "default": 1}, "b": {"type": "integer"}}},
    }}}});
    let loose = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    vec![
        definition("Typed", "typeds", &schema),
        definition("Loose", "looses", &loose),
    ]
}

fn definition(kind: &str, plural: &str, schema: &Value) -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{plural}.noop.example.com")},
        "spec": {
            "group": "noop.example.com", "scope": "Namespaced",
            "names": {"kind": kind, "plural": plural, "singular": plural.trim_end_matches('s')},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": schema}}],
        },
    })
}

/// The path of an object; `{ns}` stands for its namespace.
pub(super) fn path(object: &Object) -> Option<String> {
    let plural = match object.kind() {
        "ConfigMap" => "configmaps",
        "Secret" => "secrets",
        "Service" => "services",
        "ServiceAccount" => "serviceaccounts",
        "Deployment" => "deployments",
        "StatefulSet" => "statefulsets",
        "DaemonSet" => "daemonsets",
        "Job" => "jobs",
        "CronJob" => "cronjobs",
        "Ingress" => "ingresses",
        "NetworkPolicy" => "networkpolicies",
        "Role" => "roles",
        "RoleBinding" => "rolebindings",
        "PersistentVolumeClaim" => "persistentvolumeclaims",
        "HorizontalPodAutoscaler" => "horizontalpodautoscalers",
        "PodDisruptionBudget" => "poddisruptionbudgets",
        "LimitRange" => "limitranges",
        "ResourceQuota" => "resourcequotas",
        "Pod" => "pods",
        "Typed" => "typeds",
        "Loose" => "looses",
        _ => return None,
    };
    let base = match object.api_version() {
        "v1" => "/api/v1".to_owned(),
        version => format!("/apis/{version}"),
    };
    Some(format!(
        "{base}/namespaces/{{ns}}/{plural}/{}",
        object.name()
    ))
}

/// One object of each kind.
pub(super) fn objects(namespace: &str) -> Vec<Value> {
    let object = |(api_version, kind, content): (&str, &str, Value)| {
        let mut object = json!({
            "apiVersion": api_version, "kind": kind,
            "metadata": {"name": "sample", "namespace": namespace, "annotations": {"mine": "x"}},
        });
        super::merge(&mut object, &content);
        object
    };
    let all = core().into_iter().chain(others()).chain(workloads());
    all.map(object).collect()
}

/// API version, kind, and the fields besides its name.
type Row = (&'static str, &'static str, Value);

/// Objects of the core group without a pod template.
fn core() -> Vec<Row> {
    vec![
        (
            "v1",
            "ConfigMap",
            json!({"data": {"a": "1", "b": "2"}, "binaryData": {"c": "YQ=="}}),
        ),
        (
            "v1",
            "Secret",
            json!({"stringData": {"a": "1"}, "data": {"b": "Mg=="}}),
        ),
        (
            "v1",
            "ServiceAccount",
            json!({"automountServiceAccountToken": false, "imagePullSecrets": [{"name": "a"}, {"name": "b"}]}),
        ),
        (
            "v1",
            "Service",
            json!({"spec": {"selector": {"app": "a"}, "ports": [
            {"name": "a", "port": 80, "targetPort": "http"}, {"name": "b", "port": 80, "protocol": "UDP"}]}}),
        ),
        (
            "v1",
            "PersistentVolumeClaim",
            json!({"spec": {"accessModes": ["ReadWriteOnce", "ReadOnlyMany"], "resources": {"requests": {"storage": "1Gi"}}}}),
        ),
        (
            "v1",
            "LimitRange",
            json!({"spec": {"limits": [{"type": "Container", "default": {"cpu": "1000m", "memory": "1Gi"}}]}}),
        ),
        (
            "v1",
            "ResourceQuota",
            json!({"spec": {"hard": {"pods": "10000", "requests.cpu": "1000k"}, "scopes": ["NotTerminating"]}}),
        ),
    ]
}

/// Objects of other groups.
fn others() -> Vec<Row> {
    vec![
        (
            "rbac.authorization.k8s.io/v1",
            "Role",
            json!({"rules": [
            {"apiGroups": [""], "resources": ["pods", "secrets"], "verbs": ["get", "list"]},
            {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get"]}]}),
        ),
        (
            "rbac.authorization.k8s.io/v1",
            "RoleBinding",
            json!({
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "sample"},
            "subjects": [{"kind": "ServiceAccount", "name": "a", "namespace": "default"}, {"kind": "User", "name": "u", "apiGroup": "rbac.authorization.k8s.io"}]}),
        ),
        (
            "networking.k8s.io/v1",
            "Ingress",
            json!({"spec": {"ingressClassName": "x", "tls": [{"hosts": ["a.example.com"]}], "rules": [
            {"host": "a.example.com", "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "a", "port": {"number": 80}}}}]}}]}}),
        ),
        (
            "networking.k8s.io/v1",
            "NetworkPolicy",
            json!({"spec": {"podSelector": {"matchLabels": {"app": "a"}}, "policyTypes": ["Ingress", "Egress"],
            "ingress": [{"from": [{"podSelector": {}}, {"namespaceSelector": {}}], "ports": [{"port": 80}, {"port": "http", "protocol": "TCP"}]}]}}),
        ),
        (
            "policy/v1",
            "PodDisruptionBudget",
            json!({"spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "a"}}}}),
        ),
        (
            "autoscaling/v2",
            "HorizontalPodAutoscaler",
            json!({"spec": {"minReplicas": 1, "maxReplicas": 3,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "sample"},
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}},
                {"type": "Resource", "resource": {"name": "memory", "target": {"type": "AverageValue", "averageValue": "1000m"}}}],
            "behavior": {"scaleDown": {"policies": [{"type": "Pods", "value": 1, "periodSeconds": 60}]}}}}),
        ),
        (
            "noop.example.com/v1",
            "Typed",
            json!({"spec": {
            "keyed": [{"name": "a", "port": 1}, {"name": "b", "proto": "udp", "port": "x"}], "set": ["a", "b"], "atomic": [1, 2],
            "whole": {"a": "1"}, "map": {"a": "1", "b": "2"}, "sub": {"b": 1}}}),
        ),
        (
            "noop.example.com/v1",
            "Loose",
            json!({"spec": {
            "list": [{"name": "a", "x": 1}, {"name": "b"}], "map": {"a": {"b": [1, "x", null]}}, "empty": {}, "none": []}}),
        ),
    ]
}

/// Objects with a pod template.
fn workloads() -> Vec<Row> {
    let pod = |restart: &str| {
        json!({
            "restartPolicy": restart, "nodeSelector": {"a": "b"}, "serviceAccountName": "sample",
            "tolerations": [{"key": "a", "operator": "Exists"}, {"key": "b", "value": "c", "effect": "NoSchedule"}],
            "securityContext": {"fsGroup": 1, "supplementalGroups": [1, 2]},
            "volumes": [{"name": "tmp", "emptyDir": {}}, {"name": "conf", "configMap": {"name": "sample", "items": [{"key": "a", "path": "a"}]}}],
            "containers": [
                {"name": "a", "image": "a:1", "args": ["x", "y"], "env": [{"name": "A", "value": "1"}, {"name": "B", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
                    "ports": [{"containerPort": 80, "name": "http"}, {"containerPort": 81}],
                    "resources": {"requests": {"cpu": "1000m"}, "limits": {"memory": "1Gi"}},
                    "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}], "readinessProbe": {"httpGet": {"path": "/", "port": "http"}}},
                {"name": "b", "image": "b:1"}],
        })
    };
    let template =
        |restart: &str| json!({"metadata": {"labels": {"app": "a"}}, "spec": pod(restart)});
    let selector = json!({"matchLabels": {"app": "a"}});
    let (always, never) = (template("Always"), template("Never"));
    vec![
        (
            "apps/v1",
            "Deployment",
            json!({"spec": {"replicas": 0, "selector": selector, "template": always, "strategy": {"rollingUpdate": {"maxSurge": "25%"}}}}),
        ),
        (
            "apps/v1",
            "StatefulSet",
            json!({"spec": {"replicas": 0, "serviceName": "s", "selector": selector, "template": always,
            "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}]}}),
        ),
        (
            "apps/v1",
            "DaemonSet",
            json!({"spec": {"selector": selector, "template": always, "updateStrategy": {"type": "OnDelete"}}}),
        ),
        (
            "batch/v1",
            "Job",
            json!({"spec": {"suspend": true, "template": never, "ttlSecondsAfterFinished": 100}}),
        ),
        (
            "batch/v1",
            "CronJob",
            json!({"spec": {"schedule": "0 0 1 1 *", "suspend": true, "jobTemplate": {"spec": {"template": never}}}}),
        ),
        ("v1", "Pod", json!({"spec": pod("Always")})),
    ]
}
