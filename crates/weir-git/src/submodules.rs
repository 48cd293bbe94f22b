//! Repositories inside of repositories: what `.gitmodules` says and where it leads.
//!
//! Source: go-git v5.19 `submodule.go`; gitmodules(5).

use gix::config::File;
use reqwest::Url;

use crate::error::Error;
use crate::url::RepositoryUrl;

/// Bytes of a `.gitmodules` file.
const MAX_BYTES: usize = 1 << 20;
/// Bytes of a URL.
const MAX_URL: usize = 4096;

/// A repository that belongs at a path of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submodule {
    /// The path, as written.
    pub path: String,
    /// The address, as written.
    pub url: String,
}

impl Submodule {
    /// Reads a `.gitmodules` file; sections without path or URL do not count.
    ///
    /// # Errors
    /// [`Error::Submodule`] for what is no such file.
    pub fn parse(file: &[u8]) -> Result<Vec<Self>, Error> {
        let failed = |why: &str| Error::Submodule(format!(".gitmodules: {why}"));
        if file.len() > MAX_BYTES {
            return Err(failed("more than 1 MiB"));
        }
        let text = std::str::from_utf8(file).map_err(|_| failed("no text"))?;
        let config = File::try_from(text).map_err(|_| failed("malformed"))?;
        let Some(sections) = config.sections_by_name("submodule") else {
            return Ok(Vec::new());
        };
        let read = |section: gix::config::file::SectionRef<'_>| {
            let value = |name| {
                let bytes = section.value(name)?;
                String::from_utf8(bytes.into()).ok()
            };
            Some(Self {
                path: value("path")?,
                url: value("url")?,
            })
        };
        Ok(sections.filter_map(read).collect())
    }

    /// The whole URL for a submodule of the repository at `parent`.
    ///
    /// # Errors
    /// [`Error::Submodule`] for everything that is neither http, https nor ssh, nor relative: files, programs,
    /// options.
    pub fn resolve(&self, parent: &str) -> Result<String, Error> {
        let refused = || Error::Submodule(format!("unsupported URL of submodule {:?}", self.path));
        let url = self.url.trim();
        if url.len() > MAX_URL || url.chars().any(char::is_control) {
            return Err(refused());
        }
        if url.starts_with("./") || url.starts_with("../") {
            return relative(parent, url).ok_or_else(refused);
        }
        let whole = if has_scheme(url) {
            url.to_owned()
        } else {
            scp(url).ok_or_else(refused)?
        };
        let parsed = Url::parse(&whole).map_err(|_| refused())?;
        let served = matches!(parsed.scheme(), "http" | "https" | "ssh");
        let named = parsed
            .host_str()
            .is_some_and(|host| !host.is_empty() && !host.starts_with('-'));
        if served && named {
            Ok(whole)
        } else {
            Err(refused())
        }
    }
}

/// Whether `://` follows what may name a scheme: a parser of URLs also takes `https:host//` for a URL with one.
fn has_scheme(url: &str) -> bool {
    let scheme = url.split_once("://").map_or("", |(scheme, _)| scheme);
    let in_schemes = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    !scheme.is_empty() && scheme.bytes().all(in_schemes)
}

/// Whether both URLs are on one server, so that what opens one may be shown to the other.
#[must_use]
pub fn same_origin(one: &str, other: &str) -> bool {
    let origin = |text: &str| {
        let url = RepositoryUrl::parse(text).ok()?;
        let own = match url.scheme().as_str() {
            "http" => 80,
            "https" => 443,
            _ => 22,
        };
        let port = url.port().ok()?.unwrap_or(own);
        let host = url.host().to_lowercase();
        (!host.is_empty()).then_some((url.scheme(), host, port))
    };
    origin(one).is_some() && origin(one) == origin(other)
}

/// The path below the parent's, which it cannot leave above the server's root.
fn relative(parent: &str, url: &str) -> Option<String> {
    let mut whole = Url::parse(parent).ok()?;
    let mut parts: Vec<String> = whole
        .path()
        .split('/')
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect();
    for part in url.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            name => parts.push(name.to_owned()),
        }
    }
    whole.set_query(None);
    whole.set_fragment(None);
    whole.set_path(&format!("/{}", parts.join("/")));
    Some(whole.to_string())
}

/// `user@host:path`, as scp has it.
fn scp(text: &str) -> Option<String> {
    let (host, path) = text.split_once(':')?;
    // Without a user, "C:/x" or "ext::sh" would be hosts.
    let (user, name) = host.split_once('@')?;
    let plain = |text: &str| {
        !text.is_empty()
            && !text.starts_with('-')
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte))
    };
    if !plain(user) || !plain(name) || path.starts_with(':') {
        return None;
    }
    Some(format!(
        "ssh://{user}@{name}/{}",
        path.trim_start_matches('/')
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(parent: &str, url: &str) -> Option<String> {
        let module = Submodule {
            path: "m".to_owned(),
            url: url.to_owned(),
        };
        module.resolve(parent).ok()
    }

    #[test]
    fn sections_with_path_and_url_count() {
        let file = "[submodule \"a\"]\n\tpath = lib/a\n\turl = ../a.git\n# x\n[submodule \"b\"]\n\tpath = b\n\
            [core]\n\tpath = x\n\turl = y\n";
        let expected = Submodule {
            path: "lib/a".to_owned(),
            url: "../a.git".to_owned(),
        };
        assert_eq!(
            Submodule::parse(file.as_bytes()).expect("parses"),
            [expected]
        );
        assert!(Submodule::parse(b"[submodule").is_err());
        assert!(Submodule::parse(b"\xff").is_err());
        assert_eq!(Submodule::parse(b"").expect("parses"), []);
    }

    #[test]
    fn relative_urls_stay_on_the_server() {
        let parent = "https://host/team/app.git";
        for (url, expected) in [
            ("../lib.git", "https://host/team/lib.git"),
            ("./lib.git", "https://host/team/app.git/lib.git"),
            ("../../x/y", "https://host/x/y"),
            ("../../../../../etc/passwd", "https://host/etc/passwd"),
            ("https://other/x.git", "https://other/x.git"),
            ("ssh://git@other:22/x.git", "ssh://git@other:22/x.git"),
            ("git@other:x/y.git", "ssh://git@other/x/y.git"),
        ] {
            assert_eq!(resolve(parent, url).as_deref(), Some(expected), "{url}");
        }
        let ssh = resolve("ssh://git@host:2222/team/app.git", "../lib.git");
        assert_eq!(ssh.as_deref(), Some("ssh://git@host:2222/team/lib.git"));
    }

    #[test]
    fn files_programs_and_options_are_refused() {
        for url in [
            "file:///etc",
            "/etc/passwd",
            "etc/passwd",
            "-u./x",
            "--upload-pack=touch x",
            "ext::sh -c touch% x",
            "ssh://-oProxyCommand=touch/x",
            "git@-oProxyCommand=x:y",
            "fd::17",
            "git://host/x",
            "ftp://host/x",
            "C:/x",
            "",
            "https://",
            "https://host/a\nb",
            "https:host//x",
            "https:i//us%.sh://git@host/x",
        ] {
            assert_eq!(resolve("https://host/app.git", url), None, "{url}");
        }
    }

    #[test]
    fn one_server_is_scheme_host_and_port() {
        assert!(same_origin("https://host/a", "https://HOST:443/b"));
        assert!(same_origin("ssh://a@host/a", "ssh://b@host:22/b"));
        assert!(!same_origin("https://host/a", "http://host/a"));
        assert!(!same_origin("https://host/a", "https://host:8443/a"));
        assert!(!same_origin("https://host/a", "https://host.evil/a"));
        assert!(!same_origin("x", "x"));
    }
}
