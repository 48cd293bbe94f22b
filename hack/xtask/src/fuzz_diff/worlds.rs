//! Trees laid out as public projects lay them out: operators as their scaffolding makes them, platforms with
//! a base and many overlays, stacks of parts with parameters. Names, images and contents are of our own.

mod crd;
mod operator;
mod platform;
mod stack;

use serde_json::{Value, json};

use super::layers::{Maker, ROOT};

/// Fills the case with one such tree.
pub(super) fn build(maker: &mut Maker) {
    match maker.rng.below(3) {
        0 => operator::build(maker),
        1 => platform::build(maker),
        _ => stack::build(maker),
    }
}

/// Writes one file of several documents.
fn write(maker: &mut Maker, path: &str, documents: &[Value]) {
    let text = maker.stream(documents);
    maker.case.files.insert(path.to_owned(), text);
}

/// Writes a file whose text is given.
fn text(maker: &mut Maker, path: &str, text: &str) {
    maker.case.files.insert(path.to_owned(), text.to_owned());
}

/// Writes the kustomization of a folder.
fn kustomization(maker: &mut Maker, folder: &str, fields: Value) {
    let mut fields = fields;
    if maker.rng.chance(70) {
        let component = fields["kind"] == "Component";
        let version = if component { "v1alpha1" } else { "v1beta1" };
        fields["apiVersion"] = json!(format!("kustomize.config.k8s.io/{version}"));
        fields["kind"] = json!(if component {
            "Component"
        } else {
            "Kustomization"
        });
    }
    let text = maker.yaml(&fields);
    let path = format!("{folder}/kustomization.yaml");
    maker.case.files.insert(path, text);
}

/// The kustomization that is built, over one folder.
fn root(maker: &mut Maker, folder: &str, more: Value) {
    let mut fields = more;
    fields["resources"] = json!([format!("../{folder}")]);
    kustomization(maker, ROOT, fields);
}

/// A deployment as such projects write it.
fn deployment(maker: &mut Maker, name: &str, image: &str, args: &[&str]) -> Value {
    let labels = json!({"app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "sys"});
    let mut container = json!({
        "name": maker.rng.text(&["manager", "main", name]),
        "image": image,
        "args": args,
        "env": [
            {"name": "POD_NAMESPACE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}},
            {"name": "LEVEL", "value": maker.rng.text(&["info", "0", "true", "on", "1e3"])},
            {"name": "CONFIG", "valueFrom": {"configMapKeyRef": {"name": format!("{name}-config"), "key": "level", "optional": true}}}],
        "ports": [{"containerPort": 9443, "name": "webhook-server", "protocol": "TCP"}, {"containerPort": 8080, "name": "metrics"}],
        "livenessProbe": {"httpGet": {"path": "/healthz", "port": 8081}, "initialDelaySeconds": 15},
        "resources": {"limits": {"cpu": "500m", "memory": "128Mi"}, "requests": {"cpu": "10m"}},
        "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}},
        "volumeMounts": [{"name": "cert", "mountPath": "/tmp/certs", "readOnly": true}, {"name": "tmp", "mountPath": "/tmp"}]});
    if maker.rng.chance(30) {
        container["envFrom"] = json!([{"configMapRef": {"name": format!("{name}-config")}}]);
    }
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "labels": labels}, "spec": {
        "replicas": 1,
        "selector": {"matchLabels": {"app.kubernetes.io/name": name}},
        "template": {"metadata": {"labels": labels, "annotations": {"prometheus.io/port": "8080", "prometheus.io/scrape": "true"}},
            "spec": {"serviceAccountName": name, "terminationGracePeriodSeconds": 10, "containers": [container],
                "affinity": {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 100, "podAffinityTerm": {
                    "labelSelector": {"matchLabels": {"app.kubernetes.io/name": name}}, "topologyKey": "kubernetes.io/hostname"}}]}},
                "volumes": [{"name": "cert", "secret": {"defaultMode": 420, "secretName": format!("{name}-tls")}}, {"name": "tmp", "emptyDir": {}}]}}}})
}

/// A service in front of it.
fn service(name: &str, port: u16) -> Value {
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "labels": {"app.kubernetes.io/name": name}},
        "spec": {"ports": [{"name": "http", "port": port, "targetPort": 8080, "protocol": "TCP"}],
            "selector": {"app.kubernetes.io/name": name}}})
}

/// Account, roles and bindings of one name.
fn access(name: &str) -> Vec<Value> {
    let api = "rbac.authorization.k8s.io/v1";
    let rules = json!([
        {"apiGroups": ["", "apps"], "resources": ["*"], "verbs": ["get", "list", "watch"]},
        {"apiGroups": [""], "resources": ["configmaps", "secrets"], "resourceNames": [format!("{name}-config"), format!("{name}-tls")], "verbs": ["*"]},
        {"nonResourceURLs": ["/metrics"], "verbs": ["get"]}]);
    let subject = json!([{"kind": "ServiceAccount", "name": name, "namespace": "system"}]);
    let reference =
        |kind: &str| json!({"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name});
    vec![
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}}),
        json!({"apiVersion": api, "kind": "ClusterRole", "metadata": {"creationTimestamp": null, "name": name}, "rules": rules}),
        json!({"apiVersion": api, "kind": "Role", "metadata": {"name": name}, "rules": rules}),
        json!({"apiVersion": api, "kind": "ClusterRoleBinding", "metadata": {"name": name}, "roleRef": reference("ClusterRole"), "subjects": subject}),
        json!({"apiVersion": api, "kind": "RoleBinding", "metadata": {"name": name}, "roleRef": reference("Role"), "subjects": subject}),
    ]
}
