//! What the controller's environment says about Vaults.
//!
//! Source: hashicorp/vault `api` v1.23 `client.go` `ReadEnvironment`, `NewClient`; sops v3.13
//! `hcvault/keysource.go` for `SOPS_HC_VAULT_ALLOWLIST` and the token in the home folder.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{RequestBuilder, Url};
use weir_auth::Environment;

use super::transport::Transport;
use crate::http::ATTEMPTS;

/// How long one call may take with all its attempts, where the environment says nothing.
const PATIENCE: Duration = Duration::from_secs(60);
/// What it may take at most.
const MOST: Duration = Duration::from_secs(3600);

/// How Vaults are reached, and which. Cheap to clone.
#[derive(Clone)]
pub struct VaultNetwork(Arc<Settings>);

struct Settings {
    environment: Environment,
    call: Result<Call, String>,
    allowed: Result<Option<Vec<String>>, String>,
    agent: Option<String>,
}

/// How a Vault is asked.
struct Call {
    transport: Transport,
    headers: HeaderMap,
    attempts: usize,
    patience: Duration,
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
        Self(Arc::new(Settings {
            call: call(environment).map_err(|why| format!("cannot create Vault client: {why}")),
            allowed: allow_list(environment.get("SOPS_HC_VAULT_ALLOWLIST").as_deref()),
            agent: environment.get("VAULT_AGENT_ADDR"),
            environment: environment.clone(),
        }))
    }

    pub(super) fn agent(&self) -> Option<&str> {
        self.0.agent.as_deref()
    }

    /// How often a request is sent at most, how long all of it may take, and whether a redirect is followed.
    ///
    /// # Errors
    /// What the environment says of Vaults is wrong.
    pub(super) fn manner(&self) -> Result<(usize, Duration, bool), String> {
        let call = self.0.call.as_ref().map_err(Clone::clone)?;
        Ok((call.attempts, call.patience, call.follows))
    }

    /// A request to write to `url`, with the headers that go with every one.
    ///
    /// # Errors
    /// What the environment says of Vaults is wrong, or cannot be done for this one.
    pub(super) fn request(&self, url: &Url) -> Result<RequestBuilder, String> {
        let call = self.0.call.as_ref().map_err(Clone::clone)?;
        Ok(call.transport.put(url)?.headers(call.headers.clone()))
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

fn call(environment: &Environment) -> Result<Call, String> {
    let setting_up =
        |why: String| format!("error encountered setting up default configuration: {why}");
    let of_environment = || {
        let retries = environment.get("VAULT_MAX_RETRIES");
        let retries = retries.map(|text| {
            let parsed: Result<u32, _> = text.parse();
            parsed.map_err(|_| format!("strconv.ParseUint: parsing {text:?}: invalid syntax"))
        });
        let retries = retries.transpose()?;
        let patience = environment.get("VAULT_CLIENT_TIMEOUT");
        let patience = patience.map(|text| {
            seconds(&text).ok_or_else(|| "could not parse \"VAULT_CLIENT_TIMEOUT\"".to_owned())
        });
        let patience = patience.transpose()?.filter(|patience| !patience.is_zero());
        let follows = !flag(environment, "VAULT_DISABLE_REDIRECTS")?;
        Ok((retries, patience, follows, Transport::new(environment)?))
    };
    let (retries, patience, follows, transport) = of_environment().map_err(setting_up)?;
    Ok(Call {
        transport,
        headers: headers(environment)?,
        attempts: retries.map_or(ATTEMPTS, |retries| retries.min(9) as usize + 1),
        patience: patience.unwrap_or(PATIENCE).min(MOST),
        follows,
    })
}

/// A variable that says yes or no, in Go's words.
pub(super) fn flag(environment: &Environment, name: &str) -> Result<bool, String> {
    let Some(value) = environment.get(name) else {
        return Ok(false);
    };
    match value.as_str() {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err(format!("could not parse {name}")),
    }
}

/// A number of seconds, or a number with a unit of them.
fn seconds(text: &str) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let at = text.rfind(|char: char| char.is_ascii_digit())? + 1;
    let (number, unit) = text.split_at(at);
    let number: f64 = number.parse().ok()?;
    let of_one = match unit {
        "ms" => 0.001,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        "d" => 86400.0,
        _ => return None,
    };
    Duration::try_from_secs_f64(number * of_one).ok()
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

    #[test]
    fn times_are_seconds_or_have_a_unit() {
        for (text, expected) in [
            ("30", Some(30_000)),
            ("90s", Some(90_000)),
            ("1.5m", Some(90_000)),
            ("250ms", Some(250)),
            ("2h", Some(7_200_000)),
            ("-1s", None),
            ("m", None),
            ("1x", None),
        ] {
            let expected = expected.map(Duration::from_millis);
            assert_eq!(seconds(text), expected, "{text}");
        }
        let manner =
            |variables: &[(&str, &str)]| VaultNetwork::new(&Environment::of(variables)).manner();
        assert_eq!(manner(&[]), Ok((3, PATIENCE, true)));
        let all = [
            ("VAULT_CLIENT_TIMEOUT", "5"),
            ("VAULT_MAX_RETRIES", "0"),
            ("VAULT_DISABLE_REDIRECTS", "T"),
        ];
        assert_eq!(manner(&all), Ok((1, Duration::from_secs(5), false)));
    }

    #[tokio::test]
    async fn what_is_wrong_shows_when_a_vault_is_asked() {
        for (name, value) in [
            ("VAULT_CACERT", "/nowhere/ca.crt"),
            ("VAULT_CACERT_BYTES", "none"),
            ("VAULT_HEADERS", "[]"),
            ("VAULT_HEADERS", "{\"X-Vault-Token\":\"canary\"}"),
            ("VAULT_CLIENT_CERT", "/nowhere/tls.crt"),
            ("VAULT_TLS_SERVER_NAME", "192.0.2.1"),
            ("VAULT_SKIP_VERIFY", "yes"),
            ("VAULT_MAX_RETRIES", "-1"),
            ("VAULT_CLIENT_TIMEOUT", "soon"),
        ] {
            let network = VaultNetwork::new(&Environment::of(&[(name, value)]));
            let why = network.manner().expect_err(name);
            assert!(why.starts_with("cannot create Vault client: "), "{why}");
            assert!(!why.contains("canary"), "{why}");
        }
        let own = VaultNetwork::new(&Environment::of(&[("VAULT_TOKEN", "t")]));
        assert_eq!(own.own_token().await.as_deref(), Ok("t"));
        let none = VaultNetwork::new(&Environment::of(&[]));
        assert_eq!(none.own_token().await.as_deref(), Ok(""));
    }
}
