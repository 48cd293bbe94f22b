//! The known_hosts file: which keys may stand for a host.
//!
//! Source: sshd(8) of OpenSSH 9, section SSH_KNOWN_HOSTS FILE FORMAT; fluxcd/pkg `ssh/knownhosts/knownhosts.go`.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use russh::keys::ssh_key::public::{KeyData, RsaPublicKey};
use russh::keys::ssh_key::{Certificate, certificate::CertType};
use russh::keys::{Algorithm, HashAlg, PublicKey, PublicKeyOrCertificate};

/// The port that stands in no pattern.
const DEFAULT_PORT: u16 = 22;
/// The fewest bits of an RSA key that is believed.
const MIN_RSA_BITS: u32 = 2048;
/// Lines of one file.
const MAX_LINES: usize = 10_000;

/// Why a file is no known_hosts file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("knownhosts: {0}")]
pub(crate) struct ParseError(String);

/// Why a server's key is not believed, in upstream's words where it has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("knownhosts: key is unknown")]
    Unknown,
    #[error("knownhosts: key mismatch")]
    Mismatch,
    #[error("knownhosts: key is revoked")]
    Revoked,
    #[error("ssh: no authorities for hostname")]
    NoAuthority,
    #[error("ssh: certificate is not valid for this host")]
    Certificate,
    #[error("ssh: the server's RSA key has fewer than 2048 bits")]
    Weak,
}

/// The lines of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct KnownHosts {
    lines: Vec<Line>,
    revoked: Vec<KeyData>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Line {
    hosts: Hosts,
    authority: bool,
    key: KeyData,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Hosts {
    Hashed { salt: Vec<u8>, hash: Vec<u8> },
    Patterns(Vec<Pattern>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Pattern {
    negated: bool,
    host: String,
    port: u16,
}

/// A host as it is dialled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Host {
    /// Its name or address, in lower case, without brackets.
    pub(crate) name: String,
    pub(crate) port: u16,
}

/// The kinds of proof to ask a server for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// Algorithms of bare keys.
    pub(crate) keys: Vec<Algorithm>,
    /// An authority is known for the host: certificates are worth asking for.
    pub(crate) certificates: bool,
}

impl KnownHosts {
    /// Reads a file. Blank lines and comments do not count; every other line must be right.
    pub(crate) fn parse(file: &[u8]) -> Result<Self, ParseError> {
        let text = std::str::from_utf8(file).map_err(|_| error("the file is no text"))?;
        let mut known = Self::default();
        let lines = text.lines().map(str::trim);
        for line in lines.filter(|line| !line.is_empty() && !line.starts_with('#')) {
            if known.lines.len() + known.revoked.len() >= MAX_LINES {
                return Err(error("the file has too many lines"));
            }
            known.add(line)?;
        }
        Ok(known)
    }

    fn add(&mut self, line: &str) -> Result<(), ParseError> {
        let mut words = line.split([' ', '\t']).filter(|word| !word.is_empty());
        let mut next = |missing| words.next().ok_or_else(|| error(missing));
        let first = next("missing host pattern")?;
        let marker = first.starts_with('@').then_some(first);
        let hosts = match marker {
            None => first,
            Some("@cert-authority" | "@revoked") => next("missing host pattern")?,
            Some(other) => return Err(ParseError(format!("unexpected marker: {other:?}"))),
        };
        let algorithm = next("missing key type pattern")?;
        let blob = next("missing key type pattern")?;
        let key = PublicKey::from_openssh(&format!("{algorithm} {blob}"))
            .map_err(|failure| ParseError(failure.to_string()))?;
        let key = key.key_data().clone();
        if marker == Some("@revoked") {
            self.revoked.push(key);
            return Ok(());
        }
        self.lines.push(Line {
            hosts: Hosts::parse(hosts)?,
            authority: marker.is_some(),
            key,
        });
        Ok(())
    }

    /// What to ask `host` for: what is known of it, or where nothing is, everything that is known at all.
    pub(crate) fn wanted(&self, host: &Host) -> Wanted {
        let own: Vec<_> = self.lines.iter().filter(|line| line.is_for(host)).collect();
        let lines = if own.is_empty() {
            self.lines.iter().collect()
        } else {
            own
        };
        let mut wanted = Wanted::default();
        for line in lines {
            if line.authority {
                wanted.certificates = true;
                continue;
            }
            for algorithm in variants(&line.key) {
                if !wanted.keys.contains(&algorithm) {
                    wanted.keys.push(algorithm);
                }
            }
        }
        wanted
    }

    /// Judges what a server has proved to have.
    pub(crate) fn check(
        &self,
        host: &Host,
        shown: &PublicKeyOrCertificate,
        now: u64,
    ) -> Result<(), Refusal> {
        match shown {
            PublicKeyOrCertificate::PublicKey { key, .. } => self.check_key(host, key.key_data()),
            PublicKeyOrCertificate::Certificate(certificate) => {
                self.check_certificate(host, certificate, now)
            }
        }
    }

    fn check_key(&self, host: &Host, key: &KeyData) -> Result<(), Refusal> {
        self.usable(key)?;
        let mut known = false;
        for line in &self.lines {
            if line.authority || !line.is_for(host) {
                continue;
            }
            if line.key == *key {
                return Ok(());
            }
            known = true;
        }
        Err(if known {
            Refusal::Mismatch
        } else {
            Refusal::Unknown
        })
    }

    fn check_certificate(
        &self,
        host: &Host,
        certificate: &Certificate,
        now: u64,
    ) -> Result<(), Refusal> {
        let authority = certificate.signature_key();
        self.usable(authority)?;
        self.usable(certificate.public_key())?;
        let vouches = |line: &&Line| line.authority && line.key == *authority && line.is_for(host);
        if !self.lines.iter().any(|line| vouches(&line)) {
            return Err(Refusal::NoAuthority);
        }
        let principals = certificate.valid_principals();
        let named = principals.is_empty()
            || principals
                .iter()
                .any(|one| glob(one.to_lowercase().as_bytes(), host.name.as_bytes()));
        let fingerprint = authority.fingerprint(HashAlg::Sha256);
        // A host certificate has no critical option that anybody has defined.
        let sound = certificate.cert_type() == CertType::Host
            && certificate.critical_options().is_empty()
            && certificate.validate_at(now, [&fingerprint]).is_ok();
        if named && sound {
            Ok(())
        } else {
            Err(Refusal::Certificate)
        }
    }

    fn usable(&self, key: &KeyData) -> Result<(), Refusal> {
        if self.revoked.contains(key) {
            return Err(Refusal::Revoked);
        }
        match key.rsa().map(RsaPublicKey::key_size) {
            Some(bits) if bits < MIN_RSA_BITS => Err(Refusal::Weak),
            _ => Ok(()),
        }
    }
}

impl Line {
    fn is_for(&self, host: &Host) -> bool {
        match &self.hosts {
            Hosts::Hashed { salt, hash } => {
                let name = match host.port {
                    DEFAULT_PORT => host.name.clone(),
                    port => format!("[{}]:{port}", host.name),
                };
                let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, salt);
                hmac::sign(&key, name.as_bytes()).as_ref() == hash.as_slice()
            }
            Hosts::Patterns(patterns) => {
                let hits = |pattern: &&Pattern| {
                    pattern.port == host.port && glob(pattern.host.as_bytes(), host.name.as_bytes())
                };
                let mut found = patterns.iter().filter(hits).peekable();
                found.peek().is_some() && found.all(|pattern| !pattern.negated)
            }
        }
    }
}

impl Hosts {
    fn parse(text: &str) -> Result<Self, ParseError> {
        if let Some(hashed) = text.strip_prefix('|') {
            let parts: Vec<&str> = hashed.split('|').collect();
            let [kind, salt, hash] = parts.as_slice() else {
                return Err(ParseError(format!(
                    "got {} components, want 3",
                    parts.len() + 1
                )));
            };
            if *kind != "1" {
                return Err(ParseError(format!("got hash type {kind}, must be '1'")));
            }
            let decode = |text: &str| {
                let bytes = STANDARD.decode(text);
                bytes.map_err(|failure| ParseError(failure.to_string()))
            };
            return Ok(Self::Hashed {
                salt: decode(salt)?,
                hash: decode(hash)?,
            });
        }
        let patterns = text.split(',').filter(|pattern| !pattern.is_empty());
        Ok(Self::Patterns(
            patterns.map(Pattern::parse).collect::<Result<_, _>>()?,
        ))
    }
}

impl Pattern {
    fn parse(text: &str) -> Result<Self, ParseError> {
        let (negated, text) = match text.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        if text.is_empty() {
            return Err(error("negation without following hostname"));
        }
        let (host, port) = match text.strip_prefix('[') {
            Some(bracketed) => {
                let (host, rest) = bracketed
                    .split_once(']')
                    .ok_or_else(|| error("missing ']' in address"))?;
                match rest.strip_prefix(':') {
                    Some(port) => (host, Some(port)),
                    None if rest.is_empty() => (host, None),
                    None => return Err(error("unexpected text after ']' in address")),
                }
            }
            // One colon parts a host from its port; an IPv6 address has more.
            None if text.matches(':').count() == 1 => match text.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (text, None),
            },
            None => (text, None),
        };
        let port = match port {
            None => DEFAULT_PORT,
            Some(port) => port
                .parse()
                .map_err(|_| ParseError(format!("{port:?} is no port")))?,
        };
        Ok(Self {
            negated,
            host: host.to_lowercase(),
            port,
        })
    }
}

/// `*` stands for any text, `?` for any byte; no other byte is special. Linear but for `*`, which goes back to
/// the last one only.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut read) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while let Some(&byte) = text.get(read) {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, read));
                at += 1;
            }
            Some(&wanted) if wanted == b'?' || wanted == byte => {
                at += 1;
                read += 1;
            }
            _ => {
                let Some((star_at, taken)) = star else {
                    return false;
                };
                star = Some((star_at, taken + 1));
                (at, read) = (star_at + 1, taken + 1);
            }
        }
    }
    pattern.iter().skip(at).all(|&byte| byte == b'*')
}

/// The signature algorithms that a key can prove itself with, best first.
fn variants(key: &KeyData) -> Vec<Algorithm> {
    match key.algorithm() {
        Algorithm::Rsa { .. } => [Some(HashAlg::Sha512), Some(HashAlg::Sha256), None]
            .map(|hash| Algorithm::Rsa { hash })
            .to_vec(),
        other => vec![other],
    }
}

fn error(text: &str) -> ParseError {
    ParseError(text.to_owned())
}

#[cfg(test)]
mod tests;
