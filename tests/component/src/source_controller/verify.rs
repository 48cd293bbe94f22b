//! Signatures: who may say what is applied.

use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use harness::{Repository, ssh_key_of};
use russh::keys::ssh_key::LineEnding;
use russh::keys::{Algorithm, HashAlg, PrivateKey};
use serde_json::json;

use super::fixture::{Sources, artifact, is, message, status};

/// A commit on `main` with the tree of its tip, signed by `key`.
fn signed_commit(repo: &Repository, key: &PrivateKey) -> Result<String> {
    let object = repo.git(&["cat-file", "commit", "main"])? + "\n";
    let signature = key.sign("git", HashAlg::Sha512, object.as_bytes())?;
    let armored = signature.to_pem(LineEnding::LF)?;
    let folded = armored.trim_end().replace('\n', "\n ");
    let (head, body) = object.split_once("\n\n").context("has a message")?;
    let signed = format!("{head}\ngpgsig {folded}\n\n{body}");
    let file = repo.path().join("signed");
    std::fs::write(&file, signed)?;
    let output = Command::new("git")
        .args(["hash-object", "-t", "commit", "-w", "signed"])
        .current_dir(repo.path())
        .output()?;
    ensure!(output.status.success(), "git hash-object failed");
    let id = String::from_utf8(output.stdout)?.trim().to_owned();
    repo.branch("main", &id)?;
    Ok(id)
}

#[tokio::test]
async fn only_a_trusted_key_makes_an_artifact_and_the_old_one_stays() -> Result<()> {
    let all = Sources::start("git-verify").await?;
    let (trusted, other) = (
        ssh_key_of(Algorithm::Ed25519)?,
        ssh_key_of(Algorithm::Ed25519)?,
    );
    all.repo.commit(&[("a", "1")], "first")?;
    let first = signed_commit(&all.repo, &trusted)?;
    all.secret(
        "keys",
        json!({"alice.sshpub": trusted.public_key().to_openssh()?}),
    )
    .await?;
    all.apply(json!({"verify": {"mode": "HEAD", "secretRef": {"name": "keys"}}}))
        .await?;
    let object = all.ready(&format!("main@sha1:{first}")).await?;
    let fingerprint = trusted.fingerprint(HashAlg::Sha256);
    assert_eq!(
        message(&object, "SourceVerified"),
        format!("verified signature of\n\t- commit '{first}' with key '{fingerprint}'")
    );
    assert_eq!(
        status(&object).source_verification_mode.as_deref(),
        Some("HEAD")
    );

    all.repo.commit(&[("a", "2")], "second")?;
    signed_commit(&all.repo, &other)?;
    all.reconcile("one").await?;
    let failed = all.fails("InvalidCommitSignature").await?;
    assert_eq!(artifact(&failed), artifact(&object));
    assert!(is(
        &failed,
        "SourceVerified",
        "False",
        "InvalidCommitSignature"
    ));
    assert!(is(&failed, "ArtifactInStorage", "True", "Succeeded"));

    let keys = json!({
        "alice.sshpub": trusted.public_key().to_openssh()?,
        "bob.sshpub": other.public_key().to_openssh()?,
    });
    all.secret("keys", keys).await?;
    let second = all.repo.resolve("main")?;
    all.request("two").await?;
    all.ready(&format!("main@sha1:{second}")).await?;
    Ok(())
}

#[tokio::test]
async fn a_tag_must_be_signed_and_be_there_at_all() -> Result<()> {
    let all = Sources::start("git-verify-tag").await?;
    let commit = all.repo.commit(&[("a", "1")], "first")?;
    all.repo.tag("light", &commit)?;
    all.secret("keys", json!({"a.asc": "none"})).await?;
    let verify = json!({"mode": "Tag", "secretRef": {"name": "keys"}});
    all.apply(json!({"ref": {"tag": "light"}, "verify": verify}))
        .await?;
    let object = all.fails("InvalidGitObject").await?;
    let expected = "cannot verify signature of tag 'light' since it is not signed";
    assert_eq!(message(&object, "Ready"), expected);
    all.apply(json!({"ref": {"branch": "main"}, "verify": verify}))
        .await?;
    let object = all.fails("InvalidVerificationMode").await?;
    assert!(is(&object, "Stalled", "True", "InvalidVerificationMode"));
    assert_eq!(
        status(&object).observed_generation,
        object.metadata.generation
    );
    all.apply(json!({"verify": {"mode": "HEAD", "secretRef": {"name": "nope"}}}))
        .await?;
    let object = all.fails("VerificationError").await?;
    assert!(message(&object, "Ready").starts_with("public keys secret error: "));
    Ok(())
}
