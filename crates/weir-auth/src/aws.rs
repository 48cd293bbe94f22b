//! Credentials of AWS, requests signed with them, and passwords for CodeCommit made of them.
//!
//! Source: fluxcd/pkg auth v0.54 `aws/provider.go`; AWS Signature Version 4.

mod default_chain;
mod sign;
mod sts;

pub use default_chain::own_keys;
pub use sign::Request;
pub(crate) use sign::{presigned, signed_get};
pub use sts::{Sts, refusal};

use std::fmt;
use std::time::{Duration, SystemTime};

use aws_lc_rs::digest;
use reqwest::Url;

use crate::environment::Environment;
use crate::error::Error;
use crate::token::Token;
use sign::{hex, signing_key};

/// Whom a service account's token must be for.
pub const AUDIENCE: &str = "sts.amazonaws.com";
/// How long a signed password is good for.
const PASSWORD_LIFE: Duration = Duration::from_secs(15 * 60);

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

impl Keys {
    /// The keys as a token, so that they can be kept as one.
    pub(crate) fn to_token(&self) -> Token {
        Token {
            username: self.id.clone(),
            secret: format!("{}\n{}", self.secret, self.session),
            expires: self.expires,
        }
    }

    /// The keys that such a token holds.
    pub(crate) fn from_token(token: Token) -> Result<Self, Error> {
        let parts = token.secret.split_once('\n');
        let (secret, session) = parts.ok_or_else(|| Error::Answer {
            what: "token cache".to_owned(),
        })?;
        Ok(Self {
            secret: secret.to_owned(),
            session: session.to_owned(),
            id: token.username,
            expires: token.expires,
        })
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
        _ => {
            let port = url.port().map_or(String::new(), |port| format!(":{port}"));
            let text = format!("invalid AWS CodeCommit Git URL: {host}{port}");
            Err(Error::Invalid(text))
        }
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
    let key = signing_key(&keys.secret, &day, &region, "codecommit");
    let signature = hex(&sign::keyed(&key, &text));
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

/// Where a service of a region is, as its name or the environment says.
///
/// Source: aws-sdk-go-v2 `service/kms` v1.53 endpoint rules; `AWS_ENDPOINT_URL_<SERVICE>`.
///
/// # Errors
/// [`Error::Invalid`] for a region that is no part of a host name, and for a variable that is no URL.
pub fn endpoint(environment: &Environment, service: &str, region: &str) -> Result<Url, Error> {
    let own = format!("AWS_ENDPOINT_URL_{}", service.to_uppercase());
    let given = environment
        .get(&own)
        .or_else(|| environment.get("AWS_ENDPOINT_URL"))
        .filter(|_| !environment.is_true("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"));
    let is_label = !region.is_empty()
        && region.len() <= 63
        && !region.starts_with('-')
        && region
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if !is_label {
        return Err(Error::Invalid(format!("invalid AWS region {region:?}")));
    }
    let fips = if environment.is_true("AWS_USE_FIPS_ENDPOINT") {
        "-fips"
    } else {
        ""
    };
    let dual = environment.is_true("AWS_USE_DUALSTACK_ENDPOINT");
    let suffix = suffix(region, dual);
    let text = given.unwrap_or_else(|| format!("https://{service}{fips}.{region}.{suffix}/"));
    Url::parse(&text).map_err(|error| Error::Invalid(format!("{own}: {error}")))
}

/// The end of host names in the partition of `region`.
fn suffix(region: &str, dual_stack: bool) -> &'static str {
    match region {
        _ if region.starts_with("cn-") && dual_stack => "api.amazonwebservices.com.cn",
        _ if region.starts_with("cn-") => "amazonaws.com.cn",
        _ if region.starts_with("us-iso-") => "c2s.ic.gov",
        _ if region.starts_with("us-isob-") => "sc2s.sgov.gov",
        _ if region.starts_with("us-isof-") => "csp.hci.ic.gov",
        _ if region.starts_with("eu-isoe-") => "cloud.adc-e.uk",
        _ if region.starts_with("eusc-") => "amazonaws.eu",
        _ if dual_stack => "api.aws",
        _ => "amazonaws.com",
    }
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

    #[test]
    fn a_service_is_in_its_region_or_where_the_environment_says() {
        let at = |variables: &[(&str, &str)], service: &str, region: &str| {
            let found = endpoint(&Environment::of(variables), service, region);
            found.map(String::from).map_err(|error| error.to_string())
        };
        for (region, expected) in [
            ("eu-west-1", "https://kms.eu-west-1.amazonaws.com/"),
            ("cn-north-1", "https://kms.cn-north-1.amazonaws.com.cn/"),
            (
                "us-isob-east-1",
                "https://kms.us-isob-east-1.sc2s.sgov.gov/",
            ),
        ] {
            assert_eq!(at(&[], "kms", region).as_deref(), Ok(expected));
        }
        let fips = [
            ("AWS_USE_FIPS_ENDPOINT", "true"),
            ("AWS_USE_DUALSTACK_ENDPOINT", "true"),
        ];
        assert_eq!(
            at(&fips, "kms", "us-east-2").as_deref(),
            Ok("https://kms-fips.us-east-2.api.aws/")
        );
        let own = [
            ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
            ("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:2"),
        ];
        assert_eq!(
            at(&own, "sts", "us-east-2").as_deref(),
            Ok("http://127.0.0.1:2/")
        );
        assert_eq!(
            at(&own, "kms", "us-east-2").as_deref(),
            Ok("http://127.0.0.1:1/")
        );
        for region in ["", "evil.example/", "a b", "-a", "us-east-1@evil"] {
            assert!(at(&[], "kms", region).is_err(), "{region}");
        }
    }
}
