//! Builds one directory of the disk, as `kustomize build DIR` does: for comparing both by hand.
//!
//! `cargo run -p kustomize --release --example one -- DIR [--accumulated] [--flux]`
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test program reads a directory and prints its build"
)]

use std::io;
use std::path::Path;
use std::process::ExitCode;

use bytes::Bytes;
use kustomize::{FileSystem, FsError, Options, Order};

/// The allocator of the program that users run.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The disk.
struct Disk;

fn refused(op: &str, path: &str, error: &io::Error) -> FsError {
    let why = match error.kind() {
        io::ErrorKind::NotFound => "no such file or directory".to_owned(),
        io::ErrorKind::IsADirectory => "is a directory".to_owned(),
        _ => error.to_string(),
    };
    FsError::new(format!("{op} {path}: {why}"))
}

impl FileSystem for Disk {
    fn resolve(&self, path: &str) -> Result<String, FsError> {
        let real = std::fs::canonicalize(path).map_err(|error| refused("lstat", path, &error))?;
        Ok(real.to_string_lossy().into_owned())
    }

    fn is_dir(&self, path: &str) -> bool {
        Path::new(path).is_dir()
    }

    fn read(&self, path: &str) -> Result<Bytes, FsError> {
        let bytes = std::fs::read(path).map_err(|error| refused("open", path, &error))?;
        Ok(bytes.into())
    }
}

fn main() -> ExitCode {
    let mut options = Options::default();
    let mut root = String::new();
    for arg in std::env::args().skip(1) {
        match arg.as_str() {
            "--accumulated" => options.order = Order::Accumulated,
            path => path.clone_into(&mut root),
        }
    }
    let root = match std::fs::canonicalize(&root) {
        Ok(root) => root.to_string_lossy().into_owned(),
        Err(_) => root,
    };
    let build = kustomize::build(&Disk, &root, &options);
    match build.and_then(|build| build.to_yaml()) {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("Error: {error}");
            ExitCode::FAILURE
        }
    }
}
