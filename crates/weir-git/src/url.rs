//! A repository's URL, taken apart as go-git does it, and where requests to it go.
//!
//! Source: go-git v5.19 `plumbing/transport/common.go`, Go 1.26 `net/http`, `net`.

use std::fmt;
use std::net::Ipv4Addr;

use go_url::address::{self, Address};
use reqwest::Url;

/// What a listing asks for, below the repository.
const LISTING: &str = "/info/refs?service=git-upload-pack";

/// A URL that Go can read.
#[derive(Clone, PartialEq, Eq)]
pub struct RepositoryUrl {
    parsed: go_url::Url,
    shown: String,
}

/// Why a text is no URL, in Go's words and without user and password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct UrlError(String);

impl fmt::Debug for RepositoryUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RepositoryUrl").field(&self.shown).finish()
    }
}

impl RepositoryUrl {
    /// Takes a URL apart.
    ///
    /// # Errors
    /// [`UrlError`].
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let shown = without_user(text);
        match go_url::Url::parse(text.as_bytes()) {
            Ok(parsed) => Ok(Self { parsed, shown }),
            // What is wrong may be the password: then nothing of it is quoted.
            Err(why) if shown == text => Err(UrlError(why)),
            Err(_) => Err(UrlError(match go_url::Url::parse(shown.as_bytes()) {
                Err(why) => why,
                Ok(_) => format!("parse {shown:?}: net/url: invalid userinfo"),
            })),
        }
    }

    /// The URL without user and password.
    #[must_use]
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// The scheme in lower case.
    #[must_use]
    pub fn scheme(&self) -> String {
        lossy(&self.parsed.scheme)
    }

    /// Whether a host or a port is named.
    #[must_use]
    pub fn has_host(&self) -> bool {
        !self.parsed.host.is_empty()
    }

    /// The user and the password, each empty where there is none.
    #[must_use]
    pub fn user_info(&self) -> (String, String) {
        let user = self.parsed.user.as_ref();
        let password = user.and_then(|user| user.password.as_deref());
        (
            user.map_or_else(String::new, |user| lossy(&user.name)),
            lossy(password.unwrap_or_default()),
        )
    }

    /// Whether there is a user or a password, be they empty.
    pub(crate) fn has_user(&self) -> bool {
        self.parsed.user.is_some()
    }

    /// The host without port and brackets.
    pub(crate) fn host(&self) -> String {
        lossy(self.parsed.hostname())
    }

    /// What is behind the host: path, query and fragment, the first without escapes.
    pub(crate) fn path(&self) -> String {
        lossy(&self.raw_path())
    }

    /// The port; `None` where the scheme's own holds.
    ///
    /// # Errors
    /// Go's text for a number that is none of a port.
    pub(crate) fn port(&self) -> Result<Option<u16>, String> {
        let digits = lossy(self.parsed.port());
        match digits.parse::<i64>() {
            Err(_) | Ok(0) => Ok(None),
            Ok(port) => match u16::try_from(port) {
                Ok(port) => Ok(Some(port)),
                Err(_) => Err(format!("dial tcp: address {port}: invalid port")),
            },
        }
    }

    /// Where requests over HTTP go.
    ///
    /// # Errors
    /// Go's text for what no request can be sent to.
    pub(crate) fn target(&self) -> Result<Url, String> {
        let asked = [self.endpoint().as_slice(), LISTING.as_bytes()].concat();
        let again = go_url::Url::parse(&asked)?;
        let asked = lossy(&again.text());
        let refused = |why: String| format!("Get \"{asked}\": {why}");
        if again.host.is_empty() {
            return Err(refused("http: no Host in request URL".to_owned()));
        }
        self.port().map_err(refused)?;
        let name = lossy(again.hostname());
        let unknown = || refused(format!("dial tcp: lookup {name}: no such host"));
        let base = asked.strip_suffix(LISTING).unwrap_or(&asked);
        let url = Url::parse(base.trim_end_matches('/')).map_err(|_| unknown())?;
        if is_disguised(&name, url.host_str()) {
            return Err(unknown());
        }
        Ok(url)
    }

    /// What ssh cannot dial, in Go's words.
    pub(crate) fn undialled(&self) -> Option<String> {
        let (host, port) = (self.host(), self.port());
        let literal = address::parse(host.as_bytes());
        let url = Url::parse(&format!("http://{host}/")).ok();
        match port {
            Err(why) => Some(why),
            Ok(_) if host.is_empty() => Some("dial tcp: the URL names no host".to_owned()),
            Ok(port) if host.contains(':') && !matches!(literal, Ok(Address::V6(_))) => {
                let port = port.unwrap_or(crate::ssh::DEFAULT_PORT);
                let why = "missing port in address";
                Some(format!("dial tcp: address [[{host}]]:{port}: {why}"))
            }
            Ok(_) => is_disguised(&host, url.as_ref().and_then(Url::host_str))
                .then(|| format!("dial tcp: lookup {host}: no such host")),
        }
    }

    /// The URL as go-git writes it anew, without user and password.
    fn endpoint(&self) -> Vec<u8> {
        let scheme = self.scheme();
        let mut out = format!("{scheme}://").into_bytes();
        let name = self.parsed.hostname();
        let literal = name.contains(&b':');
        out.extend(literal.then_some(b'['));
        out.extend_from_slice(name);
        out.extend(literal.then_some(b']'));
        let digits = lossy(self.parsed.port());
        let own = if scheme == "https" { 443 } else { 80 };
        match digits.parse::<i64>() {
            Ok(port) if port != 0 && port != own && !name.is_empty() => {
                out.extend_from_slice(format!(":{port}").as_bytes());
            }
            _ => {}
        }
        let path = self.raw_path();
        let joined = path.first().is_none_or(|first| *first == b'/');
        out.extend((!joined && !name.is_empty()).then_some(b'/'));
        out.extend(path);
        out
    }

    fn raw_path(&self) -> Vec<u8> {
        let url = &self.parsed;
        let mut out = url.path.clone();
        for (mark, part) in [(b'?', &url.query), (b'#', &url.fragment)] {
            if !part.is_empty() {
                out.push(mark);
                out.extend_from_slice(part);
            }
        }
        out
    }
}

/// A number that is no address to Go may be one to others: to us it is a name, and one that nobody has.
fn is_disguised(name: &str, host: Option<&str>) -> bool {
    let literal = host.is_some_and(|host| host.parse::<Ipv4Addr>().is_ok());
    literal && address::parse(name.as_bytes()).is_err()
}

/// A URL's text without user and password, also of one that is none.
#[must_use]
pub fn without_user(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else {
        return text.to_owned();
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest[..end].rfind('@') {
        Some(at) => format!("{scheme}://{}", &rest[at + 1..]),
        None => text.to_owned(),
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
