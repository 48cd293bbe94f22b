//! `cargo xtask flux-cli`: Flux's own command line client on our controllers.
//!
//! Not part of CI: it builds a large Go program, and shows what people do by
//! hand. The table in [`steps`] is the whole session.

mod binary;
mod session;
mod steps;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use clap::Args;
use harness::{ControlPlane, Controllers, ControllersOptions, GitServer, background, layout};

use crate::{cargo, control_plane};
use session::Session;

/// Flags of the session.
#[derive(Args, Clone, Debug)]
pub(crate) struct Options {
    /// Use this flux binary instead of building one.
    #[arg(long, value_name = "FILE")]
    flux: Option<PathBuf>,
    /// The cargo profile that weir is built with.
    #[arg(long, value_name = "NAME", default_value = "dev")]
    profile: String,
}

/// Runs the session and prints a tick list.
///
/// # Errors
/// If anything that a step expects did not happen.
pub(crate) fn run(options: &Options) -> Result<()> {
    let kubectl = control_plane::get()?.kubectl;
    let flux = match &options.flux {
        Some(path) => std::path::absolute(path)?,
        None => binary::obtain(&mut |line| eprintln!("{line}"))?,
    };
    cargo::run(&[
        "build",
        "--locked",
        "--profile",
        &options.profile,
        "--package",
        "weir",
    ])?;
    background::runtime().block_on(perform(options, &flux, &kubectl))
}

async fn perform(options: &Options, flux: &Path, kubectl: &Path) -> Result<()> {
    let begin = Instant::now();
    let logs = layout::fresh_logs("flux-cli")?;
    let plane = ControlPlane::start().await?;
    let git = GitServer::start()?;
    let folder = layout::scratch("flux-cli")?;
    let mut session = Session::new(folder.path(), git.repo("fleet")?);
    session.program("flux", flux);
    session.program("kubectl", kubectl);
    session.kubeconfig(&plane.kubeconfig());

    session.perform(steps::INSTALL)?;
    let mut weir = ControllersOptions::new(plane.kubeconfig(), &logs);
    weir.binary = built(&options.profile).display().to_string();
    let mut controllers = Controllers::start(&weir).await?;
    session.perform(steps::SESSION)?;

    let log = controllers.process().log_tail(15);
    // Nothing is left to save: a stop that takes too long becomes a kill.
    let _ = controllers.process().stop(Duration::from_secs(5));
    session.perform(steps::UNINSTALL)?;

    let (failed, performed) = (session.failed(), session.performed());
    if failed > 0 {
        println!("\nEnd of weir's log:\n{log}");
    }
    ensure!(
        failed == 0,
        "{failed} of {performed} steps did not end as they should"
    );
    println!(
        "\nAll {performed} steps ended as they should; {} s in total.",
        begin.elapsed().as_secs()
    );
    Ok(())
}

/// Where cargo puts the binary.
fn built(profile: &str) -> PathBuf {
    // The one profile whose folder has another name.
    let folder = if profile == "dev" { "debug" } else { profile };
    layout::target_dir().join(folder).join("weir")
}
