//! Git over SSH: one channel that runs `git-upload-pack`, to a server whose key is known.
//!
//! Source: fluxcd/pkg `git/gogit/transport.go`, go-git v5.19 `plumbing/transport/ssh/common.go`.

mod channel;
mod client;
mod identity;
mod known_hosts;

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use gix::protocol::transport::Protocol;
use gix::protocol::transport::client::blocking_io::Transport;
use gix::protocol::transport::client::git::{ConnectMode, blocking_io::Connection};
use russh::client::{AuthResult, Handle, connect_stream};
use russh::keys::PrivateKeyWithHashAlg;

use crate::error::{Error, RemoteError};
use crate::http::Budget;
use crate::remote::Proxy;
use crate::session::Session;
use crate::url::RepositoryUrl;

use channel::{Channel, Input};
use client::{Client, Failure};
pub(crate) use identity::Identity;
pub(crate) use known_hosts::{Host, KnownHosts};

pub use client::SshAlgorithms;
pub use identity::{IdentityError, needs_password};

/// Who the user is where the URL does not say.
const DEFAULT_USER: &str = "git";
/// The port where the URL does not say.
pub(crate) const DEFAULT_PORT: u16 = 22;

/// What proves who we are, and who the server is.
#[derive(Clone, PartialEq, Eq)]
pub struct SshKey {
    /// The private key's file.
    pub identity: Vec<u8>,
    /// The key's password.
    pub password: Option<String>,
    /// The known_hosts file.
    pub known_hosts: Vec<u8>,
}

impl std::fmt::Debug for SshKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SshKey(…)")
    }
}

/// A repository on an SSH server.
#[derive(Debug, Clone)]
pub(crate) struct Access {
    user: String,
    host: Host,
    path: String,
    identity: Identity,
    known_hosts: Arc<KnownHosts>,
    proxy: Option<Proxy>,
}

impl Access {
    /// # Errors
    /// [`Error::Auth`] for a key or a known_hosts file that cannot be used.
    pub(crate) fn new(
        url: &RepositoryUrl,
        key: Option<SshKey>,
        proxy: Option<Proxy>,
    ) -> Result<Self, Error> {
        let key = key.ok_or_else(|| Error::Auth(IdentityError::Missing.to_string()))?;
        let identity = Identity::parse(&key.identity, key.password.as_deref())
            .map_err(|error| Error::Auth(error.to_string()))?;
        let known_hosts =
            KnownHosts::parse(&key.known_hosts).map_err(|error| Error::Auth(error.to_string()))?;
        let user = match url.user_info().0 {
            user if user.is_empty() => DEFAULT_USER.to_owned(),
            user => user,
        };
        Ok(Self {
            user,
            host: Host {
                name: url.host().to_lowercase(),
                port: url.port().ok().flatten().unwrap_or(DEFAULT_PORT),
            },
            path: url.path(),
            identity,
            known_hosts: Arc::new(known_hosts),
            proxy,
        })
    }

    /// Opens a conversation with `git-upload-pack`; blocks.
    pub(crate) fn open(
        &self,
        session: &Session,
        budget: &Budget,
    ) -> Result<Box<dyn Transport + Send>, RemoteError> {
        let opening = session
            .wait(self.start(session))
            .map_err(RemoteError::Stopped)?;
        let (handle, channel) = opening.map_err(RemoteError::Protocol)?;
        let (output, input) = channel.split();
        let output = Channel::new(handle, output, session.clone(), budget.clone());
        let input = Input::new(input, session.clone());
        let path = self.path.clone();
        let connection = Connection::new(
            output,
            input,
            Protocol::V2,
            path,
            None::<(&str, _)>,
            ConnectMode::Process,
            false,
        );
        Ok(Box::new(connection))
    }

    async fn start(
        &self,
        session: &Session,
    ) -> Result<(Handle<Client>, russh::Channel<russh::client::Msg>), String> {
        let (name, port) = (&self.host.name, self.host.port);
        let stream = match &self.proxy {
            Some(proxy) => session.network().dial_through(proxy, name, port).await?,
            None => session.network().dial(name, port).await?,
        };
        let wanted = self.known_hosts.wanted(&self.host);
        let config = client::config(&wanted, session.ssh(), session.left());
        let refusal = client::Refusals::default();
        let client = Client {
            known_hosts: Arc::clone(&self.known_hosts),
            host: self.host.clone(),
            now: now(),
            refusal: refusal.clone(),
        };
        let handshake = |failure: String| format!("ssh: handshake failed: {failure}");
        let connected = connect_stream(Arc::new(config), stream, client).await;
        let mut handle = connected.map_err(|failure| handshake(refusal.explain(&failure)))?;
        self.authenticate(&mut handle).await.map_err(handshake)?;
        let channel = handle.channel_open_session().await;
        let channel = channel.map_err(|error| Failure::from(error).to_string())?;
        // A server may not want to know the version; then it speaks the oldest.
        channel
            .set_env(false, "GIT_PROTOCOL", "version=2")
            .await
            .ok();
        let command = format!("git-upload-pack {}", quoted(&self.path));
        let asked = channel.exec(true, command).await;
        asked.map_err(|error| Failure::from(error).to_string())?;
        Ok((handle, channel))
    }

    async fn authenticate(&self, handle: &mut Handle<Client>) -> Result<(), String> {
        let words = |error: russh::Error| Failure::from(error).to_string();
        let key = Arc::clone(&self.identity.0);
        let hash = if key.algorithm().is_rsa() {
            let supported = handle.best_supported_rsa_hash().await.map_err(words)?;
            supported.unwrap_or(Some(russh::keys::HashAlg::Sha256))
        } else {
            None
        };
        let key = PrivateKeyWithHashAlg::new(key, hash);
        let answer = handle.authenticate_publickey(&self.user, key).await;
        match answer.map_err(words)? {
            AuthResult::Success => Ok(()),
            AuthResult::Failure { .. } => Err(
                "ssh: unable to authenticate, attempted methods [none publickey], no supported methods remain"
                    .to_owned(),
            ),
        }
    }
}

/// A path as a shell takes it for one word, whatever it holds.
fn quoted(path: &str) -> String {
    let inner = path.replace('\'', r"'\''").replace('!', r"'\!'");
    format!("'{inner}'")
}

fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or(Duration::ZERO)
        .as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stays_one_word() {
        assert_eq!(quoted("/a b/app.git"), "'/a b/app.git'");
        assert_eq!(quoted("/'; rm -rf / #"), r"'/'\''; rm -rf / #'");
        assert_eq!(quoted("/a!b"), r"'/a'\!'b'");
    }
}
