//! The tree of one commit of a repository, with its submodules. Blocks.

use file_tree::{FileTree, Limits as TreeLimits};
use weir_git::{
    Connection, EntryKind, Limits, Purpose, Reference, RemoteOptions, Session, Snapshot, SshKey,
    Stopped, Submodule, same_origin,
};

/// Where a repository names its submodules.
const GITMODULES: &str = ".gitmodules";

/// How deep submodules may hold submodules.
const MOST_LEVELS: usize = 10;

/// Submodules of one tree, all levels together.
const MOST_SUBMODULES: usize = 50;

/// Objects of one repository.
const MOST_OBJECTS: u32 = 500_000;

/// What to fetch.
pub(super) struct Job {
    /// Where from.
    pub(super) url: String,
    /// Branch, tag, commit or full name; empty for the default branch.
    pub(super) reference: String,
    /// Whether submodules are wanted.
    pub(super) submodules: bool,
    /// For ssh.
    pub(super) key: Option<SshKey>,
    /// Bytes that the tree may hold.
    pub(super) bytes: u64,
}

/// Why a repository could not be fetched.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// The address is of no kind that is served.
    #[error("unsupported repository URL '{0}'")]
    Url(String),
    /// The server has nothing of that name.
    #[error("unable to clone '{url}': couldn't find remote ref {reference}")]
    Reference {
        /// The repository.
        url: String,
        /// What was asked for.
        reference: String,
    },
    /// The tree is too large, or its paths make none.
    #[error("unable to clone '{url}'")]
    Tree {
        /// The repository.
        url: String,
        /// Why.
        source: file_tree::Error,
    },
    /// Git failed.
    #[error(transparent)]
    Git(#[from] weir_git::Error),
}

impl Error {
    /// Whether the time was over.
    pub(super) fn timed_out(&self) -> bool {
        use weir_git::{Error as Git, RemoteError};
        match self {
            Self::Git(Git::Stopped(stopped)) => *stopped == Stopped::TimedOut,
            Self::Git(Git::List { source, .. } | Git::Clone { source, .. }) => {
                matches!(source, RemoteError::Stopped(Stopped::TimedOut))
            }
            _ => false,
        }
    }
}

/// Fetches the tree.
pub(super) fn fetch(job: &Job, session: &Session) -> Result<FileTree, Error> {
    let mut building = Building {
        job,
        session,
        tree: FileTree::new(TreeLimits {
            bytes: job.bytes,
            ..TreeLimits::default()
        }),
    };
    let root = address(&job.url)?;
    let snapshot = building.snapshot(&root, &job.reference)?;
    let mut waiting = vec![(String::new(), root, 0, snapshot)];
    let mut count = 0;
    while let Some((prefix, url, level, snapshot)) = waiting.pop() {
        let modules = building.mount(&prefix, &url, &snapshot)?;
        if !job.submodules {
            continue;
        }
        let refused = |text: String| Error::Git(weir_git::Error::Submodule(text));
        for (path, url, commit) in modules {
            count += 1;
            if level >= MOST_LEVELS || count > MOST_SUBMODULES {
                return Err(refused(format!(
                    "more than {MOST_SUBMODULES}, or nested deeper than {MOST_LEVELS} levels"
                )));
            }
            let snapshot = building.snapshot(&url, &commit)?;
            waiting.push((format!("{path}/"), url, level + 1, snapshot));
        }
    }
    Ok(building.tree)
}

/// The address in a form that names its protocol: files and programs have none.
fn address(url: &str) -> Result<String, Error> {
    let written = Submodule {
        path: String::new(),
        url: url.to_owned(),
    };
    written.resolve("").map_err(|_| Error::Url(url.to_owned()))
}

/// A tree that is being put together.
struct Building<'a> {
    job: &'a Job,
    session: &'a Session,
    tree: FileTree,
}

impl Building<'_> {
    fn snapshot(&self, url: &str, reference: &str) -> Result<Snapshot, Error> {
        let mut options = RemoteOptions {
            limits: Limits {
                pack_bytes: self.job.bytes,
                objects: MOST_OBJECTS,
                inflated_bytes: self.job.bytes * 2,
                ..Limits::default()
            },
            ..RemoteOptions::default()
        };
        if same_origin(url, &address(&self.job.url)?) {
            options.ssh.clone_from(&self.job.key);
        }
        let remote = self.session.remote(url, options)?;
        let mut connection = remote.connect(self.session, Purpose::Clone)?;
        resolve(&mut connection, url, reference)
    }

    /// Puts a repository's files below `prefix`; what it names as its submodules: paths, addresses, commits.
    fn mount(
        &mut self,
        prefix: &str,
        url: &str,
        snapshot: &Snapshot,
    ) -> Result<Vec<(String, String, String)>, Error> {
        let failed = |source| Error::Tree {
            url: url.to_owned(),
            source,
        };
        let (mut listed, mut commits) = (Vec::new(), Vec::new());
        for entry in snapshot.entries(self.session)? {
            let path = format!("{prefix}{}", entry.path);
            match entry.kind {
                EntryKind::Dir => self.tree.insert_dir(&path).map_err(failed)?,
                EntryKind::Submodule => {
                    self.tree.insert_dir(&path).map_err(failed)?;
                    commits.push((entry.path, entry.id));
                }
                EntryKind::File { executable } => {
                    let bytes = snapshot.read(entry.id)?;
                    if entry.path == GITMODULES {
                        listed = Submodule::parse(&bytes)?;
                    }
                    let inserted = self.tree.insert_file(&path, bytes, executable);
                    inserted.map_err(failed)?;
                }
                EntryKind::Symlink => {
                    let target = snapshot.read(entry.id)?;
                    let target = String::from_utf8_lossy(&target).into_owned();
                    self.tree.insert_symlink(&path, target).map_err(failed)?;
                }
            }
        }
        let mut modules = Vec::new();
        for module in listed {
            let path = module.path.trim_matches('/');
            // What the tree has no entry for is not there.
            if let Some((_, commit)) = commits.iter().find(|(known, _)| known == path) {
                let url = module.resolve(url)?;
                modules.push((format!("{prefix}{path}"), url, commit.to_string()));
            }
        }
        Ok(modules)
    }
}

/// The commit that Git takes a name for: the full name, a tag, a branch; a commit by its hash.
fn resolve(connection: &mut Connection<'_>, url: &str, reference: &str) -> Result<Snapshot, Error> {
    let is_commit = reference.len() == 40 && reference.bytes().all(|byte| byte.is_ascii_hexdigit());
    let candidates = if is_commit {
        vec![Reference::Commit {
            id: reference.to_ascii_lowercase(),
            prefix: None,
        }]
    } else if reference.is_empty() || reference == "HEAD" {
        vec![Reference::Name("HEAD".to_owned())]
    } else {
        let full = |above: &str| Reference::Name(format!("{above}{reference}"));
        let whole = reference.starts_with("refs/").then(|| full(""));
        let short = ["refs/tags/", "refs/heads/", "refs/"].map(full);
        whole.into_iter().chain(short).collect()
    };
    for candidate in candidates {
        match connection.resolve(&candidate) {
            Ok(resolved) => return Ok(connection.fetch(&resolved)?.1),
            Err(weir_git::Error::UnresolvedRef(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Error::Reference {
        url: url.to_owned(),
        reference: reference.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_servers_are_taken() {
        for (url, expected) in [
            ("https://github.com/o/r", Some("https://github.com/o/r")),
            ("http://host/o/r.git", Some("http://host/o/r.git")),
            ("ssh://git@host/o/r", Some("ssh://git@host/o/r")),
            ("git@github.com:o/r", Some("ssh://git@github.com/o/r")),
            ("file:///etc", None),
            ("../other", None),
            ("-oProxyCommand=x:y", None),
            ("ext::sh -c id", None),
        ] {
            assert_eq!(address(url).ok().as_deref(), expected, "{url}");
        }
    }
}
