//! Signed statements about who we are, and reading those of others.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use serde_json::Value;

use crate::error::Error;

/// How a statement is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Algorithm {
    /// RSA with PKCS #1 padding.
    Rs256,
    /// RSA with PSS padding.
    Ps256,
}

impl Algorithm {
    fn encoding(self) -> &'static dyn RsaEncoding {
        match self {
            Self::Rs256 => &RSA_PKCS1_SHA256,
            Self::Ps256 => &RSA_PSS_SHA256,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Ps256 => "PS256",
        }
    }
}

/// The RSA key in a PEM text.
///
/// # Errors
/// [`Error::Invalid`] if there is none.
pub(crate) fn rsa_key(pem: &[u8]) -> Result<KeyPair, Error> {
    let unusable = || Error::Invalid("could not parse private key".to_owned());
    let key = PrivateKeyDer::from_pem_slice(pem).map_err(|_| unusable())?;
    let key = match &key {
        PrivateKeyDer::Pkcs1(der) => KeyPair::from_der(der.secret_pkcs1_der()),
        PrivateKeyDer::Pkcs8(der) => KeyPair::from_pkcs8(der.secret_pkcs8_der()),
        _ => return Err(unusable()),
    };
    key.map_err(|_| unusable())
}

/// `claims` under `header`, signed. `header` gets its algorithm and type here.
///
/// # Errors
/// [`Error::Invalid`] if the key cannot sign.
pub(crate) fn sign(
    algorithm: Algorithm,
    key: &KeyPair,
    mut header: Value,
    claims: &Value,
) -> Result<String, Error> {
    header["alg"] = algorithm.name().into();
    header["typ"] = "JWT".into();
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&header), part(claims));
    let mut signature = vec![0; key.public_modulus_len()];
    let random = SystemRandom::new();
    key.sign(
        algorithm.encoding(),
        &random,
        signed.as_bytes(),
        &mut signature,
    )
    .map_err(|_| Error::Invalid("could not sign with the private key".to_owned()))?;
    Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

/// What a token says of itself; nobody has checked it.
///
/// # Errors
/// [`Error::Invalid`] if it is no token of this form.
pub fn claims(token: &str) -> Result<Value, Error> {
    let parts: Vec<&str> = token.split('.').collect();
    let &[_, payload, _] = parts.as_slice() else {
        return Err(Error::Invalid("not a JWT".to_owned()));
    };
    let invalid = |what: &str| Error::Invalid(format!("failed to {what} token payload"));
    let bytes = URL_SAFE_NO_PAD
        .decode(payload)
        .map_err(|_| invalid("decode"))?;
    serde_json::from_slice(&bytes).map_err(|_| invalid("unmarshal"))
}

/// When a token ends by its own word.
pub(crate) fn end(token: &str) -> Option<SystemTime> {
    let seconds = claims(token).ok()?.get("exp")?.as_f64()?;
    let since = Duration::try_from_secs_f64(seconds).ok()?;
    UNIX_EPOCH.checked_add(since)
}

/// Seconds since 1970.
pub(crate) fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn token(claims: &Value) -> String {
        format!("e30.{}.x", URL_SAFE_NO_PAD.encode(claims.to_string()))
    }

    #[test]
    fn a_token_tells_its_claims_and_its_end() {
        let token = token(&json!({"sub": "system:serviceaccount:ns:app", "exp": 60}));
        let read = claims(&token).expect("is one");
        assert_eq!(read["sub"], "system:serviceaccount:ns:app");
        assert_eq!(end(&token), Some(UNIX_EPOCH + Duration::from_secs(60)));
    }

    #[test]
    fn what_is_no_token_is_refused_without_being_shown() {
        for text in ["canary", "a.canary", "a.canary!.b", "a.Y2FuYXJ5.b"] {
            let error = claims(text).expect_err("is none").to_string();
            assert!(!error.contains("canary"), "{error}");
            assert_eq!(end(text), None);
        }
        assert_eq!(end(&token(&json!({"exp": -1e300}))), None);
        assert_eq!(end(&token(&json!({"exp": 1e300}))), None);
    }
}
