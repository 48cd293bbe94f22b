//! Signatures in OpenPGP's form, and the rules on who may make them.
//!
//! rpgp checks numbers; whether a key is alive, bound, revoked or allowed to sign is decided here.
//!
//! Source: ProtonMail/go-crypto v1.4 `openpgp/read.go`, `openpgp/keys.go`; RFC 9580.

use pgp::composed::{Deserializable, DetachedSignature, SignedPublicKey, SignedPublicSubKey};
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{Signature, SignatureType};
use pgp::types::{KeyDetails, Tag};

/// Keys of one ring.
const MAX_KEYS: usize = 1_000;
/// Self-signatures of one key that are looked at.
const MAX_SELF_SIGNATURES: usize = 200;
/// Signatures in one armor.
const MAX_SIGNATURES: usize = 8;
/// How far the clock of who signed may be ahead, in seconds.
const CLOCK_SKEW: u64 = 24 * 60 * 60;

/// The ID of the primary key that made `signature` over `payload`.
pub(super) fn verify(
    signature: &str,
    payload: &[u8],
    rings: &[String],
    now: u64,
) -> Result<String, String> {
    let mut unreadable = None;
    let mut tried = false;
    let signatures = signatures(signature);
    for ring in rings {
        let keys = match read(ring) {
            Ok(keys) => keys,
            Err(error) => {
                unreadable.get_or_insert(error);
                continue;
            }
        };
        tried = true;
        let holds = |key: &&SignedPublicKey| {
            let mut signatures = signatures.iter();
            signatures.any(|signature| made_by(key, &signature.signature, payload, now))
        };
        if let Some(key) = keys.iter().find(holds) {
            return Ok(key.primary_key.legacy_key_id().to_string().to_uppercase());
        }
    }
    match unreadable {
        Some(error) if !tried => Err(error),
        _ => Err(
            "unable to verify payload with any of the given key rings: no matching key".to_owned(),
        ),
    }
}

fn read(ring: &str) -> Result<Vec<SignedPublicKey>, String> {
    let failed = |text: &str| format!("unable to read armored key ring: {text}");
    if !ring.contains("-----BEGIN ") {
        return Err(failed("openpgp: invalid argument: no armored data found"));
    }
    let (keys, _) = SignedPublicKey::from_armor_many(ring.trim().as_bytes())
        .map_err(|_| failed("unexpected EOF"))?;
    let keys: Result<Vec<_>, _> = keys.take(MAX_KEYS).collect();
    keys.map_err(|_| failed("unexpected EOF"))
}

fn signatures(text: &str) -> Vec<DetachedSignature> {
    let Ok((found, _)) = DetachedSignature::from_armor_many(text.as_bytes()) else {
        return Vec::new();
    };
    found.take(MAX_SIGNATURES).map_while(Result::ok).collect()
}

/// Whether the key or one of its subkeys made the signature and might.
fn made_by(key: &SignedPublicKey, signature: &Signature, payload: &[u8], now: u64) -> bool {
    sound(signature, now)
        && (by_primary(key, signature, payload, now)
            || key
                .public_subkeys
                .iter()
                .any(|subkey| by_subkey(key, subkey, signature, payload, now)))
}

/// A signature over a document, by a hash that nobody can collide, that has begun and not ended.
fn sound(signature: &Signature, now: u64) -> bool {
    let document = matches!(
        signature.typ(),
        Some(SignatureType::Binary | SignatureType::Text)
    );
    let strong = matches!(
        signature.hash_alg(),
        Some(
            HashAlgorithm::Sha224
                | HashAlgorithm::Sha256
                | HashAlgorithm::Sha384
                | HashAlgorithm::Sha512
                | HashAlgorithm::Sha3_256
                | HashAlgorithm::Sha3_512
        )
    );
    document && strong && in_time(signature, now)
}

fn in_time(signature: &Signature, now: u64) -> bool {
    let Some(created) = signature.created() else {
        return false;
    };
    let created = u64::from(created.as_secs());
    let ends = signature
        .signature_expiration_time()
        .map(|life| u64::from(life.as_secs()));
    created <= now + CLOCK_SKEW && !ends.is_some_and(|life| life != 0 && created + life <= now)
}

fn by_primary(key: &SignedPublicKey, signature: &Signature, payload: &[u8], now: u64) -> bool {
    let Some(own) = primary_state(key, now) else {
        return false;
    };
    own.key_flags().sign()
        && names(signature, &key.primary_key)
        && signature.verify(&key.primary_key, payload).is_ok()
}

fn by_subkey(
    key: &SignedPublicKey,
    subkey: &SignedPublicSubKey,
    signature: &Signature,
    payload: &[u8],
    now: u64,
) -> bool {
    // The cheap questions first: most subkeys have not made it.
    names(signature, &subkey.key)
        && signature.verify(&subkey.key, payload).is_ok()
        && primary_state(key, now).is_some()
        && may_sign(key, subkey, now)
}

/// Whether the signature says that this key made it, and nothing else.
fn names(signature: &Signature, key: &impl KeyDetails) -> bool {
    let (id, fingerprint) = (key.legacy_key_id(), key.fingerprint());
    let (ids, fingerprints) = (signature.issuer_key_id(), signature.issuer_fingerprint());
    (!ids.is_empty() || !fingerprints.is_empty())
        && ids.into_iter().all(|one| *one == id)
        && fingerprints.into_iter().all(|one| *one == fingerprint)
}

/// The self-signature that counts of a primary key that is alive; nothing of one that is revoked or expired.
fn primary_state(key: &SignedPublicKey, now: u64) -> Option<&Signature> {
    let primary = &key.primary_key;
    let details = &key.details;
    let direct = |list| few(list).filter(|found| found.verify_key(primary).is_ok());
    if direct(&details.revocation_signatures).next().is_some() {
        return None;
    }
    let created = u64::from(primary.created_at().as_secs());
    let alive = |found: &Signature| in_time(found, now) && !expired(found, created, now);
    let directs: Vec<&Signature> = direct(&details.direct_signatures)
        .filter(|found| found.typ() == Some(SignatureType::Key) && in_time(found, now))
        .collect();
    if newest(directs.iter().copied()).is_some_and(|found| !alive(found)) {
        return None;
    }
    let mut named: Vec<&Signature> = Vec::new();
    for user in details.users.iter().take(MAX_SELF_SIGNATURES) {
        let valid: Vec<&Signature> = few(&user.signatures)
            .filter(|found| {
                let certified = found.verify_certification(primary, Tag::UserId, &user.id);
                certified.is_ok() && in_time(found, now)
            })
            .collect();
        // A name whose latest word is its revocation does not count.
        named.extend(newest(valid.into_iter()).filter(|found| found.is_certification()));
    }
    let primary_name = named.iter().copied().filter(|found| found.is_primary());
    let counts = newest(primary_name)
        .or_else(|| newest(named.iter().copied()))
        .or_else(|| newest(directs.iter().copied()))?;
    alive(counts).then_some(counts)
}

fn may_sign(key: &SignedPublicKey, subkey: &SignedPublicSubKey, now: u64) -> bool {
    let primary = &key.primary_key;
    let valid: Vec<&Signature> = few(&subkey.signatures)
        .filter(|found| found.verify_subkey_binding(primary, &subkey.key).is_ok())
        .collect();
    let kind = |kind| move |found: &&&Signature| found.typ() == Some(kind);
    if valid
        .iter()
        .any(|found| kind(SignatureType::SubkeyRevocation)(&found))
    {
        return false;
    }
    let bindings = valid
        .iter()
        .filter(kind(SignatureType::SubkeyBinding))
        .copied();
    let Some(binding) = newest(bindings.filter(|found| in_time(found, now))) else {
        return false;
    };
    let created = u64::from(subkey.key.created_at().as_secs());
    let agreed = binding.embedded_signature().is_some_and(|back| {
        back.verify_primary_key_binding(&subkey.key, primary)
            .is_ok()
    });
    binding.key_flags().sign() && agreed && !expired(binding, created, now)
}

fn expired(state: &Signature, created: u64, now: u64) -> bool {
    let life = state
        .key_expiration_time()
        .map(|life| u64::from(life.as_secs()));
    life.is_some_and(|life| life != 0 && created + life <= now)
}

fn few(list: &[Signature]) -> impl Iterator<Item = &Signature> {
    list.iter().take(MAX_SELF_SIGNATURES)
}

fn newest<'a>(list: impl Iterator<Item = &'a Signature>) -> Option<&'a Signature> {
    list.max_by_key(|found| found.created().map(|time| time.as_secs()))
}
