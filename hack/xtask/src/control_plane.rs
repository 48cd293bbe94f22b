//! `cargo xtask control-plane`: the binaries of a control plane, by whatever way works.

use std::path::Path;

use anyhow::{Context as _, Result};
use harness::binaries::{self, Binaries, Program};
use harness::{ControlPlane, background};

/// Gets the binaries, and prints where they are or runs them until Ctrl-C.
pub(crate) fn run(print_dir: bool, start: bool) -> Result<()> {
    let binaries = get()?;
    if start {
        return background::runtime().block_on(until_interrupted());
    }
    if print_dir {
        let folder = binaries.kube_apiserver.parent().unwrap_or(Path::new("."));
        println!("{}", folder.display());
        return Ok(());
    }
    for (program, path) in Program::ALL.iter().zip(binaries.paths()) {
        println!("{program:24}{}", path.display());
    }
    Ok(())
}

/// Gets the binaries; progress goes to the error output.
pub(crate) fn get() -> Result<Binaries> {
    binaries::obtain(&mut |line| eprintln!("{line}"))
}

async fn until_interrupted() -> Result<()> {
    let plane = ControlPlane::start().await?;
    println!("export KUBECONFIG={}", plane.kubeconfig().display());
    eprintln!(
        "{} runs until Ctrl-C; logs: {}",
        plane.url(),
        plane.logs().display()
    );
    tokio::signal::ctrl_c()
        .await
        .context("cannot wait for Ctrl-C")
}
