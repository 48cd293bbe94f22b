//! `weir kustomize build DIR`: the same arguments and bytes as `kustomize build`.

use std::process::ExitCode;

use clap::{Args, ValueEnum};
use kustomize::{LoadRestriction, Options, Order};

use crate::disk::Disk;

/// Arguments of `kustomize build` that mean something here.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The directory to build.
    #[arg(default_value = ".")]
    directory: String,
    /// Whether files outside of the kustomization's directory may be read.
    #[arg(long, value_enum, default_value_t = LoadRestrictor::RootOnly, alias = "load_restrictor")]
    load_restrictor: LoadRestrictor,
    /// The order of the output.
    #[arg(long, value_enum, default_value_t = Reorder::Legacy)]
    reorder: Reorder,
    /// Label every object with `app.kubernetes.io/managed-by`.
    #[arg(long)]
    enable_managedby_label: bool,
    /// Write to this file instead of stdout.
    #[arg(long, short)]
    output: Option<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum LoadRestrictor {
    #[value(name = "LoadRestrictionsRootOnly")]
    RootOnly,
    #[value(name = "LoadRestrictionsNone")]
    None,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Reorder {
    Legacy,
    None,
}

/// Builds, and prints the result or the error.
pub(crate) fn build(arguments: &Arguments) -> ExitCode {
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            crate::complain(&format!("Error: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let root = std::path::absolute(&arguments.directory)?;
    let root = root.to_str().ok_or("the directory's path is not UTF-8")?;
    let options = Options {
        load_restriction: match arguments.load_restrictor {
            LoadRestrictor::RootOnly => LoadRestriction::RootOnly,
            LoadRestrictor::None => LoadRestriction::None,
        },
        order: match arguments.reorder {
            Reorder::Legacy => Order::Legacy,
            Reorder::None => Order::Accumulated,
        },
        managed_by_label: arguments.enable_managedby_label,
        ..Options::default()
    };
    let build = kustomize::build(&Disk, root, &options)?;
    let yaml = build.to_yaml()?;
    // The process ends: taking large trees apart would only take time.
    std::mem::forget(build);
    match &arguments.output {
        None => crate::print(&yaml),
        Some(file) => std::fs::write(file, yaml)?,
    }
    Ok(())
}
