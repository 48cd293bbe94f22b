//! `format`: what texts look like.
//!
//! Source: santhosh-tekuri/jsonschema v6.0.2 `format.go`

mod time;

use std::net::Ipv6Addr;

use crate::functions::compile_regex;

/// Why a text does not look so.
type Checked = Result<(), String>;

/// A known format.
#[derive(Clone, Copy, Debug)]
pub(super) struct Format {
    name: &'static str,
    check: fn(&str) -> Checked,
}

const FORMATS: &[Format] = &[
    format("json-pointer", json_pointer),
    format("relative-json-pointer", relative_json_pointer),
    format("uuid", uuid),
    format("duration", time::duration),
    format("period", time::period),
    format("ipv4", ipv4),
    format("ipv6", ipv6),
    format("hostname", hostname),
    format("email", email),
    format("date", time::date),
    format("time", time::time),
    format("date-time", time::date_time),
    format("uri", uri),
    format("iri", uri),
    format("uri-reference", uri_reference),
    format("iri-reference", uri_reference),
    format("semver", semver),
    format("regex", regex),
];

const fn format(name: &'static str, check: fn(&str) -> Checked) -> Format {
    Format { name, check }
}

impl Format {
    /// The format of a name, if it is known.
    pub(super) fn of(name: &str) -> Option<Self> {
        FORMATS.iter().find(|it| it.name == name).copied()
    }

    pub(super) fn name(self) -> &'static str {
        self.name
    }

    /// Whether a text looks so.
    ///
    /// # Errors
    /// Why not.
    pub(super) fn check(self, text: &str) -> Checked {
        (self.check)(text)
    }
}

fn no<T>(text: impl Into<String>) -> Result<T, String> {
    Err(text.into())
}

fn json_pointer(text: &str) -> Checked {
    if text.is_empty() {
        return Ok(());
    }
    if !text.starts_with('/') {
        return no("not starting with /");
    }
    for (at, _) in text.match_indices('~') {
        if !matches!(text.as_bytes().get(at + 1), Some(b'0' | b'1')) {
            return no("~ must be followed by 0 or 1");
        }
    }
    Ok(())
}

fn relative_json_pointer(text: &str) -> Checked {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    if digits == 0 {
        return no("must start with non-negative integer");
    }
    if digits > 1 && text.starts_with('0') {
        return no("starts with zero");
    }
    match &text[digits..] {
        "#" => Ok(()),
        rest => json_pointer(rest),
    }
}

fn uuid(text: &str) -> Checked {
    const LENGTHS: [usize; 5] = [8, 4, 4, 4, 12];
    let groups: Vec<&str> = text.split('-').collect();
    if groups.len() != LENGTHS.len() {
        return no("must have 5 elements");
    }
    for (at, (group, length)) in groups.iter().zip(LENGTHS).enumerate() {
        if group.len() != length {
            return no(format!(
                "element {} must be {length} characters long",
                at + 1
            ));
        }
        if let Some(other) = group.chars().find(|c| !c.is_ascii_hexdigit()) {
            return no(format!("non-hex character {other:?}"));
        }
    }
    Ok(())
}

fn ipv4(text: &str) -> Checked {
    let groups: Vec<&str> = text.split('.').collect();
    if groups.len() != 4 {
        return no("expected four decimals");
    }
    for group in groups {
        if group.len() > 1 && group.starts_with('0') {
            return no("leading zeros");
        }
        match group.parse::<i64>() {
            Ok(0..=255) => {}
            Ok(_) => return no("decimal must be between 0 and 255"),
            Err(_) => {
                let group = go_template::quote::quoted(group.as_bytes());
                return no(format!("strconv.Atoi: parsing {group}: invalid syntax"));
            }
        }
    }
    Ok(())
}

fn ipv6(text: &str) -> Checked {
    if !text.contains(':') {
        return no("missing colon");
    }
    if text.contains('%') {
        return no("zone id is not a part of ipv6 address");
    }
    match text.parse::<Ipv6Addr>() {
        Ok(_) => Ok(()),
        Err(_) => {
            let text = go_template::quote::quoted(text.as_bytes());
            no(format!("ParseAddr({text}): unable to parse IP"))
        }
    }
}

fn hostname(text: &str) -> Checked {
    let text = text.strip_suffix('.').unwrap_or(text);
    if text.len() > 253 {
        return no("more than 253 characters long");
    }
    for label in text.split('.') {
        if label.is_empty() || label.len() > 63 {
            return no("label must be 1 to 63 characters long");
        }
        if label.starts_with('-') {
            return no("label starts with hyphen");
        }
        if label.ends_with('-') {
            return no("label ends with hyphen");
        }
        if let Some(other) = label
            .chars()
            .find(|c| !c.is_ascii_alphanumeric() && *c != '-')
        {
            return no(format!("invalid character {other:?}"));
        }
    }
    Ok(())
}

fn email(text: &str) -> Checked {
    if text.len() > 254 {
        return no("more than 255 characters long");
    }
    let Some((local, domain)) = text.rsplit_once('@') else {
        return no("missing @");
    };
    if local.len() > 64 {
        return no("local part more than 64 characters long");
    }
    if local.len() > 1 && local.starts_with('"') {
        let mut inner = local.chars();
        inner.next();
        inner.next_back();
        if inner.as_str().contains(['\\', '"']) {
            return no("backslash and quote are not allowed within quoted local part");
        }
    } else {
        local_part(local)?;
    }
    let literal = domain.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    if let Some(literal) = literal {
        return match literal.strip_prefix("IPv6:") {
            Some(address) => ipv6(address).or_else(|it| no(format!("invalid ipv6 address: {it}"))),
            None => ipv4(literal).or_else(|it| no(format!("invalid ipv4 address: {it}"))),
        };
    }
    hostname(domain).or_else(|it| no(format!("invalid domain: {it}")))
}

fn local_part(local: &str) -> Checked {
    if local.starts_with('.') {
        return no("starts with dot");
    }
    if local.ends_with('.') {
        return no("ends with dot");
    }
    if local.contains("..") {
        return no("consecutive dots");
    }
    let allowed = |c: &char| c.is_ascii_alphanumeric() || ".!#$%&'*+-/=?^_`{|}~".contains(*c);
    match local.chars().find(|c| !allowed(c)) {
        Some(other) => no(format!("invalid character {other:?}")),
        None => Ok(()),
    }
}

/// Refuses what Go's `url.Parse` refuses. Says whether there is a scheme.
fn parse_url(text: &str) -> Result<bool, String> {
    let quoted = || go_template::quote::quoted(text.as_bytes());
    let failed = |why: &str| format!("parse {}: {why}", quoted());
    if text.bytes().any(|b| b < b' ' || b == 0x7F) {
        return Err(failed("net/url: invalid control character in URL"));
    }
    let (before, _) = text.split_once('#').unwrap_or((text, ""));
    let scheme_end = before.find(|c: char| !c.is_ascii_alphanumeric() && !"+-.".contains(c));
    let mut absolute = false;
    let mut rest = before;
    if let Some(at) = scheme_end.filter(|at| before.as_bytes()[*at] == b':') {
        if at == 0 {
            return Err(failed("missing protocol scheme"));
        }
        if before.starts_with(|c: char| c.is_ascii_alphabetic()) {
            absolute = true;
            rest = &before[at + 1..];
        } else {
            return Err(failed("first path segment in URL cannot contain colon"));
        }
    }
    let first = rest.split('/').next().unwrap_or_default();
    if !absolute && first.contains(':') {
        return Err(failed("first path segment in URL cannot contain colon"));
    }
    for (at, _) in text.match_indices('%') {
        let digits = text.get(at + 1..at + 3).unwrap_or_default();
        if digits.len() < 2 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            let shown = text.get(at..(at + 3).min(text.len())).unwrap_or("%");
            let shown = go_template::quote::quoted(shown.as_bytes());
            return Err(failed(&format!("invalid URL escape {shown}")));
        }
    }
    check_host(rest, &failed)?;
    Ok(absolute)
}

fn check_host(rest: &str, failed: &dyn Fn(&str) -> String) -> Checked {
    let Some(authority) = rest.strip_prefix("//") else {
        return Ok(());
    };
    let host = authority.split(['/', '?']).next().unwrap_or_default();
    let host = host.rsplit('@').next().unwrap_or_default();
    if host.contains(' ') {
        return Err(failed("invalid character \" \" in host name"));
    }
    if let Some(inner) = host.strip_prefix('[') {
        let Some((address, _)) = inner.split_once(']') else {
            return Err(failed("missing ']' in host"));
        };
        return ipv6(address).or_else(|it| no(format!("invalid ipv6 address: {it}")));
    }
    match host.rsplit_once(':') {
        Some((_, port)) if !port.bytes().all(|b| b.is_ascii_digit()) => {
            let port = go_template::quote::quoted(format!(":{port}").as_bytes());
            Err(failed(&format!("invalid port {port} after host")))
        }
        Some((name, _)) if name.contains(':') => no("ipv6 address not enclosed in brackets"),
        _ => Ok(()),
    }
}

fn uri(text: &str) -> Checked {
    match parse_url(text)? {
        true => Ok(()),
        false => no("relative url"),
    }
}

fn uri_reference(text: &str) -> Checked {
    if text.contains('\\') {
        return no("contains \\");
    }
    parse_url(text).map(drop)
}

fn semver(text: &str) -> Checked {
    let (text, build) = text
        .split_once('+')
        .map_or((text, None), |(a, b)| (a, Some(b)));
    let identifiers = |part: &str, kind: &str| -> Checked {
        for identifier in part.split('.') {
            if identifier.is_empty() {
                return no(format!("{kind} identifier is empty"));
            }
            let other = identifier
                .chars()
                .find(|c| !c.is_ascii_alphanumeric() && *c != '-');
            if let Some(other) = other {
                return no(format!("invalid character {other:?} in {kind} identifier"));
            }
            let number = identifier.bytes().all(|b| b.is_ascii_digit());
            if kind == "pre-release"
                && number
                && identifier.len() > 1
                && identifier.starts_with('0')
            {
                return no("pre-release numeric identifier starts with zero");
            }
        }
        Ok(())
    };
    match build {
        Some("") => return no("build is empty"),
        Some(build) => identifiers(build, "build")?,
        None => {}
    }
    let (core, pre) = text
        .split_once('-')
        .map_or((text, None), |(a, b)| (a, Some(b)));
    if let Some(pre) = pre {
        identifiers(pre, "pre-release")?;
    }
    let numbers: Vec<&str> = core.split('.').collect();
    if numbers.len() != 3 {
        return no("versionCore must have 3 numbers separated by dot");
    }
    for (number, name) in numbers.iter().zip(["major", "minor", "patch"]) {
        if number.is_empty() {
            return no(format!("{name} is empty"));
        }
        if number.len() > 1 && number.starts_with('0') {
            return no(format!("{name} starts with zero"));
        }
        if !number.bytes().all(|b| b.is_ascii_digit()) {
            return no(format!("{name} contains non-digit"));
        }
    }
    Ok(())
}

fn regex(text: &str) -> Checked {
    match compile_regex(text.as_bytes()) {
        Ok(_) => Ok(()),
        Err(error) => no(error.to_string()),
    }
}
