//! The tree itself: directories, files, symbolic links, and the bounds on all of them.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::contents::Contents;
use crate::path::{PathError, normalize};

/// Symbolic links followed for one path before it counts as a cycle, as Linux does.
const MAX_LINKS: usize = 40;

/// The longest path, in bytes: what Linux allows.
pub const MAX_PATH: usize = 4096;

/// How much a tree may hold. Who makes artifacts and who reads them share these bounds, so that what can be made
/// can be read. Every `insert_*` checks them, so a hostile archive stops at the bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of all file contents together.
    pub bytes: u64,
    /// Files, directories and links together.
    pub entries: usize,
    /// Components of the deepest path.
    pub depth: usize,
}

impl Default for Limits {
    /// 1 GiB in 500,000 entries, 256 deep: far above any repository that Flux serves well.
    fn default() -> Self {
        Self {
            bytes: 1 << 30,
            entries: 500_000,
            depth: 256,
        }
    }
}

impl Limits {
    /// The error of more bytes than allowed.
    #[must_use]
    pub fn too_many_bytes(&self) -> Error {
        Error::Limit(format!("{} bytes", self.bytes))
    }

    /// The error of more entries than allowed.
    #[must_use]
    pub fn too_many_entries(&self) -> Error {
        Error::Limit(format!("{} entries", self.entries))
    }

    /// Judges a normalized path by its length and depth.
    ///
    /// # Errors
    /// [`Error::Limit`].
    pub fn check_path(&self, path: &str) -> Result<(), Error> {
        if path.len() > MAX_PATH {
            return Err(Error::Limit(format!("{MAX_PATH} bytes in a path")));
        }
        if path.split('/').count() > self.depth {
            return Err(Error::Limit(format!("a depth of {}", self.depth)));
        }
        Ok(())
    }
}

/// Why the tree refused an operation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Nothing is at the path.
    #[error("{0}: no such file or directory")]
    NotFound(String),
    /// A file stands where a directory is needed.
    #[error("{0}: not a directory")]
    NotADirectory(String),
    /// A directory stands where a file is needed.
    #[error("{0}: is a directory")]
    IsADirectory(String),
    /// The path, or a link on it, leaves the root.
    #[error("{path}: link target '{target}' leaves the root")]
    Escapes {
        /// The path that was asked for.
        path: String,
        /// The link's target, or the path itself.
        target: String,
    },
    /// More links than a path may have: a cycle.
    #[error("{0}: too many levels of symbolic links")]
    TooManyLinks(String),
    /// The path is not one inside a tree.
    #[error(transparent)]
    Path(#[from] PathError),
    /// A file's contents cannot be had.
    #[error("{path}: {why}")]
    Unreadable {
        /// The path that was asked for.
        path: String,
        /// What the reader says.
        why: String,
    },
    /// A bound of [`Limits`] is reached; the text names it.
    #[error("tree exceeds {0}")]
    Limit(String),
}

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A directory.
    Dir,
    /// A symbolic link, not followed.
    Symlink,
}

/// One entry as the tree stores it. Cloning a file shares its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A regular file's contents, and whether its owner may execute it.
    File {
        /// The contents.
        bytes: Contents,
        /// Any execute bit was set.
        executable: bool,
    },
    /// Names to entries, in byte order: the order of a lexical walk.
    Dir(BTreeMap<String, Self>),
    /// The target as written.
    Symlink(String),
}

impl Entry {
    /// What this entry is.
    #[must_use]
    pub fn kind(&self) -> EntryKind {
        match self {
            Self::File { .. } => EntryKind::File,
            Self::Dir(_) => EntryKind::Dir,
            Self::Symlink(_) => EntryKind::Symlink,
        }
    }
}

/// A bounded tree of files. Paths are slash-separated and relative to its root; the root is `""`.
#[derive(Debug, Clone)]
pub struct FileTree {
    root: Entry,
    limits: Limits,
    bytes: u64,
    entries: usize,
}

impl Default for FileTree {
    fn default() -> Self {
        Self::new(Limits::default())
    }
}

impl FileTree {
    /// An empty tree that may grow up to `limits`.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            root: Entry::Dir(BTreeMap::new()),
            limits,
            bytes: 0,
            entries: 0,
        }
    }

    /// Puts a file at `path`, with the directories above it. What was there is replaced.
    ///
    /// # Errors
    /// [`Error::Limit`] at a bound, [`Error::NotADirectory`] below a file or link, [`Error::Path`].
    pub fn insert_file(
        &mut self,
        path: &str,
        bytes: impl Into<Contents>,
        executable: bool,
    ) -> Result<(), Error> {
        let bytes = bytes.into();
        self.insert(path, Entry::File { bytes, executable })
    }

    /// Makes a directory at `path`, with those above it. An existing directory stays as it is.
    ///
    /// # Errors
    /// As [`FileTree::insert_file`], and [`Error::NotADirectory`] where a file or link is.
    pub fn insert_dir(&mut self, path: &str) -> Result<(), Error> {
        let path = normalize(path)?;
        match self.lookup(&path) {
            Some(Entry::Dir(_)) => Ok(()),
            Some(_) => Err(Error::NotADirectory(path)),
            None => self.insert(&path, Entry::Dir(BTreeMap::new())),
        }
    }

    /// Puts a symbolic link at `path`; the target is kept as written and only judged when followed.
    ///
    /// # Errors
    /// As [`FileTree::insert_file`].
    pub fn insert_symlink(&mut self, path: &str, target: impl Into<String>) -> Result<(), Error> {
        self.insert(path, Entry::Symlink(target.into()))
    }

    fn insert(&mut self, path: &str, entry: Entry) -> Result<(), Error> {
        let path = normalize(path)?;
        self.limits.check_path(&path)?;
        let parts: Vec<&str> = path.split('/').collect();
        let added = if let Entry::File { bytes, .. } = &entry {
            bytes.size()
        } else {
            0
        };
        if self.bytes.saturating_add(added) > self.limits.bytes {
            return Err(self.limits.too_many_bytes());
        }
        let Some((name, parents)) = parts.split_last() else {
            return Ok(());
        };
        if name.is_empty() {
            return Err(Error::IsADirectory(path.clone()));
        }
        let mut dir = &mut self.root;
        for part in parents {
            let Entry::Dir(children) = dir else {
                return Err(Error::NotADirectory(path.clone()));
            };
            if !children.contains_key(*part) {
                grow(&mut self.entries, self.limits.entries)?;
            }
            dir = children
                .entry((*part).to_owned())
                .or_insert_with(|| Entry::Dir(BTreeMap::new()));
        }
        let Entry::Dir(children) = dir else {
            return Err(Error::NotADirectory(path.clone()));
        };
        match children.get(*name) {
            None => grow(&mut self.entries, self.limits.entries)?,
            Some(Entry::Dir(_)) if !matches!(entry, Entry::Dir(_)) => {
                return Err(Error::IsADirectory(path.clone()));
            }
            Some(Entry::File { bytes, .. }) => self.bytes -= bytes.size(),
            Some(_) => {}
        }
        self.bytes += added;
        children.insert((*name).to_owned(), entry);
        Ok(())
    }

    /// The entry at exactly this normalized path, links not followed.
    #[must_use]
    pub fn lookup(&self, path: &str) -> Option<&Entry> {
        let mut entry = &self.root;
        for part in path.split('/').filter(|part| !part.is_empty()) {
            let Entry::Dir(children) = entry else {
                return None;
            };
            entry = children.get(part)?;
        }
        Some(entry)
    }

    /// Follows every link on `path` and returns the real path, which exists and is inside the root.
    ///
    /// An absolute link target starts at the tree's root, as in a chroot.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::NotADirectory`], [`Error::TooManyLinks`], and [`Error::Escapes`]
    /// where `..` (in the path or in a link) climbs above the root.
    pub fn resolve(&self, path: &str) -> Result<String, Error> {
        let escapes = |target: &str| Error::Escapes {
            path: path.to_owned(),
            target: target.to_owned(),
        };
        let mut pending: Vec<String> = path.split('/').rev().map(str::to_owned).collect();
        let mut real: Vec<String> = Vec::new();
        let mut links = 0;
        while let Some(part) = pending.pop() {
            match part.as_str() {
                "" | "." => continue,
                ".." => {
                    real.pop().ok_or_else(|| escapes(path))?;
                    continue;
                }
                _ => real.push(part),
            }
            match self.lookup(&real.join("/")) {
                None => return Err(Error::NotFound(path.to_owned())),
                Some(Entry::Symlink(target)) => {
                    links += 1;
                    if links > MAX_LINKS {
                        return Err(Error::TooManyLinks(path.to_owned()));
                    }
                    real.pop();
                    if target.starts_with('/') {
                        real.clear();
                    } else if normalize(&format!("{}/{target}", real.join("/"))).is_err() {
                        return Err(escapes(target));
                    }
                    pending.extend(target.split('/').rev().map(str::to_owned));
                }
                Some(Entry::File { .. })
                    if pending
                        .iter()
                        .any(|part| !matches!(part.as_str(), "" | ".")) =>
                {
                    return Err(Error::NotADirectory(path.to_owned()));
                }
                Some(_) => {}
            }
        }
        Ok(real.join("/"))
    }

    /// The contents of the file at `path`, links followed.
    ///
    /// # Errors
    /// As [`FileTree::resolve`], [`Error::IsADirectory`], and [`Error::Unreadable`] of what is not in memory.
    pub fn read(&self, path: &str) -> Result<Bytes, Error> {
        match self.lookup(&self.resolve(path)?) {
            Some(Entry::File { bytes, .. }) => bytes.load().map_err(|error| Error::Unreadable {
                path: path.to_owned(),
                why: error.to_string(),
            }),
            Some(_) => Err(Error::IsADirectory(path.to_owned())),
            None => Err(Error::NotFound(path.to_owned())),
        }
    }

    /// The names in the directory at `path`, links followed to reach it, with what each entry itself is.
    ///
    /// # Errors
    /// As [`FileTree::resolve`], and [`Error::NotADirectory`].
    pub fn read_dir(&self, path: &str) -> Result<impl Iterator<Item = (&str, EntryKind)>, Error> {
        match self.lookup(&self.resolve(path)?) {
            Some(Entry::Dir(children)) => Ok(children
                .iter()
                .map(|(name, entry)| (name.as_str(), entry.kind()))),
            _ => Err(Error::NotADirectory(path.to_owned())),
        }
    }

    /// Whether a directory is at `path`, links followed.
    #[must_use]
    pub fn is_dir(&self, path: &str) -> bool {
        self.resolve(path)
            .is_ok_and(|real| matches!(self.lookup(&real), Some(Entry::Dir(_))))
    }

    /// Whether a regular file is at `path`, links followed.
    #[must_use]
    pub fn is_file(&self, path: &str) -> bool {
        self.resolve(path)
            .is_ok_and(|real| matches!(self.lookup(&real), Some(Entry::File { .. })))
    }

    /// Every entry below the root in lexical walk order, a directory before its children, links not followed.
    pub fn walk(&self) -> Walk<'_> {
        let mut walk = Walk { stack: Vec::new() };
        walk.push_children("", &self.root);
        walk
    }

    /// Bytes of all files together.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Number of files, directories and links.
    #[must_use]
    pub fn entries(&self) -> usize {
        self.entries
    }
}

fn grow(entries: &mut usize, limit: usize) -> Result<(), Error> {
    if *entries >= limit {
        return Err(Error::Limit(format!("{limit} entries")));
    }
    *entries += 1;
    Ok(())
}

/// Iterator of [`FileTree::walk`]: the path of each entry and the entry.
#[derive(Debug)]
pub struct Walk<'a> {
    stack: Vec<(String, &'a Entry)>,
}

impl<'a> Walk<'a> {
    fn push_children(&mut self, path: &str, entry: &'a Entry) {
        if let Entry::Dir(children) = entry {
            let prefix = if path.is_empty() {
                String::new()
            } else {
                format!("{path}/")
            };
            self.stack.extend(
                children
                    .iter()
                    .rev()
                    .map(|(name, child)| (format!("{prefix}{name}"), child)),
            );
        }
    }
}

impl<'a> Iterator for Walk<'a> {
    type Item = (String, &'a Entry);

    fn next(&mut self) -> Option<Self::Item> {
        let (path, entry) = self.stack.pop()?;
        self.push_children(&path, entry);
        Some((path, entry))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> FileTree {
        let mut tree = FileTree::default();
        tree.insert_file("a/x.yaml", "x", false).expect("inserts");
        tree.insert_file("a.b", "y", true).expect("inserts");
        tree.insert_symlink("a/up", "../a.b").expect("inserts");
        tree.insert_symlink("a/abs", "/a.b").expect("inserts");
        tree.insert_symlink("out", "../etc").expect("inserts");
        tree.insert_symlink("loop", "loop").expect("inserts");
        tree
    }

    #[test]
    fn walks_in_the_order_of_a_directory_walk() {
        let paths: Vec<String> = tree().walk().map(|(path, _)| path).collect();
        assert_eq!(
            paths,
            ["a", "a/abs", "a/up", "a/x.yaml", "a.b", "loop", "out"]
        );
    }

    #[test]
    fn follows_links_inside_the_root_only() {
        let tree = tree();
        assert_eq!(
            tree.read("a/up").map(|bytes| bytes.as_ref().to_vec()),
            Ok(b"y".to_vec())
        );
        assert_eq!(tree.resolve("a/abs"), Ok("a.b".to_owned()));
        assert!(matches!(
            tree.resolve("out/passwd"),
            Err(Error::Escapes { .. })
        ));
        assert!(matches!(tree.resolve("loop"), Err(Error::TooManyLinks(_))));
        assert!(matches!(
            tree.resolve("a.b/z"),
            Err(Error::NotADirectory(_))
        ));
        assert!(matches!(tree.resolve("../a.b"), Err(Error::Escapes { .. })));
    }

    #[test]
    fn stops_at_each_limit_and_one_below_it_fits() {
        let limits = Limits {
            bytes: 3,
            entries: 2,
            depth: 2,
        };
        let mut tree = FileTree::new(limits);
        assert_eq!(tree.insert_file("d/f", "abc", false), Ok(()));
        assert!(matches!(
            tree.insert_file("d/f2", "", false),
            Err(Error::Limit(_))
        ));
        assert!(matches!(
            tree.insert_file("d/f", "abcd", false),
            Err(Error::Limit(_))
        ));
        assert!(matches!(
            FileTree::new(limits).insert_dir("a/b/c"),
            Err(Error::Limit(_))
        ));
    }
}
