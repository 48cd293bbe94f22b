//! What the controller's environment says about Vaults.
//!
//! Source: hashicorp/vault `api` v1.23 `client.go` `ReadEnvironment`, `NewClient`; sops v3.13
//! `hcvault/keysource.go` for `SOPS_HC_VAULT_ALLOWLIST` and the token in the home folder.

use std::sync::Arc;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Certificate, Client, Identity, RequestBuilder};
use weir_auth::Environment;
use zeroize::Zeroizing;

use crate::http::{ATTEMPTS, CONNECT};

/// Most files of a folder with certificates.
const FILES: usize = 1000;

/// How Vaults are reached, and which. Cheap to clone.
#[derive(Clone)]
pub struct VaultNetwork(Arc<Settings>);

struct Settings {
    environment: Environment,
    client: Result<Client, String>,
    headers: HeaderMap,
    allowed: Result<Option<Vec<String>>, String>,
    agent: Option<String>,
    attempts: usize,
    follows: bool,
}

impl std::fmt::Debug for VaultNetwork {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VaultNetwork").finish_non_exhaustive()
    }
}

impl VaultNetwork {
    /// As the environment has it. What is wrong there shows when a Vault is asked.
    #[must_use]
    pub fn new(environment: &Environment) -> Self {
        let retries = environment.get("VAULT_MAX_RETRIES");
        let retries = retries.and_then(|text| text.parse::<usize>().ok());
        let (client, headers) = match (client(environment), headers(environment)) {
            (Ok(client), Ok(headers)) => (Ok(client), headers),
            (Err(why), _) | (_, Err(why)) => (
                Err(format!("cannot create Vault client: {why}")),
                HeaderMap::new(),
            ),
        };
        Self(Arc::new(Settings {
            client,
            headers,
            allowed: allow_list(environment.get("SOPS_HC_VAULT_ALLOWLIST").as_deref()),
            agent: environment.get("VAULT_AGENT_ADDR"),
            attempts: retries.map_or(ATTEMPTS, |retries| retries.min(9) + 1),
            follows: !environment.is_true("VAULT_DISABLE_REDIRECTS"),
            environment: environment.clone(),
        }))
    }

    pub(super) fn client(&self) -> Result<&Client, String> {
        self.0.client.as_ref().map_err(Clone::clone)
    }

    pub(super) fn agent(&self) -> Option<&str> {
        self.0.agent.as_deref()
    }

    pub(super) fn attempts(&self) -> usize {
        self.0.attempts
    }

    pub(super) fn follows(&self) -> bool {
        self.0.follows
    }

    /// The request with the headers that go with every one.
    pub(super) fn dress(&self, request: RequestBuilder) -> RequestBuilder {
        request.headers(self.0.headers.clone())
    }

    /// Whether the server at `address` may be asked at all.
    pub(super) fn allows(&self, address: &str) -> Result<(), String> {
        let allowed = self.0.allowed.as_ref().map_err(Clone::clone)?;
        let Some(allowed) = allowed else {
            return Ok(());
        };
        let address_with_end = format!("{}/", address.strip_suffix('/').unwrap_or(address));
        if allowed
            .iter()
            .any(|start| address_with_end.starts_with(start.as_str()))
        {
            return Ok(());
        }
        Err(format!("Allowlist does not allow {address}"))
    }

    /// The controller's own token; empty if it has none.
    pub(super) async fn own_token(&self) -> Result<String, String> {
        let environment = &self.0.environment;
        if let Some(token) = environment.get("VAULT_TOKEN") {
            return Ok(token);
        }
        let Some(home) = environment.get("HOME") else {
            return Ok(String::new());
        };
        let file = format!("{home}/.vault-token");
        if !tokio::fs::try_exists(&file).await.unwrap_or_default() {
            return Ok(String::new());
        }
        let token = environment.read(&file).await;
        token.map_err(|error| format!("cannot get Vault token: {error}"))
    }
}

/// The beginnings of addresses that are allowed; `None` for all.
fn allow_list(text: Option<&str>) -> Result<Option<Vec<String>>, String> {
    match text {
        None | Some("all") => Ok(None),
        Some("none") => Ok(Some(Vec::new())),
        Some(list) => {
            let start = |(position, start): (usize, &str)| {
                let start = start.trim_matches(' ');
                if start.is_empty() {
                    let number = position + 1;
                    return Err(format!("SOPS_HC_VAULT_ALLOWLIST's entry {number} is empty"));
                }
                Ok(format!("{}/", start.strip_suffix('/').unwrap_or(start)))
            };
            let starts: Result<_, _> = list.split(',').enumerate().map(start).collect();
            Ok(Some(starts?))
        }
    }
}

fn client(environment: &Environment) -> Result<Client, String> {
    let get = |name| environment.get(name);
    let text = |error: reqwest::Error| error.without_url().to_string();
    let mut builder = Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT);
    let authorities = authorities(environment)?;
    if !authorities.is_empty() {
        builder = builder.tls_certs_only(authorities);
    }
    if let (Some(certificate), Some(key)) = (get("VAULT_CLIENT_CERT"), get("VAULT_CLIENT_KEY")) {
        let mut both = read(&certificate)?;
        both.push(b'\n');
        both.extend_from_slice(&read(&key)?);
        builder = builder.identity(Identity::from_pem(&both).map_err(text)?);
    }
    if environment.is_true("VAULT_SKIP_VERIFY") {
        builder = builder.tls_danger_accept_invalid_certs(true);
    }
    if let Some(proxy) = get("VAULT_PROXY_ADDR").or_else(|| get("VAULT_HTTP_PROXY")) {
        builder = builder.proxy(reqwest::Proxy::all(proxy).map_err(text)?);
    }
    if get("VAULT_TLS_SERVER_NAME").is_some() {
        return Err("VAULT_TLS_SERVER_NAME is not supported".to_owned());
    }
    builder.build().map_err(text)
}

/// The only authorities that are trusted, where the environment names some.
fn authorities(environment: &Environment) -> Result<Vec<Certificate>, String> {
    let mut bundles = Vec::new();
    if let Some(file) = environment.get("VAULT_CACERT") {
        bundles.push(read(&file)?);
    } else if let Some(bytes) = environment.get("VAULT_CACERT_BYTES") {
        bundles.push(Zeroizing::new(bytes.into_bytes()));
    } else if let Some(folder) = environment.get("VAULT_CAPATH") {
        let failed = |error: std::io::Error| format!("{folder}: {error}");
        for entry in std::fs::read_dir(&folder).map_err(failed)?.take(FILES) {
            let path = entry.map_err(failed)?.path();
            if path.is_file() {
                bundles.push(read(&path.to_string_lossy())?);
            }
        }
    } else {
        return Ok(Vec::new());
    }
    let mut all = Vec::new();
    for bundle in &bundles {
        let found = Certificate::from_pem_bundle(bundle);
        all.extend(found.map_err(|_| "malformed certificate".to_owned())?);
    }
    if all.is_empty() {
        return Err("Error loading CA File: no certificate".to_owned());
    }
    Ok(all)
}

fn read(path: &str) -> Result<Zeroizing<Vec<u8>>, String> {
    let bytes = std::fs::read(path);
    bytes
        .map(Zeroizing::new)
        .map_err(|error| format!("{path}: {error}"))
}

/// The namespace, and what `VAULT_HEADERS` adds.
fn headers(environment: &Environment) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    let mut add = |name: &str, value: &str| {
        let name: Result<HeaderName, _> = name.parse();
        let value: Result<HeaderValue, _> = value.parse();
        match (name, value) {
            (Ok(name), Ok(value)) => {
                headers.append(name, value);
                Ok(())
            }
            _ => Err("could not use environment-supplied headers".to_owned()),
        }
    };
    if let Some(namespace) = environment.get("VAULT_NAMESPACE") {
        add("x-vault-namespace", &namespace)?;
    }
    let Some(text) = environment.get("VAULT_HEADERS") else {
        return Ok(headers);
    };
    let given: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&text)
        .map_err(|_| "could not unmarshal environment-supplied headers".to_owned())?;
    for (name, value) in &given {
        let value = value
            .as_str()
            .ok_or("environment-supplied headers include non-string values")?;
        if name.starts_with("X-Vault-") {
            return Err(format!(
                "failed to setup Headers[{name}]: Header starting by 'X-Vault-' are for internal usage only"
            ));
        }
        add(name, value)?;
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_the_list_are_allowed() {
        let network =
            |list: &str| VaultNetwork::new(&Environment::of(&[("SOPS_HC_VAULT_ALLOWLIST", list)]));
        let two = network("https://a.example:8200, https://b.example/x/");
        assert_eq!(two.allows("https://a.example:8200"), Ok(()));
        assert_eq!(two.allows("https://a.example:8200/deeper"), Ok(()));
        assert_eq!(two.allows("https://b.example/x"), Ok(()));
        for foreign in [
            "https://a.example:82001",
            "https://b.example",
            "http://a.example:8200",
        ] {
            let expected = Err(format!("Allowlist does not allow {foreign}"));
            assert_eq!(two.allows(foreign), expected);
        }
        assert!(network("none").allows("https://a.example").is_err());
        assert!(network("all").allows("https://a.example").is_ok());
        assert_eq!(
            network("https://a,,").allows("https://a"),
            Err("SOPS_HC_VAULT_ALLOWLIST's entry 2 is empty".to_owned())
        );
    }

    #[tokio::test]
    async fn what_is_wrong_shows_when_a_vault_is_asked() {
        for (name, value) in [
            ("VAULT_CACERT", "/nowhere/ca.crt"),
            ("VAULT_CACERT_BYTES", "none"),
            ("VAULT_HEADERS", "[]"),
            ("VAULT_HEADERS", "{\"X-Vault-Token\":\"canary\"}"),
            ("VAULT_TLS_SERVER_NAME", "vault"),
        ] {
            let network = VaultNetwork::new(&Environment::of(&[(name, value)]));
            let why = network.client().expect_err(name);
            assert!(why.starts_with("cannot create Vault client: "), "{why}");
            assert!(!why.contains("canary"), "{why}");
        }
        let own = VaultNetwork::new(&Environment::of(&[("VAULT_TOKEN", "t")]));
        assert_eq!(own.own_token().await.as_deref(), Ok("t"));
        let none = VaultNetwork::new(&Environment::of(&[]));
        assert_eq!(none.own_token().await.as_deref(), Ok(""));
    }
}
