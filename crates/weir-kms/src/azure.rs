//! Azure Key Vault.
//!
//! Source: sops v3.13 `azkv/keysource.go`; Azure SDK for Go `azkeys` v1.5, `security/keyvault/internal` v1.2
//! `challenge_policy.go`, `azcore` v1.22 `response_error.go`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::{RequestBuilder, Url};
use serde_json::{Value, json};
use sops::Secret;
use weir_auth::{Reply, Token, azure, shown};

use crate::KeyServices;
use crate::credentials::AzureCredential;
use crate::http::{ATTEMPTS, WORDS, repeat};

/// The version of the interface that is spoken.
const VERSION: &str = "2025-07-01";

/// Between the parts of a refusal.
const LINE: &str =
    "--------------------------------------------------------------------------------";

/// What a file says of a key.
pub(crate) struct Key<'a> {
    pub(crate) vault_url: &'a str,
    pub(crate) name: &'a str,
    pub(crate) version: &'a str,
}

impl KeyServices {
    pub(crate) async fn azure(&self, key: &Key<'_>, encrypted: &str) -> Result<Secret, String> {
        let ciphertext = URL_SAFE_NO_PAD.decode(encrypted).map_err(|error| {
            format!("failed to base64 decode Azure Key Vault encrypted key: {error}")
        })?;
        let Key {
            vault_url,
            name,
            version,
        } = key;
        let failed = |why: String| {
            format!(
                "failed to decrypt sops data key with Azure Key Vault key '{vault_url}/keys/{name}/{version}': {why}"
            )
        };
        self.decrypt_at(key, &ciphertext).await.map_err(failed)
    }

    async fn decrypt_at(&self, key: &Key<'_>, ciphertext: &[u8]) -> Result<Secret, String> {
        let url = url(key)?;
        let what = format!("POST {}", shown(&url));
        let text = |error: weir_auth::Error| error.to_string();
        // The vault says whom a token must be for; until then it sees neither key nor token.
        let scope = match self.scope_of(&url).await {
            Some(scope) => scope,
            None => {
                let make = || plainly(self.access.client.post(url.clone()));
                let reply = repeat(&what, ATTEMPTS, make).await.map_err(text)?;
                if reply.status != 401 {
                    return Err(refused(&url, &reply, ""));
                }
                let scope = challenge(&url, reply.header("www-authenticate"))?;
                self.remember_scope(&url, &scope).await;
                scope
            }
        };
        let name = format!("azure {scope}");
        let ask = async || self.azure_token(&scope).await;
        let token = self.once(&name, ask).await.map_err(text)?;
        let body = json!({"alg": "RSA-OAEP-256", "value": URL_SAFE_NO_PAD.encode(ciphertext)});
        let body = body.to_string();
        let make = || {
            let request = plainly(self.access.client.post(url.clone()));
            request.bearer_auth(&token.secret).body(body.clone())
        };
        let reply = repeat(&what, ATTEMPTS, make).await.map_err(text)?;
        if !reply.is_success() {
            return Err(refused(&url, &reply, &token.secret));
        }
        let json: Option<Value> = serde_json::from_slice(&reply.body).ok();
        let value = json.as_ref().and_then(|json| json.get("value")?.as_str());
        let plain = value.and_then(|value| URL_SAFE_NO_PAD.decode(value).ok());
        plain
            .map(Secret::new)
            .ok_or_else(|| format!("{what}: unexpected answer"))
    }

    async fn azure_token(&self, scope: &str) -> Result<Token, weir_auth::Error> {
        let (client, environment) = (&self.access.client, &self.access.environment);
        match &self.credentials.azure {
            Some(AzureCredential::Client(identity)) => identity.token(client, scope).await,
            Some(AzureCredential::Machine(id)) => {
                azure::machine_token(client, environment, Some(id), scope).await
            }
            None => self.access.azure(scope).await,
        }
    }

    async fn scope_of(&self, url: &Url) -> Option<String> {
        let tokens = self.tokens.lock().await;
        let found = tokens.get(&scope_key(url))?;
        Some(found.username.clone())
    }

    async fn remember_scope(&self, url: &Url, scope: &str) {
        let known = Token {
            username: scope.to_owned(),
            secret: String::new(),
            expires: std::time::SystemTime::now(),
        };
        self.tokens.lock().await.insert(scope_key(url), known);
    }
}

fn scope_key(url: &Url) -> String {
    format!("azure scope of {}", url.origin().ascii_serialization())
}

fn plainly(request: RequestBuilder) -> RequestBuilder {
    request
        .header("accept", "application/json")
        .header("content-type", "application/json")
}

/// Where the key is asked to decrypt.
fn url(key: &Key<'_>) -> Result<Url, String> {
    if key.name.is_empty() {
        return Err("parameter name cannot be empty".to_owned());
    }
    let is_step = |part: &str| matches!(part, "." | "..");
    if is_step(key.name) || is_step(key.version) {
        return Err("the name or the version of the key is none".to_owned());
    }
    let mut url = Url::parse(key.vault_url).map_err(|error| error.to_string())?;
    if url.scheme() != "https" {
        return Err(
            "authorized requests are not permitted for non-TLS protected (https) endpoints"
                .to_owned(),
        );
    }
    url.path_segments_mut()
        .map_err(|()| "the vault's address is no base of a URL".to_owned())?
        .pop_if_empty()
        .extend(["keys", key.name, key.version, "decrypt"]);
    url.set_query(Some(&format!("api-version={VERSION}")));
    url.set_fragment(None);
    Ok(url)
}

/// Whom a token must be for, as the vault at `url` says. Only the vault's own domain is believed, so that nobody
/// gets a token for another service by naming an address of his own.
fn challenge(url: &Url, header: &str) -> Result<String, String> {
    if header.is_empty() {
        return Err(
            "response has no WWW-Authenticate header for challenge authentication".to_owned(),
        );
    }
    let plain = header.replace("Bearer ", "");
    let value = |name: &str| {
        plain.split(' ').find_map(|part| {
            let (found, value) = part.split_once('=')?;
            let value = value.replace('"', "");
            let value = value.strip_suffix(',').unwrap_or(&value);
            (found == name).then(|| value.to_owned())
        })
    };
    let scope = value("scope").or_else(|| value("resource"));
    let scope = scope
        .filter(|scope| !scope.is_empty())
        .ok_or("could not find a valid resource in the WWW-Authenticate header")?;
    let host = |url: &Url| {
        let host = url.host_str().unwrap_or_default();
        url.port()
            .map_or(host.to_owned(), |port| format!("{host}:{port}"))
    };
    let resource = Url::parse(&scope).ok();
    let resource = resource.map(|resource| host(&resource));
    let matches = resource
        .filter(|resource| !resource.is_empty())
        .is_some_and(|resource| host(url).ends_with(&format!(".{resource}")));
    if !matches {
        return Err(format!(
            "challenge resource '{scope}' doesn't match the requested domain. Set DisableChallengeResourceVerification to true in your client options to disable. See https://aka.ms/azsdk/blog/vault-uri for more information"
        ));
    }
    if scope.ends_with("/.default") {
        return Ok(scope);
    }
    Ok(format!("{scope}/.default"))
}

/// How Azure's own client words that the service refused.
fn refused(url: &Url, reply: &Reply, token: &str) -> String {
    let json: Option<Value> = serde_json::from_slice(&reply.body).ok();
    let code = json.as_ref().and_then(|json| {
        let inner = json.get("error").unwrap_or(json);
        inner.get("code")?.as_str()
    });
    let code = match code {
        Some(code) => format!("ERROR CODE: {code}"),
        None => "ERROR CODE UNAVAILABLE".to_owned(),
    };
    let status = reqwest::StatusCode::from_u16(reply.status);
    let status = status.map_or_else(|_| reply.status.to_string(), |status| status.to_string());
    let body = match json.filter(|_| reply.body.len() <= WORDS) {
        Some(json) => serde_json::to_string_pretty(&json).unwrap_or_default(),
        None if reply.body.is_empty() => "Response contained no body".to_owned(),
        None => reply.text(WORDS, &[token]),
    };
    let body = match token {
        "" => body,
        token => body.replace(token, "*****"),
    };
    let (number, place) = (reply.status, shown(url));
    format!("POST {place}\n{LINE}\nRESPONSE {number}: {status}\n{code}\n{LINE}\n{body}\n{LINE}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(vault_url: &str, name: &str, version: &str) -> Result<String, String> {
        let key = Key {
            vault_url,
            name,
            version,
        };
        url(&key).map(String::from)
    }

    #[test]
    fn a_key_is_asked_at_its_version_and_by_https_only() {
        assert_eq!(
            at("https://v.vault.azure.net", "k", "1a"),
            Ok("https://v.vault.azure.net/keys/k/1a/decrypt?api-version=2025-07-01".to_owned())
        );
        assert_eq!(
            at("https://v.vault.azure.net/", "k?x", ""),
            Ok("https://v.vault.azure.net/keys/k%3Fx//decrypt?api-version=2025-07-01".to_owned())
        );
        assert!(at("http://v.vault.azure.net", "k", "1").is_err());
        assert!(at("https://v.vault.azure.net", "..", "..").is_err());
        assert!(at("https://v.vault.azure.net", "", "1").is_err());
    }

    #[test]
    fn only_the_vaults_own_domain_says_whom_a_token_is_for() {
        let vault = Url::parse("https://v.vault.azure.net/keys/k/1/decrypt").expect("is one");
        let said = |header: &str| challenge(&vault, header).map_err(|why| why[..18].to_owned());
        let all = "Bearer authorization=\"https://login.microsoftonline.com/tenant\", resource=\"https://vault.azure.net\"";
        assert_eq!(said(all), Ok("https://vault.azure.net/.default".to_owned()));
        let scope =
            "Bearer authorization=\"https://l/t\", scope=\"https://vault.azure.net/.default\"";
        assert_eq!(
            said(scope),
            Ok("https://vault.azure.net/.default".to_owned())
        );
        let refused = Err("challenge resource".to_owned());
        for foreign in [
            "https://management.azure.com",
            "https://t.azure.net",
            "vault",
        ] {
            let header = format!("Bearer authorization=\"https://l/t\" resource=\"{foreign}\"");
            assert_eq!(said(&header), refused, "{foreign}");
        }
        assert!(said("").is_err() && said("Bearer realm=\"x\"").is_err());
    }
}
