//! Addresses: absolute URLs, fragments, JSON pointers.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// A URL and its fragment, which is decoded.
pub(super) fn split(text: &str) -> (&str, String) {
    let (url, fragment) = text.split_once('#').unwrap_or((text, ""));
    let fragment = percent_decode_str(fragment).decode_utf8_lossy();
    (url, fragment.into_owned())
}

/// The scheme of a URL, if it has one.
fn scheme(url: &str) -> Option<&str> {
    let (scheme, _) = url.split_once(':')?;
    let valid = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    let starts = scheme.starts_with(|c: char| c.is_ascii_alphabetic());
    (starts && scheme.chars().all(valid)).then_some(scheme)
}

/// A reference without fragment, seen from a base.
pub(super) fn join(base: &str, reference: &str) -> String {
    if reference.is_empty() {
        return base.to_owned();
    }
    if scheme(reference).is_some() {
        return reference.to_owned();
    }
    let Some(scheme) = scheme(base) else {
        return reference.to_owned();
    };
    let after = &base[scheme.len() + 1..];
    let Some(rest) = after.strip_prefix("//") else {
        // An opaque base, such as a URN, has no paths.
        return base.to_owned();
    };
    if let Some(reference) = reference.strip_prefix("//") {
        return format!("{scheme}://{reference}");
    }
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (path, _) = path.split_once('?').unwrap_or((path, ""));
    let joined = if reference.starts_with('/') {
        reference.to_owned()
    } else {
        let folder = path.rfind('/').map_or("/", |at| &path[..=at]);
        format!("{folder}{reference}")
    };
    format!("{scheme}://{host}{}", without_dots(&joined))
}

fn without_dots(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    let all: Vec<&str> = path.split('/').skip(1).collect();
    for (at, part) in all.iter().enumerate() {
        let last = at + 1 == all.len();
        match *part {
            "." if last => parts.push(""),
            "." => {}
            ".." => {
                parts.pop();
                if last {
                    parts.push("");
                }
            }
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

/// A step of a pointer.
pub(super) fn escape(token: &str) -> Cow<'_, str> {
    if !token.contains(['~', '/']) {
        return token.into();
    }
    token.replace('~', "~0").replace('/', "~1").into()
}

/// The name that a step stands for.
pub(super) fn unescape(token: &str) -> Cow<'_, str> {
    if !token.contains('~') {
        return token.into();
    }
    token.replace("~1", "/").replace("~0", "~").into()
}

/// A pointer as a fragment shows it.
pub(super) fn encode(pointer: &str) -> String {
    let mut out = String::new();
    for byte in pointer.bytes() {
        let plain = byte.is_ascii_alphanumeric() || b"-_.~$&+:=@/".contains(&byte);
        if plain {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
