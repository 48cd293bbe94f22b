//! How an object differs from another: pieces of that one, and bytes of its own.
//!
//! Source: git 2.47 `Documentation/gitformat-pack.txt`, "Deltified representation".

use std::io::{self, BufRead, Read, Write};

use super::PackError;
use super::held::Held;

/// Sizes are at most so many bytes of seven bits each.
const SIZE_BYTES: u32 = 9;
/// What a copy of no size means.
const DEFAULT_COPY: u64 = 0x1_0000;

/// Bytes that the two sizes take at most.
pub(super) const MAX_SIZES: usize = 2 * SIZE_BYTES as usize;

/// Bytes of the base and of the object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sizes {
    pub(super) base: u64,
    pub(super) object: u64,
}

/// Reads what a delta begins with.
pub(super) fn sizes(delta: &mut impl Read) -> Result<Sizes, PackError> {
    Ok(Sizes {
        base: size(delta)?,
        object: size(delta)?,
    })
}

fn size(delta: &mut impl Read) -> Result<u64, PackError> {
    let mut size = 0;
    for place in 0..SIZE_BYTES {
        let byte = byte(delta)?;
        size |= u64::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Ok(size);
        }
    }
    Err(PackError::Damaged("a delta's size is too long"))
}

/// Writes what `delta`, read to behind its sizes, makes of `base`: exactly `size` bytes.
pub(super) fn apply(
    delta: &mut impl BufRead,
    base: &Held,
    size: u64,
    out: &mut impl Write,
) -> Result<(), PackError> {
    let mut left = size;
    let mut take = |many: u64| {
        let rest = left.checked_sub(many);
        left = rest.ok_or(PackError::Damaged("a delta makes more than it says"))?;
        Ok::<_, PackError>(())
    };
    while !delta.fill_buf()?.is_empty() {
        match byte(delta)? {
            0 => return Err(PackError::Damaged("a delta has an unknown instruction")),
            copy if copy & 0x80 != 0 => {
                let from = number(delta, copy & 0x0f)?;
                let length = match number(delta, copy >> 4 & 0x07)? {
                    0 => DEFAULT_COPY,
                    length => length,
                };
                take(length)?;
                if !base.copy(from, length, out)? {
                    return Err(PackError::Damaged("a delta copies what its base has not"));
                }
            }
            own => {
                take(u64::from(own))?;
                let mut bytes = [0; 0x7f];
                let bytes = &mut bytes[..usize::from(own)];
                delta.read_exact(bytes).map_err(cut)?;
                out.write_all(bytes)?;
            }
        }
    }
    if left > 0 {
        return Err(PackError::Damaged("a delta makes less than it says"));
    }
    Ok(())
}

/// A number whose bytes are there where `present` has a bit, lowest first.
fn number(delta: &mut impl Read, present: u8) -> Result<u64, PackError> {
    let mut number = 0;
    for place in (0..4).filter(|place| present >> place & 1 == 1) {
        number |= u64::from(byte(delta)?) << (8 * place);
    }
    Ok(number)
}

fn byte(delta: &mut impl Read) -> Result<u8, PackError> {
    let mut byte = [0];
    delta.read_exact(&mut byte).map_err(cut)?;
    Ok(byte[0])
}

fn cut(error: io::Error) -> PackError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => PackError::Damaged("a delta breaks off"),
        _ => PackError::Io(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(delta: &[u8], base: &[u8]) -> Result<Vec<u8>, String> {
        let in_memory = Held::Memory(base.to_vec());
        let mut file = tempfile::tempfile().expect("makes a file");
        file.write_all(base).expect("writes");
        let in_file = Held::File(file, base.len() as u64);
        let [one, other] = [in_memory, in_file].map(|base| {
            let mut delta = delta;
            let sizes = sizes(&mut delta).map_err(|error| error.to_string())?;
            assert_eq!(sizes.base, base.size());
            let mut out = Vec::new();
            apply(&mut delta, &base, sizes.object, &mut out).map_err(|error| error.to_string())?;
            Ok(out)
        });
        assert_eq!(one, other, "memory and files make the same");
        one
    }

    #[test]
    fn pieces_and_own_bytes_follow_one_another() {
        let delta = [5, 7, 0x91, 1, 3, 2, b'-', b'-', 0x90, 2];
        assert_eq!(made(&delta, b"abcde"), Ok(b"bcd--ab".to_vec()));
        assert_eq!(made(&[0, 0], b""), Ok(Vec::new()));
    }

    #[test]
    fn a_copy_of_no_size_is_one_of_64_kib_and_places_have_four_bytes() {
        let base: Vec<u8> = (0..0x12345_u32).map(|at| (at % 251) as u8).collect();
        let delta = [0xc5, 0xc6, 0x04, 0x80, 0x80, 0x04, 0x83, 0x45, 0x23];
        assert_eq!(made(&delta, &base), Ok(base[0x2345..0x12345].to_vec()));
        let delta = [0xc5, 0xc6, 0x04, 2, 0x97, 0x43, 0x23, 0x01, 2];
        assert_eq!(made(&delta, &base), Ok(base[0x12343..].to_vec()));
    }

    #[test]
    fn lies_are_told_apart() {
        for (delta, text) in [
            (&[1, 2, 1, b'x'][..], "makes less than it says"),
            (&[1, 0, 1, b'x'], "makes more than it says"),
            (&[1, 9, 0x90, 2], "copies what its base has not"),
            (&[1, 9, 0x91, 0xff, 1], "copies what its base has not"),
            (&[1, 9, 0], "has an unknown instruction"),
            (&[1, 9, 3, b'x'], "breaks off"),
            (&[1, 9, 0xff, 1, 1], "breaks off"),
            (&[1], "breaks off"),
            (&[0xff; 30], "size is too long"),
        ] {
            let error = match sizes(&mut &delta[..]) {
                Ok(_) => made(delta, b"a").expect_err("is a lie"),
                Err(error) => error.to_string(),
            };
            assert!(error.contains(text), "{error}");
        }
    }
}
