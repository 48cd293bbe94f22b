//! Google Cloud KMS, by its REST interface.
//!
//! Source: sops v3.13 `gcpkms/keysource.go`.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regex::Regex;
use reqwest::Url;
use serde_json::{Value, json};
use sops::Secret;
use weir_auth::{Environment, Reply, shown};

use crate::KeyServices;
use crate::http::{ATTEMPTS, WORDS, repeat};

/// What tokens of a credentials file are asked for.
const SCOPES: [&str; 2] = [
    "https://www.googleapis.com/auth/cloud-platform",
    "https://www.googleapis.com/auth/cloudkms",
];

impl KeyServices {
    pub(crate) async fn gcp(&self, resource: &str, encrypted: &str) -> Result<Secret, String> {
        let no_service = |why: &str| format!("cannot create GCP KMS service: {why}");
        let url = url(&self.access.environment, resource).map_err(|why| no_service(&why))?;
        let ciphertext = STANDARD
            .decode(encrypted)
            .map_err(|error| format!("illegal base64 data: {error}"))?;
        let token = self
            .once("gcp", async || match &self.credentials.gcp {
                Some(file) => file.token(&self.access.client, &SCOPES).await,
                None => self.access.gcp().await,
            })
            .await;
        let token = token.map_err(|error| {
            failed(&format!(
                "rpc error: code = Unauthenticated desc = transport: per-RPC creds failed due to error: {error}"
            ))
        })?;
        let body = json!({"ciphertext": STANDARD.encode(ciphertext)}).to_string();
        let what = format!("POST {}", shown(&url));
        let make = || {
            let request = self.access.client.post(url.clone());
            request
                .bearer_auth(&token.secret)
                .header("content-type", "application/json")
                .body(body.clone())
        };
        let reply = repeat(&what, ATTEMPTS, make).await;
        let reply = reply
            .map_err(|error| failed(&format!("rpc error: code = Unavailable desc = {error}")))?;
        plain(&reply, &token.secret)
    }
}

/// Where the key is asked to decrypt.
fn url(environment: &Environment, resource: &str) -> Result<Url, String> {
    static FORM: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new("^projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/]+$").ok()
    });
    let is_step = |part: &str| matches!(part, "." | "..");
    let fits = FORM.as_ref().is_some_and(|form| form.is_match(resource));
    if !fits || resource.split('/').any(is_step) {
        return Err(format!("no valid resource ID found in {resource:?}"));
    }
    let base = match environment.get("SOPS_GCP_KMS_ENDPOINT") {
        Some(given) if given.contains("://") => given,
        Some(given) => format!("https://{given}"),
        None => {
            let domain = environment.get("SOPS_GCP_KMS_UNIVERSE_DOMAIN");
            let domain = domain.unwrap_or_else(|| "googleapis.com".to_owned());
            format!("https://cloudkms.{domain}")
        }
    };
    let mut url = Url::parse(&base).map_err(|error| error.to_string())?;
    let parts = resource.split('/').collect::<Vec<_>>();
    let (name, parents) = parts.split_last().ok_or("no key")?;
    url.path_segments_mut()
        .map_err(|()| "the endpoint is no base of a URL".to_owned())?
        .pop_if_empty()
        .push("v1")
        .extend(parents)
        .push(&format!("{name}:decrypt"));
    Ok(url)
}

fn plain(reply: &Reply, token: &str) -> Result<Secret, String> {
    let json: Option<Value> = serde_json::from_slice(&reply.body).ok();
    if reply.is_success() {
        let text = json
            .as_ref()
            .and_then(|json| json.get("plaintext")?.as_str());
        let plain = text.and_then(|text| STANDARD.decode(text).ok());
        return plain
            .map(Secret::new)
            .ok_or_else(|| failed("the answer holds no plaintext"));
    }
    let error = json.as_ref().and_then(|json| json.get("error"));
    let field = |name: &str| error?.get(name)?.as_str();
    let code = field("status").map_or_else(|| format!("Code({})", reply.status), camel);
    let message = match field("message") {
        Some(message) => message
            .replace(token, "*****")
            .chars()
            .take(WORDS)
            .collect(),
        None => reply.text(WORDS, &[token]),
    };
    Err(failed(&format!(
        "rpc error: code = {code} desc = {message}"
    )))
}

/// A status as Go writes it: `PERMISSION_DENIED` is `PermissionDenied`.
fn camel(status: &str) -> String {
    let word = |word: &str| {
        let (first, rest) = word.split_at_checked(1).unwrap_or((word, ""));
        format!("{first}{}", rest.to_lowercase())
    };
    let known: String = status.chars().take(40).collect();
    match known.as_str() {
        "OK" | "CANCELLED" => "Canceled".to_owned(),
        other => other.split('_').map(word).collect(),
    }
}

fn failed(why: &str) -> String {
    format!("failed to decrypt sops data key with GCP KMS key: {why}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_asked_at_its_own_path() {
        let at = |resource: &str| url(&Environment::of(&[]), resource).map(String::from);
        let key = "projects/p/locations/global/keyRings/r/cryptoKeys/k";
        assert_eq!(
            at(key),
            Ok(format!("https://cloudkms.googleapis.com/v1/{key}:decrypt"))
        );
        let odd = "projects/p?x/locations/global/keyRings/r#y/cryptoKeys/k";
        assert_eq!(
            at(odd),
            Ok("https://cloudkms.googleapis.com/v1/projects/p%3Fx/locations/global/keyRings/r%23y/cryptoKeys/k:decrypt".to_owned())
        );
        for bad in [
            "",
            "projects/p/locations/global/keyRings/r/cryptoKeys/k/extra",
            "projects/../locations/global/keyRings/r/cryptoKeys/k",
        ] {
            assert_eq!(
                at(bad),
                Err(format!("no valid resource ID found in {bad:?}"))
            );
        }
        let own = Environment::of(&[("SOPS_GCP_KMS_ENDPOINT", "kms.example:444")]);
        let found = url(&own, key).map(String::from);
        assert_eq!(
            found,
            Ok(format!("https://kms.example:444/v1/{key}:decrypt"))
        );
    }

    #[test]
    fn codes_read_as_in_go() {
        for (status, code) in [
            ("PERMISSION_DENIED", "PermissionDenied"),
            ("NOT_FOUND", "NotFound"),
            ("UNAUTHENTICATED", "Unauthenticated"),
            ("", ""),
        ] {
            assert_eq!(camel(status), code);
        }
    }
}
