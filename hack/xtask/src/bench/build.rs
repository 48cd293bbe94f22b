//! `bench build`: the build engine against the original, as programs and as a library.

mod input;
pub(super) mod measure;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use clap::Args;
use harness::layout;
use serde::Serialize;

use super::usage;
use crate::{cargo, conformance};
use input::Input;
use measure::{Cost, Spread};

pub(super) use measure::once;

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

/// What `bench once` takes.
#[derive(Args, Clone, Debug)]
pub(super) struct Once {
    /// The program and its arguments.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
    pub(super) command: Vec<OsString>,
}

/// What one program needed for one input.
#[derive(Debug, Serialize)]
struct Record {
    input: String,
    program: &'static str,
    runs: usize,
    cpu_ms: Spread,
    clock_ms: Spread,
    peak_mib: Spread,
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
    let weir = match &options.weir {
        Some(path) => path.canonicalize()?,
        None => {
            cargo::run(&["build", "--locked", "--release", "--package", "weir"])?;
            layout::target_dir().join("release/weir")
        }
    };
    let mut report = Report {
        about: vec![usage::machine(), layout::target_dir().display().to_string()],
        programs: Vec::new(),
    };
    println!(
        "\n| input | | runs | CPU ms, min / median / max | clock ms, min / median / max | peak MiB | CPU, clock, memory of the original ÷ Weir's |\n|---|---|---|---|---|---|---|"
    );
    for input in inputs {
        let root = directory(folder, input).join(input.root);
        let root = root.to_str().context("the folder's path is UTF-8")?;
        let (ours, theirs) = compare(options, (&weir, &original), root)
            .with_context(|| format!("input {}", input.name))?;
        let pair = [
            record(input, "weir", &ours),
            record(input, "kustomize", &theirs),
        ];
        print_pair(&pair);
        report.programs.extend(pair);
    }
    let path = match &options.output {
        Some(path) => path.clone(),
        None => {
            let folder = layout::target_dir().join("bench");
            std::fs::create_dir_all(&folder)?;
            folder.join("build.json")
        }
    };
    std::fs::write(&path, serde_json::to_string_pretty(&report)?)?;
    println!("\nAll figures: {}", path.display());
    Ok(())
}

/// Runs both in turn, after a first run of each whose bytes are compared.
fn compare(
    options: &Options,
    (weir, original): (&Path, &Path),
    root: &str,
) -> Result<(Vec<Cost>, Vec<Cost>)> {
    let begin = Instant::now();
    let (ours, theirs) = (["kustomize", "build", root], ["build", root]);
    let bytes = |program: &Path, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).output()?;
        let told = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{}: {told}", program.display());
        Ok(output.stdout)
    };
    let same = bytes(weir, &ours)? == bytes(original, &theirs)?;
    ensure!(same, "the programs print different bytes");
    let mut costs = (Vec::new(), Vec::new());
    for run in 0..options.runs.max(1) {
        if run > 0 && begin.elapsed() > Duration::from_secs(options.enough) {
            break;
        }
        // Who comes first changes from run to run.
        if run % 2 == 0 {
            costs.0.push(measure::measure(weir, &ours)?);
            costs.1.push(measure::measure(original, &theirs)?);
        } else {
            costs.1.push(measure::measure(original, &theirs)?);
            costs.0.push(measure::measure(weir, &ours)?);
        }
    }
    Ok(costs)
}

fn record(input: &Input, program: &'static str, costs: &[Cost]) -> Record {
    let spread = |of: fn(&Cost) -> f64| Spread::of(costs.iter().map(of));
    Record {
        input: input.name.clone(),
        program,
        runs: costs.len(),
        cpu_ms: spread(|cost| cost.cpu_ms),
        clock_ms: spread(|cost| cost.clock_ms),
        peak_mib: spread(|cost| cost.peak_mib),
    }
}

fn print_pair(pair: &[Record; 2]) {
    let [ours, theirs] = pair;
    let times = |of: fn(&Record) -> &Spread| of(theirs).median / of(ours).median;
    let shown = |it: &Spread| format!("{:.1} / {:.1} / {:.1}", it.min, it.median, it.max);
    for record in pair {
        let ratio = if std::ptr::eq(record, ours) {
            format!(
                "**{:.0}×**, **{:.0}×**, **{:.1}×**",
                times(|it| &it.cpu_ms),
                times(|it| &it.clock_ms),
                times(|it| &it.peak_mib)
            )
        } else {
            String::new()
        };
        println!(
            "| {} | {} | {} | {} | {} | {:.0} | {ratio} |",
            record.input,
            record.program,
            record.runs,
            shown(&record.cpu_ms),
            shown(&record.clock_ms),
            record.peak_mib.median
        );
    }
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
