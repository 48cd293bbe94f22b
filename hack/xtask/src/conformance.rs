//! `cargo xtask conformance kustomize`, `sops`, `helm` and `cel`: recorded builds, decryptions, renderings and
//! expressions against the engines, counted per folder; `cargo xtask record …`: recording them from the real programs.

mod helm_oracle;
mod record;
mod record_commands;
mod record_helm;
mod record_services;
mod record_sops;
mod vault;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

pub(crate) use helm_oracle::Oracle;
pub(crate) use record::{install, run as record};
pub(crate) use record_commands::install as install_helm;

/// Where the project's own cases are.
const CORPUS: &str = "tests/conformance/kustomize";

/// Where the recorded decryptions are.
const SOPS: &str = "tests/conformance/sops";

/// Where what Flux makes of CEL expressions is.
const CEL: &str = "tests/conformance/cel";

/// Where the recorded renderings are.
const HELM: &str = "tests/conformance/helm";

/// Runs a corpus: `cel`, `vault`, or `kustomize|sops|helm [--corpus DIR] [--filter TEXT] [--verbose]`.
///
/// # Errors
/// A case comes out differently, or the corpus cannot be read.
pub(crate) fn run(args: Vec<String>) -> Result<()> {
    let mut args = args.into_iter();
    let engine = args.next();
    if engine.as_deref() == Some("cel") {
        return expressions();
    }
    if engine.as_deref() == Some("vault") {
        return vault::run();
    }
    let mut corpus = PathBuf::from(match engine.as_deref() {
        Some("kustomize") => CORPUS,
        Some("sops") => SOPS,
        Some("helm") => HELM,
        Some(other) => {
            bail!(
                "there is no conformance corpus for '{other}'; there is one for cel, kustomize, sops, vault and helm"
            )
        }
        None => bail!("say which conformance: cel, kustomize, sops, vault or helm"),
    });
    let mut passed_on = Vec::new();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--corpus" => corpus = args.next().context("--corpus needs a folder")?.into(),
            _ => passed_on.push(arg),
        }
    }
    if !corpus.is_dir() {
        bail!("{} is no folder", corpus.display());
    }
    if engine.as_deref() == Some("sops") {
        if example("sops", "sops_cases", &corpus, &passed_on)? {
            return Ok(());
        }
        bail!("not every case came out as recorded (--verbose names them)");
    }
    if engine.as_deref() == Some("helm") {
        if example("helm", "helm_cases", &corpus, &passed_on)? {
            return Ok(());
        }
        bail!("not every row came out as recorded (--verbose names them)");
    }
    let builds = example("kustomize", "corpus", &corpus, &passed_on)?;
    let rows = corpus.join("units");
    let rows = !rows.is_dir() || example("kyaml", "units", &rows, &[])?;
    if builds && rows {
        return Ok(());
    }
    bail!("not every case came out as recorded (--verbose names them)")
}

/// The recorded expressions; the engine's own test counts and compares them.
fn expressions() -> Result<()> {
    let status = Command::new("cargo")
        .args(["test", "--quiet", "--package", "cel-expr"])
        .args(["--test", "recorded", "--", "--nocapture"])
        .status()
        .context("cargo could not be started")?;
    if !status.success() {
        bail!("not every expression came out as recorded");
    }
    Ok(())
}

/// Runs an example of an engine; the engines' examples know their own internals. Says whether all was well.
///
/// Our own cases are few: building them with optimisation would take longer than running them without.
fn example(package: &str, name: &str, folder: &Path, args: &[String]) -> Result<bool> {
    let own = [CORPUS, SOPS, HELM];
    let profile = if own.iter().any(|it| folder.starts_with(it)) {
        "dev"
    } else {
        "release"
    };
    let status = Command::new("cargo")
        .args(["run", "--quiet", "--profile", profile, "--package", package])
        .args(["--example", name, "--"])
        .arg(folder)
        .args(args)
        .status()
        .context("cargo could not be started")?;
    Ok(status.success())
}
