//! What a build reads: files behind a trait, and the trait over an in-memory tree.

use bytes::Bytes;
use file_tree::{Entry, EntryKind, FileTree};

use crate::path;

/// Symbolic links followed for one path before it counts as a cycle, as Go's `EvalSymlinks` does.
const MAX_LINKS: usize = 255;

/// A failed file operation, in the operating system's words: `lstat /a: no such file or directory`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct FsError {
    /// The text.
    pub text: String,
    /// The path lies outside what this file system lets a build see. The text is then complete.
    pub forbidden: bool,
}

impl FsError {
    /// An ordinary failure.
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            forbidden: false,
        }
    }
}

/// Files by absolute, slash-separated, clean path. A build asks for nothing else of the world.
pub trait FileSystem: Sync {
    /// The path with every symbolic link followed; it exists.
    ///
    /// # Errors
    /// Nothing is there, or too many links.
    fn resolve(&self, path: &str) -> Result<String, FsError>;

    /// Whether a directory is at `path`, links followed.
    fn is_dir(&self, path: &str) -> bool;

    /// The contents of the file at `path`, links followed.
    ///
    /// # Errors
    /// No file is there, or it may not be read.
    fn read(&self, path: &str) -> Result<Bytes, FsError>;
}

/// A [`FileTree`] seen as if it were mounted at an absolute path. Nothing exists outside the mount.
#[derive(Debug, Clone)]
pub struct TreeFs<'a> {
    tree: &'a FileTree,
    mount: String,
    confined: bool,
}

impl<'a> TreeFs<'a> {
    /// The tree at `mount`, an absolute path that messages show.
    #[must_use]
    pub fn new(tree: &'a FileTree, mount: &str) -> Self {
        Self {
            tree,
            mount: path::clean(&format!("/{mount}")),
            confined: false,
        }
    }

    /// The same, where every look outside the mount is refused by name, as Flux does it.
    #[must_use]
    pub fn confined(tree: &'a FileTree, mount: &str) -> Self {
        Self {
            confined: true,
            ..Self::new(tree, mount)
        }
    }

    /// Where the tree is mounted.
    #[must_use]
    pub fn mount(&self) -> &str {
        &self.mount
    }

    /// The path inside the tree, if it is below the mount.
    fn inside<'p>(&self, full: &'p str) -> Option<&'p str> {
        if self.mount == "/" {
            return Some(full.trim_start_matches('/'));
        }
        let rest = full.strip_prefix(&self.mount)?;
        (rest.is_empty() || rest.starts_with('/')).then(|| rest.trim_start_matches('/'))
    }

    fn entry(&self, real: &str) -> Option<&'a Entry> {
        self.tree.lookup(self.inside(real)?)
    }

    fn refuse(&self, op: &str, path: &str) -> FsError {
        FsError {
            text: format!(
                "fs-security-constraint {op} {path}: path '{path}' is not in or below '{}'",
                self.mount
            ),
            forbidden: true,
        }
    }

    /// The names in a directory, in order, with what each entry itself is.
    ///
    /// # Errors
    /// No directory is there.
    pub(crate) fn list(&self, path: &str) -> Result<Vec<(String, EntryKind)>, FsError> {
        let real = self.follow(path)?;
        match self.entry(&real) {
            Some(Entry::Dir(children)) => Ok(children
                .iter()
                .map(|(name, entry)| (name.clone(), entry.kind()))
                .collect()),
            _ => Err(FsError::new(format!("open {path}: not a directory"))),
        }
    }

    /// Checks that a path, links followed, does not lead outside.
    ///
    /// # Errors
    /// It does.
    pub(crate) fn expect_inside(&self, op: &str, path: &str) -> Result<(), FsError> {
        match self.follow(path) {
            Ok(real) if self.inside(&real).is_none() => Err(self.refuse(op, path)),
            _ => Ok(()),
        }
    }

    /// Walks one path part by part. Directories above the mount exist; nothing else outside does.
    fn follow(&self, full: &str) -> Result<String, FsError> {
        let mut pending: Vec<String> = full.split('/').rev().map(str::to_owned).collect();
        let mut real = String::new();
        let mut links = 0;
        while let Some(part) = pending.pop() {
            match part.as_str() {
                "" | "." => continue,
                ".." => {
                    real.truncate(real.rfind('/').unwrap_or(0));
                    continue;
                }
                _ => {
                    real.push('/');
                    real.push_str(&part);
                }
            }
            match self.entry(&real) {
                Some(Entry::Symlink(target)) => {
                    links += 1;
                    if links > MAX_LINKS {
                        return Err(FsError::new("EvalSymlinks: too many links"));
                    }
                    real.truncate(if target.starts_with('/') {
                        0
                    } else {
                        real.rfind('/').unwrap_or(0)
                    });
                    pending.extend(target.split('/').rev().map(str::to_owned));
                }
                Some(Entry::File { .. }) if !pending.is_empty() => {
                    return Err(FsError::new("not a directory"));
                }
                Some(_) => {}
                None if path::is_within(&self.mount, &real) => {}
                None if self.inside(&real).is_none() => {
                    // What is outside is unknown; the message names all of it.
                    let rest: Vec<&str> = pending.iter().rev().map(String::as_str).collect();
                    let full = path::join(&real, &rest.join("/"));
                    return Err(FsError::new(format!(
                        "lstat {full}: no such file or directory"
                    )));
                }
                None => {
                    return Err(FsError::new(format!(
                        "lstat {real}: no such file or directory"
                    )));
                }
            }
        }
        if real.is_empty() {
            real.push('/');
        }
        Ok(real)
    }
}

impl FileSystem for TreeFs<'_> {
    fn resolve(&self, path: &str) -> Result<String, FsError> {
        let real = self.follow(path);
        if self.confined {
            let shown = real.as_deref().unwrap_or(path);
            if self.inside(shown).is_none() {
                return Err(self.refuse("abs", path));
            }
        }
        real
    }

    fn is_dir(&self, path: &str) -> bool {
        self.follow(path).is_ok_and(|real| {
            matches!(self.entry(&real), Some(Entry::Dir(_)))
                || path::is_within(&self.mount, &real) && !self.confined
        })
    }

    fn read(&self, path: &str) -> Result<Bytes, FsError> {
        let real = self.follow(path);
        if self.confined && self.inside(real.as_deref().unwrap_or(path)).is_none() {
            return Err(self.refuse("read", path));
        }
        let real = real.map_err(|error| {
            let why = error.text.rsplit(": ").next().unwrap_or_default();
            let why = why.replace("too many links", "too many levels of symbolic links");
            FsError::new(format!("open {path}: {why}"))
        })?;
        match self.entry(&real) {
            Some(Entry::File { bytes, .. }) => bytes
                .load()
                .map_err(|error| FsError::new(format!("read {path}: {error}"))),
            _ => Err(FsError::new(format!("read {path}: is a directory"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> FileTree {
        let mut tree = FileTree::default();
        tree.insert_file("a/f", "x", false).expect("inserts");
        tree.insert_symlink("a/l", "../b").expect("inserts");
        tree.insert_symlink("out", "../etc/passwd")
            .expect("inserts");
        tree.insert_symlink("loop", "loop").expect("inserts");
        tree.insert_dir("b").expect("inserts");
        tree
    }

    #[test]
    fn follows_links_and_names_the_missing_part() {
        let tree = tree();
        let fs = TreeFs::new(&tree, "/in");
        assert_eq!(fs.resolve("/in/a/l"), Ok("/in/b".to_owned()));
        assert_eq!(
            fs.resolve("/in/a/l/x").map_err(|e| e.text),
            Err("lstat /in/b/x: no such file or directory".to_owned())
        );
        assert_eq!(
            fs.resolve("/in/loop").map_err(|e| e.text),
            Err("EvalSymlinks: too many links".to_owned())
        );
        assert!(fs.is_dir("/in") && fs.is_dir("/") && !fs.is_dir("/in/a/f"));
    }

    #[test]
    fn a_confined_tree_refuses_what_lies_outside() {
        let tree = tree();
        let fs = TreeFs::confined(&tree, "/in");
        for path in ["/etc/passwd", "/in/out"] {
            let error = fs.read(path).expect_err("is outside");
            assert!(error.forbidden || error.text.contains("no such"), "{error}");
        }
        assert_eq!(
            fs.resolve("/x").map_err(|e| e.text),
            Err("fs-security-constraint abs /x: path '/x' is not in or below '/in'".to_owned())
        );
    }
}
