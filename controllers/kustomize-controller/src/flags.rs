//! The command line: upstream's flags, defaults and feature gates.
//!
//! Source: kustomize-controller v1.9 `main.go`, `internal/features/features.go`.

use clap::{ArgAction, Args, Parser};
use weir_git::{Cidr, Git, Network};
use weir_runtime::flags::{CommonFlags, FeatureGates, GateError, go_bool};
use weir_runtime::program::Programs;

use crate::remote_bases::{self, RemoteBases};
use crate::watch::Drift;

/// Flags of kustomize-controller.
#[derive(Debug, Clone, Parser)]
#[command(name = "kustomize-controller")]
pub struct Flags {
    /// What all controllers have.
    #[command(flatten)]
    pub common: CommonFlags,
    /// What only this one has.
    #[command(flatten)]
    pub own: KustomizeFlags,
}

/// The flags that only kustomize-controller has.
#[derive(Debug, Clone, Args)]
pub struct KustomizeFlags {
    /// The number of objects that one Kustomization dry-runs at a time.
    #[arg(long, default_value = "4")]
    pub concurrent_ssa: usize,
    /// How often fetching an artifact is repeated before it counts as failed.
    #[arg(long, default_value = "9")]
    pub http_retry: u32,
    /// Refuse remote bases in kustomizations.
    #[arg(long, default_value = "false", default_missing_value = "true", num_args = 0..=1, require_equals = true,
          action = ArgAction::Set, value_parser = go_bool)]
    pub no_remote_bases: bool,
    /// Blocks of addresses that are never dialled for a remote base, such as 169.254.0.0/16; none by default.
    #[arg(long, value_delimiter = ',')]
    pub remote_base_deny_cidr: Vec<Cidr>,
    /// Refuse references to other namespaces.
    #[arg(long, default_value = "false", default_missing_value = "true", num_args = 0..=1, require_equals = true,
          action = ArgAction::Set, value_parser = go_bool)]
    pub no_cross_namespace_refs: bool,
    /// The service account for decryption where an object names none.
    #[arg(long, default_value = "")]
    pub default_decryption_service_account: String,
    /// The service account for remote clusters where an object names none.
    #[arg(long, default_value = "")]
    pub default_kubeconfig_service_account: String,
    /// A Secret with age keys for objects without a decryption Secret.
    #[arg(long, default_value = "")]
    pub sops_age_secret: String,
    /// Refuse encrypted files whose values do not match their message authentication code.
    #[arg(long, default_value = "false", default_missing_value = "true", num_args = 0..=1, require_equals = true,
          action = ArgAction::Set, value_parser = go_bool)]
    pub sops_strict_mac: bool,
    /// A ConfigMap with the Vault instances that may be dialled.
    #[arg(long, default_value = "")]
    pub sops_vault_configmap: String,
    /// Another field manager whose fields are taken over; may be repeated.
    #[arg(long, value_delimiter = ',')]
    pub override_manager: Vec<String>,
    /// Kinds to apply in a stage of their own, as `group/Kind`.
    #[arg(long, value_delimiter = ',')]
    pub custom_apply_stage_kinds: Vec<String>,
    /// When drift of applied objects is corrected: as a watch shows it, or at the interval as Flux does.
    #[arg(long, default_value = "watch", value_parser = drift)]
    pub detect_drift: Drift,
    /// Let kubeconfigs start programs.
    #[arg(long, default_value = "false", default_missing_value = "true", num_args = 0..=1, require_equals = true,
          action = ArgAction::Set, value_parser = go_bool)]
    pub insecure_kubeconfig_exec: bool,
    /// Let kubeconfigs switch TLS verification off.
    #[arg(long, default_value = "false", default_missing_value = "true", num_args = 0..=1, require_equals = true,
          action = ArgAction::Set, value_parser = go_bool)]
    pub insecure_kubeconfig_tls: bool,
}

impl KustomizeFlags {
    /// Whether the process has to start programs.
    pub fn programs(&self) -> Programs {
        match self.insecure_kubeconfig_exec {
            true => Programs::Needed("--insecure-kubeconfig-exec"),
            false => Programs::Unneeded,
        }
    }
}

fn drift(word: &str) -> Result<Drift, String> {
    Drift::parse(word).ok_or_else(|| "must be watch or interval".to_owned())
}

/// Gate: dependencies with an expression must also pass the built-in check.
pub const ADDITIVE_CEL_DEPENDENCY_CHECK: &str = "AdditiveCELDependencyCheck";
/// Gate: newer work ends a health check.
pub const CANCEL_HEALTH_CHECK_ON_NEW_REVISION: &str = "CancelHealthCheckOnNewRevision";
/// Gate: sources are read past the cache.
pub const DIRECT_SOURCE_FETCH: &str = "DirectSourceFetch";
/// Gate: ConfigMaps and Secrets are not watched.
pub const DISABLE_CONFIG_WATCHERS: &str = "DisableConfigWatchers";
/// Gate: a health check goes on after the first failure.
pub const DISABLE_FAIL_FAST: &str = "DisableFailFastBehavior";
/// Gate: ExternalArtifacts are sources.
pub const EXTERNAL_ARTIFACT: &str = "ExternalArtifact";
/// Gate: objects name the service account that they authenticate to clouds as.
pub const WORKLOAD_IDENTITY: &str = "ObjectLevelWorkloadIdentity";
/// Gate: the log names objects by what became of them.
pub const GROUP_CHANGE_LOG: &str = "GroupChangeLog";
/// Gate: field entries of other versions are brought to the one that is applied.
pub const MIGRATE_API_VERSION: &str = "MigrateAPIVersion";
/// Gate: a variable that is not set fails the build.
pub const STRICT_SUBSTITUTIONS: &str = "StrictPostBuildSubstitutions";

/// Upstream's gates with their defaults.
const GATES: &[(&str, bool)] = &[
    (ADDITIVE_CEL_DEPENDENCY_CHECK, false),
    ("CacheSecretsAndConfigMaps", false),
    (CANCEL_HEALTH_CHECK_ON_NEW_REVISION, false),
    (DIRECT_SOURCE_FETCH, false),
    (DISABLE_CONFIG_WATCHERS, false),
    (DISABLE_FAIL_FAST, false),
    ("DisableStatusPollerCache", true),
    (EXTERNAL_ARTIFACT, false),
    (GROUP_CHANGE_LOG, false),
    (MIGRATE_API_VERSION, false),
    (WORKLOAD_IDENTITY, false),
    (STRICT_SUBSTITUTIONS, true),
];

/// Gates that change nothing in this version.
const GATES_WITHOUT_EFFECT: &[&str] = &["CacheSecretsAndConfigMaps"];

/// The feature gates after `--feature-gates`.
///
/// # Errors
/// For a gate that does not exist.
pub fn gates(common: &CommonFlags) -> Result<FeatureGates, GateError> {
    FeatureGates::new(GATES).with(&common.feature_gates)
}

/// Repositories that are fetched at a time.
const PARALLEL_FETCHES: usize = 4;

impl KustomizeFlags {
    /// The way to remote bases, unless they are refused.
    #[must_use]
    pub fn remote_bases(&self) -> Option<RemoteBases> {
        let git =
            Git::new(PARALLEL_FETCHES).with_network(Network::denying(&self.remote_base_deny_cidr));
        (!self.no_remote_bases).then(|| RemoteBases::new(git, remote_bases::mounted_key()))
    }

    /// Whether the flags give objects service accounts that the gates do not let them use.
    ///
    /// Source: fluxcd/pkg auth v0.54 `controller_options.go`.
    #[must_use]
    pub fn contradict(&self, gates: &FeatureGates) -> bool {
        let named = [
            &self.default_decryption_service_account,
            &self.default_kubeconfig_service_account,
        ];
        !gates.is_on(WORKLOAD_IDENTITY) && named.iter().any(|name| !name.is_empty())
    }

    /// Flags and gates that were set and have no effect in this version.
    #[must_use]
    pub fn without_effect(common: &CommonFlags, gates: &FeatureGates) -> Vec<String> {
        let common = common.without_effect().into_iter().map(str::to_owned);
        let gates = GATES_WITHOUT_EFFECT
            .iter()
            .filter(|gate| gates.is_on(gate))
            .map(|gate| format!("--feature-gates={gate}=true"));
        common.chain(gates).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(args: &[&str]) -> Flags {
        let args = std::iter::once("kustomize-controller")
            .chain(args.iter().copied())
            .map(Into::into);
        weir_runtime::flags::parse(args).expect("valid flags")
    }

    #[test]
    fn gates_have_upstreams_defaults_and_an_unknown_one_fails() {
        let gates = gates(&flags(&[]).common).expect("known gates");
        assert!(gates.is_on(STRICT_SUBSTITUTIONS) && !gates.is_on(EXTERNAL_ARTIFACT));
        assert!(super::gates(&flags(&["--feature-gates=Nope=true"]).common).is_err());
    }

    #[test]
    fn default_accounts_need_the_gate() {
        let contradict = |args: &[&str]| {
            let flags = flags(args);
            let gates = gates(&flags.common).expect("known gates");
            flags.own.contradict(&gates)
        };
        let account = "--default-decryption-service-account=tenant";
        assert!(contradict(&[account]));
        assert!(contradict(&["--default-kubeconfig-service-account=tenant"]));
        assert!(!contradict(&[]));
        assert!(!contradict(&["--default-service-account=tenant"]));
        let gate = "--feature-gates=ObjectLevelWorkloadIdentity=true";
        assert!(!contradict(&[account, gate]));
    }

    #[test]
    fn names_what_is_set_in_vain() {
        let flags = flags(&[
            "--feature-gates=CacheSecretsAndConfigMaps=true",
            "--no-remote-bases",
        ]);
        let gates = gates(&flags.common).expect("known gates");
        assert_eq!(
            KustomizeFlags::without_effect(&flags.common, &gates),
            ["--feature-gates=CacheSecretsAndConfigMaps=true"]
        );
        assert!(flags.own.no_remote_bases);
    }
}
