//! The files that an artifact is made of: those of a commit, of its submodules, and of included artifacts.

use bytes::Bytes;
use file_tree::FileTree;
use weir_git::{Commit, Entry, EntryKind, ObjectId, Snapshot};

/// One entry, in a path of the artifact.
#[derive(Debug, Clone)]
pub struct Item {
    /// The path from the root, without a slash at either end.
    pub path: String,
    /// What it is.
    pub kind: EntryKind,
    content: Content,
}

#[derive(Debug, Clone)]
enum Content {
    Object { snapshot: usize, id: ObjectId },
    Bytes(Bytes),
}

/// A commit's tree and what of it is wanted, in walk order.
#[derive(Debug)]
pub struct Tree {
    snapshots: Vec<Snapshot>,
    items: Vec<Item>,
    /// `spec.ignore`.
    pub ignore: Option<String>,
}

/// Why an included folder cannot be where it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CopyError {
    /// There is nothing to copy.
    #[error("no such file or directory")]
    Missing,
    /// Something stands there.
    #[error("file exists")]
    Exists,
    /// A parent is a file.
    #[error("not a directory")]
    NotADirectory,
}

impl Tree {
    /// The wanted `entries` of `snapshot`.
    #[must_use]
    pub fn new(snapshot: Snapshot, entries: Vec<Entry>, ignore: Option<String>) -> Self {
        let mut tree = Self {
            snapshots: vec![snapshot],
            items: Vec::new(),
            ignore,
        };
        tree.add("", 0, entries);
        tree.sort();
        tree
    }

    /// The repository's commit.
    #[must_use]
    pub fn commit(&self) -> &Commit {
        self.snapshot().commit()
    }

    /// The repository's own commit with its objects.
    #[must_use]
    pub fn snapshot(&self) -> &Snapshot {
        // The first is the repository itself; `new` puts it there.
        &self.snapshots[0]
    }

    /// All entries in walk order.
    #[must_use]
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// The entry at `path`.
    #[must_use]
    pub fn find(&self, path: &str) -> Option<&Item> {
        let found = self
            .items
            .binary_search_by(|item| walk_order(&item.path, path));
        found.ok().map(|at| &self.items[at])
    }

    /// The object that a submodule's entry names.
    #[must_use]
    pub fn submodule(&self, path: &str) -> Option<ObjectId> {
        match self.find(path)? {
            Item {
                kind: EntryKind::Submodule,
                content: Content::Object { id, .. },
                ..
            } => Some(*id),
            _ => None,
        }
    }

    /// The contents of a file.
    ///
    /// # Errors
    /// If the object is missing, broken or too large.
    pub fn read(&self, item: &Item) -> Result<Bytes, weir_git::Error> {
        match &item.content {
            Content::Bytes(bytes) => Ok(bytes.clone()),
            Content::Object { snapshot, id } => Ok(self.snapshots[*snapshot].read(*id)?.into()),
        }
    }

    /// Puts another repository's commit where the submodule `path` stands.
    pub fn mount(&mut self, path: &str, snapshot: Snapshot, entries: Vec<Entry>) {
        let at = self.snapshots.len();
        self.snapshots.push(snapshot);
        for item in self.items.iter_mut().filter(|item| item.path == path) {
            item.kind = EntryKind::Dir;
        }
        self.add(&format!("{path}/"), at, entries);
        self.sort();
    }

    /// Moves what `from` holds at `from_path` to `to_path`, as a rename would: over nothing, an empty folder, or
    /// a file in a file's stead. Paths that climb stop at the root.
    ///
    /// # Errors
    /// [`CopyError`]; the tree is as it was.
    pub fn copy(
        &mut self,
        from: &FileTree,
        from_path: &str,
        to_path: &str,
    ) -> Result<(), CopyError> {
        let (source, target) = (inside(from_path), inside(to_path));
        let entry = from.lookup(&source).ok_or(CopyError::Missing)?;
        let is_file = matches!(entry, file_tree::Entry::File { .. });
        self.make_room(&target, is_file)?;
        let mut new = Vec::new();
        if let Some(item) = item(target.clone(), entry) {
            new.push(item);
        }
        if let file_tree::Entry::Dir(_) = entry {
            let prefix = if source.is_empty() {
                String::new()
            } else {
                format!("{source}/")
            };
            for (path, entry) in from.walk() {
                if let Some(rest) = path.strip_prefix(&prefix) {
                    new.extend(item(format!("{target}/{rest}"), entry));
                }
            }
        }
        self.items.retain(|item| item.path != target);
        self.items.extend(new);
        self.sort();
        Ok(())
    }

    /// Checks that `target` may be replaced, and makes the folders above it.
    fn make_room(&mut self, target: &str, by_file: bool) -> Result<(), CopyError> {
        if target.is_empty() {
            return Err(CopyError::Exists);
        }
        let is_dir = |item: &Item| matches!(item.kind, EntryKind::Dir | EntryKind::Submodule);
        let above: Vec<String> = target
            .match_indices('/')
            .map(|(at, _)| target[..at].to_owned())
            .collect();
        if above
            .iter()
            .filter_map(|path| self.find(path))
            .any(|item| !is_dir(item))
        {
            return Err(CopyError::NotADirectory);
        }
        if let Some(found) = self.find(target) {
            let below = format!("{target}/");
            let full = self.items.iter().any(|item| item.path.starts_with(&below));
            match (is_dir(found), by_file) {
                (true, true) => return Err(CopyError::Exists),
                (true, false) if full => return Err(CopyError::Exists),
                (false, false) => return Err(CopyError::NotADirectory),
                (true, false) | (false, true) => {}
            }
        }
        for path in above {
            if self.find(&path).is_none() {
                self.items.push(Item {
                    path,
                    kind: EntryKind::Dir,
                    content: Content::Bytes(Bytes::new()),
                });
                self.sort();
            }
        }
        Ok(())
    }

    fn add(&mut self, prefix: &str, snapshot: usize, entries: Vec<Entry>) {
        self.items.reserve_exact(entries.len());
        self.items.extend(entries.into_iter().map(|entry| Item {
            path: match prefix {
                "" => entry.path,
                _ => format!("{prefix}{}", entry.path),
            },
            kind: entry.kind,
            content: Content::Object {
                snapshot,
                id: entry.id,
            },
        }));
    }

    fn sort(&mut self) {
        let order = |left: &Item, right: &Item| walk_order(&left.path, &right.path);
        // A commit's own entries come sorted: then there is nothing to move, and no room needed for it.
        if !self
            .items
            .is_sorted_by(|left, right| order(left, right).is_le())
        {
            self.items.sort_by(order);
        }
    }
}

/// The order of a walk: component by component.
pub fn walk_order(left: &str, right: &str) -> std::cmp::Ordering {
    left.split('/').cmp(right.split('/'))
}

/// A path as seen from a root that it cannot leave.
pub fn inside(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            name => parts.push(name),
        }
    }
    parts.join("/")
}

fn item(path: String, entry: &file_tree::Entry) -> Option<Item> {
    let (kind, bytes) = match entry {
        file_tree::Entry::File { bytes, executable } => {
            let executable = *executable;
            (EntryKind::File { executable }, bytes.clone())
        }
        file_tree::Entry::Dir(_) => (EntryKind::Dir, Bytes::new()),
        file_tree::Entry::Symlink(_) => return None,
    };
    let content = Content::Bytes(bytes);
    Some(Item {
        path,
        kind,
        content,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str) -> Item {
        Item {
            path: path.to_owned(),
            kind: EntryKind::File { executable: false },
            content: Content::Bytes(Bytes::from_static(b"own")),
        }
    }

    fn dir(path: &str) -> Item {
        Item {
            kind: EntryKind::Dir,
            ..file(path)
        }
    }

    fn tree() -> Tree {
        Tree {
            snapshots: Vec::new(),
            items: vec![dir("a"), file("a/x"), dir("empty"), file("f")],
            ignore: None,
        }
    }

    fn other() -> FileTree {
        let mut tree = FileTree::default();
        for path in ["deploy/one", "deploy/sub/two", "top"] {
            let bytes = path.as_bytes().to_vec();
            tree.insert_file(path, bytes, false).expect("fits");
        }
        tree
    }

    fn copied(from: &str, to: &str) -> Result<Vec<String>, CopyError> {
        let mut all = tree();
        all.copy(&other(), from, to)?;
        let names = all.items().iter().map(|item| item.path.clone());
        Ok(names
            .filter(|path| !["a", "a/x", "empty", "f"].contains(&path.as_str()))
            .collect())
    }

    #[test]
    fn a_folder_or_file_is_moved_to_its_place() {
        let expect = |from, to, paths: &[&str]| {
            let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
            assert_eq!(copied(from, to), Ok(paths), "{from} to {to}");
        };
        expect("deploy", "in", &["in", "in/one", "in/sub", "in/sub/two"]);
        expect("./deploy/sub/", "/p/q", &["p", "p/q", "p/q/two"]);
        expect(
            "",
            "in",
            &[
                "in",
                "in/deploy",
                "in/deploy/one",
                "in/deploy/sub",
                "in/deploy/sub/two",
                "in/top",
            ],
        );
        expect("top", "a/t", &["a/t"]);
        expect("deploy/sub", "empty", &["empty/two"]);
        expect("top", "f", &[]);
        // The walk goes by component, so that the archive is the same however it came about.
        expect("deploy/sub", "a.b", &["a.b", "a.b/two"]);
    }

    #[test]
    fn paths_that_climb_stop_at_the_root() {
        for climbing in ["../../deploy", "x/../../deploy", "/../deploy"] {
            assert!(copied(climbing, "../../../in").is_ok(), "{climbing}");
        }
        for missing in ["../../etc/passwd", "/etc", "../neighbour", "deploy/../.."] {
            let found = copied(missing, "in");
            // What ends at the root is the root.
            assert!(
                found == Err(CopyError::Missing) || missing.ends_with(".."),
                "{missing}"
            );
        }
    }

    #[test]
    fn nothing_that_stands_there_is_merged_or_lost() {
        for (from, to, expected) in [
            ("nope", "in", CopyError::Missing),
            ("deploy", "a", CopyError::Exists),
            ("deploy", "f", CopyError::NotADirectory),
            ("deploy", "f/x", CopyError::NotADirectory),
            ("top", "a", CopyError::Exists),
            ("deploy", "", CopyError::Exists),
            ("deploy", "../..", CopyError::Exists),
        ] {
            assert_eq!(copied(from, to), Err(expected), "{from} to {to}");
        }
    }
}
