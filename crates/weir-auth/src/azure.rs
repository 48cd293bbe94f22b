//! Access tokens of Microsoft Entra ID.
//!
//! Source: fluxcd/pkg auth v0.54 `azure/provider.go`, `azure/new_default_azure_credential.go`; Azure SDK for Go
//! `azidentity`.

use std::fmt;
use std::time::{Duration, SystemTime};

use reqwest::{Client, Url};

use crate::error::Error;
use crate::http::send;
use crate::token::Token;

/// What a token for Azure DevOps is for.
pub const DEVOPS_SCOPE: &str = "499b84ac-1321-427f-aa17-267ca6975798/.default";
/// Whom a service account's token must be for.
pub const AUDIENCE: &str = "api://AzureADTokenExchange";
/// The public cloud's authority.
pub const AUTHORITY: &str = "https://login.microsoftonline.com/";
/// Where a machine in Azure asks for its own identity.
const MACHINE: &str = "http://169.254.169.254/metadata/identity/oauth2/token";

/// What proves who we are.
#[derive(Clone, PartialEq, Eq)]
pub enum Proof {
    /// A token that the tenant trusts, such as a service account's.
    Assertion(String),
    /// The client's own secret.
    Secret(String),
}

impl fmt::Debug for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Proof(…)")
    }
}

/// A client of a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The tenant's ID.
    pub tenant: String,
    /// The client's ID.
    pub client: String,
    /// The authority's URL.
    pub authority: String,
    /// Its proof.
    pub proof: Proof,
}

impl Identity {
    /// A token for `scope`.
    ///
    /// # Errors
    /// If the authority refuses or is not reached.
    pub async fn token(&self, client: &Client, scope: &str) -> Result<Token, Error> {
        let invalid = || Error::Invalid(format!("invalid authority {:?}", self.authority));
        let mut url = Url::parse(&self.authority).map_err(|_| invalid())?;
        url.path_segments_mut()
            .map_err(|()| invalid())?
            .pop_if_empty()
            .extend([self.tenant.as_str(), "oauth2", "v2.0", "token"]);
        let mut form = vec![
            ("grant_type", "client_credentials"),
            ("client_id", &self.client),
            ("scope", scope),
        ];
        let secret = match &self.proof {
            Proof::Assertion(assertion) => {
                let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
                form.push(("client_assertion_type", kind));
                form.push(("client_assertion", assertion));
                assertion
            }
            Proof::Secret(secret) => {
                form.push(("client_secret", secret));
                secret
            }
        };
        let request = client
            .post(url.clone())
            .header("content-type", "application/x-www-form-urlencoded")
            .body(crate::http::form(&form));
        let answer = send(request, "POST", &url, &[secret]).await?;
        read(&answer, "POST", &url)
    }
}

/// A token for `scope` of the machine's own identity, or of that of `client_id`.
///
/// # Errors
/// If there is no such service, or it refuses.
pub async fn machine_token(
    client: &Client,
    client_id: Option<&str>,
    scope: &str,
) -> Result<Token, Error> {
    let mut url = Url::parse(MACHINE).map_err(|error| Error::Invalid(error.to_string()))?;
    let resource = scope.strip_suffix("/.default").unwrap_or(scope);
    url.query_pairs_mut()
        .append_pair("api-version", "2018-02-01")
        .append_pair("resource", resource);
    if let Some(id) = client_id {
        url.query_pairs_mut().append_pair("client_id", id);
    }
    let request = client.get(url.clone()).header("metadata", "true");
    let answer = send(request, "GET", &url, &[]).await?;
    read(&answer, "GET", &url)
}

fn read(answer: &[u8], verb: &str, url: &Url) -> Result<Token, Error> {
    let mut shown = url.clone();
    shown.set_query(None);
    let answer: Answer = serde_json::from_slice(answer).map_err(|_| Error::Answer {
        what: format!("{verb} {shown}"),
    })?;
    // One service writes a number, the other a text.
    let seconds = match &answer.expires_in {
        serde_json::Value::Number(number) => number.as_u64(),
        serde_json::Value::String(text) => text.parse().ok(),
        _ => None,
    };
    Ok(Token {
        username: String::new(),
        secret: answer.access_token,
        expires: SystemTime::now() + Duration::from_secs(seconds.unwrap_or_default()),
    })
}

#[derive(serde::Deserialize)]
struct Answer {
    access_token: String,
    #[serde(default)]
    expires_in: serde_json::Value,
}
