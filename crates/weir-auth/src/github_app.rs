//! Installation tokens of GitHub Apps.
//!
//! Source: fluxcd/pkg auth v0.54 `githubapp/client.go`.

use std::fmt;
use std::time::{Duration, SystemTime};

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::{Client, Url};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use serde_json::json;

use crate::error::Error;
use crate::http::send;
use crate::jwt::{self, Algorithm};
use crate::token::Token;

/// The user that an installation token is for.
pub const USERNAME: &str = "x-access-token";

/// Where GitHub's own API is.
const BASE_URL: &str = "https://api.github.com";
/// How far our clock may be ahead of GitHub's.
const DRIFT: Duration = Duration::from_secs(30);
/// How long the assertion of who we are is good for.
const ASSERTION_LIFE: Duration = Duration::from_secs(120);
/// How long a token is good for if the answer does not say.
const TOKEN_LIFE: Duration = Duration::from_secs(3600);

/// Which installation of an app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Installation {
    /// By its number.
    Id(u64),
    /// That of an organisation or user.
    Owner(String),
}

/// An app and one of its installations.
#[derive(Clone, PartialEq, Eq)]
pub struct App {
    /// The app's number.
    pub id: u64,
    /// The installation.
    pub installation: Installation,
    /// The app's private key, PEM.
    pub private_key: Vec<u8>,
    /// Where the API is, if it is not GitHub's own.
    pub base_url: Option<String>,
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App")
            .field("id", &self.id)
            .field("installation", &self.installation)
            .finish_non_exhaustive()
    }
}

impl App {
    /// A text that differs for different apps, installations, keys and servers; it tells nothing of the key.
    #[must_use]
    pub fn cache_key(&self) -> String {
        let key = digest::digest(&digest::SHA256, &self.private_key);
        format!(
            "github-app {} {:?} {:?} {}",
            self.id,
            self.installation,
            self.base_url,
            URL_SAFE_NO_PAD.encode(key)
        )
    }

    /// The URL that tokens are asked of, or the installation looked up at.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the base is no http or https URL.
    pub fn api(&self, path: &[&str]) -> Result<Url, Error> {
        let base = self.base_url.as_deref().unwrap_or(BASE_URL);
        let invalid = || Error::Invalid(format!("invalid API URL: {base:?}"));
        let mut url = Url::parse(base).map_err(|_| invalid())?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(invalid());
        }
        // Each part is escaped, so that a name cannot become a path.
        url.path_segments_mut()
            .map_err(|()| invalid())?
            .pop_if_empty()
            .extend(path);
        Ok(url)
    }

    /// Whether the app can be used at all; nothing is sent.
    ///
    /// # Errors
    /// [`Error::Invalid`] with what it lacks.
    pub fn check(&self) -> Result<(), Error> {
        let needs = |what: &str| {
            let text = format!("{what} must be provided to use github app authentication");
            Err(Error::Invalid(text))
        };
        if self.id == 0 {
            return needs("app ID");
        }
        match &self.installation {
            Installation::Id(0) => return needs("app installation owner or ID"),
            Installation::Owner(owner) if owner.is_empty() => {
                return needs("app installation owner or ID");
            }
            _ => {}
        }
        if self.private_key.is_empty() {
            return needs("private key");
        }
        let unusable = |why: &str| Error::Invalid(format!("could not parse private key: {why}"));
        if PrivateKeyDer::from_pem_slice(&self.private_key).is_err() {
            return Err(unusable(
                "invalid key: Key must be a PEM encoded PKCS1 or PKCS8 key",
            ));
        }
        let key = jwt::rsa_key(&self.private_key);
        key.map(drop)
            .map_err(|_| unusable("key is not a valid RSA private key"))
    }

    /// A new installation token.
    ///
    /// # Errors
    /// If the key cannot be used, or GitHub refuses or is not reached.
    pub async fn token(&self, client: &Client) -> Result<Token, Error> {
        self.check()?;
        let now = SystemTime::now();
        let assertion = self.assertion(now)?;
        let installation = self.installation(client, &assertion).await?;
        let url = self.api(&[
            "app",
            "installations",
            &installation.to_string(),
            "access_tokens",
        ])?;
        let request = with_headers(client.post(url.clone()), &assertion);
        let answer = send(request, "POST", &url, &[&assertion]).await;
        let answer = answer.map_err(worded)?;
        let unexpected = || Error::Answer {
            what: format!("POST {url}"),
        };
        let answer: Answer = serde_json::from_slice(&answer).map_err(|_| unexpected())?;
        let expires = answer.expires_at.and_then(|text| {
            let at: jiff::Timestamp = text.parse().ok()?;
            Some(SystemTime::from(at))
        });
        Ok(Token {
            username: USERNAME.to_owned(),
            secret: answer.token,
            expires: expires.unwrap_or(now + TOKEN_LIFE),
        })
    }

    async fn installation(&self, client: &Client, assertion: &str) -> Result<u64, Error> {
        let owner = match &self.installation {
            Installation::Id(id) => return Ok(*id),
            Installation::Owner(owner) => owner,
        };
        let mut failures = Vec::new();
        for (kind, what) in [("orgs", "organization"), ("users", "user")] {
            let url = self.api(&[kind, owner, "installation"])?;
            let request = with_headers(client.get(url.clone()), assertion);
            let answer = send(request, "GET", &url, &[assertion]).await;
            let found = answer.and_then(|answer| {
                let found: Result<Found, _> = serde_json::from_slice(&answer);
                found.map_err(|_| Error::Answer {
                    what: format!("GET {url}"),
                })
            });
            match found {
                Ok(found) => return Ok(found.id),
                Err(error) => {
                    let why = worded(error);
                    let text = format!("failed to find {what} installation: {why}");
                    failures.push(Error::Invalid(text));
                }
            }
        }
        Err(Error::All(failures))
    }

    /// Who we are, signed by the app's key: good for a moment, and for asking for a token only.
    fn assertion(&self, now: SystemTime) -> Result<String, Error> {
        let key = jwt::rsa_key(&self.private_key)?;
        let begin = jwt::seconds(now).saturating_sub(DRIFT.as_secs());
        let claims = json!({
            "iss": self.id.to_string(),
            "exp": begin + ASSERTION_LIFE.as_secs(),
            "iat": begin,
        });
        jwt::sign(Algorithm::Rs256, &key, json!({}), &claims)
    }
}

/// A refusal as GitHub's own client prints it: with the list of errors that mostly is empty.
fn worded(error: Error) -> Error {
    match error {
        Error::Refused { .. } => Error::Invalid(format!("{error} []")),
        other => other,
    }
}

fn with_headers(request: reqwest::RequestBuilder, assertion: &str) -> reqwest::RequestBuilder {
    request
        .bearer_auth(assertion)
        .header("accept", "application/vnd.github+json")
        .header("user-agent", concat!("weir/", env!("CARGO_PKG_VERSION")))
        .header("x-github-api-version", "2022-11-28")
}

#[derive(serde::Deserialize)]
struct Answer {
    token: String,
    expires_at: Option<String>,
}

#[derive(serde::Deserialize)]
struct Found {
    id: u64,
}
