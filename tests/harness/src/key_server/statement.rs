//! Signed statements that clients make about themselves.

use aws_lc_rs::signature::{
    KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, RsaKeyPair,
    UnparsedPublicKey,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::Value;

use super::secrets;

/// Header and claims of `token`, if the key of the tests signed it.
pub(super) fn signed(token: &str) -> Option<(Value, Value)> {
    let (signed, signature) = token.rsplit_once('.')?;
    let (header, claims) = (part(token, 0)?, part(token, 1)?);
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    let pair = key_pair()?;
    let public = pair.public_key().as_ref();
    let verified = match header["alg"].as_str()? {
        "RS256" => UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public)
            .verify(signed.as_bytes(), &signature),
        "PS256" => UnparsedPublicKey::new(&RSA_PSS_2048_8192_SHA256, public)
            .verify(signed.as_bytes(), &signature),
        _ => return None,
    };
    verified.ok()?;
    Some((header, claims))
}

/// The claims of a service account's token. Who can ask the cluster may check more.
pub(super) fn claims(token: &str) -> Option<Value> {
    part(token, 1)
}

/// Whether the claims are for `audience`.
pub(super) fn is_for(claims: &Value, audience: &str) -> bool {
    match &claims["aud"] {
        Value::Array(all) => all.iter().any(|one| one == audience),
        one => one == audience,
    }
}

/// The RSA key of the tests.
pub(super) fn key_pair() -> Option<RsaKeyPair> {
    match PrivateKeyDer::from_pem_slice(secrets::RSA_KEY.as_bytes()).ok()? {
        PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()).ok(),
        PrivateKeyDer::Pkcs8(der) => RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).ok(),
        _ => None,
    }
}

fn part(token: &str, number: usize) -> Option<Value> {
    let text = token.split('.').nth(number)?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
}
