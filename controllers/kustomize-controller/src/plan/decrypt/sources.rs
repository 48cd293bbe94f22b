//! The files that generators and patches name, decrypted in a copy of the tree before the build.
//!
//! Source: kustomize-controller v1.9 `DecryptSources`, `recurseKustomizationFiles`.

use std::collections::HashSet;
use std::sync::Arc;

use file_tree::{Entry, FileTree};
use kustomize::flux::{self, Overlay};
use serde_json::Value;
use sops::Format;

use super::Decryption;

/// Upstream's limit on one file.
const FILE_BYTES: u64 = 5 << 20;

/// Names that a kustomization can have.
const NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// As many links as the tree itself follows.
const LINKS: usize = 255;

/// The tree with every encrypted file decrypted that a kustomization below `path` names as a file of a
/// secret generator, or as a patch; the same tree if there is none.
///
/// # Errors
/// Upstream's text after `error decrypting sources: `.
pub fn decrypt_sources(
    tree: &Arc<FileTree>,
    path: &str,
    overlay: &Overlay,
    decryption: &Decryption,
) -> Result<Arc<FileTree>, String> {
    let root = join(tree, "", path);
    let mut work = Work {
        tree: Arc::clone(tree),
        decryption,
        seen: HashSet::from([root.clone()]),
        decrypted: HashSet::new(),
    };
    // What is wrong at the root, the build itself will say.
    let Some(first) = root_kustomization(tree, &root, path, overlay) else {
        return Ok(work.tree);
    };
    let mut pending = work.visit(&root, &first)?;
    while let Some(folder) = pending.pop() {
        let is_folder = matches!(work.tree.lookup(&folder), Some(Entry::Dir(_)));
        if !is_folder || !work.seen.insert(folder.clone()) {
            continue;
        }
        let kustomization = load(&work.tree, &folder)?;
        pending.extend(work.visit(&folder, &kustomization)?);
    }
    Ok(work.tree)
}

struct Work<'a> {
    tree: Arc<FileTree>,
    decryption: &'a Decryption,
    seen: HashSet<String>,
    decrypted: HashSet<String>,
}

impl Work<'_> {
    /// Decrypts what a kustomization names, and returns the folders that it names, the first one last.
    fn visit(&mut self, folder: &str, kustomization: &Value) -> Result<Vec<String>, String> {
        for generator in list(kustomization, "secretGenerator") {
            for source in texts(generator, "files") {
                let (key, file) = source.split_once('=').unwrap_or((source, source));
                self.file(folder, file, Format::for_path(key))?;
            }
            for file in texts(generator, "envs") {
                let format = match Format::for_path(file) {
                    Format::Binary => Format::Dotenv,
                    other => other,
                };
                self.file(folder, file, format)?;
            }
        }
        for patch in list(kustomization, "patches") {
            let file = patch
                .get("path")
                .and_then(Value::as_str)
                .unwrap_or_default();
            if !file.is_empty() && !is_remote(file) {
                self.file(folder, file, Format::for_path(file))?;
            }
        }
        let named = texts(kustomization, "resources").chain(texts(kustomization, "components"));
        let mut folders: Vec<String> = named.map(|name| join(&self.tree, folder, name)).collect();
        folders.reverse();
        Ok(folders)
    }

    fn file(&mut self, folder: &str, name: &str, format: Format) -> Result<(), String> {
        let path = join(&self.tree, folder, name);
        if self.decrypted.contains(&path) {
            return Ok(());
        }
        let (bytes, executable) = match self.tree.lookup(&path) {
            Some(Entry::File { bytes, executable }) => (bytes.clone(), *executable),
            Some(_) => {
                return Err(
                    "cannot decrypt irregular file as it has file mode type bits set".into(),
                );
            }
            None => return Err(format!("lstat {path}: no such file or directory")),
        };
        let size = bytes.size();
        if size > FILE_BYTES {
            return Err(format!(
                "cannot decrypt file with size ({size} bytes) exceeding limit ({FILE_BYTES})"
            ));
        }
        let bytes = bytes
            .load()
            .map_err(|error| format!("read {path}: {error}"))?;
        if format.marks(&bytes) {
            let plain = self.decryption.decrypt(&bytes, format, format);
            let plain = plain.map_err(|error| error.to_string())?.to_vec();
            let tree = Arc::make_mut(&mut self.tree);
            tree.insert_file(&path, plain, executable)
                .map_err(|error| error.to_string())?;
        }
        self.decrypted.insert(path);
        Ok(())
    }
}

/// The kustomization that the build begins with: the folder's own with the spec's components, or the one that
/// is made for it.
fn root_kustomization(tree: &FileTree, root: &str, path: &str, overlay: &Overlay) -> Option<Value> {
    let mut names = NAMES.iter().map(|name| join(tree, root, name));
    if names.any(|file| tree.lookup(&file).is_some()) {
        let mut own = load(tree, root).ok()?;
        let components = texts(&own, "components").map(str::to_owned);
        let all: Vec<String> = components
            .chain(overlay.components.iter().cloned())
            .collect();
        if let Value::Object(fields) = &mut own {
            fields.insert("components".into(), all.into());
        }
        return Some(own);
    }
    let made = flux::generate(tree, path, overlay, &flux::Options::default()).ok()?;
    Some(serde_json::json!({"resources": made.resources, "components": made.components}))
}

fn load(tree: &FileTree, folder: &str) -> Result<Value, String> {
    let mut found = None;
    for name in NAMES {
        let path = join(tree, folder, name);
        match tree.lookup(&path) {
            None => {}
            Some(Entry::File { bytes, .. }) if found.is_none() => found = Some((bytes, path)),
            Some(Entry::File { .. }) => {
                return Err("found multiple kustomization files".to_owned());
            }
            Some(_) => return Err(format!("expected {name} to be a regular file")),
        }
    }
    let (bytes, path) = found.ok_or("no kustomization file found")?;
    let failed =
        |why: String| format!("failed to unmarshal kustomization file from '{path}': {why}");
    let bytes = bytes.load().map_err(|error| failed(error.to_string()))?;
    let text = kyaml::decode_text(&bytes).map_err(|error| failed(error.to_string()))?;
    match kyaml::parse(&text).map_err(|error| failed(error.to_string()))? {
        Some(document) => document
            .root
            .to_json_1_1()
            .map_err(|error| failed(error.to_string())),
        None => Ok(Value::Null),
    }
}

fn list<'a>(value: &'a Value, field: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    value
        .get(field)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn texts<'a>(value: &'a Value, field: &str) -> impl Iterator<Item = &'a str> + use<'a> {
    list(value, field).filter_map(Value::as_str)
}

/// Whether a path is a URL with a host.
fn is_remote(path: &str) -> bool {
    let Some((scheme, rest)) = path.split_once("://") else {
        return false;
    };
    let letters = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(letters)
        && !rest.starts_with('/')
        && !rest.is_empty()
}

/// Follows `name` from `folder` with every link on the way and never above the root; what does not exist is
/// taken as it is written.
///
/// Source: cyphar/filepath-securejoin v0.6 `SecureJoin`.
fn join(tree: &FileTree, folder: &str, name: &str) -> String {
    let full = if name.starts_with('/') {
        name.to_owned()
    } else {
        format!("{folder}/{name}")
    };
    // The whole is cleaned first, so that a folder which is left again need not exist.
    let mut pending: Vec<String> = clean(&full).rev().collect();
    let mut real: Vec<String> = Vec::new();
    let mut links = 0;
    while let Some(part) = pending.pop() {
        match part.as_str() {
            "" | "." => continue,
            ".." => {
                real.pop();
                continue;
            }
            _ => real.push(part),
        }
        if let Some(Entry::Symlink(target)) = tree.lookup(&real.join("/"))
            && links < LINKS
        {
            links += 1;
            real.pop();
            if target.starts_with('/') {
                real.clear();
            }
            pending.extend(target.split('/').rev().map(str::to_owned));
        }
    }
    real.join("/")
}

fn clean(path: &str) -> impl DoubleEndedIterator<Item = String> {
    let mut parts: Vec<String> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            name => parts.push(name.to_owned()),
        }
    }
    parts.into_iter()
}
