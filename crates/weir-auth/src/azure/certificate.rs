//! Clients that prove who they are with a certificate.
//!
//! Source: Azure SDK for Go `azidentity` v1.14 `client_certificate_credential.go`; microsoft-authentication-library-for-go
//! v1.7 `accesstokens.go`.

use std::fmt;
use std::time::SystemTime;

use aws_lc_rs::digest;
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::json;

use crate::error::Error;
use crate::jwt::{self, Algorithm};

/// How long a statement about who we are is good for, in seconds.
const STATEMENT_LIFE: u64 = 600;

/// A certificate and its RSA key.
#[derive(Clone, PartialEq, Eq)]
pub struct Certificate {
    chain: Vec<Vec<u8>>,
    key: Vec<u8>,
    send_chain: bool,
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Certificate(…)")
    }
}

impl Certificate {
    /// Reads certificates and their key from PEM; the first one is the client's.
    ///
    /// # Errors
    /// [`Error::Invalid`] if one of both is missing, or not to be used.
    pub fn from_pem(pem: &str, send_chain: bool) -> Result<Self, Error> {
        let invalid = |why: &str| Error::Invalid(why.to_owned());
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes())
            .map(|found| found.map(|found| found.to_vec()))
            .collect();
        let chain = chain.map_err(|_| invalid("malformed certificate"))?;
        if chain.is_empty() {
            return Err(invalid("found no certificate"));
        }
        if !pem.contains("PRIVATE KEY-----") {
            return Err(invalid("found no private key"));
        }
        jwt::rsa_key(pem.as_bytes())?;
        Ok(Self {
            chain,
            key: pem.as_bytes().to_vec(),
            send_chain,
        })
    }

    /// Who the client is, for `audience`.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the key cannot sign.
    pub(super) fn statement(
        &self,
        audience: &str,
        client: &str,
        now: SystemTime,
    ) -> Result<String, Error> {
        let key = jwt::rsa_key(&self.key)?;
        let own = self.chain.first().map(Vec::as_slice).unwrap_or_default();
        let print = digest::digest(&digest::SHA256, own);
        let mut header = json!({"x5t#S256": STANDARD.encode(print)});
        if self.send_chain {
            let chain: Vec<String> = self.chain.iter().map(|der| STANDARD.encode(der)).collect();
            header["x5c"] = chain.into();
        }
        let mut id = [0_u8; 16];
        let random = SystemRandom::new().fill(&mut id);
        random.map_err(|_| Error::Invalid("no random bytes".to_owned()))?;
        let begin = jwt::seconds(now);
        let claims = json!({
            "aud": audience,
            "exp": begin + STATEMENT_LIFE,
            "iss": client,
            "jti": id.iter().map(|byte| format!("{byte:02x}")).collect::<String>(),
            "nbf": begin,
            "sub": client,
        });
        jwt::sign(Algorithm::Ps256, &key, header, &claims)
    }
}
