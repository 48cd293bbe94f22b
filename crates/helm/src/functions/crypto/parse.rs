//! What is needed of a certificate that signs others.
//!
//! Source: Go 1.26 `crypto/x509/parser.go`

use super::der::{self, Reader};

/// `subjectKeyIdentifier`.
const SUBJECT_KEY: &[u8] = &[0x55, 0x1d, 0x0e];

/// A certificate that has been read.
pub(super) struct Signer {
    /// The subject as it is encoded.
    pub(super) subject: Vec<u8>,
    /// The public key with its algorithm, as it is encoded.
    pub(super) public: Vec<u8>,
    /// The identifier of its key; may be empty.
    pub(super) key_id: Vec<u8>,
}

/// Reads a certificate.
pub(super) fn certificate(bytes: &[u8]) -> Result<Signer, String> {
    let malformed = |part: &str| format!("x509: malformed {part}");
    let mut whole = Reader(bytes);
    let mut outer = whole.sequence().ok_or_else(|| malformed("certificate"))?;
    if !whole.0.is_empty() {
        return Err(String::from("x509: trailing data"));
    }
    let mut inner = outer
        .sequence()
        .ok_or_else(|| malformed("tbs certificate"))?;
    inner.optional(0xa0);
    inner.integer().ok_or_else(|| malformed("serial number"))?;
    inner
        .sequence()
        .ok_or_else(|| malformed("signature algorithm identifier"))?;
    inner.sequence().ok_or_else(|| malformed("issuer"))?;
    inner.sequence().ok_or_else(|| malformed("validity"))?;
    let subject = inner
        .expect(der::SEQUENCE)
        .ok_or_else(|| malformed("subject"))?;
    let public = inner
        .expect(der::SEQUENCE)
        .ok_or_else(|| malformed("spki"))?;
    inner.optional(0x81);
    inner.optional(0x82);
    let mut key_id = Vec::new();
    if let Some(extensions) = inner.optional(0xa3) {
        let list = Reader(extensions.content).sequence();
        let mut list = list.ok_or_else(|| malformed("extensions"))?;
        while let Some(mut extension) = list.sequence() {
            let oid = extension
                .expect(der::OID)
                .ok_or_else(|| malformed("extension"))?;
            extension.optional(der::BOOLEAN);
            let value = extension
                .expect(der::OCTETS)
                .ok_or_else(|| malformed("extension"))?;
            if oid.content == SUBJECT_KEY {
                let id = Reader(value.content).expect(der::OCTETS);
                key_id = id.map(|it| it.content.to_vec()).unwrap_or_default();
            }
        }
    }
    Ok(Signer {
        subject: subject.whole.to_vec(),
        public: public.whole.to_vec(),
        key_id,
    })
}
