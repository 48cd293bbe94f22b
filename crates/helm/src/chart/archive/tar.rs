//! Tar as Go reads it: what is passed over, where an archive ends, what is no header.
//!
//! Sparse files are refused, which Go reads.
//!
//! Source: Go 1.26 `archive/tar/reader.go`, `archive/tar/strconv.go`, `archive/tar/format.go`

use std::collections::BTreeMap;
use std::io::{self, Read};

const BLOCK: usize = 512;

/// Names and records that come as contents are no longer.
const MOST_SPECIAL: u64 = 1 << 20;

/// Why an archive is not read further.
#[derive(Debug, thiserror::Error)]
pub(super) enum TarError {
    /// A header or record that is none.
    #[error("archive/tar: invalid tar header")]
    Header,
    /// A name or record that is too long.
    #[error("archive/tar: header field too long")]
    TooLong,
    /// A file with holes.
    #[error("archive/tar: sparse files are not read")]
    Sparse,
    /// The stream fails.
    #[error(transparent)]
    Read(#[from] io::Error),
}

/// What a header says of a file.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: Vec<u8>,
    /// What it claims, which links and folders do not hold.
    pub(super) size: i64,
    kind: u8,
    mode: i64,
}

impl Entry {
    pub(super) fn is_directory(&self) -> bool {
        self.kind == b'5' || self.mode & !0o7777 == 0o40000
    }

    /// Records for all files behind it, and no file.
    pub(super) fn is_global(&self) -> bool {
        self.kind == b'g'
    }
}

/// An archive while it is read.
#[derive(Debug)]
pub(super) struct Tar<R> {
    stream: R,
    /// What is left of the contents of the last entry.
    left: u64,
    padding: usize,
}

type Block = [u8; BLOCK];
type Records = BTreeMap<Vec<u8>, Vec<u8>>;

impl<R: Read> Tar<R> {
    pub(super) fn new(stream: R) -> Self {
        Self {
            stream,
            left: 0,
            padding: 0,
        }
    }

    pub(super) fn into_inner(self) -> R {
        self.stream
    }

    /// The next entry; nothing at the end.
    pub(super) fn next(&mut self) -> Result<Option<Entry>, TarError> {
        let mut records = Records::new();
        let mut long_name = Vec::new();
        loop {
            if !self.skip()? {
                return Ok(None);
            }
            let Some(block) = self.block()? else {
                return Ok(None);
            };
            let mut entry = header(&block)?;
            self.begin(&entry)?;
            match entry.kind {
                b'x' => records = read_records(&self.special()?)?,
                b'g' => {
                    read_records(&self.special()?)?;
                    return Ok(Some(Entry { mode: 0, ..entry }));
                }
                b'L' => long_name = text(&self.special()?).to_vec(),
                b'K' => drop(self.special()?),
                kind => {
                    merge(&mut entry, &records)?;
                    if !long_name.is_empty() {
                        entry.name = long_name;
                    }
                    if kind == 0 {
                        entry.kind = if entry.name.ends_with(b"/") {
                            b'5'
                        } else {
                            b'0'
                        };
                    }
                    self.begin(&entry)?;
                    if kind == b'S' || is_sparse(&records) {
                        return Err(TarError::Sparse);
                    }
                    return Ok(Some(entry));
                }
            }
        }
    }

    /// The contents of the last entry, up to a bound.
    pub(super) fn contents(&mut self, most: u64) -> Result<Vec<u8>, TarError> {
        let wanted = self.left.min(most);
        let mut data = Vec::new();
        let read = (&mut self.stream).take(wanted).read_to_end(&mut data)? as u64;
        self.left -= read;
        if read < wanted {
            return Err(TarError::Read(io::ErrorKind::UnexpectedEof.into()));
        }
        Ok(data)
    }

    fn special(&mut self) -> Result<Vec<u8>, TarError> {
        let data = self.contents(MOST_SPECIAL + 1)?;
        if data.len() as u64 > MOST_SPECIAL {
            return Err(TarError::TooLong);
        }
        Ok(data)
    }

    fn begin(&mut self, entry: &Entry) -> Result<(), TarError> {
        self.left = match entry.kind {
            b'1'..=b'6' => 0,
            _ => u64::try_from(entry.size).map_err(|_| TarError::Header)?,
        };
        let over = usize::try_from(self.left % BLOCK as u64).unwrap_or_default();
        self.padding = (BLOCK - over) % BLOCK;
        Ok(())
    }

    /// Skips what is left of an entry; whether there is more behind its padding.
    fn skip(&mut self) -> Result<bool, TarError> {
        let left = std::mem::take(&mut self.left);
        let skipped = io::copy(&mut (&mut self.stream).take(left), &mut io::sink())?;
        if skipped < left {
            return Err(TarError::Read(io::ErrorKind::UnexpectedEof.into()));
        }
        let padding = std::mem::take(&mut self.padding);
        Ok(self.fill(&mut [0; BLOCK][..padding])? == padding)
    }

    /// A block that is not the end.
    fn block(&mut self) -> Result<Option<Block>, TarError> {
        let Some(block) = self.whole()? else {
            return Ok(None);
        };
        if block != [0; BLOCK] {
            return Ok(Some(block));
        }
        match self.whole()? {
            Some(second) if second != [0; BLOCK] => Err(TarError::Header),
            _ => Ok(None),
        }
    }

    fn whole(&mut self) -> Result<Option<Block>, TarError> {
        let mut block = [0; BLOCK];
        match self.fill(&mut block)? {
            0 => Ok(None),
            BLOCK => Ok(Some(block)),
            _ => Err(TarError::Read(io::ErrorKind::UnexpectedEof.into())),
        }
    }

    /// Reads as much as there is.
    fn fill(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.stream.read(&mut buffer[filled..]) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }
}

/// The kinds of headers that look different.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    V7,
    Ustar,
    Star,
    Gnu,
}

fn format(block: &Block) -> Result<Format, TarError> {
    let stored = octal(&block[148..156])?;
    let counted = |index: usize, byte: u8| match (148..156).contains(&index) {
        true => b' ',
        false => byte,
    };
    let bytes = || block.iter().enumerate().map(|(at, it)| counted(at, *it));
    let unsigned: i64 = bytes().map(i64::from).sum();
    let signed: i64 = bytes().map(|it| i64::from(it.cast_signed())).sum();
    if stored != unsigned && stored != signed {
        return Err(TarError::Header);
    }
    let (magic, version, trailer) = (&block[257..263], &block[263..265], &block[508..512]);
    Ok(match (magic, version, trailer) {
        (b"ustar\0", _, b"tar\0") => Format::Star,
        (b"ustar\0", ..) => Format::Ustar,
        (b"ustar ", b" \0", _) => Format::Gnu,
        _ => Format::V7,
    })
}

fn header(block: &Block) -> Result<Entry, TarError> {
    let format = format(block)?;
    let mode = number(&block[100..108])?;
    let size = number(&block[124..136])?;
    for field in [&block[108..116], &block[116..124], &block[136..148]] {
        number(field)?;
    }
    if format != Format::V7 {
        number(&block[329..337])?;
        number(&block[337..345])?;
    }
    let prefix = match format {
        Format::V7 => &[][..],
        Format::Ustar => text(&block[345..500]),
        Format::Star => {
            number(&block[476..488])?;
            number(&block[488..500])?;
            text(&block[345..476])
        }
        // Old writers of Go put a prefix where the times are.
        Format::Gnu => {
            let odd = |field: &[u8]| field[0] != 0 && number(field).is_err();
            let prefix = text(&block[345..500]);
            let is_prefix = odd(&block[345..357]) || odd(&block[357..369]);
            if is_prefix && prefix.is_ascii() {
                prefix
            } else {
                &[]
            }
        }
    };
    let mut name = text(&block[..100]).to_vec();
    if !prefix.is_empty() {
        name = [prefix, b"/", &name].concat();
    }
    Ok(Entry {
        name,
        size,
        kind: block[156],
        mode,
    })
}

/// A text up to its end or the first zero.
fn text(field: &[u8]) -> &[u8] {
    field.split(|it| *it == 0).next().unwrap_or_default()
}

/// A number in octal digits, or in bytes with the first bit set.
fn number(field: &[u8]) -> Result<i64, TarError> {
    if field[0] & 0x80 == 0 {
        return octal(field);
    }
    let inverted = if field[0] & 0x40 == 0 { 0 } else { 0xFF };
    let mut value = 0_u64;
    for (index, byte) in field.iter().enumerate() {
        let byte = (byte ^ inverted) & if index == 0 { 0x7F } else { 0xFF };
        if value >> 56 > 0 {
            return Err(TarError::Header);
        }
        value = value << 8 | u64::from(byte);
    }
    let value = i64::try_from(value).map_err(|_| TarError::Header)?;
    Ok(if inverted == 0 { value } else { !value })
}

fn octal(field: &[u8]) -> Result<i64, TarError> {
    let ends = |it: &u8| matches!(it, b' ' | 0);
    let from = field.iter().position(|it| !ends(it)).unwrap_or(field.len());
    let to = field
        .iter()
        .rposition(|it| !ends(it))
        .map_or(from, |it| it + 1);
    let digits = text(&field[from..to]);
    if digits.is_empty() {
        return Ok(0);
    }
    let valid = digits.iter().all(u8::is_ascii_digit);
    let digits = std::str::from_utf8(digits).ok().filter(|_| valid);
    let value = digits.and_then(|it| u64::from_str_radix(it, 8).ok());
    Ok(value.ok_or(TarError::Header)?.cast_signed())
}

/// A number in decimal digits, perhaps with a sign.
fn decimal(text: &[u8]) -> Result<i64, TarError> {
    let text = std::str::from_utf8(text).ok();
    let value = text.and_then(|it| it.parse().ok());
    value.ok_or(TarError::Header)
}

fn read_records(mut rest: &[u8]) -> Result<Records, TarError> {
    let mut records = Records::new();
    let mut holes = 0;
    while !rest.is_empty() {
        let (key, value, behind) = record(rest).ok_or(TarError::Header)?;
        rest = behind;
        let hole: &[u8] = match holes % 2 {
            0 => b"GNU.sparse.offset",
            _ => b"GNU.sparse.numbytes",
        };
        if matches!(key, b"GNU.sparse.offset" | b"GNU.sparse.numbytes") {
            if key != hole || value.contains(&b',') {
                return Err(TarError::Header);
            }
            holes += 1;
            records.insert(b"GNU.sparse.map".to_vec(), b"0".to_vec());
            continue;
        }
        records.insert(key.to_vec(), value.to_vec());
    }
    Ok(records)
}

/// The first record, and what is behind it.
fn record(text: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let space = text.iter().position(|it| *it == b' ')?;
    let length = usize::try_from(decimal(&text[..space]).ok()?).ok()?;
    if length < 5 || length > text.len() || length <= space + 1 {
        return None;
    }
    let (whole, behind) = text.split_at(length);
    let inside = whole[space + 1..].strip_suffix(b"\n")?;
    let equals = inside.iter().position(|it| *it == b'=')?;
    let (key, value) = (&inside[..equals], &inside[equals + 1..]);
    let checked = match key {
        b"path" | b"linkpath" | b"uname" | b"gname" => value,
        key => key,
    };
    (!key.is_empty() && !checked.contains(&0)).then_some((key, value, behind))
}

/// Puts records over what a header says.
fn merge(entry: &mut Entry, records: &Records) -> Result<(), TarError> {
    for (key, value) in records.iter().filter(|(_, value)| !value.is_empty()) {
        match key.as_slice() {
            b"path" => entry.name.clone_from(value),
            b"size" => entry.size = decimal(value)?,
            b"uid" | b"gid" => drop(decimal(value)?),
            b"atime" | b"mtime" | b"ctime" => {
                let (seconds, part) = match value.iter().position(|it| *it == b'.') {
                    Some(dot) => (&value[..dot], &value[dot + 1..]),
                    None => (value.as_slice(), &[][..]),
                };
                decimal(seconds)?;
                if !part.iter().all(u8::is_ascii_digit) {
                    return Err(TarError::Header);
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// Whether records tell of holes.
fn is_sparse(records: &Records) -> bool {
    let value = |key: &[u8]| records.get(key).map_or(&[][..], Vec::as_slice);
    match (value(b"GNU.sparse.major"), value(b"GNU.sparse.minor")) {
        (b"0", b"0" | b"1") | (b"1", b"0") => true,
        (b"", b"") => !value(b"GNU.sparse.map").is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_octal_or_bytes() {
        let read = |field: &[u8]| number(field).ok();
        assert_eq!(read(b" 0000017\0"), Some(15));
        assert_eq!(read(b"        "), Some(0));
        assert_eq!(read(b"12\x003"), Some(10));
        assert_eq!(read(b"18\0"), None);
        assert_eq!(read(b"+1\0"), None);
        assert_eq!(read(b"\x80\0\0\x05"), Some(5));
        assert_eq!(read(b"\xFF\xFF\xFF\xFF"), Some(-1));
        assert_eq!(read(b"\x80\x01\0\0\0\0\0\0\0\0\0\0"), None);
    }

    #[test]
    fn records_have_their_length() {
        let read = |text: &[u8]| read_records(text).ok().map(|it| it.len());
        assert_eq!(read(b"6 a=b\n8 cc=dd\n"), Some(2));
        for broken in [
            &b"5 a=b\n"[..],
            b"7 a=b\n",
            b"6 a=b",
            b"6 =bb\n",
            b"8 path=\0\n",
            b"19 GNU.sparse.numbytes=1\n",
        ] {
            assert_eq!(read(broken), None, "{broken:?}");
        }
    }

    #[test]
    fn an_archive_ends_without_padding_but_not_within_a_block() {
        let mut whole = ::tar::Header::new_ustar();
        whole.set_path("a/b").expect("a path");
        whole.set_size(3);
        whole.set_cksum();
        let stream = [&whole.as_bytes()[..], b"abc"].concat();
        let mut tar = Tar::new(&stream[..]);
        let entry = tar.next().expect("a header").expect("an entry");
        assert_eq!((entry.name.as_slice(), entry.size), (&b"a/b"[..], 3));
        assert_eq!(tar.contents(9).expect("contents"), b"abc");
        assert!(tar.next().expect("an end").is_none());
        let mut tar = Tar::new(&stream[..514]);
        tar.next().expect("a header");
        assert!(tar.next().is_err());
    }
}
