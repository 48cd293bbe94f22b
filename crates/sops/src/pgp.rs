//! Data keys encrypted to OpenPGP keys, which must not have a passphrase.
//!
//! Source: sops v3.13 `pgp/keysource.go`; kustomize-controller v1.9 imports into a keyring without an agent's
//! passphrase.

use std::io::Read as _;

use ::pgp::composed::{DecryptionOptions, Deserializable as _, Message, SignedSecretKey, TheRing};

use crate::Secret;

/// Most bytes of a message or of a key file.
const BYTES: usize = 1 << 20;

/// Most keys of one file.
const KEYS: usize = 256;

/// A text that holds no OpenPGP secret key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("failed to import armored key data into GnuPG keyring: {0}")]
pub struct ImportError(&'static str);

/// Secret keys.
#[derive(Default)]
pub struct Keyring(Vec<SignedSecretKey>);

impl std::fmt::Debug for Keyring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} OpenPGP keys", self.0.len())
    }
}

impl Keyring {
    /// Adds all secret keys of a text in ASCII armour; public ones are passed over.
    ///
    /// # Errors
    /// [`ImportError`] if it is no key file.
    pub fn import(&mut self, bytes: &[u8]) -> Result<(), ImportError> {
        if bytes.len() > BYTES {
            return Err(ImportError("key file is too large"));
        }
        let text = String::from_utf8_lossy(bytes);
        let mut found = false;
        for block in blocks(&text) {
            found = true;
            if block.starts_with("-----BEGIN PGP PUBLIC KEY BLOCK-----") {
                continue;
            }
            let keys = SignedSecretKey::from_armor_many(block.as_bytes());
            let (keys, _) = keys.map_err(|_| ImportError("no valid OpenPGP data found."))?;
            for key in keys.take(KEYS) {
                self.0
                    .push(key.map_err(|_| ImportError("no valid OpenPGP data found."))?);
            }
        }
        if !found || self.0.len() > KEYS {
            return Err(ImportError("no valid OpenPGP data found."));
        }
        Ok(())
    }

    /// Whether there is no key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Decrypts an armoured message.
    ///
    /// # Errors
    /// Why not, in upstream's words where they say more than which program failed.
    pub fn decrypt(&self, message: &str) -> Result<Secret, String> {
        let failed = |why: &str| {
            format!(
                "could not decrypt data key with PGP key: GnuPG binary error: failed to decrypt sops data key with pgp: {why}"
            )
        };
        if message.len() > BYTES {
            return Err(failed("message is too large"));
        }
        let parsed = Message::from_armor(message.as_bytes());
        let (message, _) = parsed.map_err(|_| failed("gpg: no valid OpenPGP data found."))?;
        let ring = TheRing {
            secret_keys: self.0.iter().collect(),
            decrypt_options: options(),
            ..TheRing::default()
        };
        let (mut message, _) = message
            .decrypt_the_ring(ring, true)
            .map_err(|_| failed("gpg: decryption failed: No secret key"))?;
        if message.is_compressed() {
            message = message
                .decompress()
                .map_err(|_| failed("gpg: decryption failed"))?;
        }
        let mut plain = Secret::default();
        let limit = u64::try_from(BYTES).unwrap_or(u64::MAX);
        let read = message.take(limit).read_to_end(&mut plain);
        read.map_err(|_| failed("gpg: decryption failed: Bad session key"))?;
        if plain.is_empty() {
            return Err(failed("zero bytes returned"));
        }
        Ok(plain)
    }
}

/// GnuPG writes messages in a form of its own when the key allows it.
fn options() -> DecryptionOptions {
    DecryptionOptions::new().enable_gnupg_aead()
}

/// The armoured blocks of a text.
fn blocks(text: &str) -> impl Iterator<Item = &str> {
    const BEGIN: &str = "-----BEGIN PGP ";
    let mut starts = text.match_indices(BEGIN).map(|(at, _)| at).peekable();
    std::iter::from_fn(move || {
        let start = starts.next()?;
        Some(&text[start..starts.peek().copied().unwrap_or(text.len())])
    })
}
