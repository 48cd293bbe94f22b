//! Packed charts: a gzipped tar, within bounds.
//!
//! Source: Helm 4.2.4 `pkg/chart/loader/archive/archive.go`; Go 1.26 `compress/gzip`, `path`

mod tar;

use std::io::{self, Read};

use flate2::bufread::MultiGzDecoder;
use go_template::quote;

use super::File;
use super::load::without_mark;
use tar::{Tar, TarError};

/// What an archive may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of all files together.
    pub bytes: u64,
    /// Bytes of one file.
    pub file: u64,
    /// Files and folders; upstream has no bound.
    pub entries: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 100 << 20,
            file: 5 << 20,
            entries: 50_000,
        }
    }
}

/// Why an archive is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArchiveError {
    /// No gzip.
    #[error("gzip: invalid header")]
    NotGzip,
    /// The end is missing.
    #[error("unexpected EOF")]
    Truncated,
    /// Nothing at all.
    #[error("EOF")]
    Empty,
    /// No tar.
    #[error("archive/tar: invalid tar header")]
    NotTar,
    /// A stream that does not unpack.
    #[error("{0}")]
    Broken(String),
    /// No files.
    #[error("no files in chart archive")]
    NoFiles,
    /// A path that begins with a slash.
    #[error("chart illegally contains absolute paths")]
    Absolute,
    /// A file beside the chart's folder.
    #[error("chart illegally contains content outside the base directory: {0}")]
    Outside(String),
    /// A path that climbs.
    #[error("chart illegally references parent directory")]
    Parent,
    /// A path with a drive.
    #[error("chart contains illegally named files")]
    Drive,
    /// A `Chart.yaml` where the folder should be.
    #[error("chart yaml not in base directory")]
    Misplaced,
    /// All together are too large.
    #[error("decompressed chart is larger than the maximum size {0}")]
    TooLarge(u64),
    /// One is too large.
    #[error("decompressed chart file {0} is larger than the maximum file size {1}")]
    FileTooLarge(String, u64),
    /// There are too many.
    #[error("chart archive has more than {0} entries")]
    TooMany(usize),
}

/// A packed chart's bytes.
pub type Archive<'a> = &'a [u8];

/// Whether bytes begin as a gzip does.
pub fn is_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x1F, 0x8B, 0x08])
}

/// Reads the files of an archive in their order, the first part of their paths cut off.
///
/// # Errors
/// [`ArchiveError`].
pub fn read(archive: Archive<'_>, limits: &Limits) -> Result<Vec<File>, ArchiveError> {
    if archive.is_empty() {
        return Err(ArchiveError::Empty);
    }
    if archive.len() >= 10 && !is_gzip(archive) {
        return Err(ArchiveError::NotGzip);
    }
    if archive.len() < 10 {
        return Err(ArchiveError::Truncated);
    }
    // Headers and padding come on top of the contents.
    let overhead = (limits.entries as u64).saturating_mul(4 * 512);
    let stream = Bounded {
        inner: MultiGzDecoder::new(archive),
        left: limits.bytes.saturating_add(overhead),
        overrun: false,
    };
    let mut tar = Tar::new(stream);
    let mut files = Vec::new();
    let read = read_entries(&mut tar, limits, &mut files);
    if tar.into_inner().overrun {
        return Err(ArchiveError::TooLarge(limits.bytes));
    }
    read?;
    if files.is_empty() {
        return Err(ArchiveError::NoFiles);
    }
    Ok(files)
}

fn read_entries<R: Read>(
    tar: &mut Tar<R>,
    limits: &Limits,
    files: &mut Vec<File>,
) -> Result<(), ArchiveError> {
    let mut left = limits.bytes;
    let mut count = 0;
    while let Some(entry) = tar.next().map_err(broken)? {
        if count >= limits.entries {
            return Err(ArchiveError::TooMany(limits.entries));
        }
        count += 1;
        if entry.is_directory() || entry.is_global() {
            continue;
        }
        let path = inside(&String::from_utf8_lossy(&entry.name))?;
        let size = u64::try_from(entry.size).unwrap_or_default();
        if size > left {
            return Err(ArchiveError::TooLarge(limits.bytes));
        }
        if size > limits.file {
            let name = quote::quoted(&entry.name);
            return Err(ArchiveError::FileTooLarge(name, limits.file));
        }
        let data = tar.contents(left).map_err(broken)?;
        left -= data.len() as u64;
        // Links have no contents, whatever their header says.
        if (data.len() as u64) < size || left == 0 {
            return Err(ArchiveError::TooLarge(limits.bytes));
        }
        files.push(File {
            name: path,
            data: without_mark(&data),
        });
    }
    Ok(())
}

/// A path inside of the chart's folder.
fn inside(name: &str) -> Result<String, ArchiveError> {
    let delimiter = if name.contains('\\') { '\\' } else { '/' };
    let (first, rest) = name.split_once(delimiter).unwrap_or((name, ""));
    let rest = rest.replace(delimiter, "/");
    if rest.starts_with('/') {
        return Err(ArchiveError::Absolute);
    }
    let path = clean(&rest);
    if path == "." {
        return Err(ArchiveError::Outside(quote::quoted(name.as_bytes())));
    }
    if path.starts_with("..") {
        return Err(ArchiveError::Parent);
    }
    if let [drive, b':', b'/', ..] = path.as_bytes()
        && drive.is_ascii_alphabetic()
    {
        return Err(ArchiveError::Drive);
    }
    if first == "Chart.yaml" {
        return Err(ArchiveError::Misplaced);
    }
    Ok(path)
}

/// A relative path as Go's `path.Clean` makes it.
fn clean(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    match parts.as_slice() {
        [] => String::from("."),
        parts => parts.join("/"),
    }
}

/// The words that Go has for what is wrong with a stream.
fn broken(error: TarError) -> ArchiveError {
    let error = match error {
        TarError::Header => return ArchiveError::NotTar,
        TarError::Read(error) => error,
        other => return ArchiveError::Broken(other.to_string()),
    };
    let text = error.to_string();
    match error.kind() {
        io::ErrorKind::UnexpectedEof => ArchiveError::Truncated,
        _ if text.contains("checksum") => ArchiveError::Broken("gzip: invalid checksum".into()),
        _ if text.contains("header") => ArchiveError::NotGzip,
        _ => ArchiveError::Broken("flate: corrupt input".into()),
    }
}

/// A stream that ends at a bound, and remembers that it did.
struct Bounded<R> {
    inner: R,
    left: u64,
    overrun: bool,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            self.overrun = true;
            return Err(io::Error::other("too large"));
        }
        let most = usize::try_from(self.left).unwrap_or(usize::MAX);
        let most = most.min(buffer.len());
        let count = self.inner.read(&mut buffer[..most])?;
        self.left -= count as u64;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use ::tar::{EntryType, Header};

    use super::*;

    fn pack(entries: &[(&str, &[u8])]) -> Vec<u8> {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        for (name, data) in entries {
            let mut header = Header::new_gnu();
            header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
            header.set_size(data.len() as u64);
            header.set_entry_type(EntryType::Regular);
            header.set_cksum();
            gzip.write_all(header.as_bytes()).expect("writes");
            gzip.write_all(data).expect("writes");
            let padding = data.len().next_multiple_of(512) - data.len();
            gzip.write_all(&vec![0; padding]).expect("writes");
        }
        gzip.write_all(&[0; 1024]).expect("writes");
        gzip.finish().expect("writes")
    }

    fn refused(name: &str) -> String {
        let error = read(&pack(&[(name, b"x")]), &Limits::default()).expect_err("refused");
        error.to_string()
    }

    #[test]
    fn paths_stay_inside_of_the_chart() {
        assert_eq!(
            refused("a/../../x"),
            "chart illegally references parent directory"
        );
        assert_eq!(
            refused("a//etc/x"),
            "chart illegally contains absolute paths"
        );
        assert_eq!(
            refused("a\\..\\x"),
            "chart illegally references parent directory"
        );
        assert_eq!(refused("a/c:/x"), "chart contains illegally named files");
        assert!(refused("x").contains("outside the base directory: \"x\""));
        let files = read(&pack(&[("a/b/../c", b"\xEF\xBB\xBFx")]), &Limits::default());
        let files = files.expect("a chart");
        assert_eq!((files[0].name.as_str(), &*files[0].data), ("c", &b"x"[..]));
    }

    #[test]
    fn sizes_and_counts_are_bounded() {
        let limits = Limits {
            bytes: 30,
            file: 10,
            entries: 3,
        };
        let entry: (&str, &[u8]) = ("a/b", b"0123456789");
        assert!(read(&pack(&[entry; 2]), &limits).is_ok());
        let error = read(&pack(&[entry; 3]), &limits).expect_err("too large");
        assert_eq!(error, ArchiveError::TooLarge(30));
        let error = read(&pack(&[("a/b", b"01234567890")]), &limits).expect_err("too large");
        assert!(
            error
                .to_string()
                .contains("\"a/b\" is larger than the maximum file size 10")
        );
        let error = read(&pack(&[("a/b", b"" as &[u8]); 4]), &limits).expect_err("too many");
        assert_eq!(error, ArchiveError::TooMany(3));
    }

    #[test]
    fn a_bomb_is_not_unpacked() {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        let mut header = Header::new_gnu();
        header.set_path("a/b").expect("a path");
        header.set_size(1 << 40);
        header.set_cksum();
        gzip.write_all(header.as_bytes()).expect("writes");
        gzip.write_all(&vec![0; 8 << 20]).expect("writes");
        let bomb = gzip.finish().expect("writes");
        let limits = Limits {
            bytes: 1 << 20,
            file: u64::MAX,
            entries: 4,
        };
        assert_eq!(read(&bomb, &limits), Err(ArchiveError::TooLarge(1 << 20)));
        // One entry that is skipped, but has to be unpacked for that.
        let mut header = Header::new_gnu();
        header.set_path("a").expect("a path");
        header.set_entry_type(EntryType::Directory);
        header.set_size(8 << 20);
        header.set_cksum();
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(header.as_bytes()).expect("writes");
        gzip.write_all(&vec![0; 8 << 20]).expect("writes");
        let bomb = gzip.finish().expect("writes");
        assert!(read(&bomb, &limits).is_err());
        let big = vec![0; 6 << 20];
        let error = read(&pack(&[("a/b", &big)]), &Limits::default()).expect_err("too large");
        assert!(error.to_string().contains("maximum file size 5242880"));
    }

    #[test]
    fn what_is_no_archive_is_refused() {
        assert_eq!(read(b"", &Limits::default()), Err(ArchiveError::Empty));
        let text = read(b"apiVersion: v1\n", &Limits::default());
        assert_eq!(text, Err(ArchiveError::NotGzip));
        let mut cut = pack(&[("a/b", &[7; 2000])]);
        cut.truncate(cut.len() / 2);
        assert_eq!(read(&cut, &Limits::default()), Err(ArchiveError::Truncated));
    }
}
