//! Packs as no git would write them.

use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use sha1::{Digest, Sha1};

/// A pack in the making.
#[derive(Debug, Default, Clone)]
pub(crate) struct Pack {
    entries: Vec<u8>,
    pub(crate) count: u32,
}

/// Kinds of entries as a pack numbers them.
pub(crate) const COMMIT: u8 = 1;
pub(crate) const TREE: u8 = 2;
pub(crate) const BLOB: u8 = 3;
const OFS_DELTA: u8 = 6;
const REF_DELTA: u8 = 7;

/// Where an entry begins.
pub(crate) type Offset = usize;
/// The hash of an object.
pub(crate) type Id = [u8; 20];

impl Pack {
    /// Adds a whole object; its hash and where it is.
    pub(crate) fn add(&mut self, kind: u8, contents: &[u8]) -> (Id, Offset) {
        let name = ["", "commit", "tree", "blob"][usize::from(kind)];
        let at = self.entry(kind, contents.len(), &[], contents);
        (id(name, contents), at)
    }

    /// Adds a delta against the entry at `base`.
    pub(crate) fn delta(&mut self, base: Offset, delta: &[u8]) -> Offset {
        let distance = 12 + self.entries.len() - base;
        let mut bytes = vec![(distance & 127) as u8];
        let mut rest = distance >> 7;
        while rest > 0 {
            rest -= 1;
            bytes.insert(0, 128 | (rest & 127) as u8);
            rest >>= 7;
        }
        self.entry(OFS_DELTA, delta.len(), &bytes, delta)
    }

    /// Adds a delta against whatever object has this hash.
    pub(crate) fn delta_of(&mut self, base: Id, delta: &[u8]) -> Offset {
        self.entry(REF_DELTA, delta.len(), &base, delta)
    }

    fn entry(&mut self, kind: u8, size: usize, extra: &[u8], contents: &[u8]) -> Offset {
        let at = 12 + self.entries.len();
        let mut byte = kind << 4 | (size & 15) as u8;
        let mut rest = size >> 4;
        while rest > 0 {
            self.entries.push(byte | 128);
            byte = (rest & 127) as u8;
            rest >>= 7;
        }
        self.entries.push(byte);
        self.entries.extend_from_slice(extra);
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(contents).expect("compresses");
        self.entries.extend(encoder.finish().expect("compresses"));
        self.count += 1;
        at
    }

    /// The whole pack with its checksum.
    pub(crate) fn finish(&self) -> Vec<u8> {
        let mut bytes = b"PACK\0\0\0\x02".to_vec();
        bytes.extend(self.count.to_be_bytes());
        bytes.extend_from_slice(&self.entries);
        bytes.extend(Sha1::digest(&bytes));
        bytes
    }
}

/// The hash of an object.
pub(crate) fn id(kind: &str, contents: &[u8]) -> Id {
    let mut hasher = Sha1::new();
    hasher.update(format!("{kind} {}\0", contents.len()));
    hasher.update(contents);
    hasher.finalize().into()
}

/// A tree of these entries, in the order given.
pub(crate) fn tree(entries: &[(&str, &str, Id)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (mode, name, id) in entries {
        bytes.extend_from_slice(format!("{mode} {name}\0").as_bytes());
        bytes.extend_from_slice(id);
    }
    bytes
}

/// A commit of this tree.
pub(crate) fn commit(tree: Id) -> Vec<u8> {
    let who = "a <a@b> 1700000000 +0000";
    format!(
        "tree {}\nauthor {who}\ncommitter {who}\n\nmessage\n",
        hex(tree)
    )
    .into_bytes()
}

pub(crate) fn hex(id: Id) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The sizes that a delta begins with, then its instructions.
pub(crate) fn delta(base: usize, result: usize, instructions: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for mut size in [base, result] {
        while size > 127 {
            bytes.push(128 | (size & 127) as u8);
            size >>= 7;
        }
        bytes.push(size as u8);
    }
    bytes.extend_from_slice(instructions);
    bytes
}

/// Copies `size` (below 16 MiB) bytes from the base's beginning.
pub(crate) fn copy(size: usize) -> Vec<u8> {
    let [low, middle, high, ..] = size.to_le_bytes();
    vec![0x80 | 0x70, low, middle, high]
}
