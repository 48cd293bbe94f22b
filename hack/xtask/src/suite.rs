//! `cargo xtask test`: every check in order, with its time.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::cargo::{self, Tally};
use crate::{codegen, component, conformance, deny, tidy};

/// What a step came to.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// It ran; tests may have failed.
    Ran(Tally),
    /// It could not run here, for this reason.
    Skipped(String),
}

/// A name and what to run.
type Step = (&'static str, fn() -> Result<Outcome>);

/// Cheap checks first.
const STEPS: [Step; 8] = [
    ("format", format),
    ("tidy", tidy::run),
    ("deny", deny::run),
    ("codegen", || {
        codegen::check().map(|()| Outcome::Ran(Tally::ONE))
    }),
    ("clippy", clippy),
    ("unit", unit),
    ("conformance", conformance),
    ("component", || component::run(None).map(Outcome::Ran)),
];

/// Runs every step, also after one failed, and prints a table with times.
///
/// # Errors
/// If any check or test failed.
pub(crate) fn run() -> Result<()> {
    let start = Instant::now();
    let mut total = Tally::default();
    let mut report = String::new();
    for (name, step) in STEPS {
        println!("\n==> {name}");
        let begin = Instant::now();
        let result = step();
        let (tally, text) = match &result {
            Ok(Outcome::Ran(tally)) => (*tally, describe(*tally)),
            Ok(Outcome::Skipped(reason)) => (Tally::default(), format!("SKIPPED: {reason}")),
            Err(error) => (
                Tally {
                    passed: 0,
                    failed: 1,
                },
                format!("FAILED: {error:#}"),
            ),
        };
        total += tally;
        let line = format!("{name:12}{:>8}  {text}", seconds(begin.elapsed()));
        println!("{line}");
        report = report + &line + "\n";
    }
    println!("\n{report}{:12}{:>8}", "total", seconds(start.elapsed()));
    println!("\n{} passed, {} failed", total.passed, total.failed);
    if total.failed > 0 {
        bail!("something failed, see above");
    }
    Ok(())
}

/// Runs one step alone.
///
/// # Errors
/// If it failed, or a test in it.
pub(crate) fn alone(step: fn() -> Result<Outcome>) -> Result<()> {
    conclude(step()?)
}

/// What an outcome means for the exit code.
///
/// # Errors
/// If a test failed.
pub(crate) fn conclude(outcome: Outcome) -> Result<()> {
    match outcome {
        Outcome::Ran(Tally { failed: 0, .. }) => Ok(()),
        Outcome::Ran(Tally { failed, .. }) => bail!("{failed} failed"),
        Outcome::Skipped(reason) => {
            println!("SKIPPED: {reason}");
            Ok(())
        }
    }
}

/// Checks the formatting.
pub(crate) fn format() -> Result<Outcome> {
    cargo::run(&["fmt", "--all", "--check"])?;
    Ok(Outcome::Ran(Tally::ONE))
}

/// Runs clippy on everything.
pub(crate) fn clippy() -> Result<Outcome> {
    let args = [
        "clippy",
        "--locked",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ];
    cargo::run(&args)?;
    Ok(Outcome::Ran(Tally::ONE))
}

/// Runs the tests of the default members, which need no cluster.
pub(crate) fn unit() -> Result<Outcome> {
    cargo::test(&[]).map(Outcome::Ran)
}

/// Runs the recorded cases of the engines.
fn conformance() -> Result<Outcome> {
    conformance::run(vec![String::from("kustomize")])?;
    conformance::run(vec![String::from("sops")])?;
    Ok(Outcome::Ran(Tally::ONE))
}

fn describe(tally: Tally) -> String {
    match tally {
        Tally::ONE => String::from("ok"),
        Tally { passed, failed: 0 } => format!("{passed} passed"),
        Tally { passed, failed } => format!("FAILED: {passed} passed, {failed} failed"),
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}
