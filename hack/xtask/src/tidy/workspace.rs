//! What the rules look at: packages with their dependencies, and Rust files.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use crate::cargo;

/// All packages and files, paths relative to the root and with `/`.
#[derive(Debug, Default)]
pub(super) struct Workspace {
    pub(super) packages: Vec<Package>,
    pub(super) files: Vec<SourceFile>,
    /// The pages of docs/parity.
    pub(super) pages: Vec<SourceFile>,
}

/// A member of the workspace.
#[derive(Debug, Default)]
pub(super) struct Package {
    pub(super) name: String,
    pub(super) folder: String,
    pub(super) manifest: String,
    /// The text of its own `clippy.toml`, if it has one.
    pub(super) clippy: Option<String>,
    pub(super) dependencies: Vec<Dependency>,
}

/// A direct dependency.
#[derive(Debug)]
pub(super) struct Dependency {
    pub(super) name: String,
    /// Used by tests, examples and benches only.
    pub(super) dev: bool,
}

/// A file with text, such as a Rust file.
#[derive(Debug)]
pub(super) struct SourceFile {
    pub(super) path: String,
    pub(super) text: String,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<MetadataPackage>,
}

#[derive(Deserialize)]
struct MetadataPackage {
    name: String,
    manifest_path: String,
    dependencies: Vec<MetadataDependency>,
}

#[derive(Deserialize)]
struct MetadataDependency {
    name: String,
    kind: Option<String>,
}

impl Workspace {
    /// Reads the workspace at `root`.
    pub(super) fn read(root: &Path) -> Result<Self> {
        let output = cargo::command(&["metadata", "--format-version=1", "--no-deps", "--locked"])
            .output()
            .context("cannot run cargo metadata")?;
        let error = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "cargo metadata failed: {error}");
        let metadata: Metadata = serde_json::from_slice(&output.stdout)?;
        let packages: Result<Vec<Package>> = metadata
            .packages
            .into_iter()
            .map(|package| Package::read(root, package))
            .collect();
        let mut files = Vec::new();
        for folder in ["controllers", "crates", "hack", "tests"] {
            collect(root, &root.join(folder), "rs", &mut files)?;
        }
        let mut pages = Vec::new();
        collect(root, &root.join("docs/parity"), "md", &mut pages)?;
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Self {
            packages: packages?,
            files,
            pages,
        })
    }

    /// The member of this name.
    pub(super) fn package(&self, name: &str) -> Option<&Package> {
        self.packages.iter().find(|package| package.name == name)
    }
}

impl Package {
    fn read(root: &Path, package: MetadataPackage) -> Result<Self> {
        let path = Path::new(&package.manifest_path);
        let folder = path.parent().context("a manifest lies in a folder")?;
        let dependency = |it: MetadataDependency| Dependency {
            name: it.name,
            dev: it.kind.as_deref() == Some("dev"),
        };
        Ok(Self {
            name: package.name,
            folder: relative(root, folder),
            manifest: fs::read_to_string(path)?,
            clippy: fs::read_to_string(folder.join("clippy.toml")).ok(),
            dependencies: package.dependencies.into_iter().map(dependency).collect(),
        })
    }
}

fn collect(root: &Path, folder: &Path, end: &str, files: &mut Vec<SourceFile>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("no {}", folder.display()))? {
        let path = entry?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if path.is_dir() && !path.is_symlink() && name != "target" {
            collect(root, &path, end, files)?;
        } else if path.extension().is_some_and(|found| found == end) {
            let text = fs::read_to_string(&path).with_context(|| format!("no {name}"))?;
            files.push(SourceFile {
                path: relative(root, &path),
                text,
            });
        }
    }
    Ok(())
}

fn relative(root: &Path, path: &Path) -> String {
    path.strip_prefix(root)
        .unwrap_or(path)
        .to_string_lossy()
        .into_owned()
}
