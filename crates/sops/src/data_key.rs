//! From a file's master keys to its data key: groups, shares, and who failed why.
//!
//! Source: sops v3.13 `sops.go` `GetDataKeyWithKeyServices`, `usererrors.go`.

mod cache;
mod wrap;

pub use cache::{DataKeys, Scope};

use std::fmt;

use crate::metadata::{MasterKey, Metadata};
use crate::{Secret, shamir};
use wrap::{prefix_lines, wrap};

/// What turns an encrypted data key into a data key.
pub trait KeyService: Sync {
    /// Decrypts what belongs to `key`.
    ///
    /// # Errors
    /// Why not, in words for the owner of the file, without a secret.
    fn decrypt(&self, key: &MasterKey) -> Result<Secret, String>;
}

/// Why there is no data key, per group.
#[derive(Debug)]
pub struct DataKeyError(Failure);

#[derive(Debug)]
enum Failure {
    Shares(&'static str),
    Groups {
        threshold: usize,
        groups: Vec<Result<(), Vec<KeyFailure>>>,
    },
}

#[derive(Debug)]
struct KeyFailure {
    key: String,
    why: String,
}

/// The data key of a file.
///
/// # Errors
/// [`DataKeyError`] if too few groups gave their part.
pub(crate) fn data_key(
    metadata: &Metadata,
    services: &dyn KeyService,
) -> Result<Secret, DataKeyError> {
    let mut parts = Vec::new();
    let mut groups = Vec::new();
    for group in &metadata.groups {
        match part(group, services) {
            Ok(part) => {
                parts.push(part);
                groups.push(Ok(()));
            }
            Err(failures) => groups.push(Err(failures)),
        }
    }
    let shared = metadata.groups.len() > 1;
    let threshold = metadata.threshold;
    if parts.len() < threshold && shared || !shared && parts.is_empty() {
        return Err(DataKeyError(Failure::Groups { threshold, groups }));
    }
    if shared {
        return shamir::combine(&parts).map_err(|why| DataKeyError(Failure::Shares(why)));
    }
    parts
        .pop()
        .ok_or(DataKeyError(Failure::Groups { threshold, groups }))
}

/// Asks for age and OpenPGP keys first: they need no network.
fn part(group: &[MasterKey], services: &dyn KeyService) -> Result<Secret, Vec<KeyFailure>> {
    let mut keys: Vec<&MasterKey> = group.iter().collect();
    keys.sort_by_key(|key| match key {
        MasterKey::Age { .. } => 0,
        MasterKey::Pgp { .. } => 1,
        _ => 2,
    });
    let mut failures = Vec::new();
    for key in keys {
        match services.decrypt(key) {
            Ok(part) => return Ok(part),
            Err(why) => failures.push(KeyFailure {
                key: key.to_string(),
                why,
            }),
        }
    }
    Err(failures)
}

impl fmt::Display for DataKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (threshold, groups) = match &self.0 {
            Failure::Shares(why) => {
                return write!(f, "could not get data key from shamir parts: {why}");
            }
            Failure::Groups { threshold, groups } => (threshold, groups),
        };
        f.write_str("Failed to get the data key required to decrypt the SOPS file.")?;
        for (number, group) in groups.iter().enumerate() {
            let status = if group.is_ok() { "SUCCESS" } else { "FAILED" };
            write!(f, "\n\nGroup {number}: {status}")?;
            if let Err(failures) = group {
                let texts: Vec<String> = failures.iter().map(KeyFailure::text).collect();
                write!(f, "\n{}", prefix_lines(&texts.join("\n\n"), "  "))?;
            }
        }
        let successes = groups.iter().filter(|group| group.is_ok()).count();
        write!(f, "\n\n{}", wrap(&trailer(*threshold, successes), 75))
    }
}

fn trailer(threshold: usize, successes: usize) -> String {
    if threshold == 0 {
        return "Recovery failed because no master key was able to decrypt the file. In order for SOPS to recover the file, at least one key has to be successful, but none were.".to_owned();
    }
    format!(
        "Recovery failed because the file was encrypted with a Shamir threshold of {threshold}, but only {successes} part(s) were successfully recovered, one for each successful key group. In order for SOPS to recover the file, at least {threshold} groups have to be successful. In order for a group to be successful, decryption has to succeed with any of the keys in that key group."
    )
}

impl KeyFailure {
    fn text(&self) -> String {
        let lines = prefix_lines(&wrap(&self.why, 60), "  | ");
        let marked = lines
            .strip_prefix(' ')
            .map_or_else(String::new, |rest| format!("-{rest}"));
        format!("{}: FAILED\n{}", self.key, prefix_lines(&marked, "  "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Rule;

    struct Known(&'static [(&'static str, &'static [u8])]);

    impl KeyService for Known {
        fn decrypt(&self, key: &MasterKey) -> Result<Secret, String> {
            let name = key.to_string();
            let found = self.0.iter().find(|(known, _)| *known == name);
            let found = found.ok_or("failed to create reader for decrypting sops data key with age: identity did not match any of the recipients: incorrect identity for recipient block")?;
            Ok(Secret::new(found.1.to_vec()))
        }
    }

    fn metadata(groups: &[&[&str]], threshold: usize) -> Metadata {
        let key = |name: &&str| MasterKey::Age {
            recipient: (*name).to_owned(),
            encrypted: String::new(),
        };
        Metadata {
            groups: groups
                .iter()
                .map(|group| group.iter().map(key).collect())
                .collect(),
            threshold,
            rule: Rule::default(),
            mac: String::new(),
            only_encrypted: false,
            last_modified: String::new(),
        }
    }

    #[test]
    fn one_key_of_a_group_is_enough() {
        let found = data_key(&metadata(&[&["a", "b"]], 0), &Known(&[("b", b"key")]));
        assert_eq!(found.expect("found").as_slice(), b"key");
    }

    #[test]
    fn failures_read_as_upstreams() {
        let error = data_key(&metadata(&[&["age1x"]], 0), &Known(&[])).expect_err("no key");
        assert_eq!(
            error.to_string(),
            "Failed to get the data key required to decrypt the SOPS file.\n\nGroup 0: FAILED\n  age1x: FAILED\n    - | failed to create reader for decrypting sops data key with\n      | age: identity did not match any of the recipients: incorrect\n      | identity for recipient block\n\nRecovery failed because no master key was able to decrypt the file. In\norder for SOPS to recover the file, at least one key has to be successful,\nbut none were."
        );
    }

    #[test]
    fn as_many_groups_as_the_threshold_asks_for_are_needed() {
        // Shares of the byte 5 on the line 5 + 3x.
        let known = Known(&[("a", &[6, 1]), ("b", &[3, 2])]);
        let found = data_key(&metadata(&[&["a"], &["b"], &["c"]], 2), &known);
        assert_eq!(found.expect("found").as_slice(), [5]);
        let error = data_key(&metadata(&[&["a"], &["c"]], 2), &known).expect_err("one of two");
        let text = error.to_string();
        assert!(
            text.contains("Group 0: SUCCESS\n\nGroup 1: FAILED"),
            "{text}"
        );
        assert!(text.contains("only 1 part(s) were"), "{text}");
    }
}
