//! `weir run`: both controllers in one process, sharing the cluster's watches and the metrics.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;
use kustomize_controller::flags::KustomizeFlags;
use source_controller::flags::SourceFlags;
use tokio_util::sync::CancellationToken;
use weir_runtime::flags::{CommonFlags, GateError};
use weir_runtime::program;
use weir_runtime::runtime::{Host, stop_signal};

/// How `weir run` names itself to the API server.
const USER_AGENT: &str = concat!("weir/v", env!("CARGO_PKG_VERSION"));

/// Flags of all controllers.
#[derive(Debug, Parser)]
#[command(name = "weir run")]
struct Flags {
    #[command(flatten)]
    common: CommonFlags,
    #[command(flatten)]
    source: SourceFlags,
    #[command(flatten)]
    kustomize: KustomizeFlags,
}

/// Runs until a signal comes or one of the controllers ends: then the process ends whole.
pub(crate) fn run(flags: Vec<OsString>) -> ExitCode {
    let name = OsString::from("weir run");
    let flags: Flags = match weir_runtime::flags::parse(std::iter::once(name).chain(flags)) {
        Ok(flags) => flags,
        Err(usage) => return usage.print(),
    };
    let programs = flags.kustomize.programs();
    program::run("weir", &flags.common, programs, serve(&flags))
}

/// The common flags as one controller may see them: with the feature gates that it knows, and no others.
fn common_of(common: &CommonFlags, knows: impl Fn(&CommonFlags) -> bool) -> CommonFlags {
    let alone = |gate: &String| CommonFlags {
        feature_gates: vec![gate.clone()],
        ..common.clone()
    };
    let feature_gates = common
        .feature_gates
        .iter()
        .filter(|gate| knows(&alone(gate)))
        .cloned()
        .collect();
    CommonFlags {
        feature_gates,
        ..common.clone()
    }
}

/// The common flags of the two controllers.
///
/// # Errors
/// A feature gate that neither of them has.
fn split(common: &CommonFlags) -> Result<(CommonFlags, CommonFlags), GateError> {
    let mut sources = common_of(common, |alone| {
        source_controller::flags::gates(alone).is_ok()
    });
    let kustomizations = common_of(common, |alone| {
        kustomize_controller::flags::gates(alone).is_ok()
    });
    let known = |gate: &&String| {
        sources.feature_gates.contains(gate) || kustomizations.feature_gates.contains(gate)
    };
    if let Some(unknown) = common.feature_gates.iter().find(|gate| !known(gate)) {
        return Err(GateError::Unknown(unknown.clone()));
    }
    // For sources it means object-level identity, which is a gate of its own there.
    sources.default_service_account.clear();
    Ok((sources, kustomizations))
}

async fn serve(flags: &Flags) -> Result<(), Box<dyn std::error::Error>> {
    let (of_sources, of_kustomizations) = split(&flags.common)?;
    let host = Host::start(USER_AGENT, &flags.common).await?;
    let stop = CancellationToken::new();
    stop_signal(stop.clone());
    host.serve(&flags.common, &stop).await?;
    // Whichever ends first takes the other with it: a process without one of its leases is none.
    let guard = stop.clone().drop_guard();
    let sources = async {
        let ended = source_controller::run(&host, &of_sources, &flags.source, stop.clone()).await;
        stop.cancel();
        ended
    };
    let kustomizations = async {
        let ended =
            kustomize_controller::run(&host, &of_kustomizations, &flags.kustomize, stop.clone())
                .await;
        stop.cancel();
        ended
    };
    let (sources, kustomizations) = tokio::join!(sources, kustomizations);
    drop(guard);
    sources?;
    Ok(kustomizations?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn common(gates: &str) -> CommonFlags {
        let args = [
            "weir run",
            &format!("--feature-gates={gates}"),
            "--default-service-account=tenant",
        ];
        let flags: Flags =
            weir_runtime::flags::parse(args.map(OsString::from)).expect("valid flags");
        flags.common
    }

    #[test]
    fn each_controller_gets_the_gates_that_it_knows() {
        let (sources, kustomizations) = split(&common(
            "DirectSourceFetch=true,CacheSecretsAndConfigMaps=false",
        ))
        .expect("known gates");
        assert_eq!(sources.feature_gates, ["CacheSecretsAndConfigMaps=false"]);
        assert_eq!(
            kustomizations.feature_gates,
            ["DirectSourceFetch=true", "CacheSecretsAndConfigMaps=false"]
        );
        assert_eq!(kustomizations.default_service_account, "tenant");
    }

    #[test]
    fn a_gate_that_nobody_has_is_an_error() {
        assert!(split(&common("Nope=true")).is_err());
    }
}
