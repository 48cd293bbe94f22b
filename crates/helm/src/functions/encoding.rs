//! `b64enc`, `b64dec`, `b32enc`, `b32dec` and the digests.
//!
//! Source: sprig v3.3.0 `strings.go`, `crypto.go`

pub(super) mod base32;
pub(super) mod base64;

use go_template::{Functions, Signature, Str, Type, Value};
use sha1::{Digest, Sha1};
use sha2::{Sha256, Sha512};

use super::given;

type Body = fn(&[u8]) -> Vec<u8>;

const TEXT: Signature = Signature::new(&[Type::String], &Type::String);

pub(super) fn register(functions: &mut Functions) {
    let simple: [(&str, Body); 8] = [
        ("b64enc", |it| base64::encode(it).into_bytes()),
        ("b64dec", |it| {
            base64::decode(it).unwrap_or_else(String::into_bytes)
        }),
        ("b32enc", |it| base32::encode(it).into_bytes()),
        ("b32dec", |it| {
            base32::decode(it).unwrap_or_else(String::into_bytes)
        }),
        ("sha1sum", |it| hex(&Sha1::digest(it))),
        ("sha256sum", |it| hex(&Sha256::digest(it))),
        ("sha512sum", |it| hex(&Sha512::digest(it))),
        ("adler32sum", |it| adler32(it).to_string().into_bytes()),
    ];
    for (name, body) in simple {
        functions.add(name, TEXT, move |call, args| {
            let text = given::bytes(args, 0);
            call.budget().bytes(text.len() * 2 + 128)?;
            Ok(Value::Str(Str::from(body(text))))
        });
    }
}

/// Lower case hexadecimal digits.
fn hex(bytes: &[u8]) -> Vec<u8> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|it| [it >> 4, it & 15]);
    digits.map(|it| DIGITS[usize::from(it)]).collect()
}

fn adler32(bytes: &[u8]) -> u32 {
    let (mut low, mut high) = (1_u32, 0_u32);
    // As many bytes as the sums hold without a division.
    for part in bytes.chunks(5552) {
        for byte in part {
            low += u32::from(*byte);
            high += low;
        }
        low %= 65521;
        high %= 65521;
    }
    high << 16 | low
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_hexadecimal() {
        assert_eq!(hex(&[0, 0x1f, 0xff]), b"001fff");
    }

    #[test]
    fn adler_sums_do_not_overflow() {
        assert_eq!(adler32(b"hello"), 103_547_413);
        assert_eq!(adler32(&[0xff; 6000]), 2_761_382_378);
    }
}
