//! `cargo xtask deny`: licences, bans, sources and advisories of dependencies.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use harness::layout;

use crate::cargo::{self, Tally};
use crate::suite::Outcome;

/// The version that is installed where the machine has none.
const VERSION: &str = "0.20.2";
/// How long the advisory database may take; it is small.
const FETCH_WITHIN: Duration = Duration::from_secs(60);

/// Runs cargo-deny, installing it into the cache folder if need be. Without a
/// way to install it the check is skipped, which the caller reports.
pub(crate) fn run() -> Result<Outcome> {
    let program = match tool() {
        Ok(program) => program,
        Err(error) => return Ok(Outcome::Skipped(format!("{error:#}"))),
    };
    check(&program, &["--locked"], &["bans", "licenses", "sources"])?;
    match without_advisories(&program)? {
        Some(reason) => println!("advisories SKIPPED: {reason}"),
        None => check(&program, &["--frozen"], &["advisories"])?,
    }
    Ok(Outcome::Ran(Tally::ONE))
}

fn check(program: &Path, graph: &[&str], what: &[&str]) -> Result<()> {
    let status = Command::new(program)
        .args(graph)
        .args([
            "--workspace",
            "--log-level",
            "error",
            "check",
            "--hide-inclusion-graph",
        ])
        .args(what)
        .current_dir(layout::workspace())
        .status()
        .with_context(|| format!("cannot run {}", program.display()))?;
    ensure!(
        status.success(),
        "cargo deny check {} failed",
        what.join(" ")
    );
    Ok(())
}

/// Why advisories cannot be checked here, if they cannot. Fetches the database.
fn without_advisories(program: &Path) -> Result<Option<String>> {
    if env::var_os("WEIR_ADVISORIES").is_some_and(|value| value == "off") {
        return Ok(Some(String::from("switched off (WEIR_ADVISORIES)")));
    }
    let mut fetch = Command::new(program)
        .args(["--log-level", "error", "fetch", "db"])
        .current_dir(layout::workspace())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .with_context(|| format!("cannot run {}", program.display()))?;
    let deadline = Instant::now() + FETCH_WITHIN;
    while Instant::now() < deadline {
        match fetch.try_wait()? {
            Some(status) if status.success() => return Ok(None),
            Some(_) => return Ok(Some(String::from("the database cannot be fetched"))),
            None => thread::sleep(Duration::from_millis(100)),
        }
    }
    // It may have ended just now; either way it is too late.
    let _ = fetch.kill();
    fetch.wait()?;
    Ok(Some(format!(
        "the database did not come within {FETCH_WITHIN:?}"
    )))
}

/// The machine's own cargo-deny, or the one in the cache folder.
fn tool() -> Result<PathBuf> {
    let own = Command::new("cargo-deny")
        .arg("--version")
        .stdout(Stdio::null())
        .status();
    if own.is_ok_and(|status| status.success()) {
        return Ok(PathBuf::from("cargo-deny"));
    }
    let root = layout::cache_dir()?
        .join("tools")
        .join(format!("cargo-deny-{VERSION}"));
    let program = root.join("bin/cargo-deny");
    if !program.is_file() {
        install(&root)?;
    }
    Ok(program)
}

fn install(root: &Path) -> Result<()> {
    fs::create_dir_all(root).with_context(|| format!("cannot make {}", root.display()))?;
    let lock = File::create(root.join(".lock")).context("cannot write the lock file")?;
    lock.lock().context("cannot lock the cache")?;
    if root.join("bin/cargo-deny").is_file() {
        return Ok(());
    }
    println!(
        "installing cargo-deny {VERSION} into {}: this takes minutes, once",
        root.display()
    );
    let status = cargo::command(&["install", "--locked", "--version", VERSION, "--root"])
        .arg(root)
        .arg("cargo-deny")
        .env_remove("CARGO_TARGET_DIR")
        .status()
        .context("cannot run cargo install")?;
    ensure!(status.success(), "cargo-deny {VERSION} cannot be installed");
    Ok(())
}
