//! A `tar.gz` of foreign origin into a bounded tree.

use std::io::{self, Read};

use file_tree::{FileTree, Limits, MAX_PATH};
use flate2::bufread::MultiGzDecoder;
use tar::{Archive, Entry, EntryType, PaxExtensions};

use crate::keep::{Keeper, Room};

/// The longest extended header that is read, as Go's `archive/tar` allows.
const MAX_EXTENDED_HEADER: u64 = 1 << 20;
/// The longest component of a path.
const MAX_NAME: usize = 255;
/// Room in the uncompressed stream for each entry's headers and padding.
const ENTRY_OVERHEAD: u64 = 8 * 512;

/// Why an archive was refused.
///
/// Source: fluxcd/pkg `tar/tar.go`.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    /// The body is not gzip.
    #[error("requires gzip-compressed body")]
    NotGzip(#[source] io::Error),
    /// The stream breaks off or is no tar.
    #[error("tar error")]
    Read(#[source] io::Error),
    /// A name is empty, absolute, climbs, holds a backslash, is too long or not UTF-8.
    #[error("tar contained invalid name error {0:?}")]
    InvalidName(String),
    /// A hard link, device, pipe, sparse file or something unknown.
    #[error("tar file entry {name} contained unsupported file type {kind:?}")]
    UnsupportedType {
        /// The entry.
        name: String,
        /// Its type as tar has it.
        kind: EntryType,
    },
    /// The tree's bounds, or a file where a directory is.
    #[error(transparent)]
    Tree(#[from] file_tree::Error),
}

/// Reads a gzip-compressed tar into a tree of at most `limits`.
///
/// Symbolic links and global headers are skipped, modes reduced to "executable or not". Nothing is
/// buffered beyond what the bounds allow, whatever the headers claim; large files, and all that come when there are
/// many, stay on disk.
///
/// # Errors
/// [`UnpackError`]; a partial tree is dropped.
///
/// Source: fluxcd/pkg `tar/tar.go` `Untar` with `WithSkipSymlinks`.
pub fn unpack(reader: impl io::BufRead, limits: Limits) -> Result<FileTree, UnpackError> {
    unpack_within(reader, limits, Room::default())
}

/// Reads a gzip-compressed tar like [`unpack`], with no more than `room` of it in memory, the rest on disk.
pub(crate) fn unpack_within(
    reader: impl io::BufRead,
    limits: Limits,
    room: Room,
) -> Result<FileTree, UnpackError> {
    let mut keeper = Keeper::new(room);
    let decoder = MultiGzDecoder::new(reader);
    let bound = (limits.entries as u64)
        .saturating_mul(ENTRY_OVERHEAD)
        .saturating_add(limits.bytes)
        .saturating_add(MAX_EXTENDED_HEADER);
    let mut stream = Bounded {
        inner: decoder,
        left: bound,
    };
    let mut first = [0; 1];
    let begun = stream.read(&mut first).map_err(UnpackError::NotGzip)?;
    let mut archive = Archive::new((&first[..begun]).chain(stream));
    let mut tree = FileTree::new(limits);
    let mut extended = Extended::default();
    let mut headers = limits.entries.saturating_mul(4).saturating_add(16);
    let entries = archive.entries().map_err(UnpackError::Read)?.raw(true);
    for entry in entries {
        headers = headers
            .checked_sub(1)
            .ok_or_else(|| limits.too_many_entries())?;
        take(
            &mut entry.map_err(UnpackError::Read)?,
            &mut extended,
            &mut tree,
            limits,
            &mut keeper,
        )?;
    }
    Ok(tree)
}

/// What extended headers say about the entry that follows them.
#[derive(Default)]
struct Extended {
    path: Option<Vec<u8>>,
    /// GNU's own header, which beats the other whatever their order.
    long_name: Option<Vec<u8>>,
    size: Option<u64>,
    sparse: bool,
}

fn take(
    entry: &mut Entry<'_, impl Read>,
    extended: &mut Extended,
    tree: &mut FileTree,
    limits: Limits,
    keeper: &mut Keeper,
) -> Result<(), UnpackError> {
    let kind = entry.header().entry_type();
    match kind {
        EntryType::XGlobalHeader => return Ok(()),
        EntryType::GNULongName => {
            let mut path = extended_header(entry)?;
            path.truncate(
                path.iter()
                    .position(|byte| *byte == 0)
                    .unwrap_or(path.len()),
            );
            extended.long_name = Some(path);
            return Ok(());
        }
        EntryType::GNULongLink => return Ok(()),
        EntryType::XHeader => return read_pax(&extended_header(entry)?, extended),
        _ => {}
    }
    let said = std::mem::take(extended);
    let path = said.long_name.or(said.path);
    let name = name(path.unwrap_or_else(|| entry.path_bytes().into_owned()))?;
    let unsupported = || UnpackError::UnsupportedType {
        name: name.clone(),
        kind,
    };
    if said.sparse {
        return Err(unsupported());
    }
    match kind {
        EntryType::Symlink => Ok(()),
        // Readers disagree on where the next header is.
        EntryType::Directory if entry.size() > 0 => Err(UnpackError::Read(io::Error::other(
            "a directory has contents",
        ))),
        EntryType::Directory => Ok(tree.insert_dir(&name)?),
        EntryType::Regular | EntryType::Continuous => {
            let size = entry.header().entry_size().map_err(UnpackError::Read)?;
            if said.size.is_some_and(|said| said != size) {
                return Err(UnpackError::Read(io::Error::other(
                    "sizes of headers contradict each other",
                )));
            }
            if size > limits.bytes.saturating_sub(tree.bytes()) {
                return Err(limits.too_many_bytes().into());
            }
            let mode = entry.header().mode().map_err(UnpackError::Read)?;
            // A file that is written over keeps its mode.
            let executable = match tree.lookup(name.trim_start_matches("./")) {
                Some(file_tree::Entry::File { executable, .. }) => *executable,
                _ => mode & 0o111 != 0,
            };
            let bytes = keeper.keep(entry, size).map_err(UnpackError::Read)?;
            Ok(tree.insert_file(&name, bytes, executable)?)
        }
        _ => Err(unsupported()),
    }
}

fn extended_header(entry: &mut impl Read) -> Result<Vec<u8>, UnpackError> {
    let mut bytes = Vec::new();
    entry
        .take(MAX_EXTENDED_HEADER + 1)
        .read_to_end(&mut bytes)
        .map_err(UnpackError::Read)?;
    if bytes.len() as u64 > MAX_EXTENDED_HEADER {
        return Err(UnpackError::Read(io::Error::other("header field too long")));
    }
    Ok(bytes)
}

fn read_pax(bytes: &[u8], extended: &mut Extended) -> Result<(), UnpackError> {
    for record in PaxExtensions::new(bytes) {
        let record = record.map_err(UnpackError::Read)?;
        match record.key_bytes() {
            b"path" => {
                let path = record.value_bytes();
                extended.path = (!path.is_empty()).then(|| path.to_vec());
            }
            b"size" => {
                let size = record.value().ok().and_then(|value| value.parse().ok());
                extended.size = Some(size.unwrap_or(u64::MAX));
            }
            key if key.starts_with(b"GNU.sparse.") => extended.sparse = true,
            _ => {}
        }
    }
    Ok(())
}

fn name(path: Vec<u8>) -> Result<String, UnpackError> {
    let refuse = |path: &[u8]| {
        let shown = &path[..path.len().min(256)];
        UnpackError::InvalidName(String::from_utf8_lossy(shown).into_owned())
    };
    let name = String::from_utf8(path).map_err(|error| refuse(error.as_bytes()))?;
    let hostile = name.is_empty()
        || name.len() > MAX_PATH
        || name.starts_with('/')
        || name.contains(['\\', '\0'])
        || name
            .split('/')
            .any(|part| part == ".." || part.len() > MAX_NAME);
    if hostile {
        return Err(refuse(name.as_bytes()));
    }
    Ok(name)
}

/// A reader that fails, rather than ends, once it has yielded all it may.
struct Bounded<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.left = self
            .left
            .checked_sub(read as u64)
            .ok_or_else(|| io::Error::other("archive unpacks to more than is allowed"))?;
        Ok(read)
    }
}

#[cfg(test)]
mod tests;
