//! Access tokens of Microsoft Entra ID.
//!
//! Source: fluxcd/pkg auth v0.54 `azure/provider.go`, `azure/new_default_azure_credential.go`; Azure SDK for Go
//! `azidentity`.

mod certificate;
mod own;

pub use certificate::Certificate;
pub use own::{authority, machine_token, own_token};

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

/// What proves who we are.
#[derive(Clone, PartialEq, Eq)]
pub enum Proof {
    /// A token that the tenant trusts, such as a service account's.
    Assertion(String),
    /// The client's own secret.
    Secret(String),
    /// A certificate that the tenant knows, and its key.
    Certificate(Certificate),
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
        let assertion = match &self.proof {
            Proof::Assertion(assertion) => Some(assertion.clone()),
            Proof::Certificate(certificate) => {
                let now = SystemTime::now();
                Some(certificate.statement(url.as_str(), &self.client, now)?)
            }
            Proof::Secret(_) => None,
        };
        if let Some(assertion) = &assertion {
            let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
            form.push(("client_assertion_type", kind));
            form.push(("client_assertion", assertion));
        }
        let mut secret = assertion.as_deref().unwrap_or_default();
        if let Proof::Secret(own) = &self.proof {
            form.push(("client_secret", own));
            secret = own;
        }
        let request = client
            .post(url.clone())
            .header("content-type", "application/x-www-form-urlencoded")
            .body(crate::http::form(&form));
        let answer = send(request, "POST", &url, &[secret]).await?;
        read(&answer, "POST", &url)
    }
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
