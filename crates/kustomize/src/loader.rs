//! Files and directories as one kustomization sees them: relative to its own directory, within what
//! it may see, and never a directory that is already being built.

use std::rc::Rc;

use bytes::Bytes;

use crate::error::{Context as _, Error, ErrorKind, bail};
use crate::file_system::{FileSystem, FsError, TreeFs};
use crate::path;
use crate::remote::{Remote, RemoteError, is_file_url};
use crate::repo_spec::{self, RepoSpec};

/// Which files a kustomization may load.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LoadRestriction {
    /// Only those in or below its own directory.
    #[default]
    RootOnly,
    /// All that the file system shows.
    None,
}

/// Layers of kustomizations that may be nested.
const MAX_LAYERS: usize = 100;

impl From<FsError> for Error {
    fn from(error: FsError) -> Self {
        Self::new(error.text)
    }
}

impl From<kyaml::Error> for Error {
    fn from(error: kyaml::Error) -> Self {
        let kind = match &error {
            kyaml::Error::WrongKind { found, .. } => ErrorKind::NodeKind {
                scalar: *found == "ScalarNode",
            },
            kyaml::Error::Limit(_) => ErrorKind::Limit,
            _ => ErrorKind::Other,
        };
        Self::of_kind(kind, error.to_string())
    }
}

/// Where files come from.
#[derive(Clone)]
enum Files<'a> {
    Given(&'a dyn FileSystem),
    Clone(Rc<Clone_>),
}

/// A fetched repository.
struct Clone_ {
    spec: RepoSpec,
    tree: file_tree::FileTree,
    mount: String,
}

/// A directory that is being built, and the way to it.
#[derive(Clone)]
pub(crate) struct Loader<'a> {
    files: Files<'a>,
    remote: Option<&'a dyn Remote>,
    restriction: LoadRestriction,
    root: String,
    referrer: Option<Rc<Self>>,
    layer: usize,
}

impl std::fmt::Debug for Loader<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Loader").field("root", &self.root).finish()
    }
}

impl<'a> Loader<'a> {
    /// The directory to build, given as an absolute path.
    ///
    /// # Errors
    /// There is no such directory.
    pub(crate) fn new(
        files: &'a dyn FileSystem,
        remote: Option<&'a dyn Remote>,
        restriction: LoadRestriction,
        root: &str,
    ) -> Result<Self, Error> {
        let unresolved = Self {
            files: Files::Given(files),
            remote,
            restriction,
            root: String::new(),
            referrer: None,
            layer: 0,
        };
        let root = unresolved.directory(&path::clean(root))?;
        Ok(Self { root, ..unresolved })
    }

    /// The directory.
    pub(crate) fn root(&self) -> &str {
        &self.root
    }

    fn with_files<T>(&self, use_them: impl FnOnce(&dyn FileSystem) -> T) -> T {
        match &self.files {
            Files::Given(files) => use_them(*files),
            Files::Clone(clone) => use_them(&TreeFs::new(&clone.tree, &clone.mount)),
        }
    }

    /// The real path of a directory or file; says which it is.
    fn resolve(&self, full: &str) -> Result<(String, bool), Error> {
        self.with_files(|files| {
            let real = files.resolve(full).map_err(|error| {
                if error.forbidden {
                    Error::new(error.text)
                } else {
                    Error::new(format!("evalsymlink failure on '{full}' : {error}"))
                }
            })?;
            let is_dir = files.is_dir(&real);
            Ok((real, is_dir))
        })
    }

    fn directory(&self, full: &str) -> Result<String, Error> {
        let found = self.resolve(full).within(|| "not a valid directory");
        match found.within(|| "must build at directory")? {
            (real, true) => Ok(real),
            (_, false) => bail!("must build at directory: '{full}': file is not directory"),
        }
    }

    fn ancestors(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |loader| loader.referrer.as_deref())
    }

    fn clone_of(&self) -> Option<&Clone_> {
        match &self.files {
            Files::Clone(clone) => Some(clone),
            Files::Given(_) => None,
        }
    }

    /// A directory or repository that this kustomization names.
    ///
    /// # Errors
    /// It is not there, is already being built, or may not be seen.
    pub(crate) fn enter(&self, entry: &str) -> Result<Self, Error> {
        if entry.is_empty() {
            bail!("new root cannot be empty");
        }
        if self.layer >= MAX_LAYERS {
            return Err(Error::of_kind(
                ErrorKind::Limit,
                format!("kustomizations are nested more than {MAX_LAYERS} deep at '{entry}'"),
            ));
        }
        if let Ok(spec) = RepoSpec::parse(entry) {
            return self.enter_repository(spec);
        }
        if entry.starts_with('/') {
            bail!("new root '{entry}' cannot be absolute");
        }
        let root = self.directory(&path::join(&self.root, entry))?;
        if let Some(clone) = self.clone_of()
            && !path::is_within(&root, &clone.mount)
        {
            bail!(
                "security; bases in kustomizations found in cloned git repos must be within the repo, but base '{root}' is outside '{}'",
                clone.mount
            );
        }
        if let Some(visited) = self.ancestors().find(|it| path::is_within(&it.root, &root)) {
            bail!(
                "cycle detected: candidate root '{root}' contains visited root '{}'",
                visited.root
            );
        }
        Ok(Self {
            root,
            referrer: Some(Rc::new(self.clone())),
            layer: self.layer + 1,
            ..self.clone()
        })
    }

    fn enter_repository(&self, spec: RepoSpec) -> Result<Self, Error> {
        let visited = self
            .ancestors()
            .filter_map(Self::clone_of)
            .find(|clone| clone.spec.raw.starts_with(&spec.raw));
        if let Some(visited) = visited {
            return Err(repo_spec::cycle(&spec, &visited.spec));
        }
        let Some(remote) = self.remote else {
            bail!("remote resources are not available: '{}'", spec.raw);
        };
        let tree = remote
            .repository(&spec)
            .map_err(|error| Error::new(error.to_string()))?;
        let mount = format!("/repositories/{}", self.layer + 1);
        let full = path::join(&mount, &spec.directory);
        let inside = Self {
            files: Files::Clone(Rc::new(Clone_ {
                spec,
                tree,
                mount: mount.clone(),
            })),
            restriction: LoadRestriction::RootOnly,
            root: mount.clone(),
            referrer: Some(Rc::new(self.clone())),
            layer: self.layer + 1,
            remote: self.remote,
        };
        match inside.resolve(&full)? {
            (_, false) => bail!("'{full}' refers to file; expecting directory"),
            (root, true) if !path::is_within(&root, &mount) => {
                Err(repo_spec::outside(&full, &mount))
            }
            (root, true) => Ok(Self { root, ..inside }),
        }
    }

    /// The contents of a file that this kustomization names.
    ///
    /// # Errors
    /// It is not there or may not be seen.
    pub(crate) fn load(&self, entry: &str) -> Result<Bytes, Error> {
        if is_file_url(entry) {
            return self.fetch(entry);
        }
        let full = if entry.starts_with('/') {
            entry.to_owned()
        } else {
            path::join(&self.root, entry)
        };
        let real = match self.restriction {
            LoadRestriction::None => full,
            LoadRestriction::RootOnly => match self.resolve(&full)? {
                (_, true) => bail!("'{full}' must resolve to a file"),
                (real, false) if !path::is_within(path::dir(&real), &self.root) => {
                    bail!("security; file '{full}' is not in or below '{}'", self.root)
                }
                (real, false) => real,
            },
        };
        self.with_files(|files| Ok(files.read(&real)?))
    }

    fn fetch(&self, url: &str) -> Result<Bytes, Error> {
        let Some(remote) = self.remote else {
            bail!("remote resources are not available: '{url}'");
        };
        remote.file(url).map_err(|error| match error {
            RemoteError::Status(..) if RepoSpec::parse(url).is_ok() => {
                Error::new("URL is a git repository")
            }
            error @ RemoteError::Status(..) => Error::of_kind(ErrorKind::Http, error.to_string()),
            error @ RemoteError::Other(_) => Error::new(error.to_string()),
        })
    }
}

#[cfg(test)]
mod tests {
    use file_tree::FileTree;

    use super::*;

    fn tree() -> FileTree {
        let mut tree = FileTree::default();
        for file in ["a/k.yaml", "b/k.yaml", "a/sub/k.yaml"] {
            tree.insert_file(file, "x", false).expect("inserts");
        }
        tree
    }

    #[test]
    fn stays_in_its_directory_unless_unrestricted() {
        let tree = tree();
        let fs = TreeFs::new(&tree, "/in");
        let loader = Loader::new(&fs, None, LoadRestriction::RootOnly, "/in/a").expect("is there");
        assert!(loader.load("sub/k.yaml").is_ok());
        assert_eq!(
            loader.load("../b/k.yaml").map_err(|e| e.to_string()),
            Err("security; file '/in/b/k.yaml' is not in or below '/in/a'".to_owned())
        );
        let loader = Loader::new(&fs, None, LoadRestriction::None, "/in/a").expect("is there");
        assert!(loader.load("../b/k.yaml").is_ok());
    }

    #[test]
    fn never_enters_a_directory_above_itself() {
        let tree = tree();
        let fs = TreeFs::new(&tree, "/in");
        let loader = Loader::new(&fs, None, LoadRestriction::None, "/in/a").expect("is there");
        let inner = loader.enter("../b").expect("is there");
        assert_eq!(
            inner.enter("../a").map(|_| ()).map_err(|e| e.to_string()),
            Err("cycle detected: candidate root '/in/a' contains visited root '/in/a'".to_owned())
        );
    }

    #[test]
    fn remote_entries_need_somebody_to_fetch_them() {
        let tree = tree();
        let fs = TreeFs::new(&tree, "/in");
        let loader = Loader::new(&fs, None, LoadRestriction::None, "/in/a").expect("is there");
        assert!(loader.load("https://example.com/a.yaml").is_err());
        assert!(loader.enter("https://example.com/o/r").is_err());
    }
}
