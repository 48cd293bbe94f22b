//! The classic age identity, and the curve that all identities share.
//!
//! Source: age v1.3 `x25519.go`.

use aws_lc_rs::agreement::{self, PrivateKey, UnparsedPublicKey, X25519};

use super::header::{Stanza, decode};
use super::{FileKey, Key, Unwrap, derive, open_file_key};

const LABEL: &[u8] = b"age-encryption.org/v1/X25519";

/// A secret scalar and its point.
pub(super) struct Pair {
    secret: PrivateKey,
    pub(super) public: [u8; 32],
}

impl Pair {
    pub(super) fn new(secret: &[u8]) -> Option<Self> {
        let secret = PrivateKey::from_private_key(&X25519, secret).ok()?;
        let public = secret.compute_public_key().ok()?.as_ref().try_into().ok()?;
        Some(Self { secret, public })
    }

    /// The shared secret with `other`; `None` for points of low order.
    pub(super) fn agree(&self, other: &[u8]) -> Option<Key> {
        let other = UnparsedPublicKey::new(&X25519, other);
        agreement::agree(&self.secret, other, (), |shared| {
            let key: [u8; 32] = shared.try_into().map_err(drop)?;
            Ok(Key::new(key))
        })
        .ok()
    }
}

pub(super) fn unwrap(own: &Pair, stanza: &Stanza) -> Result<FileKey, Unwrap> {
    if stanza.kind != "X25519" {
        return Err(Unwrap::NotMine);
    }
    let broken = |why: &str| Unwrap::Broken(format!("invalid X25519 recipient block{why}"));
    let [share] = stanza.arguments.as_slice() else {
        return Err(broken(""));
    };
    let share = decode(share)
        .filter(|share| share.len() == 32)
        .ok_or_else(|| broken(""))?;
    if stanza.body.len() != 32 {
        return Err(broken(": incorrect file key size"));
    }
    let shared = own.agree(&share).ok_or_else(|| broken(""))?;
    let salt = [share.as_slice(), &own.public].concat();
    let key = derive(shared.as_slice(), &salt, LABEL);
    open_file_key(&key, &stanza.body).ok_or(Unwrap::NotMine)
}
