//! The real flux, built from its Go module and cached by version.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use harness::layout;

/// The version that our behaviour is compared with.
const VERSION: &str = "2.9.5";

/// The cached binary, built first if there is none: some minutes.
pub(super) fn obtain(say: &mut dyn FnMut(&str)) -> Result<PathBuf> {
    let folder = layout::cache_dir()?.join(format!("flux-{VERSION}"));
    let binary = folder.join("flux");
    if binary.is_file() {
        return Ok(binary);
    }
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let begin = Instant::now();
    say(&format!("building flux {VERSION} from its Go module"));
    // Builds side by side do no harm: each has its own folder and renames.
    let sources = folder.join(format!(".build-{}", std::process::id()));
    let built = build(&sources, &binary);
    let removed = fs::remove_dir_all(&sources);
    built?;
    removed.with_context(|| format!("cannot remove {}", sources.display()))?;
    say(&format!("built flux in {} s", begin.elapsed().as_secs()));
    Ok(binary)
}

fn build(sources: &Path, binary: &Path) -> Result<()> {
    fs::create_dir(sources).with_context(|| format!("cannot make {}", sources.display()))?;
    copy(&download(sources)?, sources)?;
    // The module archive lacks these generated files, which the main package
    // embeds for `flux install`: one of any content lets it build.
    let manifests = sources.join("cmd/flux/manifests");
    fs::create_dir_all(&manifests)?;
    fs::write(manifests.join("placeholder.yaml"), "")?;
    let output = sources.join("flux-built");
    let status = go(sources)
        .args(["build", "-trimpath", "-buildvcs=false", "-ldflags"])
        .arg(format!("-s -w -X main.VERSION={VERSION}"))
        .arg("-o")
        .arg(&output)
        .arg("./cmd/flux")
        .status()
        .context("cannot run go")?;
    ensure!(status.success(), "go build of flux failed");
    fs::rename(&output, binary).with_context(|| format!("cannot cache {}", binary.display()))
}

/// The module's folder in Go's cache.
fn download(folder: &Path) -> Result<PathBuf> {
    let module = format!("github.com/fluxcd/flux2/v2@v{VERSION}");
    let output = go(folder)
        .args(["mod", "download", "-json", &module])
        .output()
        .context("there is no `go` on PATH, which builds flux")?;
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout)
        .with_context(|| String::from_utf8_lossy(&output.stderr).into_owned())?;
    let error = answer["Error"].as_str();
    ensure!(
        error.is_none(),
        "cannot download {module}: {}",
        error.unwrap_or_default()
    );
    let path = answer["Dir"].as_str();
    path.map(PathBuf::from)
        .context("`go mod download` names no folder")
}

fn go(folder: &Path) -> Command {
    let mut command = Command::new("go");
    command
        .current_dir(folder)
        .stdin(Stdio::null())
        .env("CGO_ENABLED", "0")
        .env("GO111MODULE", "on")
        .env_remove("GOWORK")
        .env_remove("GOFLAGS");
    command
}

/// Copies a tree of plain files, which Go's cache keeps read-only.
fn copy(from: &Path, to: &Path) -> Result<()> {
    let mut folders = vec![(from.to_path_buf(), to.to_path_buf())];
    while let Some((from, to)) = folders.pop() {
        fs::create_dir_all(&to)?;
        let entries =
            fs::read_dir(&from).with_context(|| format!("cannot list {}", from.display()))?;
        for entry in entries {
            let entry = entry?;
            let target = to.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                folders.push((entry.path(), target));
            } else {
                fs::copy(entry.path(), &target)
                    .with_context(|| format!("cannot write {}", target.display()))?;
            }
        }
    }
    Ok(())
}
