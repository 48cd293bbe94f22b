//! A URL taken apart.
//!
//! Source: Go 1.26 `net/url/url.go`

use std::fmt;

use go_template::quote::quoted;

use crate::address::{self, Address};
use crate::escape::{Part, escape, unescape};

/// The parts of a URL, without their escapes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Url {
    /// In lower case.
    pub scheme: Vec<u8>,
    /// What follows the scheme where no slash does.
    pub opaque: Vec<u8>,
    /// Who asks.
    pub user: Option<User>,
    /// Host and port.
    pub host: Vec<u8>,
    /// The path.
    pub path: Vec<u8>,
    /// The path with its escapes, where they are others than Go would write.
    pub raw_path: Vec<u8>,
    /// What follows `?`, with its escapes.
    pub query: Vec<u8>,
    /// What follows `#`.
    pub fragment: Vec<u8>,
}

/// A name and perhaps a password.
#[derive(Clone, PartialEq, Eq)]
pub struct User {
    /// The name.
    pub name: Vec<u8>,
    /// The password.
    pub password: Option<Vec<u8>>,
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("User(…)")
    }
}

impl User {
    /// Both as they stand in a URL.
    #[must_use]
    pub fn text(&self) -> Vec<u8> {
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
    pub fn parse(text: &[u8]) -> Result<Self, String> {
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
        if escape(&url.path, Part::Path) != rest {
            url.raw_path = rest.to_vec();
        }
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
    #[must_use]
    pub fn hostname(&self) -> &[u8] {
        match self.host_and_port().0 {
            [b'[', inner @ .., b']'] => inner,
            host => host,
        }
    }

    /// The digits of the port; empty without one.
    #[must_use]
    pub fn port(&self) -> &[u8] {
        self.host_and_port().1
    }

    fn host_and_port(&self) -> (&[u8], &[u8]) {
        let colon = self.host.iter().rposition(|it| *it == b':');
        match colon {
            Some(at) if is_port(&self.host[at..]) => (&self.host[..at], &self.host[at + 1..]),
            _ => (&self.host, b""),
        }
    }

    /// The path with escapes: its own, where they are valid.
    #[must_use]
    pub fn escaped_path(&self) -> Vec<u8> {
        let raw = &self.raw_path;
        if !raw.is_empty() && valid(raw) && unescape(raw, Part::Path).as_ref() == Ok(&self.path) {
            return raw.clone();
        }
        match &*self.path {
            b"*" => b"*".to_vec(),
            path => escape(path, Part::Path),
        }
    }

    /// The URL as one text.
    #[must_use]
    pub fn text(&self) -> Vec<u8> {
        let mut out = Vec::new();
        if !self.scheme.is_empty() {
            out.extend_from_slice(&self.scheme);
            out.push(b':');
        }
        if self.opaque.is_empty() {
            if !self.scheme.is_empty() || !self.host.is_empty() || self.user.is_some() {
                if !self.host.is_empty() || !self.path.is_empty() || self.user.is_some() {
                    out.extend_from_slice(b"//");
                }
                if let Some(user) = &self.user {
                    out.extend(user.text());
                    out.push(b'@');
                }
                out.extend(escape(&self.host, Part::Host));
            }
            let path = self.escaped_path();
            if path.first().is_some_and(|it| *it != b'/') && !self.host.is_empty() {
                out.push(b'/');
            }
            let segment = path.split(|it| *it == b'/').next().unwrap_or_default();
            if out.is_empty() && segment.contains(&b':') {
                out.extend_from_slice(b"./");
            }
            out.extend(path);
        } else {
            out.extend_from_slice(&self.opaque);
        }
        if !self.query.is_empty() {
            out.push(b'?');
            out.extend_from_slice(&self.query);
        }
        if !self.fragment.is_empty() {
            out.push(b'#');
            out.extend(escape(&self.fragment, Part::Fragment));
        }
        out
    }
}

/// Whether a path is written as one may write it.
fn valid(path: &[u8]) -> bool {
    let fits = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.~!$&'()*+,;=:@[]/%".contains(byte);
    path.iter().all(fits)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Url {
        Url::parse(text.as_bytes()).expect(text)
    }

    #[test]
    fn hosts_and_ports_are_told_apart() {
        for (text, host, port) in [
            ("http://a.example:80/x", "a.example", "80"),
            ("http://a.example:/x", "a.example", ""),
            ("http://a.example", "a.example", ""),
            ("http://[::1]:8080/x", "::1", "8080"),
            ("ssh://git@a:1:2/x", "a:1", "2"),
            ("http:///x", "", ""),
        ] {
            let url = parsed(text);
            assert_eq!(url.hostname(), host.as_bytes(), "{text}");
            assert_eq!(url.port(), port.as_bytes(), "{text}");
        }
    }

    #[test]
    fn a_path_keeps_its_own_escapes_where_they_are_valid() {
        for (text, expected) in [
            ("http://h/a%2Fb", "http://h/a%2Fb"),
            ("http://h/a b", "http://h/a%20b"),
            ("http://h/a'b", "http://h/a'b"),
            ("http://h/a'|", "http://h/a%27%7C"),
            ("http://h/%41", "http://h/%41"),
            ("http://h/?a b#c d", "http://h/?a b#c%20d"),
        ] {
            assert_eq!(parsed(text).text(), expected.as_bytes(), "{text}");
        }
    }

    #[test]
    fn a_password_is_not_printed_by_accident() {
        let url = parsed("http://alice:canary@h/");
        assert!(!format!("{url:?}").contains("canary"));
    }
}
