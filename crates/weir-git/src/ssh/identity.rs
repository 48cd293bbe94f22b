//! Private keys as people have them: OpenSSH's form, and PEM with or without a password.
//!
//! Source: golang.org/x/crypto v0.53 `ssh/keys.go` `ParseRawPrivateKey`.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::cipher::{
    AES_128, AES_192, AES_256, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey,
};
use aws_lc_rs::iv::FixedLength;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use russh::keys::ssh_key::Kdf;
use russh::keys::{PrivateKey, decode_secret_key};

/// Bytes of a key's file.
const MAX_BYTES: usize = 64 << 10;
/// Rounds of key stretching; ssh-keygen's default is 24.
const MAX_ROUNDS: u32 = 2_000;

/// Why a private key cannot be used. Says nothing of its contents.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// There is none in the text.
    #[error("ssh: no key found")]
    Missing,
    /// It needs a password.
    #[error("ssh: this private key is passphrase protected")]
    Encrypted,
    /// The password is not that of the key.
    #[error("x509: decryption password incorrect")]
    WrongPassword,
    /// A form that is not served.
    #[error("ssh: unsupported key type {0:?}")]
    Unsupported(String),
    /// The form is known and what it holds is broken.
    #[error("ssh: the private key is malformed")]
    Malformed,
}

/// A private key in memory.
#[derive(Clone)]
pub(crate) struct Identity(pub(crate) Arc<PrivateKey>);

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity(…)")
    }
}

impl Identity {
    /// Reads a key; a password that is not needed is ignored.
    pub(crate) fn parse(file: &[u8], password: Option<&str>) -> Result<Self, IdentityError> {
        let text = std::str::from_utf8(file).map_err(|_| IdentityError::Missing)?;
        let pem = Pem::find(text).ok_or(IdentityError::Missing)?;
        let key = match pem.kind {
            "OPENSSH PRIVATE KEY" => openssh(&pem, password)?,
            "RSA PRIVATE KEY" | "EC PRIVATE KEY" | "PRIVATE KEY" => {
                let der = match pem.encryption()? {
                    None => pem.der()?,
                    Some(encryption) => {
                        let password = password.ok_or(IdentityError::Encrypted)?;
                        encryption.decrypt(pem.der()?, password)?
                    }
                };
                let kind = pem.kind;
                let lines = STANDARD.encode(der);
                let plain = format!("-----BEGIN {kind}-----\n{lines}\n-----END {kind}-----\n");
                decode_secret_key(&plain, None).map_err(|_| IdentityError::Malformed)?
            }
            other => return Err(IdentityError::Unsupported(other.to_owned())),
        };
        Ok(Self(Arc::new(key)))
    }
}

/// Whether a key is there, of a form that we read, and cannot be read without a password.
#[must_use]
pub fn needs_password(file: &[u8]) -> bool {
    Identity::parse(file, None).is_err_and(|error| error == IdentityError::Encrypted)
}

fn openssh(pem: &Pem<'_>, password: Option<&str>) -> Result<PrivateKey, IdentityError> {
    let key = PrivateKey::from_bytes(&pem.der()?).map_err(|_| IdentityError::Malformed)?;
    if !key.is_encrypted() {
        return Ok(key);
    }
    let password = password.ok_or(IdentityError::Encrypted)?;
    if matches!(key.kdf(), Kdf::Bcrypt { rounds, .. } if *rounds > MAX_ROUNDS) {
        return Err(IdentityError::Malformed);
    }
    key.decrypt(password)
        .map_err(|_| IdentityError::WrongPassword)
}

/// The first PEM block of a text.
struct Pem<'a> {
    kind: &'a str,
    headers: Vec<(&'a str, &'a str)>,
    body: String,
}

impl<'a> Pem<'a> {
    fn find(text: &'a str) -> Option<Self> {
        if text.len() > MAX_BYTES {
            return None;
        }
        let mut lines = text.lines().map(str::trim);
        let kind =
            lines.find_map(|line| line.strip_prefix("-----BEGIN ")?.strip_suffix("-----"))?;
        let mut pem = Self {
            kind,
            headers: Vec::new(),
            body: String::new(),
        };
        for line in lines {
            if line.starts_with("-----END ") {
                return Some(pem);
            }
            match line.split_once(": ") {
                Some(header) => pem.headers.push(header),
                None => pem.body.push_str(line),
            }
        }
        None
    }

    fn der(&self) -> Result<Vec<u8>, IdentityError> {
        STANDARD
            .decode(&self.body)
            .map_err(|_| IdentityError::Malformed)
    }

    /// How the old form says that it is encrypted.
    fn encryption(&self) -> Result<Option<Encryption>, IdentityError> {
        let header = |name| {
            let found = self.headers.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| *value)
        };
        if !header("Proc-Type").is_some_and(|value| value.contains("ENCRYPTED")) {
            return Ok(None);
        }
        let info = header("DEK-Info").and_then(|info| info.split_once(','));
        let (cipher, iv) = info.ok_or(IdentityError::Malformed)?;
        let key_bytes = match cipher {
            "AES-128-CBC" => 16,
            "AES-192-CBC" => 24,
            "AES-256-CBC" => 32,
            other => return Err(IdentityError::Unsupported(other.to_owned())),
        };
        let iv = hex(iv).ok_or(IdentityError::Malformed)?;
        Ok(Some(Encryption { key_bytes, iv }))
    }
}

struct Encryption {
    key_bytes: usize,
    iv: [u8; 16],
}

impl Encryption {
    /// OpenSSL's old way from password to key: MD5 over and over, salted with half of the vector.
    fn key(&self, password: &str) -> Vec<u8> {
        let mut key = Vec::new();
        let mut round: Vec<u8> = Vec::new();
        while key.len() < self.key_bytes {
            round.extend_from_slice(password.as_bytes());
            round.extend_from_slice(&self.iv[..8]);
            round = md5::compute(&round).0.to_vec();
            key.extend_from_slice(&round);
        }
        key.truncate(self.key_bytes);
        key
    }

    fn decrypt(&self, mut der: Vec<u8>, password: &str) -> Result<Vec<u8>, IdentityError> {
        let algorithm = match self.key_bytes {
            16 => &AES_128,
            24 => &AES_192,
            _ => &AES_256,
        };
        let wrong = |_| IdentityError::WrongPassword;
        let key = UnboundCipherKey::new(algorithm, &self.key(password)).map_err(wrong)?;
        let key = PaddedBlockDecryptingKey::cbc_pkcs7(key).map_err(wrong)?;
        let context = DecryptionContext::Iv128(FixedLength::from(self.iv));
        let plain = key.decrypt(&mut der, context).map_err(wrong)?;
        Ok(plain.to_vec())
    }
}

fn hex(text: &str) -> Option<[u8; 16]> {
    let mut bytes = [0; 16];
    if text.len() != 32 {
        return None;
    }
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(at * 2..at * 2 + 2)?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests;
