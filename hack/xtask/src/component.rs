//! `cargo xtask component`: the tests that need a control plane.

use anyhow::Result;

use crate::cargo::{self, Tally};
use crate::control_plane;

/// Gets the control plane, builds the controllers and runs the tests whose
/// name contains `filter`. Without its binaries it fails.
pub(crate) fn run(filter: Option<&str>) -> Result<Tally> {
    control_plane::get()?;
    cargo::run(&[
        "build",
        "--locked",
        "--workspace",
        "--bins",
        "--exclude",
        "xtask",
    ])?;
    let filter = filter.map(|filter| ["--", filter]);
    let tests = ["--package", "harness", "--package", "component"];
    let args: Vec<&str> = tests
        .into_iter()
        .chain(filter.into_iter().flatten())
        .collect();
    cargo::test(&args)
}
