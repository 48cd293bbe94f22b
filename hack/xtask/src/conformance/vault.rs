//! Files that the real sops encrypts through a real Vault. Not part of CI: Vault takes long to build.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use harness::layout;

/// The server around Vault's own packages: its own module, so that its sums are fixed.
const MODULE: &str = "tests/conformance/sops/vault";
/// Where it is built, in the cache.
const CACHE: &str = "vault-1.19.5";

/// Builds the server and sops into the cache where they are missing, and has our decryption show itself.
///
/// # Errors
/// Something cannot be built, or a file is not decrypted.
pub(super) fn run() -> Result<()> {
    let server = server()?;
    let sops = super::record_sops::installed()?;
    let status = Command::new("cargo")
        .args(["run", "--quiet", "--package", "weir-kms"])
        .args(["--example", "real_vault", "--"])
        .args([server, sops])
        .status()
        .context("cargo could not be started")?;
    if !status.success() {
        bail!("not every file was decrypted");
    }
    Ok(())
}

fn server() -> Result<PathBuf> {
    let binary = layout::cache_dir()?.join(CACHE).join("server");
    if binary.is_file() {
        return Ok(binary);
    }
    println!("building {MODULE} (ten minutes on two cores)");
    let status = Command::new("go")
        .args(["build", "-buildvcs=false", "-ldflags", "-s -w", "-o"])
        .arg(&binary)
        .arg(".")
        .current_dir(MODULE)
        .env("CGO_ENABLED", "0")
        .status()
        .context("go could not be started; install it")?;
    if !status.success() {
        bail!("go build in {MODULE} failed");
    }
    Ok(binary)
}
