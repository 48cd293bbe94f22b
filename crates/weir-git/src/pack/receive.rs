//! A pack as it comes: written down, inflated and hashed at once, and judged before anything is made of it.
//!
//! Source: git 2.47 `Documentation/gitformat-pack.txt`.

use std::fs::File;
use std::io::{self, BufRead, BufWriter, Write};
use std::sync::Arc;

use aws_lc_rs::digest::{self, SHA1_FOR_LEGACY_USE_ONLY};
use flate2::{Decompress, FlushDecompress, Status};
use gix::ObjectId;
use gix::objs::Kind;
use gix::objs::encode::loose_header;
use tempfile::TempDir;

use super::delta::{self, MAX_SIZES};
use super::{Entries, FILE, PARTIAL, Pack, PackError, Slot, WHOLE, resolve};
use crate::remote::Limits;
use crate::session::Session;

/// Bytes that are inflated at once.
const CHUNK: usize = 32 << 10;
/// Bytes of a hash.
const HASH: usize = 20;

/// Receives a pack into `folder` and finds out what is in it.
pub(crate) fn receive(
    reader: &mut dyn BufRead,
    folder: TempDir,
    session: &Session,
    limits: Limits,
) -> Result<Pack, PackError> {
    let partial = folder.path().join(PARTIAL);
    let file = File::options()
        .read(true)
        .write(true)
        .create_new(true)
        .open(&partial)?;
    let mut coming = Coming::new(reader, file, session, limits);
    let count = coming.header()?;
    let mut found = Found::default();
    for _ in 0..count {
        coming.entry(&mut found)?;
    }
    let (file, end) = coming.finish()?;
    let mut entries = Entries {
        file: Arc::new(file),
        slots: found.slots,
        end,
    };
    resolve::resolve(&mut entries, found.by_hash, folder.path(), session)?;
    let mut order: Vec<u32> = entries.all().collect();
    order.sort_unstable_by_key(|at| entries.slot(*at).id);
    std::fs::rename(partial, folder.path().join(FILE))?;
    Ok(Pack {
        entries,
        order,
        folder,
    })
}

/// What has come so far.
#[derive(Default)]
struct Found {
    slots: Vec<Slot>,
    /// Entries whose base is named by its hash.
    by_hash: Vec<(ObjectId, u32)>,
    /// Bytes that all objects and deltas inflate to.
    inflated: u64,
}

/// What an entry says before its data.
enum Stored {
    Object(Kind),
    /// The base is so many bytes before.
    Before(u64),
    Of(ObjectId),
}

/// A pack that is read, and written down as far as it is read.
struct Coming<'a> {
    reader: &'a mut dyn BufRead,
    file: BufWriter<File>,
    sum: digest::Context,
    position: u64,
    zlib: Decompress,
    inflated: Vec<u8>,
    session: &'a Session,
    limits: Limits,
}

impl<'a> Coming<'a> {
    fn new(reader: &'a mut dyn BufRead, file: File, session: &'a Session, limits: Limits) -> Self {
        Self {
            reader,
            file: BufWriter::with_capacity(CHUNK, file),
            sum: digest::Context::new(&SHA1_FOR_LEGACY_USE_ONLY),
            position: 0,
            zlib: Decompress::new(true),
            inflated: vec![0; CHUNK],
            session,
            limits,
        }
    }

    /// The number of objects.
    fn header(&mut self) -> Result<u32, PackError> {
        let [p, a, c, k, v0, v1, v2, v3, count @ ..] = self.bytes::<12>()?;
        if [p, a, c, k] != *b"PACK" || !matches!([v0, v1, v2, v3], [0, 0, 0, 2 | 3]) {
            return Err(PackError::Damaged("it does not begin as one"));
        }
        let (count, most) = (u32::from_be_bytes(count), self.limits.objects);
        match count {
            0 => Err(PackError::Damaged("it is empty")),
            _ if count > most => {
                let text = format!("the pack holds more than {most} objects");
                Err(PackError::Limit(text))
            }
            _ => Ok(count),
        }
    }

    fn entry(&mut self, found: &mut Found) -> Result<(), PackError> {
        let start = self.position;
        let (stored, size) = self.entry_header()?;
        let head = u8::try_from(self.position - start);
        let head = head.map_err(|_| PackError::Damaged("an entry's header is too long"))?;
        let length = self.allowed(size, &mut found.inflated)?;
        let mut slot = Slot {
            id: ObjectId::null(gix::hash::Kind::Sha1),
            kind: Kind::Blob,
            head,
            start,
            size: length,
            stored: length,
            base: WHOLE,
        };
        match stored {
            Stored::Object(kind) => {
                slot.kind = kind;
                let mut hasher = hasher(kind, size);
                self.inflate(size, |bytes| hasher.update(bytes))?;
                slot.id = hasher.try_finalize().map_err(|_| PackError::Collision)?;
            }
            Stored::Before(distance) => {
                let base = start.checked_sub(distance);
                let at = base.and_then(|base| {
                    let slots = &found.slots;
                    slots.binary_search_by_key(&base, |slot| slot.start).ok()
                });
                let at = at.ok_or(PackError::Damaged("a delta has no base"))?;
                slot.base = u32::try_from(at).unwrap_or(WHOLE);
                slot.size = self.delta(size, &mut found.inflated)?;
            }
            Stored::Of(id) => {
                let at = u32::try_from(found.slots.len()).unwrap_or(WHOLE);
                found.by_hash.push((id, at));
                slot.size = self.delta(size, &mut found.inflated)?;
            }
        }
        found.slots.push(slot);
        Ok(())
    }

    fn entry_header(&mut self) -> Result<(Stored, u64), PackError> {
        let mut byte = self.byte()?;
        let kind = byte >> 4 & 0x07;
        let mut size = u64::from(byte & 0x0f);
        let mut shift = 4;
        while byte & 0x80 != 0 {
            if shift > 53 {
                return Err(PackError::Damaged("an object's size is too long"));
            }
            byte = self.byte()?;
            size |= u64::from(byte & 0x7f) << shift;
            shift += 7;
        }
        let stored = match kind {
            1 => Stored::Object(Kind::Commit),
            2 => Stored::Object(Kind::Tree),
            3 => Stored::Object(Kind::Blob),
            4 => Stored::Object(Kind::Tag),
            6 => Stored::Before(self.distance()?),
            7 => Stored::Of(ObjectId::from(self.bytes::<HASH>()?)),
            _ => return Err(PackError::Damaged("an entry is of no known kind")),
        };
        Ok((stored, size))
    }

    /// Seven bits a byte, highest first; each further byte begins at one.
    fn distance(&mut self) -> Result<u64, PackError> {
        let mut byte = self.byte()?;
        let mut distance = u64::from(byte & 0x7f);
        while byte & 0x80 != 0 {
            if distance >> 50 != 0 {
                return Err(PackError::Damaged("a base is too far away"));
            }
            byte = self.byte()?;
            distance = (distance + 1) << 7 | u64::from(byte & 0x7f);
        }
        Ok(distance)
    }

    /// Reads a delta of `stored` bytes for what its object will be: its size.
    fn delta(&mut self, stored: u64, inflated: &mut u64) -> Result<u32, PackError> {
        let mut begin = Vec::with_capacity(MAX_SIZES);
        self.inflate(stored, |bytes| {
            let room = MAX_SIZES - begin.len();
            begin.extend_from_slice(&bytes[..bytes.len().min(room)]);
        })?;
        let sizes = delta::sizes(&mut begin.as_slice())?;
        self.allowed(sizes.object, inflated)
    }

    /// Judges a size by what is said of it, before there is anything.
    fn allowed(&self, size: u64, inflated: &mut u64) -> Result<u32, PackError> {
        let most = self.limits.object_bytes;
        if size > u64::from(most) {
            let text = format!("the pack holds an object of more than {most} bytes");
            return Err(PackError::Limit(text));
        }
        *inflated = inflated.saturating_add(size);
        if *inflated > self.limits.inflated_bytes {
            let most = self.limits.inflated_bytes;
            let text = format!("the pack inflates to more than {most} bytes");
            return Err(PackError::Limit(text));
        }
        // The bound is one of 32 bits.
        Ok(u32::try_from(size).unwrap_or(most))
    }

    /// Inflates exactly `size` bytes.
    fn inflate(&mut self, size: u64, mut take: impl FnMut(&[u8])) -> Result<(), PackError> {
        self.zlib.reset(true);
        loop {
            self.session.check()?;
            let input = filled(self.reader)?;
            let (read, made) = (self.zlib.total_in(), self.zlib.total_out());
            let status = self
                .zlib
                .decompress(input, &mut self.inflated, FlushDecompress::None);
            let status = status.map_err(|_| PackError::Damaged("an object does not inflate"))?;
            let used = index(self.zlib.total_in() - read);
            let made = index(self.zlib.total_out() - made);
            keep(&input[..used], &mut self.file, &mut self.sum)?;
            self.reader.consume(used);
            self.position += used as u64;
            take(&self.inflated[..made]);
            if self.zlib.total_out() > size {
                return Err(PackError::Damaged("an object is larger than it says"));
            }
            match status {
                Status::StreamEnd if self.zlib.total_out() == size => return Ok(()),
                Status::StreamEnd => {
                    return Err(PackError::Damaged("an object is smaller than it says"));
                }
                Status::Ok | Status::BufError if used + made > 0 => {}
                _ => return Err(PackError::Damaged("an object does not inflate")),
            }
        }
    }

    fn byte(&mut self) -> Result<u8, PackError> {
        let [byte] = self.bytes()?;
        Ok(byte)
    }

    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], PackError> {
        let bytes = self.unsummed()?;
        self.sum.update(&bytes);
        Ok(bytes)
    }

    fn unsummed<const N: usize>(&mut self) -> Result<[u8; N], PackError> {
        let mut bytes = [0; N];
        let mut have = 0;
        while have < N {
            let input = filled(self.reader)?;
            let many = input.len().min(N - have);
            bytes[have..have + many].copy_from_slice(&input[..many]);
            self.reader.consume(many);
            have += many;
        }
        self.file.write_all(&bytes)?;
        self.position += N as u64;
        Ok(bytes)
    }

    /// Compares the checksum. The file, and where its entries end.
    fn finish(mut self) -> Result<(File, u64), PackError> {
        let end = self.position;
        let said = self.unsummed::<HASH>()?;
        if self.sum.finish().as_ref() != said {
            return Err(PackError::Damaged("its checksum is another one"));
        }
        let file = self.file.into_inner();
        Ok((file.map_err(io::IntoInnerError::into_error)?, end))
    }
}

/// What the hash of an object of `size` bytes begins with.
pub(super) fn hasher(kind: Kind, size: u64) -> gix::hash::Hasher {
    let mut hasher = gix::hash::hasher(gix::hash::Kind::Sha1);
    hasher.update(&loose_header(kind, size));
    hasher
}

fn filled(reader: &mut dyn BufRead) -> Result<&[u8], PackError> {
    match reader.fill_buf()? {
        [] => Err(PackError::Damaged("it breaks off")),
        input => Ok(input),
    }
}

fn keep(bytes: &[u8], file: &mut impl Write, sum: &mut digest::Context) -> io::Result<()> {
    sum.update(bytes);
    file.write_all(bytes)
}

/// What counts within a buffer.
fn index(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    /// The first 192 bytes that both files of the SHAttered attack begin with.
    const COMMON: &str = "\
        255044462d312e330a25e2e3cfd30a0a0a312030206f626a0a3c3c2f57696474682032203020522f4865696768742033\
        203020522f547970652034203020522f537562747970652035203020522f46696c7465722036203020522f436f6c6f72\
        53706163652037203020522f4c656e6774682038203020522f42697473506572436f6d706f6e656e7420383e3e0a7374\
        7265616d0affd8fffe00245348412d3120697320646561642121212121852fec092339759c39b1a1c63c4c97e1fffe01";
    /// What follows in the one, and in the other: both have one SHA-1.
    const PAIR: [&str; 2] = [
        "\
            7346dc9166b67e118f029ab621b2560ff9ca67cca8c7f85ba84c79030c2b3de218f86db3a90901d5df45c14f26fedfb3\
            dc38e96ac22fe7bd728f0e45bce046d23c570feb141398bb552ef5a0a82be331fea48037b8b5d71f0e332edf93ac3500\
            eb4ddc0decc1a864790c782c76215660dd309791d06bd0af3f98cda4bc4629b1",
        "\
            7f46dc93a6b67e013b029aaa1db2560b45ca67d688c7f84b8c4c791fe02b3df614f86db1690901c56b45c1530afedfb7\
            6038e972722fe7ad728f0e4904e046c230570fe9d41398abe12ef5bc942be33542a4802d98b5d70f2a332ec37fac3514\
            e74ddc0f2cc1a874cd0c78305a21566461309789606bd0bf3f98cda8044629a1",
    ];

    #[test]
    fn objects_are_hashed_by_who_sees_collisions() {
        let byte = |hex: &str, at: usize| u8::from_str_radix(&hex[at..at + 2], 16).expect("is hex");
        for rest in PAIR {
            let hex = format!("{COMMON}{rest}");
            let bytes: Vec<u8> = (0..hex.len()).step_by(2).map(|at| byte(&hex, at)).collect();
            assert_eq!(bytes.len(), 320);
            let mut hasher = gix::hash::hasher(gix::hash::Kind::Sha1);
            hasher.update(&bytes);
            hasher.try_finalize().expect_err("is a collision");
        }
    }
}
