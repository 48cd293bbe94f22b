//! `cargo xtask fuzz-diff kustomize`: random overlays, built by the real kustomize and by our engine; and
//! `fuzz-diff go-template`: random snippets, rendered by Helm's engine and by ours.
//!
//! A case is told by the seed and its number alone. Cases that differ are made small and kept.

mod engines;
mod fields;
mod generators;
mod kinds;
mod known;
mod layers;
mod minimise;
mod patches;
mod plugins;
mod pods;
mod print;
mod references;
mod rng;
mod scalars;
mod templates;
mod worlds;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};
use harness::layout;

use crate::conformance;
use engines::{Comparison, Real, Verdict};
use layers::Case;

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Engine {
    Kustomize,
    GoTemplate,
}

/// What to try.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The engine.
    engine: Engine,
    /// How many cases.
    #[arg(long, default_value_t = 2000)]
    n: u64,
    /// Where chance starts from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The first case.
    #[arg(long, default_value_t = 0)]
    first: u64,
    /// The real program; without, it is built into the cache.
    #[arg(long)]
    binary: Option<PathBuf>,
    /// Where to write cases that differ.
    #[arg(long, default_value = "target/fuzz-diff")]
    keep: PathBuf,
    /// Also print pairs of error texts that differ.
    #[arg(long)]
    texts: bool,
    /// Leave cases as large as they are.
    #[arg(long)]
    no_minimise: bool,
}

/// How it went.
#[derive(Debug, Default)]
struct Counts {
    equal: u64,
    failing: u64,
    same_text: u64,
    unstable: u64,
    differ: u64,
    /// Cases by the known difference that they show.
    known: BTreeMap<&'static str, Vec<u64>>,
    features: BTreeMap<&'static str, (u64, u64)>,
}

/// The files of one random overlay; `root` is the folder to build.
pub(crate) fn overlay(number: u64) -> BTreeMap<String, String> {
    layers::case(1, number).files
}

/// Compares the two on random cases.
///
/// # Errors
/// A case differs, or the program cannot be had.
pub(crate) fn run(options: &Options) -> Result<()> {
    if matches!(options.engine, Engine::GoTemplate) {
        return templates::run(options);
    }
    let binary = match &options.binary {
        Some(path) => path.clone(),
        None => conformance::install()?,
    };
    let scratch = layout::scratch("fuzz-diff")?;
    let real = Real {
        binary,
        folder: scratch.path().join("case"),
    };
    let start = Instant::now();
    let mut counts = Counts::default();
    for number in options.first..options.first + options.n {
        let case = layers::case(options.seed, number);
        let comparison = real.compare(&case.files)?;
        counts.add(&case, &comparison);
        if options.texts {
            show_texts(number, &comparison);
        }
        if let Verdict::Known(what) = comparison.verdict {
            counts.known.entry(what).or_default().push(number);
        }
        if let Verdict::Differs(difference) = comparison.verdict {
            if !real.is_stable(&case.files)? {
                counts.unstable += 1;
                continue;
            }
            counts.differ += 1;
            let kept = options.keep.join(format!("{}-{number}", options.seed));
            println!("case {number} differs ({difference:?}): {}", kept.display());
            keep(options, &real, &case, &kept, &comparison)?;
        }
    }
    counts.print(options, start.elapsed().as_secs());
    if counts.differ > 0 {
        bail!("{} cases differ", counts.differ);
    }
    Ok(())
}

/// Writes a case, smaller if possible, with what both sides say.
fn keep(
    options: &Options,
    real: &Real,
    case: &Case,
    folder: &Path,
    found: &Comparison,
) -> Result<()> {
    let files = match options.no_minimise {
        true => case.files.clone(),
        false => minimise::minimise(real, &case.files, found.verdict)?,
    };
    if folder.exists() {
        std::fs::remove_dir_all(folder)?;
    }
    engines::write(&folder.join("input"), &files)?;
    engines::write(&folder.join("whole"), &case.files)?;
    let text =
        |outcome: &engines::Outcome| outcome.clone().unwrap_or_else(|error| format!("{error}\n"));
    let (theirs, ours) = real.compare(&files)?.pair;
    std::fs::write(folder.join("theirs"), text(&theirs))?;
    std::fs::write(folder.join("ours"), text(&ours))?;
    Ok(())
}

fn show_texts(number: u64, comparison: &Comparison) {
    if let (Verdict::Failing { same_text: false }, (Err(theirs), Err(ours))) =
        (comparison.verdict, &comparison.pair)
    {
        println!("case {number}\n  theirs {theirs}\n  ours   {ours}");
    }
}

impl Counts {
    fn add(&mut self, case: &Case, comparison: &Comparison) {
        let builds = comparison.pair.0.is_ok();
        for feature in &case.features {
            let (all, built) = self.features.entry(feature).or_default();
            *all += 1;
            *built += u64::from(builds);
        }
        match comparison.verdict {
            Verdict::Equal => self.equal += 1,
            Verdict::Failing { same_text } => {
                self.failing += 1;
                self.same_text += u64::from(same_text);
            }
            Verdict::Differs(_) | Verdict::Known(_) => {}
        }
    }

    fn print(&self, options: &Options, seconds: u64) {
        println!("{:<44} {:>7} {:>7}", "feature", "cases", "build");
        for (feature, (all, built)) in &self.features {
            println!("{feature:<44} {all:>7} {built:>7}");
        }
        println!(
            "{} cases, {} equal, {} differ (seed {}, {seconds} s)",
            options.n,
            self.equal + self.failing,
            self.differ,
            options.seed
        );
        println!(
            "{} build to the same bytes in both orders, {} fail on both sides ({} with the same text), \
             {} left out because the real program says something else each time",
            self.equal, self.failing, self.same_text, self.unstable
        );
        for (what, numbers) in &self.known {
            println!("differ as the parity page says, in {what}: cases {numbers:?}");
        }
    }
}
