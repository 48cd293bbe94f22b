//! An operator as its scaffolding lays it out: definitions, access, manager, webhooks, certificates, and a
//! folder that puts them together.

use serde_json::{Value, json};

use super::super::layers::Maker;
use super::{access, crd, deployment, kustomization, root, service, write};

/// Fills the case.
pub(super) fn build(maker: &mut Maker) {
    maker.note("world: operator");
    definitions(maker);
    manager(maker);
    webhooks(maker);
    certificates(maker);
    together(maker);
    let mut fields = json!({});
    if maker.rng.chance(50) {
        fields["images"] = json!([{"name": "controller", "newName": "registry.example.com/op", "newTag": "v1.2.3"}]);
    }
    if maker.rng.chance(40) {
        fields["patches"] = json!([{"patch": "- op: add\n  path: /spec/template/spec/containers/0/args/-\n  value: --leader-elect\n",
            "target": {"kind": "Deployment", "labelSelector": "control-plane=manager"}}]);
    }
    if maker.rng.chance(40) {
        fields["namespace"] = json!("tenant");
    }
    if maker.rng.chance(30) {
        fields["nameSuffix"] = json!("-2");
    }
    root(maker, "default", fields);
}

fn definitions(maker: &mut Maker) {
    let mut patches = Vec::new();
    let mut resources = Vec::new();
    for kind in ["Widget", "Gadget", "Flow"]
        .iter()
        .take(maker.rng.between(1, 3))
    {
        let definition = crd::definition(&mut maker.rng, kind, "op.example.com");
        let name = definition["metadata"]["name"].clone();
        let file = format!("bases/op_{}.yaml", kind.to_lowercase());
        write(maker, &format!("crd/{file}"), &[definition]);
        resources.push(file);
        if maker.rng.chance(70) {
            let hook = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": name},
                "spec": {"conversion": {"strategy": "Webhook", "webhook": {"clientConfig": {"service": {"namespace": "system",
                    "name": "webhook-service", "path": "/convert"}}, "conversionReviewVersions": ["v1"]}}}});
            let note = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
                "metadata": {"name": name, "annotations": {"cert-manager.io/inject-ca-from": "$(CERTIFICATE_NAMESPACE)/$(CERTIFICATE_NAME)"}}});
            for (prefix, patch) in [("webhook", hook), ("cainjection", note)] {
                let file = format!("patches/{prefix}_in_{}.yaml", kind.to_lowercase());
                write(maker, &format!("crd/{file}"), &[patch]);
                patches.push(file);
            }
        }
    }
    let mut fields = json!({"resources": resources, "configurations": ["kustomizeconfig.yaml"]});
    if maker.rng.chance(50) {
        fields["patchesStrategicMerge"] = json!(patches);
    } else {
        let entries: Vec<Value> = patches.iter().map(|path| json!({"path": path})).collect();
        fields["patches"] = json!(entries);
    }
    write(
        maker,
        "crd/kustomizeconfig.yaml",
        &[
            json!({"nameReference": [{"kind": "Service", "version": "v1", "fieldSpecs": [{"kind": "CustomResourceDefinition",
            "version": "v1", "group": "apiextensions.k8s.io", "path": "spec/conversion/webhook/clientConfig/service/name"}]}],
            "namespace": [{"kind": "CustomResourceDefinition", "version": "v1", "group": "apiextensions.k8s.io",
                "path": "spec/conversion/webhook/clientConfig/service/namespace", "create": false}],
            "varReference": [{"path": "metadata/annotations"}]}),
        ],
    );
    kustomization(maker, "crd", fields);
}

fn manager(maker: &mut Maker) {
    let mut manager = deployment(
        maker,
        "controller-manager",
        "controller:latest",
        &[
            "--metrics-bind-address=:8443",
            "--health-probe-bind-address=:8081",
            "--webhook-cert-path=/tmp/certs",
        ],
    );
    manager["metadata"]["namespace"] = json!("system");
    manager["metadata"]["labels"]["control-plane"] = json!("manager");
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "system", "labels": {"control-plane": "manager"}}});
    write(maker, "manager/manager.yaml", &[namespace, manager]);
    let mut fields = json!({"resources": ["manager.yaml"]});
    if maker.rng.chance(60) {
        fields["configMapGenerator"] =
            json!([{"name": "controller-manager-config", "literals": ["level=info", "list=a,b"]}]);
        fields["generatorOptions"] = json!({"disableNameSuffixHash": maker.rng.chance(40)});
    }
    if maker.rng.chance(60) {
        fields["images"] = json!([{"name": "controller", "newName": "example.com/op/controller", "newTag": "latest"}]);
    }
    kustomization(maker, "manager", fields);
    let mut all = access("controller-manager");
    for object in &mut all {
        if ["ServiceAccount", "Role", "RoleBinding"]
            .iter()
            .any(|kind| object["kind"] == *kind)
        {
            object["metadata"]["namespace"] = json!("system");
        }
    }
    write(maker, "rbac/access.yaml", &all);
    kustomization(maker, "rbac", json!({"resources": ["access.yaml"]}));
}

fn webhooks(maker: &mut Maker) {
    let hook = |name: &str, path: &str| {
        json!({"admissionReviewVersions": ["v1"], "clientConfig": {"service": {"name": "webhook-service", "namespace": "system", "path": path}},
            "failurePolicy": "Fail", "name": name, "sideEffects": "None",
            "rules": [{"apiGroups": ["op.example.com"], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["widgets"]}]})
    };
    let api = "admissionregistration.k8s.io/v1";
    let documents = [
        json!({"apiVersion": api, "kind": "MutatingWebhookConfiguration", "metadata": {"creationTimestamp": null, "name": "mutating-webhook-configuration"},
            "webhooks": [hook("mwidget.kb.io", "/mutate"), hook("mgadget.kb.io", "/mutate-2")]}),
        json!({"apiVersion": api, "kind": "ValidatingWebhookConfiguration", "metadata": {"name": "validating-webhook-configuration"},
            "webhooks": [hook("vwidget.kb.io", "/validate")]}),
    ];
    write(maker, "webhook/manifests.yaml", &documents);
    let mut front = service("webhook-service", 443);
    front["metadata"]["namespace"] = json!("system");
    write(maker, "webhook/service.yaml", &[front]);
    let field = |kind: &str, part: &str| json!({"kind": kind, "group": "admissionregistration.k8s.io", "path": format!("webhooks/clientConfig/service/{part}"), "create": true});
    let kinds = [
        "MutatingWebhookConfiguration",
        "ValidatingWebhookConfiguration",
    ];
    write(
        maker,
        "webhook/kustomizeconfig.yaml",
        &[
            json!({"nameReference": [{"kind": "Service", "version": "v1", "fieldSpecs":
            kinds.map(|kind| json!({"kind": kind, "group": "admissionregistration.k8s.io", "path": "webhooks/clientConfig/service/name"}))}],
            "namespace": kinds.map(|kind| field(kind, "namespace"))}),
        ],
    );
    kustomization(
        maker,
        "webhook",
        json!({"resources": ["manifests.yaml", "service.yaml"], "configurations": ["kustomizeconfig.yaml"]}),
    );
}

fn certificates(maker: &mut Maker) {
    let host = maker.rng.chance(50);
    let names = match host {
        true => json!([
            "$(SERVICE_NAME).$(SERVICE_NAMESPACE).svc",
            "$(SERVICE_NAME).$(SERVICE_NAMESPACE).svc.cluster.local"
        ]),
        false => json!([
            "SERVICE_NAME.SERVICE_NAMESPACE.svc",
            "SERVICE_NAME.SERVICE_NAMESPACE.svc.cluster.local"
        ]),
    };
    let api = "cert-manager.io/v1";
    write(
        maker,
        "certmanager/certificate.yaml",
        &[
            json!({"apiVersion": api, "kind": "Issuer", "metadata": {"name": "selfsigned-issuer", "namespace": "system"}, "spec": {"selfSigned": {}}}),
            json!({"apiVersion": api, "kind": "Certificate", "metadata": {"name": "serving-cert", "namespace": "system"}, "spec": {
                "dnsNames": names, "issuerRef": {"kind": "Issuer", "name": "selfsigned-issuer"}, "secretName": "controller-manager-tls"}}),
        ],
    );
    write(
        maker,
        "certmanager/kustomizeconfig.yaml",
        &[
            json!({"nameReference": [{"kind": "Issuer", "group": "cert-manager.io", "fieldSpecs": [
            {"kind": "Certificate", "group": "cert-manager.io", "path": "spec/issuerRef/name"}]}],
            "varReference": [{"kind": "Certificate", "group": "cert-manager.io", "path": "spec/commonName"},
                {"kind": "Certificate", "group": "cert-manager.io", "path": "spec/dnsNames"}]}),
        ],
    );
    kustomization(
        maker,
        "certmanager",
        json!({"resources": ["certificate.yaml"], "configurations": ["kustomizeconfig.yaml"]}),
    );
}

fn together(maker: &mut Maker) {
    let mut fields = json!({"namespace": "op-system", "namePrefix": "op-"});
    let below = json!([
        "../crd",
        "../rbac",
        "../manager",
        "../webhook",
        "../certmanager"
    ]);
    let field = if maker.rng.chance(40) {
        "bases"
    } else {
        "resources"
    };
    fields[field] = below;
    let labels = json!({"app.kubernetes.io/managed-by": "kustomize", "team": "on"});
    match maker.rng.below(3) {
        0 => fields["commonLabels"] = labels,
        1 => fields["labels"] = json!([{"pairs": labels, "includeSelectors": true}]),
        _ => fields["labels"] = json!([{"pairs": labels}]),
    }
    let patch = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "controller-manager", "namespace": "system"},
        "spec": {"template": {"spec": {"containers": [
            {"name": "kube-rbac-proxy", "image": "gcr.io/kubebuilder/kube-rbac-proxy:v0.8.0", "args": ["--v=10"],
                "ports": [{"containerPort": 8443, "name": "https"}]},
            {"name": "manager", "image": "controller:latest", "args": ["--leader-elect"], "ports": [{"containerPort": 9443, "name": "hooks", "protocol": "TCP"}]}]}}}});
    write(maker, "default/manager_patch.yaml", &[patch]);
    fields["patches"] = json!([{"path": "manager_patch.yaml"}]);
    if maker.rng.chance(60) {
        let reference = |kind: &str, api: &str, name: &str| json!({"kind": kind, "apiVersion": api, "name": name});
        let certificate = reference("Certificate", "cert-manager.io/v1", "serving-cert");
        let front = reference("Service", "v1", "webhook-service");
        fields["vars"] = json!([
            {"name": "CERTIFICATE_NAMESPACE", "objref": certificate, "fieldref": {"fieldpath": "metadata.namespace"}},
            {"name": "CERTIFICATE_NAME", "objref": certificate},
            {"name": "SERVICE_NAMESPACE", "objref": front, "fieldref": {"fieldpath": "metadata.namespace"}},
            {"name": "SERVICE_NAME", "objref": front}]);
    } else {
        fields["replacements"] = replacements();
    }
    kustomization(maker, "default", fields);
}

/// The newer way to say the same as the variables.
fn replacements() -> Value {
    let into_names = |index: usize| {
        json!([{"select": {"kind": "Certificate", "group": "cert-manager.io", "version": "v1"},
            "fieldPaths": ["spec.dnsNames.0", "spec.dnsNames.1"], "options": {"delimiter": ".", "index": index, "create": true}}])
    };
    let into_notes = |index: usize| {
        json!([
            {"select": {"kind": "ValidatingWebhookConfiguration"}, "fieldPaths": ["metadata.annotations.[cert-manager.io/inject-ca-from]"],
                "options": {"delimiter": "/", "index": index, "create": true}},
            {"select": {"kind": "CustomResourceDefinition"}, "reject": [{"name": "flows.*"}],
                "fieldPaths": ["metadata.annotations.[cert-manager.io/inject-ca-from]"],
                "options": {"delimiter": "/", "index": index, "create": true}}])
    };
    let front = |field: &str| json!({"kind": "Service", "version": "v1", "name": "webhook-service", "fieldPath": field});
    let certificate = |field: &str| json!({"kind": "Certificate", "group": "cert-manager.io", "version": "v1", "name": "serving-cert", "fieldPath": field});
    json!([
        {"source": front("metadata.name"), "targets": into_names(0)},
        {"source": front("metadata.namespace"), "targets": into_names(1)},
        {"source": certificate("metadata.namespace"), "targets": into_notes(0)},
        {"source": certificate("metadata.name"), "targets": into_notes(1)}])
}
