//! The flags that all controllers share, read as Go's pflag reads them.
//!
//! `--flag=value`, `--flag value`, `--bool`, `--bool=false`; the last one counts; Go durations. An unknown flag
//! ends the process with code 2. A controller flattens [`CommonFlags`] into its own clap struct and calls
//! [`parse`].
//!
//! Source: fluxcd/pkg `runtime/{client,logger,leaderelection,controller,features}` options (Flux 2.9).

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Args, CommandFactory, FromArgMatches};
use weir_api::meta::GoDuration;

mod gates;

pub use gates::{FeatureGates, GateError};

use crate::log::{Encoding, Level};
use crate::queue::Backoff;

/// The environment variable with the namespace that the controller runs in.
pub const RUNTIME_NAMESPACE: &str = "RUNTIME_NAMESPACE";

/// A duration flag as Go writes it, e.g. `1m30s`.
///
/// # Errors
/// What is wrong with the text.
pub fn go_duration(text: &str) -> Result<Duration, String> {
    GoDuration::new(text)
        .duration()
        .map_err(|error| crate::kind::Chain(&error).to_string())
}

/// A bool flag as Go's `strconv.ParseBool` reads it.
///
/// # Errors
/// What is wrong with the text.
pub fn go_bool(text: &str) -> Result<bool, String> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err(format!(
            "strconv.ParseBool: parsing \"{text}\": invalid syntax"
        )),
    }
}

/// A percentage below 100, as `--interval-jitter-percentage` takes it.
fn percentage(text: &str) -> Result<u8, String> {
    match text.parse() {
        Ok(percent @ 0..100) => Ok(percent),
        _ => Err(format!(
            "invalid percentage value, must be between 0 and 99: {text}"
        )),
    }
}

/// A duration of a second at least, as `--watch-relist-interval` takes it.
fn relist_interval(text: &str) -> Result<Duration, String> {
    match go_duration(text)? {
        short if short < Duration::from_secs(1) => Err("must be a second at least".to_owned()),
        long => Ok(long),
    }
}

/// Flags of every controller.
#[derive(Debug, Clone, Args)]
pub struct CommonFlags {
    /// The address the metric endpoint binds to.
    #[arg(long, env = "METRICS_ADDR", default_value = ":8080")]
    pub metrics_addr: String,
    /// The address the health endpoint binds to.
    #[arg(long, default_value = ":9440")]
    pub health_addr: String,
    /// The address of the events receiver.
    #[arg(long, env = "EVENTS_ADDR", default_value = "")]
    pub events_addr: String,
    /// The number of concurrent reconciles per kind; each controller has its own default.
    #[arg(long)]
    pub concurrent: Option<usize>,
    /// The interval at which failing dependencies are reevaluated.
    #[arg(long, default_value = "30s", value_parser = go_duration)]
    pub requeue_dependency: Duration,
    /// The least delay before a failed object is tried again.
    #[arg(long, default_value = "750ms", value_parser = go_duration)]
    pub min_retry_delay: Duration,
    /// The most delay before a failed object is tried again.
    #[arg(long, default_value = "15m", value_parser = go_duration)]
    pub max_retry_delay: Duration,
    /// By how many percent intervals are spread.
    #[arg(long, default_value = "5", value_parser = percentage)]
    pub interval_jitter_percentage: u8,
    /// Watch custom resources in all namespaces, not only the runtime namespace.
    #[arg(long, default_value = "true", default_missing_value = "true", num_args = 0..=1, require_equals = true,
          action = clap::ArgAction::Set, value_parser = go_bool)]
    pub watch_all_namespaces: bool,
    /// Watch only resources with matching labels.
    #[arg(long, default_value = "")]
    pub watch_label_selector: String,
    /// Watch only ConfigMaps and Secrets with matching labels.
    #[arg(long, default_value = "reconcile.fluxcd.io/watch=Enabled")]
    pub watch_configs_label_selector: String,
    /// How often lists are read again, more or less, to repair what a lost watch event hid. Upstream never does.
    #[arg(long, default_value = "1h", value_parser = relist_interval)]
    pub watch_relist_interval: Duration,
    /// The service account that objects without one are reconciled as.
    #[arg(long, default_value = "")]
    pub default_service_account: String,
    /// The most entries of the token cache.
    #[arg(long, default_value = "100")]
    pub token_cache_max_size: u32,
    /// The longest life of an entry of the token cache.
    #[arg(long, default_value = "1h", value_parser = go_duration)]
    pub token_cache_max_duration: Duration,
    /// Feature gates as `name=bool`, separated by commas.
    #[arg(long, value_delimiter = ',')]
    pub feature_gates: Vec<String>,
    /// The most requests per second to the API server; servers with priority and fairness need none.
    #[arg(long, default_value = "50")]
    pub kube_api_qps: f32,
    /// The most requests in a burst to the API server; servers with priority and fairness need none.
    #[arg(long, default_value = "300")]
    pub kube_api_burst: i32,
    /// Log encoding.
    #[arg(long, value_enum, default_value_t)]
    pub log_encoding: Encoding,
    /// Log verbosity level.
    #[arg(long, value_enum, default_value_t)]
    pub log_level: Level,
    /// How large artifacts may be, and who gets them.
    #[command(flatten)]
    pub artifacts: ArtifactFlags,
    /// How the leader is elected.
    #[command(flatten)]
    pub leader_election: LeaderElectionFlags,
}

/// How large artifacts may be and who gets them, for who makes them as for who fetches them. Upstream has none of it.
#[derive(Debug, Clone, Args)]
pub struct ArtifactFlags {
    /// The most bytes of an artifact.
    #[arg(long = "artifact-max-size", default_value = "1073741824")]
    pub max_size: u64,
    /// The most bytes that an artifact unpacks into.
    #[arg(long = "artifact-max-unpacked-size", default_value = "1073741824")]
    pub max_unpacked_size: u64,
    /// The most files and folders of an artifact.
    #[arg(long = "artifact-max-entries", default_value = "500000")]
    pub max_entries: usize,
    /// A file with 32 bytes or more: who has it too may fetch artifacts, nobody else. Without it everybody may.
    #[arg(long = "artifact-key-file")]
    pub key_file: Option<PathBuf>,
}

/// Flags of leader election.
#[derive(Debug, Clone, Args)]
pub struct LeaderElectionFlags {
    /// Run only while holding the leader lease.
    #[arg(long = "enable-leader-election", default_value = "false", default_missing_value = "true", num_args = 0..=1,
          require_equals = true, action = clap::ArgAction::Set, value_parser = go_bool)]
    pub enable: bool,
    /// Hand the lease back when stopping.
    #[arg(long = "leader-election-release-on-cancel", default_value = "true", default_missing_value = "true",
          num_args = 0..=1, require_equals = true, action = clap::ArgAction::Set, value_parser = go_bool)]
    pub release_on_cancel: bool,
    /// How long others wait before they take a lease that is not renewed.
    #[arg(long = "leader-election-lease-duration", default_value = "35s", value_parser = go_duration)]
    pub lease_duration: Duration,
    /// How long the leader tries to renew before it gives up.
    #[arg(long = "leader-election-renew-deadline", default_value = "30s", value_parser = go_duration)]
    pub renew_deadline: Duration,
    /// The pause between tries.
    #[arg(long = "leader-election-retry-period", default_value = "5s", value_parser = go_duration)]
    pub retry_period: Duration,
}

impl CommonFlags {
    /// The namespace to watch; `None` is all of them.
    pub fn watch_namespace(&self) -> Option<String> {
        (!self.watch_all_namespaces).then(runtime_namespace)
    }

    /// The bounds of the back-off after failures.
    pub fn backoff(&self) -> Backoff {
        Backoff {
            min: self.min_retry_delay,
            max: self.max_retry_delay,
        }
    }

    /// Flags that were set to something and have no effect in this version, for one line in the log.
    pub fn without_effect(&self) -> Vec<&'static str> {
        // The server's priority and fairness does what the first two are for.
        let set = [
            (
                "--kube-api-qps",
                self.kube_api_qps.to_bits() != 50.0_f32.to_bits(),
            ),
            ("--kube-api-burst", self.kube_api_burst != 300),
        ];
        set.into_iter()
            .filter_map(|(name, set)| set.then_some(name))
            .collect()
    }
}

/// The namespace that the process runs in: `RUNTIME_NAMESPACE`.
pub fn runtime_namespace() -> String {
    std::env::var(RUNTIME_NAMESPACE).unwrap_or_default()
}

/// A command line that cannot be used, or asks for help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usage {
    /// What to print on stderr.
    pub text: String,
    /// What to exit with.
    pub code: u8,
}

impl Usage {
    /// Prints the text on stderr and returns the code, for a `main`.
    #[expect(
        clippy::print_stderr,
        reason = "before there is a log, stderr is for people"
    )]
    pub fn print(&self) -> std::process::ExitCode {
        eprintln!("{}", self.text);
        self.code.into()
    }
}

/// Reads a command line, program name first.
///
/// # Errors
/// What to print and to exit with instead of running.
pub fn parse<F: CommandFactory + FromArgMatches>(
    args: impl IntoIterator<Item = OsString>,
) -> Result<F, Usage> {
    let command = F::command()
        .args_override_self(true)
        .disable_version_flag(true);
    let parsed = command
        .try_get_matches_from(args)
        .and_then(|matches| F::from_arg_matches(&matches));
    parsed.map_err(|error| usage(&error))
}

fn usage(error: &clap::Error) -> Usage {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        _ => String::new(),
    };
    let flag = text(ContextKind::InvalidArg);
    let name = flag.split([' ', '=', '[']).next().unwrap_or_default();
    let text = match error.kind() {
        ErrorKind::DisplayHelp => {
            return Usage {
                text: error.to_string(),
                code: 0,
            };
        }
        ErrorKind::UnknownArgument if name.starts_with("--") => format!("unknown flag: {name}"),
        ErrorKind::UnknownArgument => format!("unknown shorthand flag: {name}"),
        ErrorKind::ValueValidation => {
            let cause = std::error::Error::source(error)
                .map(ToString::to_string)
                .unwrap_or_default();
            format!(
                "invalid argument \"{}\" for \"{name}\" flag: {cause}",
                text(ContextKind::InvalidValue)
            )
        }
        ErrorKind::InvalidValue if text(ContextKind::InvalidValue).is_empty() => {
            format!("flag needs an argument: {name}")
        }
        ErrorKind::InvalidValue => {
            format!(
                "invalid argument \"{}\" for \"{name}\" flag",
                text(ContextKind::InvalidValue)
            )
        }
        _ => error.to_string(),
    };
    Usage { text, code: 2 }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Flags {
        #[command(flatten)]
        common: CommonFlags,
    }

    fn read(args: &[&str]) -> Result<CommonFlags, Usage> {
        let args = std::iter::once("controller")
            .chain(args.iter().copied())
            .map(OsString::from);
        parse::<Flags>(args).map(|flags| flags.common)
    }

    #[test]
    fn defaults_are_upstreams() {
        let flags = read(&[]).expect("valid");
        assert_eq!(
            (flags.metrics_addr.as_str(), flags.health_addr.as_str()),
            (":8080", ":9440")
        );
        assert_eq!(
            flags.backoff(),
            Backoff {
                min: Duration::from_millis(750),
                max: Duration::from_secs(900)
            }
        );
        assert_eq!(flags.interval_jitter_percentage, 5);
        assert!(flags.watch_all_namespaces && !flags.leader_election.enable);
        assert_eq!(flags.without_effect(), Vec::<&str>::new());
    }

    #[test]
    fn upstreams_deployment_is_understood() {
        let flags = read(&[
            "--events-addr=http://notification-controller.flux-system.svc.cluster.local./",
            "--watch-all-namespaces=true",
            "--log-level=info",
            "--log-encoding=json",
            "--enable-leader-election",
            "--concurrent",
            "10",
            "--requeue-dependency=5s",
            "--feature-gates=A=true,B=false",
            "--kube-api-qps=500",
        ]);
        let flags = flags.expect("valid");
        assert!(flags.leader_election.enable);
        assert_eq!(flags.concurrent, Some(10));
        assert_eq!(flags.requeue_dependency, Duration::from_secs(5));
        assert_eq!(flags.feature_gates, ["A=true", "B=false"]);
        assert_eq!(flags.without_effect(), ["--kube-api-qps"]);
    }

    #[test]
    fn an_empty_value_and_a_bare_bool_are_values() {
        let flags = read(&[
            "--events-addr=",
            "--watch-all-namespaces",
            "--log-level=info",
        ])
        .expect("valid");
        assert!(flags.events_addr.is_empty() && flags.watch_all_namespaces);
    }

    #[test]
    fn the_last_one_counts() {
        let flags = read(&[
            "--watch-all-namespaces=false",
            "--watch-all-namespaces",
            "--concurrent=1",
            "--concurrent=2",
        ]);
        let flags = flags.expect("valid");
        assert!(flags.watch_all_namespaces);
        assert_eq!(flags.concurrent, Some(2));
    }

    #[test]
    fn mistakes_read_as_in_go() {
        let text = |args| read(args).expect_err("invalid");
        assert_eq!(
            text(&["--nope=1"]),
            Usage {
                text: "unknown flag: --nope".into(),
                code: 2
            }
        );
        let expect = "invalid argument \"maybe\" for \"--enable-leader-election\" flag: \
                      strconv.ParseBool: parsing \"maybe\": invalid syntax";
        assert_eq!(text(&["--enable-leader-election=maybe"]).text, expect);
        assert_eq!(
            text(&["--metrics-addr"]).text,
            "flag needs an argument: --metrics-addr"
        );
        assert_eq!(
            text(&["--log-level=loud"]).text,
            "invalid argument \"loud\" for \"--log-level\" flag"
        );
        assert_eq!(text(&["--interval-jitter-percentage=100"]).code, 2);
        assert_eq!(text(&["--min-retry-delay=soon"]).code, 2);
    }
}
