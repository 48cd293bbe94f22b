//! What every pass works with: clients, watches, caches, settings.

use std::sync::Arc;
use std::time::Duration;

use kube::Client;
use tokio::sync::Semaphore;
use weir_api::kustomize::v1::Kustomization;
use weir_apply::{Applier, Cluster, GroupKind, Settings};
use weir_artifact::Fetcher;
use weir_runtime::client::impersonate;
use weir_runtime::hub::Store;
use weir_runtime::kind::Chain;

use crate::error::Error;
use crate::plan::identity::{Identity, Rules};
use crate::sources::{Attempts, Sources};
use crate::watch::Objects;

/// Behaviour that flags choose.
#[derive(Debug, Clone)]
pub struct Options {
    /// `--requeue-dependency`.
    pub requeue_dependency: Duration,
    /// Gate `StrictPostBuildSubstitutions`.
    pub strict_substitutions: bool,
    /// Off with gate `DisableFailFastBehavior`.
    pub fail_fast: bool,
    /// Gate `CancelHealthCheckOnNewRevision`.
    pub cancel_health_check_on_new_revision: bool,
    /// `--custom-apply-stage-kinds`.
    pub custom_stage_kinds: Vec<GroupKind>,
    /// Field managers and concurrency of the apply.
    pub apply: Settings,
}

/// What every pass works with.
pub struct Context {
    /// The controller's own client.
    pub client: Client,
    /// What the installation allows.
    pub rules: Rules,
    /// Behaviour that flags choose.
    pub options: Options,
    /// The sources.
    pub sources: Sources,
    /// What the last pass over each Kustomization read of them.
    pub attempts: Arc<Attempts>,
    /// The Kustomizations themselves, as dependencies of each other.
    pub kustomizations: Store<Kustomization>,
    /// Artifacts by digest.
    pub fetcher: Fetcher,
    /// The applied objects.
    pub objects: Objects,
    /// Where builds run.
    pub builds: Builds,
    /// Clients by identity.
    pub identities: Identities,
}

impl Context {
    /// An applier that acts as `object` does and leaves alone what it ignores.
    ///
    /// # Errors
    /// [`Error::Impersonate`]; [`Error::Apply`] for an ignore rule whose target cannot be understood.
    pub fn applier(&self, object: &Kustomization) -> Result<Applier, Error> {
        let cluster = self.identities.cluster(&self.rules.identity(object))?;
        let applier = Applier::new(cluster, self.options.apply.clone());
        let sharing = applier.with_ignore_rules(&object.spec.ignore);
        sharing.map_err(|error| Error::Apply(Chain(&error).to_string()))
    }

    /// The client that acts as `object` does.
    ///
    /// # Errors
    /// [`Error::Impersonate`].
    pub fn client_of(&self, object: &Kustomization) -> Result<Client, Error> {
        self.identities.client(&self.rules.identity(object))
    }
}

/// The cluster as each identity sees it. All share the connections and what is known of the cluster's kinds.
pub struct Identities {
    cluster: Cluster,
}

impl Identities {
    /// Identities behind the controller's own client.
    #[must_use]
    pub fn new(own: Client) -> Self {
        Self {
            cluster: Cluster::new(own),
        }
    }

    /// The client of `identity`.
    ///
    /// # Errors
    /// [`Error::Impersonate`].
    pub fn client(&self, identity: &Identity) -> Result<Client, Error> {
        let own = self.cluster.client();
        match identity.user() {
            None => Ok(own.clone()),
            Some(user) => impersonate(own, &user).ok_or(Error::Impersonate(user)),
        }
    }

    fn cluster(&self, identity: &Identity) -> Result<Cluster, Error> {
        Ok(match identity {
            Identity::Controller => self.cluster.clone(),
            Identity::ServiceAccount(_) => self.cluster.with_client(self.client(identity)?),
        })
    }
}

/// How the controller names itself to the API server.
pub const USER_AGENT: &str = concat!("kustomize-controller/v", env!("CARGO_PKG_VERSION"));

/// Runs builds off the async workers, as many at a time as leave one core to the rest.
#[derive(Debug)]
pub struct Builds {
    slots: Arc<Semaphore>,
}

impl Default for Builds {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            slots: Arc::new(Semaphore::new(cores.saturating_sub(1).max(1))),
        }
    }
}

impl Builds {
    /// Runs `build` when a slot is free.
    ///
    /// # Errors
    /// What `build` returns; a panic in it is a build error, as upstream has it.
    pub async fn run<T: Send + 'static>(
        &self,
        build: impl FnOnce() -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let slot = Arc::clone(&self.slots).acquire_owned().await;
        let slot = slot.map_err(|_| Error::Build("builds have stopped".to_owned()))?;
        let built = tokio::task::spawn_blocking(move || {
            let _slot = slot;
            build()
        });
        built.await.unwrap_or_else(|_| {
            Err(Error::Build(
                "recovered from kustomize build panic".to_owned(),
            ))
        })
    }
}
