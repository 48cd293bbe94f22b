//! One bounded request.

use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::{RequestBuilder, Url};
use zeroize::Zeroizing;

use crate::certificate::certificate_fault;
use crate::error::Error;

/// Bytes of an answer.
const MAX_ANSWER: usize = 1 << 20;
/// Characters of a refusal that get into a message.
const MAX_MESSAGE: usize = 300;
/// How long one request may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// What a service answered, whatever it means.
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The answer's headers.
    pub headers: HeaderMap,
    /// The answer's body: at most a megabyte, overwritten when dropped.
    pub body: Zeroizing<Vec<u8>>,
}

impl std::fmt::Debug for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reply")
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

impl Reply {
    /// Whether the service did what it was asked.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body as text, at most `limit` characters of it, with `secrets` cut out.
    #[must_use]
    pub fn text(&self, limit: usize, secrets: &[&str]) -> String {
        let text = masked(String::from_utf8_lossy(&self.body).into_owned(), secrets);
        text.chars().take(limit).collect()
    }

    /// The header as text; empty if there is none.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }
}

/// Sends `request`; its answer within bounds of size and time. `what` names the request in errors.
///
/// # Errors
/// [`Error::Request`] if there was no answer, [`Error::Answer`] if it was too large.
pub async fn exchange(request: RequestBuilder, what: &str) -> Result<Reply, Error> {
    exchange_within(request, what, TIMEOUT).await
}

/// The same within `limit`.
///
/// # Errors
/// As [`exchange`].
pub async fn exchange_within(
    request: RequestBuilder,
    what: &str,
    limit: Duration,
) -> Result<Reply, Error> {
    let failed = |error: reqwest::Error| Error::Request {
        what: what.to_owned(),
        error: reason(error),
    };
    let mut response = request.timeout(limit).send().await.map_err(failed)?;
    let status = response.status().as_u16();
    let headers = response.headers().clone();
    let mut body = Zeroizing::new(Vec::new());
    while let Some(chunk) = response.chunk().await.map_err(failed)? {
        if body.len() + chunk.len() > MAX_ANSWER {
            return Err(Error::Answer {
                what: what.to_owned(),
            });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Reply {
        status,
        headers,
        body,
    })
}

/// Sends `request`; the body of a good answer. `secrets` are cut out of what a refusal says.
pub(crate) async fn send(
    request: RequestBuilder,
    verb: &str,
    url: &Url,
    secrets: &[&str],
) -> Result<Zeroizing<Vec<u8>>, Error> {
    let what = format!("{verb} {}", shown(url));
    let reply = exchange(request, &what).await?;
    if reply.is_success() {
        return Ok(reply.body);
    }
    Err(Error::Refused {
        what,
        status: reply.status,
        message: said(&reply.body, secrets),
    })
}

/// The URL as it may be shown: no user, no query.
#[must_use]
pub fn shown(url: &Url) -> Url {
    let mut shown = url.clone();
    shown.set_query(None);
    shown.set_username("").ok();
    shown.set_password(None).ok();
    shown
}

/// Why a request failed, with all causes, without its URL.
fn reason(error: reqwest::Error) -> String {
    let host = error.url().and_then(|url| url.host_str());
    let host = host.unwrap_or_default().to_owned();
    let error = error.without_url();
    if let Some(fault) = certificate_fault(&error, &host) {
        return fault;
    }
    let mut text = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

/// `text` without `secrets`.
pub(crate) fn masked(mut text: String, secrets: &[&str]) -> String {
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        text = text.replace(secret, "*****");
    }
    text
}

/// The sentence in a refusal, where there is one, without `secrets`.
fn said(body: &[u8], secrets: &[&str]) -> String {
    let json: Option<serde_json::Value> = serde_json::from_slice(body).ok();
    let field = |name: &str| Some(json.as_ref()?.get(name)?.as_str()?.to_owned());
    let text = field("message")
        .or_else(|| field("error_description"))
        .or_else(|| field("error"))
        .unwrap_or_else(|| String::from_utf8_lossy(body).into_owned());
    let plain: String = text.chars().filter(|char| !char.is_control()).collect();
    masked(plain, secrets).chars().take(MAX_MESSAGE).collect()
}

/// A form as browsers send it.
pub(crate) fn form(pairs: &[(&str, &str)]) -> String {
    // The URL's own encoder, on a URL that goes nowhere.
    let Ok(mut url) = Url::parse("http://form.invalid/") else {
        return String::new();
    };
    url.query_pairs_mut().extend_pairs(pairs);
    url.query().unwrap_or_default().to_owned()
}
