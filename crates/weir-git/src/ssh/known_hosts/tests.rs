//! Forms of lines, and what they say of a server.

use base64::engine::general_purpose::STANDARD;
use russh::keys::ssh_key::certificate::Builder;
use russh::keys::{EcdsaCurve, PrivateKey};

use super::*;

const NOW: u64 = 1_800_000_000;

fn key(algorithm: Algorithm) -> PrivateKey {
    PrivateKey::random(&mut russh::keys::key::safe_rng(), algorithm).expect("makes a key")
}

fn ed25519() -> PrivateKey {
    key(Algorithm::Ed25519)
}

fn public(key: &PrivateKey) -> String {
    key.public_key().to_openssh().expect("prints")
}

fn host(name: &str, port: u16) -> Host {
    Host {
        name: name.to_owned(),
        port,
    }
}

fn judge(file: &str, host: &Host, key: &PrivateKey) -> Result<(), Refusal> {
    let known = KnownHosts::parse(file.as_bytes()).expect("is a file");
    known.check(host, &key.public_key().clone().into(), NOW)
}

fn hashed(name: &str) -> String {
    let salt = [7; 20];
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &salt);
    let hash = hmac::sign(&key, name.as_bytes());
    format!("|1|{}|{}", STANDARD.encode(salt), STANDARD.encode(hash))
}

#[test]
fn every_form_of_host_is_understood() {
    let server = ed25519();
    let own = public(&server);
    for (pattern, name, port, known) in [
        ("example.com", "example.com", 22, true),
        ("Example.COM", "example.com", 22, true),
        ("example.com", "example.com", 2222, false),
        ("example.com", "other.com", 22, false),
        ("a.com,example.com,10.0.0.1", "example.com", 22, true),
        ("[example.com]:2222", "example.com", 2222, true),
        ("[example.com]:2222", "example.com", 22, false),
        ("example.com:2222", "example.com", 2222, true),
        ("[example.com]", "example.com", 22, true),
        ("*.example.com", "git.example.com", 22, true),
        ("*.example.com", "example.com", 22, false),
        ("git?.example.com", "git1.example.com", 22, true),
        ("git?.example.com", "git12.example.com", 22, false),
        ("*,!evil.example.com", "evil.example.com", 22, false),
        ("!evil.example.com,*", "evil.example.com", 22, false),
        ("*,!evil.example.com", "good.example.com", 22, true),
        ("!evil.example.com", "good.example.com", 22, false),
        ("[*.example.com]:2222", "git.example.com", 2222, true),
        ("::1", "::1", 22, true),
        ("[::1]:2222", "::1", 2222, true),
        ("2001:db8::7", "2001:db8::7", 22, true),
        ("a*b*c*d", "axxbxxcxxd", 22, true),
        ("a*b*c*d", "axxbxxcxx", 22, false),
    ] {
        let found = judge(&format!("{pattern} {own}\n"), &host(name, port), &server);
        let expected = if known { Ok(()) } else { Err(Refusal::Unknown) };
        assert_eq!(found, expected, "{pattern} for {name}:{port}");
    }
}

#[test]
fn hashed_hosts_name_a_port_when_it_is_not_the_default() {
    let server = ed25519();
    let file = |name: &str| format!("{} {}", hashed(name), public(&server));
    assert_eq!(
        judge(&file("example.com"), &host("example.com", 22), &server),
        Ok(())
    );
    let odd = file("[example.com]:2222");
    assert_eq!(judge(&odd, &host("example.com", 2222), &server), Ok(()));
    assert_eq!(
        judge(&odd, &host("example.com", 22), &server),
        Err(Refusal::Unknown)
    );
}

#[test]
fn any_of_a_hosts_keys_will_do_and_no_other() {
    let (first, second, third) = (ed25519(), ed25519(), ed25519());
    let curve = key(Algorithm::Ecdsa {
        curve: EcdsaCurve::NistP256,
    });
    let mut file = String::from("# comment\n\n  \n");
    for key in [&first, &second, &curve] {
        file = format!("{file}example.com\t {}  a comment\n", public(key));
    }
    let host = host("example.com", 22);
    for key in [&first, &second, &curve] {
        assert_eq!(judge(&file, &host, key), Ok(()));
    }
    assert_eq!(judge(&file, &host, &third), Err(Refusal::Mismatch));
    let known = KnownHosts::parse(file.as_bytes()).expect("is a file");
    let expected = [
        Algorithm::Ed25519,
        Algorithm::Ecdsa {
            curve: EcdsaCurve::NistP256,
        },
    ];
    assert_eq!(known.wanted(&host).keys, expected);
}

#[test]
fn a_revoked_key_is_refused_wherever_else_it_stands() {
    let server = ed25519();
    let own = public(&server);
    for file in [
        format!("example.com {own}\n@revoked * {own}\n"),
        format!("@revoked other.com {own}\nexample.com {own}\n"),
    ] {
        let found = judge(&file, &host("example.com", 22), &server);
        assert_eq!(found, Err(Refusal::Revoked));
    }
}

struct Issued {
    authority: PrivateKey,
    certificate: Certificate,
}

fn issue(principal: &str, kind: CertType, until: u64) -> Issued {
    let authority = ed25519();
    let server = ed25519();
    let mut builder =
        Builder::new([1; 16], server.public_key(), NOW - 1000, until).expect("builds");
    builder.cert_type(kind).expect("is set");
    builder.valid_principal(principal).expect("is set");
    Issued {
        certificate: builder.sign(&authority).expect("signs"),
        authority,
    }
}

fn judge_issued(issued: &Issued, file: &str) -> Result<(), Refusal> {
    let known = KnownHosts::parse(file.as_bytes()).expect("is a file");
    let shown = PublicKeyOrCertificate::Certificate(issued.certificate.clone());
    known.check(&host("git.example.com", 22), &shown, NOW)
}

#[test]
fn an_authority_vouches_for_its_hosts_while_the_certificate_holds() {
    let good = issue("git.example.com", CertType::Host, NOW + 1000);
    let line = format!("@cert-authority *.example.com {}", public(&good.authority));
    assert_eq!(judge_issued(&good, &line), Ok(()));
    let known = KnownHosts::parse(line.as_bytes()).expect("is a file");
    assert!(known.wanted(&host("git.example.com", 22)).certificates);

    let elsewhere = format!("@cert-authority other.com {}", public(&good.authority));
    assert_eq!(judge_issued(&good, &elsewhere), Err(Refusal::NoAuthority));
    // The same line without its marker is a host key, not an authority.
    let bare = format!("*.example.com {}", public(&good.authority));
    assert_eq!(judge_issued(&good, &bare), Err(Refusal::NoAuthority));
    // And an authority's own key is no host key.
    let own = judge(&line, &host("git.example.com", 22), &good.authority);
    assert_eq!(own, Err(Refusal::Unknown));
    let revoked = format!("{line}\n@revoked * {}", public(&good.authority));
    assert_eq!(judge_issued(&good, &revoked), Err(Refusal::Revoked));

    for bad in [
        issue("other.example.com", CertType::Host, NOW + 1000),
        issue("git.example.com", CertType::User, NOW + 1000),
        issue("git.example.com", CertType::Host, NOW - 1),
    ] {
        let line = format!("@cert-authority *.example.com {}", public(&bad.authority));
        assert_eq!(judge_issued(&bad, &line), Err(Refusal::Certificate));
    }
}

#[test]
fn a_short_rsa_key_is_refused_though_it_is_known() {
    use russh::keys::ssh_key::Mpint;

    let modulus = [vec![0xc5; 127], vec![0x01]].concat();
    let exponent = Mpint::from_positive_bytes(&[1, 0, 1]);
    let rsa = RsaPublicKey::new(exponent, Mpint::from_positive_bytes(&modulus)).expect("is a key");
    let blob = PublicKey::new(KeyData::Rsa(rsa), "")
        .to_openssh()
        .expect("prints");
    let known = KnownHosts::parse(format!("example.com {blob}").as_bytes()).expect("is a file");
    let shown = PublicKey::from_openssh(&blob).expect("is a key");
    let found = known.check(&host("example.com", 22), &shown.into(), NOW);
    assert_eq!(found, Err(Refusal::Weak));
}

#[test]
fn lines_that_are_wrong_are_told_as_upstream_tells_them() {
    let own = public(&ed25519());
    for (line, expected) in [
        ("example.com", "knownhosts: missing key type pattern"),
        ("@cert-authority", "knownhosts: missing host pattern"),
        (
            "@unknown example.com ssh-ed25519 AAAA",
            "knownhosts: unexpected marker: \"@unknown\"",
        ),
        (
            "example.com ssh-ed25519",
            "knownhosts: missing key type pattern",
        ),
        (
            &format!("! {own}"),
            "knownhosts: negation without following hostname",
        ),
        (&format!("[a {own}"), "knownhosts: missing ']' in address"),
        (
            &format!("|1|x {own}"),
            "knownhosts: got 3 components, want 3",
        ),
        (
            &format!("|2|AA==|AA== {own}"),
            "knownhosts: got hash type 2, must be '1'",
        ),
        (
            &format!("[a]:99999 {own}"),
            "knownhosts: \"99999\" is no port",
        ),
    ] {
        let error = KnownHosts::parse(line.as_bytes()).expect_err(line);
        assert_eq!(error.to_string(), expected, "{line}");
    }
    assert!(KnownHosts::parse(b"example.com ssh-ed25519 !!!!").is_err());
    assert!(KnownHosts::parse(b"\xff").is_err());
}

#[test]
fn many_stars_cost_little() {
    let pattern = "a*".repeat(200);
    let name = "a".repeat(250);
    assert!(!glob(format!("{pattern}b").as_bytes(), name.as_bytes()));
    assert!(glob(pattern.as_bytes(), name.as_bytes()));
}
