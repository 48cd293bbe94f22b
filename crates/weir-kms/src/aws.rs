//! AWS KMS.
//!
//! Source: sops v3.13 `kms/keysource.go`; kustomize-controller v1.9 `internal/sops/awskms`, which does not look at
//! the profile that a key names; aws-sdk-go-v2 `service/kms` v1.53.

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regex::Regex;
use serde_json::{Value, json};
use sops::Secret;
use weir_auth::aws::{self, Keys, Request, Sts};
use weir_auth::{Reply, shown};

use crate::KeyServices;
use crate::http::{ATTEMPTS, WORDS, repeat};

/// Refusals that the service describes: they go without a prefix.
const MODELLED: [&str; 11] = [
    "DependencyTimeoutException",
    "DisabledException",
    "DryRunOperationException",
    "IncorrectKeyException",
    "InvalidCiphertextException",
    "InvalidGrantTokenException",
    "InvalidKeyUsageException",
    "KMSInternalException",
    "KMSInvalidStateException",
    "KeyUnavailableException",
    "NotFoundException",
];

/// A session's name has at most this many characters.
const SESSION: usize = 64;

/// What a file says of a key.
pub(crate) struct Key<'a> {
    pub(crate) arn: &'a str,
    pub(crate) role: &'a str,
    pub(crate) context: &'a BTreeMap<String, String>,
}

impl KeyServices {
    pub(crate) async fn aws(&self, key: &Key<'_>, encrypted: &str) -> Result<Secret, String> {
        let blob = STANDARD
            .decode(encrypted)
            .map_err(|error| format!("error base64-decoding encrypted data key: {error}"))?;
        let no_arn = || format!("no valid ARN found in '{}'", key.arn);
        let region = region(key.arn).ok_or_else(no_arn)?;
        let own = self.aws_keys(region).await;
        let keys = match (own, key.role) {
            (Ok(keys), "") => keys,
            (Ok(keys), role) => self
                .role(region, &keys, role)
                .await
                .map_err(|why| format!("failed to assume role '{role}': {why}"))?,
            (Err(why), "") => return Err(failed(&no_keys("KMS: Decrypt", &why))),
            (Err(why), role) => {
                let why = no_keys("STS: AssumeRole", &why);
                return Err(format!("failed to assume role '{role}': {why}"));
            }
        };
        let url = aws::endpoint(&self.access.environment, "kms", region)
            .map_err(|error| failed(&format!("operation error KMS: Decrypt, {error}")))?;
        let body = body(key, &blob);
        let what = format!("POST {}", shown(&url));
        let request = Request {
            service: "kms",
            region,
            url: &url,
            headers: &[
                ("content-type", "application/x-amz-json-1.1"),
                ("x-amz-target", "TrentService.Decrypt"),
            ],
            body: body.as_bytes(),
        };
        let signed = request.signed(&keys, SystemTime::now());
        let signed = signed.map_err(|error| failed(&error.to_string()))?;
        let make = || {
            let request = self.access.client.post(url.clone()).body(body.clone());
            signed.iter().fold(request, |request, (name, value)| {
                request.header(name, value)
            })
        };
        let reply = repeat(&what, ATTEMPTS, make).await;
        let reply = reply.map_err(|error| {
            failed(&format!(
                "operation error KMS: Decrypt, https response error StatusCode: 0, RequestID: , request send failed, {error}"
            ))
        })?;
        plain(&reply, &keys)
    }

    async fn aws_keys(&self, region: &str) -> Result<Keys, String> {
        if let Some(keys) = &self.credentials.aws {
            if keys.id.is_empty() || keys.secret.is_empty() {
                return Err("static credentials are empty".to_owned());
            }
            return Ok(keys.clone());
        }
        let keys = self.access.aws(region).await;
        keys.map_err(|error| error.to_string())
    }

    async fn role(&self, region: &str, keys: &Keys, role: &str) -> Result<Keys, String> {
        let environment = &self.access.environment;
        let text = |error: weir_auth::Error| error.to_string();
        let sts = Sts::new(&self.access.client, environment, region).map_err(text)?;
        let host = environment.get("HOSTNAME").unwrap_or_default();
        let session = session(&host);
        sts.for_keys(keys, role, &session).await.map_err(text)
    }
}

/// The region of a key's name; `None` if that is no name of a key, or its region no part of a host name.
fn region(arn: &str) -> Option<&str> {
    static FORM: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r"^arn:aws[0-9A-Za-z_-]*:kms:(.+):[0-9]+:(key|alias)/.+$").ok()
    });
    let found = FORM.as_ref()?.captures(arn)?.get(1)?.as_str();
    let is_label = found
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    is_label.then_some(found)
}

/// What a session that decrypts is called.
fn session(host: &str) -> String {
    // The class of upstream's expression reaches from `@` to `_`.
    let is_fit =
        |char: &char| char.is_ascii_alphanumeric() || matches!(char, '=' | ',' | '.' | '@'..='_');
    let host: String = host.chars().filter(is_fit).collect();
    format!("sops@{host}").chars().take(SESSION).collect()
}

fn body(key: &Key<'_>, blob: &[u8]) -> String {
    let mut body = json!({"CiphertextBlob": STANDARD.encode(blob), "KeyId": key.arn});
    if !key.context.is_empty() {
        body["EncryptionContext"] = json!(key.context);
    }
    body.to_string()
}

fn plain(reply: &Reply, keys: &Keys) -> Result<Secret, String> {
    let json: Option<Value> = serde_json::from_slice(&reply.body).ok();
    let field = |name: &str| json.as_ref()?.get(name)?.as_str();
    if reply.is_success() {
        let plain = field("Plaintext").and_then(|text| STANDARD.decode(text).ok());
        let none = || failed("operation error KMS: Decrypt, deserialization failed");
        return plain.map(Secret::new).ok_or_else(none);
    }
    let kind = match reply.header("x-amzn-errortype") {
        "" => field("__type")
            .or_else(|| field("code"))
            .unwrap_or_default(),
        kind => kind,
    };
    // It comes with a name space before, and an address behind.
    let kind = kind.rsplit('#').next().unwrap_or_default();
    let kind = kind.split(':').next().unwrap_or_default();
    let kind = if kind.is_empty() {
        "UnknownError"
    } else {
        kind
    };
    let message = field("message").or_else(|| field("Message"));
    let message = message.filter(|message| !message.is_empty());
    let message = message.unwrap_or("UnknownError");
    let mut message: String = message.chars().take(WORDS).collect();
    for secret in [keys.secret.as_str(), &keys.session] {
        if !secret.is_empty() {
            message = message.replace(secret, "*****");
        }
    }
    let modelled = MODELLED
        .iter()
        .any(|known| known.eq_ignore_ascii_case(kind));
    let why = if modelled {
        format!("{kind}: {message}")
    } else {
        format!("api error {kind}: {message}")
    };
    let id = reply.header("x-amzn-requestid");
    let error = aws::refusal("KMS", "Decrypt", reply, id, &why);
    Err(failed(&error.to_string()))
}

fn no_keys(operation: &str, why: &str) -> String {
    format!(
        "operation error {operation}, get identity: get credentials: failed to refresh cached credentials, {why}"
    )
}

fn failed(why: &str) -> String {
    format!("failed to decrypt sops data key with AWS KMS: {why}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_its_region_if_it_is_one() {
        for (arn, expected) in [
            (
                "arn:aws:kms:us-west-2:107501996527:key/612d5f0p-p1l3-45e6-aca6-a5b005693a48",
                Some("us-west-2"),
            ),
            (
                "arn:aws-cn:kms:cn-north-1:123456789012:key/1234abcd",
                Some("cn-north-1"),
            ),
            (
                "arn:aws-us-gov:kms:us-gov-west-1:123456789012:alias/own",
                Some("us-gov-west-1"),
            ),
            ("arn:aws:kms:us-west-2:107501996527:key/", None),
            ("arn:aws:kms:us-west-2:107501996527:alias/", None),
            ("not-an-arn", None),
            ("arn:aws:s3:::my-bucket", None),
            ("arn:aws:kms:evil.example/:1:key/a", None),
            ("arn:aws:kms:a@evil.example:1:key/a", None),
        ] {
            assert_eq!(region(arn), expected, "{arn}");
        }
    }

    #[test]
    fn a_session_is_called_after_the_host() {
        assert_eq!(session("pod-1.x y"), "sops@pod1.xy");
        assert_eq!(session(&"a".repeat(100)).len(), 64);
    }
}
