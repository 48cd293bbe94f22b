//! Signatures: who may say what is applied.

use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use harness::{Repository, ssh_key_of};
use russh::keys::ssh_key::LineEnding;
use russh::keys::{Algorithm, HashAlg, PrivateKey};
use serde_json::json;

use super::fixture::{Sources, artifact, condition, is, message, status};

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

/// What gpg has signed, by its file.
fn recorded(name: &str) -> Result<Vec<u8>> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let file = folder
        .join("../../crates/weir-git/tests/data/signatures")
        .join(name);
    std::fs::read(&file).with_context(|| format!("{}", file.display()))
}

/// Stores an object as it was recorded, and returns its id.
fn store(repo: &Repository, kind: &str, object: &[u8]) -> Result<String> {
    std::fs::write(repo.path().join("object"), object)?;
    repo.git(&["hash-object", "-t", kind, "-w", "--literally", "object"])
}

#[tokio::test]
async fn a_good_tag_of_a_bad_commit_is_not_enough_for_both() -> Result<()> {
    let all = Sources::start("git-verify-both").await?;
    all.repo.commit(&[("a", "a\n")], "the recorded tree")?;
    let mut commit = String::new();
    for name in ["rsa", "ed", "nist", "revoked", "expired", "sub"] {
        commit = store(&all.repo, "commit", &recorded(&format!("{name}.commit"))?)?;
    }
    let tag = store(&all.repo, "tag", &recorded("ed.tag")?)?;
    all.repo.git(&["update-ref", "refs/tags/v1", &tag])?;
    let key = |name: &str| anyhow::Ok(String::from_utf8(recorded(name)?)?);
    // A key ring that is none beside one that is.
    all.secret("keys", json!({"ed.asc": key("ed.asc")?, "broken.asc": "x"}))
        .await?;
    let verify = |mode: &str| json!({"mode": mode, "secretRef": {"name": "keys"}});
    let reference = json!({"tag": "v1"});
    all.apply(json!({"ref": reference, "verify": verify("TagAndHEAD")}))
        .await?;
    let failed = all.fails("InvalidCommitSignature").await?;
    assert!(is(
        &failed,
        "SourceVerified",
        "False",
        "InvalidCommitSignature"
    ));
    let text = message(&failed, "Ready");
    let expected = format!("signature verification of commit '{commit}' failed: ");
    assert!(text.starts_with(&expected), "{text}");
    assert!(artifact(&failed).is_none());

    all.apply(json!({"ref": reference, "verify": verify("Tag")}))
        .await?;
    let object = all.ready(&format!("v1@sha1:{commit}")).await?;
    let text = message(&object, "SourceVerified");
    assert!(
        text.contains(&format!("- tag 'v1@{tag}' with key ")),
        "{text}"
    );
    // What was verified before is not enough for the stronger mode, though nothing else has changed.
    all.apply(json!({"ref": reference, "verify": verify("TagAndHEAD")}))
        .await?;
    let failed = all.fails("InvalidCommitSignature").await?;
    assert_eq!(artifact(&failed), artifact(&object));
    let both = json!({"ed.asc": key("ed.asc")?, "sub.asc": key("sub.asc")?});
    all.secret("keys", both).await?;
    all.request("both").await?;
    let object = all.ready(&format!("v1@sha1:{commit}")).await?;
    let text = message(&object, "SourceVerified");
    assert!(
        text.contains(&format!("- commit '{commit}' with key ")),
        "{text}"
    );
    assert_eq!(
        status(&object).source_verification_mode.as_deref(),
        Some("TagAndHEAD")
    );
    // As with Flux, what was said stands until something is fetched.
    all.apply(json!({"ref": reference, "ignore": "none"}))
        .await?;
    let object = all
        .wait("no verification", |object| {
            status(object).source_verification_mode.is_none()
        })
        .await?;
    assert!(condition(&object, "SourceVerified").is_none());
    Ok(())
}

#[tokio::test]
async fn a_tag_by_ssh_and_its_commit_by_pgp_are_verified_together() -> Result<()> {
    let all = Sources::start("git-verify-mixed").await?;
    all.repo.commit(&[("a", "a\n")], "the recorded tree")?;
    let commit = store(&all.repo, "commit", &recorded("rsa.commit")?)?;
    let key = ssh_key_of(Algorithm::Ed25519)?;
    let payload = format!(
        "object {commit}\ntype commit\ntag v2\ntagger T <t@example.com> 1700000000 +0000\n\nrelease\n"
    );
    let signature = key.sign("git", HashAlg::Sha512, payload.as_bytes())?;
    let signed = format!("{payload}{}", signature.to_pem(LineEnding::LF)?);
    let tag = store(&all.repo, "tag", signed.as_bytes())?;
    all.repo.git(&["update-ref", "refs/tags/v2", &tag])?;
    let spec = json!({
        "ref": {"tag": "v2"},
        "verify": {"mode": "TagAndHEAD", "secretRef": {"name": "keys"}},
    });
    let public = key.public_key().to_openssh()?;
    all.secret("keys", json!({"a.sshpub": public})).await?;
    all.apply(spec).await?;
    all.fails("InvalidCommitSignature").await?;
    let pgp = String::from_utf8(recorded("rsa.asc")?)?;
    // Whatever is not named as a key of ssh is one of PGP.
    all.secret("keys", json!({"a.sshpub": public, "pgp": pgp}))
        .await?;
    all.request("both").await?;
    let object = all.ready(&format!("v2@sha1:{commit}")).await?;
    let text = message(&object, "SourceVerified");
    let fingerprint = key.fingerprint(HashAlg::Sha256);
    let by_ssh = format!("- tag 'v2@{tag}' with key '{fingerprint}'");
    assert!(text.contains(&by_ssh), "{text}");
    assert!(
        text.contains(&format!("- commit '{commit}' with key '")),
        "{text}"
    );
    Ok(())
}
