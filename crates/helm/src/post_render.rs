//! Post-rendering: objects go as one stream through functions that may change, add and remove them, and return to
//! the files they came from.
//!
//! Notes and definitions below `crds/` are not given to them. Hooks are, unless the [`Strategy`] says otherwise.
//!
//! Source: Helm 4.2.4 `pkg/action/action.go`; kyaml v0.21 `kio/byteio_reader.go`, `kio/byteio_writer.go`,
//! `yaml/kfns.go`

mod flux;
mod stream;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

pub use flux::{Customize, SetMetadata, origin_labels};

use crate::manifest::{INSTALL_ORDER, ManifestError, sort_manifests};
use stream::{merge, split};

/// Changes a stream of objects.
pub trait PostRenderer: Send + Sync {
    /// The stream that takes the place of this one.
    ///
    /// # Errors
    /// What is wrong, for whoever wrote the chart or the post-renderer.
    fn run(&self, manifests: &str) -> Result<String, String>;
}

impl<F> PostRenderer for F
where
    F: Fn(&str) -> Result<String, String> + Send + Sync,
{
    fn run(&self, manifests: &str) -> Result<String, String> {
        self(manifests)
    }
}

/// What post-renderers are given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strategy {
    /// Hooks and other objects in one stream.
    #[default]
    Combined,
    /// The hooks in one stream, the other objects in a second one.
    Separate,
    /// The objects without the hooks, which stay as they are.
    NoHooks,
}

/// Post-renderers, one after the other.
#[derive(Clone)]
pub struct PostRender {
    /// What they are given.
    pub strategy: Strategy,
    /// The first one sees what the chart rendered, each other one what the one before it made.
    pub renderers: Vec<Arc<dyn PostRenderer>>,
}

impl fmt::Debug for PostRender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostRender")
            .field("strategy", &self.strategy)
            .field("renderers", &self.renderers.len())
            .finish()
    }
}

/// Why objects could not be post-rendered, in Helm's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PostRenderError {
    /// Rendered files that do not make a stream.
    #[error("error merging {0}: {1}")]
    Merge(&'static str, String),
    /// A post-renderer that fails.
    #[error("error while running post render on {0}: {1}")]
    Run(&'static str, String),
    /// A post-renderer whose output is no stream of objects.
    #[error("error while parsing post rendered output{}: {cause}", For(group))]
    Parse {
        /// Which of several streams; empty if there is one.
        group: &'static str,
        /// What is wrong.
        cause: String,
    },
    /// A rendered document that is no object.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
}

struct For(&'static str);

impl fmt::Display for For {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            "" => Ok(()),
            group => write!(f, " for {group}"),
        }
    }
}

/// Rendered texts by the paths of their files.
type Files = BTreeMap<String, String>;

impl PostRender {
    /// The files that take the place of the rendered ones.
    ///
    /// # Errors
    /// [`PostRenderError`].
    pub fn run(&self, files: &Files) -> Result<Files, PostRenderError> {
        if self.strategy == Strategy::Combined {
            return self.pass(files, ("manifests", "files", ""));
        }
        let (hooks, manifests) = parted(files)?;
        let hooks = match self.strategy {
            Strategy::Separate if !hooks.is_empty() => {
                self.pass(&hooks, ("hooks", "hooks", "hooks"))?
            }
            _ => hooks,
        };
        let mut all = hooks;
        if !manifests.is_empty() {
            let names = ("manifests", "manifests", "manifests");
            for (path, text) in self.pass(&manifests, names)? {
                append(&mut all, path, &text);
            }
        }
        Ok(all)
    }

    /// Files through all post-renderers; `names` are what errors call them.
    fn pass(
        &self,
        files: &Files,
        (merged, given, group): (&'static str, &'static str, &'static str),
    ) -> Result<Files, PostRenderError> {
        let mut stream = merge(files).map_err(|cause| PostRenderError::Merge(merged, cause))?;
        for renderer in &self.renderers {
            let changed = renderer.run(&stream);
            stream = changed.map_err(|cause| PostRenderError::Run(given, cause))?;
        }
        split(&stream, group).map_err(|cause| PostRenderError::Parse { group, cause })
    }
}

/// Hooks and other objects, each by their files.
fn parted(files: &Files) -> Result<(Files, Files), ManifestError> {
    let sorted = sort_manifests(files, INSTALL_ORDER)?;
    let (mut hooks, mut manifests) = (Files::new(), Files::new());
    for hook in sorted.hooks {
        append(&mut hooks, hook.path, &hook.manifest);
    }
    for manifest in sorted.manifests {
        append(&mut manifests, manifest.name, &manifest.content);
    }
    Ok((hooks, manifests))
}

fn append(files: &mut Files, path: String, text: &str) {
    match files.get_mut(&path) {
        Some(existing) => {
            existing.push_str("\n---\n");
            existing.push_str(text);
        }
        None => {
            files.insert(path, text.to_owned());
        }
    }
}

#[cfg(test)]
mod tests;
