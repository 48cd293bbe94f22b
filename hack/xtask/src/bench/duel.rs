//! Two programs that do the same thing, run in turn: what each needs for it, and how many times more the original does.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use harness::layout;
use serde::Serialize;

use super::measure::{Cost, Needs, Spread, measure};
use crate::cargo;

/// The head of the table that [`print_pair`] fills.
pub(super) const HEAD: &str = "\n| input | | runs | CPU ms, min / median / max | clock ms, min / median / max | peak MiB | CPU, clock, memory of the original ÷ Weir's |\n|---|---|---|---|---|---|---|";

/// What one program needed for one input.
#[derive(Debug, Serialize)]
pub(super) struct Record {
    input: String,
    program: &'static str,
    #[serde(flatten)]
    needs: Needs,
}

/// What each run cost: ours, and the original's.
pub(super) type Costs = (Vec<Cost>, Vec<Cost>);

/// A program and its arguments.
pub(super) type Call<'a> = (&'a Path, &'a [&'a str]);

/// The weir that was given, or else one that is built now.
pub(super) fn weir(given: Option<&Path>) -> Result<PathBuf> {
    if let Some(path) = given {
        return Ok(path.canonicalize()?);
    }
    cargo::run(&["build", "--locked", "--release", "--package", "weir"])?;
    Ok(layout::target_dir().join("release/weir"))
}

/// Runs each once.
///
/// # Errors
/// If one fails, or they print different bytes.
pub(super) fn print_the_same(ours: Call<'_>, theirs: Call<'_>) -> Result<()> {
    let same = bytes(ours)? == bytes(theirs)?;
    ensure!(same, "the programs print different bytes");
    Ok(())
}

fn bytes((program, arguments): Call<'_>) -> Result<Vec<u8>> {
    let output = Command::new(program).args(arguments).output()?;
    let told = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{}: {told}", program.display());
    Ok(output.stdout)
}

/// Runs both `runs` times, no longer begun after `enough` seconds. Who comes first changes from run to run.
///
/// # Errors
/// If one fails.
pub(super) fn in_turn(
    (runs, enough): (usize, u64),
    ours: Call<'_>,
    theirs: Call<'_>,
) -> Result<Costs> {
    let begin = Instant::now();
    let cost = |(program, arguments): Call<'_>| measure(program, arguments);
    let mut costs = (Vec::new(), Vec::new());
    for run in 0..runs.max(1) {
        if run > 0 && begin.elapsed() > Duration::from_secs(enough) {
            break;
        }
        if run % 2 == 0 {
            costs.0.push(cost(ours)?);
            costs.1.push(cost(theirs)?);
        } else {
            costs.1.push(cost(theirs)?);
            costs.0.push(cost(ours)?);
        }
    }
    Ok(costs)
}

/// What both needed for `input`, printed as two lines of the table.
pub(super) fn print_pair(
    input: &str,
    original: &'static str,
    (ours, theirs): &Costs,
) -> [Record; 2] {
    let pair = [record(input, "weir", ours), record(input, original, theirs)];
    let [ours, theirs] = &pair;
    let times = |of: fn(&Needs) -> &Spread| of(&theirs.needs).median / of(&ours.needs).median;
    let ratio = format!(
        "**{:.1}×**, **{:.1}×**, **{:.1}×**",
        times(|it| &it.cpu_ms),
        times(|it| &it.clock_ms),
        times(|it| &it.peak_mib)
    );
    let shown = |it: &Spread| format!("{:.1} / {:.1} / {:.1}", it.min, it.median, it.max);
    for (record, ratio) in [(ours, ratio.as_str()), (theirs, "")] {
        let needs = &record.needs;
        let (cpu, clock) = (shown(&needs.cpu_ms), shown(&needs.clock_ms));
        let peak = needs.peak_mib.median;
        println!(
            "| {input} | {} | {} | {cpu} | {clock} | {peak:.0} | {ratio} |",
            record.program, needs.runs
        );
    }
    pair
}

fn record(input: &str, program: &'static str, costs: &[Cost]) -> Record {
    Record {
        input: input.to_owned(),
        program,
        needs: Needs::of(costs),
    }
}
