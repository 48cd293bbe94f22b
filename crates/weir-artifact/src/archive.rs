//! The producer's tarball: the same tree gives the same bytes.

use std::io::{self, Read, Write};

use file_tree::Limits;
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
    held: Held,
}

impl<W: Write> std::fmt::Debug for ArchiveWriter<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ArchiveWriter").finish_non_exhaustive()
    }
}

impl<W: Write> ArchiveWriter<W> {
    /// An archive that goes to `output` and unpacks within the default bounds.
    pub fn new(output: W) -> Self {
        Self::bounded(output, Limits::default())
    }

    /// An archive that goes to `output` and unpacks within `limits`.
    pub fn bounded(output: W, limits: Limits) -> Self {
        let gzip = GzBuilder::new().write(output, Compression::default());
        Self {
            tar: Builder::new(gzip),
            held: Held {
                limits,
                bytes: 0,
                entries: 0,
                open: Vec::new(),
            },
        }
    }

    /// Adds a folder; its path has no slash at the end.
    ///
    /// # Errors
    /// The output's, and a [`file_tree::Error`] at a bound.
    pub fn dir(&mut self, path: &str) -> io::Result<()> {
        self.held.dir(path).map_err(io::Error::other)?;
        self.append(path, header(EntryType::Directory, 0o750, 0), io::empty())
    }

    /// Adds a file of exactly `size` bytes.
    ///
    /// # Errors
    /// The output's and the reader's, if the reader ends early, and a [`file_tree::Error`] at a bound.
    pub fn file(
        &mut self,
        path: &str,
        executable: bool,
        size: u64,
        contents: impl Read,
    ) -> io::Result<()> {
        self.held.file(path, size).map_err(io::Error::other)?;
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

/// What the archive will unpack into, counted as the reader counts it: folders that are not listed but have
/// something in them are entries too.
struct Held {
    limits: Limits,
    bytes: u64,
    entries: usize,
    /// The folders that the walk is in.
    open: Vec<String>,
}

impl Held {
    fn dir(&mut self, path: &str) -> Result<(), file_tree::Error> {
        if path == "." {
            return Ok(());
        }
        self.limits.check_path(path)?;
        self.enter(path)
    }

    fn file(&mut self, path: &str, size: u64) -> Result<(), file_tree::Error> {
        self.limits.check_path(path)?;
        self.enter(path.rsplit_once('/').map_or("", |(folder, _)| folder))?;
        self.add()?;
        self.bytes = self.bytes.saturating_add(size);
        if self.bytes > self.limits.bytes {
            return Err(self.limits.too_many_bytes());
        }
        Ok(())
    }

    /// Counts the folders of `path` that the walk was not in yet.
    fn enter(&mut self, path: &str) -> Result<(), file_tree::Error> {
        let parts = || path.split('/').filter(|part| !part.is_empty());
        let common = parts()
            .zip(&self.open)
            .take_while(|(part, open)| part == open)
            .count();
        self.open.truncate(common);
        for part in parts().skip(common) {
            self.add()?;
            self.open.push(part.to_owned());
        }
        Ok(())
    }

    fn add(&mut self) -> Result<(), file_tree::Error> {
        if self.entries >= self.limits.entries {
            return Err(self.limits.too_many_entries());
        }
        self.entries += 1;
        Ok(())
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

    #[test]
    fn what_can_be_made_can_be_read_and_one_more_can_not_be_made() {
        let limits = Limits {
            bytes: 4,
            entries: 5,
            depth: 3,
        };
        let write = |files: &[(&str, usize)], dirs: &[&str]| {
            let mut archive = ArchiveWriter::bounded(Vec::new(), limits);
            archive.dir(".")?;
            for dir in dirs {
                archive.dir(dir)?;
            }
            for (path, size) in files {
                let contents = vec![b'x'; *size];
                archive.file(path, false, *size as u64, contents.as_slice())?;
            }
            archive.finish()
        };
        // `a` and `a/b` are entries whether they are listed or not.
        let fitting: [&[(&str, usize)]; 2] = [
            &[("a/b/c", 1), ("a/b/d", 2), ("e", 1)],
            &[("a/b/c", 4), ("a/b/d", 0), ("a/e", 0)],
        ];
        for files in fitting {
            for dirs in [&[][..], &["a", "a/b"][..]] {
                let bytes = write(files, dirs).expect("fits");
                crate::unpack(bytes.as_slice(), limits).expect("unpacks");
            }
        }
        for (files, text) in [
            (&[("a", 3), ("b", 2)][..], "tree exceeds 4 bytes"),
            (
                &[("a/b/c", 0), ("a/b/d", 0), ("e", 0), ("f", 0)],
                "tree exceeds 5 entries",
            ),
            (&[("a/b/c/d", 0)], "tree exceeds a depth of 3"),
        ] {
            let error = write(files, &[]).expect_err("is too much");
            assert_eq!(error.to_string(), text);
        }
        let deep = "d".repeat(file_tree::MAX_PATH + 1);
        let error = write(&[(&deep, 0)], &[]).expect_err("is too long");
        assert_eq!(error.to_string(), "tree exceeds 4096 bytes in a path");
    }
}
