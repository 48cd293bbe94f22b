//! Where the contents of unpacked files are kept: a little in memory, the rest in a file without a name.

use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use file_tree::{Contents, FileTree, Limits, Stored};

use crate::unpack::{UnpackError, unpack_within};

/// What may be in memory of an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Room {
    /// Bytes of all files together.
    pub(crate) all: u64,
    /// Bytes of one.
    pub(crate) one: u64,
}

impl Default for Room {
    /// 32 MiB, of files up to 1 MiB: all of a usual repository.
    fn default() -> Self {
        Self {
            all: 32 << 20,
            one: 1 << 20,
        }
    }
}

/// Reads a gzip-compressed tar as [`unpack`](crate::unpack) does, with the contents of all files on disk: for who only
/// passes them on.
///
/// # Errors
/// [`UnpackError`].
pub fn unpack_to_disk(reader: impl io::BufRead, limits: Limits) -> Result<FileTree, UnpackError> {
    unpack_within(reader, limits, Room { all: 0, one: 0 })
}

/// Takes contents as they come.
pub(crate) struct Keeper {
    room: Room,
    disk: Option<Arc<File>>,
    end: u64,
}

impl Keeper {
    pub(crate) fn new(room: Room) -> Self {
        Self {
            room,
            disk: None,
            end: 0,
        }
    }

    /// Reads exactly `size` bytes.
    pub(crate) fn keep(&mut self, contents: &mut dyn Read, size: u64) -> io::Result<Contents> {
        let mut contents = contents.take(size);
        if size <= self.room.one && size <= self.room.all {
            self.room.all -= size;
            let expected = usize::try_from(size).unwrap_or(usize::MAX);
            let mut bytes = Vec::with_capacity(expected);
            contents.read_to_end(&mut bytes)?;
            if bytes.len() != expected {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            return Ok(bytes.into());
        }
        let file = match &self.disk {
            Some(file) => Arc::clone(file),
            None => Arc::clone(self.disk.insert(Arc::new(tempfile::tempfile()?))),
        };
        let start = self.end;
        self.end += io::copy(&mut contents, &mut &*file)?;
        if self.end - start < size {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let range = start..self.end;
        Ok(Contents::There(Arc::new(Part { file, range })))
    }
}

/// Bytes of a file that is not written to there any more.
#[derive(Debug, Clone)]
struct Part {
    file: Arc<File>,
    range: Range<u64>,
}

impl Stored for Part {
    fn size(&self) -> u64 {
        self.range.end - self.range.start
    }

    fn open(&self) -> Box<dyn Read + Send> {
        Box::new(self.clone())
    }
}

/// Reads on from where the last read has ended.
impl Read for Part {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.size()).unwrap_or(usize::MAX);
        let many = left.min(buffer.len());
        let read = self.file.read_at(&mut buffer[..many], self.range.start)?;
        self.range.start += read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use file_tree::Entry;

    use super::*;
    use crate::ArchiveWriter;

    /// Files of these sizes, each of its own letter.
    fn archive(sizes: &[u64]) -> Vec<u8> {
        let mut archive = ArchiveWriter::new(Vec::new());
        for (size, letter) in sizes.iter().zip(b'a'..) {
            let contents = io::repeat(letter).take(*size);
            let name = char::from(letter).to_string();
            archive
                .file(&name, *size == 3, *size, contents)
                .expect("writes");
        }
        archive.finish().expect("finishes")
    }

    /// Which files are in memory.
    fn here(tree: &FileTree) -> Vec<bool> {
        let files = tree.walk().map(|(path, entry)| {
            let Entry::File { bytes, executable } = entry else {
                panic!("{path} is a file");
            };
            let read = tree.read(&path).expect("reads");
            assert!(read.iter().all(|byte| path.as_bytes() == [*byte]), "{path}");
            assert_eq!(
                (read.len() as u64, *executable),
                (bytes.size(), bytes.size() == 3)
            );
            matches!(bytes, Contents::Here(_))
        });
        files.collect()
    }

    #[test]
    fn small_files_are_in_memory_while_there_is_room() {
        let sizes = [3, 100_000, 4, 5, 0, 4, 1];
        let archive = archive(&sizes);
        let room = Room { all: 10, one: 4 };
        let limits = Limits::default();
        let tree = unpack_within(archive.as_slice(), limits, room).expect("unpacks");
        assert_eq!(here(&tree), [true, false, true, false, true, false, true]);
        assert_eq!(tree.bytes(), sizes.iter().sum::<u64>());
        let tree = crate::unpack(archive.as_slice(), limits).expect("unpacks");
        assert_eq!(here(&tree), [true; 7]);
        let tree = unpack_to_disk(archive.as_slice(), limits).expect("unpacks");
        let empty = sizes.map(|size| size == 0);
        assert_eq!(here(&tree), empty);
    }

    #[test]
    fn bounds_and_truths_are_the_same_on_disk() {
        let archive = archive(&[100_000, 100_000]);
        let limits = Limits::default();
        let cut = &archive[..archive.len() / 2];
        unpack_to_disk(cut, limits).expect_err("breaks off");
        let small = Limits {
            bytes: 150_000,
            ..limits
        };
        let error = unpack_to_disk(archive.as_slice(), small).expect_err("is too large");
        assert_eq!(error.to_string(), "tree exceeds 150000 bytes");
    }
}
