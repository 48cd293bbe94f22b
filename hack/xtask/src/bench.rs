//! `cargo xtask bench`: the same work for Weir, its peers and a plain client, measured in one run.
//!
//! Each peer gets a control plane of its own, one after the other, and everything that was started
//! ends with this process. What is waited for is seen by one watch per kind.

mod build;
mod cluster;
mod drift;
mod duel;
mod floor;
mod git;
mod helm;
mod latency;
mod level;
mod measure;
mod meter;
mod mttp;
mod neighbours;
pub(crate) mod peer;
mod report;
mod requests;
mod stage;
mod usage;
mod workload;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use clap::{Args, Subcommand, ValueEnum};
use harness::{ControlPlaneOptions, background, layout};
use serde::Serialize;

use crate::{cargo, control_plane};
use peer::Peer;
use report::Report;

/// Name of the peer that is no controller: a plain client that writes the same objects.
const FLOOR: &str = "floor";
/// Name of the peer that is always there.
const WEIR: &str = "weir";

/// What `cargo xtask bench` takes.
#[derive(Args, Clone, Debug)]
pub(crate) struct Options {
    #[command(subcommand)]
    bench: Bench,
}

#[derive(Clone, Debug, Subcommand)]
enum Bench {
    /// Many Kustomizations of four objects each, in phases.
    Mttp(mttp::Options),
    /// One item at a time on an idle system.
    Latency(latency::Options),
    /// The build engine against kustomize, as programs and as a library.
    Build(build::Options),
    /// The chart engine against Helm, as programs and as libraries.
    Helm(helm::Options),
    /// From a repository to an artifact against the git command.
    Git(git::Options),
    /// Run a command and print what it cost.
    #[command(hide = true)]
    Once(measure::Once),
}

/// Flags that both benches have.
#[derive(Args, Clone, Debug)]
struct Common {
    /// A file with the command lines of peers that do the same work.
    #[arg(long, value_name = "FILE")]
    peers: Option<PathBuf>,
    /// Run only this one; may be repeated. `weir` and `floor` are always known.
    #[arg(long, value_name = "NAME")]
    peer: Vec<String>,
    /// Bench this weir instead of building one.
    #[arg(long, value_name = "PATH")]
    weir: Option<PathBuf>,
    /// The cargo profile that weir is built with.
    #[arg(long, value_name = "NAME", default_value = "release")]
    profile: String,
    /// Requests per second that kube-controller-manager allows itself.
    #[arg(long, value_name = "N", default_value_t = 1000)]
    kcm_qps: u32,
    /// Requests that kube-controller-manager may make at once.
    #[arg(long, value_name = "N", default_value_t = 2000)]
    kcm_burst: u32,
    /// Leave kube-controller-manager at its own default, 20 requests/s and 30 at once.
    #[arg(long, conflicts_with_all = ["kcm_qps", "kcm_burst"])]
    kcm_default: bool,
    /// A ConfigMap in the place of the Deployment.
    #[arg(long)]
    no_deployment: bool,
    /// Count requests by who made them, from the API server's audit log; costs time.
    #[arg(long)]
    audit: bool,
    /// `spec.timeout` of each Kustomization.
    #[arg(long, value_name = "DURATION", default_value = "1m")]
    item_timeout: String,
    /// Seconds after which a phase has failed.
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    timeout: u64,
    /// Receives everything as JSON; `target/bench/<bench>.json` if none is given.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Where the Kustomizations get their manifests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Source {
    /// One GitRepository for all.
    One,
    /// A GitRepository for each.
    Each,
}

/// Runs one bench for all its peers, in an optimised build of this program: the client shares the
/// machine with what it measures.
///
/// # Errors
/// If a phase of a peer failed; what was measured is printed and written nevertheless.
pub(crate) fn run(options: &Options) -> Result<()> {
    let common = match &options.bench {
        // Nothing of this program's own work is in these figures.
        Bench::Git(options) => return git::run(options),
        Bench::Build(options) => return build::run(options),
        Bench::Helm(options) => return helm::run(options),
        Bench::Once(options) => return measure::once(&options.command),
        Bench::Mttp(options) => &options.common,
        Bench::Latency(options) => &options.common,
    };
    if cfg!(debug_assertions) {
        return run_optimised();
    }
    common.prepare()?;
    let peers = common.peers()?;
    let name = match options.bench {
        Bench::Mttp(_) => "mttp",
        _ => "latency",
    };
    let path = common.output(name)?;
    let report = background::runtime().block_on(async {
        let mut report = Report::new(name, common.about());
        for peer in &peers {
            eprintln!("{}: {}", peer.name, peer.about);
            match &options.bench {
                Bench::Mttp(options) => mttp::run(options, peer, &mut report).await,
                Bench::Latency(options) => latency::run(options, peer, &mut report).await,
                Bench::Build(_) | Bench::Git(_) | Bench::Helm(_) | Bench::Once(_) => {}
            }
            // What is measured is kept, whatever becomes of the next peer.
            report.write(&path)?;
        }
        anyhow::Ok(report)
    })?;
    report.print();
    println!("\nAll figures: {}", path.display());
    ensure!(report.failures() == 0, "{} peers failed", report.failures());
    Ok(())
}

/// Where a bench's figures go.
fn report_path(output: Option<&Path>, bench: &str) -> Result<PathBuf> {
    if let Some(path) = output {
        return Ok(path.to_owned());
    }
    let folder = layout::target_dir().join("bench");
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("cannot make {}", folder.display()))?;
    Ok(folder.join(format!("{bench}.json")))
}

fn write_report(output: Option<&Path>, bench: &str, report: &impl Serialize) -> Result<()> {
    let path = report_path(output, bench)?;
    std::fs::write(&path, serde_json::to_vec_pretty(report)?)?;
    println!("\nAll figures: {}", path.display());
    Ok(())
}

fn run_optimised() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut command = vec!["run", "--locked", "--quiet", "--profile", "quick"];
    command.extend(["--package", "xtask", "--"]);
    command.extend(arguments.iter().map(String::as_str));
    cargo::run(&command)
}

impl Common {
    /// Builds weir unless one was given, and gets the control plane.
    fn prepare(&self) -> Result<()> {
        if self.weir.is_none() {
            let profile = ["--profile", &self.profile];
            let packages = ["--package", "weir", "--package", "source-controller"];
            cargo::run(&[&["build", "--locked"], &profile[..], &packages[..]].concat())?;
        }
        self.weir()?;
        control_plane::get().map(drop)
    }

    /// Everything that is to be run, in order.
    fn peers(&self) -> Result<Vec<Peer>> {
        let mut known = vec![Peer::floor(), Peer::weir()];
        if let Some(file) = &self.peers {
            known.extend(peer::read(file)?);
        }
        for wanted in &self.peer {
            let found = known.iter().any(|peer| peer.name == *wanted);
            ensure!(
                found,
                "no peer {wanted}: give the file that has it by --peers"
            );
        }
        let wanted = |peer: &Peer| self.peer.is_empty() || self.peer.contains(&peer.name);
        known.retain(wanted);
        Ok(known)
    }

    /// The weir that is run, and in whose folder its other programs are.
    fn weir(&self) -> Result<PathBuf> {
        // The one profile whose folder has another name.
        let folder = match self.profile.as_str() {
            "dev" => "debug",
            other => other,
        };
        let built = layout::target_dir().join(folder).join("weir");
        let path = self.weir.clone().unwrap_or(built);
        path.canonicalize()
            .with_context(|| format!("no {}", path.display()))
    }

    fn control_plane(&self) -> ControlPlaneOptions {
        let (qps, burst) = if self.kcm_default {
            (20, 30)
        } else {
            (self.kcm_qps, self.kcm_burst)
        };
        ControlPlaneOptions {
            controller_manager_qps: qps,
            controller_manager_burst: burst,
            audit: self.audit,
        }
    }

    fn limit(&self) -> Duration {
        Duration::from_secs(self.timeout)
    }

    fn output(&self, bench: &str) -> Result<PathBuf> {
        report_path(self.output.as_deref(), bench)
    }

    /// What a reader must know to read the figures.
    fn about(&self) -> Vec<String> {
        let plane = self.control_plane();
        let default = if self.kcm_default {
            " (its default)"
        } else {
            ""
        };
        let fourth = if self.no_deployment {
            "ConfigMap"
        } else {
            "Deployment with 0 replicas"
        };
        let mut lines = vec![
            format!("machine: {}", usage::machine()),
            self.version(),
            format!(
                "kube-controller-manager: {} requests/s, {} at once{default}",
                plane.controller_manager_qps, plane.controller_manager_burst
            ),
            format!("item: ServiceAccount, Service, {fourth}, Ingress; wait, prune, impersonation"),
        ];
        if self.audit {
            lines.push(String::from(
                "the API server writes an audit log: times are longer",
            ));
        }
        lines
    }

    /// Which weir is measured.
    fn version(&self) -> String {
        if let Some(path) = &self.weir {
            return format!("weir: {}", path.display());
        }
        let git = |args: &[&str]| {
            let mut command = std::process::Command::new("git");
            let output = command.args(args).current_dir(layout::workspace()).output();
            output.map_or_else(
                |_| String::new(),
                |it| String::from_utf8_lossy(&it.stdout).trim().to_owned(),
            )
        };
        let commit = git(&["rev-parse", "--short", "HEAD"]);
        let changed = if git(&["status", "--porcelain"]).is_empty() {
            ""
        } else {
            " with uncommitted changes"
        };
        format!("weir: commit {commit}{changed}, profile {}", self.profile)
    }
}
