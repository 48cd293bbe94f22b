//! A URL taken apart.

use go_template::quote::quoted;

use super::escape::{Part, escape, unescape};
use crate::functions::address::{self, Address};

/// The parts of a URL, without their escapes.
#[derive(Default)]
pub(super) struct Url {
    pub(super) scheme: Vec<u8>,
    pub(super) opaque: Vec<u8>,
    pub(super) user: Option<User>,
    pub(super) host: Vec<u8>,
    pub(super) path: Vec<u8>,
    pub(super) query: Vec<u8>,
    pub(super) fragment: Vec<u8>,
}

/// A name and perhaps a password.
pub(super) struct User {
    name: Vec<u8>,
    password: Option<Vec<u8>>,
}

impl User {
    /// Both as they stand in a URL.
    pub(super) fn text(&self) -> Vec<u8> {
        let mut out = escape(&self.name, Part::User);
        if let Some(password) = &self.password {
            out.push(b':');
            out.extend(escape(password, Part::User));
        }
        out
    }
}

fn split_at(text: &[u8], mark: u8) -> (&[u8], Option<&[u8]>) {
    match text.iter().position(|it| *it == mark) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    }
}

impl Url {
    /// Takes a URL apart.
    ///
    /// # Errors
    /// Go's text.
    pub(super) fn parse(text: &[u8]) -> Result<Self, String> {
        let (before, fragment) = split_at(text, b'#');
        let mut url = Self::without_fragment(before)
            .map_err(|it| format!("parse {}: {it}", quoted(before)))?;
        url.fragment = unescape(fragment.unwrap_or_default(), Part::Fragment)
            .map_err(|it| format!("parse {}: {it}", quoted(text)))?;
        Ok(url)
    }

    fn without_fragment(text: &[u8]) -> Result<Self, String> {
        if text.iter().any(|it| *it < b' ' || *it == 0x7f) {
            return Err(String::from("net/url: invalid control character in URL"));
        }
        let mut url = Self::default();
        if text == b"*" {
            url.path = text.to_vec();
            return Ok(url);
        }
        let (scheme, rest) = scheme(text)?;
        url.scheme = scheme.to_ascii_lowercase();
        let (mut rest, query) = split_at(rest, b'?');
        url.query = query.unwrap_or_default().to_vec();
        if !rest.starts_with(b"/") {
            if !url.scheme.is_empty() {
                url.opaque = rest.to_vec();
                return Ok(url);
            }
            if split_at(rest, b'/').0.contains(&b':') {
                let message = "first path segment in URL cannot contain colon";
                return Err(String::from(message));
            }
        }
        let authority = !url.scheme.is_empty() || !rest.starts_with(b"///");
        if authority && let Some(after) = rest.strip_prefix(b"//") {
            let end = after.iter().position(|it| *it == b'/');
            let (authority, path) = after.split_at(end.unwrap_or(after.len()));
            url.authority(authority)?;
            rest = path;
        }
        url.path = unescape(rest, Part::Path)?;
        Ok(url)
    }

    fn authority(&mut self, authority: &[u8]) -> Result<(), String> {
        let at = authority.iter().rposition(|it| *it == b'@');
        let Some(at) = at else {
            self.host = host(&self.scheme, authority)?;
            return Ok(());
        };
        self.host = host(&self.scheme, &authority[at + 1..])?;
        let userinfo = &authority[..at];
        let fits = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(byte);
        if !userinfo.iter().all(fits) {
            return Err(String::from("net/url: invalid userinfo"));
        }
        let (name, password) = split_at(userinfo, b':');
        let name = unescape(name, Part::User)?;
        let password = password.map(|it| unescape(it, Part::User)).transpose()?;
        self.user = Some(User { name, password });
        Ok(())
    }

    /// The host without its port and brackets.
    pub(super) fn hostname(&self) -> &[u8] {
        let colon = self.host.iter().rposition(|it| *it == b':');
        let host = match colon {
            Some(at) if is_port(&self.host[at..]) => &self.host[..at],
            _ => &self.host,
        };
        match host {
            [b'[', inner @ .., b']'] => inner,
            _ => host,
        }
    }
}

/// Whether the text is empty or a colon and digits.
fn is_port(text: &[u8]) -> bool {
    match text {
        [] => true,
        [b':', digits @ ..] => digits.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

fn scheme(text: &[u8]) -> Result<(&[u8], &[u8]), String> {
    for (at, byte) in text.iter().enumerate() {
        match byte {
            b':' if at == 0 => return Err(String::from("missing protocol scheme")),
            b':' => return Ok((&text[..at], &text[at + 1..])),
            b'0'..=b'9' | b'+' | b'-' | b'.' if at > 0 => {}
            _ if byte.is_ascii_alphabetic() => {}
            _ => break,
        }
    }
    Ok((b"", text))
}

fn host(scheme: &[u8], host: &[u8]) -> Result<Vec<u8>, String> {
    let port = |text: &[u8]| {
        if is_port(text) {
            return Ok(());
        }
        Err(format!("invalid port {} after host", quoted(text)))
    };
    match host.iter().rposition(|it| *it == b'[') {
        Some(0) => return literal(host, port),
        Some(_) => return Err(String::from("invalid IP-literal")),
        None => {}
    }
    let first = host.iter().position(|it| *it == b':');
    let last = host.iter().rposition(|it| *it == b':');
    let strict = matches!(scheme, b"http" | b"https");
    if let Some(at) = if strict { first } else { last } {
        port(&host[at..])?;
    }
    unescape(host, Part::Host)
}

/// `[address]:port`.
fn literal(host: &[u8], port: impl Fn(&[u8]) -> Result<(), String>) -> Result<Vec<u8>, String> {
    let close = host.iter().rposition(|it| *it == b']');
    let close = close.ok_or("missing ']' in host")?;
    port(&host[close + 1..])?;
    let after = unescape(&host[close + 1..], Part::Host)?;
    let name = &host[1..close];
    let zone = name.windows(3).position(|it| it == b"%25");
    let (before, zone) = name.split_at(zone.unwrap_or(name.len()));
    let mut name = unescape(before, Part::Host)?;
    name.extend(unescape(zone, Part::Zone)?);
    match address::parse(&name) {
        Err(refusal) => return Err(format!("invalid host: {refusal}")),
        Ok(Address::V4(_)) => return Err(String::from("invalid IP-literal")),
        Ok(Address::V6(_)) => {}
    }
    Ok([b"[", &*name, b"]", &*after].concat())
}
