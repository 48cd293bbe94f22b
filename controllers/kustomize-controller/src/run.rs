//! Putting the controller together from its flags.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use weir_api::kustomize::v1::{Kustomization, SourceKind};
use weir_api::meta::controller;
use weir_apply::{FieldManagers, GroupKind, Settings};
use weir_artifact::{ArtifactKey, ArtifactLimits, FetchError, FetchOptions, Fetcher, KeyError};
use weir_auth::{Access, Environment, TokenCache};
use weir_runtime::flags::{CommonFlags, FeatureGates, GateError, runtime_namespace};
use weir_runtime::hub::{Hub, Store};
use weir_runtime::kind::Key;
use weir_runtime::kubeconfig::Allow;
use weir_runtime::metrics::Metrics;
use weir_runtime::runtime::{Host, Runtime, RuntimeError, RuntimeOptions};
use weir_runtime::service_accounts::ServiceAccounts;
use weir_runtime::triggers::Waker;

use crate::builds::Builds;
use crate::configs::Configs;
use crate::context::{Context, Options};
use crate::finalize::Accounts;
use crate::flags::{self, KustomizeFlags};
use crate::heal::{Healer, Owners};
use crate::kustomization::KustomizationKind;
use crate::observe::health::Unfinished;
use crate::observe::keys::{Installation, Settings as DecryptionSettings};
use crate::plan::identity::Rules;
use crate::sources::{Attempts, Sources};
use crate::target::{self, Clouds, Home, Homes, Targets, Watcher};
use crate::triggers;
use crate::watch::{Drift, Kept, Ledger, Objects};

/// Upstream's default of `--concurrent`.
const CONCURRENT: usize = 4;

/// Why the controller cannot run, or ended.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// `--feature-gates` is wrong.
    #[error("unable to load feature gates")]
    Gates(#[from] GateError),
    /// `--custom-apply-stage-kinds` is wrong.
    #[error("invalid kind '{0}' in --custom-apply-stage-kinds, must be group/Kind")]
    StageKind(String),
    /// Default service accounts are named, and the gate does not let objects use them.
    #[error(
        "cannot set default service accounts when the feature gate ObjectLevelWorkloadIdentity is not enabled"
    )]
    Accounts,
    /// The HTTP client for key services cannot be made.
    #[error("unable to set up the client for key services")]
    KeyServices(#[from] reqwest::Error),
    /// The HTTP client cannot be made.
    #[error("unable to set up the artifact fetcher")]
    Fetcher(#[from] FetchError),
    /// `--artifact-key-file` is of no use.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The shell ended.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
}

/// Runs the controller on `host` until `stop`.
///
/// # Errors
/// If the flags make no sense, or the lease was lost.
pub async fn run(
    host: &Host,
    common: &CommonFlags,
    own: &KustomizeFlags,
    stop: CancellationToken,
) -> Result<(), RunError> {
    let gates = flags::gates(common)?;
    tell_of_idle(common, &gates);
    let kustomizations: Store<Kustomization> =
        host.hub().store_matching(&common.watch_label_selector);
    let sources = Sources::watch(
        host.hub(),
        &source_kinds(&gates),
        gates.is_on(flags::DIRECT_SOURCE_FETCH),
    );
    let attempts = Arc::new(Attempts::default());
    let triggers = triggers::triggers(&sources, &kustomizations, &attempts);
    let configs = (!gates.is_on(flags::DISABLE_CONFIG_WATCHERS))
        .then(|| Configs::watch(host.hub(), &common.watch_configs_label_selector));
    let triggers = match &configs {
        Some(configs) => configs.wake_users(triggers),
        None => triggers,
    };
    let (triggers, waker) = triggers.waker();
    let kept = Arc::new(Kept::default());
    let homes = Homes::default();
    let options = options(common, own, &gates)?;
    let owners = Owners::new(kustomizations.clone(), Arc::clone(&kept), homes.clone());
    let watcher = watcher(owners, waker, &options.apply, own.detect_drift);
    let allow = Allow {
        exec: own.insecure_kubeconfig_exec,
        insecure_tls: own.insecure_kubeconfig_tls,
    };
    let runtime = Runtime::new(
        host,
        RuntimeOptions::new(controller::KUSTOMIZE, common, CONCURRENT),
    )?;
    let context = Context {
        client: host.client().clone(),
        rules: Rules {
            no_cross_namespace_refs: own.no_cross_namespace_refs,
            default_service_account: common.default_service_account.clone(),
            external_artifacts: gates.is_on(flags::EXTERNAL_ARTIFACT),
        },
        options,
        sources,
        attempts,
        kustomizations,
        fetcher: fetcher(common, own)?,
        kept,
        unfinished: Unfinished::default(),
        decryption: installation(host.metrics(), common, own, &gates)?,
        accounts: Accounts::default(),
        builds: Builds::default(),
        remote_bases: own.remote_bases(),
        targets: Targets::new(
            host.hub(),
            host.metrics().clone(),
            target::Settings {
                allow,
                homes,
                watcher,
                clouds: clouds(host, common, own, &gates)?,
                leadership: runtime.leadership().clone(),
            },
        ),
    };
    Ok(runtime
        .kind(KustomizationKind(Arc::new(context)), triggers)
        .run(stop)
        .await?)
}

fn tell_of_idle(common: &CommonFlags, gates: &FeatureGates) {
    let idle = KustomizeFlags::without_effect(common, gates);
    if !idle.is_empty() {
        tracing::info!(
            flags = idle.join(", "),
            "flags are accepted and not effective in this version"
        );
    }
}

fn fetcher(common: &CommonFlags, own: &KustomizeFlags) -> Result<Fetcher, RunError> {
    let bounds = &common.artifacts;
    let key = bounds.key_file.as_deref();
    Ok(Fetcher::new(FetchOptions {
        key: key.map(ArtifactKey::read).transpose()?,
        retries: own.http_retry,
        limits: ArtifactLimits::new(
            bounds.max_size,
            bounds.max_unpacked_size,
            bounds.max_entries,
        ),
        ..FetchOptions::from_env()
    })?)
}

/// Watches the objects of a cluster: drift of one wakes its owner, if that is where the owner's objects are.
fn watcher(owners: Owners, waker: Waker, apply: &Settings, default: Drift) -> Watcher {
    let managers = FieldManagers::new(&apply.field_manager, &apply.override_managers);
    Box::new(move |hub: Hub, home: Option<&Home>| {
        let ledger = Arc::new(Ledger::default());
        let owners = owners.at(home);
        let healer = Healer::new(owners, Arc::clone(&ledger), waker.clone(), default);
        Objects::new(hub, ledger, managers.clone(), Arc::new(healer))
    })
}

/// What flags name for decryption is in the controller's own namespace.
fn installation(
    metrics: &Metrics,
    common: &CommonFlags,
    own: &KustomizeFlags,
    gates: &FeatureGates,
) -> reqwest::Result<Installation> {
    let named = |name: &str| (!name.is_empty()).then(|| Key::new(runtime_namespace(), name));
    let settings = DecryptionSettings {
        age_secret: named(&own.sops_age_secret),
        vault_config_map: named(&own.sops_vault_configmap),
        default_service_account: own.default_decryption_service_account.clone(),
        workload_identity: gates.is_on(flags::WORKLOAD_IDENTITY),
        strict_mac: own.sops_strict_mac,
    };
    Installation::new(settings, tokens(metrics, common))
}

fn tokens(metrics: &Metrics, common: &CommonFlags) -> TokenCache {
    TokenCache::new(
        common.token_cache_max_size as usize,
        common.token_cache_max_duration,
    )
    .watched(Arc::new(metrics.tokens().clone()))
}

/// How clusters of clouds are entered.
fn clouds(
    host: &Host,
    common: &CommonFlags,
    own: &KustomizeFlags,
    gates: &FeatureGates,
) -> reqwest::Result<Clouds> {
    Ok(Clouds {
        access: Access {
            client: weir_kms::cloud_client()?,
            cluster: Arc::new(ServiceAccounts::new(host.client().clone())),
            environment: Environment::process(),
            cache: tokens(host.metrics(), common),
            account: None,
            by_default: false,
            may_use_accounts: gates.is_on(flags::WORKLOAD_IDENTITY),
        },
        default_service_account: own.default_kubeconfig_service_account.clone(),
    })
}

fn source_kinds(gates: &FeatureGates) -> Vec<SourceKind> {
    let mut kinds = vec![
        SourceKind::GitRepository,
        SourceKind::OciRepository,
        SourceKind::Bucket,
    ];
    if gates.is_on(flags::EXTERNAL_ARTIFACT) {
        kinds.push(SourceKind::ExternalArtifact);
    }
    kinds
}

fn options(
    common: &CommonFlags,
    own: &KustomizeFlags,
    gates: &FeatureGates,
) -> Result<Options, RunError> {
    if own.contradict(gates) {
        return Err(RunError::Accounts);
    }
    let stage_kind = |text: &String| match text.split_once('/') {
        Some((group, kind)) if !kind.is_empty() => Ok(GroupKind {
            group: group.to_owned(),
            kind: kind.to_owned(),
        }),
        _ => Err(RunError::StageKind(text.clone())),
    };
    Ok(Options {
        requeue_dependency: common.requeue_dependency,
        strict_substitutions: gates.is_on(flags::STRICT_SUBSTITUTIONS),
        fail_fast: !gates.is_on(flags::DISABLE_FAIL_FAST),
        workload_identity: gates.is_on(flags::WORKLOAD_IDENTITY),
        additive_dependency_check: gates.is_on(flags::ADDITIVE_CEL_DEPENDENCY_CHECK),
        group_change_log: gates.is_on(flags::GROUP_CHANGE_LOG),
        cancel_health_check_on_new_revision: gates
            .is_on(flags::CANCEL_HEALTH_CHECK_ON_NEW_REVISION),
        custom_stage_kinds: own
            .custom_apply_stage_kinds
            .iter()
            .map(stage_kind)
            .collect::<Result<_, _>>()?,
        apply: Settings {
            override_managers: own.override_manager.clone(),
            concurrency: own.concurrent_ssa.max(1),
            migrate_api_version: gates.is_on(flags::MIGRATE_API_VERSION),
            ..Settings::default()
        },
    })
}
