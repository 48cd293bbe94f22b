//! The folder for what is fetched: one per process, and swept when its process is gone.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use tempfile::TempDir;

/// What the folders' names begin with.
const PREFIX: &str = "weir-git-";
/// The file whose lock says that a process is alive.
const LOCK: &str = "lock";

/// Made when it is first wanted; removed when it is dropped.
#[derive(Debug, Default)]
pub(crate) struct Workspace {
    above: Option<PathBuf>,
    made: Mutex<Option<Made>>,
}

#[derive(Debug)]
struct Made {
    folder: TempDir,
    _lock: File,
}

impl Workspace {
    /// One below `above` instead of the system's folder for temporary files.
    pub(crate) fn below(above: PathBuf) -> Self {
        Self {
            above: Some(above),
            made: Mutex::default(),
        }
    }

    /// The folder.
    pub(crate) fn path(&self) -> io::Result<PathBuf> {
        let mut made = self.made.lock();
        if let Some(made) = made.as_ref().filter(|made| made.folder.path().is_dir()) {
            return Ok(made.folder.path().to_owned());
        }
        let above = self.above.clone().unwrap_or_else(std::env::temp_dir);
        sweep(&above);
        let fresh = Made::below(&above)?;
        let path = fresh.folder.path().to_owned();
        *made = Some(fresh);
        Ok(path)
    }
}

impl Made {
    fn below(above: &Path) -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix(PREFIX).tempdir_in(above)?;
        let lock = File::create_new(folder.path().join(LOCK))?;
        // Where there are no locks nothing is swept either.
        lock.try_lock().ok();
        Ok(Self {
            folder,
            _lock: lock,
        })
    }
}

/// Removes the folders of processes that were killed. A lock ends with its process; a folder without one is just
/// being made, or nobody's business.
fn sweep(above: &Path) {
    for entry in std::fs::read_dir(above).into_iter().flatten().flatten() {
        let ours = entry.file_name().to_string_lossy().starts_with(PREFIX);
        let path = entry.path();
        let abandoned = || File::open(path.join(LOCK)).is_ok_and(|lock| lock.try_lock().is_ok());
        if ours && abandoned() {
            std::fs::remove_dir_all(&path).ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_the_dead_go_and_those_of_the_living_stay() {
        let above = tempfile::tempdir().expect("makes a folder");
        let living = Made::below(above.path()).expect("makes");
        let dead = above.path().join("weir-git-dead");
        std::fs::create_dir_all(dead.join("objects-1/pack")).expect("makes");
        std::fs::write(dead.join(LOCK), "").expect("writes");
        let other = above.path().join("other");
        std::fs::create_dir(&other).expect("makes");
        std::fs::write(other.join(LOCK), "").expect("writes");
        sweep(above.path());
        assert!(living.folder.path().is_dir() && other.is_dir() && !dead.exists());
    }
}
