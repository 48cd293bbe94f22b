//! What a build fetches from elsewhere: files over http, directories of Git repositories. No program is run, and
//! nothing of the controller's own disk is served.
//!
//! Source: kustomize v5.8 `api/internal/loader/fileloader.go`, `api/internal/git/cloner.go`.

mod repository;

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use file_tree::FileTree;
use kustomize::{Remote, RemoteError, RepoSpec};
use parking_lot::Mutex;
use reqwest::Url;
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout_at};
use weir_api::meta::format_go_duration;
use weir_git::{Git, SshKey, Tls};
use weir_runtime::kind::Chain;

/// Fetches of one build.
const MOST_FETCHES: usize = 100;

/// Bytes of one file.
const FILE_BYTES: usize = 16 << 20;

/// Bytes of all that one build fetches.
const ALL_BYTES: u64 = 256 << 20;

/// How long one file may take.
const FILE_TIMEOUT: Duration = Duration::from_secs(60);

/// Redirects of one file, as Go follows them.
const REDIRECTS: usize = 10;

/// The way to remote bases.
#[derive(Debug, Clone)]
pub struct RemoteBases {
    git: Git,
    /// For repositories over ssh.
    key: Option<SshKey>,
    /// Where fetches run.
    handle: Handle,
}

impl RemoteBases {
    /// Fetches by `git`'s connections, over ssh with `key`. To be made inside of a runtime.
    #[must_use]
    pub fn new(git: Git, key: Option<SshKey>) -> Self {
        Self {
            git,
            key,
            handle: Handle::current(),
        }
    }

    /// For one build that ends within `limit`. What is named twice is fetched once.
    ///
    /// To be used on a thread that may block.
    #[must_use]
    pub fn for_build(&self, limit: Duration) -> Fetching {
        Fetching {
            bases: self.clone(),
            deadline: Instant::now() + limit,
            state: Mutex::default(),
        }
    }
}

/// What one build has fetched.
#[derive(Debug)]
pub struct Fetching {
    bases: RemoteBases,
    deadline: Instant,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    files: HashMap<String, Result<Bytes, RemoteError>>,
    repositories: HashMap<(String, String, bool), Result<FileTree, RemoteError>>,
    fetches: usize,
    bytes: u64,
}

impl State {
    /// Counts a fetch that is about to be made.
    fn admit(&mut self) -> Result<(), RemoteError> {
        self.fetches += 1;
        if self.fetches > MOST_FETCHES {
            return Err(other(format!(
                "more than {MOST_FETCHES} remote resources in one build"
            )));
        }
        Ok(())
    }

    /// Counts what a fetch has brought.
    fn add(&mut self, bytes: u64) -> Result<(), RemoteError> {
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes > ALL_BYTES {
            return Err(other(format!(
                "the remote resources of one build are larger than {ALL_BYTES} bytes"
            )));
        }
        Ok(())
    }
}

fn other(text: impl Into<String>) -> RemoteError {
    RemoteError::Other(text.into())
}

impl Remote for Fetching {
    fn file(&self, url: &str) -> Result<Bytes, RemoteError> {
        let mut state = self.state.lock();
        if let Some(known) = state.files.get(url) {
            return known.clone();
        }
        let fetched = state.admit().and_then(|()| {
            let deadline = self.deadline.min(Instant::now() + FILE_TIMEOUT);
            // A timer is made inside of the runtime.
            let fetch = async { timeout_at(deadline, self.bases.get(url)).await };
            let fetched = self.bases.handle.block_on(fetch);
            let bytes = fetched.unwrap_or_else(|_| {
                Err(other(format!("Get \"{url}\": context deadline exceeded")))
            })?;
            state.add(bytes.len() as u64)?;
            Ok(bytes)
        });
        state.files.insert(url.to_owned(), fetched.clone());
        fetched
    }

    fn repository(&self, spec: &RepoSpec) -> Result<FileTree, RemoteError> {
        let key = (spec.clone_url(), spec.reference.clone(), spec.submodules);
        let mut state = self.state.lock();
        if let Some(known) = state.repositories.get(&key) {
            return known.clone();
        }
        let fetched = state.admit().and_then(|()| {
            let left = self.deadline.saturating_duration_since(Instant::now());
            let limit = spec.timeout.min(left);
            let job = repository::Job {
                url: spec.clone_url(),
                reference: spec.reference.clone(),
                submodules: spec.submodules,
                key: self.bases.key.clone(),
                bytes: ALL_BYTES - state.bytes,
            };
            let fetched = self
                .bases
                .git
                .run(limit, move |session| repository::fetch(&job, session));
            let tree = self.bases.handle.block_on(fetched).map_err(|failed| {
                if failed.timed_out() {
                    let (url, reference) = (&key.0, &key.1);
                    let reference = if reference.is_empty() {
                        "HEAD"
                    } else {
                        reference
                    };
                    let limit = format_go_duration(limit);
                    return other(format!(
                        "hit {limit} timeout running 'git fetch --depth=1 {url} {reference}'"
                    ));
                }
                other(Chain(&failed).to_string())
            })?;
            state.add(tree.bytes())?;
            Ok(tree)
        });
        state.repositories.insert(key, fetched.clone());
        fetched
    }
}

/// Names of private keys in a home, the preferred ones first.
const KEYS: [&str; 4] = ["identity", "id_ed25519", "id_ecdsa", "id_rsa"];

/// The key of the controller's own account, with the servers that it knows, if its home has both.
#[must_use]
pub fn mounted_key() -> Option<SshKey> {
    let folder = Path::new(&std::env::var_os("HOME")?).join(".ssh");
    let read = |name: &str| fs::read(folder.join(name)).ok();
    Some(SshKey {
        identity: KEYS.iter().find_map(|name| read(name))?,
        password: None,
        known_hosts: read("known_hosts")?,
    })
}

impl RemoteBases {
    /// The body at `url`, redirects followed.
    async fn get(&self, url: &str) -> Result<Bytes, RemoteError> {
        let failed = |why: &dyn std::fmt::Display| other(format!("Get \"{url}\": {why}"));
        let mut next = Url::parse(url).map_err(|error| failed(&error))?;
        for _ in 0..=REDIRECTS {
            let client = self.git.client(next.as_str(), &Tls::default(), None);
            let client = client.map_err(|error| failed(&error))?;
            let sent = client.get(next.clone()).send().await;
            let mut response = sent.map_err(|error| failed(&Chain(&error.without_url())))?;
            let status = response.status();
            if status.is_redirection()
                && let Some(location) = response.headers().get("location")
            {
                let location = location.to_str().map_err(|error| failed(&error))?;
                next = next.join(location).map_err(|error| failed(&error))?;
                if !matches!(next.scheme(), "http" | "https") {
                    let scheme = next.scheme();
                    return Err(failed(&format!("unsupported protocol scheme \"{scheme}\"")));
                }
                continue;
            }
            if !status.is_success() {
                let words = status.canonical_reason().unwrap_or_default();
                return Err(RemoteError::Status(status.as_u16(), words.to_owned()));
            }
            let mut body = Vec::new();
            while let Some(chunk) = response
                .chunk()
                .await
                .map_err(|error| failed(&Chain(&error.without_url())))?
            {
                if body.len() + chunk.len() > FILE_BYTES {
                    return Err(failed(&format!("more than {FILE_BYTES} bytes")));
                }
                body.extend_from_slice(&chunk);
            }
            return Ok(body.into());
        }
        Err(failed(&format!("stopped after {REDIRECTS} redirects")))
    }
}

#[cfg(test)]
mod tests;
