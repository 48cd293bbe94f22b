//! The transit engine of Vault and of OpenBao.
//!
//! Source: sops v3.13 `hcvault/keysource.go`; kustomize-controller v1.9 `internal/decryptor/decryptor.go`
//! `SetAuthOptions`, `vaultLogin`; hashicorp/vault `api` v1.23.

mod settings;
mod transport;

pub use settings::VaultNetwork;

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::{RequestBuilder, Url};
use serde_json::{Value, json};
use sops::Secret;
use tokio::time::Instant;
use weir_auth::{Asking, Reply, Token, claims};

use crate::KeyServices;
use crate::http::{WORDS, repeat_within};

/// The servers that service accounts may log in to.
pub trait TrustedVaults: Send + Sync {
    /// Where to log in, by a server's address.
    fn login_paths(&self) -> Asking<'_, BTreeMap<String, String>>;

    /// How messages name the list.
    fn name(&self) -> String;
}

/// What a file says of a key.
pub(crate) struct Key<'a> {
    pub(crate) address: &'a str,
    pub(crate) engine_path: &'a str,
    pub(crate) key_name: &'a str,
}

impl KeyServices {
    pub(crate) async fn vault(&self, key: &Key<'_>, encrypted: &str) -> Result<Secret, String> {
        self.vaults.allows(key.address)?;
        let token = match (&self.credentials.vault_token, &self.trusted_vaults) {
            (Some(token), _) => token.to_string(),
            (None, Some(_)) => self.logged_in(key.address).await?,
            (None, None) => self.vaults.own_token().await?,
        };
        let path = path(&[key.engine_path, "decrypt", key.key_name]);
        let failed = |why: String| {
            format!("failed to decrypt sops data key from Vault transit backend '{path}': {why}")
        };
        let reply = self
            .put(
                key.address,
                &path,
                &json!({"ciphertext": encrypted}),
                &token,
            )
            .await
            .map_err(failed)?;
        let json: Option<Value> = serde_json::from_slice(&reply.body).ok();
        let data = json.as_ref().and_then(|json| json.get("data"));
        let data = data.filter(|data| data.is_object());
        let data = data.ok_or_else(|| failed("transit backend is empty".to_owned()))?;
        let plain = match data.get("plaintext") {
            None => Err("no decrypted data"),
            Some(Value::String(text)) => STANDARD
                .decode(text)
                .map_err(|_| "cannot decode base64 plaintext into data key bytes"),
            Some(_) => Err("decrypted plaintext data cannot be cast to string"),
        };
        plain.map(Secret::new).map_err(|why| failed(why.to_owned()))
    }

    /// The token that the service account gets from the server at `address`, if that is one to be trusted.
    async fn logged_in(&self, address: &str) -> Result<String, String> {
        let token = self
            .once(&format!("vault {address}"), async || {
                self.log_in(address)
                    .await
                    .map_err(weir_auth::Error::Invalid)
            })
            .await;
        token
            .map(|token| token.secret)
            .map_err(|error| error.to_string())
    }

    async fn log_in(&self, address: &str) -> Result<Token, String> {
        let Some(trusted) = &self.trusted_vaults else {
            return Err("no Vault is trusted".to_owned());
        };
        let paths = trusted.login_paths().await;
        let paths = paths.map_err(|error| error.to_string())?;
        let login = paths.get(address).filter(|path| !path.is_empty());
        let login = login.ok_or_else(|| {
            format!(
                "no Vault login path configured for address '{address}' in ConfigMap '{}'",
                trusted.name()
            )
        })?;
        let jwt = self.access.kubernetes(&[address.to_owned()]).await;
        let jwt = jwt.map_err(|error| {
            format!("failed to issue Kubernetes token for Vault authentication: {error}")
        })?;
        let role = role(&jwt.secret)
            .map_err(|why| format!("failed to derive Vault role for authentication: {why}"))?;
        let failed = |why: String| {
            format!(
                "failed to authenticate with Vault '{address}' at login path '{login}' as role '{role}': {why}"
            )
        };
        let body = json!({"role": role, "jwt": jwt.secret});
        let reply = self.put(address, login, &body, "").await.map_err(|why| {
            // A server that answers with what it was sent must not bring the token into a message.
            failed(why.replace(&jwt.secret, "*****"))
        })?;
        let json: Option<Value> = serde_json::from_slice(&reply.body).ok();
        let token = json
            .as_ref()
            .and_then(|json| json.get("auth")?.get("client_token")?.as_str())
            .filter(|token| !token.is_empty());
        let token = token.ok_or_else(|| {
            format!("Vault '{address}' returned no token for login at '{login}' as role '{role}'")
        })?;
        Ok(Token {
            username: String::new(),
            secret: token.to_owned(),
            expires: SystemTime::now() + Duration::from_secs(60),
        })
    }

    /// Writes `body` to `path`; the answer of a server that did what it was asked.
    async fn put(
        &self,
        address: &str,
        path: &str,
        body: &Value,
        token: &str,
    ) -> Result<Reply, String> {
        let settings = &self.vaults;
        let (attempts, patience, mut may_follow) = settings.manner()?;
        if token.chars().any(|char| !char.is_ascii_graphic()) {
            return Err(
                "configured Vault token contains non-printable characters and cannot be used"
                    .to_owned(),
            );
        }
        let body = body.to_string();
        let until = Instant::now() + patience;
        let mut url = url(settings.agent().unwrap_or(address), path)?;
        loop {
            let request = settings
                .request(&url)?
                .header("content-type", "application/json")
                .header("x-vault-request", "true")
                .body(body.clone());
            let request = with_token(request, token);
            let make = || request.try_clone().expect("its body is bytes");
            let what = format!("Put \"{url}\"");
            let asked = repeat_within(&what, attempts, patience, make);
            let reply = tokio::time::timeout_at(until, asked).await;
            let reply = reply.map_err(|_| format!("{what}: context deadline exceeded"))?;
            let reply = reply.map_err(|error| error.to_string())?;
            if may_follow && matches!(reply.status, 301 | 302 | 307) {
                may_follow = false;
                url = redirected(&url, reply.header("location"))?;
                continue;
            }
            if reply.is_success() {
                return Ok(reply);
            }
            return Err(refused(&url, &reply, token));
        }
    }
}

fn with_token(request: RequestBuilder, token: &str) -> RequestBuilder {
    if token.is_empty() {
        return request;
    }
    request.header("x-vault-token", token)
}

/// One step to another server of the same Vault, never away from TLS.
fn redirected(from: &Url, location: &str) -> Result<Url, String> {
    let to = from
        .join(location)
        .map_err(|error| format!("invalid redirect: {error}"))?;
    if from.scheme() == "https" && to.scheme() != "https" {
        return Err("redirect would cause protocol downgrade".to_owned());
    }
    Ok(to)
}

/// The parts as one path, as Go joins them.
fn path(parts: &[&str]) -> String {
    let parts = parts.iter().flat_map(|part| part.split('/'));
    let named: Vec<&str> = parts.filter(|part| !matches!(*part, "" | ".")).collect();
    named.join("/")
}

/// Where `path` is at a server. No step of it leads upwards: what a file names must not reach another interface.
fn url(address: &str, path: &str) -> Result<Url, String> {
    if path.split('/').any(|part| part == "..") {
        return Err("the path of the key leads upwards".to_owned());
    }
    let mut url = Url::parse(address).map_err(|error| format!("invalid address: {error}"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("unsupported scheme {:?}", url.scheme()));
    }
    url.set_query(None);
    url.set_fragment(None);
    url.set_username("").ok();
    url.set_password(None).ok();
    url.path_segments_mut()
        .map_err(|()| "the address is no base of a URL".to_owned())?
        .pop_if_empty()
        .push("v1")
        .extend(path.split('/').filter(|part| !part.is_empty()));
    Ok(url)
}

/// The role of the service account that a token is of.
fn role(jwt: &str) -> Result<String, String> {
    let claims = claims(jwt).map_err(|error| error.to_string())?;
    let subject = claims["sub"].as_str().unwrap_or_default();
    let rest = subject.strip_prefix("system:serviceaccount:");
    match rest.and_then(|rest| rest.split_once(':')) {
        Some((namespace, name)) if !namespace.is_empty() && !name.is_empty() => {
            Ok(format!("{namespace}_{name}"))
        }
        _ => Err(format!("unexpected token subject '{subject}'")),
    }
}

/// How Vault's own client words that the server refused.
fn refused(url: &Url, reply: &Reply, token: &str) -> String {
    let json: Option<Value> = serde_json::from_slice(&reply.body).ok();
    let errors = json.filter(Value::is_object).map(|json| {
        let errors = json.get("errors").and_then(Value::as_array).cloned();
        let texts = errors.unwrap_or_default();
        let texts = texts
            .iter()
            .filter_map(Value::as_str)
            .map(|text| format!("* {text}"));
        texts.collect::<String>()
    });
    let (title, text) = match errors {
        Some(text) => ("Errors", text),
        None => ("Raw Message", reply.text(WORDS, &[token])),
    };
    let text = match token {
        "" => text,
        token => text.replace(token, "*****"),
    };
    let text: String = text.chars().take(WORDS).collect();
    let namespace = match reply.header("x-vault-namespace") {
        "" | "root/" => String::new(),
        name => format!("Namespace: {name}\n"),
    };
    let code = reply.status;
    format!(
        "Error making API request.\n\n{namespace}URL: PUT {url}\nCode: {code}. {title}:\n\n{text}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stays_below_the_address() {
        let at = |address: &str, engine: &str, key: &str| {
            url(address, &path(&[engine, "decrypt", key])).map(String::from)
        };
        let server = "https://vault.example:8200";
        for (engine, key, expected) in [
            ("transit", "k", "/v1/transit/decrypt/k"),
            ("/a//b/", "k", "/v1/a/b/decrypt/k"),
            ("a?b", "k#x", "/v1/a%3Fb/decrypt/k%23x"),
            ("a%2e%2e", "k", "/v1/a%252e%252e/decrypt/k"),
        ] {
            assert_eq!(at(server, engine, key), Ok(format!("{server}{expected}")));
        }
        for key in ["../../sys/seal", "a/../../../sys/seal"] {
            assert!(at(server, "transit", key).is_err(), "{key}");
        }
        assert_eq!(
            at("http://user:canary@v/prefix/?x#y", "t", "k"),
            Ok("http://v/prefix/v1/t/decrypt/k".to_owned())
        );
        for address in ["", "vault", "file:///etc/passwd", "unix:///run/x"] {
            assert!(at(address, "t", "k").is_err(), "{address}");
        }
    }

    #[test]
    fn a_redirect_does_not_lead_away_from_tls() {
        let from = |text: &str| Url::parse(text).expect("is one");
        let secure = from("https://a/v1/x");
        assert_eq!(
            redirected(&secure, "https://b/v1/x").map(String::from),
            Ok("https://b/v1/x".to_owned())
        );
        assert!(redirected(&secure, "http://b/v1/x").is_err());
        assert!(redirected(&from("http://a/v1/x"), "http://b/v1/x").is_ok());
    }
}
