//! SSH private keys as identities: `ssh-ed25519` and `ssh-rsa`.
//!
//! Source: age v1.3 `agessh/agessh.go`; OpenSSH `PROTOCOL.key`.

use aws_lc_rs::rsa::{OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, PrivateDecryptingKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256, Sha512};
use zeroize::Zeroizing;

use super::header::{Stanza, decode, encode};
use super::x25519::Pair;
use super::{FileKey, Unwrap, derive, open_file_key};

const ED25519_LABEL: &[u8] = b"age-encryption.org/v1/ssh-ed25519";
const RSA_LABEL: &[u8] = b"age-encryption.org/v1/ssh-rsa";
const MAGIC: &[u8] = b"openssh-key-v1\0";

/// A private key and what names it.
pub(super) struct Ssh {
    kind: Kind,
    /// The public key as SSH writes it.
    public: Vec<u8>,
}

enum Kind {
    Ed25519(Box<Pair>),
    Rsa(Box<OaepPrivateDecryptingKey>),
}

type Failure = &'static str;

impl Ssh {
    /// Reads an unencrypted key in OpenSSH's or PKCS #1's form.
    pub(super) fn parse(text: &str) -> Result<Self, Failure> {
        let malformed = "malformed SSH identity";
        let mut lines = text.trim().lines();
        let label = lines.next().and_then(|line| {
            line.trim()
                .strip_prefix("-----BEGIN ")?
                .strip_suffix("-----")
        });
        let label = label.ok_or(malformed)?;
        let body: Zeroizing<String> = Zeroizing::new(
            lines
                .map(str::trim)
                .take_while(|line| !line.starts_with("-----END "))
                .collect(),
        );
        if body.contains("DEK-Info") {
            return Err("the SSH key is password protected, which is unsupported");
        }
        let bytes = Zeroizing::new(STANDARD.decode(body.as_bytes()).map_err(|_| malformed)?);
        match label {
            "OPENSSH PRIVATE KEY" => openssh(&bytes),
            "RSA PRIVATE KEY" => pkcs1(&bytes),
            _ => Err("unsupported SSH identity type"),
        }
    }

    fn fingerprint(&self) -> String {
        encode(&Sha256::digest(&self.public)[..4])
    }
}

/// A reader of SSH's length-prefixed fields.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn number(&mut self) -> Result<usize, Failure> {
        let (head, rest) = self
            .0
            .split_first_chunk::<4>()
            .ok_or("malformed SSH identity")?;
        self.0 = rest;
        usize::try_from(u32::from_be_bytes(*head)).map_err(|_| "malformed SSH identity")
    }

    fn next(&mut self) -> Result<&'a [u8], Failure> {
        let length = self.number()?;
        let (head, rest) = self
            .0
            .split_at_checked(length)
            .ok_or("malformed SSH identity")?;
        self.0 = rest;
        Ok(head)
    }
}

fn openssh(bytes: &[u8]) -> Result<Ssh, Failure> {
    let mut fields = Fields(bytes.strip_prefix(MAGIC).ok_or("malformed SSH identity")?);
    let (cipher, _derivation, _options) = (fields.next()?, fields.next()?, fields.next()?);
    if cipher != b"none" {
        return Err("the SSH key is password protected, which is unsupported");
    }
    if fields.number()? != 1 {
        return Err("malformed SSH identity");
    }
    let public = fields.next()?.to_vec();
    let mut own = Fields(fields.next()?);
    if own.number()? != own.number()? {
        return Err("malformed SSH identity");
    }
    let kind = match own.next()? {
        b"ssh-ed25519" => {
            let (_public, secret) = (own.next()?, own.next()?);
            let seed = secret.get(..32).ok_or("malformed SSH identity")?;
            let hash = Zeroizing::new(<[u8; 64]>::from(Sha512::digest(seed)));
            let pair = Pair::new(&hash[..32]).ok_or("malformed SSH identity")?;
            Kind::Ed25519(Box::new(pair))
        }
        b"ssh-rsa" => {
            let (n, e, d) = (own.next()?, own.next()?, own.next()?);
            let (inverse, p, q) = (own.next()?, own.next()?, own.next()?);
            rsa_of(&der_of(&[
                n,
                e,
                d,
                p,
                q,
                &remainder(d, p)?,
                &remainder(d, q)?,
                inverse,
            ]))?
        }
        _ => return Err("unsupported SSH identity type"),
    };
    Ok(Ssh { kind, public })
}

fn pkcs1(bytes: &[u8]) -> Result<Ssh, Failure> {
    let kind = rsa_of(bytes)?;
    let mut rest = bytes;
    rest = der_content(&mut rest, 0x30).ok_or("malformed SSH identity")?;
    let _version = der_content(&mut rest, 2).ok_or("malformed SSH identity")?;
    let n = der_content(&mut rest, 2).ok_or("malformed SSH identity")?;
    let e = der_content(&mut rest, 2).ok_or("malformed SSH identity")?;
    let mut public = Vec::new();
    for field in [b"ssh-rsa".as_slice(), e, n] {
        public.extend_from_slice(&u32::try_from(field.len()).unwrap_or(0).to_be_bytes());
        public.extend_from_slice(field);
    }
    Ok(Ssh { kind, public })
}

fn rsa_of(pkcs1: &[u8]) -> Result<Kind, Failure> {
    const ALGORITHM: &[u8] = &[
        0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00,
    ];
    let mut body = vec![0x02, 0x01, 0x00];
    body.extend_from_slice(ALGORITHM);
    body.extend(der(4, pkcs1));
    let wrapped = Zeroizing::new(der(0x30, &body));
    let key = PrivateDecryptingKey::from_pkcs8(&wrapped).map_err(|_| "malformed SSH identity")?;
    let key = OaepPrivateDecryptingKey::new(key).map_err(|_| "malformed SSH identity")?;
    Ok(Kind::Rsa(Box::new(key)))
}

/// PKCS #1's sequence of numbers.
fn der_of(numbers: &[&[u8]]) -> Zeroizing<Vec<u8>> {
    let mut body = Zeroizing::new(der(2, &[0]));
    for number in numbers {
        let start = number
            .iter()
            .position(|byte| *byte != 0)
            .unwrap_or(number.len());
        let mut minimal = Zeroizing::new(vec![0]);
        minimal.extend_from_slice(&number[start..]);
        let positive = minimal.get(1).is_some_and(|byte| *byte < 0x80);
        body.extend(der(2, if positive { &minimal[1..] } else { &minimal }));
    }
    Zeroizing::new(der(0x30, &body))
}

fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let used = &length[length
        .iter()
        .position(|byte| *byte != 0)
        .unwrap_or(length.len() - 1)..];
    let mut out = vec![tag];
    match used {
        [short @ 0..=0x7f] => out.push(*short),
        long => {
            out.push(0x80 | u8::try_from(long.len()).unwrap_or(0));
            out.extend_from_slice(long);
        }
    }
    out.extend_from_slice(content);
    out
}

/// The content of the next element, which must have this tag.
fn der_content<'a>(rest: &mut &'a [u8], tag: u8) -> Option<&'a [u8]> {
    let (found, after) = rest.split_first()?;
    let (first, mut after) = after.split_first()?;
    let length = match *first {
        short @ 0..=0x7f => usize::from(short),
        long => {
            let (length, behind) = after.split_at_checked(usize::from(long & 0x7f))?;
            after = behind;
            length.iter().try_fold(0_usize, |sum, byte| {
                sum.checked_mul(256)?.checked_add(usize::from(*byte))
            })?
        }
    };
    let (content, behind) = after.split_at_checked(length)?;
    *rest = behind;
    (*found == tag).then_some(content)
}

/// `value` modulo `modulus - 1`, both big-endian: an exponent of the Chinese remainder form.
fn remainder(value: &[u8], modulus: &[u8]) -> Result<Zeroizing<Vec<u8>>, Failure> {
    if value.len() > 2048 || modulus.len() > 1024 || modulus.iter().all(|byte| *byte == 0) {
        return Err("malformed SSH identity");
    }
    // A prime is odd: taking one away changes its last bit alone.
    let mut bound = Zeroizing::new(modulus.to_vec());
    if let Some(last) = bound.last_mut() {
        *last &= 0xfe;
    }
    let width = bound.len() + 1;
    let mut wide = Zeroizing::new(vec![0]);
    wide.extend_from_slice(&bound);
    let mut rest = Zeroizing::new(vec![0_u8; width]);
    for byte in value {
        for bit in (0..8).rev() {
            let mut carry = byte >> bit & 1;
            for digit in rest.iter_mut().rev() {
                let next = *digit >> 7;
                *digit = *digit << 1 | carry;
                carry = next;
            }
            if *rest >= *wide {
                subtract(&mut rest, &wide);
            }
        }
    }
    Ok(rest)
}

fn subtract(from: &mut [u8], what: &[u8]) {
    let mut borrow = false;
    for (digit, other) in from.iter_mut().zip(what).rev() {
        let (first, under) = digit.overflowing_sub(*other);
        let (second, again) = first.overflowing_sub(u8::from(borrow));
        *digit = second;
        borrow = under || again;
    }
}

pub(super) fn unwrap(own: &Ssh, stanza: &Stanza) -> Result<FileKey, Unwrap> {
    let fingerprint = stanza.arguments.first();
    let named = || fingerprint.is_some_and(|name| *name == own.fingerprint());
    match (&own.kind, stanza.kind.as_str()) {
        (Kind::Ed25519(pair), "ssh-ed25519") => ed25519(pair, own, stanza, named()),
        (Kind::Rsa(key), "ssh-rsa") => rsa(key, stanza, named()),
        _ => Err(Unwrap::NotMine),
    }
}

fn ed25519(pair: &Pair, own: &Ssh, stanza: &Stanza, named: bool) -> Result<FileKey, Unwrap> {
    let broken = || Unwrap::Broken("invalid ssh-ed25519 recipient block".to_owned());
    let [_, share] = stanza.arguments.as_slice() else {
        return Err(broken());
    };
    let share = decode(share)
        .filter(|share| share.len() == 32)
        .ok_or_else(broken)?;
    if !named {
        return Err(Unwrap::NotMine);
    }
    let shared = pair.agree(&share).ok_or_else(broken)?;
    let tweak = derive(&[], &own.public, ED25519_LABEL);
    let tweak = Pair::new(tweak.as_slice()).ok_or_else(broken)?;
    let shared = tweak.agree(shared.as_slice()).ok_or_else(broken)?;
    let salt = [share.as_slice(), &pair.public].concat();
    let key = derive(shared.as_slice(), &salt, ED25519_LABEL);
    open_file_key(&key, &stanza.body)
        .ok_or_else(|| Unwrap::Broken("failed to decrypt file key".to_owned()))
}

fn rsa(key: &OaepPrivateDecryptingKey, stanza: &Stanza, named: bool) -> Result<FileKey, Unwrap> {
    let broken = || Unwrap::Broken("failed to decrypt file key".to_owned());
    if stanza.arguments.len() != 1 {
        return Err(Unwrap::Broken("invalid ssh-rsa recipient block".to_owned()));
    }
    if !named {
        return Err(Unwrap::NotMine);
    }
    let mut out = Zeroizing::new(vec![0; key.min_output_size()]);
    let plain = key.decrypt(
        &OAEP_SHA256_MGF1SHA256,
        &stanza.body,
        &mut out,
        Some(RSA_LABEL),
    );
    let plain: &[u8] = plain.map_err(|_| broken())?;
    Ok(FileKey::new(plain.try_into().map_err(|_| broken())?))
}
