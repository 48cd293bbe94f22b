//! The event that controllers post to `--events-addr`.
//!
//! Source: fluxcd/pkg `apis/event/v1` as of Flux 2.9.

use std::collections::BTreeMap;
use std::fmt;

use k8s_openapi::api::core::v1::ObjectReference;
use serde::{Deserialize, Serialize};

use crate::meta::Time;

/// The longest message in bytes that the receiving side keeps.
pub const MAX_MESSAGE: usize = 39_000;

/// The largest body in bytes that the receiving side takes.
pub const MAX_BODY: usize = 3 << 20;

/// Something that happened to an object, as JSON on the wire.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// The object.
    pub involved_object: ObjectReference,
    /// How serious it is.
    pub severity: Severity,
    /// When it happened.
    pub timestamp: Time,
    /// What happened, for people.
    pub message: String,
    /// What happened, in one word for machines.
    pub reason: String,
    /// Facts under keys like `<API group>/revision`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    /// The controller that saw it, e.g. `kustomize-controller`.
    pub reporting_controller: String,
    /// Its host name, which is the name of its pod.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reporting_instance: String,
}

/// How serious an event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Only of interest when looking closely; never posted, a Kubernetes event of type Normal.
    Trace,
    /// Good news; a Kubernetes event of type Normal.
    Info,
    /// Bad news; a Kubernetes event of type Warning.
    Error,
}

impl Severity {
    /// The text as in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Info => "info",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Last parts of metadata keys, after `<API group>/`.
pub mod metadata_key {
    /// What was reconciled.
    pub const REVISION: &str = "revision";
    /// What the artifact was made from elsewhere.
    pub const ORIGIN_REVISION: &str = "originRevision";
    /// Former name of [`DIGEST`].
    pub const CHECKSUM: &str = "checksum";
    /// Digest of the artifact.
    pub const DIGEST: &str = "digest";
    /// Tells apart events that are otherwise equal; never delivered.
    pub const TOKEN: &str = "token";
    /// The commit that the event is about.
    pub const COMMIT: &str = "commit";
    /// Asks to set the status of a commit; value [`COMMIT_STATUS_UPDATE`].
    pub const COMMIT_STATUS: &str = "commit_status";
    /// The value of [`COMMIT_STATUS`].
    pub const COMMIT_STATUS_UPDATE: &str = "update";
    /// The pull request that the event is about.
    pub const CHANGE_REQUEST: &str = "change_request";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_what_upstream_posts() {
        let event = Event {
            involved_object: ObjectReference {
                api_version: Some("source.toolkit.fluxcd.io/v1".to_owned()),
                kind: Some("GitRepository".to_owned()),
                name: Some("app".to_owned()),
                namespace: Some("apps".to_owned()),
                ..ObjectReference::default()
            },
            severity: Severity::Info,
            timestamp: Time::default(),
            message: "stored".to_owned(),
            reason: "NewArtifact".to_owned(),
            metadata: BTreeMap::new(),
            reporting_controller: "source-controller".to_owned(),
            reporting_instance: "source-controller-0".to_owned(),
        };
        let expect = serde_json::json!({
            "involvedObject": {
                "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository", "name": "app", "namespace": "apps",
            },
            "severity": "info", "timestamp": "1970-01-01T00:00:00Z", "message": "stored", "reason": "NewArtifact",
            "reportingController": "source-controller", "reportingInstance": "source-controller-0",
        });
        assert_eq!(serde_json::to_value(&event).expect("prints"), expect);
    }
}
