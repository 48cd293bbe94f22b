//! Private keys: made, read and written.
//!
//! Source: sprig v3.3.0 `crypto.go`, Go 1.26 `crypto/x509`

mod dsa;

use std::convert::Infallible;

use ed25519_dalek::Signer as _;
use go_template::{Budget, Failure, Functions, Signature, Type, Value};
use rsa::pkcs1::{DecodeRsaPrivateKey, EncodeRsaPrivateKey};
use rsa::rand_core::{TryCryptoRng, TryRng};
use rsa::traits::PublicKeyParts;
use rsa::{Pkcs1v15Sign, RsaPrivateKey};
use sha2::{Digest, Sha256};

use super::der::{self, Reader};
use super::pem;
use crate::functions::given;
use crate::{Env, Random};

/// `rsaEncryption`, `ecPublicKey`, `Ed25519`.
pub(super) const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
pub(super) const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
pub(super) const ED25519: &[u8] = &[0x2b, 0x65, 0x70];

/// The caller's chance as the traits of keys want it.
pub(super) struct Chance<'a>(pub(super) &'a Random);

impl TryRng for Chance<'_> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        (self.0)(&mut bytes);
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        (self.0)(&mut bytes);
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, to: &mut [u8]) -> Result<(), Infallible> {
        (self.0)(to);
        Ok(())
    }
}

impl TryCryptoRng for Chance<'_> {}

/// An elliptic curve.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Curve {
    P256,
    P384,
    P521,
}

impl Curve {
    const ALL: [Self; 3] = [Self::P256, Self::P384, Self::P521];

    /// Its identifier.
    fn oid(self) -> &'static [u8] {
        match self {
            Self::P256 => &[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7],
            Self::P384 => &[0x2b, 0x81, 0x04, 0, 0x22],
            Self::P521 => &[0x2b, 0x81, 0x04, 0, 0x23],
        }
    }

    fn bytes(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }

    fn of(oid: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.oid() == oid)
    }
}

/// A private key.
pub(super) enum Key {
    Rsa(Box<RsaPrivateKey>),
    Ec(Curve, Vec<u8>),
    Ed25519([u8; 32]),
    /// One that signs no certificate; its encoding.
    Dsa(Vec<u8>),
}

/// Why a key cannot be used, in Go's words.
pub(super) type Outcome<T> = Result<T, String>;

impl Key {
    /// A new RSA key of 2048 or 4096 bits.
    pub(super) fn rsa(bits: usize, random: &Random, budget: &Budget<'_>) -> Result<Self, Failure> {
        // Some 50 ms, and eight times that for twice the bits.
        budget.steps(if bits > 2048 { 8_000_000 } else { 1_000_000 })?;
        let key = RsaPrivateKey::new(&mut Chance(random), bits);
        let key = key.map_err(|it| format!("error generating rsa key: {it}"))?;
        budget.steps(1024)?;
        Ok(Self::Rsa(Box::new(key)))
    }

    fn ecdsa(random: &Random) -> Self {
        loop {
            let mut bytes = vec![0; 32];
            random(&mut bytes);
            if p256::ecdsa::SigningKey::from_slice(&bytes).is_ok() {
                return Self::Ec(Curve::P256, bytes);
            }
        }
    }

    /// A key in PEM.
    pub(super) fn from_pem(text: &str) -> Outcome<Self> {
        let block = pem::decode(text).ok_or("no PEM data in input")?;
        if block.kind == "PRIVATE KEY" {
            return pkcs8(&block.bytes).map_err(|it| format!("decoding PEM as PKCS#8: {it}"));
        }
        let Some(kind) = block.kind.strip_suffix(" PRIVATE KEY") else {
            let kind = block.kind;
            return Err(format!("no private key data in PEM block of type {kind}"));
        };
        match kind {
            "RSA" => {
                pkcs1(&block.bytes).map_err(|it| format!("parsing RSA private key from PEM: {it}"))
            }
            "EC" => sec1(&block.bytes, None)
                .map_err(|it| format!("parsing EC private key from PEM: {it}")),
            "DSA" => {
                dsa(&block.bytes).map_err(|it| format!("parsing DSA private key from PEM: {it}"))
            }
            _ => Err(format!("invalid private key type {kind}")),
        }
    }

    /// The key in PEM, each kind in the form that upstream chooses.
    pub(super) fn to_pem(&self) -> Outcome<String> {
        Ok(match self {
            Self::Rsa(key) => {
                let bytes = key.to_pkcs1_der().map_err(|it| it.to_string())?;
                pem::encode("RSA PRIVATE KEY", bytes.as_bytes())
            }
            Self::Ec(curve, secret) => {
                let parameters = der::tagged(0xa0, &[&der::oid(curve.oid())]);
                let public = der::tagged(0xa1, &[&der::bits(&self.public()?)]);
                let secret = der::tagged(der::OCTETS, &[secret]);
                let version = der::integer(&[1]);
                let bytes = der::sequence(&[&version, &secret, &parameters, &public]);
                pem::encode("EC PRIVATE KEY", &bytes)
            }
            Self::Ed25519(seed) => {
                let version = der::integer(&[]);
                let seed = der::tagged(der::OCTETS, &[&der::tagged(der::OCTETS, &[seed])]);
                let algorithm = der::sequence(&[&der::oid(ED25519)]);
                pem::encode(
                    "PRIVATE KEY",
                    &der::sequence(&[&version, &algorithm, &seed]),
                )
            }
            Self::Dsa(bytes) => pem::encode("DSA PRIVATE KEY", bytes),
        })
    }

    /// The public key's bits.
    pub(super) fn public(&self) -> Outcome<Vec<u8>> {
        macro_rules! point {
            ($curve:ident, $secret:expr) => {{
                let key = $curve::ecdsa::SigningKey::from_slice($secret);
                let key = key.map_err(|it| it.to_string())?;
                key.verifying_key().to_sec1_point(false).as_bytes().to_vec()
            }};
        }
        Ok(match self {
            Self::Rsa(key) => {
                let number = |it: &rsa::BoxedUint| der::integer(&it.to_be_bytes());
                der::sequence(&[&number(key.n()), &number(key.e())])
            }
            Self::Ec(Curve::P256, secret) => point!(p256, secret),
            Self::Ec(Curve::P384, secret) => point!(p384, secret),
            Self::Ec(Curve::P521, secret) => point!(p521, secret),
            Self::Ed25519(seed) => {
                let key = ed25519_dalek::SigningKey::from_bytes(seed);
                key.verifying_key().to_bytes().to_vec()
            }
            Self::Dsa(_) => {
                let text = "x509: certificate private key does not implement crypto.Signer";
                return Err(String::from(text));
            }
        })
    }

    /// The public key with its algorithm.
    pub(super) fn public_info(&self) -> Outcome<Vec<u8>> {
        let null = der::tagged(der::NULL, &[]);
        let algorithm = match self {
            Self::Rsa(_) => der::sequence(&[&der::oid(RSA), &null]),
            Self::Ec(curve, _) => der::sequence(&[&der::oid(EC), &der::oid(curve.oid())]),
            Self::Ed25519(_) | Self::Dsa(_) => der::sequence(&[&der::oid(ED25519)]),
        };
        Ok(der::sequence(&[&algorithm, &der::bits(&self.public()?)]))
    }

    /// The algorithm of its signatures.
    pub(super) fn signature_algorithm(&self) -> Vec<u8> {
        let ecdsa = |last| der::oid(&[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, last]);
        let oid = match self {
            Self::Rsa(_) => {
                let null = der::tagged(der::NULL, &[]);
                let oid = der::oid(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11]);
                return der::sequence(&[&oid, &null]);
            }
            Self::Ec(Curve::P256, _) => ecdsa(2),
            Self::Ec(Curve::P384, _) => ecdsa(3),
            Self::Ec(Curve::P521, _) => ecdsa(4),
            Self::Ed25519(_) | Self::Dsa(_) => der::oid(ED25519),
        };
        der::sequence(&[&oid])
    }

    /// A signature. It takes no chance: what is signed decides.
    pub(super) fn sign(&self, text: &[u8]) -> Outcome<Vec<u8>> {
        /// `DigestInfo` of SHA-256 up to the digest.
        const PREFIX: [u8; 19] = [
            0x30, 0x31, 0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5, 0, 4, 0x20,
        ];
        macro_rules! sign {
            ($curve:ident, $secret:expr) => {{
                let key = $curve::ecdsa::SigningKey::from_slice($secret);
                let key = key.map_err(|it| it.to_string())?;
                let signature: $curve::ecdsa::Signature = key.sign(text);
                signature.to_der().as_bytes().to_vec()
            }};
        }
        Ok(match self {
            Self::Rsa(key) => {
                let scheme = Pkcs1v15Sign {
                    hash_len: Some(32),
                    prefix: Box::new(PREFIX),
                };
                let signature = key.sign(scheme, &Sha256::digest(text));
                signature.map_err(|it| it.to_string())?
            }
            Self::Ec(Curve::P256, secret) => sign!(p256, secret),
            Self::Ec(Curve::P384, secret) => sign!(p384, secret),
            Self::Ec(Curve::P521, secret) => sign!(p521, secret),
            Self::Ed25519(seed) => {
                let key = ed25519_dalek::SigningKey::from_bytes(seed);
                key.sign(text).to_bytes().to_vec()
            }
            Self::Dsa(_) => self.public()?,
        })
    }
}

const MALFORMED: &str = "asn1: structure error: tags don't match";

fn pkcs1(bytes: &[u8]) -> Outcome<Key> {
    // Larger keys take longer than a rendering may.
    if bytes.len() > 8 << 10 {
        return Err(String::from("crypto/rsa: key is too large"));
    }
    if let Ok(key) = RsaPrivateKey::from_pkcs1_der(bytes) {
        return Ok(Key::Rsa(Box::new(key)));
    }
    let other = if sec1(bytes, None).is_ok() {
        "ParseECPrivateKey"
    } else if pkcs8(bytes).is_ok() {
        "ParsePKCS8PrivateKey"
    } else {
        return Err(String::from(MALFORMED));
    };
    Err(format!(
        "x509: failed to parse private key (use {other} instead for this key format)"
    ))
}

/// An elliptic key; the curve may be told from outside.
fn sec1(bytes: &[u8], curve: Option<Curve>) -> Outcome<Key> {
    let mut reader = Reader(bytes).sequence().ok_or(MALFORMED)?;
    let version = reader.integer().ok_or(MALFORMED)?;
    if version != [1] {
        return Err(String::from("x509: unknown EC private key version 0"));
    }
    let secret = reader.expect(der::OCTETS).ok_or(MALFORMED)?.content;
    let named = reader.optional(0xa0);
    let named = named.and_then(|it| Reader(it.content).expect(der::OID));
    let named = named.and_then(|it| Curve::of(it.content));
    let curve = curve.or(named).ok_or("x509: unknown elliptic curve")?;
    let width = curve.bytes();
    let skip = secret.iter().take_while(|it| **it == 0).count();
    let secret = &secret[skip..];
    if secret.len() > width {
        return Err(String::from("x509: invalid private key length"));
    }
    let mut padded = vec![0; width - secret.len()];
    padded.extend_from_slice(secret);
    let key = Key::Ec(curve, padded);
    key.public()
        .map_err(|_| String::from("x509: invalid elliptic curve private key value"))?;
    Ok(key)
}

fn pkcs8(bytes: &[u8]) -> Outcome<Key> {
    let mut reader = Reader(bytes).sequence().ok_or(MALFORMED)?;
    reader.integer().ok_or(MALFORMED)?;
    let mut algorithm = reader.sequence().ok_or(MALFORMED)?;
    let oid = algorithm.expect(der::OID).ok_or(MALFORMED)?.content;
    let key = reader.expect(der::OCTETS).ok_or(MALFORMED)?.content;
    match oid {
        RSA => pkcs1(key),
        EC => {
            let curve = algorithm.expect(der::OID);
            sec1(key, curve.and_then(|it| Curve::of(it.content)))
        }
        ED25519 => {
            let seed = Reader(key).expect(der::OCTETS);
            let seed = seed.and_then(|it| it.content.try_into().ok());
            seed.map(Key::Ed25519)
                .ok_or_else(|| String::from("x509: invalid Ed25519 private key"))
        }
        _ => Err(String::from(
            "x509: PKCS#8 wrapping contained private key with unknown algorithm",
        )),
    }
}

fn dsa(bytes: &[u8]) -> Outcome<Key> {
    let mut reader = Reader(bytes).sequence().ok_or(MALFORMED)?;
    for _ in 0..6 {
        reader.integer().ok_or(MALFORMED)?;
    }
    Ok(Key::Dsa(bytes.to_vec()))
}

pub(super) fn register(functions: &mut Functions, env: &Env) {
    let random = env.random.clone();
    let signature = Signature::new(&[Type::String], &Type::String);
    functions.add("genPrivateKey", signature, move |call, args| {
        let kind = given::text(args, 0);
        let key = match &*kind {
            "" | "rsa" => Key::rsa(4096, &random, call.budget())?,
            "dsa" => Key::Dsa(dsa::generate(&random, call.budget())?),
            "ecdsa" => Key::ecdsa(&random),
            "ed25519" => {
                let mut seed = [0; 32];
                random(&mut seed);
                Key::Ed25519(seed)
            }
            _ => return Ok(Value::from(format!("Unknown type {kind}"))),
        };
        call.budget().steps(10_000)?;
        Ok(Value::from(key.to_pem()?))
    });
}
