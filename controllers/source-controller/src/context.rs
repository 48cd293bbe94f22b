//! What all passes share.

use std::sync::Arc;
use std::time::Duration;

use kube::Client;
use weir_artifact::Storage;
use weir_auth::TokenCache;
use weir_git::Git;
use weir_runtime::metrics::TokenMetrics;

/// The controller's means.
#[derive(Clone)]
pub struct Context {
    /// The API server, with the controller's own rights.
    pub client: Client,
    /// Git operations, bounded in number.
    pub git: Git,
    /// Makes clients for the clouds' own services.
    pub cloud: Git,
    /// Tokens of apps and clouds.
    pub tokens: TokenCache,
    /// What counts them.
    pub token_metrics: TokenMetrics,
    /// The service account of objects that name none; empty is none.
    pub default_service_account: String,
    /// Where artifacts are.
    pub storage: Arc<Storage>,
    /// When to look again for an object that is waited for.
    pub dependency_delay: Duration,
    /// Gate `ObjectLevelWorkloadIdentity`.
    pub object_level_identity: bool,
}

impl std::fmt::Debug for Context {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context")
            .field("storage", &self.storage)
            .finish_non_exhaustive()
    }
}
