//! Where things lie: the workspace, its build output, logs, cache and scratch space.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::process;

/// Free bytes below which a memory file system is not used for scratch space:
/// containers often give /dev/shm 64 MiB, and etcd preallocates that much.
const SCRATCH_MINIMUM: u64 = 1 << 30;

/// The root of the workspace that this crate was compiled in.
pub fn workspace() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.canonicalize().unwrap_or(root)
}

/// The folder of the running profile's build output, such as `target/debug`.
pub fn profile_dir() -> PathBuf {
    let exe = env::current_exe().unwrap_or_default();
    let parent = exe.parent().map(Path::to_path_buf).unwrap_or_default();
    match parent.file_name() {
        Some(name) if name == "deps" => parent.parent().map(Path::to_path_buf).unwrap_or_default(),
        _ => parent,
    }
}

/// Cargo's target folder.
pub fn target_dir() -> PathBuf {
    match env::var_os("CARGO_TARGET_DIR") {
        Some(dir) => workspace().join(dir),
        None => workspace().join("target"),
    }
}

/// A fresh, empty folder for the logs of the named test.
///
/// # Errors
/// If the folder cannot be emptied or made.
pub fn fresh_logs(test: &str) -> Result<PathBuf> {
    let dir = target_dir().join("test-logs").join(test);
    if dir.exists() {
        std::fs::remove_dir_all(&dir).with_context(|| format!("cannot empty {}", dir.display()))?;
    }
    std::fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
    Ok(dir)
}

/// The folder for what is costly to get and serves every clone on this machine:
/// `$WEIR_CACHE`, `$XDG_CACHE_HOME/weir` or `~/.cache/weir`.
///
/// # Errors
/// If none of the three variables (the last one is `HOME`) is set.
pub fn cache_dir() -> Result<PathBuf> {
    let set = |name: &str| {
        env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    set("WEIR_CACHE")
        .or_else(|| set("XDG_CACHE_HOME").map(|dir| dir.join("weir")))
        .or_else(|| set("HOME").map(|dir| dir.join(".cache/weir")))
        .context("no cache folder: set WEIR_CACHE, XDG_CACHE_HOME or HOME")
}

/// A new folder for files that nobody needs once this process ends, in memory
/// where the machine has room for it. It goes away when the value is dropped,
/// and also when the process is killed.
///
/// # Errors
/// If no folder can be made.
pub fn scratch(name: &str) -> Result<tempfile::TempDir> {
    let shm = Path::new("/dev/shm");
    let parent = if has_room(shm) {
        shm.to_path_buf()
    } else {
        env::temp_dir()
    };
    let dir = tempfile::Builder::new()
        .prefix(&format!("weir-{name}-"))
        .tempdir_in(&parent)
        .with_context(|| format!("cannot make a folder in {}", parent.display()))?;
    process::remove_at_exit(dir.path())?;
    Ok(dir)
}

fn has_room(dir: &Path) -> bool {
    rustix::fs::statvfs(dir).is_ok_and(|stat| stat.f_bavail * stat.f_frsize >= SCRATCH_MINIMUM)
}
