//! One encrypted value: its text form, and what it says.
//!
//! Source: sops v3.13 `aes/cipher.go`.

use aes_gcm::aead::consts::{U12, U16, U32};
use aes_gcm::aead::generic_array::ArrayLength;
use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use aes_gcm::aes::Aes256;
use aes_gcm::{AesGcm, Nonce};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::tree::{Comment, Value, rfc3339};

/// The parts of `ENC[AES256_GCM,data:…,iv:…,tag:…,type:…]`.
struct Encrypted<'a> {
    data: Vec<u8>,
    nonce: Vec<u8>,
    kind: &'a [u8],
}

/// Decrypts `text`, which is bound to `path`. An empty text is not encrypted.
///
/// # Errors
/// What is wrong, without the text itself.
pub(crate) fn decrypt(text: &[u8], key: &[u8], path: &str) -> Result<Value, String> {
    if text.is_empty() {
        return Ok(Value::Text(Vec::new()));
    }
    let encrypted = parse(text)?;
    let plain = open(&encrypted, key, path.as_bytes())?;
    typed(encrypted.kind, plain)
}

/// Takes the last separator of each kind, as a greedy expression would.
fn parse(text: &[u8]) -> Result<Encrypted<'_>, String> {
    let not_ours = || "Input string <redacted> does not match sops' data format".to_owned();
    let body = text
        .strip_prefix(b"ENC[AES256_GCM,data:")
        .ok_or_else(not_ours)?;
    let line = body.iter().position(|byte| *byte == b'\n');
    let body = &body[..line.unwrap_or(body.len())];
    let end = body
        .iter()
        .rposition(|byte| *byte == b']')
        .ok_or_else(not_ours)?;
    let body = &body[..end];
    let (body, kind) = split_last(body, b",type:").ok_or_else(not_ours)?;
    let (body, tag) = split_last(body, b",tag:").ok_or_else(not_ours)?;
    let (data, nonce) = split_last(body, b",iv:").ok_or_else(not_ours)?;
    if [data, nonce, tag, kind].iter().any(|part| part.is_empty()) {
        return Err(not_ours());
    }
    let decode = |part: &[u8], name: &str| {
        STANDARD
            .decode(part)
            .map_err(|_| format!("Error base64-decoding {name}: illegal base64 data"))
    };
    let mut data = decode(data, "data")?;
    let nonce = decode(nonce, "iv")?;
    data.extend(decode(tag, "tag")?);
    Ok(Encrypted { data, nonce, kind })
}

fn split_last<'a>(text: &'a [u8], separator: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = text
        .windows(separator.len())
        .rposition(|window| window == separator)?;
    Some((&text[..at], &text[at + separator.len()..]))
}

fn open(encrypted: &Encrypted<'_>, key: &[u8], path: &[u8]) -> Result<Vec<u8>, String> {
    match encrypted.nonce.len() {
        32 => open_with::<U32>(encrypted, key, path),
        16 => open_with::<U16>(encrypted, key, path),
        12 => open_with::<U12>(encrypted, key, path),
        0 => Err("cipher: the nonce can't have zero length".to_owned()),
        _ => Err(mismatch()),
    }
}

fn mismatch() -> String {
    "Could not decrypt with AES_GCM: cipher: message authentication failed".to_owned()
}

fn open_with<N: ArrayLength<u8>>(
    encrypted: &Encrypted<'_>,
    key: &[u8],
    path: &[u8],
) -> Result<Vec<u8>, String> {
    let cipher = AesGcm::<Aes256, N>::new_from_slice(key)
        .map_err(|_| format!("crypto/aes: invalid key size {}", key.len()))?;
    let payload = Payload {
        msg: &encrypted.data,
        aad: path,
    };
    let nonce = Nonce::<N>::from_slice(&encrypted.nonce);
    cipher.decrypt(nonce, payload).map_err(|_| mismatch())
}

fn typed(kind: &[u8], plain: Vec<u8>) -> Result<Value, String> {
    let text = || std::str::from_utf8(&plain).unwrap_or_default();
    let wrong = |name: &str| format!("decrypted value is no {name}");
    match kind {
        b"str" | b"bytes" => Ok(Value::Text(plain)),
        b"int" => integer(text()).map(Value::Int).ok_or_else(|| wrong("int")),
        b"float" => float(text())
            .map(Value::Float)
            .ok_or_else(|| wrong("float")),
        b"bool" => match text() {
            "1" | "t" | "T" | "TRUE" | "true" | "True" => Ok(Value::Bool(true)),
            "0" | "f" | "F" | "FALSE" | "false" | "False" => Ok(Value::Bool(false)),
            _ => Err(wrong("bool")),
        },
        b"time" => rfc3339(text())
            .map(Value::Time)
            .ok_or_else(|| wrong("time")),
        b"comment" => Ok(Value::Comment(Comment {
            text: plain,
            inline: false,
        })),
        other => Err(format!(
            "Unknown datatype: {}",
            String::from_utf8_lossy(other)
        )),
    }
}

fn integer(text: &str) -> Option<i64> {
    text.parse().ok()
}

fn float(text: &str) -> Option<f64> {
    match text {
        "NaN" => Some(f64::NAN),
        "+Inf" => Some(f64::INFINITY),
        "-Inf" => Some(f64::NEG_INFINITY),
        _ => text.parse().ok(),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Encrypts as SOPS does, with a fixed nonce.
    pub(crate) fn encrypt(plain: &[u8], key: &[u8; 32], path: &str, kind: &str) -> String {
        let cipher = AesGcm::<Aes256, U32>::new(key.into());
        let nonce = [7; 32];
        let payload = Payload {
            msg: plain,
            aad: path.as_bytes(),
        };
        let sealed = cipher
            .encrypt(Nonce::<U32>::from_slice(&nonce), payload)
            .expect("seals");
        let (data, tag) = sealed.split_at(sealed.len() - 16);
        format!(
            "ENC[AES256_GCM,data:{},iv:{},tag:{},type:{kind}]",
            STANDARD.encode(data),
            STANDARD.encode(nonce),
            STANDARD.encode(tag)
        )
    }

    const KEY: [u8; 32] = [3; 32];

    #[test]
    fn a_value_comes_back_with_its_type() {
        for (plain, kind, value) in [
            ("text", "str", Value::text("text")),
            ("-5", "int", Value::Int(-5)),
            ("1.5", "float", Value::Float(1.5)),
            ("True", "bool", Value::Bool(true)),
            (
                "2020-01-02T03:04:05Z",
                "time",
                Value::Time("2020-01-02T03:04:05Z".into()),
            ),
            (
                "note",
                "comment",
                Value::Comment(Comment {
                    text: b"note".to_vec(),
                    inline: false,
                }),
            ),
        ] {
            let sealed = encrypt(plain.as_bytes(), &KEY, "a:b:", kind);
            assert_eq!(
                decrypt(sealed.as_bytes(), &KEY, "a:b:"),
                Ok(value),
                "{kind}"
            );
        }
        assert_eq!(decrypt(b"", &KEY, "a:"), Ok(Value::text("")));
    }

    #[test]
    fn another_place_key_or_text_is_refused_without_naming_it() {
        let sealed = encrypt(b"text", &KEY, "a:", "str");
        let error = decrypt(sealed.as_bytes(), &KEY, "b:").expect_err("another path");
        assert_eq!(error, mismatch());
        assert_eq!(decrypt(sealed.as_bytes(), &[4; 32], "a:"), Err(mismatch()));
        let error = decrypt(b"secret", &KEY, "a:").expect_err("plain");
        assert!(!error.contains("secret"), "{error}");
        let number = encrypt(b"secret", &KEY, "a:", "int");
        let error = decrypt(number.as_bytes(), &KEY, "a:").expect_err("no number");
        assert!(!error.contains("secret"), "{error}");
    }
}
