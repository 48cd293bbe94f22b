//! Deflated data of entries, whole or in pieces.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use flate2::{Decompress, FlushDecompress, Status};

use super::{Entries, PackError};

/// Bytes that are read from the pack at once.
const CHUNK: usize = 32 << 10;

/// A part of a file, read from its beginning to its end.
#[derive(Debug)]
pub(crate) struct Part {
    file: Arc<File>,
    range: Range<u64>,
}

impl Part {
    pub(super) fn new(file: Arc<File>, range: Range<u64>) -> Self {
        Self { file, range }
    }
}

impl Read for Part {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.range.end.saturating_sub(self.range.start));
        let many = left.unwrap_or(usize::MAX).min(buffer.len());
        let read = self.file.read_at(&mut buffer[..many], self.range.start)?;
        self.range.start += read as u64;
        Ok(read)
    }
}

/// What an entry inflates to, in pieces.
pub(crate) type Stream = flate2::bufread::ZlibDecoder<BufReader<Part>>;

/// What is stored of the entry `at`, in pieces.
pub(super) fn stream(entries: &Entries, at: u32) -> Stream {
    let part = Part::new(Arc::clone(&entries.file), entries.data(at));
    Stream::new(BufReader::with_capacity(CHUNK, part))
}

/// The state of a decompressor and its input, made once for many small entries.
pub(super) struct Inflate {
    zlib: Decompress,
    input: Vec<u8>,
}

impl Inflate {
    pub(super) fn new() -> Self {
        Self {
            zlib: Decompress::new(true),
            input: Vec::new(),
        }
    }

    /// What is stored of the small entry `at`.
    pub(super) fn stored(&mut self, entries: &Entries, at: u32) -> Result<Vec<u8>, PackError> {
        let mut range = entries.data(at);
        let mut out = Vec::with_capacity(entries.slot(at).stored as usize + 1);
        self.zlib.reset(true);
        loop {
            let left = usize::try_from(range.end - range.start).unwrap_or(CHUNK);
            self.input.resize(left.min(CHUNK), 0);
            entries.file.read_exact_at(&mut self.input, range.start)?;
            let before = self.zlib.total_in();
            // There is room for all: the size was seen to hold when the pack came.
            let status = self
                .zlib
                .decompress_vec(&self.input, &mut out, FlushDecompress::None);
            let used = self.zlib.total_in() - before;
            range.start += used;
            match status {
                Ok(Status::StreamEnd) => return Ok(out),
                Ok(_) if used > 0 => {}
                _ => return Err(PackError::Damaged("an object does not inflate")),
            }
        }
    }
}
