//! The producer's tarball: the same tree gives the same bytes.

use std::io::{self, Read, Write};

use flate2::write::GzEncoder;
use flate2::{Compression, GzBuilder};
use tar::{Builder, EntryType, Header};

/// Bytes that fit into a header's name field, and into its prefix field.
const NAME: usize = 100;
const PREFIX: usize = 155;

/// Writes a gzip-compressed tar with nothing in it but names, kinds, contents and "executable".
///
/// The caller adds entries in the order of a lexical walk, the root as `.`; owners and times are zero and
/// modes are 0600, 0700 and 0750, so that equal trees give equal archives.
///
/// Source: fluxcd/pkg `artifact/storage/storage.go` `Archive`.
pub struct ArchiveWriter<W: Write> {
    tar: Builder<GzEncoder<W>>,
}

impl<W: Write> std::fmt::Debug for ArchiveWriter<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ArchiveWriter").finish_non_exhaustive()
    }
}

impl<W: Write> ArchiveWriter<W> {
    /// An archive that goes to `output`.
    pub fn new(output: W) -> Self {
        let gzip = GzBuilder::new().write(output, Compression::default());
        Self {
            tar: Builder::new(gzip),
        }
    }

    /// Adds a folder; its path has no slash at the end.
    ///
    /// # Errors
    /// The output's.
    pub fn dir(&mut self, path: &str) -> io::Result<()> {
        self.append(path, header(EntryType::Directory, 0o750, 0), io::empty())
    }

    /// Adds a file of exactly `size` bytes.
    ///
    /// # Errors
    /// The output's and the reader's, and if the reader ends early.
    pub fn file(
        &mut self,
        path: &str,
        executable: bool,
        size: u64,
        contents: impl Read,
    ) -> io::Result<()> {
        let mode = if executable { 0o700 } else { 0o600 };
        let mut exact = Exact {
            inner: contents,
            left: size,
        };
        self.append(path, header(EntryType::Regular, mode, size), &mut exact)
    }

    /// Writes the end and returns the output.
    ///
    /// # Errors
    /// The output's.
    pub fn finish(self) -> io::Result<W> {
        self.tar.into_inner()?.finish()
    }

    fn append(&mut self, path: &str, mut header: Header, contents: impl Read) -> io::Result<()> {
        if !name_fits(&mut header, path) {
            self.tar
                .append_pax_extensions([("path", path.as_bytes())])?;
        }
        header.set_cksum();
        self.tar.append(&header, contents)
    }
}

fn header(kind: EntryType, mode: u32, size: u64) -> Header {
    let mut header = Header::new_ustar();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(size);
    header
}

/// Puts `path` into the header's fields; if it does not fit, only its beginning and `false`.
fn name_fits(header: &mut Header, path: &str) -> bool {
    let bytes = path.as_bytes();
    // The name field begins a header, the prefix field stands at 345.
    let fields = header.as_mut_bytes();
    if bytes.len() <= NAME {
        fields[..bytes.len()].copy_from_slice(bytes);
        return true;
    }
    let split = bytes
        .iter()
        .enumerate()
        .find(|(at, byte)| **byte == b'/' && *at <= PREFIX && bytes.len() - at - 1 <= NAME);
    if let Some((at, _)) = split {
        let (prefix, name) = (&bytes[..at], &bytes[at + 1..]);
        fields[345..345 + prefix.len()].copy_from_slice(prefix);
        fields[..name.len()].copy_from_slice(name);
        return true;
    }
    fields[..NAME].copy_from_slice(&bytes[..NAME]);
    false
}

/// Fails where the contents end before their announced size.
struct Exact<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Exact<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let room = usize::try_from(self.left).unwrap_or(usize::MAX);
        let room = room.min(buffer.len());
        if room == 0 {
            return Ok(0);
        }
        let read = self.inner.read(&mut buffer[..room])?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.left -= read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use file_tree::Limits;

    use super::*;

    fn sample() -> Vec<u8> {
        let long = format!("{}/{}", "d".repeat(90), "e".repeat(90));
        let longer = format!("{}/f", "x".repeat(250));
        let mut archive = ArchiveWriter::new(Vec::new());
        archive.dir(".").expect("writes");
        archive.dir("bin").expect("writes");
        archive
            .file("bin/run", true, 2, &b"hi"[..])
            .expect("writes");
        archive
            .file("empty", false, 0, io::empty())
            .expect("writes");
        archive.file(&long, false, 1, &b"1"[..]).expect("writes");
        archive.file(&longer, false, 1, &b"2"[..]).expect("writes");
        archive
            .file("ünï code", false, 1, &b"3"[..])
            .expect("writes");
        archive.finish().expect("finishes")
    }

    #[test]
    fn equal_trees_give_equal_bytes_that_unpack_again() {
        let bytes = sample();
        assert_eq!(bytes, sample());
        let tree = crate::unpack(bytes.as_slice(), Limits::default()).expect("unpacks");
        let paths: Vec<String> = tree.walk().map(|(path, _)| path).collect();
        let long = format!("{}/{}", "d".repeat(90), "e".repeat(90));
        assert!(
            paths.contains(&long) && paths.contains(&"ünï code".to_owned()),
            "{paths:?}"
        );
        assert_eq!(
            tree.read(&format!("{}/f", "x".repeat(250)))
                .expect("reads")
                .as_ref(),
            b"2"
        );
    }

    #[test]
    fn headers_hold_no_more_than_kind_mode_and_size() {
        let bytes = sample();
        let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(bytes.as_slice()));
        let mut seen = Vec::new();
        for entry in archive.entries().expect("reads").take(4) {
            let entry = entry.expect("reads");
            let header = entry.header();
            assert_eq!(
                (header.uid().ok(), header.gid().ok(), header.mtime().ok()),
                (Some(0), Some(0), Some(0))
            );
            assert_eq!(
                (
                    header.username().ok().flatten(),
                    header.groupname().ok().flatten()
                ),
                (Some(""), Some(""))
            );
            let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            seen.push((name, header.mode().expect("has a mode")));
        }
        let expected = [
            (".", 0o750),
            ("bin", 0o750),
            ("bin/run", 0o700),
            ("empty", 0o600),
        ];
        assert_eq!(seen, expected.map(|(name, mode)| (name.to_owned(), mode)));
    }

    #[test]
    fn contents_that_end_early_are_an_error() {
        let mut archive = ArchiveWriter::new(Vec::new());
        let short = archive.file("a", false, 5, &b"1"[..]);
        assert_eq!(
            short.map_err(|error| error.kind()),
            Err(io::ErrorKind::UnexpectedEof)
        );
        let mut archive = ArchiveWriter::new(Vec::new());
        archive
            .file("a", false, 1, &b"12345"[..])
            .expect("takes one byte");
        let bytes = archive.finish().expect("finishes");
        let tree = crate::unpack(bytes.as_slice(), Limits::default()).expect("unpacks");
        assert_eq!(tree.read("a").expect("reads").as_ref(), b"1");
    }
}
