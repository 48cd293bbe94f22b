//! Git repositories over SSH: an in-process server that runs the real `git upload-pack`.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use russh::keys::ssh_key::LineEnding;
use russh::keys::{Algorithm, Certificate, PrivateKey, PublicKey, ssh_key};
use russh::server::{self, Auth, ChannelOpenHandle, Msg, Session, VerifiedPublicKey};
use russh::{Channel, ChannelId, Preferred};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

use crate::background;

/// Largest path in a command.
const PATH_BYTES: usize = 4096;

/// How a server proves itself and what it offers.
#[derive(Debug, Default)]
pub struct SshServerOptions {
    /// Its keys; none means one new Ed25519 key.
    pub host_keys: Vec<PrivateKey>,
    /// Certificates over its keys.
    pub certificates: Vec<Certificate>,
    /// Key exchange algorithms by name; none means the usual ones.
    pub key_exchanges: Vec<&'static str>,
}

/// A server of the bare repositories in one folder, on a free port of 127.0.0.1. Dropping it closes it.
#[derive(Debug)]
pub struct SshServer {
    address: SocketAddr,
    host_keys: Vec<PublicKey>,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    root: PathBuf,
    admitted: Mutex<Vec<ssh_key::public::KeyData>>,
    log: Mutex<Vec<String>>,
}

impl SshServer {
    /// Serves the repositories below `root`; `/app.git` is the folder `app.git` in it.
    ///
    /// # Errors
    /// If there is no free port.
    pub fn start(root: PathBuf, options: SshServerOptions) -> Result<Self> {
        let mut keys = options.host_keys;
        if keys.is_empty() {
            keys.push(ssh_key_of(Algorithm::Ed25519)?);
        }
        let host_keys = keys.iter().map(|key| key.public_key().clone()).collect();
        let mut preferred = Preferred::DEFAULT;
        if !options.key_exchanges.is_empty() {
            let named = options.key_exchanges.iter();
            preferred.kex = Cow::Owned(named.filter_map(|name| (*name).try_into().ok()).collect());
        }
        let config = Arc::new(server::Config {
            keys,
            certificates: options.certificates,
            preferred,
            auth_rejection_time: Duration::ZERO,
            ..server::Config::default()
        });
        let shared = Arc::new(Shared {
            root,
            admitted: Mutex::default(),
            log: Mutex::default(),
        });
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).context("no free port")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let _runtime = background::runtime().enter();
        let listener = TcpListener::from_std(listener)?;
        let accepting = tokio::spawn(accept(listener, config, Arc::clone(&shared)));
        Ok(Self {
            address,
            host_keys,
            shared,
            accepting,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `ssh://git@127.0.0.1:PORT/NAME.git`.
    pub fn url(&self, name: &str) -> String {
        format!("ssh://git@{}/{name}.git", self.address)
    }

    /// Lines for a known_hosts file, one per host key.
    ///
    /// # Errors
    /// If a key cannot be written.
    pub fn known_hosts(&self) -> Result<String> {
        let port = self.address.port();
        let line = |key: &PublicKey| Ok(format!("[127.0.0.1]:{port} {}\n", key.to_openssh()?));
        self.host_keys.iter().map(line).collect()
    }

    /// Lets in who has this key.
    pub fn admit(&self, key: &PublicKey) {
        lock(&self.shared.admitted).push(key.key_data().clone());
    }

    /// What clients have done: `auth USER`, `exec COMMAND`.
    pub fn log(&self) -> Vec<String> {
        lock(&self.shared.log).clone()
    }
}

impl Drop for SshServer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// A new private key; RSA keys have 2048 bits.
///
/// # Errors
/// If the system has no randomness, or does not know the algorithm.
pub fn ssh_key_of(algorithm: Algorithm) -> Result<PrivateKey> {
    if matches!(algorithm, Algorithm::Rsa { .. }) {
        return rsa_key();
    }
    Ok(PrivateKey::random(
        &mut russh::keys::key::safe_rng(),
        algorithm,
    )?)
}

/// A private key as OpenSSH keeps it in a file, without a password.
///
/// # Errors
/// If it cannot be written so.
pub fn openssh(key: &PrivateKey) -> Result<Vec<u8>> {
    Ok(key.to_openssh(LineEnding::LF)?.as_bytes().to_vec())
}

/// By aws-lc, as the pure Rust generator takes minutes without optimisation.
fn rsa_key() -> Result<PrivateKey> {
    use rcgen::{KeyPair, PKCS_RSA_SHA256, RsaKeySize};

    let pair = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048)?;
    Ok(russh::keys::decode_secret_key(&pair.serialize_pem(), None)?)
}

async fn accept(listener: TcpListener, config: Arc<server::Config>, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        let handler = Handler {
            shared: Arc::clone(&shared),
            protocol: None,
            input: None,
        };
        let config = Arc::clone(&config);
        tokio::spawn(async move {
            if let Ok(session) = server::run_stream(config, stream, handler).await {
                session.await.ok();
            }
        });
    }
}

struct Handler {
    shared: Arc<Shared>,
    protocol: Option<String>,
    input: Option<tokio::process::ChildStdin>,
}

impl server::Handler for Handler {
    type Error = anyhow::Error;

    async fn auth_publickey(&mut self, user: &str, key: VerifiedPublicKey<'_>) -> Result<Auth> {
        lock(&self.shared.log).push(format!("auth {user}"));
        let admitted = lock(&self.shared.admitted).contains(key.public_key.key_data());
        Ok(if admitted {
            Auth::Accept
        } else {
            Auth::reject()
        })
    }

    async fn channel_open_session(
        &mut self,
        _channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<()> {
        reply.accept().await;
        Ok(())
    }

    async fn env_request(
        &mut self,
        _channel: ChannelId,
        name: &str,
        value: &str,
        _session: &mut Session,
    ) -> Result<()> {
        if name == "GIT_PROTOCOL" {
            self.protocol = Some(value.to_owned());
        }
        Ok(())
    }

    async fn exec_request(
        &mut self,
        channel: ChannelId,
        command: &[u8],
        session: &mut Session,
    ) -> Result<()> {
        let command = String::from_utf8_lossy(command).into_owned();
        lock(&self.shared.log).push(format!("exec {command}"));
        let mut child = self.upload_pack(&command)?;
        self.input = child.stdin.take();
        session.channel_success(channel)?;
        tokio::spawn(answer(session.handle(), channel, child));
        Ok(())
    }

    async fn data(
        &mut self,
        _channel: ChannelId,
        data: &[u8],
        _session: &mut Session,
    ) -> Result<()> {
        if let Some(input) = &mut self.input {
            // A program that has gone does not read: its exit says why.
            input.write_all(data).await.ok();
        }
        Ok(())
    }

    async fn channel_eof(&mut self, _channel: ChannelId, _session: &mut Session) -> Result<()> {
        self.input = None;
        Ok(())
    }
}

impl Handler {
    fn upload_pack(&self, command: &str) -> Result<Child> {
        let path = command
            .strip_prefix("git-upload-pack '/")
            .and_then(|rest| rest.strip_suffix('\''))
            .filter(|path| path.len() <= PATH_BYTES && !path.contains(".."))
            .context("only git-upload-pack is served")?;
        let mut child = Command::new("git");
        child
            .arg("upload-pack")
            .arg(self.shared.root.join(path))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env_remove("GIT_PROTOCOL")
            .envs(self.protocol.iter().map(|value| ("GIT_PROTOCOL", value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        child.spawn().context("cannot run git: is it installed?")
    }
}

/// Sends what the program prints, then how it ended.
async fn answer(handle: server::Handle, channel: ChannelId, mut child: Child) -> Option<()> {
    let mut output = child.stdout.take()?;
    let mut errors = child.stderr.take()?;
    let mut buffer = vec![0; 16 << 10];
    loop {
        let read = output.read(&mut buffer).await.unwrap_or(0);
        if read == 0 {
            break;
        }
        handle.data(channel, buffer[..read].to_vec()).await.ok()?;
    }
    let mut said = Vec::new();
    errors.read_to_end(&mut said).await.ok()?;
    if !said.is_empty() {
        handle.extended_data(channel, 1, said).await.ok()?;
    }
    let status = child.wait().await.ok()?;
    let code = u32::try_from(status.code().unwrap_or(1)).unwrap_or(1);
    handle.exit_status_request(channel, code).await.ok()?;
    handle.eof(channel).await.ok()?;
    handle.close(channel).await.ok()
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
