//! Packed charts (T42; inputs 60, 68, 69, 71, 72).

use std::io::Write as _;

use helm::chart::{Chart, Limits};
use tar::EntryType;

use crate::check_memory;
use crate::packing::{Entry, file, gzip, header, pack};

const CHART: &[u8] = b"apiVersion: v2\nname: c\nversion: 0.1.0\n";

fn load(archive: &[u8]) -> Result<Chart, String> {
    let loaded = Chart::from_archive(archive, &Limits::default());
    check_memory();
    loaded.map_err(|error| error.to_string())
}

#[track_caller]
fn refused(archive: &[u8], expect: &str) {
    let error = load(archive).err().unwrap_or_default();
    assert!(error.contains(expect), "{error:?}");
}

#[test]
fn paths_cannot_leave_the_chart() {
    for (path, expect) in [
        (
            "c/../../etc/x",
            "chart illegally references parent directory",
        ),
        ("c/a/../../x", "chart illegally references parent directory"),
        ("c//etc/x", "chart illegally contains absolute paths"),
        ("/etc/x/y", "outside"),
        (
            "c\\..\\..\\x",
            "chart illegally references parent directory",
        ),
        ("c/C:/x", "chart contains illegally named files"),
        (
            "x",
            "chart illegally contains content outside the base directory",
        ),
        ("Chart.yaml/x", "chart yaml not in base directory"),
    ] {
        let archive = pack(&[file("c/Chart.yaml", CHART), file(path, b"x")]);
        let error = load(&archive).err();
        if path == "/etc/x/y" {
            // The first part is empty; what is left is a path inside.
            assert_eq!(error, None);
            continue;
        }
        assert!(
            error.as_deref().is_some_and(|it| it.contains(expect)),
            "{path}: {error:?}"
        );
    }
}

#[test]
fn links_and_devices_bring_nothing_from_elsewhere() {
    for kind in [
        EntryType::Symlink,
        EntryType::Link,
        EntryType::Char,
        EntryType::Block,
        EntryType::Fifo,
        EntryType::Continuous,
        EntryType::new(b'z'),
    ] {
        let archive = pack(&[
            file("c/Chart.yaml", CHART),
            Entry("c/Chart.lock", kind, b""),
            Entry("c/templates/a.yaml", kind, b""),
        ]);
        if let Ok(chart) = load(&archive) {
            assert!(
                chart.templates.iter().all(|it| it.data.is_empty()),
                "{kind:?}"
            );
        }
    }
}

#[test]
fn sizes_are_bounded_whatever_headers_say() {
    let most = vec![b'#'; 5 << 20];
    let fits = pack(&[file("c/Chart.yaml", CHART), file("c/README.md", &most)]);
    assert!(load(&fits).is_ok());
    let more = vec![b'#'; (5 << 20) + 1];
    let large = pack(&[file("c/Chart.yaml", CHART), file("c/README.md", &more)]);
    refused(
        &large,
        "\"c/README.md\" is larger than the maximum file size 5242880",
    );
    let many: Vec<Entry<'_>> = (0..21).map(|_| file("c/a", &most[..])).collect();
    refused(
        &pack(&many),
        "decompressed chart is larger than the maximum size 104857600",
    );
    for size in [6 << 20, 1 << 33] {
        let lying = gzip(|out| {
            let header = header("c/a", EntryType::Regular, size);
            out.write_all(header.as_bytes()).expect("writes");
        });
        assert!(load(&lying).is_err(), "{size}");
    }
}

#[test]
fn a_small_archive_of_zeros_is_not_unpacked() {
    let limits = Limits {
        bytes: 8 << 20,
        file: 1 << 20,
        entries: 1000,
    };
    let zeros = vec![0; 1 << 20];
    // A folder has no contents, so that the zeros are the archive's end; names and records are only so long.
    let too_long = "archive/tar: header field too long";
    for (kind, told) in [
        (EntryType::Directory, "no files in chart archive"),
        (EntryType::GNULongName, too_long),
        (EntryType::XHeader, too_long),
        (EntryType::XGlobalHeader, too_long),
        (EntryType::Regular, "larger than the maximum size 8388608"),
    ] {
        let bomb = gzip(|out| {
            let header = header("c/a", kind, 1 << 40);
            out.write_all(header.as_bytes()).expect("writes");
            for _ in 0..12 {
                out.write_all(&zeros).expect("writes");
            }
        });
        assert!(bomb.len() < 1 << 16, "{} bytes", bomb.len());
        let error = Chart::from_archive(&bomb, &limits).expect_err("refused");
        let text = error.to_string();
        assert!(text.contains(told), "{kind:?}: {text}");
        check_memory();
    }
}

#[test]
fn entries_are_counted() {
    let header = header("c/a", EntryType::Regular, 0);
    let many = gzip(|out| {
        for _ in 0..60_000 {
            out.write_all(header.as_bytes()).expect("writes");
        }
    });
    refused(&many, "chart archive has more than 50000 entries");
}

#[test]
fn what_is_no_archive_is_refused_however_it_is_cut() {
    let whole = pack(&[
        file("c/Chart.yaml", CHART),
        file("c/values.yaml", b"a: 1\n"),
    ]);
    for end in 0..whole.len() {
        let _ = load(&whole[..end]);
    }
    for at in 0..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 0xFF;
        let _ = load(&changed);
    }
    refused(b"", "EOF");
    refused(b"PK\x03\x04aaaaaaaaaaaa", "gzip: invalid header");
}

#[test]
fn a_description_that_is_there_twice_counts_once() {
    let archive = pack(&[
        file("c/Chart.yaml", CHART),
        file(
            "c/Chart.yaml",
            b"apiVersion: v2\nname: other\nversion: 0.2.0\n",
        ),
    ]);
    assert_eq!(load(&archive).expect("a chart").metadata.name, "other");
}

#[test]
fn charts_within_charts_end() {
    let mut inner = pack(&[file("c/Chart.yaml", CHART)]);
    for _ in 0..40 {
        inner = pack(&[file("c/Chart.yaml", CHART), file("c/charts/c.tgz", &inner)]);
    }
    refused(&inner, "nested");
    let cut = &inner[..inner.len() / 2];
    assert!(load(cut).is_err());
}
