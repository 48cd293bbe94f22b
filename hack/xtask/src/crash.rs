//! `cargo xtask crash`: kustomize-controller dies at every write, and the world misbehaves around it.
//!
//! Everything is real: etcd, kube-apiserver, source-controller, a Git server and the controller's own binary. A
//! proxy before the API server records every request. For each write of each scenario the controller is killed
//! once before it reaches the server and once when it has, with its answer lost; then it is started again, and what
//! it makes of it is compared with an undisturbed run. Not part of CI: it takes minutes.

mod case;
mod faults;
mod points;
mod scenarios;
mod stage;

use std::time::Instant;

use anyhow::{Result, ensure};
use clap::Args;
use harness::background;

use crate::{cargo, control_plane};
use points::Tally;
use stage::Stage;

/// Flags of the command.
#[derive(Args, Clone, Debug)]
pub(crate) struct Options {
    /// Run only scenarios whose name contains this.
    #[arg(long, value_name = "TEXT", default_value = "")]
    only: String,
    /// Leave out the crashes at every write.
    #[arg(long)]
    faults_only: bool,
    /// Leave out the other faults.
    #[arg(long, conflicts_with = "faults_only")]
    crashes_only: bool,
    /// Cases at a time.
    #[arg(long, value_name = "N", default_value_t = 4)]
    jobs: usize,
    /// The cargo profile that the controllers are built with.
    #[arg(long, value_name = "NAME", default_value = "dev")]
    profile: String,
}

/// Runs everything and prints a table.
///
/// # Errors
/// If a case did not end as the undisturbed one.
pub(crate) fn run(options: &Options) -> Result<()> {
    control_plane::get()?;
    let packages = [
        "--package",
        "source-controller",
        "--package",
        "kustomize-controller",
    ];
    let profile = ["build", "--locked", "--profile", &options.profile];
    cargo::run(&[&profile[..], &packages[..]].concat())?;
    background::runtime().block_on(perform(options))
}

async fn perform(options: &Options) -> Result<()> {
    let begin = Instant::now();
    let mut stage = Stage::start(&options.profile).await?;
    let mut rows = Vec::new();
    for scenario in scenarios::all() {
        if scenario.name.contains(&options.only) && !options.faults_only {
            let tally = points::run(&stage, &scenario, options.jobs).await?;
            eprintln!("{}", tally.line());
            rows.push(tally);
        }
    }
    let faults = match options.crashes_only {
        true => Vec::new(),
        false => faults::run(&mut stage, &options.only, options.jobs).await?,
    };
    if !rows.is_empty() {
        println!("\n{}", Tally::HEAD);
    }
    rows.iter().for_each(|row| println!("{}", row.line()));
    println!();
    faults.iter().for_each(|row| println!("{}", row.line()));
    let crashes = rows.iter().flat_map(|row| row.failures.iter().cloned());
    let failures = crashes.chain(faults.iter().filter_map(faults::Row::failure));
    let failures: Vec<String> = failures.collect();
    failures.iter().for_each(|failure| println!("\n{failure}"));
    println!("\n{} s in total", begin.elapsed().as_secs());
    let failed = failures.len();
    ensure!(failed == 0, "{failed} cases did not end as they should");
    Ok(())
}
