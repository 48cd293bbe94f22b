//! `cargo xtask control-plane`: the binaries of a control plane, by whatever way works.

use std::path::Path;

use anyhow::Result;
use harness::binaries::{self, Binaries, Program};

/// Gets the binaries and prints where they are.
pub(crate) fn run(print_dir: bool) -> Result<()> {
    let binaries = get()?;
    if print_dir {
        let folder = binaries.kube_apiserver.parent().unwrap_or(Path::new("."));
        println!("{}", folder.display());
        return Ok(());
    }
    for (program, path) in Program::ALL.iter().zip(binaries.paths()) {
        println!("{program:24}{}", path.display());
    }
    Ok(())
}

/// Gets the binaries; progress goes to the error output.
pub(crate) fn get() -> Result<Binaries> {
    binaries::obtain(&mut |line| eprintln!("{line}"))
}
