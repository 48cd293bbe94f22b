//! Requests signed with keys.
//!
//! Source: AWS Signature Version 4, checked against its published test suite (`post-vanilla`,
//! `post-sts-header-before`).

use std::time::SystemTime;

use aws_lc_rs::{digest, hmac};
use reqwest::Url;
use zeroize::Zeroizing;

use super::Keys;
use crate::error::Error;

/// A POST request to one of AWS's services.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The service as signatures name it.
    pub service: &'a str,
    /// The region as signatures name it.
    pub region: &'a str,
    /// Where it goes; without a query.
    pub url: &'a Url,
    /// Headers that are signed too, with names in lower case.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body.
    pub body: &'a [u8],
}

impl Request<'_> {
    /// All headers that the request needs to count as sent by the owner of `keys` at `now`.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the clock shows a time that no signature can hold.
    pub fn signed(&self, keys: &Keys, now: SystemTime) -> Result<Vec<(String, String)>, Error> {
        self.signed_as("POST", keys, now)
    }

    fn signed_as(
        &self,
        method: &str,
        keys: &Keys,
        now: SystemTime,
    ) -> Result<Vec<(String, String)>, Error> {
        let at = jiff::Timestamp::try_from(now)
            .map_err(|_| Error::Invalid("the clock is wrong".to_owned()))?;
        let stamp = at.strftime("%Y%m%dT%H%M%SZ").to_string();
        let day = at.strftime("%Y%m%d").to_string();
        let mut headers: Vec<(String, String)> = self
            .headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        headers.push(("host".to_owned(), host(self.url)));
        headers.push(("x-amz-date".to_owned(), stamp.clone()));
        if !keys.session.is_empty() {
            headers.push(("x-amz-security-token".to_owned(), keys.session.clone()));
        }
        headers.sort();
        let names: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
        let names = names.join(";");
        let canonical = self.canonical(method, &headers, &names);
        let scope = format!("{day}/{}/{}/aws4_request", self.region, self.service);
        let hashed = hash(canonical.as_bytes());
        let text = format!("AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashed}");
        let key = signing_key(&keys.secret, &day, self.region, self.service);
        let signature = hex(&keyed(&key, &text));
        let id = &keys.id;
        headers.push((
            "authorization".to_owned(),
            format!(
                "AWS4-HMAC-SHA256 Credential={id}/{scope}, SignedHeaders={names}, Signature={signature}"
            ),
        ));
        // The client writes this one itself.
        headers.retain(|(name, _)| name != "host");
        Ok(headers)
    }

    fn canonical(&self, method: &str, headers: &[(String, String)], names: &str) -> String {
        let lines: String = headers
            .iter()
            .map(|(name, value)| format!("{name}:{}\n", value.trim()))
            .collect();
        let path = self.url.path();
        format!("{method}\n{path}\n\n{lines}\n{names}\n{}", hash(self.body))
    }
}

/// The headers of a GET request without a body, as [`Request::signed`] has them for a POST.
///
/// # Errors
/// As [`Request::signed`].
pub(crate) fn signed_get(
    url: &Url,
    (region, service): (&str, &str),
    keys: &Keys,
    now: SystemTime,
) -> Result<Vec<(String, String)>, Error> {
    let request = Request {
        service,
        region,
        url,
        headers: &[],
        body: &[],
    };
    request.signed_as("GET", keys, now)
}

/// The URL of a GET request that whoever has it may send for a quarter of an hour, with these headers.
///
/// # Errors
/// [`Error::Invalid`] if the clock shows a time that no signature can hold.
pub(crate) fn presigned(
    url: &Url,
    (region, service): (&str, &str),
    headers: &[(&str, &str)],
    keys: &Keys,
    now: SystemTime,
) -> Result<String, Error> {
    let at = jiff::Timestamp::try_from(now)
        .map_err(|_| Error::Invalid("the clock is wrong".to_owned()))?;
    let stamp = at.strftime("%Y%m%dT%H%M%SZ").to_string();
    let day = at.strftime("%Y%m%d").to_string();
    let mut signed: Vec<(String, String)> = headers
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    signed.push(("host".to_owned(), host(url)));
    signed.sort();
    let names: Vec<&str> = signed.iter().map(|(name, _)| name.as_str()).collect();
    let names = names.join(";");
    let scope = format!("{day}/{region}/{service}/aws4_request");
    let mut query: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let mut add = |name: &str, value: &str| query.push((name.to_owned(), value.to_owned()));
    add("X-Amz-Algorithm", "AWS4-HMAC-SHA256");
    add("X-Amz-Credential", &format!("{}/{scope}", keys.id));
    add("X-Amz-Date", &stamp);
    add("X-Amz-Expires", "900");
    add("X-Amz-SignedHeaders", &names);
    if !keys.session.is_empty() {
        add("X-Amz-Security-Token", &keys.session);
    }
    let mut pairs: Vec<String> = query
        .iter()
        .map(|(name, value)| format!("{}={}", escaped(name), escaped(value)))
        .collect();
    pairs.sort();
    let query = pairs.join("&");
    let lines: String = signed
        .iter()
        .map(|(name, value)| format!("{name}:{}\n", value.trim()))
        .collect();
    let path = url.path();
    let canonical = format!("GET\n{path}\n{query}\n{lines}\n{names}\n{}", hash(b""));
    let hashed = hash(canonical.as_bytes());
    let text = format!("AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashed}");
    let key = signing_key(&keys.secret, &day, region, service);
    let signature = hex(&keyed(&key, &text));
    let scheme = url.scheme();
    Ok(format!(
        "{scheme}://{}{path}?{query}&X-Amz-Signature={signature}",
        host(url)
    ))
}

/// Text in a query, as signatures spell it.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port()
        .map_or(host.to_owned(), |port| format!("{host}:{port}"))
}

/// The key that signatures of one day are made with.
pub(super) fn signing_key(
    secret: &str,
    day: &str,
    region: &str,
    service: &str,
) -> Zeroizing<Vec<u8>> {
    let mut key = Zeroizing::new(format!("AWS4{secret}").into_bytes());
    for part in [day, region, service, "aws4_request"] {
        key = Zeroizing::new(keyed(&key, part));
    }
    key
}

pub(super) fn keyed(key: &[u8], text: &str) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    hmac::sign(&key, text.as_bytes()).as_ref().to_vec()
}

fn hash(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const STS_TOKEN: &str = "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==";

    fn keys(session: &str) -> Keys {
        Keys {
            id: "AKIDEXAMPLE".to_owned(),
            secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned(),
            session: session.to_owned(),
            expires: SystemTime::UNIX_EPOCH,
        }
    }

    fn signature(session: &str) -> String {
        let url = Url::parse("https://example.amazonaws.com/").expect("is one");
        let request = Request {
            service: "service",
            region: "us-east-1",
            url: &url,
            headers: &[],
            body: b"",
        };
        // 2015-08-30T12:36:00Z
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_440_938_160);
        let headers = request.signed(&keys(session), now).expect("signs");
        let (_, value) = headers.last().expect("there are some");
        let (_, signature) = value.split_once("Signature=").expect("is signed");
        signature.to_owned()
    }

    #[test]
    fn signatures_are_those_of_the_published_test_suite() {
        assert_eq!(
            signature(""),
            "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"
        );
        assert_eq!(
            signature(STS_TOKEN),
            "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead"
        );
    }
}
