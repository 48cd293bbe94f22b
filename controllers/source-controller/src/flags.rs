//! The command line: upstream's flags, defaults and feature gates.
//!
//! Source: source-controller v1.9 `main.go`, `internal/features/features.go`.

use std::time::Duration;

use clap::{Args, Parser};
use weir_artifact::digest::Algorithm;
use weir_artifact::{ArtifactLimits, Retention};
use weir_git::{Cidr, Git, Network, SshAlgorithms};
use weir_runtime::flags::{CommonFlags, FeatureGates, GateError, go_duration};

/// Flags of source-controller.
#[derive(Debug, Clone, Parser)]
#[command(name = "source-controller")]
pub struct Flags {
    /// What all controllers have.
    #[command(flatten)]
    pub common: CommonFlags,
    /// What only this one has.
    #[command(flatten)]
    pub own: SourceFlags,
}

/// The flags that only source-controller has.
#[derive(Debug, Clone, Args)]
pub struct SourceFlags {
    /// The folder for artifacts.
    #[arg(long, env = "STORAGE_PATH", default_value = "/data")]
    pub storage_path: String,
    /// The address the artifact server binds to.
    #[arg(long, env = "STORAGE_ADDRESS", default_value = ":9090")]
    pub storage_addr: String,
    /// The address that artifact URLs name; by default that of the server.
    #[arg(long, env = "STORAGE_ADV_ADDR", default_value = "")]
    pub storage_adv_addr: String,
    /// How long superseded artifacts are kept.
    #[arg(long, default_value = "1m", value_parser = go_duration)]
    pub artifact_retention_ttl: Duration,
    /// How many artifacts of an object are kept.
    #[arg(long, default_value = "2")]
    pub artifact_retention_records: usize,
    /// The algorithm of artifact digests: sha256, sha384, sha512, blake3, sha1.
    #[arg(long, default_value = "sha256", value_parser = algorithm)]
    pub artifact_digest_algo: Algorithm,
    /// The most bytes of a Helm repository index.
    #[arg(long, default_value = "52428800")]
    pub helm_index_max_size: i64,
    /// The most bytes of a Helm chart.
    #[arg(long, default_value = "10485760")]
    pub helm_chart_max_size: i64,
    /// The most bytes of a file in a Helm chart.
    #[arg(long, default_value = "5242880")]
    pub helm_chart_file_max_size: i64,
    /// The most entries of the Helm index cache; 0 is none.
    #[arg(long, default_value = "0")]
    pub helm_cache_max_size: i64,
    /// How long an entry stays in the Helm index cache.
    #[arg(long, default_value = "15m", value_parser = go_duration)]
    pub helm_cache_ttl: Duration,
    /// How often the Helm index cache is cleared of old entries.
    #[arg(long, default_value = "1m", value_parser = go_duration)]
    pub helm_cache_purge_interval: Duration,
    /// The key exchange algorithms for SSH.
    #[arg(long, value_delimiter = ',')]
    pub ssh_kex_algos: Vec<String>,
    /// The host key algorithms for SSH.
    #[arg(long, value_delimiter = ',')]
    pub ssh_hostkey_algos: Vec<String>,
    /// Blocks of addresses that are never dialled for a source, such as 169.254.0.0/16; none by default.
    #[arg(long, value_delimiter = ',')]
    pub deny_cidr: Vec<Cidr>,
}

/// Gate: objects authenticate as their own service accounts.
pub const OBJECT_LEVEL_WORKLOAD_IDENTITY: &str = "ObjectLevelWorkloadIdentity";

/// Upstream's gates with their defaults.
pub const GATES: &[(&str, bool)] = &[
    ("CacheSecretsAndConfigMaps", false),
    (OBJECT_LEVEL_WORKLOAD_IDENTITY, false),
];

/// The feature gates after `--feature-gates`.
///
/// # Errors
/// For a gate that does not exist.
pub fn gates(common: &CommonFlags) -> Result<FeatureGates, GateError> {
    FeatureGates::new(GATES).with(&common.feature_gates)
}

/// How large artifacts may be.
#[must_use]
pub fn limits(common: &CommonFlags) -> ArtifactLimits {
    let flags = &common.artifacts;
    ArtifactLimits::new(flags.max_size, flags.max_unpacked_size, flags.max_entries)
}

impl SourceFlags {
    /// Git operations, at most `parallel` at a time, as the flags shape them.
    #[must_use]
    pub fn git(&self, parallel: usize) -> Git {
        let algorithms = SshAlgorithms {
            kex: self.ssh_kex_algos.clone(),
            host_key: self.ssh_hostkey_algos.clone(),
        };
        Git::new(parallel)
            .with_network(Network::denying(&self.deny_cidr))
            .with_ssh(algorithms)
    }

    /// How long superseded artifacts stay.
    #[must_use]
    pub fn retention(&self) -> Retention {
        Retention {
            ttl: self.artifact_retention_ttl,
            records: self.artifact_retention_records,
        }
    }

    /// The host that artifact URLs name; `hostname` stands in for an address of all interfaces.
    #[must_use]
    pub fn advertised_host(&self, hostname: &str) -> String {
        if !self.storage_adv_addr.is_empty() {
            return self.storage_adv_addr.clone();
        }
        let (host, port) = self
            .storage_addr
            .rsplit_once(':')
            .unwrap_or((self.storage_addr.as_str(), ""));
        let host = match host {
            "" => "localhost",
            "0.0.0.0" => hostname,
            host => host,
        };
        format!("{host}:{port}")
    }

    /// Flags and gates that were set and have no effect in this version.
    #[must_use]
    pub fn without_effect(&self, common: &CommonFlags, gates: &FeatureGates) -> Vec<String> {
        let set = [
            (
                "--helm-index-max-size",
                self.helm_index_max_size != 52_428_800,
            ),
            (
                "--helm-chart-max-size",
                self.helm_chart_max_size != 10_485_760,
            ),
            (
                "--helm-chart-file-max-size",
                self.helm_chart_file_max_size != 5_242_880,
            ),
            ("--helm-cache-max-size", self.helm_cache_max_size != 0),
            (
                "--helm-cache-ttl",
                self.helm_cache_ttl != Duration::from_secs(900),
            ),
            (
                "--helm-cache-purge-interval",
                self.helm_cache_purge_interval != Duration::from_secs(60),
            ),
        ];
        let flags = set
            .into_iter()
            .filter(|(_, set)| *set)
            .map(|(name, _)| name.to_owned());
        let common = common.without_effect().into_iter().map(str::to_owned);
        let gates = gates
            .iter()
            .filter(|(gate, on)| *on && *gate != OBJECT_LEVEL_WORKLOAD_IDENTITY)
            .map(|(gate, _)| format!("--feature-gates={gate}=true"));
        common.chain(flags).chain(gates).collect()
    }
}

fn algorithm(name: &str) -> Result<Algorithm, String> {
    name.parse().map_err(|error| format!("{error}: {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(args: &[&str]) -> Flags {
        let args = std::iter::once("source-controller").chain(args.iter().copied());
        weir_runtime::flags::parse(args.map(Into::into)).expect("valid flags")
    }

    #[test]
    fn the_advertised_host_follows_the_servers_address() {
        for (args, expected) in [
            (vec![], "localhost:9090"),
            (vec!["--storage-addr=0.0.0.0:80"], "pod:80"),
            (vec!["--storage-addr=127.0.0.1:1234"], "127.0.0.1:1234"),
            (
                vec!["--storage-adv-addr=source-controller.flux-system.svc.cluster.local."],
                "source-controller.flux-system.svc.cluster.local.",
            ),
        ] {
            assert_eq!(flags(&args).own.advertised_host("pod"), expected);
        }
    }

    #[test]
    fn artifacts_have_the_default_bounds_unless_told_otherwise() {
        assert_eq!(limits(&flags(&[]).common), ArtifactLimits::default());
        let told = flags(&[
            "--artifact-max-size=1",
            "--artifact-max-unpacked-size=2",
            "--artifact-max-entries=3",
        ]);
        let limits = limits(&told.common);
        assert_eq!(
            (limits.size, limits.tree.bytes, limits.tree.entries),
            (1, 2, 3)
        );
    }

    #[test]
    fn gates_have_upstreams_defaults_and_an_unknown_one_fails() {
        let flags = flags(&["--feature-gates=OptimizedGitClones=true"]);
        assert!(gates(&flags.common).is_err());
    }

    #[test]
    fn upstreams_deployment_is_understood() {
        let flags = flags(&[
            "--events-addr=http://notification-controller.flux-system.svc.cluster.local./",
            "--watch-all-namespaces=true",
            "--log-level=info",
            "--log-encoding=json",
            "--enable-leader-election",
            "--storage-path=/data",
            "--storage-adv-addr=source-controller.$(RUNTIME_NAMESPACE).svc.cluster.local.",
            "--artifact-digest-algo=blake3",
            "--artifact-retention-ttl=2m",
        ]);
        let gates = gates(&flags.common).expect("known gates");
        assert_eq!(
            flags.own.without_effect(&flags.common, &gates),
            Vec::<String>::new()
        );
        assert_eq!(flags.own.artifact_digest_algo, Algorithm::Blake3);
        assert_eq!(flags.own.retention().ttl, Duration::from_secs(120));
    }

    #[test]
    fn names_what_is_set_in_vain() {
        let flags = flags(&["--helm-cache-max-size=10", "--helm-cache-ttl=1m"]);
        let gates = gates(&flags.common).expect("known gates");
        let idle = flags.own.without_effect(&flags.common, &gates);
        assert_eq!(idle, ["--helm-cache-max-size", "--helm-cache-ttl"]);
    }
}
