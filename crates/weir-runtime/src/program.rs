//! A controller as a program: its log, what its process may do, its threads, how it ends.
//!
//! No controller starts programs, so before it has any thread it denies itself to: an `exec` fails with `EPERM`,
//! whoever may have talked it into one. The kernel keeps to that for every thread until the process ends. Spared are
//! who was told to start programs ([`Programs::Needed`]), and who reaches its cluster by a kubeconfig of its own that
//! names one, as those of cloud providers do on a developer's machine.

use std::future::Future;
use std::process::ExitCode;

use kube::config::{AuthInfo, Kubeconfig};
use thiserror::Error;

use crate::flags::CommonFlags;
use crate::kind::Chain;

/// Whether a process has to start programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Programs {
    /// It never does.
    Unneeded,
    /// A setting, which is named, lets it.
    Needed(&'static str),
}

/// Why the start of programs could not be denied.
#[derive(Debug, Error)]
pub enum DenyError {
    /// There is no filter for this kind of machine.
    #[error("there is no filter for this system")]
    Unsupported,
    /// The kernel does not take the filter.
    #[error("the filter was not taken")]
    Refused(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Runs a controller to its end on threads of its own, and tells in the log how it ended if that was not well. To be
/// called while the process has one thread only.
pub fn run<F>(name: &str, flags: &CommonFlags, programs: Programs, controller: F) -> ExitCode
where
    F: Future<Output = Result<(), Box<dyn std::error::Error>>>,
{
    crate::log::init(flags.log_level, flags.log_encoding);
    forgo(programs);
    let threads = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let ended = match threads {
        Ok(threads) => threads.block_on(controller),
        Err(error) => Err(error.into()),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = %Chain(error.as_ref()), "unable to run {name}");
            ExitCode::FAILURE
        }
    }
}

/// Denies the process the start of programs where it needs none, and says in the log what came of it.
fn forgo(programs: Programs) {
    let needed = match programs {
        Programs::Needed(setting) => Some(setting),
        Programs::Unneeded => own_kubeconfig().then_some("the controller's own kubeconfig"),
    };
    if let Some(reason) = needed {
        tracing::info!(
            logger = "setup",
            reason,
            "this process may start programs, as it was told to"
        );
        return;
    }
    match deny() {
        Ok(()) => tracing::info!(logger = "setup", "this process can start no program"),
        Err(error) => tracing::error!(
            logger = "setup",
            error = %Chain(&error),
            "unable to deny this process the start of programs, going on without"
        ),
    }
}

/// Whether the kubeconfig that `KUBECONFIG` names, or the one of this user, starts a program. One that cannot be read
/// starts none; who needs it says what is wrong with it.
fn own_kubeconfig() -> bool {
    Kubeconfig::read().is_ok_and(|kubeconfig| starts_programs(&kubeconfig))
}

fn starts_programs(kubeconfig: &Kubeconfig) -> bool {
    // Plug-ins of the old kind may name a program too.
    let starts = |user: &AuthInfo| user.exec.is_some() || user.auth_provider.is_some();
    let mut users = kubeconfig.auth_infos.iter();
    users.any(|user| user.auth_info.as_ref().is_some_and(starts))
}

/// Denies this process, in all of its threads and for good, the start of programs: `EPERM`. No privileges can be
/// gained from then on, either.
///
/// # Errors
/// If there is no filter for this machine, or its kernel does not take it.
#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
pub fn deny() -> Result<(), DenyError> {
    use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, TargetArch};

    /// "Operation not permitted".
    const EPERM: u32 = 1;
    /// `execve` and `execveat`; the last four are the same two of programs with short pointers, by both of the numbers
    /// that kernels have taken for them.
    #[cfg(target_arch = "x86_64")]
    const CALLS: [i64; 6] = [
        59,
        322,
        0x4000_0000 + 59,
        0x4000_0000 + 322,
        0x4000_0000 + 520,
        0x4000_0000 + 545,
    ];
    #[cfg(target_arch = "x86_64")]
    const ARCH: TargetArch = TargetArch::x86_64;
    /// `execve` and `execveat`.
    #[cfg(target_arch = "aarch64")]
    const CALLS: [i64; 2] = [221, 281];
    #[cfg(target_arch = "aarch64")]
    const ARCH: TargetArch = TargetArch::aarch64;

    let refused = |error: seccompiler::Error| DenyError::Refused(Box::new(error));
    let rules = CALLS.iter().map(|call| (*call, Vec::new())).collect();
    let (others, these) = (SeccompAction::Allow, SeccompAction::Errno(EPERM));
    let filter = SeccompFilter::new(rules, others, these, ARCH);
    let filter = filter.and_then(BpfProgram::try_from);
    let filter = filter.map_err(|error| refused(error.into()))?;
    seccompiler::apply_filter_all_threads(&filter).map_err(refused)
}

/// There is no filter for this machine.
///
/// # Errors
/// Always.
#[cfg(not(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
)))]
pub fn deny() -> Result<(), DenyError> {
    Err(DenyError::Unsupported)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_kubeconfig_that_names_a_program_keeps_the_right_to_start_it() {
        let starts = |user: serde_json::Value| {
            let kubeconfig = json!({"users": [{"name": "a", "user": user}]});
            starts_programs(&serde_json::from_value(kubeconfig).expect("is a kubeconfig"))
        };
        let exec = json!({"apiVersion": "client.authentication.k8s.io/v1", "command": "aws"});
        assert!(starts(json!({"exec": exec})));
        let config = json!({"cmd-path": "gcloud"});
        assert!(starts(
            json!({"auth-provider": {"name": "gcp", "config": config}})
        ));
        assert!(!starts(json!({"token": "a"})));
        assert!(!starts(json!({})));
    }
}
