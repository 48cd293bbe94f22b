//! HTTP failures in the words of go-git and Go's HTTP client.

use std::error::Error as StdError;
use std::fmt;
use std::io;

use reqwest::{Method, Url};

/// Where a SOCKS proxy's address does not say.
const SOCKS_PORT: u16 = 1080;
/// What the client says of a SOCKS proxy that does not answer; it does not say why.
const NOT_REACHED: &str = "failed to create underlying connection";

/// How an HTTP exchange failed.
///
/// Source: go-git v5 `plumbing/transport/http/common.go`.
#[derive(Debug)]
pub enum Failure {
    /// An error status.
    Status {
        /// The status.
        code: u16,
        /// What was asked for.
        url: String,
        /// The beginning of the page that came with it.
        reason: String,
    },
    /// No answer; the text is complete.
    Request(String),
    /// The answer broke off.
    Body(String),
    /// A redirect we do not follow.
    Redirect(String),
    /// More bytes than allowed.
    TooLarge,
}

impl Failure {
    /// A request that got no answer.
    pub(crate) fn request(
        method: &Method,
        url: &Url,
        proxy: Option<&Url>,
        error: reqwest::Error,
    ) -> Self {
        let verb = verb(method);
        let error = error.without_url();
        let cause = match proxy.filter(|_| error.is_connect()) {
            Some(proxy) => on_the_way(proxy, url, &error),
            None => cause(url, &error),
        };
        Self::Request(format!("{verb} \"{url}\": {cause}"))
    }

    /// A request that was not sent, as its address is denied.
    pub(crate) fn denied(method: &Method, url: &Url, error: &io::Error) -> Self {
        Self::Request(format!("{} \"{url}\": dial tcp: {error}", verb(method)))
    }

    /// A body that broke off.
    pub(crate) fn body(error: reqwest::Error) -> Self {
        Self::Body(innermost(&error.without_url()).to_string())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status { code, url, reason } => match code {
                401 => write!(f, "authentication required: {reason}"),
                403 => write!(f, "authorization failed: {reason}"),
                404 => write!(f, "repository not found: {reason}"),
                _ => {
                    write!(
                        f,
                        "unexpected client error: unexpected requesting {url:?} status code: {code}"
                    )?;
                    if reason.is_empty() {
                        return Ok(());
                    }
                    write!(f, ": {reason}")
                }
            },
            Self::Request(text) | Self::Redirect(text) => f.write_str(text),
            Self::Body(text) => write!(f, "unexpected EOF: {text}"),
            Self::TooLarge => f.write_str("the server sent more than is allowed"),
        }
    }
}

fn verb(method: &Method) -> &str {
    match method.as_str() {
        "GET" => "Get",
        "POST" => "Post",
        other => other,
    }
}

/// What went wrong with a proxy, or behind it.
fn on_the_way(proxy: &Url, url: &Url, error: &(dyn StdError + 'static)) -> String {
    let texts: Vec<String> = sources(error).iter().map(ToString::to_string).collect();
    let last = texts.last().map(String::as_str).unwrap_or_default();
    if last.ends_with("proxy authorization required") {
        return "Proxy Authentication Required".to_owned();
    }
    let why = match last.strip_prefix("SOCKS error: ") {
        Some("credentials not accepted") => "username/password authentication failed",
        Some("server does not support user/pass authentication") => {
            "no acceptable authentication methods"
        }
        Some(why) if why != NOT_REACHED => why,
        _ => return format!("proxyconnect tcp: {}", cause(proxy, error)),
    };
    format!(
        "socks connect tcp {}->{}: {why}",
        address(proxy),
        address(url)
    )
}

/// Host and port.
fn address(url: &Url) -> String {
    let port = url.port_or_known_default().unwrap_or(SOCKS_PORT);
    format!("{}:{port}", url.host_str().unwrap_or_default())
}

fn cause(url: &Url, error: &(dyn StdError + 'static)) -> String {
    let chain = sources(error);
    let texts: Vec<String> = chain.iter().map(ToString::to_string).collect();
    let host = url.host_str().unwrap_or_default();
    let address = address(url);
    let io_kind = chain
        .iter()
        .filter_map(|error| error.downcast_ref::<io::Error>())
        .map(io::Error::kind)
        .next_back();
    if io_kind == Some(io::ErrorKind::PermissionDenied) {
        let said = texts.last().cloned().unwrap_or_default();
        return format!("dial tcp {address}: {said}");
    }
    if let Some(refused) = io_kind.and_then(dial_error) {
        return format!("dial tcp {address}: connect: {refused}");
    }
    if texts.last().is_some_and(|text| text.ends_with(NOT_REACHED)) {
        return format!("dial tcp {address}: {NOT_REACHED}");
    }
    let found = |part: &str| texts.iter().any(|text| text.contains(part));
    if found("dns error") || found("failed to lookup address") {
        return format!("dial tcp: lookup {host}: no such host");
    }
    if let Some(fault) = weir_auth::certificate_fault(error, host) {
        return fault;
    }
    if found("operation timed out") || io_kind == Some(io::ErrorKind::TimedOut) {
        return format!("dial tcp {address}: i/o timeout");
    }
    texts.last().cloned().unwrap_or_default()
}

fn dial_error(kind: io::ErrorKind) -> Option<&'static str> {
    match kind {
        io::ErrorKind::ConnectionRefused => Some("connection refused"),
        io::ErrorKind::HostUnreachable => Some("no route to host"),
        io::ErrorKind::NetworkUnreachable => Some("network is unreachable"),
        _ => None,
    }
}

fn sources<'a>(error: &'a (dyn StdError + 'static)) -> Vec<&'a (dyn StdError + 'static)> {
    let mut chain = vec![error];
    let mut next = error.source();
    while let Some(cause) = next {
        chain.push(cause);
        next = cause.source();
    }
    chain
}

fn innermost<'a>(error: &'a (dyn StdError + 'static)) -> &'a (dyn StdError + 'static) {
    sources(error).pop().unwrap_or(error)
}
