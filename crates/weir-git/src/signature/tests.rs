//! Objects that gpg and ssh-keygen signed, recorded, and what may be done to them.

use std::path::Path;

use super::*;

/// Some hours after everything was signed.
const NOW: u64 = 1_795_300_000;

fn data(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/signatures");
    std::fs::read(folder.join(name)).expect("is recorded")
}

fn text(name: &str) -> String {
    String::from_utf8(data(name)).expect("is text")
}

fn pgp(names: &[&str]) -> TrustedKeys {
    TrustedKeys {
        pgp: names
            .iter()
            .map(|name| text(&format!("{name}.asc")))
            .collect(),
        ssh: Vec::new(),
    }
}

fn ssh(names: &[&str]) -> TrustedKeys {
    TrustedKeys {
        pgp: Vec::new(),
        ssh: names
            .iter()
            .map(|name| text(&format!("{name}.sshpub")))
            .collect(),
    }
}

fn verify(name: &str, keys: &TrustedKeys) -> Result<String, String> {
    let signed = Signed::commit(&data(&format!("{name}.commit"))).expect("is a commit");
    signed.verify(keys, NOW).map_err(|error| error.to_string())
}

const NO_MATCH: &str = "unable to verify Git commit: unable to verify payload with any of the given key rings: no matching key";

#[test]
fn what_gpg_signed_is_accepted_by_its_key_only() {
    for name in ["rsa", "ed", "nist", "sub"] {
        let id = verify(name, &pgp(&["ed", "nist", "rsa", "sub"])).expect(name);
        assert_eq!(id.len(), 16, "{id}");
        assert!(
            id.bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'A'..=b'F')),
            "{id}"
        );
        let others: Vec<&str> = ["rsa", "ed", "nist", "sub"]
            .into_iter()
            .filter(|other| *other != name)
            .collect();
        assert_eq!(
            verify(name, &pgp(&others)),
            Err(NO_MATCH.to_owned()),
            "{name}"
        );
    }
}

#[test]
fn what_ssh_keygen_signed_is_accepted_by_its_key_only() {
    for name in ["ssh_ed25519", "ssh_ecdsa", "ssh_rsa"] {
        let fingerprint = verify(name, &ssh(&["ssh_ed25519", "ssh_ecdsa", "ssh_rsa"])).expect(name);
        assert!(fingerprint.starts_with("SHA256:"), "{fingerprint}");
    }
    let expected = "unable to verify Git commit SSH signature: unable to verify payload with any of the given \
        authorized keys: no matching key\npublic key does not match";
    assert_eq!(
        verify("ssh_rsa", &ssh(&["ssh_ecdsa"])),
        Err(expected.to_owned())
    );
}

#[test]
fn expired_and_revoked_keys_do_not_count() {
    for name in ["expired", "revoked"] {
        assert_eq!(
            verify(name, &pgp(&[name])),
            Err(NO_MATCH.to_owned()),
            "{name}"
        );
    }
    // A signature from tomorrow does not either.
    let signed = Signed::commit(&data("ed.commit")).expect("is a commit");
    assert!(signed.verify(&pgp(&["ed"]), 1_700_000_000).is_err());
}

#[test]
fn a_signed_tag_is_cut_before_its_signature() {
    let tag = Signed::tag(&data("ed.tag"));
    assert!(tag.is_signed());
    assert!(tag.verify(&pgp(&["ed"]), NOW).is_ok());
    let error = tag.verify(&pgp(&["rsa"]), NOW).expect_err("is refused");
    assert!(
        error.to_string().starts_with("unable to verify Git tag: "),
        "{error}"
    );
    let mut forged = data("ed.tag");
    let at = forged
        .windows(7)
        .position(|seven| seven == b"release")
        .expect("has a message");
    forged[at] = b'R';
    assert!(Signed::tag(&forged).verify(&pgp(&["ed"]), NOW).is_err());
    assert!(!Signed::tag(b"object x\ntype commit\ntag v\n\nmessage\n").is_signed());
}

#[test]
fn of_200_mutations_none_that_git_refuses_gets_another_payload_accepted() {
    for (name, keys) in [
        ("ed", pgp(&["ed"])),
        ("rsa", pgp(&["rsa"])),
        ("ssh_ed25519", ssh(&["ssh_ed25519"])),
    ] {
        let commit = data(&format!("{name}.commit"));
        let whole = Signed::commit(&commit).expect("is a commit");
        let verdicts = text(&format!("{name}.verdicts"));
        assert_eq!(verdicts.trim().len(), 200);
        for (at, verdict) in verdicts.trim().chars().enumerate() {
            let mut mutated = commit.clone();
            mutated[at * commit.len() / 200] ^= 1 << (at % 7);
            let Ok(signed) = Signed::commit(&mutated) else {
                continue;
            };
            let accepted = signed.verify(&keys, NOW).is_ok();
            // What a signature does not cover of itself, such as who else may have made it, and its check sum,
            // is judged by taste: gpg overlooks damage at the end, and we where only such a part is damaged.
            assert!(
                !accepted || verdict == '1' || signed.payload == whole.payload,
                "{name}: mutation {at} is accepted"
            );
        }
    }
}

#[test]
fn every_byte_outside_of_the_signature_is_covered() {
    for (name, keys) in [("ed", pgp(&["ed"])), ("ssh_ed25519", ssh(&["ssh_ed25519"]))] {
        let commit = data(&format!("{name}.commit"));
        let whole = String::from_utf8(commit.clone()).expect("is text");
        let start = whole.find("gpgsig ").expect("is signed");
        let end = whole.find("\n\n").expect("has a message");
        for at in (0..start).chain(end + 1..commit.len()) {
            let mut mutated = commit.clone();
            mutated[at] ^= 1;
            let accepted =
                Signed::commit(&mutated).is_ok_and(|signed| signed.verify(&keys, NOW).is_ok());
            assert!(!accepted, "{name}: byte {at}");
        }
    }
}

#[test]
fn two_signatures_are_one_too_many() {
    let commit = text("ed.commit");
    let start = commit.find("gpgsig ").expect("is signed");
    let end = commit.find("\n\n").expect("has a message") + 1;
    let doubled = format!(
        "{}{}{}",
        &commit[..end],
        &commit[start..end],
        &commit[end..]
    );
    assert!(Signed::commit(doubled.as_bytes()).is_err());
}

#[test]
fn a_signature_in_the_message_is_none() {
    let commit = "tree 0\nauthor a\ncommitter c\n\ngpgsig -----BEGIN PGP SIGNATURE-----\n x\n";
    let signed = Signed::commit(commit.as_bytes()).expect("is a commit");
    assert!(!signed.is_signed());
    assert_eq!(signed.payload, commit.as_bytes());
}

#[test]
fn what_is_missing_or_unreadable_is_said_as_upstream_says_it() {
    let nothing = TrustedKeys::default();
    let unsigned = Signed::commit(b"tree 0\n\nx\n").expect("is a commit");
    let said = |result: Result<String, SignatureError>| result.expect_err("fails").to_string();
    assert_eq!(
        said(unsigned.verify(&nothing, NOW)),
        "unsupported signature type: empty"
    );
    assert_eq!(
        verify("ed", &nothing),
        Err(
            "PGP signature detected but no PGP public keys found in secret (keys with .asc suffix)"
                .to_owned()
        )
    );
    assert_eq!(
        verify("ssh_rsa", &nothing),
        Err("SSH signature detected but no SSH public keys found in secret (keys with .sshpub suffix)".to_owned())
    );
    let garbage = |text: &str| TrustedKeys {
        pgp: vec![text.to_owned()],
        ssh: vec![text.to_owned()],
    };
    let error = verify("ed", &garbage("garbage")).expect_err("fails");
    assert!(error.contains("unable to read armored key ring"), "{error}");
    let error = verify("ssh_rsa", &garbage("garbage")).expect_err("fails");
    assert!(error.contains("unable to parse authorized key"), "{error}");
    // One bad ring does not spoil a good one.
    let mut both = pgp(&["ed"]);
    both.pgp.insert(0, "garbage".to_owned());
    assert!(verify("ed", &both).is_ok());
    let x509 = Signed::commit(b"tree 0\ngpgsig -----BEGIN SIGNED MESSAGE-----\n x\n\nx\n")
        .expect("is a commit");
    assert_eq!(
        said(x509.verify(&nothing, NOW)),
        "unsupported signature type: x509"
    );
}
