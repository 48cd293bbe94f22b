//! Putting the controller together from its flags.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use weir_api::meta::controller;
use weir_artifact::{Server, ServerLimits, Storage, StorageError};
use weir_auth::TokenCache;
use weir_git::Git;
use weir_runtime::flags::{CommonFlags, FeatureGates, GateError};
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
    let served = {
        let (stop, serving) = (stop.clone(), serving.clone());
        let (address, root) = (own.storage_addr.clone(), own.storage_path.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = leadership.acquired() => {}
                () = serving.cancelled() => return Ok(()),
            }
            let bound = Server::bind(&address, root, ServerLimits::default()).await;
            match bound {
                Ok(server) => {
                    server.run(serving).await;
                    Ok(())
                }
                Err(source) => {
                    stop.cancel();
                    Err(RunError::Serve { address, source })
                }
            }
        })
    };
    let triggers = Triggers::new().on(kinds.objects.subscribe(), gitrepository::includers);
    let ended = runtime.kind(kinds, triggers).run(stop).await;
    serving.cancel();
    if let Ok(served) = served.await {
        served?;
    }
    Ok(ended?)
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
