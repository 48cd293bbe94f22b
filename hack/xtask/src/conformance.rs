//! `cargo xtask conformance kustomize`: recorded builds of kustomize against the engine, counted per
//! folder; `cargo xtask record kustomize`: recording them from the real program.

mod record;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

pub(crate) use record::{install, run as record};

/// Where the project's own cases are.
const CORPUS: &str = "tests/conformance/kustomize";

/// Runs a corpus: `kustomize [--corpus DIR] [--filter TEXT] [--verbose]`.
///
/// # Errors
/// A case comes out differently, or the corpus cannot be read.
pub(crate) fn run(args: Vec<String>) -> Result<()> {
    let mut args = args.into_iter();
    match args.next().as_deref() {
        Some("kustomize") => {}
        Some(other) => {
            bail!("there is no conformance corpus for '{other}'; there is one for kustomize")
        }
        None => bail!("say which conformance: kustomize"),
    }
    let mut corpus = PathBuf::from(CORPUS);
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
    let builds = example("kustomize", "corpus", &corpus, &passed_on)?;
    let rows = corpus.join("units");
    let rows = !rows.is_dir() || example("kyaml", "units", &rows, &[])?;
    if builds && rows {
        return Ok(());
    }
    bail!("not every case came out as recorded (--verbose names them)")
}

/// Runs an example of an engine; the engines' examples know their own internals. Says whether all was well.
///
/// Our own cases are few: building them with optimisation would take longer than running them without.
fn example(package: &str, name: &str, folder: &Path, args: &[String]) -> Result<bool> {
    let profile = if folder.starts_with(CORPUS) {
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
