//! Archives as no tool would write them.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{EntryType, Header};

/// An entry: its path, its kind, and its contents.
pub(crate) struct Entry<'a>(
    pub(crate) &'a str,
    pub(crate) EntryType,
    pub(crate) &'a [u8],
);

/// A file.
pub(crate) fn file<'a>(path: &'a str, data: &'a [u8]) -> Entry<'a> {
    Entry(path, EntryType::Regular, data)
}

/// A packed stream.
pub(crate) fn gzip(write: impl FnOnce(&mut GzEncoder<Vec<u8>>)) -> Vec<u8> {
    let mut out = GzEncoder::new(Vec::new(), Compression::best());
    write(&mut out);
    out.finish().expect("writes")
}

/// A header whose path and size are taken as they are.
pub(crate) fn header(path: &str, kind: EntryType, size: u64) -> Header {
    let mut header = Header::new_gnu();
    header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
    header.set_size(size);
    header.set_mode(0o644);
    header.set_entry_type(kind);
    header.set_cksum();
    header
}

/// An archive of these entries.
pub(crate) fn pack(entries: &[Entry<'_>]) -> Vec<u8> {
    gzip(|out| {
        for Entry(path, kind, data) in entries {
            let header = header(path, *kind, data.len() as u64);
            out.write_all(header.as_bytes()).expect("writes");
            out.write_all(data).expect("writes");
            let padding = data.len().next_multiple_of(512) - data.len();
            out.write_all(&vec![0; padding]).expect("writes");
        }
        out.write_all(&[0; 1024]).expect("writes");
    })
}
