//! One repository on one server, with what it takes to talk to it.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use reqwest::Url;
use reqwest::header::HeaderValue;

use crate::clients::{Clients, Pool};
use crate::error::Error;
use crate::ssh::{self, SshKey};
use crate::url::RepositoryUrl;

/// What every PEM block begins with.
const PEM: &[u8] = b"-----BEGIN";

/// What proves who we are.
#[derive(Clone, PartialEq, Eq)]
pub enum Credentials {
    /// User name and password.
    Basic {
        /// The user name; may be empty.
        username: String,
        /// The password; may be empty.
        password: String,
    },
    /// A bearer token.
    Bearer(String),
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Basic { .. } => "Basic(…)",
            Self::Bearer(_) => "Bearer(…)",
        })
    }
}

/// PEM blocks for TLS.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Tls {
    /// Authorities to trust beside the system's.
    pub ca: Option<Vec<u8>>,
    /// Our certificate chain and its key.
    pub identity: Option<(Vec<u8>, Vec<u8>)>,
}

impl Tls {
    /// `url`, unless it wants a certificate that is none, in Go's words.
    fn usable(&self, url: Url) -> Result<Url, String> {
        let Some((certificate, key)) = &self.identity else {
            return Ok(url);
        };
        for (what, pem) in [("certificate", certificate), ("key", key)] {
            if !pem.windows(PEM.len()).any(|window| window == PEM) {
                return Err(format!("tls: failed to find any PEM data in {what} input"));
            }
        }
        Ok(url)
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("ca", &self.ca.is_some())
            .field("identity", &self.identity.is_some())
            .finish()
    }
}

/// A proxy that is used instead of those in the environment.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    /// Its URL: http, https or socks5; ssh goes through the last only.
    pub address: String,
    /// User name and password for it, instead of those in the URL.
    pub login: Option<(String, String)>,
}

impl Proxy {
    /// User name and password.
    pub(crate) fn login(&self) -> Option<(String, String)> {
        self.login.clone().or_else(|| {
            let url = Url::parse(&self.address).ok()?;
            Some(user_info(&url))
                .filter(|(user, password)| !(user.is_empty() && password.is_empty()))
        })
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Proxy(…)")
    }
}

/// Bounds on what a server may make us do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of advertised refs.
    pub advertised_bytes: u64,
    /// Bytes of a pack.
    pub pack_bytes: u64,
    /// Objects in a pack.
    pub objects: u32,
    /// Bytes of one object, inflated.
    pub object_bytes: u32,
    /// Bytes of all objects together, inflated.
    pub inflated_bytes: u64,
    /// Entries of a tree, all levels together.
    pub entries: usize,
    /// Components of the deepest path.
    pub depth: usize,
}

impl Limits {
    /// What lets trees through that an artifact may hold: 64 MiB of refs, 4 GiB of pack with 5 million objects of at
    /// most 1 GiB, 16 GiB together; more where the artifact may hold more.
    #[must_use]
    pub fn of_trees(tree: file_tree::Limits) -> Self {
        Self {
            advertised_bytes: 64 << 20,
            pack_bytes: tree.bytes.max(4 << 30),
            objects: 5_000_000,
            object_bytes: u32::try_from(tree.bytes).unwrap_or(u32::MAX).max(1 << 30),
            inflated_bytes: tree.bytes.saturating_mul(4).max(16 << 30),
            entries: tree.entries.max(file_tree::Limits::default().entries),
            depth: tree.depth,
        }
    }

    /// The same for a pack of so many objects, and a few that were not expected.
    pub(crate) fn of_objects(mut self, count: usize) -> Self {
        let objects = u32::try_from(count.saturating_add(1000));
        self.objects = objects.unwrap_or(u32::MAX).min(self.objects);
        self
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::of_trees(file_tree::Limits::default())
    }
}

/// How to reach a repository.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RemoteOptions {
    /// Sent to the repository's own host only. The URL's user and password serve where this is absent.
    pub credentials: Option<Credentials>,
    /// For ssh.
    pub ssh: Option<SshKey>,
    /// TLS material.
    pub tls: Tls,
    /// A proxy.
    pub proxy: Option<Proxy>,
    /// Bounds.
    pub limits: Limits,
}

/// A repository that can be listed and fetched from; [`Session::remote`](crate::Session::remote) makes one.
#[derive(Clone)]
pub struct Remote {
    pub(crate) shown: String,
    pub(crate) access: Access,
    pub(crate) limits: Limits,
    /// The URL and the options as they were given: what makes two fetches the same.
    pub(crate) given: (String, RemoteOptions),
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote")
            .field("url", &self.shown)
            .field("access", &self.access)
            .finish_non_exhaustive()
    }
}

/// A repository over HTTP, and what proves who we are.
#[derive(Debug, Clone)]
pub(crate) struct Web {
    pub(crate) url: Url,
    pub(crate) clients: Clients,
    pub(crate) authorization: Option<HeaderValue>,
}

/// By which protocol, and as whom.
#[derive(Debug, Clone)]
pub(crate) enum Access {
    Http(Box<Web>),
    Ssh(Box<ssh::Access>),
    /// There is nothing to dial.
    Nowhere(String),
}

impl Remote {
    /// Prepares access to `url`; nothing is sent yet.
    ///
    /// # Errors
    /// [`Error::Auth`] for a URL, certificate, key, token or proxy that cannot be used.
    pub(crate) fn new(url: &str, options: RemoteOptions, pool: &Pool) -> Result<Self, Error> {
        let parsed = RepositoryUrl::parse(url).map_err(|error| Error::Auth(error.to_string()))?;
        let given = (url.to_owned(), options.clone());
        let access = match parsed.scheme().as_str() {
            "http" | "https" => {
                let (username, password) = parsed.user_info();
                let user_info = Credentials::Basic { username, password };
                let user_info = parsed.has_user().then_some(user_info);
                let credentials = options.credentials.or(user_info);
                let clients = || pool.clients(&options.tls, options.proxy.as_ref());
                let authorization = credentials.as_ref().map(header).transpose()?;
                match parsed.target().and_then(|url| options.tls.usable(url)) {
                    Ok(url) => Access::Http(Box::new(Web {
                        url,
                        clients: clients()?,
                        authorization,
                    })),
                    Err(why) => Access::Nowhere(why),
                }
            }
            "ssh" => {
                let access = ssh::Access::new(&parsed, options.ssh, options.proxy)?;
                match parsed.undialled() {
                    None => Access::Ssh(Box::new(access)),
                    Some(why) => Access::Nowhere(why),
                }
            }
            other => return Err(Error::Auth(format!("unsupported scheme '{other}'"))),
        };
        Ok(Self {
            access,
            shown: parsed.shown().to_owned(),
            limits: options.limits,
            given,
        })
    }

    /// The URL without user and password, for messages.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.shown
    }
}

/// gix's error and its causes in one line.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

/// The user and the password in a proxy's URL, each empty where there is none.
fn user_info(url: &Url) -> (String, String) {
    let decoded = |text| percent_decode_str(text).decode_utf8_lossy().into_owned();
    (
        decoded(url.username()),
        decoded(url.password().unwrap_or_default()),
    )
}

fn header(credentials: &Credentials) -> Result<HeaderValue, Error> {
    let text = match credentials {
        Credentials::Basic { username, password } => {
            format!(
                "Basic {}",
                STANDARD.encode(format!("{username}:{password}"))
            )
        }
        Credentials::Bearer(token) => format!("Bearer {token}"),
    };
    let mut value = HeaderValue::from_str(&text)
        .map_err(|_| Error::Auth("the token holds control characters".to_owned()))?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests;
