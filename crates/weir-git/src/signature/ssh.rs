//! Signatures in OpenSSH's form.
//!
//! Source: OpenSSH 9 `PROTOCOL.sshsig`; fluxcd/pkg v0.52 `git/signature/ssh_signature.go`.

use russh::keys::ssh_key::SshSig;
use russh::keys::ssh_key::authorized_keys::Entry;
use russh::keys::{HashAlg, PublicKey};

/// What git signs for.
const NAMESPACE: &str = "git";

/// The fingerprint of the key that made `signature` over `payload`.
pub(super) fn verify(signature: &str, payload: &[u8], files: &[String]) -> Result<String, String> {
    let signature = SshSig::from_pem(signature)
        .map_err(|error| format!("unable to unarmor SSH signature: {error}"))?;
    let mut unreadable = None;
    let mut reasons = vec!["no matching key"];
    let mut tried = false;
    for file in files {
        let keys = match parse(file) {
            Ok(keys) => keys,
            Err(error) => {
                unreadable.get_or_insert(error);
                continue;
            }
        };
        tried = true;
        for key in keys {
            let reason = if key.key_data() != signature.public_key() {
                "public key does not match"
            } else if signature.namespace() != NAMESPACE {
                "namespace does not match"
            } else if key.verify(NAMESPACE, payload, &signature).is_ok() {
                return Ok(key.fingerprint(HashAlg::Sha256).to_string());
            } else {
                "ssh: signature did not verify"
            };
            if !reasons.contains(&reason) {
                reasons.push(reason);
            }
        }
    }
    match unreadable {
        Some(error) if !tried => Err(error),
        _ => Err(format!(
            "unable to verify payload with any of the given authorized keys: {}",
            reasons.join("\n")
        )),
    }
}

/// All keys of a file; one line that is wrong spoils it, as nobody would notice otherwise.
fn parse(file: &str) -> Result<Vec<PublicKey>, String> {
    let lines = file.lines().map(str::trim);
    lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            let entry: Result<Entry, _> = line.parse();
            entry.map(PublicKey::from).map_err(|_| {
                "unable to parse authorized keys: unable to parse authorized key: ssh: no key found"
                    .to_owned()
            })
        })
        .collect()
}
