//! Writing: archives into storage, and their removal.

use std::sync::Arc;

use weir_artifact::{
    ArchiveWriter, IGNORE_FILE, Ignore, Location, Published, Storage, StorageError,
};
use weir_git::{EntryKind, Session};

use crate::context::Context;
use crate::error::Error;
use crate::tree::{Item, Tree};

/// All ignore rules of a tree together.
const MAX_IGNORE_BYTES: usize = 4 << 20;

/// Archives the entries of a commit that the ignore rules leave. Symbolic links stay out, a submodule is an
/// empty folder.
///
/// # Errors
/// [`Error::IgnoreRules`], [`Error::Archive`].
pub fn archive(
    storage: &Storage,
    location: &Location,
    session: &Session,
    tree: &Tree,
) -> Result<Published, Error> {
    let ignore = ignore(tree)?;
    let file = format!("{}.tar.gz", tree.commit().id);
    let published = storage.publish(location, &file, |output| {
        let mut archive = ArchiveWriter::bounded(output, storage.tree_limits());
        let io = |error: std::io::Error| Failed(Box::new(error));
        archive.dir(".").map_err(io)?;
        for entry in tree.items() {
            session.check().map_err(|error| Failed(Box::new(error)))?;
            let is_dir = matches!(entry.kind, EntryKind::Dir | EntryKind::Submodule);
            if ignore.excludes(&entry.path, is_dir) {
                continue;
            }
            match entry.kind {
                EntryKind::Symlink => {}
                EntryKind::Dir | EntryKind::Submodule => archive.dir(&entry.path).map_err(io)?,
                EntryKind::File { executable } => {
                    let opened = tree.open(entry);
                    let (size, contents) = opened.map_err(|error| Failed(Box::new(error)))?;
                    let contents = session.guard(contents);
                    archive
                        .file(&entry.path, executable, size, contents)
                        .map_err(io)?;
                }
            }
        }
        archive.finish().map_err(io)?;
        Ok::<_, Failed>(())
    });
    published
        .map(|(published, ())| published)
        .map_err(|Failed(source)| Error::Archive(source))
}

/// Whatever ended the writing of an archive.
struct Failed(Box<dyn std::error::Error + Send + Sync>);

impl From<StorageError> for Failed {
    fn from(error: StorageError) -> Self {
        Self(Box::new(error))
    }
}

/// The rules of all `.sourceignore` files, parents before children, then those of the spec. A file may be a link to
/// another one of the tree; what leads elsewhere has no rules.
///
/// # Errors
/// [`Error::IgnoreRules`].
pub(crate) fn ignore(tree: &Tree) -> Result<Ignore, Error> {
    let mut files: Vec<(&str, &Item)> = tree
        .items()
        .iter()
        .filter_map(|entry| match entry.path.rsplit_once('/') {
            Some((folder, IGNORE_FILE)) => Some((folder, entry)),
            None if entry.path == IGNORE_FILE => Some(("", entry)),
            _ => None,
        })
        .filter_map(|(folder, entry)| {
            let found = match entry.kind {
                EntryKind::Symlink => tree.follow(&entry.path)?,
                _ => entry,
            };
            matches!(found.kind, EntryKind::File { .. }).then_some((folder, found))
        })
        .collect();
    // The root's own first: an empty name has no parts.
    files.sort_by_key(|(folder, _)| folder.split('/').filter(|part| !part.is_empty()).count());
    let mut ignore = Ignore::new();
    let mut total = tree.ignore.as_ref().map_or(0, String::len);
    for (folder, entry) in files {
        let bytes = tree.read(entry).map_err(Error::from)?;
        total += bytes.len();
        if total > MAX_IGNORE_BYTES {
            break;
        }
        ignore.add(folder, &String::from_utf8_lossy(&bytes));
    }
    if total > MAX_IGNORE_BYTES {
        return Err(Error::IgnoreRules(MAX_IGNORE_BYTES));
    }
    if let Some(text) = &tree.ignore {
        ignore.add("", text);
    }
    Ok(ignore.finish())
}

/// Removes everything that was stored for an object; whether there was anything.
///
/// # Errors
/// [`Error::RemoveArtifacts`].
pub async fn remove_all(context: &Context, location: Location) -> Result<bool, Error> {
    let storage = Arc::clone(&context.storage);
    let removed = tokio::task::spawn_blocking(move || storage.remove_all(&location));
    let removed = removed.await.map_err(|_| Error::Interrupted)?;
    removed.map_err(Error::RemoveArtifacts)
}
