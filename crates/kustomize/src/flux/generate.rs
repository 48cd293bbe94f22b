//! Finding or making the kustomization of a folder, and merging a spec into it.

use std::sync::Arc;

use file_tree::EntryKind;

use super::{Error, Overlay};
use crate::error::{Error as BuildError, bail};
use crate::file_system::{FileSystem as _, TreeFs};
use crate::kustomization::{FILE_NAMES, Image, Kustomization};
use crate::path;
use crate::resource::read;
use crate::schema::BuildSchema;

/// Checks that there is a folder to build.
pub(super) fn expect_directory(fs: &TreeFs<'_>, root: &str) -> Result<(), Error> {
    if fs.is_dir(root) {
        return Ok(());
    }
    match fs.resolve(root) {
        Ok(_) => {
            let file = path::join(root, FILE_NAMES[0]);
            let text = format!("open {file}: not a directory remove {file}: not a directory");
            Err(Error::Generate(BuildError::new(text)))
        }
        Err(error) if error.forbidden => Err(Error::Generate(error.into())),
        Err(_) => Err(Error::PathNotFound(format!(
            "stat {root}: no such file or directory"
        ))),
    }
}

fn is_file(fs: &TreeFs<'_>, path: &str) -> bool {
    fs.resolve(path).is_ok() && !fs.is_dir(path)
}

/// The folder's own kustomization, or one that lists its contents; says whether it was found.
pub(super) fn find_or_make(
    fs: &TreeFs<'_>,
    root: &str,
    limits: kyaml::Limits,
) -> Result<(Kustomization, bool), BuildError> {
    for name in FILE_NAMES {
        let file = path::join(root, name);
        if is_file(fs, &file) {
            let kustomization = Kustomization::load_leniently(&fs.read(&file)?)?;
            return Ok((kustomization, true));
        }
    }
    let mut scan = Scan {
        fs,
        root,
        schema: Arc::new(BuildSchema::new(limits, true)),
        found: Vec::new(),
    };
    scan.directory(root)?;
    let mut kustomization = Kustomization::default();
    if scan.found.is_empty() {
        "_placeholder".clone_into(&mut kustomization.namespace);
    }
    kustomization.resources = scan.found;
    Ok((kustomization, false))
}

/// A walk through a folder without a kustomization.
struct Scan<'a> {
    fs: &'a TreeFs<'a>,
    root: &'a str,
    schema: Arc<BuildSchema>,
    found: Vec<String>,
}

impl Scan<'_> {
    /// Visits a directory in the order of names. Depth is bounded by that of the tree.
    fn directory(&mut self, directory: &str) -> Result<(), BuildError> {
        for (name, kind) in self.fs.list(directory)? {
            let full = path::join(directory, &name);
            if kind == EntryKind::Dir {
                let mut names = FILE_NAMES.into_iter();
                if names.any(|name| is_file(self.fs, &path::join(&full, name))) {
                    self.add(&full);
                } else {
                    self.directory(&full)?;
                }
                continue;
            }
            if kind == EntryKind::Symlink {
                self.fs.expect_inside("walk", &full)?;
            }
            if name.ends_with(".yaml") || name.ends_with(".yml") {
                let bytes = self.fs.read(&full)?;
                read(&bytes, &self.schema).map_err(|error| {
                    error.within(format!("failed to decode Kubernetes YAML from {full}"))
                })?;
                self.add(&full);
            }
        }
        Ok(())
    }

    fn add(&mut self, full: &str) {
        self.found
            .push(full.replacen(self.root.trim_end_matches('/'), ".", 1));
    }
}

/// Merges the spec into a kustomization.
pub(super) fn merge(
    fs: &TreeFs<'_>,
    root: &str,
    overlay: &Overlay,
    kustomization: &mut Kustomization,
) -> Result<(), BuildError> {
    let replace = |field: &mut String, value: &Option<String>| {
        if let Some(value) = value {
            field.clone_from(value);
        }
    };
    replace(&mut kustomization.namespace, &overlay.target_namespace);
    replace(&mut kustomization.name_prefix, &overlay.name_prefix);
    replace(&mut kustomization.name_suffix, &overlay.name_suffix);
    kustomization
        .patches
        .extend(overlay.patches.iter().cloned());
    for component in &overlay.components {
        if !is_local_relative_path(component) {
            bail!("component path '{component}' must be local and relative");
        }
        let missing = fs.resolve(&path::join(root, component)).is_err();
        if !(missing && overlay.ignore_missing_components) {
            kustomization.components.push(component.clone());
        }
    }
    merge_images(&mut kustomization.images, &overlay.images);
    if !overlay.build_metadata.is_empty() {
        kustomization
            .build_metadata
            .clone_from(&overlay.build_metadata);
    }
    Ok(())
}

/// Merges images by name. Tag and digest go together, so that no stale digest survives a new tag.
pub(crate) fn merge_images(images: &mut Vec<Image>, added: &[Image]) {
    for image in added {
        let Some(known) = images.iter_mut().find(|known| known.name == image.name) else {
            images.push(Image {
                tag_suffix: String::new(),
                ..image.clone()
            });
            continue;
        };
        if !image.new_name.is_empty() {
            known.new_name.clone_from(&image.new_name);
        }
        if !image.new_tag.is_empty() || !image.digest.is_empty() {
            known.new_tag.clone_from(&image.new_tag);
            known.digest.clone_from(&image.digest);
        }
    }
}

/// Whether a component is a path below the folder's tree and not a URL.
pub(crate) fn is_local_relative_path(component: &str) -> bool {
    const REMOTE: [&str; 8] = [
        "git::",
        "gh:",
        "ssh://",
        "https://",
        "http://",
        "git@",
        "github.com:",
        "github.com/",
    ];
    let lower = component.to_lowercase();
    let is_remote = |prefix: &str| lower.len() > prefix.len() && lower.starts_with(prefix);
    let local = lower.strip_prefix("file://").unwrap_or(&lower);
    !REMOTE.into_iter().any(is_remote) && !component.starts_with('/') && !local.starts_with('/')
}
