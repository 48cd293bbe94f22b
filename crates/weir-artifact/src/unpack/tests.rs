//! Hostile and odd archives.

use std::io::Write;

use file_tree::EntryKind;
use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{Builder, Header};

use super::*;

mod recorded;

const SMALL: Limits = Limits {
    bytes: 4096,
    entries: 16,
    depth: 8,
};

/// Adds one entry with the name's bytes as they are, unchecked.
fn add(builder: &mut Builder<Vec<u8>>, name: &[u8], kind: EntryType, mode: u32, data: &[u8]) {
    let mut header = Header::new_ustar();
    header.as_mut_bytes()[..name.len()].copy_from_slice(name);
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(data.len() as u64);
    header.set_cksum();
    builder.append(&header, data).expect("appends");
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("compresses");
    encoder.finish().expect("finishes")
}

fn archive(fill: impl FnOnce(&mut Builder<Vec<u8>>)) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    fill(&mut builder);
    gzip(&builder.into_inner().expect("finishes"))
}

fn refused(bytes: &[u8]) -> String {
    match unpack(bytes, SMALL) {
        Ok(_) => String::from("accepted"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn keeps_files_directories_and_execute_bits() {
    let bytes = archive(|tar| {
        add(
            tar,
            b"pax_global_header",
            EntryType::XGlobalHeader,
            0,
            b"junk",
        );
        add(tar, b".", EntryType::Directory, 0o750, b"");
        add(tar, b"empty", EntryType::Directory, 0o750, b"");
        add(tar, b"a/run", EntryType::Regular, 0o4755, b"x");
        add(tar, b"a/data", EntryType::Regular, 0, b"y");
        add(tar, b"a/link", EntryType::Symlink, 0o777, b"");
        add(tar, b"a/data", EntryType::Regular, 0o600, b"last");
    });
    let tree = unpack(bytes.as_slice(), SMALL).expect("unpacks");
    let seen: Vec<_> = tree
        .walk()
        .map(|(path, entry)| (path, entry.kind()))
        .collect();
    assert_eq!(
        seen,
        [
            ("a".to_owned(), EntryKind::Dir),
            ("a/data".to_owned(), EntryKind::File),
            ("a/run".to_owned(), EntryKind::File),
            ("empty".to_owned(), EntryKind::Dir),
        ]
    );
    assert_eq!(tree.read("a/data").expect("reads").as_ref(), b"last");
    assert!(matches!(
        tree.lookup("a/run"),
        Some(file_tree::Entry::File {
            executable: true,
            ..
        })
    ));
}

#[test]
fn refuses_names_that_leave_the_root() {
    for name in ["../x", "/abs", "a\\..\\b", "..", "a/..", "a/../../b"] {
        let bytes = archive(|tar| add(tar, name.as_bytes(), EntryType::Regular, 0o600, b""));
        assert!(
            refused(&bytes).starts_with("tar contained invalid name"),
            "{name}"
        );
    }
    let bytes = archive(|tar| add(tar, b"\xff", EntryType::Regular, 0o600, b""));
    assert!(refused(&bytes).starts_with("tar contained invalid name"));
}

#[test]
fn refuses_links_devices_and_pipes() {
    for kind in [
        EntryType::Link,
        EntryType::Char,
        EntryType::Block,
        EntryType::Fifo,
        EntryType::GNUSparse,
    ] {
        let bytes = archive(|tar| add(tar, b"x", kind, 0o600, b""));
        assert!(
            refused(&bytes).contains("unsupported file type"),
            "{kind:?}"
        );
    }
}

#[test]
fn reads_long_names_and_refuses_too_long_ones() {
    let long = format!("{}/f", ["d".repeat(60), "e".repeat(60)].join("/"));
    let bytes = archive(|tar| {
        add(
            tar,
            b"././@LongLink",
            EntryType::GNULongName,
            0,
            format!("{long}\0").as_bytes(),
        );
        add(tar, b"short", EntryType::Regular, 0o600, b"1");
        tar.append_pax_extensions([("path", b"by/pax".as_slice())])
            .expect("appends");
        add(tar, b"short", EntryType::Regular, 0o600, b"2");
    });
    let tree = unpack(bytes.as_slice(), SMALL).expect("unpacks");
    assert_eq!(tree.read(&long).expect("reads").as_ref(), b"1");
    assert_eq!(tree.read("by/pax").expect("reads").as_ref(), b"2");
    let bytes = archive(|tar| {
        add(
            tar,
            b"L",
            EntryType::GNULongName,
            0,
            &vec![b'a'; MAX_PATH + 1],
        );
        add(tar, b"short", EntryType::Regular, 0o600, b"");
    });
    assert!(refused(&bytes).starts_with("tar contained invalid name"));
}

#[test]
fn a_header_may_not_be_huge() {
    let bytes = archive(|tar| {
        let data = vec![b'a'; usize::try_from(MAX_EXTENDED_HEADER).expect("fits") + 1];
        add(tar, b"L", EntryType::GNULongName, 0, &data);
    });
    assert_eq!(refused(&bytes), "tar error");
}

#[test]
fn contradicting_sizes_and_sparse_maps_are_refused() {
    let bytes = archive(|tar| {
        tar.append_pax_extensions([("size", b"7".as_slice())])
            .expect("appends");
        add(tar, b"x", EntryType::Regular, 0o600, b"1");
    });
    assert_eq!(refused(&bytes), "tar error");
    let bytes = archive(|tar| {
        tar.append_pax_extensions([("GNU.sparse.major", b"1".as_slice())])
            .expect("appends");
        add(tar, b"x", EntryType::Regular, 0o600, b"1");
    });
    assert!(refused(&bytes).contains("unsupported file type"));
}

#[test]
fn bombs_stop_at_the_bounds() {
    let bytes = archive(|tar| add(tar, b"x", EntryType::Regular, 0o600, &vec![0; 4097]));
    assert_eq!(refused(&bytes), "tree exceeds 4096 bytes");
    let bytes = archive(|tar| {
        for index in 0..17 {
            add(
                tar,
                format!("f{index}").as_bytes(),
                EntryType::Regular,
                0o600,
                b"",
            );
        }
    });
    assert_eq!(refused(&bytes), "tree exceeds 16 entries");
    let bytes = archive(|tar| {
        for _ in 0..1000 {
            add(tar, b"same", EntryType::Symlink, 0o600, b"");
        }
    });
    assert_eq!(refused(&bytes), "tree exceeds 16 entries");
}

#[test]
fn broken_streams_are_errors() {
    assert_eq!(refused(b"no gzip at all"), "requires gzip-compressed body");
    let whole = archive(|tar| add(tar, b"x", EntryType::Regular, 0o600, &[7; 2000]));
    assert_eq!(refused(&whole[..whole.len() / 2]), "tar error");
    let file_then_dir = archive(|tar| {
        add(tar, b"x", EntryType::Regular, 0o600, b"");
        add(tar, b"x/y", EntryType::Regular, 0o600, b"");
    });
    assert_eq!(refused(&file_then_dir), "x/y: not a directory");
    let dir_then_file = archive(|tar| {
        add(tar, b"x/y", EntryType::Regular, 0o600, b"");
        add(tar, b"x", EntryType::Regular, 0o600, b"");
    });
    assert_eq!(refused(&dir_then_file), "x: is a directory");
}
