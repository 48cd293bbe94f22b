//! Repositories over ssh, whole: Secret, server key, artifact.

use anyhow::Result;
use harness::{SshServer, SshServerOptions, ssh_key_of};
use russh::keys::Algorithm;
use russh::keys::ssh_key::LineEnding;
use serde_json::json;

use super::fixture::{Sources, artifact, message, paths};

#[tokio::test]
async fn a_key_opens_a_known_server_and_a_changed_one_is_not_talked_to() -> Result<()> {
    let all = Sources::start("git-ssh").await?;
    let commit = all.repo.commit(&[("a", "1"), ("d/b", "2")], "first")?;
    let revision = format!("main@sha1:{commit}");
    let server = SshServer::start(all.git.folder().to_path_buf(), SshServerOptions::default())?;
    let key = ssh_key_of(Algorithm::Ed25519)?;
    server.admit(key.public_key());
    let identity = key.to_openssh(LineEnding::LF)?.to_string();
    let url = server.url("app");

    let good = json!({"identity": identity, "known_hosts": server.known_hosts()?});
    all.secret("ssh", good).await?;
    all.apply(json!({"url": url, "secretRef": {"name": "ssh"}}))
        .await?;
    let object = all.ready(&revision).await?;
    let files = all.files(&object).await?;
    assert_eq!(paths(&files), ["a", "d/b"]);

    let other = ssh_key_of(Algorithm::Ed25519)?.public_key().to_openssh()?;
    let port = server.address().port();
    let changed =
        json!({"identity": identity, "known_hosts": format!("[127.0.0.1]:{port} {other}\n")});
    all.secret("ssh", changed).await?;
    let seen = server.log().len();
    all.reconcile("one").await?;
    let failed = all.fails("GitOperationFailed").await?;
    let text = message(&failed, "Ready");
    assert!(
        text.ends_with("ssh: handshake failed: knownhosts: key mismatch"),
        "{text}"
    );
    assert_eq!(artifact(&failed), artifact(&object));
    assert_eq!(server.log().len(), seen, "nothing was proved to a stranger");
    let shown = serde_json::to_string(&failed.status)?;
    assert!(!shown.contains("PRIVATE KEY"), "{shown}");
    Ok(())
}

#[tokio::test]
async fn a_locked_key_without_its_password_is_told_before_anything_is_dialled() -> Result<()> {
    let all = Sources::start("git-ssh-locked").await?;
    let key = ssh_key_of(Algorithm::Ed25519)?;
    let locked = key.encrypt(&mut russh::keys::key::safe_rng(), "canary")?;
    let identity = locked.to_openssh(LineEnding::LF)?.to_string();
    all.secret("ssh", json!({"identity": identity, "known_hosts": "x"}))
        .await?;
    all.apply(json!({"url": "ssh://git@127.0.0.1:1/app.git", "secretRef": {"name": "ssh"}}))
        .await?;
    let object = all.fails("AuthenticationFailed").await?;
    let expected = format!(
        "SSH identity key is encrypted but no 'password' field was provided in the secret '{}/ssh'",
        all.namespace.name()
    );
    assert_eq!(message(&object, "Ready"), expected);
    Ok(())
}
