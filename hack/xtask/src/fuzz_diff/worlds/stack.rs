//! A stack of applications with parameters: values in files of variables, read back by variables or
//! replacements, with configurations of their own and many overlays.

use serde_json::json;

use super::super::layers::Maker;
use super::super::scalars;
use super::{access, deployment, kustomization, root, service, text, write};

const APPS: [&str; 4] = ["dashboard", "gateway", "pipeline", "notebook"];

/// Fills the case.
pub(super) fn build(maker: &mut Maker) {
    maker.note("world: stack");
    let count = maker.rng.between(1, APPS.len());
    let mut folders = Vec::new();
    for app in APPS.iter().take(count) {
        base(maker, app);
        let overlay = overlay(maker, app);
        folders.push(format!("../{overlay}"));
    }
    common(maker);
    folders.push(String::from("../common/base"));
    if maker.rng.chance(50) {
        folders.reverse();
    }
    kustomization(maker, "all", json!({"resources": folders}));
    let mut top = json!({});
    if maker.rng.chance(40) {
        top["sortOptions"] = json!({"order": maker.rng.text(&["legacy", "fifo"])});
    }
    if maker.rng.chance(30) {
        top["buildMetadata"] = json!(["originAnnotations", "transformerAnnotations"]);
    }
    if maker.rng.chance(40) {
        top["labels"] = json!([{"pairs": {"stack": "one"}, "includeTemplates": true}]);
    }
    root(maker, "all", top);
}

fn base(maker: &mut Maker, app: &str) {
    let folder = format!("apps/{app}/base");
    let mut workload = deployment(
        maker,
        app,
        &format!("example.com/stack/{app}"),
        &["--domain=$(DOMAIN)", "--user=$(USER_HEADER)"],
    );
    workload["spec"]["template"]["spec"]["containers"][0]["env"] = json!([
        {"name": "DOMAIN", "value": "$(DOMAIN)"}, {"name": "USERID_HEADER", "value": "$(USER_HEADER)"},
        {"name": "PREFIX", "value": "/x/$(DOMAIN)/y"}, {"name": "ODD", "value": scalars::line(&mut maker.rng)}]);
    let route = json!({"apiVersion": "networking.istio.io/v1beta1", "kind": "VirtualService", "metadata": {"name": app}, "spec": {
        "gateways": ["stack-gateway"], "hosts": ["*"], "http": [{"match": [{"uri": {"prefix": format!("/{app}/")}}], "rewrite": {"uri": "/"},
            "route": [{"destination": {"host": format!("{app}.$(NAMESPACE).svc.$(DOMAIN)"), "port": {"number": 80}}}]}]}});
    let policy = json!({"apiVersion": "security.istio.io/v1beta1", "kind": "AuthorizationPolicy", "metadata": {"name": app}, "spec": {
        "action": "ALLOW", "selector": {"matchLabels": {"app": app}},
        "rules": [{"from": [{"source": {"principals": ["cluster.local/ns/istio-system/sa/gateway"]}}], "when": [{"key": "request.headers[user]", "values": ["*"]}]}]}});
    write(maker, &format!("{folder}/deployment.yaml"), &[workload]);
    write(
        maker,
        &format!("{folder}/all.yaml"),
        &[service(app, 80), route, policy],
    );
    write(maker, &format!("{folder}/access.yaml"), &access(app));
    let odd = scalars::line(&mut maker.rng).replace(['\n', '\r'], " ");
    text(
        maker,
        &format!("{folder}/params.env"),
        &format!("domain=cluster.local\nuserHeader=user-id\n# note\n\nodd={odd}\n"),
    );
    let specs = json!([
        {"path": "spec/template/spec/containers/args", "kind": "Deployment"},
        {"path": "spec/template/spec/containers/env/value", "kind": "Deployment"},
        {"path": "spec/http/route/destination/host", "kind": "VirtualService"}]);
    write(
        maker,
        &format!("{folder}/params.yaml"),
        &[json!({"varReference": specs,
            "nameReference": [{"kind": "Service", "version": "v1", "fieldSpecs": [{"path": "spec/selector/matchLabels/app", "kind": "AuthorizationPolicy"}]}]})],
    );
    let map = format!("{app}-parameters");
    let reference = |name: &str| json!({"kind": "ConfigMap", "name": name, "apiVersion": "v1"});
    let mut fields = json!({"resources": ["deployment.yaml", "all.yaml", "access.yaml"], "namespace": "stack",
        "configMapGenerator": [{"name": map, "envs": ["params.env"]}], "configurations": ["params.yaml"],
        "images": [{"name": format!("example.com/stack/{app}"), "newTag": "v1.7.0"}],
        "commonLabels": {"app": app, "kustomize.component": app}});
    if maker.rng.chance(50) {
        fields["generatorOptions"] = json!({"disableNameSuffixHash": true});
    }
    let first = app == APPS[0];
    if first {
        fields["vars"] = json!([
            {"name": "DOMAIN", "objref": reference(&map), "fieldref": {"fieldpath": "data.domain"}},
            {"name": "USER_HEADER", "objref": reference(&map), "fieldref": {"fieldpath": "data.userHeader"}},
            {"name": "NAMESPACE", "objref": {"kind": "Service", "name": app, "apiVersion": "v1"}, "fieldref": {"fieldpath": "metadata.namespace"}}]);
    } else {
        fields["replacements"] = json!([{"source": {"kind": "ConfigMap", "name": map, "version": "v1", "fieldPath": "data.domain"},
            "targets": [{"select": {"kind": "VirtualService", "name": app}, "fieldPaths": ["spec.http.0.route.0.destination.host"],
                "options": {"delimiter": ".", "index": maker.rng.between(0, 4)}},
                {"select": {"kind": "Deployment"}, "fieldPaths": ["spec.template.spec.containers.[name=main].env.[name=DOMAIN].value",
                    "spec.template.spec.containers.*.env.[name=PREFIX].value"], "options": {"create": true}}]}]);
    }
    kustomization(maker, &folder, fields);
}

fn overlay(maker: &mut Maker, app: &str) -> String {
    let name = maker.rng.text(&["istio", "dev", "prod"]);
    let folder = format!("apps/{app}/overlays/{name}");
    let mut fields = json!({"resources": ["../../base"]});
    let mut list = Vec::new();
    if maker.rng.chance(60) {
        list.push(json!({"target": {"kind": "Deployment", "name": app}, "patch": format!(
            "- op: add\n  path: /spec/template/metadata/annotations/sidecar.istio.io~1inject\n  value: \"false\"\n- op: replace\n  path: /spec/replicas\n  value: {}\n",
            maker.rng.below(5))}));
    }
    if maker.rng.chance(50) {
        let patch = json!({"apiVersion": "networking.istio.io/v1beta1", "kind": "VirtualService", "metadata": {"name": app},
            "spec": {"hosts": [format!("{app}.example.com")], "http": [{"route": [{"destination": {"host": "x"}}]}]}});
        write(maker, &format!("{folder}/route.yaml"), &[patch]);
        list.push(json!({"path": "route.yaml"}));
    }
    if maker.rng.chance(30) {
        list.push(json!({"patch": format!("$patch: delete\napiVersion: security.istio.io/v1beta1\nkind: AuthorizationPolicy\nmetadata:\n  name: {app}\n")}));
    }
    if !list.is_empty() {
        fields["patches"] = json!(list);
    }
    if maker.rng.chance(40) {
        text(
            maker,
            &format!("{folder}/params.env"),
            "domain=example.org\n",
        );
        fields["configMapGenerator"] = json!([{"name": format!("{app}-parameters"), "namespace": "stack", "behavior": "merge", "envs": ["params.env"]}]);
    }
    if maker.rng.chance(40) {
        fields["secretGenerator"] = json!([{"name": format!("{app}-tls"), "type": "kubernetes.io/tls", "namespace": "stack",
            "literals": ["tls.crt=-----BEGIN-----", "tls.key=abc"]}]);
    }
    if maker.rng.chance(30) {
        fields["nameSuffix"] = json!(format!("-{name}"));
    }
    kustomization(maker, &folder, fields);
    folder
}

fn common(maker: &mut Maker) {
    let gateway = json!({"apiVersion": "networking.istio.io/v1beta1", "kind": "Gateway", "metadata": {"name": "stack-gateway", "namespace": "stack"}, "spec": {
        "selector": {"istio": "ingressgateway"}, "servers": [{"hosts": ["*"], "port": {"name": "http", "number": 80, "protocol": "HTTP"}}]}});
    let flux = json!({"apiVersion": "helm.toolkit.fluxcd.io/v2", "kind": "HelmRelease", "metadata": {"name": "podinfo"}, "spec": {"interval": "50m",
        "chart": {"spec": {"chart": "podinfo", "version": ">=6.0.0 <7.0.0", "sourceRef": {"kind": "HelmRepository", "name": "podinfo"}}},
        "values": {"a": scalars::tree(&mut maker.rng, 4), "b": scalars::tree(&mut maker.rng, 2)}}});
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "stack"}});
    let mut documents = vec![namespace, gateway, flux];
    maker.rng.shuffle(&mut documents);
    write(maker, "common/base/all.yaml", &documents);
    let mut fields = json!({"resources": ["all.yaml"]});
    if maker.rng.chance(40) {
        fields["patches"] = json!([{"target": {"kind": "HelmRelease", "annotationSelector": "!skip"},
            "patch": "- op: add\n  path: /spec/values/extra\n  value: {on: yes, size: 010, ratio: 1.50}\n"}]);
    }
    kustomization(maker, "common/base", fields);
}
