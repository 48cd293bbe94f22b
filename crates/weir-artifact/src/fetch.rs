//! The consumer's side: from an artifact's URL and digest to its files.

use std::collections::HashMap;
use std::io::{BufReader, Seek, Write};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use file_tree::FileTree;
use futures::FutureExt;
use futures::future::{BoxFuture, Shared, WeakShared};
use parking_lot::Mutex;
use reqwest::header::AUTHORIZATION;
use reqwest::{StatusCode, Url};
use tokio::sync::Semaphore;
use weir_auth::certificate_fault;

use crate::cache::Cache;
use crate::digest::{Algorithm, Digest, DigestError, Hasher};
use crate::key::{self, ArtifactKey};
use crate::storage::ArtifactLimits;
use crate::unpack::{UnpackError, unpack};

/// Bodies up to this size stay in memory, larger ones go to a temporary file.
const SPOOL_BYTES: usize = 8 << 20;
/// Bound on connecting, and on every pause in a body.
const IDLE: Duration = Duration::from_secs(30);
/// Bound on one attempt.
const ATTEMPT: Duration = Duration::from_secs(600);

/// Settings of a [`Fetcher`].
#[derive(Debug, Clone)]
pub struct FetchOptions {
    /// How often a failed request is repeated (`--http-retry`).
    pub retries: u32,
    /// The first pause between attempts; it doubles up to [`FetchOptions::max_wait`].
    pub min_wait: Duration,
    /// The longest pause between attempts.
    pub max_wait: Duration,
    /// Bounds on the body and on the unpacked tree.
    pub limits: ArtifactLimits,
    /// What requests are signed with (`--artifact-key-file`).
    pub key: Option<ArtifactKey>,
    /// Bytes of unpacked trees that are kept for later calls.
    pub cache_bytes: u64,
    /// Replaces the host (and port) of every URL: env `SOURCE_CONTROLLER_LOCALHOST`.
    pub host: Option<String>,
    /// The same for URLs of source-watcher: env `SOURCE_WATCHER_LOCALHOST`.
    pub watcher_host: Option<String>,
}

impl Default for FetchOptions {
    fn default() -> Self {
        Self {
            retries: 9,
            min_wait: Duration::from_secs(5),
            max_wait: Duration::from_secs(30),
            limits: ArtifactLimits::default(),
            key: None,
            cache_bytes: 256 << 20,
            host: None,
            watcher_host: None,
        }
    }
}

impl FetchOptions {
    /// The defaults, with the hosts that the environment names.
    #[must_use]
    pub fn from_env() -> Self {
        let host = |name| std::env::var(name).ok().filter(|host| !host.is_empty());
        Self {
            host: host("SOURCE_CONTROLLER_LOCALHOST"),
            watcher_host: host("SOURCE_WATCHER_LOCALHOST"),
            ..Self::default()
        }
    }
}

/// Why an artifact could not be had. Cheap to clone: concurrent callers share it.
///
/// Source: fluxcd/pkg `http/fetch/archive_fetcher.go`.
#[derive(Debug, Clone, thiserror::Error)]
pub enum FetchError {
    /// The server answered 404: the artifact is not there (any more).
    #[error("file not found")]
    NotFound,
    /// The URL is none.
    #[error("failed to create a new request")]
    Request(#[source] Arc<dyn std::error::Error + Send + Sync>),
    /// No attempt got an answer.
    #[error("failed to download archive: GET {url} giving up after {attempts} attempt(s)")]
    Download {
        /// The URL, without its password.
        url: String,
        /// How many attempts were made.
        attempts: u32,
        /// What went wrong in the last one, unless it was a server error.
        #[source]
        source: Option<Arc<Unanswered>>,
    },
    /// The server answered something else than 200.
    #[error("failed to download archive from {url} (status: {status})")]
    Status {
        /// The URL, without its password.
        url: String,
        /// The answer.
        status: StatusCode,
    },
    /// The body is larger than [`ArtifactLimits::size`].
    #[error("artifact is greater than the max download size of {0} bytes")]
    TooLarge(u64),
    /// The body could not be written to its temporary file.
    #[error("failed to copy temp contents")]
    Spool(#[source] Arc<std::io::Error>),
    /// The digest is unusable or not that of the body.
    #[error("failed to verify archive")]
    Verify(#[source] VerifyError),
    /// The body has the right digest, but is no acceptable archive.
    #[error("failed to extract archive (check whether file size exceeds max download size)")]
    Extract(#[source] Arc<UnpackError>),
    /// The process is shutting down.
    #[error("fetch was interrupted")]
    Interrupted,
}

/// Why a request had no answer, or no whole one.
#[derive(Debug, thiserror::Error)]
pub enum Unanswered {
    /// The server's certificate is not believed. Trying again changes nothing of that.
    #[error("Get \"{url}\": {fault}")]
    Certificate {
        /// The URL, without its password.
        url: String,
        /// What is wrong with the certificate.
        fault: String,
    },
    /// Anything else.
    #[error(transparent)]
    Http(reqwest::Error),
}

/// Why a body was not accepted under its digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// No digest was given.
    #[error("empty digest")]
    Empty,
    /// The digest is malformed, or of an algorithm that is not accepted.
    #[error("failed to parse digest '{digest}'")]
    Parse {
        /// The digest as given.
        digest: String,
        /// What is wrong with it.
        #[source]
        source: DigestError,
    },
    /// The body has another digest.
    #[error(
        "computed digest doesn't match provided '{0}' (check whether file size exceeds max download size)"
    )]
    Mismatch(String),
}

type Fetched = Result<Arc<FileTree>, FetchError>;
type Download = Shared<BoxFuture<'static, Fetched>>;
type Key = (String, String);

/// Downloads artifacts, verifies them and unpacks them in memory. One per process.
///
/// Callers that ask for the same artifact at the same time share one download, which lives as long as
/// one of them still waits. Results are kept by digest, bounded in bytes.
#[derive(Debug, Clone)]
pub struct Fetcher {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    client: reqwest::Client,
    options: FetchOptions,
    cache: Mutex<Cache>,
    downloads: Mutex<HashMap<Key, WeakShared<BoxFuture<'static, Fetched>>>>,
    unpacking: Arc<Semaphore>,
}

impl Fetcher {
    /// A fetcher with an empty cache.
    ///
    /// # Errors
    /// If the HTTP client cannot be set up.
    pub fn new(options: FetchOptions) -> Result<Self, FetchError> {
        let client = reqwest::Client::builder()
            .connect_timeout(IDLE)
            .read_timeout(IDLE)
            .timeout(ATTEMPT)
            .no_gzip()
            .build()
            .map_err(|error| FetchError::Request(Arc::new(error)))?;
        let parallel = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Self {
            inner: Arc::new(Inner {
                client,
                cache: Mutex::new(Cache::new(options.cache_bytes)),
                options,
                downloads: Mutex::default(),
                unpacking: Arc::new(Semaphore::new(parallel)),
            }),
        })
    }

    /// The files of the artifact at `url`, whose bytes have `digest` (sha256 where it names no algorithm).
    ///
    /// Safe to cancel: drop the future, and the download ends with its last caller.
    ///
    /// # Errors
    /// [`FetchError::NotFound`] for HTTP 404 at once; everything else after the configured retries.
    pub async fn fetch(&self, url: &str, digest: &str) -> Fetched {
        let digest = parse_digest(digest).map_err(FetchError::Verify)?;
        let name = digest.to_string();
        if let Some(tree) = self.inner.cache.lock().get(&name) {
            return Ok(tree);
        }
        self.download(url, digest, name).await
    }

    fn download(&self, url: &str, digest: Digest, name: String) -> Download {
        let mut downloads = self.inner.downloads.lock();
        downloads.retain(|_, download| download.upgrade().is_some());
        let key = (url.to_owned(), name);
        if let Some(download) = downloads.get(&key).and_then(WeakShared::upgrade) {
            return download;
        }
        let inner = Arc::clone(&self.inner);
        let url = url.to_owned();
        let download = async move { inner.run(&url, &digest).await }
            .boxed()
            .shared();
        if let Some(weak) = download.downgrade() {
            downloads.insert(key, weak);
        }
        download
    }
}

impl Inner {
    async fn run(&self, url: &str, digest: &Digest) -> Fetched {
        let (url, server) = self.target(url)?;
        let body = self.attempt_all(&url, &server, digest).await?;
        let permit = Arc::clone(&self.unpacking).acquire_owned().await;
        let limits = self.options.limits.tree;
        let unpacked = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            unpack(BufReader::with_capacity(1 << 16, body), limits)
        });
        let tree = unpacked
            .await
            .map_err(|_| FetchError::Interrupted)?
            .map_err(|error| FetchError::Extract(Arc::new(error)))?;
        let tree = Arc::new(tree);
        let kept = Arc::clone(&tree);
        self.cache.lock().insert(digest.to_string(), kept);
        Ok(tree)
    }

    /// The URL with the host that the environment wants, and the server that it named before.
    fn target(&self, url: &str) -> Result<(Url, String), FetchError> {
        let mut url = Url::parse(url).map_err(|error| FetchError::Request(Arc::new(error)))?;
        let server = key::authority(&url);
        let of_watcher = url
            .host_str()
            .is_some_and(|host| host.split('.').next() == Some("source-watcher"));
        let host = if of_watcher {
            &self.options.watcher_host
        } else {
            &self.options.host
        };
        if let Some(host) = host {
            let replaced = format!("{}://{host}{}", url.scheme(), path_and_query(&url));
            url = Url::parse(&replaced).map_err(|error| FetchError::Request(Arc::new(error)))?;
        }
        Ok((url, server))
    }

    async fn attempt_all(
        &self,
        url: &Url,
        server: &str,
        digest: &Digest,
    ) -> Result<tempfile::SpooledTempFile, FetchError> {
        let mut wait = self.options.min_wait;
        let mut attempt = 1;
        loop {
            match self.attempt(url, server, digest).await {
                Ok(body) => return Ok(body),
                Err(Attempt::Final(error)) => return Err(error),
                Err(Attempt::Again(source))
                    if attempt > self.options.retries || is_for_good(source.as_deref()) =>
                {
                    return Err(FetchError::Download {
                        url: shown(url),
                        attempts: attempt,
                        source,
                    });
                }
                Err(Attempt::Again(_)) => {}
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(self.options.max_wait);
            attempt += 1;
        }
    }

    async fn attempt(
        &self,
        url: &Url,
        server: &str,
        digest: &Digest,
    ) -> Result<tempfile::SpooledTempFile, Attempt> {
        let mut request = self.client.get(url.clone());
        if let Some(key) = &self.options.key {
            let signature = key.sign(server, url.path(), SystemTime::now());
            request = request.header(AUTHORIZATION, signature);
        }
        let mut response = request.send().await?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => return Err(FetchError::NotFound.into()),
            StatusCode::TOO_MANY_REQUESTS => return Err(Attempt::Again(None)),
            status if status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED => {
                return Err(Attempt::Again(None));
            }
            status => {
                let url = shown(url);
                return Err(FetchError::Status { url, status }.into());
            }
        }
        let max = self.options.limits.size;
        let mut left = max;
        let mut hasher = Hasher::new(digest.algorithm());
        let mut body = tempfile::spooled_tempfile(SPOOL_BYTES);
        while let Some(chunk) = response.chunk().await? {
            left = left
                .checked_sub(chunk.len() as u64)
                .ok_or(FetchError::TooLarge(max))?;
            hasher.update(&chunk);
            body.write_all(&chunk).map_err(spool)?;
        }
        if hasher.finish() != *digest {
            return Err(FetchError::Verify(VerifyError::Mismatch(digest.to_string())).into());
        }
        body.rewind().map_err(spool)?;
        Ok(body)
    }
}

/// How one attempt failed.
enum Attempt {
    /// Worth another one.
    Again(Option<Arc<Unanswered>>),
    /// For good.
    Final(FetchError),
}

impl From<FetchError> for Attempt {
    fn from(error: FetchError) -> Self {
        Self::Final(error)
    }
}

impl From<reqwest::Error> for Attempt {
    fn from(error: reqwest::Error) -> Self {
        let url = error.url().cloned();
        let error = error.without_url();
        if error.is_builder() {
            return Self::Final(FetchError::Request(Arc::new(error)));
        }
        let certificate = url.and_then(|url| {
            let fault = certificate_fault(&error, url.host_str().unwrap_or_default())?;
            let url = shown(&url);
            Some(Unanswered::Certificate { url, fault })
        });
        Self::Again(Some(Arc::new(
            certificate.unwrap_or(Unanswered::Http(error)),
        )))
    }
}

/// Whether the next attempt would fail as this one did.
fn is_for_good(error: Option<&Unanswered>) -> bool {
    matches!(error, Some(Unanswered::Certificate { .. }))
}

fn spool(error: std::io::Error) -> FetchError {
    FetchError::Spool(Arc::new(error))
}

fn path_and_query(url: &Url) -> String {
    url.query().map_or_else(
        || url.path().to_owned(),
        |query| format!("{}?{query}", url.path()),
    )
}

fn shown(url: &Url) -> String {
    let mut url = url.clone();
    if url.password().is_some() {
        // Cannot fail: a URL with a password has a host.
        url.set_password(Some("xxxxx")).ok();
    }
    url.into()
}

fn parse_digest(digest: &str) -> Result<Digest, VerifyError> {
    if digest.is_empty() {
        return Err(VerifyError::Empty);
    }
    let digest = if digest.contains(':') {
        digest.to_owned()
    } else {
        format!("sha256:{digest}")
    };
    let parsed = digest
        .parse::<Digest>()
        .and_then(|parsed| match parsed.algorithm() {
            Algorithm::Sha1 => Err(DigestError::Unsupported),
            _ => Ok(parsed),
        });
    parsed.map_err(|source| VerifyError::Parse { digest, source })
}

#[cfg(test)]
mod tests;
