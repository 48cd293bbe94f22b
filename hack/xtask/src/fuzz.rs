//! `cargo xtask fuzz [TARGET] [--seconds N]`: coverage-guided fuzzing of what reads foreign bytes.
//!
//! A target is a file in `tests/fuzz/fuzz_targets` and its entry in `tests/fuzz/Cargo.toml`; its seeds are in
//! `tests/fuzz/seeds/TARGET`, its words in `tests/fuzz/dictionaries/TARGET.dict`. What a run learns stays in
//! `target/fuzz/corpus`, what it finds in `target/fuzz/findings`.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, bail, ensure};
use clap::Args;
use harness::layout;

use crate::{cargo, fuzz_diff};

/// The version that is installed where the cache has none.
const VERSION: &str = "0.13.2";
/// Where the targets are.
const FOLDER: &str = "tests/fuzz";
/// The target whose seeds also come from the recorded cases and from the random overlays.
const BUILD: &str = "kustomize_build";
/// How many random overlays become seeds.
const OVERLAYS: u64 = 60;

/// What to run.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// One target; all of them without.
    target: Option<String>,
    /// How long each target runs.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Only build the targets.
    #[arg(long)]
    build: bool,
    /// The largest input in bytes.
    #[arg(long, default_value_t = 16_384)]
    max_len: usize,
}

/// How one target went.
struct Report {
    target: String,
    executions: u64,
    seconds: u64,
    corpus: usize,
    findings: Vec<PathBuf>,
    clean: bool,
}

/// Runs one target or all of them, one after the other.
///
/// # Errors
/// Something was found, or the targets cannot be built.
pub(crate) fn run(options: &Options) -> Result<()> {
    let program = tool()?;
    let targets: Vec<String> = match &options.target {
        Some(target) => vec![target.clone()],
        None => targets()?,
    };
    for target in &targets {
        let file = layout::workspace()
            .join(FOLDER)
            .join(format!("fuzz_targets/{target}.rs"));
        ensure!(
            file.is_file(),
            "there is no target '{target}'; there are: {}",
            self::targets()?.join(", ")
        );
    }
    let status = command(&program, "build", options.target.as_deref())
        .status()
        .context("cannot run cargo-fuzz")?;
    ensure!(status.success(), "the targets cannot be built");
    if options.build {
        return Ok(());
    }
    let mut reports = Vec::new();
    for target in &targets {
        reports.push(fuzz(&program, target, options)?);
    }
    print(&reports);
    let findings: usize = reports.iter().map(|report| report.findings.len()).sum();
    if findings > 0 || reports.iter().any(|report| !report.clean) {
        bail!("{findings} findings; `cargo xtask fuzz TARGET` runs them again first");
    }
    Ok(())
}

/// All targets by name.
fn targets() -> Result<Vec<String>> {
    let folder = layout::workspace().join(FOLDER).join("fuzz_targets");
    let mut targets = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|end| end == "rs") {
            targets.extend(
                path.file_stem()
                    .map(|stem| stem.to_string_lossy().into_owned()),
            );
        }
    }
    targets.sort();
    Ok(targets)
}

/// A command of cargo-fuzz for a target, or for all. The engines forbid unsafe code, so that no sanitizer is needed, and
/// the stable toolchain does once it is told to.
fn command(program: &Path, what: &str, target: Option<&str>) -> Command {
    let root = layout::workspace();
    let mut command = Command::new(program);
    command
        .args([what, "--sanitizer", "none", "--fuzz-dir"])
        .arg(root.join(FOLDER))
        .arg("--target-dir")
        .arg(layout::target_dir().join("fuzz/build"))
        .args(target)
        .env("RUSTC_BOOTSTRAP", "1")
        .env_remove("CARGO_TARGET_DIR")
        .current_dir(root);
    command
}

fn fuzz(program: &Path, target: &str, options: &Options) -> Result<Report> {
    let start = Instant::now();
    let work = layout::target_dir().join("fuzz");
    let corpus = work.join("corpus").join(target);
    let findings = work.join("findings").join(target);
    fs::create_dir_all(&corpus)?;
    fs::create_dir_all(&findings)?;
    let folder = layout::workspace().join(FOLDER);
    let mut command = command(program, "run", Some(target));
    command.arg(&corpus).arg(&findings);
    let seeds = folder.join("seeds").join(target);
    if seeds.is_dir() {
        command.arg(seeds);
    }
    if target == BUILD {
        let made = work.join("seeds").join(target);
        pack(&made)?;
        command.arg(made);
    }
    let words = folder.join("dictionaries").join(format!("{target}.dict"));
    command.args([
        "--",
        "-timeout=10",
        "-rss_limit_mb=2048",
        "-print_final_stats=1",
        &format!("-max_len={}", options.max_len),
        &format!("-max_total_time={}", options.seconds),
        &format!("-artifact_prefix={}/", findings.display()),
    ]);
    if words.is_file() {
        command.arg(format!("-dict={}", words.display()));
    }
    let mut child = command
        .stderr(Stdio::piped())
        .spawn()
        .context("cannot run cargo-fuzz")?;
    let mut executions = 0;
    for line in BufReader::new(child.stderr.take().context("it has an error output")?).lines() {
        let line = line?;
        if let Some(number) = line.strip_prefix("stat::number_of_executed_units:") {
            executions = number.trim().parse().unwrap_or(0);
        }
        // A line for every new input is too much.
        if !(line.starts_with('#') && line.contains(" REDUCE ") || line.contains(" NEW ")) {
            eprintln!("{line}");
        }
    }
    let clean = child.wait()?.success();
    Ok(Report {
        target: target.to_owned(),
        executions,
        seconds: start.elapsed().as_secs(),
        corpus: fs::read_dir(&corpus)?.count(),
        findings: files(&findings)?,
        clean,
    })
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        files.push(entry?.path());
    }
    files.sort();
    Ok(files)
}

fn print(reports: &[Report]) {
    println!(
        "{:<20} {:>12} {:>8} {:>8} {:>9}",
        "target", "executions", "seconds", "corpus", "findings"
    );
    for report in reports {
        let Report {
            target,
            executions,
            seconds,
            corpus,
            findings,
            ..
        } = report;
        println!(
            "{target:<20} {executions:>12} {seconds:>8} {corpus:>8} {:>9}",
            findings.len()
        );
        for finding in findings {
            println!("  {}", finding.display());
        }
    }
    let total: u64 = reports.iter().map(|report| report.executions).sum();
    let seconds: u64 = reports.iter().map(|report| report.seconds).sum();
    println!("{:<20} {total:>12} {seconds:>8}", "all");
}

/// Writes recorded cases and random overlays as the build target reads them.
fn pack(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    let recorded = layout::workspace().join("tests/conformance/kustomize");
    for group in files(&recorded)?.iter().filter(|path| path.is_dir()) {
        for case in files(group)? {
            let mut tree = BTreeMap::new();
            read(&case.join("input"), "in", &mut tree)?;
            let name = case
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            fs::write(folder.join(name), packed(&tree))?;
        }
    }
    for number in 0..OVERLAYS {
        let files = fuzz_diff::overlay(number).into_iter();
        let tree = files
            .map(|(path, text)| (format!("in/{path}"), text))
            .collect();
        fs::write(folder.join(format!("overlay-{number}")), packed(&tree))?;
    }
    Ok(())
}

fn read(folder: &Path, prefix: &str, tree: &mut BTreeMap<String, String>) -> Result<()> {
    for path in files(folder)? {
        let name = format!(
            "{prefix}/{}",
            path.file_name().unwrap_or_default().to_string_lossy()
        );
        if path.is_dir() {
            read(&path, &name, tree)?;
        } else if let Ok(text) = fs::read_to_string(&path) {
            tree.insert(name, text);
        }
    }
    Ok(())
}

fn packed(tree: &BTreeMap<String, String>) -> String {
    tree.iter()
        .map(|(path, text)| format!("=== {path}\n{text}\n"))
        .collect()
}

/// cargo-fuzz in the cache folder; installs it once.
fn tool() -> Result<PathBuf> {
    let root = layout::cache_dir()?
        .join("tools")
        .join(format!("cargo-fuzz-{VERSION}"));
    let program = root.join("bin/cargo-fuzz");
    if program.is_file() {
        return Ok(program);
    }
    fs::create_dir_all(&root).with_context(|| format!("cannot make {}", root.display()))?;
    let lock = File::create(root.join(".lock")).context("cannot write the lock file")?;
    lock.lock().context("cannot lock the cache")?;
    if !program.is_file() {
        println!(
            "installing cargo-fuzz {VERSION} into {}: this takes minutes, once",
            root.display()
        );
        let status = cargo::command(&["install", "--locked", "--version", VERSION, "--root"])
            .arg(&root)
            .arg("cargo-fuzz")
            .env_remove("CARGO_TARGET_DIR")
            .status()
            .context("cannot run cargo install")?;
        ensure!(status.success(), "cargo-fuzz {VERSION} cannot be installed");
    }
    Ok(program)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_has_an_entry_and_seeds() {
        let folder = layout::workspace().join(FOLDER);
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        for target in targets().unwrap() {
            let entry = format!("name = \"{target}\"\npath = \"fuzz_targets/{target}.rs\"");
            assert!(manifest.contains(&entry), "{target}");
            assert!(folder.join("seeds").join(&target).is_dir(), "{target}");
        }
    }
}
