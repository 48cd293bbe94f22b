//! The post-quantum identity: HPKE over ML-KEM-768 and X25519 together.
//!
//! Source: age v1.3 `pq.go`; filippo.io/hpke v0.4 `pq.go`, `hpke.go`; RFC 9180.

use aws_lc_rs::digest::{Context, SHA3_256};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Prk, Salt};
use aws_lc_rs::hmac;
use ml_kem::{Decapsulate as _, DecapsulationKey768, Seed};
use shake::{ExtendableOutput as _, Shake256, Update as _, XofReader as _};
use zeroize::{Zeroize as _, Zeroizing};

use super::header::{Stanza, decode};
use super::x25519::Pair;
use super::{FileKey, Key, Unwrap, open};

const LABEL: &[u8] = b"age-encryption.org/mlkem768x25519";

/// `HPKE`, the numbers of KEM, KDF (HKDF-SHA256) and AEAD (ChaCha20-Poly1305).
const SUITE: &[u8] = b"HPKE\x64\x7a\x00\x01\x00\x03";

/// Ends the input of the combiner.
const COMBINER: &[u8] = b"\\.//^\\";

/// Bytes of the lattice's part of an encapsulation.
const LATTICE: usize = 1088;

pub(super) struct Hybrid {
    lattice: DecapsulationKey768,
    curve: Pair,
}

impl Hybrid {
    /// Both keys from one seed.
    pub(super) fn new(seed: &[u8]) -> Option<Self> {
        if seed.len() != 32 {
            return None;
        }
        let mut hash = Shake256::default();
        hash.update(seed);
        let mut reader = hash.finalize_xof();
        let mut lattice = Seed::default();
        reader.read(&mut lattice);
        let mut scalar = Zeroizing::new([0; 32]);
        reader.read(scalar.as_mut_slice());
        let made = Self {
            lattice: DecapsulationKey768::from_seed(lattice),
            curve: Pair::new(scalar.as_slice())?,
        };
        lattice.as_mut_slice().zeroize();
        Some(made)
    }

    fn shared(&self, encapsulated: &[u8]) -> Option<Key> {
        let (lattice, point) = encapsulated
            .split_at_checked(LATTICE)
            .filter(|(_, p)| p.len() == 32)?;
        let quantum = Zeroizing::new(self.lattice.decapsulate_slice(lattice).ok()?);
        let classic = self.curve.agree(point)?;
        let mut hash = Context::new(&SHA3_256);
        for part in [
            quantum.as_slice(),
            classic.as_slice(),
            point,
            &self.curve.public,
            COMBINER,
        ] {
            hash.update(part);
        }
        Some(Key::new(hash.finish().as_ref().try_into().ok()?))
    }
}

pub(super) fn unwrap(own: &Hybrid, stanza: &Stanza) -> Result<FileKey, Unwrap> {
    if stanza.kind != "mlkem768x25519" {
        return Err(Unwrap::NotMine);
    }
    let broken = || Unwrap::Broken("invalid mlkem768x25519 recipient block".to_owned());
    let [encapsulated] = stanza.arguments.as_slice() else {
        return Err(broken());
    };
    let encapsulated = decode(encapsulated).ok_or_else(broken)?;
    if stanza.body.len() != 32 {
        return Err(Unwrap::Broken(
            "encrypted value has unexpected length".to_owned(),
        ));
    }
    let shared = own.shared(&encapsulated).ok_or_else(broken)?;
    let (key, nonce) = schedule(&shared).ok_or_else(broken)?;
    let opened = open(&key, nonce, &stanza.body).ok_or(Unwrap::NotMine)?;
    Ok(FileKey::new(
        opened.as_slice().try_into().map_err(|_| broken())?,
    ))
}

/// HPKE's key schedule in base mode: the key, and the nonce of the first message.
fn schedule(shared: &Key) -> Option<(Key, [u8; 12])> {
    let mut context = vec![0];
    context.extend_from_slice(extract(&[], b"psk_id_hash", &[]).as_ref());
    context.extend_from_slice(extract(&[], b"info_hash", LABEL).as_ref());
    let secret = Salt::new(HKDF_SHA256, shared.as_slice()).extract(&labeled(b"secret", &[]));
    let mut key = Key::default();
    expand(&secret, b"key", &context, key.as_mut_slice())?;
    let mut nonce = [0; 12];
    expand(&secret, b"base_nonce", &context, &mut nonce)?;
    Some((key, nonce))
}

fn labeled(label: &[u8], input: &[u8]) -> Vec<u8> {
    [b"HPKE-v1", SUITE, label, input].concat()
}

fn extract(salt: &[u8], label: &[u8], input: &[u8]) -> hmac::Tag {
    let key = hmac::Key::new(
        hmac::HMAC_SHA256,
        if salt.is_empty() { &[0; 32] } else { salt },
    );
    hmac::sign(&key, &labeled(label, input))
}

struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

fn expand(secret: &Prk, label: &[u8], context: &[u8], out: &mut [u8]) -> Option<()> {
    let length = u16::try_from(out.len()).ok()?.to_be_bytes();
    let info = [&length[..], b"HPKE-v1", SUITE, label, context];
    secret.expand(&info, Length(out.len())).ok()?.fill(out).ok()
}
