//! Objects in the form that Flux sends them, so that neither of the two undoes what the other applied.
//!
//! Source: fluxcd/pkg `ssa/normalize/normalize.go`, `ssa/manager_apply.go` as of Flux 2.9

mod quantity;
mod round_trip;
mod table;
mod time;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::{Map, Value};

use crate::object::Object;

/// Brings one object into that form.
///
/// A built-in kind goes through its Go type: quantities become canonical, fields whose zero value Go prints appear.
/// Fields that the type has not are noted: Flux drops them, we do so only if the API server knows them neither. An object that its type cannot hold stays as it is; the API server will say why.
/// Definitions of kinds are none of these. Then `creationTimestamp` and `status` go; a definition keeps its status.
pub fn normalize(object: &mut Object) {
    let (api_version, kind) = (object.api_version().to_owned(), object.kind().to_owned());
    remove_unusable_ca_bundle(object, &kind);
    let exempt = api_version == "rbac.authorization.k8s.io/v1" && kind.ends_with("Role");
    if !exempt
        && let Some((typed, unknown)) = round_trip::round_trip(object.value(), &api_version, &kind)
    {
        *object.fields() = typed;
        object.set_unknown(unknown);
        set_protocols(object, &api_version, &kind);
        if (api_version.as_str(), kind.as_str()) == ("v1", "Secret") {
            fold_string_data(object);
        }
    }
    object.metadata().remove("creationTimestamp");
    if kind != "CustomResourceDefinition" {
        object.fields().remove("status");
    }
}

/// Whether the kind is one that every API server serves, with a schema that does not change while it runs.
#[must_use]
pub fn is_built_in(api_version: &str, kind: &str) -> bool {
    let untyped = matches!(
        (api_version, kind),
        ("apiextensions.k8s.io/v1", "CustomResourceDefinition")
            | ("apiregistration.k8s.io/v1", "APIService")
    );
    untyped || table::Table::get().kind(api_version, kind).is_some()
}

/// Where the pod template of a built-in workload is.
fn pod_spec_pointer(api_version: &str, kind: &str) -> Option<&'static str> {
    Some(match (api_version, kind) {
        ("v1", "Pod") => "/spec",
        ("apps/v1", "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet")
        | ("batch/v1", "Job") => "/spec/template/spec",
        ("batch/v1", "CronJob") => "/spec/jobTemplate/spec/template/spec",
        _ => return None,
    })
}

/// Ports are merged by number and protocol, so the API server must always see the protocol.
fn set_protocols(object: &mut Object, api_version: &str, kind: &str) {
    let fields = object.fields();
    if (api_version, kind) == ("v1", "Service") {
        let ports = fields
            .get_mut("spec")
            .and_then(|spec| spec.get_mut("ports"));
        set_protocol(ports);
    }
    let Some(pointer) = pod_spec_pointer(api_version, kind) else {
        return;
    };
    let mut spec = fields.get_mut("spec");
    for key in pointer.split('/').skip(2) {
        spec = spec.and_then(|spec| spec.get_mut(key));
    }
    let Some(spec) = spec else { return };
    for list in ["containers", "initContainers"] {
        for container in spec
            .get_mut(list)
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
        {
            set_protocol(container.get_mut("ports"));
        }
    }
}

fn set_protocol(ports: Option<&mut Value>) {
    for port in ports.and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(port) = port.as_object_mut()
            && port.get("protocol").is_none_or(|protocol| protocol == "")
        {
            port.insert("protocol".to_owned(), "TCP".into());
        }
    }
}

/// `stringData` into `data`, over what is there.
fn fold_string_data(object: &mut Object) {
    let Some(Value::Object(plain)) = object.fields().remove("stringData") else {
        return;
    };
    let data = object
        .fields()
        .entry("data")
        .or_insert_with(|| Value::Object(Map::new()));
    if let Some(data) = data.as_object_mut() {
        for (key, value) in plain {
            let encoded = STANDARD.encode(value.as_str().unwrap_or_default());
            data.insert(key, Value::String(encoded));
        }
    }
}

/// A conversion webhook's `caBundle` that holds no certificate is a placeholder, to be filled in by somebody else: the
/// server would refuse it.
///
/// Source: fluxcd/pkg `ssa/utils/cert_validation.go`.
fn remove_unusable_ca_bundle(object: &mut Object, kind: &str) {
    if kind != "CustomResourceDefinition" {
        return;
    }
    let mut config = object.fields().get_mut("spec");
    for key in ["conversion", "webhook", "clientConfig"] {
        config = config.and_then(|config| config.get_mut(key));
    }
    let Some(config) = config.and_then(Value::as_object_mut) else {
        return;
    };
    let bundle = config.get("caBundle").and_then(Value::as_str);
    if bundle.is_some_and(|bundle| !is_usable_bundle(bundle)) {
        config.remove("caBundle");
    }
}

/// Whether a client could trust what is in `bundle`: nothing at all, or a certificate at least.
fn is_usable_bundle(bundle: &str) -> bool {
    let Ok(pem) = STANDARD.decode(bundle) else {
        return false;
    };
    let mut certificates = CertificateDer::pem_slice_iter(&pem).flatten();
    let mut trusted = RootCertStore::empty();
    pem.is_empty() || certificates.any(|certificate| trusted.add(certificate).is_ok())
}

#[cfg(test)]
mod tests;
