//! Which superseded artifacts go.

use std::fs;
use std::time::{Duration, SystemTime};

use super::{LOCK, Location, Storage, StorageError, TEMPORARY, fail};

/// Files of one object that are looked at in one go.
const MAX_FILES: usize = 1000;
/// Temporary files of this age belong to nobody any more.
const ABANDONED: Duration = Duration::from_secs(3600);

impl Storage {
    /// Removes the object's superseded artifacts beyond the retention, and returns their names. The file
    /// `current` (a path below the root) always stays; symbolic links and folders are left alone.
    ///
    /// # Errors
    /// [`StorageError`], on the first file that cannot be removed.
    ///
    /// Source: fluxcd/pkg `artifact/storage/storage.go` `GarbageCollect`.
    pub fn collect(
        &self,
        location: &Location,
        current: &str,
        now: SystemTime,
    ) -> Result<Vec<String>, StorageError> {
        let folder = self.folder(location)?;
        let path = location.path();
        let Ok(listing) = fs::read_dir(&folder) else {
            return Ok(Vec::new());
        };
        let kept = current.rsplit('/').next().unwrap_or_default();
        let mut files = Vec::new();
        for entry in listing.take(MAX_FILES) {
            let entry = entry.map_err(fail("list", &path))?;
            let Ok(found) = entry.metadata() else {
                continue;
            };
            let name = entry.file_name().to_string_lossy().into_owned();
            let age = found
                .modified()
                .ok()
                .and_then(|then| now.duration_since(then).ok());
            if found.is_file() && !name.ends_with(LOCK) {
                files.push((name, age.unwrap_or_default()));
            }
        }
        let removed = superseded(files, kept, self.retention.ttl, self.retention.records);
        for name in &removed {
            self.remove(&format!("{path}/{name}"))?;
        }
        Ok(removed
            .into_iter()
            .filter(|name| !name.starts_with(TEMPORARY))
            .collect())
    }
}

/// The names to remove, of files with their ages.
fn superseded(
    mut files: Vec<(String, Duration)>,
    current: &str,
    ttl: Duration,
    records: usize,
) -> Vec<String> {
    files.sort_by(|(left, left_age), (right, right_age)| {
        left_age.cmp(right_age).then_with(|| left.cmp(right))
    });
    let mut stay = usize::from(files.iter().any(|(name, _)| name == current));
    let mut gone = Vec::new();
    for (name, age) in files {
        if name == current {
            continue;
        }
        let temporary = name.starts_with(TEMPORARY);
        let goes = if temporary {
            age > ABANDONED
        } else {
            age > ttl || stay >= records
        };
        if goes {
            gone.push(name);
        } else if !temporary {
            stay += 1;
        }
    }
    gone
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(ages: &[(&str, u64)], records: usize, expected: &[&str]) {
        let files = ages
            .iter()
            .map(|(name, age)| ((*name).to_owned(), Duration::from_secs(*age)))
            .collect();
        assert_eq!(
            superseded(files, "now", Duration::from_secs(60), records),
            expected
        );
    }

    #[test]
    fn old_ones_and_surplus_ones_go_and_the_current_one_stays() {
        check(&[("now", 0), ("a", 10)], 2, &[]);
        check(&[("now", 0), ("a", 61)], 2, &["a"]);
        check(&[("now", 0), ("a", 10), ("b", 20)], 2, &["b"]);
        check(&[("now", 3000), ("a", 10), ("b", 20)], 2, &["b"]);
        check(&[("now", 3000)], 0, &[]);
        check(&[("a", 1), ("b", 2), ("c", 3)], 2, &["c"]);
    }

    #[test]
    fn temporary_files_go_when_nobody_can_be_writing_them() {
        check(
            &[("now", 0), (".tmp-1", 61), (".tmp-2", 3601), ("a", 5)],
            2,
            &[".tmp-2"],
        );
    }
}
