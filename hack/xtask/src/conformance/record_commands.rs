//! Recording what Helm's program makes of command lines: `record helm-template`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use harness::{command_rows, layout};

/// Where the rows are, and what they are run in.
const FOLDER: &str = "tests/conformance/helm/commands";

const PACKAGE: &str = "helm.sh/helm/v4/cmd/helm@v4.2.4";

/// Where the program is built, in the cache.
const CACHE: &str = "helm-4.2.4";

/// Records all command lines, or those whose arguments contain a text.
///
/// # Errors
/// The program cannot be had or run, or a file cannot be read or written.
pub(super) fn run(binary: Option<PathBuf>, filter: &str) -> Result<()> {
    let binary = match binary {
        Some(path) => path,
        None => install()?,
    };
    let folder = Path::new(FOLDER);
    let path = folder.join("rows.jsonl");
    let mut text = String::new();
    let mut count = 0;
    for mut row in command_rows::read(&path)? {
        if row.args.join(" ").contains(filter) {
            row.outcome = command_rows::run(&binary, &["template"], &row, &folder.join("charts"))?;
            count += 1;
        }
        text.push_str(&serde_json::to_string(&row)?);
        text.push('\n');
    }
    fs::write(&path, text)?;
    println!("recorded {count} command lines with {}", binary.display());
    Ok(())
}

/// Builds Helm's program into the cache, unless it is there.
///
/// # Errors
/// There is no Go, or it cannot be built.
pub(crate) fn install() -> Result<PathBuf> {
    let folder = layout::cache_dir()?.join(CACHE);
    let binary = folder.join("helm");
    if binary.is_file() {
        return Ok(binary);
    }
    println!("building {PACKAGE} (a few minutes)");
    let status = Command::new("go")
        .args(["install", "-ldflags", "-s -w", PACKAGE])
        .env("GOBIN", &folder)
        .status()
        .context("go could not be started; install it or give --binary PATH")?;
    if !status.success() {
        bail!("go install {PACKAGE} failed");
    }
    Ok(binary)
}
