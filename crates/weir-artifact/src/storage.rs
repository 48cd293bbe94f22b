//! Artifacts on disk: written whole or not at all, checked, collected.

use std::collections::HashMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use parking_lot::Mutex;

use crate::digest::{self, Algorithm, Digest, Hasher};

mod collect;

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
    /// with a scheme).
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
        make_dir(&root).map_err(fail("create", "."))?;
        Ok(Self {
            root,
            host: host.into(),
            algorithm,
            retention,
            verified: Mutex::default(),
        })
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
        make_dir(&folder).map_err(fail("create folder of", &path))?;
        let Temporary {
            file: output_file,
            path: temporary,
        } = Temporary::new(&folder).map_err(fail("create", &path))?;
        let mut output = Output {
            inner: io::BufWriter::with_capacity(1 << 18, &output_file),
            hasher: Hasher::new(self.algorithm),
            size: 0,
        };
        let filled = fill(&mut output)?;
        let Output {
            mut inner,
            hasher,
            size,
        } = output;
        inner.flush().map_err(fail("write", &path))?;
        drop(inner);
        let digest = hasher.finish();
        output_file.sync_all().map_err(fail("write", &path))?;
        let to = folder.join(file);
        temporary
            .persist(&to)
            .map_err(|error| fail("rename", &path)(error.error))?;
        sync_dir(&folder).map_err(fail("write", &path))?;
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
}

impl<W: Write> Write for Output<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// A file that vanishes unless it is renamed.
struct Temporary {
    file: File,
    path: tempfile::TempPath,
}

impl Temporary {
    fn new(folder: &Path) -> io::Result<Self> {
        let made = tempfile::Builder::new()
            .prefix(TEMPORARY)
            .make_in(folder, |path| {
                OpenOptions::new()
                    .write(true)
                    .create_new(true)
                    .mode(0o600)
                    .open(path)
            })?;
        let (file, path) = made.into_parts();
        file.set_permissions(fs::Permissions::from_mode(0o600))?;
        Ok(Self { file, path })
    }
}

fn component(part: &str) -> Result<(), StorageError> {
    let fits = !part.is_empty() && part != "." && part != ".." && !part.contains(['/', '\0']);
    fits.then_some(())
        .ok_or_else(|| StorageError::InvalidPath(part.to_owned()))
}

fn file_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

fn make_dir(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

fn sync_dir(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
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
