//! `bench helm`: rendering charts against the original, as programs and as libraries.

mod input;

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use clap::Args;
use harness::layout;
use serde_json::json;

use super::duel::{self, Costs};
use super::measure::Cost;
use super::usage;
use crate::conformance;
use input::Input;

/// What `bench helm` takes.
#[derive(Args, Clone, Debug)]
pub(super) struct Options {
    /// The original; built by Go into the cache if none is given.
    #[arg(long, value_name = "PATH")]
    binary: Option<PathBuf>,
    /// The program around the original's packages; built by Go into the cache if none is given.
    #[arg(long, value_name = "PATH")]
    oracle: Option<PathBuf>,
    /// Bench this weir instead of building one.
    #[arg(long, value_name = "PATH")]
    weir: Option<PathBuf>,
    /// How often each program renders each input, the two in turn.
    #[arg(long, default_value_t = 11)]
    runs: usize,
    /// How often each program renders each case of the corpus.
    #[arg(long, default_value_t = 3)]
    corpus_runs: usize,
    /// Seconds after which an input that was rendered by both is not rendered again.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    enough: u64,
    /// A folder with `charts/` and `cases/`, whose cases are rendered as well.
    #[arg(long, value_name = "DIR")]
    corpus: Option<PathBuf>,
    /// Leave the programs out, and measure the libraries alone.
    #[arg(long)]
    library: bool,
    /// Receives everything as JSON; `target/bench/helm.json` if none is given.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Compares the programs, then the libraries.
///
/// # Errors
/// If a program fails, or both print different bytes.
pub(super) fn run(options: &Options) -> Result<()> {
    let scratch = layout::scratch("bench-helm")?;
    let mut inputs = input::own(scratch.path())?;
    println!("- machine: {}", usage::machine());
    input::ABOUT.iter().for_each(|line| println!("- {line}"));
    let cases = match &options.corpus {
        Some(folder) => input::cases(folder)?,
        None => Vec::new(),
    };
    if !options.library {
        programs(options, &inputs, &cases)?;
    }
    // One of each chart is enough for the libraries.
    inputs.extend(cases.into_iter().filter(|it| it.name.ends_with("/default")));
    libraries(options, &inputs)
}

/// Both programs.
struct Programs {
    weir: PathBuf,
    helm: PathBuf,
}

fn find(options: &Options) -> Result<Programs> {
    let helm = match &options.binary {
        Some(path) => path.canonicalize()?,
        None => conformance::install_helm()?,
    };
    let weir = duel::weir(options.weir.as_deref())?;
    Ok(Programs { weir, helm })
}

fn programs(options: &Options, inputs: &[Input], cases: &[Input]) -> Result<()> {
    let programs = find(options)?;
    println!("{}", duel::HEAD);
    let mut records = Vec::new();
    for input in inputs {
        let costs = compare(options, &programs, input, options.runs)?;
        records.extend(duel::print_pair(&input.name, "helm", &costs));
    }
    if !cases.is_empty() {
        let costs = all(options, &programs, cases)?;
        let name = format!("corpus: {} renders", cases.len());
        records.extend(duel::print_pair(&name, "helm", &costs));
    }
    let report = json!({"about": usage::machine(), "programs": records});
    super::write_report(options.output.as_deref(), "helm", &report)
}

/// The sums over all cases, once for each round.
fn all(options: &Options, programs: &Programs, cases: &[Input]) -> Result<Costs> {
    let mut rounds = (Vec::new(), Vec::new());
    for _ in 0..options.corpus_runs.max(1) {
        let nothing = Cost {
            clock_ms: 0.0,
            cpu_ms: 0.0,
            peak_mib: 0.0,
        };
        let mut sums = [nothing; 2];
        for case in cases {
            let (ours, theirs) = compare(options, programs, case, 1)?;
            for (sum, cost) in sums.iter_mut().zip([&ours[0], &theirs[0]]) {
                sum.clock_ms += cost.clock_ms;
                sum.cpu_ms += cost.cpu_ms;
                sum.peak_mib = sum.peak_mib.max(cost.peak_mib);
            }
        }
        let [ours, theirs] = sums;
        rounds.0.push(ours);
        rounds.1.push(theirs);
    }
    Ok(rounds)
}

/// Runs both in turn, after a first run of each whose bytes are compared unless chance has a part in them.
fn compare(options: &Options, programs: &Programs, input: &Input, runs: usize) -> Result<Costs> {
    let chart = input.arguments.iter().map(String::as_str);
    let ours: Vec<&str> = ["helm", "template"].into_iter().chain(chart).collect();
    let (ours, theirs) = ((&*programs.weir, &*ours), (&*programs.helm, &ours[1..]));
    if runs > 1 {
        duel::print_the_same(ours, theirs).with_context(|| format!("input {}", input.name))?;
    }
    duel::in_turn((runs, options.enough), ours, theirs)
}

/// Milliseconds within a program that holds the chart: loading it, the first and a later rendering.
#[derive(Clone, Copy, Debug, serde::Deserialize)]
struct Inside {
    load_ms: f64,
    first_ms: f64,
    again_ms: f64,
}

/// The original's packages inside of our program around them, and our engine inside of an example.
fn libraries(options: &Options, inputs: &[Input]) -> Result<()> {
    let questions: Vec<String> = inputs.iter().map(|it| it.question().to_string()).collect();
    let mut oracle = conformance::Oracle::start(options.oracle.clone())?;
    println!(
        "\n| input | | load ms | first render ms | later render ms, median | later render: Helm's ÷ Weir's |\n|---|---|---|---|---|---|"
    );
    let ours = ours(&questions)?;
    let mut sums = [0.0; 2];
    for ((input, question), ours) in inputs.iter().zip(&questions).zip(&ours) {
        let answer = oracle.ask(&serde_json::from_str(question)?)?;
        let theirs: Inside = match serde_json::from_value(answer.clone()) {
            Ok(inside) => inside,
            Err(_) => bail!("{}: {answer}", input.name),
        };
        sums[0] += ours.again_ms;
        sums[1] += theirs.again_ms;
        for (name, of) in [("weir", ours), ("helm", &theirs)] {
            let ratio = match name {
                "weir" => format!("**{:.1}×**", theirs.again_ms / ours.again_ms),
                _ => String::new(),
            };
            println!(
                "| {} | {name} | {:.2} | {:.2} | {:.2} | {ratio} |",
                input.name, of.load_ms, of.first_ms, of.again_ms
            );
        }
    }
    println!(
        "\nAll later renders: Weir {:.1} ms, Helm {:.1} ms, {:.1}×",
        sums[0],
        sums[1],
        sums[1] / sums[0]
    );
    Ok(())
}

fn ours(questions: &[String]) -> Result<Vec<Inside>> {
    let scratch = layout::scratch("bench-helm-questions")?;
    let file = scratch.path().join("questions.jsonl");
    std::fs::write(&file, questions.join("\n"))?;
    let output = Command::new("cargo")
        .args([
            "run",
            "--locked",
            "--quiet",
            "--release",
            "--package",
            "helm",
        ])
        .args(["--example", "render_speed", "--"])
        .arg(&file)
        .output()
        .context("cargo could not be started")?;
    let told = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "render_speed: {told}");
    let text = String::from_utf8(output.stdout)?;
    let lines = text.lines().map(serde_json::from_str);
    lines
        .collect::<Result<_, _>>()
        .context("the example prints JSON")
}
