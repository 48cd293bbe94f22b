//! Data keys encrypted to age recipients: X25519, the hybrid of ML-KEM-768 and X25519, and SSH keys.
//!
//! Source: age v1.3 (file format v1, `pq.go`, `x25519.go`, `agessh/agessh.go`); sops v3.13
//! `age/keysource.go`.

mod bech32;
mod header;
mod hybrid;
mod identity;
mod ssh;
mod x25519;

use aws_lc_rs::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use aws_lc_rs::hmac;
use zeroize::Zeroizing;

use crate::Secret;
use header::{Header, dearmor};
pub use identity::{Identities, ImportError};

/// Most bytes of a message: data keys have 32, but the format allows any payload.
const MESSAGE_BYTES: usize = 1 << 20;

/// Plain bytes per piece of the payload.
const CHUNK: usize = 64 << 10;

const TAG: usize = 16;

/// The key that a message's payload key is made from.
type FileKey = Zeroizing<[u8; 16]>;

type Key = Zeroizing<[u8; 32]>;

/// Why one identity did not give the file key.
enum Unwrap {
    /// The message is for somebody else.
    NotMine,
    /// The message names this identity, but is broken.
    Broken(String),
}

impl Identities {
    /// Decrypts an armoured message.
    ///
    /// # Errors
    /// Why not, in upstream's words.
    pub fn decrypt(&self, message: &str) -> Result<Secret, String> {
        if self.is_empty() {
            return Err("failed to load age identities".to_owned());
        }
        let failed = |why: String| {
            format!("failed to create reader for decrypting sops data key with age: {why}")
        };
        if message.len() > MESSAGE_BYTES {
            return Err(failed("message is too large".to_owned()));
        }
        let read = |why: String| failed(format!("failed to read header: {why}"));
        let bytes = dearmor(message).map_err(read)?;
        let (header, payload) = Header::parse(&bytes).map_err(read)?;
        let file_key = self.file_key(&header).map_err(failed)?;
        verify(&header, &file_key).map_err(failed)?;
        payload_of(&file_key, payload)
    }

    fn file_key(&self, header: &Header<'_>) -> Result<FileKey, String> {
        for identity in self.in_order() {
            for stanza in &header.stanzas {
                match identity.unwrap(stanza) {
                    Ok(key) => return Ok(key),
                    Err(Unwrap::NotMine) => {}
                    Err(Unwrap::Broken(why)) => return Err(why),
                }
            }
        }
        Err(match self.len() {
            1 => "identity did not match any of the recipients: incorrect identity for recipient block",
            _ => "no identity matched any of the recipients",
        }
        .to_owned())
    }
}

/// Checks that nobody changed the header.
fn verify(header: &Header<'_>, file_key: &FileKey) -> Result<(), String> {
    let key = derive(file_key.as_slice(), &[], b"header");
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_slice());
    hmac::verify(&key, header.signed, &header.mac).map_err(|_| "bad header MAC".to_owned())
}

fn payload_of(file_key: &FileKey, payload: &[u8]) -> Result<Secret, String> {
    let broken = || {
        "failed to copy age decrypted data into bytes.Buffer: failed to decrypt and authenticate payload chunk, file may be corrupted or tampered with".to_owned()
    };
    let (nonce, mut rest) = payload.split_at_checked(16).ok_or_else(|| {
        "failed to create reader for decrypting sops data key with age: failed to read nonce: unexpected EOF".to_owned()
    })?;
    let key = derive(file_key.as_slice(), nonce, b"payload");
    let mut plain = Secret::default();
    for counter in 0_u64.. {
        let (chunk, after) = rest.split_at(rest.len().min(CHUNK + TAG));
        let last = after.is_empty();
        let mut nonce = [0; 12];
        nonce[3..11].copy_from_slice(&counter.to_be_bytes());
        nonce[11] = u8::from(last);
        let opened = open(&key, nonce, chunk).ok_or_else(broken)?;
        if last && opened.is_empty() && counter > 0 {
            return Err(broken());
        }
        plain.extend_from_slice(&opened);
        if last {
            break;
        }
        rest = after;
    }
    Ok(plain)
}

/// HKDF over SHA-256, 32 bytes.
fn derive(secret: &[u8], salt: &[u8], info: &[u8]) -> Key {
    let info = [info];
    let mut out = Key::default();
    let extracted = Salt::new(HKDF_SHA256, salt).extract(secret);
    let filled = extracted
        .expand(&info, HKDF_SHA256)
        .map(|expanded| expanded.fill(&mut *out));
    debug_assert!(
        matches!(filled, Ok(Ok(()))),
        "32 bytes are always to be had"
    );
    out
}

/// Opens a sealed text; `None` if it was sealed with another key or changed.
fn open(key: &Key, nonce: [u8; 12], sealed: &[u8]) -> Option<Secret> {
    let key = LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, key.as_slice()).ok()?);
    let mut text = Secret::new(sealed.to_vec());
    let nonce = Nonce::assume_unique_for_key(nonce);
    let length = key
        .open_in_place(nonce, Aad::empty(), &mut text)
        .ok()?
        .len();
    text.truncate(length);
    Some(text)
}

/// Opens a sealed file key.
fn open_file_key(key: &Key, sealed: &[u8]) -> Option<FileKey> {
    let opened = open(key, [0; 12], sealed)?;
    Some(FileKey::new(opened.as_slice().try_into().ok()?))
}
