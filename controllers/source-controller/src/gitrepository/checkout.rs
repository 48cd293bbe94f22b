//! From a repository on a server to the tree of one commit. Blocks.

use std::path::Path;

use weir_api::source::v1::GitRepositorySpec;
use weir_artifact::IGNORE_FILE;
use weir_git::{
    Connection, EntryKind, ObjectId, Purpose, Reference, RemoteOptions, Session, Submodule,
    same_origin,
};

use super::sparse;
use crate::error::Error;
use crate::execute;
use crate::source::Known;
use crate::tree::{Item, Tree};

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
            // One of an old version is told as it is written now.
            revision: revision.to_string(),
            quietly: !reference.probes(),
        });
    }
    // Where only a part is wanted, the rest need not come; unless files are still to be read that name other
    // repositories, or to be put in their stead that may have other rules.
    let submodules_too = spec.recurse_submodules && spec.sparse_checkout.is_empty();
    let partly = !submodules_too
        && spec.include.is_empty()
        && (spec.ignore.is_some() || !spec.sparse_checkout.is_empty());
    let (revision, snapshot) = if partly {
        connection.fetch_trees(&resolved)?
    } else {
        connection.fetch(&resolved)?
    };
    let entries = snapshot.entries(session)?;
    let entries = sparse::checked_out(entries, &spec.sparse_checkout, directory)?;
    let label = snapshot.commit().subject();
    let mut tree = Tree::new(snapshot, entries, spec.ignore.clone());
    // Upstream leaves submodules alone where it checks out a part.
    if submodules_too {
        submodules(&mut tree, job, session)?;
    }
    fetch_files(&mut connection, &mut tree)?;
    Ok(Looked::Fetched {
        revision: revision.to_string(),
        label,
        tree,
    })
}

/// Fetches the files of a tree that lacks them: first those that have rules in them, then what the rules leave.
fn fetch_files(connection: &mut Connection<'_>, tree: &mut Tree) -> Result<(), Error> {
    if !tree.snapshot().is_partial() {
        return Ok(());
    }
    let rules: Vec<&Item> = tree.items().iter().filter(|item| has_rules(item)).collect();
    let by_link = rules.iter().any(|item| item.kind == EntryKind::Symlink);
    let links = tree
        .items()
        .iter()
        .filter(|item| item.kind == EntryKind::Symlink);
    let mut wanted = objects(tree, rules);
    if by_link {
        wanted.extend(objects(tree, links));
    }
    connection.complete(tree.snapshot_mut(), &wanted)?;
    if by_link {
        let rules = tree.items().iter().filter(|item| has_rules(item));
        let behind = rules.filter_map(|item| tree.follow(&item.path));
        let wanted = objects(tree, behind);
        connection.complete(tree.snapshot_mut(), &wanted)?;
    }
    let ignore = execute::ignore(tree)?;
    let left = tree.items().iter().filter(|item| {
        matches!(item.kind, EntryKind::File { .. }) && !ignore.excludes(&item.path, false)
    });
    let wanted = objects(tree, left);
    connection.complete(tree.snapshot_mut(), &wanted)?;
    Ok(())
}

fn has_rules(item: &Item) -> bool {
    item.path.rsplit('/').next() == Some(IGNORE_FILE)
        && matches!(item.kind, EntryKind::File { .. } | EntryKind::Symlink)
}

fn objects<'a>(tree: &Tree, items: impl IntoIterator<Item = &'a Item>) -> Vec<ObjectId> {
    let ids = items.into_iter().filter_map(|item| tree.object(item));
    ids.collect()
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

#[cfg(test)]
mod tests;
