//! The hashes of objects that are stored as differences from others.
//!
//! Whoever is the base of many is made once: the walk goes from each base to what is made from it, the least
//! first, and lets go of a base before it follows the last. So a few are held at a time, however long the chains.

use std::io::{self, Write};
use std::path::Path;

use gix::ObjectId;
use gix::hash::Hasher;
use gix::objs::Kind;

use super::held::Held;
use super::inflate::{Inflate, stream};
use super::receive::hasher;
use super::{Entries, PackError, delta};
use crate::session::Session;

/// Bytes of small objects that are held in memory at a time; more of them go into files.
const IN_MEMORY: usize = 32 << 20;
/// Objects that are held in files at a time.
const FILES: usize = 128;

/// Sets hash and kind of each object that is a delta. `by_hash` are those whose base is named by its hash.
pub(super) fn resolve(
    entries: &mut Entries,
    mut by_hash: Vec<(ObjectId, u32)>,
    folder: &Path,
    session: &Session,
) -> Result<(), PackError> {
    by_hash.sort_unstable();
    let mut work = Resolve {
        below: below(entries),
        left: by_hash.len(),
        by_hash,
        inflate: Inflate::new(),
        holding: Holding::default(),
        entries,
        folder,
        session,
    };
    if work.below.is_empty() && work.left == 0 {
        return Ok(());
    }
    for at in work.entries.all() {
        // One that waits for its base has the hash of nothing.
        let slot = work.entries.slot(at);
        if slot.base().is_none() && !slot.id.is_null() {
            work.all_from(at)?;
        }
    }
    let is_left = |(_, at): &&(ObjectId, u32)| work.entries.slot(*at).id.is_null();
    match work.by_hash.iter().find(is_left) {
        Some((missing, _)) => Err(PackError::NoBase(*missing)),
        None => Ok(()),
    }
}

/// Pairs of a base and what is made from it, by base, and the one first that most is made from.
fn below(entries: &Entries) -> Vec<(u32, u32)> {
    let mut pairs = Vec::new();
    let mut weights = vec![1_u32; entries.slots.len()];
    for at in entries.all().rev() {
        if let Some(base) = entries.slot(at).base() {
            pairs.push((base, at));
            // A base is always before what is made from it.
            weights[base as usize] += weights[at as usize];
        }
    }
    pairs.sort_unstable_by_key(|(base, at)| (*base, std::cmp::Reverse(weights[*at as usize]), *at));
    pairs
}

struct Resolve<'a> {
    entries: &'a mut Entries,
    below: Vec<(u32, u32)>,
    /// The hash of a base, and what is made from it, in order.
    by_hash: Vec<(ObjectId, u32)>,
    /// How many of these wait for their base.
    left: usize,
    inflate: Inflate,
    holding: Holding,
    folder: &'a Path,
    session: &'a Session,
}

/// A base, and what is still to be made from it, the next one last.
struct Frame {
    base: Held,
    left: Vec<u32>,
}

impl Resolve<'_> {
    /// Resolves everything that is made from the object at `root`, and from that, and so on.
    fn all_from(&mut self, root: u32) -> Result<(), PackError> {
        let left = self.made_from(root);
        if left.is_empty() {
            return Ok(());
        }
        let kind = self.entries.slot(root).kind;
        let base = whole(self.entries, &mut self.inflate, root, self.folder)?;
        let base = self.holding.hold(base, self.folder)?;
        let mut frames = vec![Frame { base, left }];
        while let Some(mut frame) = frames.pop() {
            self.session.check()?;
            let Some(at) = frame.left.pop() else {
                self.holding.release(&frame.base);
                continue;
            };
            let made = self.make(at, kind, &frame.base)?;
            if frame.left.is_empty() {
                self.holding.release(&frame.base);
            } else {
                frames.push(frame);
            }
            let left = self.made_from(at);
            if let (Some(base), false) = (made, left.is_empty()) {
                let base = self.holding.hold(base, self.folder)?;
                frames.push(Frame { base, left });
            }
        }
        Ok(())
    }

    /// What has the object at `base` for its base, the least last.
    fn made_from(&mut self, base: u32) -> Vec<u32> {
        let from = self.below.partition_point(|(of, _)| *of < base);
        let own = self.below[from..].iter().take_while(|(of, _)| *of == base);
        let mut all: Vec<u32> = own.map(|(_, at)| *at).collect();
        if self.left > 0 {
            let id = self.entries.slot(base).id;
            let from = self.by_hash.partition_point(|(of, _)| *of < id);
            let own = self.by_hash[from..].iter().take_while(|(of, _)| *of == id);
            for (_, at) in own {
                let slot = &mut self.entries.slots[*at as usize];
                // The same object may be there twice: what is made from it is made once.
                if slot.base().is_none() {
                    slot.base = base;
                    self.left -= 1;
                    all.push(*at);
                }
            }
        }
        all
    }

    /// Makes the object at `at`, for its hash; itself only where something may be made from it.
    fn make(&mut self, at: u32, kind: Kind, base: &Held) -> Result<Option<Held>, PackError> {
        let is_base = self.below.binary_search_by_key(&at, |(of, _)| *of).is_ok();
        let wanted = is_base || self.left > 0;
        let size = u64::from(self.entries.slot(at).size);
        let mut hashing = hasher(kind, size);
        let made = if small(self.entries, at, base) {
            let bytes = made_in_memory(self.entries, &mut self.inflate, at, base)?;
            hashing.update(&bytes);
            Some(Held::Memory(bytes))
        } else if wanted {
            let mut file = tempfile::tempfile_in(self.folder)?;
            made_in_pieces(self.entries, at, base, &mut Both(&mut hashing, &mut file))?;
            Some(Held::File(file, size))
        } else {
            made_in_pieces(
                self.entries,
                at,
                base,
                &mut Both(&mut hashing, &mut io::sink()),
            )?;
            None
        };
        let slot = &mut self.entries.slots[at as usize];
        slot.kind = kind;
        slot.id = hashing.try_finalize().map_err(|_| PackError::Collision)?;
        Ok(made.filter(|_| wanted))
    }
}

/// Whether the object at `at` can be made of `base` in memory.
pub(super) fn small(entries: &Entries, at: u32, base: &Held) -> bool {
    entries.slot(at).is_small() && matches!(base, Held::Memory(_))
}

/// The object at `at`, which is no delta.
pub(super) fn whole(
    entries: &Entries,
    inflate: &mut Inflate,
    at: u32,
    folder: &Path,
) -> Result<Held, PackError> {
    let slot = entries.slot(at);
    if slot.is_small() {
        return Ok(Held::Memory(inflate.stored(entries, at)?));
    }
    let mut file = tempfile::tempfile_in(folder)?;
    io::copy(&mut stream(entries, at), &mut file)?;
    Ok(Held::File(file, u64::from(slot.size)))
}

/// The small object at `at`, which is a delta of the small `base`.
pub(super) fn made_in_memory(
    entries: &Entries,
    inflate: &mut Inflate,
    at: u32,
    base: &Held,
) -> Result<Vec<u8>, PackError> {
    let stored = inflate.stored(entries, at)?;
    let mut delta = stored.as_slice();
    let size = judged(&mut delta, base)?;
    let mut out = Vec::with_capacity(entries.slot(at).size as usize);
    delta::apply(&mut delta, base, size, &mut out)?;
    Ok(out)
}

/// Writes the object at `at`, which is a delta of `base`.
pub(super) fn made_in_pieces(
    entries: &Entries,
    at: u32,
    base: &Held,
    out: &mut impl Write,
) -> Result<(), PackError> {
    let mut delta = io::BufReader::new(stream(entries, at));
    let size = judged(&mut delta, base)?;
    let mut out = io::BufWriter::new(out);
    delta::apply(&mut delta, base, size, &mut out)?;
    Ok(out.flush()?)
}

/// The size of what `delta` makes, if it is one of `base`.
fn judged(delta: &mut impl io::Read, base: &Held) -> Result<u64, PackError> {
    let sizes = delta::sizes(delta)?;
    if sizes.base != base.size() {
        return Err(PackError::Damaged("a delta's base has another size"));
    }
    Ok(sizes.object)
}

/// Counts what is held.
#[derive(Default)]
struct Holding {
    in_memory: usize,
    files: usize,
}

impl Holding {
    /// Counts `base`; into a file with it if memory has too many of them.
    fn hold(&mut self, base: Held, folder: &Path) -> Result<Held, PackError> {
        let base = match base {
            Held::Memory(bytes) if self.in_memory + bytes.len() > IN_MEMORY => {
                let mut file = tempfile::tempfile_in(folder)?;
                file.write_all(&bytes)?;
                Held::File(file, bytes.len() as u64)
            }
            base => base,
        };
        self.in_memory += base.in_memory();
        self.files += usize::from(matches!(base, Held::File(..)));
        if self.files > FILES {
            let text = "the pack's deltas hang together in too many ways";
            return Err(PackError::Limit(text.to_owned()));
        }
        Ok(base)
    }

    fn release(&mut self, base: &Held) {
        self.in_memory -= base.in_memory();
        self.files -= usize::from(matches!(base, Held::File(..)));
    }
}

/// Hashes what is written.
struct Both<'a, W>(&'a mut Hasher, &'a mut W);

impl<W: Write> Write for Both<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.1.write(bytes)?;
        self.0.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.1.flush()
    }
}
