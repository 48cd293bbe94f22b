//! Putting the controller together from its flags.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use weir_api::meta::controller;
use weir_artifact::{ArtifactKey, KeyError, Server, ServerLimits, Storage, StorageError};
use weir_auth::TokenCache;
use weir_git::Git;
use weir_runtime::flags::{CommonFlags, FeatureGates, GateError};
use weir_runtime::lease::Leadership;
use weir_runtime::runtime::{Host, Runtime, RuntimeError, RuntimeOptions};
use weir_runtime::triggers::Triggers;

use crate::context::Context;
use crate::flags::{self, OBJECT_LEVEL_WORKLOAD_IDENTITY, SourceFlags};
use crate::gitrepository::{self, Git as GitSource};
use crate::reconcile::Sources;

/// How the controller names itself to the API server.
pub const USER_AGENT: &str = concat!("source-controller/v", env!("CARGO_PKG_VERSION"));
/// Upstream's default of `--concurrent`.
const CONCURRENT: usize = 2;

/// Why the controller cannot run, or ended.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// `--feature-gates` is wrong.
    #[error("unable to load feature gates")]
    Gates(#[from] GateError),
    /// A flag needs a gate that is off.
    #[error("--default-service-account requires the ObjectLevelWorkloadIdentity feature gate")]
    DefaultServiceAccount,
    /// The folder for artifacts cannot be used.
    #[error("unable to initialise storage")]
    Storage(#[from] StorageError),
    /// `--artifact-key-file` is of no use.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The artifact server's address cannot be had.
    #[error("unable to serve artifacts on {address}")]
    Serve {
        /// The address.
        address: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The shell ended.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
}

/// Runs the controller on `host` until `stop`.
///
/// Artifacts are served only while this process leads, so that a standby is never ready.
///
/// # Errors
/// If the flags make no sense, storage or server cannot be had, or the lease was lost.
pub async fn run(
    host: &Host,
    common: &CommonFlags,
    own: &SourceFlags,
    stop: CancellationToken,
) -> Result<(), RunError> {
    let gates = flags::gates(common)?;
    let identity = gates.is_on(OBJECT_LEVEL_WORKLOAD_IDENTITY);
    if !common.default_service_account.is_empty() && !identity {
        return Err(RunError::DefaultServiceAccount);
    }
    tell_idle_flags(common, own, &gates);
    let options = RuntimeOptions::new(controller::SOURCE, common, CONCURRENT);
    let storage = Storage::open(
        &own.storage_path,
        own.advertised_host(host.instance()),
        own.artifact_digest_algo,
        own.retention(),
    )?
    .with_limits(flags::limits(common));
    let key = common.artifacts.key_file.as_deref();
    let key = key.map(ArtifactKey::read).transpose()?;
    let advertised = storage.url("");
    let context = Arc::new(Context {
        client: host.client().clone(),
        git: own.git(options.concurrent),
        cloud: Git::new(1),
        tokens: TokenCache::new(
            common.token_cache_max_size as usize,
            common.token_cache_max_duration,
        )
        .watched(Arc::new(host.metrics().tokens().clone())),
        token_metrics: host.metrics().tokens().clone(),
        default_service_account: common.default_service_account.clone(),
        storage: Arc::new(storage),
        dependency_delay: common.requeue_dependency,
        object_level_identity: identity,
    });
    let runtime = Runtime::new(host, options)?;
    let leadership = runtime.leadership().clone();
    let kinds = Sources {
        context: Arc::clone(&context),
        source: GitSource,
        objects: host.hub().store_matching(&common.watch_label_selector),
    };
    let serving = CancellationToken::new();
    let door = Door {
        address: own.storage_addr.clone(),
        root: own.storage_path.clone(),
        key: key.map(|key| (key, advertised)),
    };
    let served = tokio::spawn(door.open(leadership, serving.clone(), stop.clone()));
    let triggers = Triggers::new().on(kinds.objects.subscribe(), gitrepository::includers);
    let ended = runtime.kind(kinds, triggers).run(stop).await;
    serving.cancel();
    if let Ok(served) = served.await {
        served?;
    }
    Ok(ended?)
}

/// Where artifacts are served, and to whom.
struct Door {
    address: String,
    root: String,
    /// The key to sign with, and the URL that artifacts have.
    key: Option<(ArtifactKey, String)>,
}

impl Door {
    /// Serves until `serving` ends, from when this process leads; ends the process by `stop` if it cannot.
    async fn open(
        self,
        leadership: Leadership,
        serving: CancellationToken,
        stop: CancellationToken,
    ) -> Result<(), RunError> {
        tokio::select! {
            () = leadership.acquired() => {}
            () = serving.cancelled() => return Ok(()),
        }
        let address = self.address;
        let bound = Server::bind(&address, self.root, ServerLimits::default()).await;
        let mut server = bound.map_err(|source| {
            stop.cancel();
            RunError::Serve { address, source }
        })?;
        if let Some((key, url)) = self.key {
            server = server.with_key(key, &url);
        }
        server.run(serving).await;
        Ok(())
    }
}

fn tell_idle_flags(common: &CommonFlags, own: &SourceFlags, gates: &FeatureGates) {
    let idle = own.without_effect(common, gates);
    if !idle.is_empty() {
        tracing::info!(
            flags = idle.join(", "),
            "flags are accepted and not effective in this version"
        );
    }
}
