//! Random objects of the kinds that kustomize knows something about, and of some that it does not.

use serde_json::{Value, json};

use super::pods;
use super::rng::Rng;
use super::scalars;

/// Few names, so that references meet what they name.
pub(super) const NAMES: [&str; 10] = [
    "app", "web", "db", "cfg", "tls", "data", "app-2", "a.b", "x1", "default",
];

/// Few namespaces.
pub(super) const NAMESPACES: [&str; 4] = ["default", "prod", "team-a", "kube-system"];

/// What makes an object's content.
type Body = fn(&mut Rng) -> Value;

/// API version, kind, whether it lives in a namespace, content.
pub(super) const KINDS: [(&str, &str, bool, Body); 51] = [
    ("apps/v1", "Deployment", true, pods::workload),
    ("apps/v1", "Deployment", true, pods::workload),
    ("apps/v1", "StatefulSet", true, pods::stateful_set),
    ("apps/v1", "DaemonSet", true, pods::workload),
    ("apps/v1", "ReplicaSet", true, pods::workload),
    ("extensions/v1beta1", "Deployment", true, pods::workload),
    ("v1", "ReplicationController", true, pods::controller),
    ("batch/v1", "Job", true, pods::job),
    ("batch/v1", "CronJob", true, pods::cron_job),
    ("batch/v1beta1", "CronJob", true, pods::cron_job),
    ("v1", "Pod", true, pods::pod),
    (
        "v1",
        "PodTemplate",
        true,
        |rng| json!({"template": pods::template(rng)}),
    ),
    ("v1", "ConfigMap", true, config_map),
    ("v1", "ConfigMap", true, config_map),
    ("v1", "Secret", true, secret),
    ("v1", "Service", true, service),
    ("v1", "Service", true, service),
    ("v1", "ServiceAccount", true, service_account),
    ("v1", "PersistentVolumeClaim", true, pods::claim),
    ("v1", "PersistentVolume", false, volume),
    ("v1", "Namespace", false, |_| json!({})),
    (
        "v1",
        "Node",
        false,
        |rng| json!({"spec": {"configSource": {"configMap": {"name": name(rng), "namespace": "prod"}}}}),
    ),
    (
        "v1",
        "Endpoints",
        true,
        |_| json!({"subsets": [{"addresses": [{"ip": "10.0.0.1"}], "ports": [{"port": 80}]}]}),
    ),
    (
        "v1",
        "LimitRange",
        true,
        |rng| json!({"spec": {"limits": [{"type": "Pod", "max": {"cpu": scalars::scalar(rng)}}]}}),
    ),
    (
        "v1",
        "ResourceQuota",
        true,
        |_| json!({"spec": {"hard": {"pods": "10"}}}),
    ),
    ("networking.k8s.io/v1", "Ingress", true, ingress),
    ("extensions/v1beta1", "Ingress", true, old_ingress),
    (
        "networking.k8s.io/v1",
        "IngressClass",
        false,
        |_| json!({"spec": {"controller": "k8s.io/nginx"}}),
    ),
    (
        "networking.k8s.io/v1",
        "NetworkPolicy",
        true,
        network_policy,
    ),
    ("policy/v1", "PodDisruptionBudget", true, budget),
    ("policy/v1beta1", "PodDisruptionBudget", true, budget),
    (
        "autoscaling/v2",
        "HorizontalPodAutoscaler",
        true,
        autoscaler,
    ),
    ("rbac.authorization.k8s.io/v1", "Role", true, role),
    ("rbac.authorization.k8s.io/v1", "ClusterRole", false, role),
    ("rbac.authorization.k8s.io/v1", "RoleBinding", true, binding),
    (
        "rbac.authorization.k8s.io/v1",
        "ClusterRoleBinding",
        false,
        binding,
    ),
    ("storage.k8s.io/v1", "StorageClass", false, storage_class),
    (
        "scheduling.k8s.io/v1",
        "PriorityClass",
        false,
        |_| json!({"value": 1000, "globalDefault": false}),
    ),
    (
        "apiextensions.k8s.io/v1",
        "CustomResourceDefinition",
        false,
        definition,
    ),
    (
        "apiregistration.k8s.io/v1",
        "APIService",
        false,
        |rng| json!({"spec": {"group": "x.io", "version": "v1", "service": {"name": name(rng), "namespace": "prod"}}}),
    ),
    (
        "admissionregistration.k8s.io/v1",
        "ValidatingWebhookConfiguration",
        false,
        webhooks,
    ),
    (
        "admissionregistration.k8s.io/v1",
        "MutatingWebhookConfiguration",
        false,
        webhooks,
    ),
    (
        "admissionregistration.k8s.io/v1",
        "ValidatingAdmissionPolicy",
        false,
        |_| json!({"spec": {"failurePolicy": "Fail"}}),
    ),
    (
        "admissionregistration.k8s.io/v1",
        "ValidatingAdmissionPolicyBinding",
        false,
        |rng| json!({"spec": {"policyName": name(rng), "validationActions": ["Deny"]}}),
    ),
    ("cert-manager.io/v1", "Certificate", true, certificate),
    ("cert-manager.io/v1", "Certificate", true, certificate),
    ("example.com/v1", "Widget", true, widget),
    ("example.com/v1", "Widget", true, widget),
    ("example.com/v1alpha1", "ClusterWidget", false, widget),
    ("serving.knative.dev/v1", "Service", true, |rng| {
        json!({"spec": {"template": {"spec": {"volumes": [{"name": "v", "secret": {"secretName": name(rng)}}],
            "containers": [{"image": pods::image(rng)}]}}}})
    }),
    (
        "monitoring.coreos.com/v1",
        "ServiceMonitor",
        true,
        |rng| json!({"spec": {"selector": {"matchLabels": labels(rng)}, "endpoints": [{"port": "http", "interval": "30s"}]}}),
    ),
];

/// One of the few names.
pub(super) fn name(rng: &mut Rng) -> String {
    rng.text(&NAMES)
}

/// Some labels.
pub(super) fn labels(rng: &mut Rng) -> Value {
    const KEYS: [&str; 5] = ["app", "tier", "app.kubernetes.io/name", "version", "a10"];
    let entries =
        (0..rng.between(1, 3)).map(|_| (rng.text(&KEYS), Value::from(scalars::word(rng))));
    Value::Object(entries.collect())
}

fn texts(rng: &mut Rng) -> Value {
    const KEYS: [&str; 9] = [
        "key",
        "file.txt",
        "a_b",
        "a.b",
        "A",
        "0",
        "config.yaml",
        "x2",
        "x10",
    ];
    let entries = (0..rng.between(1, 4)).map(|_| (rng.text(&KEYS), Value::from(scalars::any(rng))));
    Value::Object(entries.collect())
}

fn config_map(rng: &mut Rng) -> Value {
    let mut body = json!({"data": texts(rng)});
    if rng.chance(30) {
        body["data"]["config.yaml"] = Value::from(rng.text(&[
            "key: value\nlist:\n- a\n- b\na:\n  b: 1 # note\n",
            "# head\nkey: 'x'\nlist: [1, 2]\na: {b: c}\n",
            "{\"key\": 1, \"list\": [true, null], \"a\": {\"b\": \"<x>\"}}",
            "{\n  \"key\": 1.50,\n  \"a\": {}\n}\n",
            "[1, 2]",
            "- name: x\n  v: 1\n",
            "a: b: c",
        ]));
    }
    if rng.chance(15) {
        body["binaryData"] = json!({"bin": "AAEC/w=="});
    }
    if rng.chance(10) {
        body["immutable"] = json!(true);
    }
    body
}

fn secret(rng: &mut Rng) -> Value {
    let mut body =
        json!({"type": rng.text(&["Opaque", "kubernetes.io/tls"]), "data": {"key": "c2VjcmV0"}});
    if rng.chance(50) {
        body["stringData"] = texts(rng);
    }
    body
}

fn service(rng: &mut Rng) -> Value {
    let mut ports =
        vec![json!({"port": 80, "targetPort": rng.pick(&["http", "8080"]), "name": "http"})];
    if rng.chance(40) {
        ports.push(json!({"port": 80, "protocol": "UDP", "name": "udp"}));
    }
    if rng.chance(30) {
        ports.push(json!({"port": 443, "protocol": "TCP", "nodePort": 30000 + rng.below(99)}));
    }
    json!({"spec": {"selector": labels(rng), "ports": ports, "type": "ClusterIP"}})
}

fn service_account(rng: &mut Rng) -> Value {
    json!({"imagePullSecrets": [{"name": name(rng)}], "secrets": [{"name": name(rng)}],
        "automountServiceAccountToken": rng.chance(50)})
}

fn volume(rng: &mut Rng) -> Value {
    json!({"spec": {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "storageClassName": name(rng),
        "azureFile": {"secretName": name(rng), "secretNamespace": "prod", "shareName": "s"},
        "nfs": {"server": "$(HOST)", "path": "/x"}, "claimRef": {"name": name(rng), "namespace": "prod"}}})
}

fn ingress(rng: &mut Rng) -> Value {
    let backend = json!({"service": {"name": name(rng), "port": {"number": 80}}});
    json!({"spec": {"ingressClassName": name(rng), "defaultBackend": backend.clone(),
        "tls": [{"hosts": ["a.example.com"], "secretName": name(rng)}],
        "rules": [{"host": "$(HOST).example.com", "http": {"paths": [
            {"path": "/", "pathType": "Prefix", "backend": backend},
            {"path": "/x", "pathType": "Exact", "backend": {"service": {"name": name(rng), "port": {"name": "http"}}}}]}}]}})
}

fn old_ingress(rng: &mut Rng) -> Value {
    json!({"spec": {"backend": {"serviceName": name(rng), "servicePort": 80}, "rules": [{"host": "h", "http": {
        "paths": [{"path": "/", "backend": {"serviceName": name(rng), "servicePort": "http"}}]}}]}})
}

fn network_policy(rng: &mut Rng) -> Value {
    json!({"spec": {"podSelector": {"matchLabels": labels(rng)}, "policyTypes": ["Ingress", "Egress"],
        "ingress": [{"from": [{"podSelector": {"matchLabels": labels(rng)}}, {"ipBlock": {"cidr": "10.0.0.0/8"}}]}],
        "egress": [{"to": [{"podSelector": {"matchLabels": labels(rng)}}, {"namespaceSelector": {}}]}]}})
}

fn budget(rng: &mut Rng) -> Value {
    json!({"spec": {"selector": {"matchLabels": labels(rng)}, "minAvailable": scalars::raw(rng.pick(&["1", "50%"]))}})
}

fn autoscaler(rng: &mut Rng) -> Value {
    let kind = rng.text(&["Deployment", "StatefulSet", "ReplicaSet"]);
    json!({"spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": kind, "name": name(rng)},
        "minReplicas": 1, "maxReplicas": 3,
        "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization"}}}]}})
}

fn role(rng: &mut Rng) -> Value {
    json!({"rules": [
        {"apiGroups": [""], "resources": ["configmaps", "secrets"], "resourceNames": [name(rng), name(rng)], "verbs": ["get"]},
        {"apiGroups": ["policy"], "resources": ["podsecuritypolicies"], "resourceNames": [name(rng)], "verbs": ["use"]}]})
}

fn binding(rng: &mut Rng) -> Value {
    let mut subjects = vec![
        json!({"kind": "ServiceAccount", "name": name(rng), "namespace": rng.text(&NAMESPACES)}),
    ];
    if rng.chance(50) {
        subjects.push(json!({"kind": "ServiceAccount", "name": "default"}));
    }
    if rng.chance(40) {
        subjects
            .push(json!({"kind": "User", "name": "jane", "apiGroup": "rbac.authorization.k8s.io"}));
    }
    let kind = rng.text(&["Role", "ClusterRole"]);
    json!({"roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name(rng)}, "subjects": subjects})
}

fn storage_class(rng: &mut Rng) -> Value {
    json!({"provisioner": "x.io/p", "parameters": {"adminSecretName": name(rng), "adminSecretNamespace": "prod",
        "userSecretName": name(rng), "secretName": name(rng)}})
}

fn definition(rng: &mut Rng) -> Value {
    json!({"spec": {"group": "example.com", "scope": "Namespaced", "names": {"kind": "Widget", "plural": "widgets"},
        "conversion": {"strategy": "Webhook", "webhook": {"clientConfig": {"service": {"name": name(rng), "namespace": "prod"}}}},
        "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {"type": "object",
            "properties": {"spec": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}}}]}})
}

fn webhooks(rng: &mut Rng) -> Value {
    let hook = |rng: &mut Rng, name: &str| {
        json!({"name": name, "sideEffects": "None", "admissionReviewVersions": ["v1"],
            "clientConfig": {"service": {"name": self::name(rng), "namespace": rng.text(&NAMESPACES), "path": "/v"}},
            "rules": [{"apiGroups": ["apps"], "operations": ["CREATE"]}]})
    };
    json!({"webhooks": [hook(rng, "a.x.io"), hook(rng, "b.x.io")]})
}

fn certificate(rng: &mut Rng) -> Value {
    json!({"spec": {"secretName": name(rng), "dnsNames": ["a.example.com", "b.example.com"], "issuerRef":
        {"name": name(rng), "kind": "Issuer"}, "duration": "2160h", "privateKey": {"size": scalars::raw("4096")}}})
}

fn widget(rng: &mut Rng) -> Value {
    let mut body = json!({"spec": {"size": rng.below(9), "configRef": {"name": name(rng)}, "replicas": 1,
        "image": pods::image(rng), "tree": scalars::tree(rng, 3), "parts": [
            {"name": "left", "value": scalars::scalar(rng)}, {"name": "right", "port": 1}],
        "template": {"spec": {"containers": [{"name": "c", "image": pods::image(rng)}]}}}});
    if rng.chance(20) {
        body["status"] = scalars::tree(rng, 2);
    }
    body
}
