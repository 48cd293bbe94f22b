//! Credentials of AWS, and passwords for CodeCommit made of them.
//!
//! Source: fluxcd/pkg auth v0.54 `aws/provider.go`; AWS Signature Version 4.

use std::fmt;
use std::time::{Duration, SystemTime};

use aws_lc_rs::{digest, hmac};
use reqwest::{Client, Url};

use crate::error::Error;
use crate::http::{form, send};
use crate::token::Token;

/// Whom a service account's token must be for.
pub const AUDIENCE: &str = "sts.amazonaws.com";
/// How long a signed password is good for.
const PASSWORD_LIFE: Duration = Duration::from_secs(15 * 60);
/// How we name ourselves when we take on a role.
const SESSION: &str = "weir";

/// Keys, with the session they belong to.
#[derive(Clone, PartialEq, Eq)]
pub struct Keys {
    /// The public half.
    pub id: String,
    /// The secret half.
    pub secret: String,
    /// The session; empty for keys of a user.
    pub session: String,
    /// When they end.
    pub expires: SystemTime,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys")
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

/// The region in a CodeCommit URL.
///
/// # Errors
/// [`Error::Invalid`] for any other URL.
pub fn codecommit_region(url: &Url) -> Result<String, Error> {
    if url.scheme() != "https" {
        return Err(Error::Invalid(
            "AWS CodeCommit authentication requires an HTTPS Git URL".to_owned(),
        ));
    }
    let host = url.host_str().unwrap_or_default();
    let known = ["git-codecommit.", "git-codecommit-fips."]
        .iter()
        .any(|start| host.starts_with(start))
        && [".amazonaws.com", ".amazonaws.com.cn"]
            .iter()
            .any(|end| host.ends_with(end));
    let mut labels = host.split('.');
    match labels.nth(1) {
        Some(region) if known && labels.count() >= 2 => Ok(region.to_owned()),
        _ => Err(Error::Invalid(format!(
            "invalid AWS CodeCommit Git URL: {host}"
        ))),
    }
}

/// The user and the password that open the CodeCommit repository at `url` from `now` on.
///
/// # Errors
/// As [`codecommit_region`].
pub fn codecommit_password(keys: &Keys, url: &Url, now: SystemTime) -> Result<Token, Error> {
    let region = codecommit_region(url)?;
    let at = jiff::Timestamp::try_from(now)
        .map_err(|_| Error::Invalid("the clock is wrong".to_owned()))?;
    let stamp = at.strftime("%Y%m%dT%H%M%S").to_string();
    let day = at.strftime("%Y%m%d").to_string();
    let host = url.host_str().unwrap_or_default();
    let host = url
        .port()
        .map_or(host.to_owned(), |port| format!("{host}:{port}"));
    // The method is GIT, the only header the host, the payload nothing at all.
    let request = format!("GIT\n{}\n\nhost:{host}\n\nhost\n", url.path());
    let scope = format!("{day}/{region}/codecommit/aws4_request");
    let hashed = hex(digest::digest(&digest::SHA256, request.as_bytes()).as_ref());
    let text = format!("AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashed}");
    let mut key = format!("AWS4{}", keys.secret).into_bytes();
    for part in [day.as_str(), &region, "codecommit", "aws4_request"] {
        key = keyed(&key, part);
    }
    let signature = hex(&keyed(&key, &text));
    let username = if keys.session.is_empty() {
        keys.id.clone()
    } else {
        format!("{}%{}", keys.id, keys.session)
    };
    Ok(Token {
        username,
        secret: format!("{stamp}Z{signature}"),
        expires: keys.expires.min(now + PASSWORD_LIFE),
    })
}

/// The keys of a role, for a token that it trusts.
///
/// # Errors
/// If STS refuses or is not reached.
pub async fn assume_role(
    client: &Client,
    endpoint: &Url,
    role: &str,
    token: &str,
) -> Result<Keys, Error> {
    let body = form(&[
        ("Action", "AssumeRoleWithWebIdentity"),
        ("Version", "2011-06-15"),
        ("RoleArn", role),
        ("RoleSessionName", SESSION),
        ("WebIdentityToken", token),
    ]);
    let request = client
        .post(endpoint.clone())
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body);
    let answer = send(request, "POST", endpoint, &[token]).await?;
    let text = String::from_utf8_lossy(&answer);
    let field = |name: &str| {
        let (_, rest) = text.split_once(&format!("<{name}>"))?;
        let (value, _) = rest.split_once(&format!("</{name}>"))?;
        Some(value.trim().to_owned())
    };
    let keys = || {
        let expires: jiff::Timestamp = field("Expiration")?.parse().ok()?;
        Some(Keys {
            id: field("AccessKeyId")?,
            secret: field("SecretAccessKey")?,
            session: field("SessionToken")?,
            expires: SystemTime::from(expires),
        })
    };
    keys().ok_or_else(|| Error::Answer {
        what: format!("POST {endpoint}"),
    })
}

fn keyed(key: &[u8], text: &str) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    hmac::sign(&key, text.as_bytes()).as_ref().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_codecommits_own_hosts_are_signed_for() {
        let region = |url: &str| codecommit_region(&Url::parse(url).expect("is one")).ok();
        for (url, expected) in [
            (
                "https://git-codecommit.us-east-1.amazonaws.com/v1/repos/app",
                Some("us-east-1"),
            ),
            (
                "https://git-codecommit-fips.us-gov-west-1.amazonaws.com/v1/repos/app",
                Some("us-gov-west-1"),
            ),
            (
                "https://git-codecommit.cn-north-1.amazonaws.com.cn/v1/repos/app",
                Some("cn-north-1"),
            ),
            (
                "http://git-codecommit.us-east-1.amazonaws.com/v1/repos/app",
                None,
            ),
            (
                "https://git-codecommit.us-east-1.amazonaws.com.evil.example/x",
                None,
            ),
            (
                "https://evil.example/git-codecommit.us-east-1.amazonaws.com",
                None,
            ),
            ("https://git-codecommit.amazonaws.com/x", None),
        ] {
            assert_eq!(region(url).as_deref(), expected, "{url}");
        }
    }

    #[test]
    fn a_password_is_the_signature_of_the_url_for_a_quarter_of_an_hour() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let keys = Keys {
            id: "AKID".to_owned(),
            secret: "SECRET".to_owned(),
            session: "SESSION".to_owned(),
            expires: now + Duration::from_secs(3600),
        };
        let sign = |keys: &Keys, url: &str| {
            let url = Url::parse(url).expect("is one");
            codecommit_password(keys, &url, now).expect("signs")
        };
        let one = sign(
            &keys,
            "https://git-codecommit.us-east-1.amazonaws.com/v1/repos/app",
        );
        assert_eq!(one.username, "AKID%SESSION");
        assert!(one.secret.starts_with("20231114T221320Z"), "{}", one.secret);
        assert_eq!(one.secret.len(), 16 + 64);
        assert_eq!(one.expires, now + PASSWORD_LIFE);
        let two = sign(
            &keys,
            "https://git-codecommit.us-east-1.amazonaws.com/v1/repos/other",
        );
        assert_ne!(one.secret, two.secret);
        let plain = Keys {
            session: String::new(),
            expires: now + Duration::from_secs(60),
            ..keys
        };
        let three = sign(
            &plain,
            "https://git-codecommit.us-east-1.amazonaws.com/v1/repos/app",
        );
        assert_eq!(
            (three.username.as_str(), three.expires),
            ("AKID", plain.expires)
        );
    }
}
