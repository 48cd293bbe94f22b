//! A proxy in front of an API server: it records what passes, and has a test decide what becomes of it.
//!
//! It speaks plain HTTP to its clients, so that every request can be read, and what the kubeconfig holds to the
//! server. Requests of a client that is gone are dropped with the proxy: one proxy per life of a client.

mod asked;
mod forward;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use kube::config::Kubeconfig;
use tempfile::TempDir;

use crate::http_server::Server;
use crate::{ControlPlane, layout};

pub use asked::{ApiRecord, ApiRequest};

/// Something that is done at a moment which only the proxy knows.
pub type Hook = Arc<dyn Fn() + Send + Sync>;

/// What becomes of a request.
#[derive(Clone)]
pub enum Fate {
    /// It passes.
    Pass,
    /// It never reaches the server, and the connection ends.
    Drop,
    /// It reaches the server; then this is done, and the connection ends without the answer.
    LoseAnswer(Hook),
    /// It passes after a while.
    Delay(Duration),
    /// It is refused with this status, and these seconds in `Retry-After`.
    Refuse(u16, Option<u64>),
    /// Nobody ever answers.
    Hang,
    /// A watch: it is told that its version has expired.
    Expire,
    /// A watch: it ends after a while, in the middle of whatever it says.
    CutAfter(Duration),
    /// A watch: it begins and is silent for ever.
    Silence,
    /// A list: it is read as of this version. A watch is silent, one that would begin with a list is refused.
    AsOf(u64),
}

impl fmt::Debug for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Pass => "Pass",
            Self::Drop => "Drop",
            Self::LoseAnswer(_) => "LoseAnswer",
            Self::Delay(_) => "Delay",
            Self::Refuse(..) => "Refuse",
            Self::Hang => "Hang",
            Self::Expire => "Expire",
            Self::CutAfter(_) => "CutAfter",
            Self::Silence => "Silence",
            Self::AsOf(_) => "AsOf",
        };
        f.write_str(name)
    }
}

type Policy = Arc<dyn Fn(&ApiRequest) -> Fate + Send + Sync>;

/// Whether this line of this watch is lost.
type Loss = Arc<dyn Fn(&ApiRequest, &str) -> bool + Send + Sync>;

/// What the requests share.
struct Shared {
    client: reqwest::Client,
    upstream: Mutex<String>,
    policy: Mutex<Policy>,
    loss: Mutex<Loss>,
    /// How often all watches that were open fell silent.
    silences: AtomicU64,
    log: Mutex<Vec<ApiRecord>>,
}

/// A running proxy. Dropping it closes every connection.
pub struct ApiProxy {
    server: Server,
    shared: Arc<Shared>,
    kubeconfig: PathBuf,
    _folder: TempDir,
}

impl fmt::Debug for ApiProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiProxy")
            .field("server", &self.server)
            .finish_non_exhaustive()
    }
}

impl ApiProxy {
    /// A proxy in front of the plane's API server that lets everything pass.
    ///
    /// # Errors
    /// If the administrator's kubeconfig cannot be read, or there is no port.
    pub fn start(plane: &ControlPlane) -> Result<Self> {
        let mut kubeconfig = Kubeconfig::read_from(plane.kubeconfig())?;
        let cluster = kubeconfig.clusters.first_mut();
        let cluster = cluster.and_then(|named| named.cluster.as_mut());
        let cluster = cluster.context("the kubeconfig has a cluster")?;
        let shared = Arc::new(Shared {
            client: forward::client(cluster)?,
            upstream: Mutex::new(plane.url().to_owned()),
            policy: Mutex::new(Arc::new(|_: &ApiRequest| Fate::Pass)),
            loss: Mutex::new(Arc::new(|_: &ApiRequest, _: &str| false)),
            silences: AtomicU64::new(0),
            log: Mutex::default(),
        });
        let each = Arc::clone(&shared);
        let server = Server::start(None, move |request| {
            let shared = Arc::clone(&each);
            async move { forward::answer(&shared, request).await }
        })?;
        cluster.server = Some(server.url());
        cluster.certificate_authority_data = None;
        let folder = layout::scratch("api-proxy")?;
        let path = folder.path().join("kubeconfig");
        std::fs::write(&path, serde_json::to_vec(&kubeconfig)?)?;
        Ok(Self {
            server,
            shared,
            kubeconfig: path,
            _folder: folder,
        })
    }

    /// A kubeconfig file of an administrator who goes through the proxy.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// From now on `policy` says what becomes of a request. It is asked once for each, in the order of arrival.
    pub fn rule(&self, policy: impl Fn(&ApiRequest) -> Fate + Send + Sync + 'static) {
        *lock(&self.shared.policy) = Arc::new(policy);
    }

    /// From now on everything passes, but for watches that are silent already.
    pub fn pass_all(&self) {
        self.rule(|_| Fate::Pass);
        self.lose(|_, _| false);
    }

    /// From now on lines of watches, those that are open too, are lost where `loss` says so: an event, as JSON.
    pub fn lose(&self, loss: impl Fn(&ApiRequest, &str) -> bool + Send + Sync + 'static) {
        *lock(&self.shared.loss) = Arc::new(loss);
    }

    /// Every watch that is open now is silent from now on, and its connection stays open.
    pub fn silence_open_watches(&self) {
        self.shared.silences.fetch_add(1, Ordering::SeqCst);
    }

    /// From now on requests go to the server at `url`; those under way end where they are.
    pub fn lead_to(&self, url: &str) {
        url.clone_into(&mut lock(&self.shared.upstream));
    }

    /// What was asked so far, in the order of arrival.
    pub fn log(&self) -> Vec<ApiRecord> {
        lock(&self.shared.log).clone()
    }

    /// Forgets what was asked so far.
    pub fn clear(&self) {
        lock(&self.shared.log).clear();
    }
}

impl Shared {
    /// Asks the policy, and begins a record.
    fn judge(&self, asked: &ApiRequest) -> (usize, Fate) {
        let mut log = lock(&self.log);
        let policy = Arc::clone(&lock(&self.policy));
        let fate = policy(asked);
        log.push(ApiRecord::begun(asked.clone(), format!("{fate:?}")));
        (log.len() - 1, fate)
    }

    fn loses(&self, asked: &ApiRequest, line: &str) -> bool {
        let loss = Arc::clone(&lock(&self.loss));
        loss(asked, line)
    }

    fn answered(&self, number: usize, status: u16) {
        // It may have been forgotten meanwhile.
        if let Some(record) = lock(&self.log).get_mut(number) {
            record.status = Some(status);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
