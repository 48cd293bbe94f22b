//! Data keys under a master key that is always the same.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

/// The master key. It protects nothing.
const MASTER: [u8; 32] = *b"a master key that is for tests..";

fn key() -> Option<LessSafeKey> {
    Some(LessSafeKey::new(
        UnboundKey::new(&AES_256_GCM, &MASTER).ok()?,
    ))
}

/// `plain`, which only whoever gives the same `context` gets back.
pub(super) fn seal(plain: &[u8], context: &str) -> Option<Vec<u8>> {
    let nonce: [u8; 12] = rand::random();
    let mut sealed = plain.to_vec();
    let aad = Aad::from(context.as_bytes());
    key()?
        .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut sealed)
        .ok()?;
    Some([nonce.as_slice(), &sealed].concat())
}

/// What was sealed in that context.
pub(super) fn open(sealed: &[u8], context: &str) -> Option<Vec<u8>> {
    let (nonce, rest) = sealed.split_at_checked(12)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let mut rest = rest.to_vec();
    let plain = key()?
        .open_in_place(nonce, Aad::from(context.as_bytes()), &mut rest)
        .ok()?;
    Some(plain.to_vec())
}
