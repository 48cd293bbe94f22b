//! Base32 with padding, and at which byte Go stops reading it.
//!
//! Source: Go 1.26 `encoding/base32/base32.go`

const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

pub(in crate::functions) fn encode(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(5) * 8);
    for part in bytes.chunks(5) {
        let bits = (0..5).fold(0_u64, |bits, index| {
            bits << 8 | u64::from(part.get(index).copied().unwrap_or_default())
        });
        let digits = (part.len() * 8).div_ceil(5);
        for index in 0..8 {
            let digit = bits >> (35 - 5 * index) & 31;
            let symbol = if index < digits {
                ALPHABET[digit as usize]
            } else {
                b'='
            };
            out.push(char::from(symbol));
        }
    }
    out
}

/// The bytes, or Go's error. Line ends are passed over, and not counted.
pub(in crate::functions) fn decode(text: &[u8]) -> Result<Vec<u8>, String> {
    let text: Vec<u8> = text
        .iter()
        .copied()
        .filter(|it| !matches!(it, b'\n' | b'\r'))
        .collect();
    let mut out = Vec::with_capacity(text.len() / 8 * 5);
    let mut at = 0;
    while at < text.len() {
        at = quantum(&text, at, &mut out)
            .map_err(|at| format!("illegal base32 data at input byte {at}"))?;
    }
    Ok(out)
}

fn quantum(text: &[u8], mut at: usize, out: &mut Vec<u8>) -> Result<usize, usize> {
    let (mut bits, mut count) = (0_u64, 0);
    while count < 8 {
        let Some(byte) = text.get(at) else {
            return Err(text.len() - count);
        };
        at += 1;
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'2'..=b'7' => byte - b'2' + 26,
            b'=' if count >= 2 && text.len() - at < 8 => {
                at = padding(text, at, count)?;
                break;
            }
            _ => return Err(at - 1),
        };
        bits = bits << 5 | u64::from(digit);
        count += 1;
    }
    bits <<= 5 * (8 - count);
    let bytes = bits.to_be_bytes();
    out.extend_from_slice(&bytes[3..3 + count * 5 / 8]);
    Ok(at)
}

/// The end of the text, if it is made of as much padding as the digits want.
fn padding(text: &[u8], at: usize, count: usize) -> Result<usize, usize> {
    let rest = &text[at..];
    if rest.len() + count < 7 {
        return Err(text.len());
    }
    let wrong = rest.iter().take(7 - count).position(|it| *it != b'=');
    if let Some(wrong) = wrong {
        return Err(at + wrong - 1);
    }
    if matches!(count, 3 | 6) {
        return Err(at - 1);
    }
    Ok(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_is_decoded() {
        for (bytes, text) in [
            ("", ""),
            ("f", "MY======"),
            ("fo", "MZXQ===="),
            ("foo", "MZXW6==="),
            ("foob", "MZXW6YQ="),
            ("fooba", "MZXW6YTB"),
        ] {
            assert_eq!(encode(bytes.as_bytes()), text);
            assert_eq!(decode(text.as_bytes()), Ok(bytes.as_bytes().to_vec()));
        }
    }

    #[test]
    fn errors_name_the_byte_that_go_names() {
        for (text, at) in [
            ("hello", 0),
            ("AA=A====", 2),
            ("AAA=====", 3),
            ("AA====", 6),
            ("AA", 0),
        ] {
            let expect = format!("illegal base32 data at input byte {at}");
            assert_eq!(decode(text.as_bytes()), Err(expect), "{text:?}");
        }
    }
}
