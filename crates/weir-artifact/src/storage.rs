//! Artifacts on disk: written whole or not at all, checked, collected.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use file_tree::Limits;
use parking_lot::Mutex;

use crate::digest::{self, Algorithm, Digest, Hasher};

mod collect;
mod disk;
mod sweep;

use disk::{Disk, System, Temporary};

/// Temporary files begin with this; the server hides them, a later run removes what a crash left.
pub(crate) const TEMPORARY: &str = ".tmp-";
/// What older versions put beside a file to lock it; never served, never counted, removed with its file.
pub(crate) const LOCK: &str = ".lock";

/// Where an object's artifacts lie.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Location {
    /// The kind in lower case.
    pub kind: String,
    /// The object's namespace.
    pub namespace: String,
    /// The object's name.
    pub name: String,
}

impl Location {
    fn path(&self) -> String {
        format!("{}/{}/{}", self.kind, self.namespace, self.name)
    }
}

/// How long superseded artifacts stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Older ones go (`--artifact-retention-ttl`).
    pub ttl: Duration,
    /// At most this many stay, the current one included (`--artifact-retention-records`).
    pub records: usize,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            ttl: Duration::from_secs(60),
            records: 2,
        }
    }
}

/// How large an artifact may be, for who makes it as for who fetches it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArtifactLimits {
    /// Bytes of the archive (`--artifact-max-size`).
    pub size: u64,
    /// What it may unpack into (`--artifact-max-unpacked-size`, `--artifact-max-entries`).
    pub tree: Limits,
}

impl ArtifactLimits {
    /// Bounds on the archive's bytes, on those it unpacks into, and on its entries; the depth is the default one.
    #[must_use]
    pub fn new(size: u64, unpacked: u64, entries: usize) -> Self {
        Self {
            size,
            tree: Limits {
                bytes: unpacked,
                entries,
                ..Limits::default()
            },
        }
    }
}

impl Default for ArtifactLimits {
    /// 1 GiB, packed as unpacked.
    fn default() -> Self {
        Self {
            size: 1 << 30,
            tree: Limits::default(),
        }
    }
}

/// A file that was published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// The path below the storage root: `<kind>/<namespace>/<name>/<file>`.
    pub path: String,
    /// The digest of the file.
    pub digest: Digest,
    /// The size of the file in bytes.
    pub size: u64,
}

/// What is at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// A file with the expected digest.
    Good,
    /// Nothing, or no regular file.
    Missing,
    /// A file with another digest.
    Corrupt,
}

/// Why storage failed.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// A part of a path is empty, `.`, `..` or holds a slash or NUL.
    #[error("invalid path {0:?}")]
    InvalidPath(String),
    /// The file system said no, for instance because it is full.
    #[error("failed to {action} '{path}'")]
    Io {
        /// What was tried.
        action: &'static str,
        /// Where, below the root.
        path: String,
        /// What the system said.
        source: io::Error,
    },
}

/// The folder that all artifacts of a controller are in. Its methods block.
#[derive(Debug)]
pub struct Storage {
    root: PathBuf,
    host: String,
    algorithm: Algorithm,
    retention: Retention,
    limits: ArtifactLimits,
    disk: Arc<dyn Disk>,
    verified: Mutex<HashMap<String, Verified>>,
}

/// A file as it was when its digest was last computed.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Verified {
    inode: u64,
    modified: (i64, i64),
    size: u64,
    digest: Digest,
}

impl Storage {
    /// The storage at `root`, which is made if it is not there; `host` is what URLs name (`host:port`, or
    /// with a scheme). What a killed process has left half written goes.
    ///
    /// # Errors
    /// If the folder cannot be made.
    pub fn open(
        root: impl Into<PathBuf>,
        host: impl Into<String>,
        algorithm: Algorithm,
        retention: Retention,
    ) -> Result<Self, StorageError> {
        let root = root.into();
        disk::make_dirs(&System, &root).map_err(fail("create", "."))?;
        let storage = Self {
            root,
            host: host.into(),
            algorithm,
            retention,
            limits: ArtifactLimits::default(),
            disk: Arc::new(System),
            verified: Mutex::default(),
        };
        storage.sweep();
        Ok(storage)
    }

    /// The same with other bounds than the default ones.
    #[must_use]
    pub fn with_limits(mut self, limits: ArtifactLimits) -> Self {
        self.limits = limits;
        self
    }

    /// What an archive may unpack into; [`Storage::publish`] itself bounds its size.
    #[must_use]
    pub fn tree_limits(&self) -> Limits {
        self.limits.tree
    }

    /// The folder.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The URL of a path below the root.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        let host = self.host.trim_end_matches('/');
        if host.starts_with("http://") || host.starts_with("https://") {
            return format!("{host}/{path}");
        }
        format!("http://{host}/{path}")
    }

    /// Writes a file and makes it appear under its name at once, surviving a power loss after this returns.
    ///
    /// `fill` writes the contents; what it returns comes back. Nothing is left behind if it fails.
    ///
    /// # Errors
    /// Those of `fill`, and [`StorageError`].
    pub fn publish<T, E: From<StorageError>>(
        &self,
        location: &Location,
        file: &str,
        fill: impl FnOnce(&mut dyn Write) -> Result<T, E>,
    ) -> Result<(Published, T), E> {
        let folder = self.folder(location)?;
        component(file)?;
        let path = format!("{}/{file}", location.path());
        let disk = &*self.disk;
        disk::make_dirs(disk, &folder).map_err(fail("create folder of", &path))?;
        let temporary = Temporary::new(disk, &folder).map_err(fail("create", &path))?;
        let mut output = Output {
            inner: io::BufWriter::with_capacity(1 << 18, &temporary),
            hasher: Hasher::new(self.algorithm),
            size: 0,
            max: self.limits.size,
        };
        let filled = fill(&mut output)?;
        output.flush().map_err(fail("write", &path))?;
        let (digest, size) = output.finish();
        let to = folder.join(file);
        temporary.persist(&to).map_err(fail("write", &path))?;
        if let Ok(now) = fs::symlink_metadata(&to) {
            self.remember(&path, &now, digest.clone());
        }
        Ok((Published { path, digest, size }, filled))
    }

    /// Compares the file at `path` with `digest`. The contents are read only if the file has changed since
    /// the last time, or was not read by this process yet.
    ///
    /// # Errors
    /// [`StorageError::InvalidPath`], or if the file cannot be read.
    pub fn check(&self, path: &str, digest: &str) -> Result<Health, StorageError> {
        let full = self.confined(path)?;
        let found = match fs::symlink_metadata(&full) {
            Ok(found) if found.is_file() => found,
            Ok(_) => return Ok(Health::Missing),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Health::Missing),
            Err(error) => return Err(fail("stat", path)(error)),
        };
        let Ok(expected) = digest.parse::<Digest>() else {
            return Ok(Health::Corrupt);
        };
        let known = self.verified.lock().get(path).cloned();
        if known.is_some_and(|known| known == Verified::of(&found, expected.clone())) {
            return Ok(Health::Good);
        }
        let file = File::open(&full).map_err(fail("open", path))?;
        let actual = digest::of(expected.algorithm(), file).map_err(fail("read", path))?;
        if actual != expected {
            return Ok(Health::Corrupt);
        }
        self.remember(path, &found, actual);
        Ok(Health::Good)
    }

    /// Removes one file and its lock; it is no error if it is not there.
    ///
    /// # Errors
    /// [`StorageError`].
    pub fn remove(&self, path: &str) -> Result<(), StorageError> {
        let full = self.confined(path)?;
        self.verified.lock().remove(path);
        remove_file(&full).map_err(fail("remove", path))?;
        let lock = full.with_file_name(format!("{}{LOCK}", file_name(&full)));
        remove_file(&lock).map_err(fail("remove", path))
    }

    /// Removes everything of one object; whether there was anything.
    ///
    /// # Errors
    /// [`StorageError`].
    pub fn remove_all(&self, location: &Location) -> Result<bool, StorageError> {
        let folder = self.folder(location)?;
        let path = location.path();
        let prefix = format!("{path}/");
        self.verified
            .lock()
            .retain(|path, _| !path.starts_with(&prefix));
        match fs::remove_dir_all(&folder) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(fail("remove", &path)(error)),
        }
    }

    fn remember(&self, path: &str, found: &fs::Metadata, digest: Digest) {
        let verified = Verified::of(found, digest);
        self.verified.lock().insert(path.to_owned(), verified);
    }

    fn folder(&self, location: &Location) -> Result<PathBuf, StorageError> {
        let parts = [&location.kind, &location.namespace, &location.name];
        for part in parts {
            component(part)?;
        }
        Ok(parts
            .into_iter()
            .fold(self.root.clone(), |path, part| path.join(part)))
    }

    /// A path from an object's status is only as good as who wrote it.
    fn confined(&self, path: &str) -> Result<PathBuf, StorageError> {
        let mut full = self.root.clone();
        for part in path.split('/') {
            component(part)?;
            full.push(part);
        }
        Ok(full)
    }
}

impl Verified {
    fn of(found: &fs::Metadata, digest: Digest) -> Self {
        Self {
            inode: found.ino(),
            modified: (found.mtime(), found.mtime_nsec()),
            size: found.size(),
            digest,
        }
    }
}

/// Counts and hashes what passes through.
struct Output<W> {
    inner: W,
    hasher: Hasher,
    size: u64,
    max: u64,
}

impl<W> Output<W> {
    fn finish(self) -> (Digest, u64) {
        (self.hasher.finish(), self.size)
    }
}

impl<W: Write> Write for Output<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.max - self.size < bytes.len() as u64 {
            return Err(io::Error::other(TooLarge(self.max)));
        }
        let written = self.inner.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// An artifact is larger than allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("artifact exceeds {0} bytes")]
pub struct TooLarge(pub u64);

fn component(part: &str) -> Result<(), StorageError> {
    let fits = !part.is_empty() && part != "." && part != ".." && !part.contains(['/', '\0']);
    fits.then_some(())
        .ok_or_else(|| StorageError::InvalidPath(part.to_owned()))
}

fn file_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

fn remove_file(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn fail(action: &'static str, path: &str) -> impl FnOnce(io::Error) -> StorageError {
    let path = path.to_owned();
    move |source| StorageError::Io {
        action,
        path,
        source,
    }
}

#[cfg(test)]
mod tests;
