//! All automation of the workspace: `cargo xtask COMMAND`.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line tool prints"
)]

mod bench;
mod cargo;
mod codegen;
mod component;
mod conformance;
mod control_plane;
mod crash;
mod deny;
mod flux_cli;
mod fuzz;
mod fuzz_diff;
mod picture;
mod policies;
mod quickstart;
mod suite;
mod takeover;
mod tidy;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(name = "cargo xtask", about = "All automation of the workspace")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Run everything that CI runs, each step timed.
    Test,
    /// Check the formatting.
    Format,
    /// Run clippy on all targets; warnings are errors.
    Clippy,
    /// Check layers, sizes, names and manifests.
    Tidy,
    /// Check licences, bans, sources and advisories of dependencies.
    Deny,
    /// Write `config/crd` from the Rust types.
    Codegen {
        /// Only say what differs.
        #[arg(long)]
        check: bool,
    },
    /// Run the unit tests; they need nothing.
    Unit,
    /// Run the tests against a real control plane.
    Component {
        /// Run only tests whose name contains this.
        filter: Option<String>,
    },
    /// Run a recorded corpus: `conformance kustomize|sops|helm [--corpus DIR] [--filter TEXT] [--verbose]`.
    Conformance {
        /// The engine, and what its runner takes.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Record the project's own corpus: `record kustomize|sops|helm|helm-template [--binary PATH] [--filter TEXT]`.
    Record {
        /// The engine, and what its recorder takes.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Fuzz what reads foreign bytes: `fuzz [TARGET] --seconds 60`.
    Fuzz(fuzz::Options),
    /// Compare with the real program on random input: `fuzz-diff kustomize --n 2000 --seed 1`.
    FuzzDiff(fuzz_diff::Options),
    /// Show a GitOps loop from nothing, with times; needs no cluster.
    Quickstart(quickstart::Options),
    /// Try Flux's own command line client on our controllers; builds it first.
    FluxCli(flux_cli::Options),
    /// Measure Weir, its peers and a plain client: `bench mttp --n 1000`, `bench latency`, `bench build`, `bench git`.
    Bench(Box<bench::Options>),
    /// Kill kustomize-controller at every write, and let the world misbehave around it: `crash [--only TEXT]`.
    Crash(crash::Options),
    /// Take a cluster over from other controllers and give it back: `takeover --peers FILE`.
    Takeover(takeover::Options),
    /// Ask from three namespaces for all that listens, with network policies enforced and not; needs root.
    Policies(policies::Options),
    /// Get etcd, kube-apiserver, kube-controller-manager and kubectl.
    ControlPlane {
        /// Print only the folder that holds kube-apiserver.
        #[arg(long)]
        print_dir: bool,
        /// Run an empty control plane until Ctrl-C.
        #[arg(long, conflicts_with = "print_dir")]
        start: bool,
    },
}

fn main() -> ExitCode {
    match run(Arguments::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<()> {
    match task {
        Task::Test => suite::run(),
        Task::Format => suite::alone(suite::format),
        Task::Clippy => suite::alone(suite::clippy),
        Task::Tidy => suite::alone(tidy::run),
        Task::Deny => suite::alone(deny::run),
        Task::Codegen { check: true } => codegen::check(),
        Task::Codegen { check: false } => codegen::run(),
        Task::Unit => suite::alone(suite::unit),
        Task::Component { filter } => {
            let tally = component::run(filter.as_deref())?;
            suite::conclude(suite::Outcome::Ran(tally))
        }
        Task::Conformance { args } => conformance::run(args),
        Task::Record { args } => conformance::record(args),
        Task::Fuzz(options) => fuzz::run(&options),
        Task::FuzzDiff(options) => fuzz_diff::run(&options),
        Task::Quickstart(options) => quickstart::run(&options),
        Task::FluxCli(options) => flux_cli::run(&options),
        Task::Crash(options) => crash::run(&options),
        Task::Takeover(options) => takeover::run(&options),
        Task::Policies(options) => policies::run(&options),
        Task::Bench(options) => bench::run(&options),
        Task::ControlPlane { print_dir, start } => control_plane::run(print_dir, start),
    }
}
