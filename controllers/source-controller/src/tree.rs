//! The files that an artifact is made of: those of a commit, of its submodules, and of included artifacts.

use std::io::Read;

use file_tree::{Contents, FileTree};
use weir_git::{Commit, Entry, EntryKind, ObjectId, Snapshot};

/// Links that are followed on one way, and the longest target of one, as on Linux.
const MAX_LINKS: usize = 40;
const MAX_TARGET: usize = 4095;

mod join;

#[cfg(test)]
pub(crate) use join::hostile_paths;
pub use join::{JoinError, inside, joined};

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
    /// Of a repository.
    Object { snapshot: usize, id: ObjectId },
    /// Of an included artifact.
    Included(Contents),
    /// Of nobody: a folder has none.
    Nothing,
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

    /// The same, to be [completed](weir_git::Connection::complete).
    pub fn snapshot_mut(&mut self) -> &mut Snapshot {
        &mut self.snapshots[0]
    }

    /// The object that an entry of a repository names.
    #[must_use]
    pub fn object(&self, item: &Item) -> Option<ObjectId> {
        match item.content {
            Content::Object { id, .. } => Some(id),
            Content::Included(_) | Content::Nothing => None,
        }
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

    /// What is at `path`, behind all links on the way; nothing where one leads out of the tree or there are too many.
    #[must_use]
    pub fn follow(&self, path: &str) -> Option<&Item> {
        let parts = |path: &str| path.split('/').rev().map(str::to_owned).collect::<Vec<_>>();
        let mut left = parts(path);
        let mut at: Vec<String> = Vec::new();
        let mut links = 0;
        let mut found = None;
        while let Some(part) = left.pop() {
            match part.as_str() {
                "" | "." => continue,
                ".." => {
                    at.pop()?;
                    continue;
                }
                _ => at.push(part),
            }
            let item = self.find(&at.join("/"))?;
            found = Some(item);
            if item.kind == EntryKind::Symlink {
                links += 1;
                let target = self.read(item).ok()?;
                let target = std::str::from_utf8(&target).ok()?;
                let leads_on = links <= MAX_LINKS && target.len() <= MAX_TARGET;
                if !leads_on || target.starts_with('/') {
                    return None;
                }
                at.pop();
                left.extend(parts(target));
                found = None;
            }
        }
        found.or_else(|| self.find(&at.join("/")))
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

    /// A file's bytes and its contents, piece by piece.
    ///
    /// # Errors
    /// If the object is missing or broken.
    pub fn open(&self, item: &Item) -> Result<(u64, Box<dyn Read>), weir_git::Error> {
        match &item.content {
            Content::Included(file) => Ok((file.size(), file.open())),
            Content::Nothing => Ok((0, Box::new(std::io::empty()))),
            Content::Object { snapshot, id } => {
                let blob = self.snapshots[*snapshot].open(*id)?;
                Ok((blob.size, Box::new(blob)))
            }
        }
    }

    /// The contents of a file that says something to us.
    ///
    /// # Errors
    /// If the object is missing, broken or too large.
    pub fn read(&self, item: &Item) -> Result<Vec<u8>, weir_git::Error> {
        match &item.content {
            Content::Object { snapshot, id } => self.snapshots[*snapshot].read(*id),
            Content::Nothing => Ok(Vec::new()),
            Content::Included(file) => {
                let loaded = file.load().map(|bytes| bytes.to_vec());
                let failed = |error| weir_git::Error::Object(format!("{}: {error}", item.path));
                loaded.map_err(failed)
            }
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

    /// Where `path` leads below the root; `directory` is where upstream would have checked out.
    ///
    /// # Errors
    /// If no file system would look there.
    pub fn join(&self, directory: &str, path: &str) -> Result<String, JoinError> {
        joined(directory, path, |at| {
            self.find(at)
                .is_some_and(|item| item.kind == EntryKind::Dir)
        })
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
                    content: Content::Nothing,
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

fn item(path: String, entry: &file_tree::Entry) -> Option<Item> {
    let (kind, content) = match entry {
        file_tree::Entry::File { bytes, executable } => {
            let executable = *executable;
            (
                EntryKind::File { executable },
                Content::Included(bytes.clone()),
            )
        }
        file_tree::Entry::Dir(_) => (EntryKind::Dir, Content::Nothing),
        file_tree::Entry::Symlink(_) => return None,
    };
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
            content: Content::Included("own".into()),
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
            tree.insert_file(path, path, false).expect("fits");
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
    fn no_path_of_an_include_leads_out() {
        let all = tree();
        let neighbour = |item: &Item| all.read(item).expect("reads") == b"own";
        let mut placed = 0;
        for path in hostile_paths() {
            let mut taken = tree();
            if taken.copy(&other(), &path, "in").is_ok() {
                // Only what the include holds, at its place.
                for item in taken.items().iter().filter(|item| !neighbour(item)) {
                    assert!(
                        item.path == "in" || item.path.starts_with("in/"),
                        "{path:?}"
                    );
                }
            }
            let mut given = tree();
            let Ok(target) = given.join("DIR", &path) else {
                continue;
            };
            if given.copy(&other(), "deploy", &target).is_ok() {
                placed += 1;
                for item in given.items() {
                    let plain =
                        |part: &str| !["", ".", ".."].contains(&part) && !part.contains('\0');
                    assert!(item.path.split('/').all(plain), "{path:?}: {:?}", item.path);
                }
            }
        }
        assert!(placed > 40, "{placed} are placed");
    }

    #[test]
    fn links_lead_within_the_tree_only() {
        let link = |path: &str, to: &str| Item {
            path: path.to_owned(),
            kind: EntryKind::Symlink,
            content: Content::Included(to.to_owned().into()),
        };
        let mut all = tree();
        all.items.extend([
            link("a/up", ".."),
            link("to-a", "a"),
            link("to-x", "to-a/./x"),
            link("round", "a/../round"),
            link("out", "../outside"),
            link("in-again", "../../a/x"),
            link("absolute", "/etc/passwd"),
            link("nowhere", "nothing"),
            link("long", &"a/../".repeat(1000)),
        ]);
        all.sort();
        let found = |path: &str| all.follow(path).map(|item| item.path.as_str());
        assert_eq!(found("a/x"), Some("a/x"));
        assert_eq!(found("to-x"), Some("a/x"));
        assert_eq!(found("a/up/to-x"), Some("a/x"));
        assert_eq!(found("to-a"), Some("a"));
        assert_eq!(found("a/up/a/up/f"), Some("f"));
        for path in [
            "round", "out", "in-again", "absolute", "nowhere", "long", "f/x", "",
        ] {
            assert_eq!(found(path), None, "{path}");
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
