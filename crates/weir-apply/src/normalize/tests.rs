//! What is sent for what is written.

use serde_json::json;

use super::*;

fn check(input: Value, expected: Value) {
    let mut object = Object::new(input).expect("an object");
    normalize(&mut object);
    assert_eq!(object.into_value(), expected);
}

#[test]
fn a_deployment_gains_zero_values_and_keeps_unknown_fields() {
    check(
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "web", "creationTimestamp": null},
            "spec": {
                "replicas": 0, "noSuchField": 1, "selector": {"matchLabels": {"app": "web"}},
                "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{
                    "name": "web", "image": "example.com/web", "ports": [{"containerPort": 80}],
                    "resources": {"limits": {"cpu": 1, "memory": "1024Mi"}},
                }]}},
            },
            "status": {"replicas": 7},
        }),
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
            "spec": {
                "replicas": 0, "noSuchField": 1, "selector": {"matchLabels": {"app": "web"}}, "strategy": {},
                "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{
                    "name": "web", "image": "example.com/web",
                    "ports": [{"containerPort": 80, "protocol": "TCP"}],
                    "resources": {"limits": {"cpu": "1", "memory": "1Gi"}},
                }]}},
            },
        }),
    );
}

#[test]
fn unknown_fields_can_be_left_out_and_leave_the_digest_alone() {
    let metadata = json!({"name": "s", "labels": {"a/b": "c"}, "no~such/field": {}});
    let port = json!({"port": 80, "protocol": "TCP", "targetPort": 0});
    let input = |port: &Value| json!({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"ports": [port]}});
    let mut odd = port.clone();
    odd["colour"] = "red".into();
    let mut object = Object::new(input(&odd)).expect("an object");
    normalize(&mut object);
    assert!(object.has_unknown());
    let reduced = object.without_unknown().expect("it has some");
    assert_eq!(
        reduced.left_out(),
        [".metadata.no~such/field", ".spec.ports[0].colour"]
    );
    assert_eq!(reduced.digest(), object.digest());
    assert!(!reduced.has_unknown() && reduced.without_unknown().is_none());
    let mut expected = input(&port);
    expected["metadata"] = json!({"name": "s", "labels": {"a/b": "c"}});
    assert_eq!(reduced.into_value(), expected);
}

#[test]
fn a_service_gets_a_protocol_and_a_target_port() {
    check(
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}]}}),
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"},
            "spec": {"ports": [{"port": 80, "protocol": "TCP", "targetPort": 0}]}}),
    );
}

#[test]
fn string_data_is_folded_into_data() {
    check(
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"},
            "data": {"a": "YQ==", "b": "Yg=="}, "stringData": {"b": "over", "c": "new"}}),
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"},
            "data": {"a": "YQ==", "b": "b3Zlcg==", "c": "bmV3"}}),
    );
}

#[test]
fn an_object_that_does_not_fit_its_type_stays_as_it_is() {
    let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"},
        "data": {"n": 1}, "extra": true});
    check(object.clone(), object);
}

#[test]
fn roles_and_custom_resources_are_not_touched() {
    for (api_version, kind) in [
        ("rbac.authorization.k8s.io/v1", "ClusterRole"),
        ("example.com/v1", "Widget"),
    ] {
        let object = json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": "x"}, "extra": []});
        check(object.clone(), object);
    }
}

/// Of an authority that nobody trusts.
const CERTIFICATE: &str = include_str!("certificate.pem");

#[test]
fn a_definition_keeps_its_status_and_loses_a_placeholder_for_certificates() {
    let definition = |config: Value| {
        json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": "widgets.example.com", "annotations": {}}, "status": {"conditions": []},
            "spec": {"conversion": {"webhook": {"clientConfig": config}}}})
    };
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for placeholder in ["Cg==", "invalid-cert-data", &STANDARD.encode(broken)] {
        check(
            definition(json!({"caBundle": placeholder})),
            definition(json!({})),
        );
    }
    let both = format!("{broken}{CERTIFICATE}");
    for usable in ["", &STANDARD.encode(CERTIFICATE), &STANDARD.encode(both)] {
        let bundle = json!({"caBundle": usable});
        check(definition(bundle.clone()), definition(bundle));
    }
}
