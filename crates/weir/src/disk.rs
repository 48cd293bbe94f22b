//! The disk as kustomize reads it, with the operating system's words as Go prints them.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use kustomize::{FileSystem, FsError};

/// The largest file that a build reads, in bytes.
const MAX_FILE: u64 = 256 << 20;

/// How many links one path may lead through.
const MAX_LINKS: usize = 255;

/// Every file that the user may read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Disk;

impl FileSystem for Disk {
    fn resolve(&self, path: &str) -> Result<String, FsError> {
        let real = std::fs::canonicalize(path).map_err(|error| unresolved(path, &error))?;
        real.into_os_string()
            .into_string()
            .map_err(|_| FsError::new(format!("lstat {path}: path is not UTF-8")))
    }

    fn is_dir(&self, path: &str) -> bool {
        Path::new(path).is_dir()
    }

    fn read(&self, path: &str) -> Result<bytes::Bytes, FsError> {
        let file = File::open(path).map_err(|error| failed("open", path, &error))?;
        let mut contents = Vec::new();
        let read = file.take(MAX_FILE + 1).read_to_end(&mut contents);
        read.map_err(|error| failed("read", path, &error))?;
        if contents.len() as u64 > MAX_FILE {
            return Err(FsError::new(format!(
                "read {path}: larger than {MAX_FILE} bytes"
            )));
        }
        Ok(contents.into())
    }
}

/// Why a path does not resolve: the first part of it that is not there, links followed, as Go names it.
///
/// Source: Go 1.26 `path/filepath/symlink.go`.
fn unresolved(path: &str, error: &std::io::Error) -> FsError {
    let mut pending: Vec<String> = path.split('/').rev().map(str::to_owned).collect();
    let mut real = PathBuf::from("/");
    let mut links = 0;
    while let Some(part) = pending.pop() {
        match part.as_str() {
            "" | "." => continue,
            ".." => {
                real.pop();
                continue;
            }
            part => real.push(part),
        }
        let found = match std::fs::symlink_metadata(&real) {
            Ok(found) => found,
            Err(error) => return failed("lstat", &real.to_string_lossy(), &error),
        };
        if let Ok(target) = std::fs::read_link(&real) {
            links += 1;
            if links > MAX_LINKS {
                return FsError::new("EvalSymlinks: too many links");
            }
            real.pop();
            if target.is_absolute() {
                real = PathBuf::from("/");
            }
            pending.extend(target.to_string_lossy().split('/').rev().map(str::to_owned));
        } else if !found.is_dir() && !pending.is_empty() {
            return FsError::new("not a directory");
        }
    }
    failed("lstat", path, error)
}

/// An error of the operating system, as Go prints it.
pub(crate) fn failed(operation: &str, path: &str, error: &std::io::Error) -> FsError {
    let text = match error.kind() {
        ErrorKind::NotFound => "no such file or directory".to_owned(),
        ErrorKind::NotADirectory => "not a directory".to_owned(),
        ErrorKind::IsADirectory => "is a directory".to_owned(),
        ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    };
    FsError::new(format!("{operation} {path}: {text}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fails_in_gos_words() {
        let missing = Disk.read("/nowhere/at/all").expect_err("missing");
        assert_eq!(
            missing.text,
            "open /nowhere/at/all: no such file or directory"
        );
        let missing = Disk.resolve("/nowhere").expect_err("missing");
        assert_eq!(missing.text, "lstat /nowhere: no such file or directory");
    }

    #[test]
    fn the_first_missing_part_is_named() {
        let dir = tempfile::tempdir().expect("a directory");
        let top = dir.path().canonicalize().expect("resolves");
        let path = |name: &str| top.join(name).to_str().expect("UTF-8").to_owned();
        std::fs::write(path("file"), "x").expect("a file");
        std::fs::create_dir(path("d")).expect("a directory");
        for (target, link) in [("../gone", "d/l"), ("loop", "loop"), ("d", "to-d")] {
            std::os::unix::fs::symlink(target, path(link)).expect("a link");
        }
        let missing = |name: &str| format!("lstat {}: no such file or directory", path(name));
        for (name, text) in [
            ("a/b/c", missing("a")),
            ("d/l/x", missing("gone")),
            ("to-d/x", missing("d/x")),
            ("file/x", "not a directory".to_owned()),
            ("loop/x", "EvalSymlinks: too many links".to_owned()),
        ] {
            let error = Disk.resolve(&path(name)).expect_err(name);
            assert_eq!(error.text, text, "{name}");
        }
    }

    #[test]
    fn reads_files_and_tells_directories() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("a");
        std::fs::write(&file, "x").expect("a file");
        let path = |path: &Path| path.to_str().expect("UTF-8").to_owned();
        assert_eq!(Disk.read(&path(&file)).expect("readable").as_ref(), b"x");
        assert!(Disk.is_dir(&path(dir.path())) && !Disk.is_dir(&path(&file)));
    }
}
