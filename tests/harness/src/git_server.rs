//! Git repositories over HTTP, served by the real `git http-backend`.

mod backend;
mod change;
mod repository;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use tempfile::TempDir;

use crate::http_server::Server;
use crate::layout;
use crate::pki::{self, Authority, CertificateFlaw, Identity};

pub use change::Change;
pub use repository::Repository;

use repository::Shared;

/// What goes wrong with every request to a repository while it is set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Answers with this status and a short text.
    Status(u16),
    /// Waits before it answers as usual.
    Delay(Duration),
    /// Closes the connection without an answer.
    Drop,
    /// Closes the connection after this many bytes of the answer's body.
    Cut(usize),
    /// Sends every GET elsewhere, its path and query appended.
    Redirect(String),
    /// Sends every POST elsewhere, its path and query appended.
    RedirectPosts(String),
}

/// What a client must present.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Authentication {
    Basic {
        user: String,
        password: String,
    },
    Bearer(String),
    /// The user and the signed password of CodeCommit.
    CodeCommit,
}

/// A server of bare repositories on a free port of 127.0.0.1.
#[derive(Debug)]
pub struct GitServer {
    server: Server,
    ca: Option<String>,
    client: Option<Identity>,
    folder: TempDir,
    repositories: Arc<Mutex<BTreeMap<String, Arc<Shared>>>>,
}

impl GitServer {
    /// Starts a server that speaks plain HTTP.
    ///
    /// # Errors
    /// If there is no port or no room for the repositories.
    pub fn start() -> Result<Self> {
        Self::launch(None, &[])
    }

    /// Starts a server that speaks HTTPS with a certificate of its own
    /// authority, see [`GitServer::ca`].
    ///
    /// # Errors
    /// As [`GitServer::start`].
    pub fn start_tls() -> Result<Self> {
        Self::start_tls_of(&[])
    }

    /// The same under these names too.
    ///
    /// # Errors
    /// As [`GitServer::start`].
    pub fn start_tls_of(names: &[&str]) -> Result<Self> {
        Self::launch(Some(&Authority::new("git server")?), names)
    }

    /// Starts a server that speaks HTTPS with a certificate that no client may believe.
    ///
    /// # Errors
    /// As [`GitServer::start`].
    pub fn start_tls_flawed(flaw: CertificateFlaw) -> Result<Self> {
        let (ca, identity) = pki::flawed(flaw)?;
        Self::serve(Some((ca, &identity)))
    }

    /// Starts a server that speaks HTTPS with a certificate which says that a list of revoked ones is at `list`;
    /// [`GitServer::ca`] begins with such a list, which is empty and over.
    ///
    /// # Errors
    /// As [`GitServer::start`].
    pub fn start_tls_listed(list: &str) -> Result<Self> {
        let (ca, identity) = pki::listed(list)?;
        Self::serve(Some((ca, &identity)))
    }

    /// Starts a server that speaks HTTPS with clients that prove themselves by [`GitServer::client`]'s certificate.
    ///
    /// # Errors
    /// As [`GitServer::start`].
    pub fn start_mutual_tls() -> Result<Self> {
        let authority = Authority::new("git server")?;
        let client = authority.client()?;
        let secure = Some((authority.pem().to_owned(), &authority.server()?));
        Self::serve_to(secure, Some(client))
    }

    fn launch(authority: Option<&Authority>, names: &[&str]) -> Result<Self> {
        let names: Vec<&str> = ["localhost", "127.0.0.1"]
            .iter()
            .chain(names)
            .copied()
            .collect();
        let Some(authority) = authority else {
            return Self::serve(None);
        };
        let identity = authority.server_of(&names)?;
        Self::serve(Some((authority.pem().to_owned(), &identity)))
    }

    fn serve(secure: Option<(String, &Identity)>) -> Result<Self> {
        Self::serve_to(secure, None)
    }

    fn serve_to(secure: Option<(String, &Identity)>, client: Option<Identity>) -> Result<Self> {
        let folder = layout::scratch("git")?;
        let repositories: Arc<Mutex<BTreeMap<String, Arc<Shared>>>> = Arc::default();
        let (root, known) = (folder.path().to_path_buf(), Arc::clone(&repositories));
        let handler = move |request: http::Request<hyper::body::Incoming>| {
            let (root, known) = (root.clone(), Arc::clone(&known));
            async move {
                let name = backend::repository_name(request.uri().path());
                let found = lock(&known).get(&name).cloned();
                backend::answer(&root, found, request).await
            }
        };
        let server = match (&secure, &client) {
            (Some((ca, identity)), Some(_)) => Server::start_mutual(identity, ca, handler)?,
            (secure, _) => Server::start(secure.as_ref().map(|(_, identity)| *identity), handler)?,
        };
        Ok(Self {
            server,
            ca: secure.map(|(ca, _)| ca),
            client,
            folder,
            repositories,
        })
    }

    /// `http://127.0.0.1:PORT` or its https form.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// Where it listens.
    pub fn address(&self) -> std::net::SocketAddr {
        self.server.address()
    }

    /// The authority to trust, PEM, if this server speaks HTTPS.
    pub fn ca(&self) -> Option<&str> {
        self.ca.as_deref()
    }

    /// The certificate and the key, PEM, that a client proves itself with, if this server asks for them.
    pub fn client(&self) -> Option<(&str, &str)> {
        let client = self.client.as_ref()?;
        Some((&client.certificate, &client.key))
    }

    /// The folder with the bare repositories, as an [`SshServer`](crate::SshServer) wants it.
    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// Makes an empty repository whose default branch is `main`.
    ///
    /// # Errors
    /// If the name is taken or `git` fails.
    pub fn repo(&self, name: &str) -> Result<Repository> {
        let path = self.folder.path().join(format!("{name}.git"));
        let url = format!("{}/{name}.git", self.url());
        let repository = Repository::create(path, url)?;
        lock(&self.repositories).insert(format!("{name}.git"), repository.shared());
        Ok(repository)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
