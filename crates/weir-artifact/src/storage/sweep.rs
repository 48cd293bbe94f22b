//! What a killed process has left half written.

use std::fs::{self, File, ReadDir};
use std::path::Path;

use rustix::fs::FlockOperation;

use super::{Storage, TEMPORARY};

/// `<kind>/<namespace>/<name>/<file>`, and one folder more for charts.
const MAX_DEPTH: usize = 5;

impl Storage {
    /// Removes temporary files that nobody writes any more; what cannot be looked at or removed stays.
    pub(super) fn sweep(&self) {
        let mut folders: Vec<ReadDir> = fs::read_dir(&self.root).into_iter().collect();
        let mut swept = 0_usize;
        while let Some(folder) = folders.last_mut() {
            let Some(entry) = folder.next() else {
                folders.pop();
                continue;
            };
            let Ok(entry) = entry else { continue };
            let Ok(kind) = entry.file_type() else {
                continue;
            };
            if kind.is_dir() && folders.len() < MAX_DEPTH {
                folders.extend(fs::read_dir(entry.path()));
            } else if kind.is_file()
                && entry.file_name().to_string_lossy().starts_with(TEMPORARY)
                && abandoned(&entry.path())
                && fs::remove_file(entry.path()).is_ok()
            {
                swept += 1;
            }
        }
        if swept > 0 {
            tracing::info!(
                files = swept,
                "removed what an earlier process left half written"
            );
        }
    }
}

/// Whoever writes a file holds its lock; a lock ends with its process.
fn abandoned(path: &Path) -> bool {
    File::open(path).is_ok_and(|file| {
        rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok()
    })
}
