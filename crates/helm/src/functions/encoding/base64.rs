//! Base64 with padding, and at which byte Go stops reading it.
//!
//! Source: Go 1.26 `encoding/base64/base64.go`

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

pub(in crate::functions) fn encode(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for part in bytes.chunks(3) {
        let byte = |index: usize| u32::from(part.get(index).copied().unwrap_or_default());
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for index in 0..4 {
            let digit = bits >> (18 - 6 * index) & 63;
            let padding = index > part.len();
            let symbol = if padding {
                b'='
            } else {
                ALPHABET[digit as usize]
            };
            out.push(char::from(symbol));
        }
    }
    out
}

/// The bytes, or Go's error. Line ends are passed over.
pub(in crate::functions) fn decode(text: &[u8]) -> Result<Vec<u8>, String> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let mut at = 0;
    while at < text.len() {
        at = quantum(text, at, &mut out)
            .map_err(|at| format!("illegal base64 data at input byte {at}"))?;
    }
    Ok(out)
}

fn digit(byte: u8) -> Option<u32> {
    Some(u32::from(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    }))
}

/// Four digits from a place on, and the place after them; the place where it goes wrong otherwise.
fn quantum(text: &[u8], mut at: usize, out: &mut Vec<u8>) -> Result<usize, usize> {
    let (mut bits, mut count) = (0, 0);
    while count < 4 {
        let Some(byte) = text.get(at) else {
            return if count == 0 { Ok(at) } else { Err(at - count) };
        };
        at += 1;
        match byte {
            b'\n' | b'\r' => {}
            b'=' => {
                at = padding(text, at, count)?;
                break;
            }
            _ => {
                bits = bits << 6 | digit(*byte).ok_or(at - 1)?;
                count += 1;
            }
        }
    }
    bits <<= 6 * (4 - count);
    let bytes: [u8; 4] = u32::to_be_bytes(bits);
    out.extend_from_slice(&bytes[1..count]);
    Ok(at)
}

/// The end of the text after the first `=`.
fn padding(text: &[u8], mut at: usize, count: usize) -> Result<usize, usize> {
    let skip = |mut at: usize| {
        while matches!(text.get(at), Some(b'\n' | b'\r')) {
            at += 1;
        }
        at
    };
    if count < 2 {
        return Err(at - 1);
    }
    if count == 2 {
        at = skip(at);
        match text.get(at) {
            None => return Err(text.len()),
            Some(b'=') => at += 1,
            Some(_) => return Err(at - 1),
        }
    }
    at = skip(at);
    if at < text.len() { Err(at) } else { Ok(at) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_is_decoded() {
        for (bytes, text) in [("", ""), ("a", "YQ=="), ("ab", "YWI="), ("abc", "YWJj")] {
            assert_eq!(encode(bytes.as_bytes()), text);
            assert_eq!(decode(text.as_bytes()), Ok(bytes.as_bytes().to_vec()));
        }
        assert_eq!(decode(b"YW\r\nJj"), Ok(b"abc".to_vec()));
    }

    #[test]
    fn errors_name_the_byte_that_go_names() {
        for (text, at) in [
            ("hello", 4),
            ("YQ", 0),
            ("YQ=", 3),
            ("YQ=x", 2),
            ("YQ==x", 4),
            ("Y===", 1),
            ("YWI=\nx", 5),
            ("YWJ\n", 1),
        ] {
            let expect = format!("illegal base64 data at input byte {at}");
            assert_eq!(decode(text.as_bytes()), Err(expect), "{text:?}");
        }
    }
}
