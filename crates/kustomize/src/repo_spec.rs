//! Which repository, directory and ref a resource URL names.

use std::time::Duration;

use crate::error::{Error, bail};
use crate::go_text::quote;
use crate::path;

const SCHEMES: [&str; 4] = ["ssh://", "https://", "http://", "file://"];
const FILE: &str = "file://";
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(27);

/// A directory in a Git repository, as an entry of `resources` names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepoSpec {
    /// The entry as written.
    pub raw: String,
    /// Scheme, user and host, with the separator that follows them.
    pub host: String,
    /// The repository on the host.
    pub repo_path: String,
    /// The directory in the repository to build; empty for its root.
    pub directory: String,
    /// The branch, tag or commit; empty for the default.
    pub reference: String,
    /// Whether submodules are wanted.
    pub submodules: bool,
    /// How long fetching may take.
    pub timeout: Duration,
}

impl RepoSpec {
    /// What to clone.
    #[must_use]
    pub fn clone_url(&self) -> String {
        format!("{}{}", self.host, self.repo_path)
    }

    /// Reads a URL.
    ///
    /// # Errors
    /// The text names no repository, for example because it is a relative path.
    pub fn parse(raw: &str) -> Result<Self, Error> {
        if raw.starts_with('/') {
            bail!("uri looks like abs path: {raw}");
        }
        let (rest, query) = raw.split_once('?').unwrap_or((raw, ""));
        let query = Query::parse(query);
        let (host, rest) = split_host(rest)?;
        let (repo_path, directory) = split_repository(rest, host.starts_with(FILE))?;
        Ok(Self {
            raw: raw.to_owned(),
            host,
            repo_path,
            directory,
            reference: query.reference,
            submodules: query.submodules,
            timeout: query.timeout,
        })
    }
}

struct Query {
    reference: String,
    submodules: bool,
    timeout: Duration,
}

impl Query {
    fn parse(text: &str) -> Self {
        let mut query = Self {
            reference: String::new(),
            submodules: true,
            timeout: DEFAULT_TIMEOUT,
        };
        let Some(pairs) = query_pairs(text) else {
            return query;
        };
        let first = |key: &str| {
            let found = pairs.iter().find(|(name, _)| name == key);
            found.map(|(_, value)| value.as_str()).unwrap_or_default()
        };
        let reference = Some(first("ref")).filter(|value| !value.is_empty());
        reference
            .unwrap_or_else(|| first("version"))
            .clone_into(&mut query.reference);
        match first("submodules") {
            "1" | "t" | "T" | "TRUE" | "true" | "True" => query.submodules = true,
            "0" | "f" | "F" | "FALSE" | "false" | "False" => query.submodules = false,
            _ => {}
        }
        let timeout = first("timeout");
        let seconds = timeout.strip_prefix('+').unwrap_or(timeout).parse::<u64>();
        query.timeout = match seconds {
            Ok(seconds) if seconds > 0 => Duration::from_secs(seconds),
            _ => parse_duration(timeout).unwrap_or(DEFAULT_TIMEOUT),
        };
        query
    }
}

/// The pairs of a URL query; none at all where Go finds an error in it.
fn query_pairs(text: &str) -> Option<Vec<(String, String)>> {
    let mut pairs = Vec::new();
    for part in text.split('&').filter(|part| !part.is_empty()) {
        if part.contains(';') {
            return None;
        }
        let (key, value) = part.split_once('=').unwrap_or((part, ""));
        pairs.push((unescape(key)?, unescape(value)?));
    }
    Some(pairs)
}

fn unescape(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'+' => out.push(b' '),
            b'%' => {
                let high = char::from(bytes.next()?).to_digit(16)?;
                let low = char::from(bytes.next()?).to_digit(16)?;
                out.push(u8::try_from(high * 16 + low).ok()?);
            }
            byte => out.push(byte),
        }
    }
    Some(String::from_utf8_lossy(&out).into_owned())
}

/// A positive duration in Go's form: `1m30s`, `1.5h`.
fn parse_duration(text: &str) -> Option<Duration> {
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    let mut total = 0f64;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let end = rest
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(rest.len());
        total += number
            * match &rest[..end] {
                "ns" => 1e-9,
                "us" | "µs" | "μs" => 1e-6,
                "ms" => 1e-3,
                "s" => 1.0,
                "m" => 60.0,
                "h" => 3600.0,
                _ => return None,
            };
        rest = &rest[end..];
    }
    let duration = Duration::try_from_secs_f64(total).ok()?;
    (!duration.is_zero()).then_some(duration)
}

/// Splits off scheme, user and host, the host normalised for github.com.
fn split_host(url: &str) -> Result<(String, &str), Error> {
    let url = strip_prefix_ignoring_case(url, "git::").unwrap_or(url);
    let (scheme, rest) = SCHEMES
        .into_iter()
        .find_map(|scheme| Some((scheme, strip_prefix_ignoring_case(url, scheme)?)))
        .unwrap_or(("", url));
    let (user, rest) = split_user(rest);
    let lower = rest.get(..11).unwrap_or_default().to_ascii_lowercase();
    let github = lower == "github.com/" || lower == "github.com:";
    let scp_style = scheme.is_empty() && (!user.is_empty() || github);
    if scheme.is_empty() && !scp_style {
        bail!("failed to parse scheme");
    }
    if scheme == FILE {
        // A user of a file URL is part of the path.
        let at = url.len() - rest.len() - user.len();
        return Ok((scheme.to_owned(), &url[at..]));
    }
    let (host, path) = match separator(rest, scp_style) {
        Some(at) => (&rest[..=at], &rest[at + 1..]),
        None => (rest, ""),
    };
    let host = match (github, scheme == "ssh://" || !user.is_empty()) {
        (true, true) => format!("{user}github.com:"),
        (true, false) => "https://github.com/".to_owned(),
        (false, _) if host.is_empty() => bail!("failed to parse host segment"),
        (false, _) => format!("{scheme}{user}{host}"),
    };
    Ok((host, path))
}

fn strip_prefix_ignoring_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    text.get(..prefix.len())
        .filter(|start| start.eq_ignore_ascii_case(prefix))
        .map(|_| &text[prefix.len()..])
}

fn split_user(text: &str) -> (&str, &str) {
    let Some(at) = text.find('@') else {
        return ("", text);
    };
    let user = &text[..at];
    let plain = user.starts_with(|c: char| c.is_ascii_alphabetic())
        && user.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if plain {
        text.split_at(at + 1)
    } else {
        ("", text)
    }
}

fn separator(text: &str, scp_style: bool) -> Option<usize> {
    let slash = text.find('/');
    let colon = text.find(':').filter(|_| scp_style);
    match (slash, colon) {
        (Some(slash), Some(colon)) if colon > 0 && colon < slash => Some(colon),
        (None, colon) => colon,
        (slash, _) => slash,
    }
}

/// Splits the path of a URL into repository and directory.
fn split_repository(url_path: &str, whole: bool) -> Result<(String, String), Error> {
    let Some((repository, directory)) = split_at_marker(url_path).or_else(|| {
        if whole {
            return Some((url_path, ""));
        }
        let first = url_path.find('/')?;
        let second = url_path[first + 1..].find('/').map(|at| first + 1 + at);
        Some(match second {
            Some(at) => (&url_path[..at], &url_path[at + 1..]),
            None => (url_path, ""),
        })
    }) else {
        bail!("failed to parse repo path segment");
    };
    if repository.is_empty() {
        bail!("failed to parse repo path segment");
    }
    let inner = directory.strip_prefix('/').unwrap_or(directory);
    if path::clean(inner).split('/').next() == Some("..") {
        bail!("url path exits repo: {url_path}");
    }
    Ok((repository.to_owned(), inner.to_owned()))
}

fn split_at_marker(url_path: &str) -> Option<(&str, &str)> {
    if let Some(at) = url_path.find("_git/") {
        let after = at + "_git/".len();
        let end = url_path[after..].find('/').map(|at| after + at);
        return Some(match end {
            Some(end) => (&url_path[..end], &url_path[end + 1..]),
            None => (url_path, ""),
        });
    }
    if let Some(at) = url_path.find("//") {
        return Some((&url_path[..at], &url_path[at + 2..]));
    }
    let at = url_path.find(".git")? + ".git".len();
    Some(url_path.split_at(at))
}

/// The text of an error for a repository below another that may not be entered twice.
pub(crate) fn cycle(next: &RepoSpec, visited: &RepoSpec) -> Error {
    Error::new(format!(
        "cycle detected: URI '{}' referenced by previous URI '{}'",
        next.raw, visited.raw
    ))
}

/// The text of an error for a directory that a clone's links lead out of.
pub(crate) fn outside(directory: &str, clone: &str) -> Error {
    Error::new(format!(
        "{} refers to directory outside of repo {}",
        quote(directory),
        quote(clone)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_usual_forms() {
        for (url, clone, directory, reference) in [
            (
                "github.com/o/r//d/e?ref=v1",
                "https://github.com/o/r",
                "d/e",
                "v1",
            ),
            ("git@github.com:o/r.git", "git@github.com:o/r.git", "", ""),
            (
                "https://dev.azure.com/o/p/_git/r/d",
                "https://dev.azure.com/o/p/_git/r",
                "d",
                "",
            ),
            (
                "https://example.com/o/r/d?version=x",
                "https://example.com/o/r",
                "d",
                "x",
            ),
        ] {
            let spec = RepoSpec::parse(url).expect(url);
            assert_eq!(
                (
                    spec.clone_url().as_str(),
                    spec.directory.as_str(),
                    spec.reference.as_str()
                ),
                (clone, directory, reference),
                "{url}"
            );
        }
    }

    #[test]
    fn a_relative_path_is_no_repository() {
        for path in ["../base", "a.yaml", "/abs", "d/"] {
            assert!(RepoSpec::parse(path).is_err(), "{path}");
        }
    }

    #[test]
    fn the_directory_stays_in_the_repository() {
        let error = RepoSpec::parse("https://h/o/r//../../x").expect_err("leaves");
        assert_eq!(error.text(), "url path exits repo: o/r//../../x");
    }

    #[test]
    fn the_timeout_is_seconds_or_a_duration() {
        for (text, seconds) in [("5", 5), ("1m30s", 90), ("x", 27), ("-1", 27), ("0", 27)] {
            let spec = RepoSpec::parse(&format!("https://h/o/r?timeout={text}")).expect("parses");
            assert_eq!(spec.timeout, Duration::from_secs(seconds), "{text}");
        }
    }
}
