//! Objects of a pack, by their hash.

use std::fs::File;
use std::io::{self, Cursor, Read, Seek};
use std::sync::Arc;

use gix::ObjectId;
use gix::objs::Kind;
use gix::odb::pack::cache::DecodeEntry;
use gix::odb::pack::cache::lru::MemoryCappedHashmap;
use parking_lot::Mutex;

use super::held::Held;
use super::inflate::{Inflate, Stream, stream};
use super::resolve::{made_in_memory, made_in_pieces, small, whole};
use super::{Pack, PackError};

/// Bytes of bases that are kept: files of one kind are deltas of one another, and their bases are wanted again
/// and again.
const BASES: usize = 8 << 20;

/// A pack that is read from.
pub(crate) struct Reader {
    pack: Arc<Pack>,
    again: Mutex<Again>,
}

/// What serves for more than one object.
struct Again {
    inflate: Inflate,
    bases: MemoryCappedHashmap,
}

/// An object's bytes, to be read from the first to the last.
#[derive(Debug)]
pub(crate) enum Contents {
    /// All of a small one.
    Memory(Cursor<Vec<u8>>),
    /// A large one, as it is inflated.
    Stream(Box<Stream>),
    /// A large one that had to be made.
    File(File),
}

impl Contents {
    /// All of them.
    pub(crate) fn whole(self) -> Result<Vec<u8>, PackError> {
        if let Self::Memory(bytes) = self {
            return Ok(bytes.into_inner());
        }
        let (mut contents, mut bytes) = (self, Vec::new());
        contents.read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

impl Read for Contents {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Memory(bytes) => bytes.read(buffer),
            Self::Stream(stream) => stream.read(buffer),
            Self::File(file) => file.read(buffer),
        }
    }
}

/// An object that was found.
pub(crate) struct Object {
    pub(crate) kind: Kind,
    /// Bytes of its contents.
    pub(crate) size: u64,
    at: u32,
}

impl Reader {
    pub(crate) fn new(pack: Arc<Pack>) -> Self {
        let again = Again {
            inflate: Inflate::new(),
            bases: MemoryCappedHashmap::new(BASES),
        };
        Self {
            pack,
            again: Mutex::new(again),
        }
    }

    /// What is said of the object, if it is there.
    pub(crate) fn find(&self, id: &ObjectId) -> Option<Object> {
        let at = self.pack.find(id)?;
        let slot = self.pack.entries.slot(at);
        Some(Object {
            kind: slot.kind,
            size: u64::from(slot.size),
            at,
        })
    }

    /// The contents of an object of this pack.
    pub(crate) fn contents(&self, object: &Object) -> Result<Contents, PackError> {
        let entries = &self.pack.entries;
        let slot = entries.slot(object.at);
        if slot.base().is_none() && !slot.is_small() {
            return Ok(Contents::Stream(Box::new(stream(entries, object.at))));
        }
        match self.make(object.at)? {
            Held::Memory(bytes) => Ok(Contents::Memory(Cursor::new(bytes))),
            Held::File(mut file, _) => {
                file.rewind()?;
                Ok(Contents::File(file))
            }
        }
    }

    fn make(&self, at: u32) -> Result<Held, PackError> {
        let (entries, folder) = (&self.pack.entries, self.pack.folder.path());
        let Again { inflate, bases } = &mut *self.again.lock();
        let (mut chain, mut below) = (Vec::new(), Some(at));
        let mut held = None;
        while let (None, Some(at)) = (&held, below) {
            let mut kept = Vec::new();
            let slot = entries.slot(at);
            if bases.get(0, slot.start, &mut kept).is_some() {
                held = Some(Held::Memory(kept));
            } else {
                chain.push(at);
                below = slot.base();
            }
        }
        while let Some(at) = chain.pop() {
            let slot = entries.slot(at);
            let made = match held {
                None => whole(entries, inflate, at, folder)?,
                Some(base) if small(entries, at, &base) => {
                    Held::Memory(made_in_memory(entries, inflate, at, &base)?)
                }
                Some(base) => {
                    let mut file = tempfile::tempfile_in(folder)?;
                    made_in_pieces(entries, at, &base, &mut file)?;
                    Held::File(file, u64::from(slot.size))
                }
            };
            if let (Held::Memory(bytes), false) = (&made, chain.is_empty()) {
                bases.put(0, slot.start, bytes, slot.kind, 0);
            }
            held = Some(made);
        }
        held.ok_or(PackError::Damaged("an object is its own base"))
    }
}
