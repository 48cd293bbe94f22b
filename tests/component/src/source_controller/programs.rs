//! Who may start programs: nobody, unless a flag says so.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use harness::{
    ControlPlane, Controllers, ControllersOptions, SshServer, SshServerOptions, ssh_key_of,
};
use russh::keys::Algorithm;
use russh::keys::ssh_key::LineEnding;
use serde_json::json;

use super::fixture::Sources;

/// What the kernel says of a thread.
#[derive(Debug, PartialEq, Eq)]
struct Fence {
    /// Programs that judge its calls.
    filters: u32,
    /// Whether it can gain no privileges.
    sealed: bool,
}

/// The fence of each thread whose folder is in `tasks`, those that end meanwhile aside.
fn fences(tasks: impl AsRef<Path>) -> Result<Vec<Fence>> {
    let mut found = Vec::new();
    for task in fs::read_dir(tasks)? {
        let Ok(status) = fs::read_to_string(task?.path().join("status")) else {
            continue;
        };
        let number = |key: &str| -> Result<u32> {
            let line = status.lines().find_map(|line| line.strip_prefix(key));
            Ok(line.with_context(|| key.to_owned())?.trim().parse()?)
        };
        found.push(Fence {
            filters: number("Seccomp_filters:")?,
            sealed: number("NoNewPrivs:")? == 1,
        });
    }
    ensure!(!found.is_empty(), "there are threads");
    Ok(found)
}

/// Whether the process is fenced in by one filter more than this one, in all of its threads; if not, in none.
fn is_fenced(controllers: &mut Controllers) -> Result<bool> {
    let here = fences("/proc/self/task")?;
    let there = fences(format!("/proc/{}/task", controllers.process().id()))?;
    let fenced = |fence: &Fence| fence.filters == here[0].filters + 1 && fence.sealed;
    let is = there.iter().all(fenced);
    ensure!(is || !there.iter().any(fenced), "{there:?}");
    Ok(is)
}

#[tokio::test]
async fn no_thread_of_the_controller_can_start_a_program_while_it_fetches() -> Result<()> {
    let mut all = Sources::start("git-programs").await?;
    let commit = all.repo.commit(&[("a", "1")], "first")?;
    ensure!(is_fenced(&mut all.controllers)?, "from the start");
    all.apply(json!({})).await?;
    all.ready(&format!("main@sha1:{commit}")).await?;
    ensure!(is_fenced(&mut all.controllers)?, "over http");

    let server = SshServer::start(all.git.folder().to_path_buf(), SshServerOptions::default())?;
    let key = ssh_key_of(Algorithm::Ed25519)?;
    server.admit(key.public_key());
    let identity = key.to_openssh(LineEnding::LF)?.to_string();
    let secret = json!({"identity": identity, "known_hosts": server.known_hosts()?});
    all.secret("ssh", secret).await?;
    let commit = all.repo.commit(&[("a", "2")], "second")?;
    all.apply(json!({"url": server.url("app"), "secretRef": {"name": "ssh"}}))
        .await?;
    all.ready(&format!("main@sha1:{commit}")).await?;
    ensure!(is_fenced(&mut all.controllers)?, "over ssh");
    let log = fs::read_to_string(all.controllers.process().log())?;
    ensure!(log.contains("this process can start no program"), "{log}");
    Ok(())
}

#[tokio::test]
async fn only_who_lets_kubeconfigs_start_programs_may_start_any() -> Result<()> {
    let plane = ControlPlane::shared().await?;
    plane.install_crds().await?;
    let namespace = plane.namespace("programs").await?;
    for (binary, command) in [
        ("kustomize-controller", Vec::new()),
        ("weir", vec!["run".to_owned()]),
    ] {
        for allowed in [false, true] {
            let mut options = ControllersOptions::new(namespace.kubeconfig(), namespace.logs());
            options.binary = binary.to_owned();
            options.command = command.clone();
            options.namespace = Some(namespace.name().to_owned());
            options = options.flag(format!("--insecure-kubeconfig-exec={allowed}"));
            let mut controllers = Controllers::start(&options).await?;
            ensure!(is_fenced(&mut controllers)? != allowed, "{binary}");
        }
    }
    Ok(())
}
