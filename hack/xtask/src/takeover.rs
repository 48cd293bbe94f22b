//! `cargo xtask takeover`: a cluster that other controllers run is taken over, upgraded and given back.
//!
//! Two control planes with the same Kustomizations. In one, the peer's kustomize-controller does everything; in the
//! other, ours takes over between its first and its last turn. Taking over and giving back must leave every object as
//! it is, and what both say and make of the same things must be the same.

mod compare;
mod corners;
mod tour;
mod workload;

use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use clap::Args;
use harness::background;

use crate::bench::peer::{self, Peer};
use crate::{cargo, control_plane};
use tour::{Turn, tour};

/// Flags of the command.
#[derive(Args, Clone, Debug)]
pub(crate) struct Options {
    /// A file with command lines, as of the benches; source-controller is always Weir's.
    #[arg(long, value_name = "FILE")]
    peers: PathBuf,
    /// The peer of that file whose kustomize-controller is taken over from.
    #[arg(long, value_name = "NAME", default_value = "kustomize-controller")]
    peer: String,
    /// The cargo profile that our controllers are built with.
    #[arg(long, value_name = "NAME", default_value = "dev")]
    profile: String,
    /// Let ours do everything in the second control plane, from the first turn on.
    #[arg(long)]
    ours_only: bool,
}

/// Runs both tours and prints a table.
///
/// # Errors
/// If anything differs.
pub(crate) fn run(options: &Options) -> Result<()> {
    let peers = peer::read(&options.peers)?;
    let peer = peers.into_iter().find(|peer| peer.name == options.peer);
    let peer = peer.with_context(|| format!("no peer {}", options.peer))?;
    control_plane::get()?;
    let packages = [
        "--package",
        "source-controller",
        "--package",
        "kustomize-controller",
    ];
    let profile = ["build", "--locked", "--profile", &options.profile];
    cargo::run(&[&profile[..], &packages[..]].concat())?;
    background::runtime().block_on(perform(options, &peer))
}

async fn perform(options: &Options, peer: &Peer) -> Result<()> {
    let theirs = || Turn::Theirs(peer);
    let others = [theirs(), theirs(), theirs()];
    let ours = match options.ours_only {
        true => [Turn::Ours, Turn::Ours, Turn::Ours],
        false => [theirs(), Turn::Ours, theirs()],
    };
    let (wanted, found) = futures::try_join!(
        tour("takeover-theirs", &options.profile, others),
        tour("takeover-ours", &options.profile, ours)
    )?;
    let report = compare::report(&wanted, &found);
    println!("{}", report.table);
    for difference in &report.differences {
        println!("{difference}");
    }
    let count = report.differences.len();
    ensure!(count == 0, "{count} differences");
    Ok(())
}
