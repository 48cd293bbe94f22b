//! Identities: what opens a message.
//!
//! Source: sops v3.13 `age/keysource.go` `parseIdentities`; age v1.3 `age.go`.

use super::header::Stanza;
use super::hybrid::{self, Hybrid};
use super::ssh::{self, Ssh};
use super::x25519::{self, Pair};
use super::{FileKey, Unwrap, bech32};

/// Most bytes of a key file.
const FILE_BYTES: usize = 1 << 20;

/// A text that is no identity; it does not say what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("failed to parse and add to age identities: {0}")]
pub struct ImportError(&'static str);

/// Identities in the order of their import.
#[derive(Default)]
pub struct Identities(Vec<Identity>);

pub(super) enum Identity {
    X25519(Pair),
    Hybrid(Box<Hybrid>),
    Ssh(Ssh),
}

impl std::fmt::Debug for Identities {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} age identities", self.0.len())
    }
}

impl Identities {
    /// Adds the identities of a key file: one per line, between comments. A whole SSH private key counts as
    /// one; upstream takes these from its environment only.
    ///
    /// # Errors
    /// [`ImportError`] for the first line that is none.
    pub fn import(&mut self, text: &str) -> Result<(), ImportError> {
        if text.len() > FILE_BYTES {
            return Err(ImportError("key file is too large"));
        }
        if text.trim_start().starts_with("-----BEGIN ") {
            let key = Ssh::parse(text).map_err(ImportError)?;
            self.0.push(Identity::Ssh(key));
            return Ok(());
        }
        let lines = text
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'));
        let read: Result<Vec<Identity>, _> = lines.map(identity).collect();
        self.0.append(&mut read.map_err(ImportError)?);
        Ok(())
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Native ones first.
    pub(super) fn in_order(&self) -> impl Iterator<Item = &Identity> {
        let is_native = |identity: &&Identity| !matches!(identity, Identity::Ssh(_));
        let native = self.0.iter().filter(is_native);
        native.chain(self.0.iter().filter(move |identity| !is_native(identity)))
    }
}

impl Identity {
    pub(super) fn unwrap(&self, stanza: &Stanza) -> Result<FileKey, Unwrap> {
        match self {
            Self::X25519(pair) => x25519::unwrap(pair, stanza),
            Self::Hybrid(hybrid) => hybrid::unwrap(hybrid, stanza),
            Self::Ssh(ssh) => ssh::unwrap(ssh, stanza),
        }
    }
}

fn identity(line: &str) -> Result<Identity, &'static str> {
    let bytes = |kind: &str| {
        let (prefix, bytes) = bech32::decode(line).map_err(|_| "malformed secret key")?;
        if prefix == kind {
            Ok(bytes)
        } else {
            Err("malformed secret key: unknown type")
        }
    };
    if line.starts_with("AGE-PLUGIN-") {
        return Err("age plugins are not supported");
    }
    if line.starts_with("AGE-SECRET-KEY-PQ-1") {
        let hybrid = Hybrid::new(&bytes("age-secret-key-pq-")?);
        let hybrid = hybrid.ok_or("malformed secret key: invalid MLKEM768-X25519 secret key")?;
        return Ok(Identity::Hybrid(Box::new(hybrid)));
    }
    if line.starts_with("AGE-SECRET-KEY-1") {
        let pair = Pair::new(&bytes("age-secret-key-")?);
        return pair
            .map(Identity::X25519)
            .ok_or("malformed secret key: invalid X25519 secret key");
    }
    Err("unknown identity type")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_lines_between_comments() {
        let mut identities = Identities::default();
        let text = "# created\n# public key\nAGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX\n";
        assert_eq!(identities.import(text), Ok(()));
        assert_eq!(identities.len(), 1);
    }

    #[test]
    fn what_is_no_identity_is_not_repeated() {
        for text in [
            "secret",
            "AGE-SECRET-KEY-1SECRET",
            "AGE-PLUGIN-X-1SECRET",
            "-----BEGIN OPENSSH PRIVATE KEY-----\nsecret",
        ] {
            let error = Identities::default()
                .import(text)
                .expect_err(text)
                .to_string();
            assert!(
                !error.to_lowercase().contains("secret-key-1secret") && !error.ends_with("secret"),
                "{error}"
            );
        }
        let error = Identities::default().import("x").expect_err("no identity");
        assert_eq!(
            error.to_string(),
            "failed to parse and add to age identities: unknown identity type"
        );
    }
}
