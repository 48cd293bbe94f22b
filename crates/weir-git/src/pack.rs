//! The objects of one fetch: the pack as it came, in a file, and where in it each of them is.
//!
//! What is large is never held whole. It goes from the file to who reads it in pieces, by way of another file
//! where it is stored as a difference from something else; so memory grows with the number of objects only.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::sync::Arc;

use gix::ObjectId;
use gix::objs::Kind;
use tempfile::TempDir;

use crate::error::Error;

mod delta;
mod held;
mod inflate;
mod read;
mod receive;
mod resolve;

pub(crate) use read::{Contents, Object, Reader};
pub(crate) use receive::receive;

/// Bytes of an object that is held in memory.
const SMALL: u32 = 1 << 20;
/// The pack in its folder; what comes goes into another name until it is whole.
const FILE: &str = "pack";
const PARTIAL: &str = "partial";

/// Why a pack, or an object of it, cannot be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PackError {
    /// It is not what a pack has to be.
    #[error("the pack is damaged: {0}")]
    Damaged(&'static str),
    /// A bound is exceeded.
    #[error("{0}")]
    Limit(String),
    /// A difference from something that is not there.
    #[error("an object's base {0} could not be found in the pack")]
    NoBase(ObjectId),
    /// Made to have the hash of something else.
    #[error("an object of the pack has the mark of an attack on SHA-1")]
    Collision,
    /// The server's side or the disk failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Time is over or nobody waits any more.
    #[error(transparent)]
    Stopped(#[from] Error),
}

/// An object's place in the pack.
#[derive(Debug)]
struct Slot {
    id: ObjectId,
    kind: Kind,
    /// Bytes of the entry before its data.
    head: u8,
    /// Where the entry begins.
    start: u64,
    /// Bytes of the object.
    size: u32,
    /// Bytes of what is stored, inflated: the object, or how it differs from its base.
    stored: u32,
    /// The base's slot, or [`WHOLE`].
    base: u32,
}

/// In place of a base: the object is stored as it is.
const WHOLE: u32 = u32::MAX;

impl Slot {
    fn base(&self) -> Option<u32> {
        (self.base != WHOLE).then_some(self.base)
    }

    fn is_small(&self) -> bool {
        self.size <= SMALL && self.stored <= SMALL
    }
}

/// A pack with its index. The folder that holds it vanishes with it.
#[derive(Debug)]
pub(crate) struct Pack {
    entries: Entries,
    /// The slots by hash.
    order: Vec<u32>,
    folder: TempDir,
}

impl Pack {
    /// Bytes on disk.
    pub(crate) fn bytes(&self) -> u64 {
        self.entries.end
    }

    /// Every object's hash, in order.
    #[cfg(fuzzing)]
    pub(crate) fn ids(&self) -> impl Iterator<Item = ObjectId> {
        let slots = &self.entries.slots;
        self.order.iter().map(|at| slots[*at as usize].id)
    }

    /// One without objects, for who looks at its folder only.
    #[cfg(test)]
    pub(crate) fn hollow(bytes: u64) -> Self {
        let entries = Entries {
            file: Arc::new(tempfile::tempfile().expect("makes a file")),
            slots: Vec::new(),
            end: bytes,
        };
        Self {
            entries,
            order: Vec::new(),
            folder: tempfile::tempdir().expect("makes a folder"),
        }
    }

    #[cfg(test)]
    pub(crate) fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    fn find(&self, id: &ObjectId) -> Option<u32> {
        let id_of = |at: &u32| &self.entries.slots[*at as usize].id;
        let found = self.order.binary_search_by(|at| id_of(at).cmp(id));
        found.ok().map(|at| self.order[at])
    }
}

/// The entries of a pack, in the order that they came in.
#[derive(Debug)]
struct Entries {
    file: Arc<File>,
    slots: Vec<Slot>,
    /// Where the last entry ends.
    end: u64,
}

impl Entries {
    /// The places of all of them; a pack says how many it has in 32 bits.
    fn all(&self) -> Range<u32> {
        0..u32::try_from(self.slots.len()).unwrap_or(WHOLE)
    }

    fn slot(&self, at: u32) -> &Slot {
        &self.slots[at as usize]
    }

    /// Where the deflated data of an entry are.
    fn data(&self, at: u32) -> Range<u64> {
        let slot = self.slot(at);
        let next = self.slots.get(at as usize + 1);
        slot.start + u64::from(slot.head)..next.map_or(self.end, |next| next.start)
    }
}

#[cfg(test)]
mod tests;
