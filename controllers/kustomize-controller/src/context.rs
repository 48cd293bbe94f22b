//! What every pass works with: clients, watches, caches, settings.

use std::sync::Arc;
use std::time::Duration;

use kube::Client;
use weir_api::kustomize::v1::Kustomization;
use weir_apply::{Applier, GroupKind, Settings};
use weir_artifact::Fetcher;
use weir_runtime::hub::Store;
use weir_runtime::kind::Chain;

use crate::builds::Builds;
use crate::error::Error;
use crate::finalize::Accounts;
use crate::observe::health::Unfinished;
use crate::observe::keys::Installation;
use crate::plan::identity::Rules;
use crate::remote_bases::RemoteBases;
use crate::sources::{Attempts, Sources};
use crate::target::{Target, Targets};
use crate::watch::Kept;

/// Behaviour that flags choose.
#[derive(Debug, Clone)]
pub struct Options {
    /// `--requeue-dependency`.
    pub requeue_dependency: Duration,
    /// Gate `StrictPostBuildSubstitutions`.
    pub strict_substitutions: bool,
    /// Off with gate `DisableFailFastBehavior`.
    pub fail_fast: bool,
    /// Gate `ObjectLevelWorkloadIdentity`.
    pub workload_identity: bool,
    /// Gate `AdditiveCELDependencyCheck`.
    pub additive_dependency_check: bool,
    /// Gate `CancelHealthCheckOnNewRevision`.
    pub cancel_health_check_on_new_revision: bool,
    /// Gate `GroupChangeLog`.
    pub group_change_log: bool,
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
    /// What each Kustomization keeps in its inventory.
    pub kept: Arc<Kept>,
    /// Health checks that newer work has ended before they were over.
    pub unfinished: Unfinished,
    /// What the installation decrypts with.
    pub decryption: Installation,
    /// Accounts that were just seen.
    pub accounts: Accounts,
    /// Where builds run.
    pub builds: Builds,
    /// How builds reach remote bases; none where they are refused.
    pub remote_bases: Option<RemoteBases>,
    /// Clusters by kubeconfig and identity, with their applied objects.
    pub targets: Targets,
}

impl Context {
    /// Where the objects of `object` belong, seen by the identity that it acts as.
    ///
    /// # Errors
    /// [`Error::Client`], [`Error::Impersonate`].
    pub async fn target(&self, object: &Kustomization) -> Result<Target, Error> {
        self.targets.of(object, &self.rules.identity(object)).await
    }

    /// An applier that leaves alone what `object` ignores.
    ///
    /// # Errors
    /// [`Error::Apply`] for an ignore rule whose target cannot be understood.
    pub fn applier(&self, target: &Target, object: &Kustomization) -> Result<Applier, Error> {
        let applier = Applier::new(target.cluster.clone(), self.options.apply.clone());
        let sharing = applier.with_ignore_rules(&object.spec.ignore);
        sharing.map_err(|error| Error::Apply(Chain(&error).to_string()))
    }
}

/// How the controller names itself to the API server.
pub const USER_AGENT: &str = concat!("kustomize-controller/v", env!("CARGO_PKG_VERSION"));
