//! Credentials as Google hands them out: a JSON file.
//!
//! Source: golang.org/x/oauth2 v0.36 `google/google.go`, `jwt/jwt.go`. Of the kinds that file can have only those
//! are taken that need nothing else of the machine: others would let whoever writes the file have files of the
//! controller read, or addresses asked.

use std::fmt;
use std::time::SystemTime;

use reqwest::{Client, Url};
use serde_json::json;

use super::{parse, read};
use crate::error::Error;
use crate::http::{form, send};
use crate::jwt::{self, Algorithm};
use crate::token::Token;

/// Where tokens are given out, if the file does not say.
const TOKENS: &str = "https://oauth2.googleapis.com/token";
/// How long a statement about who we are is good for, in seconds.
const STATEMENT_LIFE: u64 = 3600;

/// What a credentials file says.
#[derive(Clone, PartialEq, Eq)]
pub struct CredentialsFile {
    token_url: Url,
    holder: Holder,
}

#[derive(Clone, PartialEq, Eq)]
enum Holder {
    ServiceAccount {
        email: String,
        key_id: String,
        private_key: String,
        audience: String,
    },
    User {
        client_id: String,
        client_secret: String,
        refresh_token: String,
    },
}

impl fmt::Debug for CredentialsFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CredentialsFile(…)")
    }
}

#[derive(serde::Deserialize, Default)]
#[serde(default)]
struct Fields {
    r#type: String,
    client_email: String,
    private_key_id: String,
    private_key: String,
    token_uri: String,
    audience: String,
    client_id: String,
    client_secret: String,
    refresh_token: String,
}

impl CredentialsFile {
    /// Reads a file.
    ///
    /// # Errors
    /// [`Error::Invalid`] if it is no such file, or of a kind that is not taken.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let fields: Fields =
            serde_json::from_slice(bytes).map_err(|error| Error::Invalid(what_is_wrong(&error)))?;
        let given = match fields.token_uri.as_str() {
            "" => TOKENS,
            given => given,
        };
        let token_url = parse(given)?;
        // As the file writes it: its parser may add a slash.
        let audience = match fields.audience.as_str() {
            "" => given,
            audience => audience,
        };
        let holder = match fields.r#type.as_str() {
            "service_account" => Holder::ServiceAccount {
                email: fields.client_email,
                key_id: fields.private_key_id,
                private_key: fields.private_key,
                audience: audience.to_owned(),
            },
            "authorized_user" => Holder::User {
                client_id: fields.client_id,
                client_secret: fields.client_secret,
                refresh_token: fields.refresh_token,
            },
            "" => {
                return Err(Error::Invalid(
                    "missing 'type' field in credentials".to_owned(),
                ));
            }
            kind @ ("external_account"
            | "external_account_authorized_user"
            | "impersonated_service_account"
            | "gdch_service_account") => {
                return Err(Error::Invalid(format!(
                    "credential type {kind:?} is not accepted here"
                )));
            }
            kind => {
                return Err(Error::Invalid(format!("unknown credential type: {kind:?}")));
            }
        };
        Ok(Self { token_url, holder })
    }

    /// A token for `scopes`.
    ///
    /// # Errors
    /// If the key cannot be used, or the service refuses or is not reached.
    pub async fn token(&self, client: &Client, scopes: &[&str]) -> Result<Token, Error> {
        let url = &self.token_url;
        let (body, secrets) = match &self.holder {
            Holder::ServiceAccount { .. } => {
                let statement = self.statement(scopes, SystemTime::now())?;
                let grant = "urn:ietf:params:oauth:grant-type:jwt-bearer";
                let body = form(&[("assertion", &statement), ("grant_type", grant)]);
                (body, vec![statement])
            }
            Holder::User {
                client_id,
                client_secret,
                refresh_token,
            } => {
                let body = form(&[
                    ("client_id", client_id),
                    ("client_secret", client_secret),
                    ("grant_type", "refresh_token"),
                    ("refresh_token", refresh_token),
                ]);
                (body, vec![client_secret.clone(), refresh_token.clone()])
            }
        };
        let request = client
            .post(url.clone())
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body);
        let secrets: Vec<&str> = secrets.iter().map(String::as_str).collect();
        let answer = send(request, "POST", url, &secrets).await?;
        read(&answer, url)
    }

    /// Who we are, signed by the service account's key.
    fn statement(&self, scopes: &[&str], now: SystemTime) -> Result<String, Error> {
        let Holder::ServiceAccount {
            email,
            key_id,
            private_key,
            audience,
        } = &self.holder
        else {
            return Err(Error::Invalid("no service account".to_owned()));
        };
        let key = jwt::rsa_key(private_key.as_bytes())?;
        let begin = jwt::seconds(now).saturating_sub(10);
        let claims = json!({
            "iss": email,
            "scope": scopes.join(" "),
            "aud": audience,
            "exp": begin + STATEMENT_LIFE,
            "iat": begin,
        });
        let header = match key_id.as_str() {
            "" => json!({}),
            id => json!({"kid": id}),
        };
        jwt::sign(Algorithm::Rs256, &key, header, &claims)
    }
}

/// Where the file is no JSON; nothing of what it holds.
fn what_is_wrong(error: &serde_json::Error) -> String {
    let (line, column) = (error.line(), error.column());
    format!("invalid credentials file at line {line}, column {column}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_kinds_that_need_nothing_of_the_machine_are_taken() {
        let kind = |kind: &str| {
            let text = json!({"type": kind, "private_key": "canary"}).to_string();
            CredentialsFile::parse(text.as_bytes())
                .map(|file| format!("{file:?}"))
                .map_err(|error| error.to_string())
        };
        for good in ["service_account", "authorized_user"] {
            assert_eq!(kind(good).as_deref(), Ok("CredentialsFile(…)"));
        }
        assert_eq!(
            kind(""),
            Err("missing 'type' field in credentials".to_owned())
        );
        assert_eq!(kind("x"), Err("unknown credential type: \"x\"".to_owned()));
        assert!(kind("external_account").is_err());
        let error = CredentialsFile::parse(b"{\"canary").expect_err("no JSON");
        assert!(!error.to_string().contains("canary"), "{error}");
    }
}
