//! Unpacked files that stay on disk: one behind the other in a file without a name.

use std::fs::File;
use std::io::{self, BufRead, Read};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use file_tree::{Contents, FileTree, Limits};

use crate::unpack::{UnpackError, unpack_with};

/// The contents of a file, as a part of another on disk. Clones are of the same.
#[derive(Debug, Clone)]
pub struct OnDisk {
    file: Arc<File>,
    range: Range<u64>,
}

impl OnDisk {
    /// The bytes of `file` in `range`, which are not written to any more.
    #[must_use]
    pub fn new(file: Arc<File>, range: Range<u64>) -> Self {
        Self { file, range }
    }
}

impl Contents for OnDisk {
    fn size(&self) -> u64 {
        self.range.end - self.range.start
    }
}

/// Reads on from where the last read has ended.
impl Read for OnDisk {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.size()).unwrap_or(usize::MAX);
        let many = left.min(buffer.len());
        let read = self.file.read_at(&mut buffer[..many], self.range.start)?;
        self.range.start += read as u64;
        Ok(read)
    }
}

/// Reads a gzip-compressed tar as [`unpack`](crate::unpack) does, with the files' contents in a temporary file.
///
/// # Errors
/// [`UnpackError`], and that of a disk as one of reading.
pub fn unpack_to_disk(
    reader: impl BufRead,
    limits: Limits,
) -> Result<FileTree<OnDisk>, UnpackError> {
    let file = Arc::new(tempfile::tempfile().map_err(UnpackError::Read)?);
    let mut end = 0;
    unpack_with(reader, limits, |contents, size| {
        let start = end;
        end += io::copy(&mut contents.take(size), &mut &*file).map_err(UnpackError::Read)?;
        if end - start < size {
            return Err(UnpackError::Read(io::ErrorKind::UnexpectedEof.into()));
        }
        Ok(OnDisk::new(Arc::clone(&file), start..end))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ArchiveWriter;

    #[test]
    fn files_on_disk_are_those_in_memory() {
        let mut archive = ArchiveWriter::new(Vec::new());
        archive.dir("d").expect("writes");
        let large = vec![b'x'; 100_000];
        for (path, bytes) in [
            ("d/large", &large[..]),
            ("d/none", b""),
            ("e", b"1"),
            ("f", b"22"),
        ] {
            archive
                .file(path, path == "e", bytes.len() as u64, bytes)
                .expect("writes");
        }
        let archive = archive.finish().expect("finishes");
        let limits = Limits::default();
        let in_memory = crate::unpack(archive.as_slice(), limits).expect("unpacks");
        let on_disk = unpack_to_disk(archive.as_slice(), limits).expect("unpacks");
        assert_eq!(on_disk.bytes(), in_memory.bytes());
        let entries = in_memory.walk().zip(on_disk.walk());
        let mut files = 0;
        for ((path, one), (other_path, other)) in entries {
            assert_eq!((&path, one.kind()), (&other_path, other.kind()));
            if let (
                file_tree::Entry::File { bytes, executable },
                file_tree::Entry::File {
                    bytes: on_disk,
                    executable: other,
                },
            ) = (one, other)
            {
                let mut read = Vec::new();
                on_disk.clone().read_to_end(&mut read).expect("reads");
                assert_eq!((&read[..], executable), (&bytes[..], other), "{path}");
                files += 1;
            }
        }
        assert_eq!((files, on_disk.entries()), (4, in_memory.entries()));
        let cut = &archive[..archive.len() / 2];
        unpack_to_disk(cut, limits).expect_err("breaks off");
        let small = Limits {
            bytes: 10,
            ..limits
        };
        let error = unpack_to_disk(archive.as_slice(), small).expect_err("is too large");
        assert_eq!(error.to_string(), "tree exceeds 10 bytes");
    }
}
