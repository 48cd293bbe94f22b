//! What Flux makes of odd and hostile archives, and where we differ.
//!
//! Source: fluxcd/pkg/tar v1.2.0, recorded in `tests/conformance/untar`.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::*;

/// Archives that Flux takes and we refuse, or take otherwise, and why.
const DIFFERENCES: [(&str, &str); 10] = [
    ("two dots", "no name climbs, of a folder neither"),
    ("two dots at the end", "no name climbs, of a folder neither"),
    ("not UTF-8", "nothing that reads an artifact can name it"),
    ("hard link", "Flux writes an empty file, which nobody means"),
    ("hard link to the outside", "Flux writes an empty file"),
    ("unknown type", "Flux takes it for a file"),
    (
        "PAX size larger than the header's",
        "readers disagree on what is a header then: what is shown is not what is applied",
    ),
    ("PAX global header", "Flux writes an empty file of its name"),
    ("PAX global path", "Flux writes an empty file of its name"),
    ("PAX global size", "Flux writes an empty file of its name"),
];

#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Refused,
    /// Path to contents and execute bit; folders have no contents.
    Tree(BTreeMap<String, Option<(Vec<u8>, bool)>>),
}

fn ours(archive: &[u8]) -> (Verdict, String) {
    let tree = match unpack(archive, Limits::default()) {
        Ok(tree) => tree,
        Err(error) => return (Verdict::Refused, error.to_string()),
    };
    let entry = |(path, entry): (String, &file_tree::Entry)| match entry {
        file_tree::Entry::File { bytes, executable } => {
            let bytes = bytes.load().expect("loads").to_vec();
            (path, Some((bytes, *executable)))
        }
        _ => (path, None),
    };
    (
        Verdict::Tree(tree.walk().map(entry).collect()),
        String::new(),
    )
}

fn theirs(recorded: &serde_json::Value) -> Verdict {
    if recorded["error"].is_string() {
        return Verdict::Refused;
    }
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let entry = |entry: &serde_json::Value| {
        let file = entry["dir"] != true;
        let contents = text(&entry["contents"]).into_bytes();
        let file = file.then(|| (contents, entry["executable"] == true));
        (text(&entry["path"]), file)
    };
    let entries = recorded["entries"].as_array().into_iter().flatten();
    Verdict::Tree(entries.map(entry).collect())
}

/// The recorded archives.
fn archives() -> impl Iterator<Item = (serde_json::Value, Vec<u8>)> {
    let recorded = include_str!("../../../../../tests/conformance/untar/archives.jsonl");
    recorded.lines().map(|line| {
        let recorded: serde_json::Value = serde_json::from_str(line).expect("is JSON");
        let archive = recorded["archive"].as_str().expect("has an archive");
        let archive = STANDARD.decode(archive).expect("is base64");
        (recorded, archive)
    })
}

#[test]
fn damaged_archives_stay_within_the_bounds() {
    // The same numbers in every run.
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below.max(1) as u64).unwrap_or_default()
    };
    let limits = Limits {
        bytes: 1 << 16,
        entries: 64,
        depth: 16,
    };
    let mut accepted = 0;
    for (_, archive) in archives() {
        // What is damaged is the tar: damaged gzip is found by its own checks.
        let mut plain = Vec::new();
        let read = MultiGzDecoder::new(archive.as_slice()).read_to_end(&mut plain);
        if read.is_err() || plain.len() < 512 {
            continue;
        }
        for _ in 0..60 {
            let mut damaged = plain.clone();
            for _ in 0..=random(6) {
                let at = random(damaged.len());
                match random(4) {
                    0 => damaged[at] ^= 1 << random(8),
                    1 => damaged[at] = u8::try_from(random(256)).unwrap_or_default(),
                    2 => damaged.truncate(at.max(512)),
                    _ => damaged[at] = b"0179/.xLKgS\0\xff "[random(14)],
                }
            }
            mend(&mut damaged);
            if let Ok(tree) = unpack(gzip(&damaged).as_slice(), limits) {
                assert!(tree.bytes() <= limits.bytes && tree.entries() <= limits.entries);
                for (path, _) in tree.walk() {
                    assert!(!path.split('/').any(|part| part == ".." || part.is_empty()));
                }
                accepted += 1;
            }
        }
    }
    assert!(accepted > 500, "{accepted}");
}

/// Gives what stands where the first headers are the checksums they would have.
fn mend(tar: &mut [u8]) {
    let blocks = tar.chunks_exact_mut(512).take(6);
    for header in blocks.filter(|block| block.iter().any(|byte| *byte != 0)) {
        header[148..156].fill(b' ');
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    }
}

#[test]
fn archives_are_judged_as_flux_judges_them() {
    let mut wrong = Vec::new();
    let mut compared = 0;
    for (recorded, archive) in archives() {
        let name = recorded["name"].as_str().expect("has a name");
        let ((ours, text), theirs) = (ours(&archive), theirs(&recorded));
        let listed = DIFFERENCES.iter().any(|(listed, _)| *listed == name);
        if (ours == theirs) == listed {
            wrong.push(format!("{name}: {ours:?} {text}, Flux: {theirs:?}"));
        }
        compared += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(compared, 93);
}
