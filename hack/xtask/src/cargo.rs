//! Runs cargo, and counts what its tests say.

use std::env;
use std::io::{BufRead as _, BufReader};
use std::ops::AddAssign;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use harness::layout;

/// How many checks or tests passed and failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
}

impl Tally {
    /// One check that passed.
    pub(crate) const ONE: Self = Self {
        passed: 1,
        failed: 0,
    };
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

/// A cargo command in the workspace's root.
pub(crate) fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(args).current_dir(layout::workspace());
    command
}

/// Runs cargo with its output shown.
pub(crate) fn run(args: &[&str]) -> Result<()> {
    let status = command(args).status().context("cannot run cargo")?;
    ensure!(status.success(), "cargo {} failed", args.join(" "));
    Ok(())
}

/// Runs `cargo test` with its output shown and counted. A failure outside of
/// tests, as of a build, counts as one that failed.
pub(crate) fn test(args: &[&str]) -> Result<Tally> {
    let mut child = command(&["test", "--locked", "--no-fail-fast"])
        .args(args)
        // Every look of a wait that is not over is an error: no trace of each.
        .env("RUST_LIB_BACKTRACE", "0")
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot run cargo")?;
    let output = child.stdout.take().context("cargo has an output")?;
    let mut tally = Tally::default();
    for line in BufReader::new(output).lines() {
        let line = line?;
        println!("{line}");
        tally += closing_line(&line).unwrap_or_default();
    }
    if !child.wait()?.success() && tally.failed == 0 {
        eprintln!("cargo test failed before or between tests");
        tally.failed = 1;
    }
    Ok(tally)
}

/// Reads `test result: ok. 3 passed; 0 failed; …`.
fn closing_line(line: &str) -> Option<Tally> {
    let (_, counts) = line.strip_prefix("test result: ")?.split_once(". ")?;
    let count = |what: &str| {
        let part = counts
            .split("; ")
            .find_map(|part| part.strip_suffix(what))?;
        part.trim().parse::<u64>().ok()
    };
    Some(Tally {
        passed: count(" passed")?,
        failed: count(" failed")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closing_lines_are_counted() {
        let rest = "0 ignored; 0 measured; 1 filtered out; finished in 0.01s";
        let ok = format!("test result: ok. 30 passed; 0 failed; {rest}");
        assert_eq!(
            closing_line(&ok),
            Some(Tally {
                passed: 30,
                failed: 0
            })
        );
        let failed = format!("test result: FAILED. 2 passed; 4 failed; {rest}");
        assert_eq!(
            closing_line(&failed),
            Some(Tally {
                passed: 2,
                failed: 4
            })
        );
        assert_eq!(closing_line("test a ... ok"), None);
    }
}
