//! `cargo xtask deny`: licences, bans, sources and advisories of dependencies.

use std::env;
use std::fs::{self, File};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use harness::layout;

use crate::cargo::{self, Tally};
use crate::suite::Outcome;

/// The version that is installed where the machine has none.
const VERSION: &str = "0.20.2";
/// Where the advisory database is cloned from, see deny.toml.
const DATABASE: &str = "github.com:443";
const CONNECT_WITHIN: Duration = Duration::from_secs(5);

/// Runs cargo-deny, installing it into the cache folder if need be. Without a
/// way to install it the check is skipped, which the caller reports.
pub(crate) fn run() -> Result<Outcome> {
    let program = match tool() {
        Ok(program) => program,
        Err(error) => return Ok(Outcome::Skipped(format!("{error:#}"))),
    };
    check(&program, &["bans", "licenses", "sources"])?;
    match advisories() {
        Some(reason) => println!("advisories SKIPPED: {reason}"),
        None => check(&program, &["advisories"])?,
    }
    Ok(Outcome::Ran(Tally::ONE))
}

fn check(program: &Path, what: &[&str]) -> Result<()> {
    let status = Command::new(program)
        .args([
            "--locked",
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

/// Why advisories cannot be checked here, if they cannot.
fn advisories() -> Option<String> {
    if env::var_os("WEIR_ADVISORIES").is_some_and(|value| value == "off") {
        return Some(String::from("switched off (WEIR_ADVISORIES)"));
    }
    let reachable = DATABASE.to_socket_addrs().is_ok_and(|mut addresses| {
        addresses.any(|address| TcpStream::connect_timeout(&address, CONNECT_WITHIN).is_ok())
    });
    (!reachable).then(|| format!("the database at {DATABASE} cannot be reached"))
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
