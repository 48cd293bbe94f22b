//! Forms of private keys.

use aws_lc_rs::cipher::{EncryptionContext, PaddedBlockEncryptingKey};
use russh::keys::ssh_key::{Cipher, LineEnding, private::KeypairData};
use russh::keys::{Algorithm, EcdsaCurve, HashAlg};

use super::*;

fn made(algorithm: Algorithm) -> PrivateKey {
    PrivateKey::random(&mut russh::keys::key::safe_rng(), algorithm).expect("makes a key")
}

fn fingerprint(key: &PrivateKey) -> String {
    key.fingerprint(HashAlg::Sha256).to_string()
}

fn read(file: &str, password: Option<&str>) -> Result<String, IdentityError> {
    Identity::parse(file.as_bytes(), password).map(|key| fingerprint(&key.0))
}

/// Every kind but RSA, and RSA by the fast generator.
fn keys() -> Vec<PrivateKey> {
    let curves = [
        EcdsaCurve::NistP256,
        EcdsaCurve::NistP384,
        EcdsaCurve::NistP521,
    ];
    let mut keys: Vec<_> = curves
        .map(|curve| made(Algorithm::Ecdsa { curve }))
        .to_vec();
    keys.push(made(Algorithm::Ed25519));
    keys.push(harness::ssh_key_of(Algorithm::Rsa { hash: None }).expect("makes a key"));
    keys
}

#[test]
fn opensshs_form_is_read_with_and_without_password() {
    for key in keys() {
        let plain = key.to_openssh(LineEnding::LF).expect("prints");
        assert_eq!(read(&plain, None), Ok(fingerprint(&key)));
        // A password that is not needed does not hurt.
        assert_eq!(read(&plain, Some("x")), Ok(fingerprint(&key)));
        let mut random = russh::keys::key::safe_rng();
        for cipher in [
            Cipher::Aes256Ctr,
            Cipher::Aes256Gcm,
            Cipher::ChaCha20Poly1305,
        ] {
            let locked = key.encrypt_with_cipher(&mut random, cipher, "secret");
            let locked = locked
                .expect("encrypts")
                .to_openssh(LineEnding::LF)
                .expect("prints");
            assert_eq!(read(&locked, Some("secret")), Ok(fingerprint(&key)));
            assert_eq!(
                read(&locked, Some("wrong")),
                Err(IdentityError::WrongPassword)
            );
            assert_eq!(read(&locked, None), Err(IdentityError::Encrypted));
            assert!(needs_password(locked.as_bytes()));
        }
    }
}

#[test]
fn pkcs8_is_read() {
    for key in keys() {
        if matches!(key.key_data(), KeypairData::Ecdsa(_)) {
            // The encoder below does not write the curve's name where readers look for it.
            continue;
        }
        let mut pem = Vec::new();
        russh::keys::encode_pkcs8_pem(&key, &mut pem).expect("prints");
        let pem = String::from_utf8(pem).expect("is text");
        assert_eq!(
            read(&pem, None),
            Ok(fingerprint(&key)),
            "{:?}",
            key.algorithm()
        );
    }
}

/// An RSA key of 2048 bits in PKCS#1, inside of PKCS#8.
fn pkcs1() -> (PrivateKey, Vec<u8>) {
    let key = harness::ssh_key_of(Algorithm::Rsa { hash: None }).expect("makes a key");
    let mut pem = Vec::new();
    russh::keys::encode_pkcs8_pem(&key, &mut pem).expect("prints");
    let text = String::from_utf8(pem).expect("is text");
    let der = Pem::find(&text).expect("is PEM").der().expect("is DER");
    // The inner key is the last element: an octet string that begins with a sequence of its own.
    let start = der
        .windows(4)
        .skip(4)
        .position(|four| four[0] == 0x04 && four[1] == 0x82)
        .expect("has an octet string");
    (key, der[start + 4 + 4..].to_vec())
}

#[test]
fn the_old_form_is_read_with_and_without_password() {
    let (key, der) = pkcs1();
    let pem = |headers: &str, der: &[u8]| {
        let body = STANDARD.encode(der);
        let lines: Vec<&str> = (0..body.len())
            .step_by(64)
            .map(|at| &body[at..body.len().min(at + 64)])
            .collect();
        let body = lines.join("\n");
        format!("-----BEGIN RSA PRIVATE KEY-----\n{headers}{body}\n-----END RSA PRIVATE KEY-----\n")
    };
    assert_eq!(read(&pem("", &der), None), Ok(fingerprint(&key)));
    for (name, algorithm, key_bytes) in [
        ("AES-128-CBC", &AES_128, 16),
        ("AES-192-CBC", &AES_192, 24),
        ("AES-256-CBC", &AES_256, 32),
    ] {
        let iv = [0xa5; 16];
        let secret = Encryption { key_bytes, iv }.key("secret");
        let cipher = UnboundCipherKey::new(algorithm, &secret).expect("fits");
        let cipher = PaddedBlockEncryptingKey::cbc_pkcs7(cipher).expect("fits");
        let mut locked = der.clone();
        let context = EncryptionContext::Iv128(FixedLength::from(iv));
        cipher
            .less_safe_encrypt(&mut locked, context)
            .expect("encrypts");
        let iv = "A5".repeat(16);
        let headers = format!("Proc-Type: 4,ENCRYPTED\nDEK-Info: {name},{iv}\n\n");
        let file = pem(&headers, &locked);
        assert_eq!(read(&file, Some("secret")), Ok(fingerprint(&key)), "{name}");
        assert!(read(&file, Some("wrong")).is_err());
        assert_eq!(read(&file, None), Err(IdentityError::Encrypted));
        assert!(needs_password(file.as_bytes()));
    }
    let odd = pem("Proc-Type: 4,ENCRYPTED\nDEK-Info: RC4,00\n\n", &der);
    let unsupported = IdentityError::Unsupported("RC4".to_owned());
    assert_eq!(read(&odd, Some("x")), Err(unsupported));
}

#[test]
fn what_is_no_key_is_said_without_quoting_it() {
    for (file, expected) in [
        ("not a key", IdentityError::Missing),
        ("", IdentityError::Missing),
        (
            "-----BEGIN RSA PRIVATE KEY-----\ncanary",
            IdentityError::Missing,
        ),
        (
            "-----BEGIN RSA PRIVATE KEY-----\ncanary\n-----END RSA PRIVATE KEY-----",
            IdentityError::Malformed,
        ),
        (
            "-----BEGIN OPENSSH PRIVATE KEY-----\nY2FuYXJ5\n-----END OPENSSH PRIVATE KEY-----",
            IdentityError::Malformed,
        ),
        (
            "-----BEGIN CERTIFICATE-----\nY2FuYXJ5\n-----END CERTIFICATE-----",
            IdentityError::Unsupported("CERTIFICATE".to_owned()),
        ),
    ] {
        let error = read(file, Some("canary")).expect_err("is no key");
        assert_eq!(error, expected);
        assert!(!error.to_string().contains("canary"));
    }
    let huge = format!(
        "-----BEGIN X-----\n{}\n-----END X-----",
        "A".repeat(MAX_BYTES)
    );
    assert_eq!(read(&huge, None), Err(IdentityError::Missing));
}
