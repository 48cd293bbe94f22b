//! The program `weir`: the controllers in one process, and the engines offline.

mod disk;
mod helm_template;
mod kustomize_build;
mod run;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// GitOps for Kubernetes, speaking Flux's API.
#[derive(Debug, Parser)]
#[command(name = "weir", version, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the controllers in one process. `weir run --help` lists their flags.
    #[command(disable_help_flag = true)]
    Run {
        /// Flags of the controllers.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        flags: Vec<std::ffi::OsString>,
    },
    /// Render charts as Helm does.
    #[command(subcommand)]
    Helm(Helm),
    /// Build manifests as kustomize does.
    #[command(subcommand)]
    Kustomize(Kustomize),
    /// Print the version.
    Version {
        /// `yaml` or `json`; anything else prints one line.
        #[arg(long, short)]
        output: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
enum Helm {
    /// Render a chart's templates and print them. `weir helm template --help` lists its flags.
    #[command(disable_help_flag = true)]
    Template {
        /// What `helm template` takes.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<std::ffi::OsString>,
    },
}

#[derive(Debug, Subcommand)]
enum Kustomize {
    /// Build the kustomization in a directory and print it.
    Build(kustomize_build::Arguments),
}

fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Run { flags } => run::run(flags),
        Command::Helm(Helm::Template { arguments }) => helm_template::template(arguments),
        Command::Kustomize(Kustomize::Build(arguments)) => kustomize_build::build(&arguments),
        Command::Version { output } => {
            print(&version(output.as_deref()));
            ExitCode::SUCCESS
        }
    }
}

fn version(output: Option<&str>) -> String {
    let version = env!("CARGO_PKG_VERSION");
    match output {
        Some("json") => format!("{{\"weir\": \"v{version}\"}}\n"),
        Some("yaml") => format!("weir: v{version}\n"),
        _ => format!("weir: v{version}\n"),
    }
}

/// Data goes to stdout; a reader that is gone is no error.
#[expect(clippy::print_stdout, reason = "the one place that prints data")]
fn print(text: &str) {
    print!("{text}");
}

/// What people should know goes to stderr.
#[expect(clippy::print_stderr, reason = "the one place that prints messages")]
fn complain(text: &str) {
    eprintln!("{text}");
}
