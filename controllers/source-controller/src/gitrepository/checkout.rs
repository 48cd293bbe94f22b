//! From a repository on a server to the tree of one commit. Blocks.

use std::path::Path;

use weir_api::source::v1::GitRepositorySpec;
use weir_git::{
    Entry, EntryKind, Purpose, Reference, RemoteOptions, Session, Snapshot, Submodule, same_origin,
};

use crate::error::Error;
use crate::source::Known;
use crate::tree::{Tree, walk_order};

/// How deep submodules may hold submodules, as go-git's default has it.
const MAX_DEPTH: usize = 10;
/// Submodules of one tree, all levels together.
const MAX_SUBMODULES: usize = 200;
/// Where a repository names its submodules.
const GITMODULES: &str = ".gitmodules";

/// What a pass needs to know of an object to check it out.
#[derive(Debug, Clone)]
pub(super) struct Job {
    pub(super) spec: GitRepositorySpec,
    pub(super) options: RemoteOptions,
    pub(super) known: Known,
}

/// What a look at the server has brought.
#[derive(Debug)]
pub(super) enum Looked {
    /// The known revision, and nothing was fetched.
    Unchanged { revision: String, quietly: bool },
    /// A revision with its files.
    Fetched {
        revision: String,
        label: String,
        tree: Tree,
    },
}

pub(super) fn reference(spec: &GitRepositorySpec) -> Reference {
    let given = spec.reference.clone().unwrap_or_default();
    Reference::select(
        &given.commit,
        &given.name,
        &given.tag,
        &given.semver,
        &given.branch,
    )
}

/// Lists, and fetches if the tip is not the known one.
pub(super) fn look(job: &Job, directory: &Path, session: &Session) -> Result<Looked, Error> {
    let (spec, known) = (&job.spec, &job.known);
    let reference = reference(spec);
    let probing = known.revision.is_some() && reference.probes();
    let purpose = if probing || matches!(reference, Reference::Name(_)) {
        Purpose::Probe
    } else {
        Purpose::Clone
    };
    let remote = session.remote(&spec.url, job.options.clone())?;
    let mut connection = remote.connect(session, purpose)?;
    let resolved = connection.resolve(&reference)?;
    // A recovery is told with the commit's message where upstream has fetched it.
    let may_stand = known.may_stand && (reference.probes() || !known.failing);
    if may_stand
        && let (Some(revision), Some(text)) = (resolved.only(), &known.revision)
        && revision.is(text)
    {
        return Ok(Looked::Unchanged {
            revision: text.clone(),
            quietly: !reference.probes(),
        });
    }
    let (revision, snapshot) = connection.fetch(&resolved)?;
    let entries = wanted(&snapshot, &spec.sparse_checkout, directory, session)?;
    let label = snapshot.commit().subject();
    let mut tree = Tree::new(snapshot, entries, spec.ignore.clone());
    // Upstream leaves submodules alone where it checks out a part.
    if spec.recurse_submodules && spec.sparse_checkout.is_empty() {
        submodules(&mut tree, job, session)?;
    }
    Ok(Looked::Fetched {
        revision: revision.to_string(),
        label,
        tree,
    })
}

/// A repository whose submodules are to be fetched: where it stands in the tree, its URL and its depth.
struct Level {
    prefix: String,
    url: String,
    depth: usize,
}

fn submodules(tree: &mut Tree, job: &Job, session: &Session) -> Result<(), Error> {
    let refused = |text: String| Error::Checkout(weir_git::Error::Submodule(text));
    let mut waiting = vec![Level {
        prefix: String::new(),
        url: job.spec.url.clone(),
        depth: 0,
    }];
    let mut fetched = 0;
    while let Some(level) = waiting.pop() {
        let listed = match tree.find(&format!("{}{GITMODULES}", level.prefix)) {
            Some(item) if matches!(item.kind, EntryKind::File { .. }) => tree.read(item)?,
            _ => continue,
        };
        for module in Submodule::parse(&listed)? {
            let path = format!("{}{}", level.prefix, module.path.trim_matches('/'));
            // What the tree has no entry for is not there.
            let Some(commit) = tree.submodule(&path) else {
                continue;
            };
            if level.depth >= MAX_DEPTH {
                return Err(refused(format!("nested deeper than {MAX_DEPTH} levels")));
            }
            fetched += 1;
            if fetched > MAX_SUBMODULES {
                return Err(refused(format!("more than {MAX_SUBMODULES}")));
            }
            let url = module.resolve(&level.url)?;
            let reference = Reference::Commit {
                id: commit.to_string(),
                prefix: None,
            };
            let remote = session.remote(&url, options_for(&url, job))?;
            let mut connection = remote.connect(session, Purpose::Clone)?;
            let resolved = connection.resolve(&reference)?;
            let (_, snapshot) = connection.fetch(&resolved)?;
            let entries = snapshot.entries(session)?;
            tree.mount(&path, snapshot, entries);
            waiting.push(Level {
                prefix: format!("{path}/"),
                url,
                depth: level.depth + 1,
            });
        }
    }
    Ok(())
}

/// What opens the repository opens submodules on its server, and no others.
fn options_for(url: &str, job: &Job) -> RemoteOptions {
    let mut options = job.options.clone();
    if !same_origin(&job.spec.url, url) {
        options.credentials = None;
        options.ssh = None;
        options.tls.identity = None;
    }
    options
}

/// The entries below the listed folders, with the folders above them; all of them if none is listed.
fn wanted(
    snapshot: &Snapshot,
    sparse: &[String],
    directory: &Path,
    session: &Session,
) -> Result<Vec<Entry>, Error> {
    let mut entries = snapshot.entries(session)?;
    if sparse.is_empty() {
        return Ok(entries);
    }
    let mut folders = Vec::new();
    for listed in sparse {
        let folder = clean(listed);
        let exists = |folder: &str| {
            folder.is_empty()
                || entries
                    .binary_search_by(|entry| walk_order(&entry.path, folder))
                    .is_ok()
        };
        match folder.filter(|folder| exists(folder)) {
            Some(folder) => folders.push(folder),
            None => {
                let dir = listed.strip_prefix("./").unwrap_or(listed).to_owned();
                let path = directory
                    .join(dir.trim_start_matches('/'))
                    .display()
                    .to_string();
                return Err(Error::SparseCheckout { dir, path });
            }
        }
    }
    entries.retain(|entry| {
        folders.iter().any(|folder| {
            let above = entry.kind == EntryKind::Dir && is_below(folder, &entry.path);
            above || entry.path == *folder || is_below(&entry.path, folder)
        })
    });
    Ok(entries)
}

/// Whether `path` lies below `folder`; everything lies below the root.
fn is_below(path: &str, folder: &str) -> bool {
    folder.is_empty()
        || path
            .strip_prefix(folder)
            .is_some_and(|rest| rest.starts_with('/'))
}

/// A listed folder as a path of the tree; nothing for one that leaves it.
fn clean(listed: &str) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    for part in listed.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests;
