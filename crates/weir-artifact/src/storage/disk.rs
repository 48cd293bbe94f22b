//! What publishing does to a disk, step by step, in an order that survives a power loss.
//!
//! A file's bytes are on disk before its name is, and its name before anybody is told; so is the name of every
//! folder on the way.

use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::FlockOperation;

use super::TEMPORARY;

/// The steps. Tests put another one in its place, which fails or ends the process at a given step.
pub(super) trait Disk: fmt::Debug + Send + Sync {
    /// Makes one folder.
    fn make_dir(&self, path: &Path) -> io::Result<()>;
    /// Makes a file that is not there yet.
    fn create(&self, path: &Path) -> io::Result<File>;
    /// Writes some of `bytes`.
    fn write(&self, file: &File, bytes: &[u8]) -> io::Result<usize>;
    /// Waits until a file's bytes are on disk.
    fn sync_file(&self, file: &File, path: &Path) -> io::Result<()>;
    /// Gives a file its name.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Waits until a folder's names are on disk.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;
}

/// The disk.
#[derive(Debug, Clone, Copy)]
pub(super) struct System;

impl Disk for System {
    fn make_dir(&self, path: &Path) -> io::Result<()> {
        DirBuilder::new().mode(0o700).create(path)
    }

    fn create(&self, path: &Path) -> io::Result<File> {
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)
    }

    fn write(&self, mut file: &File, bytes: &[u8]) -> io::Result<usize> {
        file.write(bytes)
    }

    fn sync_file(&self, file: &File, _path: &Path) -> io::Result<()> {
        file.sync_all()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }
}

/// Makes a folder and those above it; each new one's name is on disk when this returns.
pub(super) fn make_dirs(disk: &dyn Disk, path: &Path) -> io::Result<()> {
    let missing: Vec<&Path> = path
        .ancestors()
        .take_while(|folder| !folder.as_os_str().is_empty() && !folder.is_dir())
        .collect();
    for folder in missing.into_iter().rev() {
        match disk.make_dir(folder) {
            // Another pass may make the same namespace's folder at the same time.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => {}
            made => made?,
        }
        match folder.parent() {
            Some(above) if above.as_os_str().is_empty() => disk.sync_dir(Path::new("."))?,
            Some(above) => disk.sync_dir(above)?,
            None => {}
        }
    }
    Ok(())
}

/// A file that is being written, locked for as long, and that vanishes unless it gets its name.
#[derive(Debug)]
pub(super) struct Temporary<'a> {
    disk: &'a dyn Disk,
    file: File,
    path: PathBuf,
    named: bool,
}

impl<'a> Temporary<'a> {
    pub(super) fn new(disk: &'a dyn Disk, folder: &Path) -> io::Result<Self> {
        let made = tempfile::Builder::new()
            .prefix(TEMPORARY)
            .make_in(folder, |path| disk.create(path))?;
        let (file, path) = made.into_parts();
        let path = path.keep().map_err(|error| error.error)?;
        // Tells a sweep that somebody is at work. File systems without locks have no sweep either.
        rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive).ok();
        Ok(Self {
            disk,
            file,
            path,
            named: false,
        })
    }

    /// Gives the file its name, for good.
    pub(super) fn persist(mut self, to: &Path) -> io::Result<()> {
        self.disk.sync_file(&self.file, &self.path)?;
        self.disk.rename(&self.path, to)?;
        self.named = true;
        let folder = to.parent().unwrap_or(Path::new("."));
        self.disk.sync_dir(folder)
    }
}

impl Write for &Temporary<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.disk.write(&self.file, bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Temporary<'_> {
    fn drop(&mut self) {
        if !self.named {
            fs::remove_file(&self.path).ok();
        }
    }
}
