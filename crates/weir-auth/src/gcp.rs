//! Access tokens of Google Cloud.
//!
//! Source: fluxcd/pkg auth v0.54 `gcp/provider.go`, `gcp/gke_metadata.go`; golang.org/x/oauth2 v0.36 `google`.

mod file;
mod machine;

pub use file::CredentialsFile;
pub use machine::{Cluster, cluster, own_token};

use std::time::{Duration, SystemTime};

use reqwest::{Client, Url};
use serde_json::json;

use crate::error::Error;
use crate::http::{form, send};
use crate::token::Token;

/// What tokens are asked for where nothing narrower is known.
pub const SCOPES: [&str; 2] = [
    "https://www.googleapis.com/auth/cloud-platform",
    "https://www.googleapis.com/auth/userinfo.email",
];
/// Where tokens of others are taken for Google's own.
const EXCHANGE: &str = "https://sts.googleapis.com/v1/token";
/// Where tokens of service accounts are given out.
const IMPERSONATE: &str = "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/";

/// A token in exchange for `token`, which `audience` trusts; of the service account `email` if that is not empty.
///
/// # Errors
/// If Google refuses or is not reached.
pub async fn exchange(
    client: &Client,
    audience: &str,
    email: &str,
    token: &str,
) -> Result<Token, Error> {
    let scope = match email {
        "" => SCOPES.join(" "),
        _ => SCOPES[0].to_owned(),
    };
    let url = parse(EXCHANGE)?;
    let body = form(&[
        ("audience", audience),
        (
            "grant_type",
            "urn:ietf:params:oauth:grant-type:token-exchange",
        ),
        (
            "requested_token_type",
            "urn:ietf:params:oauth:token-type:access_token",
        ),
        ("scope", &scope),
        ("subject_token", token),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:jwt"),
    ]);
    let request = client
        .post(url.clone())
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body);
    let answer = send(request, "POST", &url, &[token]).await?;
    let federated = read(&answer, &url)?;
    if email.is_empty() {
        return Ok(federated);
    }
    impersonate(client, email, &federated.secret).await
}

async fn impersonate(client: &Client, email: &str, bearer: &str) -> Result<Token, Error> {
    let url = parse(&format!("{IMPERSONATE}{email}:generateAccessToken"))?;
    let body = json!({"lifetime": "3600s", "scope": SCOPES}).to_string();
    let request = client
        .post(url.clone())
        .bearer_auth(bearer)
        .header("content-type", "application/json")
        .body(body);
    let answer = send(request, "POST", &url, &[bearer]).await?;
    let unexpected = || Error::Answer {
        what: format!("POST {url}"),
    };
    let answer: Impersonated = serde_json::from_slice(&answer).map_err(|_| unexpected())?;
    let expires: jiff::Timestamp = answer.expire_time.parse().map_err(|_| unexpected())?;
    Ok(Token {
        username: String::new(),
        secret: answer.access_token,
        expires: SystemTime::from(expires),
    })
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Impersonated {
    access_token: String,
    expire_time: String,
}

#[derive(serde::Deserialize)]
struct Answer {
    access_token: String,
    #[serde(default)]
    expires_in: u64,
}

/// A token as OAuth's services answer.
fn read(answer: &[u8], url: &Url) -> Result<Token, Error> {
    let answer: Option<Answer> = serde_json::from_slice(answer).ok();
    let answer = answer.filter(|answer| !answer.access_token.is_empty());
    let answer = answer.ok_or_else(|| Error::Answer {
        what: crate::http::shown(url).to_string(),
    })?;
    Ok(Token {
        username: String::new(),
        secret: answer.access_token,
        expires: SystemTime::now() + Duration::from_secs(answer.expires_in),
    })
}

fn parse(text: &str) -> Result<Url, Error> {
    Url::parse(text).map_err(|error| Error::Invalid(format!("invalid URL: {error}")))
}
