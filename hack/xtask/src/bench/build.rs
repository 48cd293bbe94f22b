//! `bench build`: the build engine against the original, as programs and as a library.

mod input;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use clap::Args;
use harness::layout;
use serde::Serialize;

use super::duel::{self, Record};
use super::usage;
use crate::{cargo, conformance};
use input::Input;

/// What `bench build` takes.
#[derive(Args, Clone, Debug)]
pub(super) struct Options {
    /// The original; built by Go into the cache if none is given.
    #[arg(long, value_name = "PATH")]
    binary: Option<PathBuf>,
    /// Bench this weir instead of building one.
    #[arg(long, value_name = "PATH")]
    weir: Option<PathBuf>,
    /// How often each program builds each input, the two in turn.
    #[arg(long, default_value_t = 11)]
    runs: usize,
    /// Seconds after which an input that was built by both is not built again.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    enough: u64,
    /// Only inputs whose name contains this.
    #[arg(long, value_name = "TEXT", default_value = "")]
    only: String,
    /// Leave the programs out, and measure the library alone.
    #[arg(long)]
    library: bool,
    /// Write the inputs to this folder, which stays, instead of a temporary one.
    #[arg(long, value_name = "DIR")]
    inputs: Option<PathBuf>,
    /// Receives everything as JSON; `target/bench/build.json` if none is given.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Debug, Serialize)]
struct Report {
    about: Vec<String>,
    programs: Vec<Record>,
}

/// Compares the programs, then measures the library on the same inputs.
///
/// # Errors
/// If a program fails, or both print different bytes.
pub(super) fn run(options: &Options) -> Result<()> {
    let scratch = layout::scratch("bench-build")?;
    let folder = match &options.inputs {
        Some(folder) => std::path::absolute(folder)?,
        None => scratch.path().to_path_buf(),
    };
    let mut inputs = input::all();
    inputs.retain(|input| input.name.contains(&options.only));
    ensure!(!inputs.is_empty(), "no input is called that");
    for input in &inputs {
        input.write(&directory(&folder, input))?;
    }
    println!("- machine: {}", usage::machine());
    input::ABOUT.iter().for_each(|line| println!("- {line}"));
    if !options.library {
        programs(options, &inputs, &folder)?;
    }
    library(&inputs, &folder)
}

fn directory(folder: &Path, input: &Input) -> PathBuf {
    folder.join(input.name.replace(' ', "-"))
}

fn programs(options: &Options, inputs: &[Input], folder: &Path) -> Result<()> {
    let original = match &options.binary {
        Some(path) => path.canonicalize()?,
        None => conformance::install()?,
    };
    let weir = duel::weir(options.weir.as_deref())?;
    let mut report = Report {
        about: vec![usage::machine(), layout::target_dir().display().to_string()],
        programs: Vec::new(),
    };
    println!("{}", duel::HEAD);
    for input in inputs {
        let root = directory(folder, input).join(input.root);
        let root = root.to_str().context("the folder's path is UTF-8")?;
        let ours = (&*weir, &["kustomize", "build", root][..]);
        let theirs = (&*original, &["build", root][..]);
        let costs = duel::print_the_same(ours, theirs)
            .and_then(|()| duel::in_turn((options.runs, options.enough), ours, theirs))
            .with_context(|| format!("input {}", input.name))?;
        let pair = duel::print_pair(&input.name, "kustomize", &costs);
        report.programs.extend(pair);
    }
    super::write_report(options.output.as_deref(), "build", &report)
}

/// The engines' own benches know their insides; they print for themselves.
fn library(inputs: &[Input], folder: &Path) -> Result<()> {
    println!();
    let mut arguments = vec![
        "run".to_owned(),
        "--locked".to_owned(),
        "--quiet".to_owned(),
        "--release".to_owned(),
    ];
    let build = ["--package", "kustomize", "--example", "build_speed", "--"];
    let others = [("kyaml", "bench"), ("envsubst", "speed")];
    let common = arguments.clone();
    arguments.extend(build.map(str::to_owned));
    for input in inputs {
        let directory = directory(folder, input);
        arguments.push(format!("{}={}", input.root, directory.display()));
    }
    let borrowed: Vec<&str> = arguments.iter().map(String::as_str).collect();
    cargo::run(&borrowed)?;
    for (package, example) in others {
        println!();
        let mut arguments: Vec<&str> = common.iter().map(String::as_str).collect();
        arguments.extend(["--package", package, "--example", example]);
        cargo::run(&arguments)?;
    }
    Ok(())
}
