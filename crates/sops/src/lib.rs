//! Decrypts files that SOPS encrypted, given what can decrypt their data keys.
//!
//! [`decrypt`] takes bytes and gives bytes: the same that `sops -d` prints. Which keys are at hand is the
//! caller's affair: a [`KeyService`] answers for each [`MasterKey`] of a file. [`age`] and [`pgp`] are the
//! services that need no network.
//!
//! Nothing of a secret is in any [`Error`]; data keys and identities are overwritten when they are dropped.

pub mod age;
mod cipher;
mod data_key;
mod error;
mod flatten;
mod format;
mod metadata;
pub mod pgp;
mod rules;
mod shamir;
mod store;
mod tree;
mod walk;

pub use data_key::{DataKeyError, DataKeys, KeyService, Scope};
pub use error::Error;
pub use format::Format;
pub use metadata::MasterKey;

use std::time::Duration;

use metadata::Metadata;
use walk::Walk;

/// Bytes that are overwritten when they are dropped.
pub type Secret = zeroize::Zeroizing<Vec<u8>>;

/// What a file is decrypted with.
#[derive(Clone, Copy)]
pub struct Keys<'a> {
    /// Answers for the file's master keys.
    pub services: &'a dyn KeyService,
    /// Data keys of before, whose they are, and the time on any clock that only goes forward.
    pub cache: Option<(&'a DataKeys, Scope, Duration)>,
    /// Whether the message authentication code must be right. Flux does not look at it.
    pub strict_mac: bool,
}

/// Decrypts `bytes`, which are in the form `input`, and writes them in the form `output`.
///
/// Source: kustomize-controller v1.9 `SopsDecryptWithFormat`.
///
/// # Errors
/// [`Error`], in upstream's words.
pub fn decrypt(
    bytes: &[u8],
    input: Format,
    output: Format,
    keys: &Keys<'_>,
) -> Result<Secret, Error> {
    let load = |problem| Error::Load {
        format: input,
        problem,
    };
    let mut branches = input.read(bytes).map_err(load)?;
    let metadata = Metadata::take(&mut branches, input.shape()).map_err(load)?;
    let key = data_key_of(&metadata, keys)?;
    let walk = Walk {
        key: &key,
        rule: &metadata.rule,
        only_encrypted: metadata.only_encrypted,
    };
    let result = walk::decrypt(&mut branches, &walk)
        .map_err(Error::Tree)
        .and_then(|sum| {
            if keys.strict_mac {
                verify(&metadata, &key, &sum)?;
            }
            let written = output.write(&branches);
            written.map(Secret::new).map_err(|problem| Error::Emit {
                input,
                output,
                problem,
            })
        });
    for item in branches.iter_mut().flatten() {
        item.value.wipe();
    }
    result
}

fn data_key_of(metadata: &Metadata, keys: &Keys<'_>) -> Result<Secret, Error> {
    if let Some((cache, scope, now)) = keys.cache
        && let Some(key) = cache.get(scope, metadata, now)
    {
        return Ok(key);
    }
    let key = data_key::data_key(metadata, keys.services).map_err(Error::DataKey)?;
    if let Some((cache, scope, now)) = keys.cache {
        cache.put(scope, metadata, now, key.clone());
    }
    Ok(key)
}

fn verify(metadata: &Metadata, key: &[u8], sum: &str) -> Result<(), Error> {
    let stored = cipher::decrypt(metadata.mac.as_bytes(), key, &metadata.last_modified);
    let stored = match stored {
        Ok(tree::Value::Text(text)) => text,
        Ok(_) => {
            return Err(Error::Integrity(
                "the message authentication code is no text",
            ));
        }
        Err(_) => {
            return Err(Error::Integrity(
                "the message authentication code cannot be decrypted",
            ));
        }
    };
    if stored.is_empty() {
        return Err(Error::Integrity(
            "the file has no message authentication code",
        ));
    }
    if stored != sum.as_bytes() {
        return Err(Error::Integrity(
            "the message authentication code does not match the values",
        ));
    }
    Ok(())
}
