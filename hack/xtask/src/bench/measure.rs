//! What one run of a program costs: its clock, processor time and peak of memory.
//!
//! The kernel tells the peak only of the largest child that a process has waited for, so each run has a
//! parent of its own: this program again, as `bench once`.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use clap::Args;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;
use serde::{Deserialize, Serialize};

/// What `bench once` takes.
#[derive(Args, Clone, Debug)]
pub(super) struct Once {
    /// The program and its arguments.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
    pub(super) command: Vec<OsString>,
}

/// What one run cost.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(super) struct Cost {
    /// Until it had ended.
    pub(super) clock_ms: f64,
    /// User and system time of all its threads.
    pub(super) cpu_ms: f64,
    /// The highest resident memory. Never below that of its parent, about 5 MiB.
    pub(super) peak_mib: f64,
}

/// Runs a program once, its output thrown away.
///
/// # Errors
/// If it fails.
pub(super) fn measure(program: &Path, arguments: &[&str]) -> Result<Cost> {
    let output = Command::new(std::env::current_exe()?)
        .args(["bench", "once", "--"])
        .arg(program)
        .args(arguments)
        .output()?;
    let told = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{}: {told}", program.display());
    serde_json::from_slice(&output.stdout).context("a run's cost is JSON")
}

/// The other side: runs the command and prints its cost.
///
/// # Errors
/// If it fails.
pub(super) fn once(command: &[OsString]) -> Result<()> {
    let (program, arguments) = command.split_first().context("nothing to run")?;
    let begin = Instant::now();
    let status = Command::new(program)
        .args(arguments)
        .stdout(Stdio::null())
        .status()
        .with_context(|| program.display().to_string())?;
    let clock_ms = begin.elapsed().as_secs_f64() * 1e3;
    ensure!(status.success(), "{}: {status}", program.display());
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let micros = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    let cost = Cost {
        clock_ms,
        cpu_ms: micros as f64 / 1e3,
        peak_mib: usage.max_rss() as f64 / 1024.0,
    };
    println!("{}", serde_json::to_string(&cost)?);
    Ok(())
}

/// Smallest, middle and largest of some figures.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Spread {
    pub(super) min: f64,
    pub(super) median: f64,
    pub(super) max: f64,
}

impl Spread {
    /// Of these; zeros if there are none.
    pub(super) fn of(figures: impl Iterator<Item = f64>) -> Self {
        let mut figures: Vec<f64> = figures.collect();
        figures.sort_by(f64::total_cmp);
        let at = |place: usize| figures.get(place).copied().unwrap_or_default();
        Self {
            min: at(0),
            median: at(figures.len() / 2),
            max: at(figures.len().saturating_sub(1)),
        }
    }
}

/// What some runs of one program need.
#[derive(Debug, Serialize)]
pub(super) struct Needs {
    pub(super) runs: usize,
    pub(super) clock_ms: Spread,
    pub(super) cpu_ms: Spread,
    pub(super) peak_mib: Spread,
}

impl Needs {
    pub(super) fn of(costs: &[Cost]) -> Self {
        let spread = |of: fn(&Cost) -> f64| Spread::of(costs.iter().map(of));
        Self {
            runs: costs.len(),
            clock_ms: spread(|cost| cost.clock_ms),
            cpu_ms: spread(|cost| cost.cpu_ms),
            peak_mib: spread(|cost| cost.peak_mib),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spreads_are_of_sorted_figures() {
        let spread = Spread::of([3.0, 1.0, 2.0].into_iter());
        assert_eq!((spread.min, spread.median, spread.max), (1.0, 2.0, 3.0));
        assert_eq!(Spread::of([].into_iter()).max, 0.0);
    }
}
