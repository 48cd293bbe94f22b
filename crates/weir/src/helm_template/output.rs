//! `--output-dir`: a file for each template that rendered something.
//!
//! Source: Helm 4.2.4 `pkg/action/action.go`, `pkg/action/install.go`, `pkg/cmd/template.go`

use std::collections::HashSet;
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::{Component, Path, PathBuf};

use helm::render::{Rendered, Template};

/// Where files go.
pub(super) struct Output<'a> {
    /// `--output-dir`.
    pub(super) folder: &'a str,
    /// The release's name, where it is part of the paths.
    pub(super) release: Option<&'a str>,
}

impl Output<'_> {
    fn folder(&self) -> PathBuf {
        let plain = PathBuf::from(self.folder);
        match self.release {
            Some(name) => plain.join(name),
            None => plain,
        }
    }

    /// Writes definitions and objects and tells each path.
    ///
    /// # Errors
    /// What the operating system says.
    pub(super) fn write_objects(
        &self,
        rendered: &Rendered,
        template: &Template,
    ) -> Result<(), String> {
        let mut written = HashSet::new();
        if template.include_crds {
            // Definitions go past the release's folder, as with Helm.
            let folder = Path::new(self.folder);
            for (source, text) in &rendered.crds {
                put(
                    folder,
                    source,
                    &text.lossy(),
                    !written.insert(source.as_str()),
                )?;
            }
        }
        let folder = self.folder();
        for manifest in &rendered.manifests {
            let again = !written.insert(manifest.name.as_str());
            put(&folder, &manifest.name, &manifest.content, again)?;
        }
        Ok(())
    }

    /// Writes hooks, behind what their files hold, and tells each path.
    ///
    /// # Errors
    /// What the operating system says.
    pub(super) fn write_hooks(
        &self,
        rendered: &Rendered,
        template: &Template,
    ) -> Result<(), String> {
        if template.no_hooks {
            return Ok(());
        }
        let folder = self.folder();
        for hook in &rendered.hooks {
            if !(template.skip_tests && hook.is_test()) {
                let again = folder.join(&hook.path).exists();
                put(&folder, &hook.path, &hook.manifest, again)?;
            }
        }
        Ok(())
    }
}

/// Writes a document, after others if the file has some.
fn put(folder: &Path, name: &str, text: &str, again: bool) -> Result<(), String> {
    let inside = |it: Component<'_>| matches!(it, Component::Normal(_) | Component::CurDir);
    if !Path::new(name).components().all(inside) {
        return Err(format!("{name} is not below the chart: it is not written"));
    }
    let path = format!("{}/{name}", folder.display());
    let parent = Path::new(&path).parent().unwrap_or(folder);
    let failed = |operation: &str, path: &str, error: &std::io::Error| {
        crate::disk::failed(operation, path, error).text
    };
    if let Err(error) = fs::metadata(parent)
        && error.kind() != ErrorKind::NotFound
    {
        return Err(failed("stat", &parent.display().to_string(), &error));
    }
    fs::create_dir_all(parent).map_err(|it| failed("mkdir", &parent.display().to_string(), &it))?;
    let mut options = OpenOptions::new();
    let options = match again {
        true => options.append(true),
        false => options.write(true).create(true).truncate(true),
    };
    let mut file = options
        .open(&path)
        .map_err(|it| failed("open", &path, &it))?;
    write!(file, "---\n# Source: {name}\n{text}\n").map_err(|it| failed("write", &path, &it))?;
    crate::print(&format!("wrote {path}\n"));
    Ok(())
}
