//! Signatures of commits and tags, by PGP or SSH keys.
//!
//! What is signed are the object's bytes without the signature, cut as git cuts them: nothing is parsed and
//! printed again, so no two readings of one object can differ.
//!
//! Source: git 2.47 `commit.c` `parse_signed_commit`, `gpg-interface.c` `parse_signed_buffer`; fluxcd/pkg
//! v0.52 `git/signature`.

mod openpgp;
mod ssh;

use crate::error::Error;

/// Lines that begin a signature at the end of a tag.
const BEGINNINGS: [&str; 4] = [
    "-----BEGIN PGP SIGNATURE-----",
    "-----BEGIN PGP MESSAGE-----",
    "-----BEGIN SIGNED MESSAGE-----",
    "-----BEGIN SSH SIGNATURE-----",
];
/// The headers that hold a signature of the object.
const HEADERS: [&str; 2] = ["gpgsig", "gpgsig-sha256"];
/// Bytes of a signature.
const MAX_SIGNATURE: usize = 256 << 10;

/// The public keys to trust.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedKeys {
    /// Armored PGP key rings.
    pub pgp: Vec<String>,
    /// Files of SSH keys in the form of `authorized_keys`.
    pub ssh: Vec<String>,
}

/// Why a signature does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SignatureError(pub(crate) String);

/// What is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// A commit.
    Commit,
    /// A tag.
    Tag,
}

/// An object's bytes and their signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    subject: Subject,
    payload: Vec<u8>,
    signature: String,
}

impl Signed {
    /// A commit as it is stored.
    pub(crate) fn commit(object: &[u8]) -> Result<Self, Error> {
        let (payload, signatures) = without_headers(object, &HEADERS);
        let own: Vec<String> = signatures
            .into_iter()
            .filter_map(|(name, value)| (name == "gpgsig").then_some(value))
            .collect();
        // Which of two counts is a matter of taste, and taste differs between programs.
        if own.len() > 1 {
            return Err(Error::Object(
                "the commit has several signatures".to_owned(),
            ));
        }
        Ok(Self {
            subject: Subject::Commit,
            payload,
            signature: own.into_iter().next().unwrap_or_default(),
        })
    }

    /// A tag as it is stored.
    pub(crate) fn tag(object: &[u8]) -> Self {
        let mut at = 0;
        let mut start = object.len();
        for line in object.split_inclusive(|byte| *byte == b'\n') {
            if BEGINNINGS
                .iter()
                .any(|begin| line.starts_with(begin.as_bytes()))
            {
                start = at;
            }
            at += line.len();
        }
        let (payload, signature) = object.split_at(start);
        // The signature in another hash's name is no part of what this one signs.
        let (payload, _) = without_headers(payload, &HEADERS[1..]);
        Self {
            subject: Subject::Tag,
            payload,
            signature: String::from_utf8_lossy(signature).into_owned(),
        }
    }

    /// Whether there is any signature.
    #[must_use]
    pub fn is_signed(&self) -> bool {
        !self.signature.is_empty()
    }

    /// The name of the key that made the signature: a PGP key ID, or an SSH key's `SHA256:` fingerprint.
    ///
    /// # Errors
    /// If there is no signature, or none of the keys made it, or that key may not sign at `now`, which is in
    /// seconds since 1970.
    pub fn verify(&self, keys: &TrustedKeys, now: u64) -> Result<String, SignatureError> {
        let signature = self.signature.trim();
        let object = match self.subject {
            Subject::Commit => "Git commit",
            Subject::Tag => "Git tag",
        };
        let failed = |error: String, kind: &str| {
            SignatureError(format!("unable to verify {object}{kind}: {error}"))
        };
        let no_keys = |kind: &str, suffix: &str| {
            SignatureError(format!(
                "{kind} signature detected but no {kind} public keys found in secret (keys with {suffix} suffix)"
            ))
        };
        if signature.len() > MAX_SIGNATURE {
            return Err(failed("the signature is too large".to_owned(), ""));
        }
        match kind(signature) {
            "openpgp" if keys.pgp.is_empty() => Err(no_keys("PGP", ".asc")),
            "openpgp" => openpgp::verify(signature, &self.payload, &keys.pgp, now)
                .map_err(|error| failed(error, "")),
            "ssh" if keys.ssh.is_empty() => Err(no_keys("SSH", ".sshpub")),
            "ssh" => ssh::verify(signature, &self.payload, &keys.ssh)
                .map_err(|error| failed(error, " SSH signature")),
            other => Err(SignatureError(format!(
                "unsupported signature type: {other}"
            ))),
        }
    }
}

/// What a signature is, by its first line.
fn kind(signature: &str) -> &'static str {
    if signature.starts_with(BEGINNINGS[0]) {
        "openpgp"
    } else if signature.starts_with(BEGINNINGS[3]) {
        "ssh"
    } else if signature.starts_with(BEGINNINGS[2]) {
        "x509"
    } else if signature.is_empty() {
        "empty"
    } else {
        "unknown"
    }
}

/// An object without the named headers, and their values with the folding undone.
fn without_headers(
    object: &[u8],
    names: &[&'static str],
) -> (Vec<u8>, Vec<(&'static str, String)>) {
    let mut rest = Vec::with_capacity(object.len());
    let mut taken: Vec<(&'static str, Vec<u8>)> = Vec::new();
    let mut inside = false;
    let mut lines = object.split_inclusive(|byte| *byte == b'\n');
    for line in lines.by_ref() {
        if inside && let Some(folded) = line.strip_prefix(b" ") {
            if let Some((_, value)) = taken.last_mut() {
                value.extend_from_slice(folded);
            }
            continue;
        }
        let named = names.iter().find_map(|name| {
            let value = line.strip_prefix(name.as_bytes())?.strip_prefix(b" ")?;
            Some((*name, value))
        });
        inside = named.is_some();
        match named {
            Some((name, value)) => taken.push((name, value.to_vec())),
            None => rest.extend_from_slice(line),
        }
        // The headers end at the first blank line.
        if line == b"\n" {
            break;
        }
    }
    for line in lines {
        rest.extend_from_slice(line);
    }
    let text = |(name, value): (&'static str, Vec<u8>)| {
        (name, String::from_utf8_lossy(&value).into_owned())
    };
    (rest, taken.into_iter().map(text).collect())
}

#[cfg(test)]
mod tests;
