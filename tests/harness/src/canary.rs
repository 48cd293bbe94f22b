//! What no controller may tell anybody: the values of all Secrets that tests apply.
//!
//! Every one is looked for in what controllers show: their logs (panics are told there), their metrics, the events that
//! they post, and each status that a test waits for. So whatever a test is about, it also shows that this is kept.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// What is shorter is a word that means other things too.
const SHORTEST: usize = 8;
/// Values of Secrets that are nobody's secret.
const PUBLIC: [&str; 13] = [
    "username",
    "known_hosts",
    "ca.crt",
    "caFile",
    "tls.crt",
    "certFile",
    "address",
    "githubAppBaseURL",
    "githubAppID",
    "githubAppInstallationID",
    "githubAppInstallationOwner",
    "identity.pub",
    "type",
];

static KNOWN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Remembers the values of a Secret, line by line; any other object has none.
pub(crate) fn learn(object: &Value) {
    if object["kind"] != "Secret" {
        return;
    }
    let values = |field: &str| object[field].as_object().into_iter().flatten();
    let plain = values("stringData").map(|(key, value)| (key, text(value)));
    let encoded = values("data").map(|(key, value)| {
        let bytes = STANDARD.decode(text(value)).unwrap_or_default();
        (key, String::from_utf8_lossy(&bytes).into_owned())
    });
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    for (key, value) in plain.chain(encoded) {
        if PUBLIC.contains(&key.as_str()) {
            continue;
        }
        let lines = value.lines().map(str::trim);
        let telling = lines.filter(|line| line.len() >= SHORTEST && !line.starts_with("-----"));
        known.extend(telling.map(str::to_owned));
    }
}

/// The value of a Secret that `shown` holds, as it is or as base64.
pub(crate) fn found_in(shown: &str) -> Option<String> {
    let known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let is_in = |value: &&String| shown.contains(*value) || shown.contains(&STANDARD.encode(value));
    known.iter().find(is_in).cloned()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_of_secrets_are_found_as_they_are_and_encoded() {
        let pem = "-----BEGIN KEY-----\nunmistakable-line\n-----END KEY-----\n";
        learn(&json!({
            "kind": "Secret",
            "stringData": {"username": "harmless-name", "identity": pem, "short": "right"},
            "data": {"password": STANDARD.encode("unmistakable-word")},
        }));
        learn(&json!({"kind": "ConfigMap", "data": {"a": "harmless-value"}}));
        let harmless = "harmless-name harmless-value right -----BEGIN KEY-----";
        assert_eq!(found_in(harmless), None);
        for value in ["unmistakable-line", "unmistakable-word"] {
            assert_eq!(found_in(&format!("a {value} b")).as_deref(), Some(value));
            let encoded = format!("a {} b", STANDARD.encode(value));
            assert_eq!(found_in(&encoded).as_deref(), Some(value));
        }
    }
}
