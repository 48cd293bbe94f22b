//! Why a server's certificate was not believed, in Go's words.

use std::error::Error as StdError;

/// What a library says of a certificate, and what Go says of the same.
const WORDS: [(&str, &str); 8] = [
    ("UnknownIssuer", "certificate signed by unknown authority"),
    // That of an authority of the same name.
    ("BadSignature", "certificate signed by unknown authority"),
    (
        "certificate expired",
        "certificate has expired or is not yet valid",
    ),
    (
        "certificate not valid yet",
        "certificate has expired or is not yet valid",
    ),
    (
        "NameConstraintViolation",
        "a root or intermediate certificate is not authorized to sign for this name",
    ),
    (
        "EkuError",
        "certificate specifies an incompatible key usage",
    ),
    ("NotValidForName", ""),
    ("certificate not valid for name", ""),
];

/// Why the certificate of `host` was not believed, if that is what `error` or a cause of it is about. The libraries'
/// own words hold the time of day, and would make of every try another message.
///
/// Source: Go 1.26 `crypto/x509/verify.go`, `crypto/tls/common.go`.
#[must_use]
pub fn certificate_fault(error: &(dyn StdError + 'static), host: &str) -> Option<String> {
    let chain = std::iter::successors(Some(error), |error| (*error).source());
    let texts: Vec<String> = chain.map(ToString::to_string).collect();
    let said = |part: &str| texts.iter().any(|text| text.contains(part));
    let why = WORDS.iter().find(|(part, _)| said(part))?.1;
    Some(match why {
        "" => {
            format!("tls: failed to verify certificate: x509: certificate is not valid for {host}")
        }
        why => format!("tls: failed to verify certificate: x509: {why}"),
    })
}
