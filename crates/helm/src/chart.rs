//! Charts: what is in them, and how they are read.
//!
//! A [`Chart`] is read once and never changed; rendering works on copies of what it changes. Where files come
//! from is the caller's business: a directory as a list of files, an archive as bytes.

mod archive;
mod ignore;
mod load;
mod metadata;
mod path_match;

use std::sync::Arc;

use go_template::{Map, Str};

pub use archive::{Archive, ArchiveError, Limits, is_gzip, read as unpack};
pub use ignore::{IgnoreError, Rules};
pub use load::{LoadError, load_values, merge_maps};
pub use metadata::{Dependency, Import, Maintainer, Metadata, MetadataError};
pub use path_match::{BadPattern, path_match};

use crate::render::Compiled;

/// A file of a chart: its path inside of it, and its contents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// The path, with slashes.
    pub name: String,
    /// The contents, without a byte order mark.
    pub data: Str,
}

/// A chart with those inside of it.
#[derive(Debug, Default)]
pub struct Chart {
    /// What `Chart.yaml` says, dependencies of a `requirements.yaml` included.
    pub metadata: Metadata,
    /// The files below `templates/`.
    pub templates: Vec<File>,
    /// The other files, as far as templates may see them.
    pub files: Vec<File>,
    /// What `values.yaml` says; `None` without that file. Never changed.
    pub values: Option<Map>,
    /// `values.schema.json`.
    pub schema: Option<Str>,
    /// The charts below `charts/`, sorted by their file names.
    pub dependencies: Vec<Arc<Self>>,
    /// Templates that were parsed before.
    pub(crate) compiled: Compiled,
    /// The schema that was compiled before.
    pub(crate) compiled_schema: crate::schema::Cache,
}

/// A custom resource definition below `crds/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crd<'c> {
    /// The path that `helm template` tells.
    pub source: String,
    /// The file.
    pub file: &'c File,
}

/// Whether a file below `crds/` is one of manifests.
pub(crate) fn is_crd(file: &File) -> bool {
    let extension = file.name.rsplit_once('.').map_or("", |(_, it)| it);
    file.name.starts_with("crds/")
        && !extension.contains('/')
        && ["yaml", "yml", "json"]
            .iter()
            .any(|it| it.eq_ignore_ascii_case(extension))
}
