//! Bytes that are wanted at any place: in memory, or in a file that has no name.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;

/// Bytes that are read from a file at once.
const CHUNK: usize = 16 << 10;

/// An object that others are made from.
#[derive(Debug)]
pub(super) enum Held {
    /// A small one.
    Memory(Vec<u8>),
    /// A large one, and its size in bytes.
    File(File, u64),
}

impl Held {
    pub(super) fn size(&self) -> u64 {
        match self {
            Self::Memory(bytes) => bytes.len() as u64,
            Self::File(_, size) => *size,
        }
    }

    /// Bytes of memory.
    pub(super) fn in_memory(&self) -> usize {
        match self {
            Self::Memory(bytes) => bytes.len(),
            Self::File(..) => 0,
        }
    }

    /// Writes `length` bytes from the place `from` on, or nothing and `false` where there are not as many.
    pub(super) fn copy(&self, from: u64, length: u64, out: &mut impl Write) -> io::Result<bool> {
        match self {
            Self::Memory(bytes) => {
                let range = usize::try_from(from).ok().zip(usize::try_from(length).ok());
                let range =
                    range.and_then(|(from, length)| bytes.get(from..from.checked_add(length)?));
                match range {
                    Some(range) => out.write_all(range).map(|()| true),
                    None => Ok(false),
                }
            }
            Self::File(file, size) => {
                if from.checked_add(length).is_none_or(|end| end > *size) {
                    return Ok(false);
                }
                let mut chunk = [0; CHUNK];
                let (mut from, mut left) = (from, length);
                while left > 0 {
                    let many = usize::try_from(left).map_or(CHUNK, |left| left.min(CHUNK));
                    file.read_exact_at(&mut chunk[..many], from)?;
                    out.write_all(&chunk[..many])?;
                    from += many as u64;
                    left -= many as u64;
                }
                Ok(true)
            }
        }
    }
}
