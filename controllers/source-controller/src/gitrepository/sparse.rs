//! Which entries of a tree are checked out where folders are listed.
//!
//! Source: go-git v5.19 `plumbing/format/index/index.go` `SkipUnless`; source-controller v1.9
//! `internal/controller/gitrepository_controller.go` `gitCheckout`, `validateSparseCheckoutPaths`.

use std::collections::HashSet;
use std::path::Path;

use weir_git::{Entry, EntryKind};

use crate::error::Error;
use crate::tree::{joined, walk_order};

/// The entries whose paths begin as one of the listed folders does, and the folders above them; all of them if none
/// is listed. A beginning need not end at a slash: `a` lets `ab/c` through, `a/` does not. `directory` is where
/// upstream would have checked out.
///
/// # Errors
/// [`Error::SparseCheckout`] if a listed folder is not among them, [`Error::SparsePath`] if it cannot be.
pub(super) fn checked_out(
    mut entries: Vec<Entry>,
    listed: &[String],
    directory: &Path,
) -> Result<Vec<Entry>, Error> {
    if listed.is_empty() {
        return Ok(entries);
    }
    let beginnings = Beginnings::of(listed);
    let mut above = HashSet::new();
    for entry in entries.iter().filter(|entry| beginnings.take(entry)) {
        for (at, _) in entry.path.match_indices('/') {
            above.insert(entry.path[..at].to_owned());
        }
    }
    entries.retain(|entry| beginnings.take(entry) || above.contains(&entry.path));
    let find = |path: &str| {
        let found = entries.binary_search_by(|entry| walk_order(&entry.path, path));
        found.ok().map(|at| &entries[at])
    };
    let root = directory.display().to_string();
    for dir in listed {
        let is_dir = |at: &str| find(at).is_some_and(|entry| entry.kind == EntryKind::Dir);
        let path = joined(&root, dir, is_dir).map_err(|source| Error::SparsePath {
            dir: dir.clone(),
            source,
        })?;
        if !path.is_empty() && find(&path).is_none() {
            let path = directory.join(path).display().to_string();
            let dir = dir.clone();
            return Err(Error::SparseCheckout { dir, path });
        }
    }
    Ok(entries)
}

/// Beginnings of paths, sorted, none the beginning of another.
struct Beginnings<'a>(Vec<&'a str>);

impl<'a> Beginnings<'a> {
    fn of(listed: &'a [String]) -> Self {
        let trimmed = listed
            .iter()
            .map(|dir| dir.strip_prefix("./").unwrap_or(dir));
        let mut all: Vec<&str> = trimmed.collect();
        all.sort_unstable();
        all.dedup_by(|later, kept| later.starts_with(*kept));
        Self(all)
    }

    /// Whether the entry, no folder, begins as one of them. That can only be the last one before it.
    fn take(&self, entry: &Entry) -> bool {
        let after = self
            .0
            .partition_point(|start| *start <= entry.path.as_str());
        let last = after.checked_sub(1).map(|at| self.0[at]);
        entry.kind != EntryKind::Dir && last.is_some_and(|start| entry.path.starts_with(start))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use weir_git::ObjectId;
    use weir_runtime::kind::Chain;

    use super::*;

    const CASES: &str = include_str!("../../../../tests/conformance/source-ignore/sparse.jsonl");

    /// The recorded tree, its folders with a slash at the end.
    fn entries(tree: &[String]) -> Vec<Entry> {
        let entry = |path: &String| Entry {
            path: path.trim_end_matches('/').to_owned(),
            kind: match path.ends_with('/') {
                true => EntryKind::Dir,
                false => EntryKind::File { executable: false },
            },
            id: ObjectId::from_hex(&[b'1'; 40]).expect("is a hash"),
        };
        let mut entries: Vec<Entry> = tree.iter().map(entry).collect();
        entries.sort_by(|left, right| walk_order(&left.path, &right.path));
        entries
    }

    #[test]
    fn every_recorded_list_checks_out_what_flux_checks_out() {
        let mut lines = CASES.lines();
        let read = |line: &str| serde_json::from_str::<Value>(line).expect("is JSON");
        let first = read(lines.next().expect("a tree"));
        let tree: Vec<String> = serde_json::from_value(first["tree"].clone()).expect("is a tree");
        let mut count = 0;
        for line in lines {
            let case = read(line);
            let list: Vec<String> =
                serde_json::from_value(case["list"].clone()).expect("is a list");
            let ours = checked_out(entries(&tree), &list, Path::new("DIR"));
            let text = |name: &str| case[name].as_str().map(str::to_owned);
            match ours {
                Err(error) => {
                    let theirs = text("error").unwrap_or_default();
                    let expected = format!("failed to sparse checkout directories : {theirs}");
                    assert_eq!(Chain(&error).to_string(), expected, "{line}");
                }
                Ok(kept) => {
                    let kept: HashSet<_> = kept.into_iter().map(|entry| entry.path).collect();
                    let is_kept = |path: &String| kept.contains(path.trim_end_matches('/'));
                    let mark = |path: &String| if is_kept(path) { '1' } else { '0' };
                    let marks: String = tree.iter().map(mark).collect();
                    assert_eq!(Some(marks), text("kept"), "{line}");
                }
            }
            count += 1;
        }
        assert!(count > 40, "{count} cases");
    }

    #[test]
    fn no_listed_path_leads_out() {
        let tree = ["a/", "a/b", "etc/", "etc/passwd", "x"].map(str::to_owned);
        for path in crate::tree::hostile_paths() {
            let ours = checked_out(
                entries(&tree),
                std::slice::from_ref(&path),
                Path::new("DIR"),
            );
            match ours {
                Ok(kept) => assert!(kept.len() <= tree.len(), "{path:?}"),
                Err(error) => {
                    let text = Chain(&error).to_string();
                    // What is looked for is below the root, whatever is listed.
                    let looked = text.split("lstat ").nth(1).unwrap_or_default();
                    assert!(looked.starts_with("DIR/"), "{text}");
                    assert!(!looked.split('/').any(|part| part == ".."), "{text}");
                    let reason = weir_runtime::kind::Failure::reason(&error);
                    assert_eq!(reason, "GitOperationFailed");
                }
            }
        }
    }

    #[test]
    fn many_listed_folders_cost_little() {
        let paths: Vec<String> = (0..50_000)
            .map(|number| format!("d{number:05}/x"))
            .collect();
        let listed: Vec<String> = (0..50_000).map(|number| format!("d{number:05}")).collect();
        let files = entries(&paths);
        let beginnings = Beginnings::of(&listed);
        assert!(files.iter().all(|entry| beginnings.take(entry)));
        let nested: Vec<String> = ["a", "ab", "", "b"].map(str::to_owned).to_vec();
        assert_eq!(Beginnings::of(&nested).0, [""]);
    }
}
