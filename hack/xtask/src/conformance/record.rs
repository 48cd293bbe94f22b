//! Recording what the real kustomize prints.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use harness::layout;
use serde_json::Value;

use super::{CEL, CORPUS};

/// The module that builds the program.
const MODULE: &str = "sigs.k8s.io/kustomize/kustomize/v5@v5.8.1";

/// Where the program is built, in the cache.
const CACHE: &str = "kustomize-5.8.1";

/// Records all cases: `cel`, or `kustomize|sops|helm|helm-template [--binary PATH] [--filter TEXT]`.
///
/// # Errors
/// The program cannot be had or run, or a folder cannot be read or written.
pub(crate) fn run(args: Vec<String>) -> Result<()> {
    let mut args = args.into_iter();
    let what = args.next();
    match what.as_deref() {
        Some("cel") => return cel(),
        Some("kustomize" | "sops" | "helm" | "helm-template") => {}
        _ => bail!("say what to record: cel, kustomize, sops, helm or helm-template"),
    }
    let mut binary = None;
    let mut filter = String::new();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--binary" => binary = args.next().map(PathBuf::from),
            "--filter" => filter = args.next().unwrap_or_default(),
            other => bail!("unknown argument '{other}'"),
        }
    }
    if what.as_deref() == Some("sops") {
        return super::record_sops::run(binary, &filter);
    }
    if what.as_deref() == Some("helm") {
        return super::record_helm::run(binary, &filter);
    }
    if what.as_deref() == Some("helm-template") {
        return super::record_commands::run(binary, &filter);
    }
    let binary = match binary {
        Some(path) => path,
        None => install()?,
    };
    let mut count = 0;
    for folder in folders(Path::new(CORPUS))? {
        for case in folders(&folder)? {
            if case.join("case.json").is_file() && case.to_string_lossy().contains(&filter) {
                record(&binary, &case).with_context(|| case.display().to_string())?;
                count += 1;
            }
        }
    }
    println!("recorded {count} cases with {}", binary.display());
    Ok(())
}

/// What Flux makes of expressions; the recorder is a program of ours around its library.
fn cel() -> Result<()> {
    let corpus = std::path::absolute(CEL)?;
    let status = Command::new("go")
        .args(["run", "."])
        .args([corpus.join("inputs"), corpus.join("cases")])
        .current_dir("hack/gen/cel")
        .status()
        .context("go could not be started")?;
    if !status.success() {
        bail!("go run: {status}");
    }
    Ok(())
}

/// Builds the program into the cache, once.
///
/// # Errors
/// There is no Go, or the module cannot be built.
pub(crate) fn install() -> Result<PathBuf> {
    install_as("kustomize", MODULE, CACHE)
}

pub(super) fn install_as(name: &str, module: &str, folder: &str) -> Result<PathBuf> {
    let cache = layout::cache_dir()?.join(folder);
    let binary = cache.join(name);
    if binary.is_file() {
        return Ok(binary);
    }
    println!("building {module} (a minute or two)");
    let status = Command::new("go")
        .args(["install", module])
        .env("GOBIN", &cache)
        .status()
        .context("go could not be started; install it or give --binary PATH")?;
    if !status.success() {
        bail!("go install {module} failed");
    }
    Ok(binary)
}

pub(super) fn folders(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut folders = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() {
            folders.push(path);
        }
    }
    folders.sort();
    Ok(folders)
}

fn record(binary: &Path, case: &Path) -> Result<()> {
    let settings: Value = serde_json::from_slice(&fs::read(case.join("case.json"))?)?;
    let input = fs::canonicalize(case.join("input"))?;
    let build = |order: &str| {
        let root = input.join(settings["root"].as_str().unwrap_or("."));
        let mut command = Command::new(binary);
        command.arg("build").arg("--reorder").arg(order);
        if let Some(restrictor) = settings["options"]["loadRestrictor"].as_str() {
            command.arg("--load-restrictor").arg(restrictor);
        }
        if settings["options"]["managedByLabel"] == true {
            command.arg("--enable-managedby-label");
        }
        command.arg(root).output()
    };
    for name in ["expected.yaml", "expected-fifo.yaml", "expected-error.txt"] {
        match fs::remove_file(case.join(name)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
    }
    let sorted = build("legacy")?;
    if sorted.status.success() {
        let plain = build("none")?;
        fs::write(case.join("expected.yaml"), &sorted.stdout)?;
        if plain.stdout != sorted.stdout {
            fs::write(case.join("expected-fifo.yaml"), &plain.stdout)?;
        }
        return Ok(());
    }
    let messages = String::from_utf8_lossy(&sorted.stderr).into_owned();
    let at = match messages.starts_with("Error: ") {
        true => Some(0),
        false => messages.find("\nError: ").map(|at| at + 1),
    };
    let text = messages[at.context("it failed without a message")?..]
        .replace(&*input.to_string_lossy(), "<INPUT>");
    fs::write(case.join("expected-error.txt"), without_pointers(&text))?;
    Ok(())
}

/// Addresses change from run to run.
fn without_pointers(text: &str) -> String {
    let mut parts = text.split("0x");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.trim_start_matches(|c: char| c.is_ascii_hexdigit());
        out.push_str(if part.len() - rest.len() < 6 {
            "0x"
        } else {
            "<PTR>"
        });
        out.push_str(if part.len() - rest.len() < 6 {
            part
        } else {
            rest
        });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_not_recorded() {
        assert_eq!(
            without_pointers("&{0xc0001234 <nil>} 0x1F"),
            "&{<PTR> <nil>} 0x1F"
        );
    }
}
