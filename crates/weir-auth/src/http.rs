//! One bounded request.

use std::time::Duration;

use reqwest::{RequestBuilder, Url};

use crate::error::Error;

/// Bytes of an answer.
const MAX_ANSWER: usize = 1 << 20;
/// Characters of a refusal that get into a message.
const MAX_MESSAGE: usize = 300;
/// How long one request may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Sends `request`; the body of a good answer. `secrets` are cut out of what a refusal says.
pub(crate) async fn send(
    request: RequestBuilder,
    verb: &str,
    url: &Url,
    secrets: &[&str],
) -> Result<Vec<u8>, Error> {
    let mut shown = url.clone();
    shown.set_query(None);
    shown.set_username("").ok();
    shown.set_password(None).ok();
    let what = format!("{verb} {shown}");
    let failed = |error: reqwest::Error| {
        let error = error.without_url();
        let mut text = error.to_string();
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            text = format!("{text}: {cause}");
            source = cause.source();
        }
        Error::Request {
            what: what.clone(),
            error: text,
        }
    };
    let mut response = request.timeout(TIMEOUT).send().await.map_err(failed)?;
    let status = response.status();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(failed)? {
        if body.len() + chunk.len() > MAX_ANSWER {
            return Err(Error::Answer { what });
        }
        body.extend_from_slice(&chunk);
    }
    if status.is_success() {
        return Ok(body);
    }
    let mut message = said(&body);
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        message = message.replace(secret, "*****");
    }
    Err(Error::Refused {
        what,
        status: status.as_u16(),
        message,
    })
}

/// The sentence in a refusal, where there is one.
fn said(body: &[u8]) -> String {
    let json: Option<serde_json::Value> = serde_json::from_slice(body).ok();
    let field = |name: &str| Some(json.as_ref()?.get(name)?.as_str()?.to_owned());
    let text = field("message")
        .or_else(|| field("error_description"))
        .or_else(|| field("error"))
        .unwrap_or_else(|| String::from_utf8_lossy(body).into_owned());
    text.chars()
        .filter(|char| !char.is_control())
        .take(MAX_MESSAGE)
        .collect()
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
