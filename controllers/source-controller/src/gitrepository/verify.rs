//! Whether a commit or its tag is signed by a key that the object trusts.

use std::time::{SystemTime, UNIX_EPOCH};

use kube::ResourceExt;
use weir_api::source::v1::{GitRepository, GitRepositoryVerification, GitVerificationMode};
use weir_git::{Session, Snapshot, TrustedKeys};

use crate::context::Context;
use crate::error::{Error, SecretError};
use crate::observe;
use crate::source::Verified;

/// Keys of a Secret that hold SSH keys; all others hold PGP keys.
const SSH_SUFFIX: &str = ".sshpub";

/// The mode's name in the status.
pub(super) fn mode_name(mode: GitVerificationMode) -> &'static str {
    match mode {
        GitVerificationMode::Head | GitVerificationMode::LegacyHead => "HEAD",
        GitVerificationMode::Tag => "Tag",
        GitVerificationMode::TagAndHead => "TagAndHEAD",
    }
}

/// Whether the object asks for a verification that its artifact has not passed.
pub(super) fn is_due(object: &GitRepository) -> bool {
    let Some(verify) = &object.spec.verify else {
        return false;
    };
    let passed = object
        .status
        .as_ref()
        .and_then(|status| status.source_verification_mode.as_deref());
    match (passed, mode_name(verify.mode)) {
        (None, _) => true,
        (Some("Tag"), wanted) => wanted != "Tag",
        (Some("HEAD"), wanted) => wanted != "HEAD",
        (Some(_), _) => false,
    }
}

/// The keys of the Secret that the object names.
pub(super) async fn keys(
    context: &Context,
    object: &GitRepository,
    verify: &GitRepositoryVerification,
) -> Result<TrustedKeys, Error> {
    let namespace = object.namespace().unwrap_or_default();
    let name = &verify.secret_ref.name;
    let found = observe::secret(context, &namespace, name).await;
    let values = found
        .and_then(|found| found.ok_or_else(|| SecretError::MissingSecret(name.clone())))
        .map_err(Error::VerificationKeys)?;
    let mut keys = TrustedKeys::default();
    for (key, value) in values {
        let text = String::from_utf8_lossy(&value).into_owned();
        if key.ends_with(SSH_SUFFIX) {
            keys.ssh.push(text);
        } else {
            keys.pgp.push(text);
        }
    }
    Ok(keys)
}

/// Checks what the mode asks for.
pub(super) fn check(
    snapshot: &Snapshot,
    mode: GitVerificationMode,
    keys: &TrustedKeys,
    session: &Session,
) -> Result<Verified, Error> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.map(|since| since.as_secs()).unwrap_or_default();
    let mut good = Vec::new();
    if mode_name(mode) != "HEAD" {
        session.check()?;
        let tag = snapshot.tag().ok_or(Error::NoTagToVerify)?;
        let shown = match tag.object {
            Some(object) => format!("{}@{object}", tag.name),
            None => tag.name.clone(),
        };
        let signed = snapshot.signed_tag()?.filter(weir_git::Signed::is_signed);
        let signed = signed.ok_or_else(|| Error::UnsignedTag(shown.clone()))?;
        let key = signed
            .verify(keys, now)
            .map_err(|source| Error::TagSignature {
                tag: shown.clone(),
                source,
            })?;
        good.push(format!("\n\t- tag '{shown}' with key '{key}'"));
    }
    if mode_name(mode) != "Tag" {
        session.check()?;
        let commit = snapshot.commit().id.to_string();
        let signed = snapshot.signed_commit()?;
        let key = signed
            .verify(keys, now)
            .map_err(|source| Error::CommitSignature {
                commit: commit.clone(),
                source,
            })?;
        good.push(format!("\n\t- commit '{commit}' with key '{key}'"));
    }
    Ok(Verified::Good {
        mode: mode_name(mode).to_owned(),
        message: format!("verified signature of{}", good.concat()),
    })
}
