//! Secrets: what opens a repository, what does not, and that none is ever shown.

use anyhow::{Context as _, Result, ensure};
use harness::GitServer;
use kube::ResourceExt as _;
use serde_json::json;
use weir_api::source::v1::GitRepository;

use super::fixture::{Sources, artifact, is, message};

#[tokio::test]
async fn a_missing_secret_is_named_and_its_arrival_heals() -> Result<()> {
    let all = Sources::start("git-basic").await?;
    let commit = all.repo.commit(&[("a", "1")], "first")?;
    all.repo.require_basic("alice", "canary-right");
    all.apply(json!({"secretRef": {"name": "creds"}})).await?;
    let object = all.fails("AuthenticationFailed").await?;
    let name = format!("{}/creds", all.namespace.name());
    let expected = format!(
        "failed to get secret '{name}': failed to get secret '{name}': secrets \"creds\" not found"
    );
    assert_eq!(message(&object, "Ready"), expected);
    assert!(is(&object, "Reconciling", "True", "ProgressingWithRetry"));

    all.secret(
        "creds",
        json!({"username": "alice", "password": "canary-wrong"}),
    )
    .await?;
    all.reconcile("one").await?;
    let object = all.fails("GitOperationFailed").await?;
    assert!(
        message(&object, "Ready").contains("authentication required"),
        "{}",
        message(&object, "Ready")
    );

    all.secret(
        "creds",
        json!({"username": "alice", "password": "canary-right"}),
    )
    .await?;
    all.request("two").await?;
    all.ready(&format!("main@sha1:{commit}")).await?;
    Ok(())
}

#[tokio::test]
async fn a_bearer_token_opens_and_an_old_artifact_outlives_a_bad_one() -> Result<()> {
    let all = Sources::start("git-bearer").await?;
    let commit = all.repo.commit(&[("a", "1")], "first")?;
    let revision = format!("main@sha1:{commit}");
    all.repo.require_bearer("canary-token");
    all.secret("creds", json!({"bearerToken": "canary-token"}))
        .await?;
    all.apply(json!({"secretRef": {"name": "creds"}})).await?;
    let before = all.ready(&revision).await?;
    all.secret("creds", json!({"bearerToken": "canary-other"}))
        .await?;
    all.request("now").await?;
    let object = all.fails("GitOperationFailed").await?;
    assert_eq!(artifact(&object), artifact(&before));
    assert!(is(&object, "ArtifactInStorage", "True", "Succeeded"));
    all.files(&object).await?;
    Ok(())
}

#[tokio::test]
async fn a_private_authority_is_trusted_through_the_secret_only() -> Result<()> {
    let server = GitServer::start_tls()?;
    let ca = server.ca().context("has an authority")?.to_owned();
    let all = Sources::with("git-ca", server, &[]).await?;
    let commit = all.repo.commit(&[("a", "1")], "first")?;
    all.apply(json!({})).await?;
    let object = all.fails("GitOperationFailed").await?;
    assert!(message(&object, "Ready").contains("x509: certificate signed by unknown authority"));
    all.secret("ca", json!({"ca.crt": ca})).await?;
    all.apply(json!({"secretRef": {"name": "ca"}})).await?;
    all.ready(&format!("main@sha1:{commit}")).await?;
    Ok(())
}

#[tokio::test]
async fn no_credential_gets_into_status_events_or_logs() -> Result<()> {
    let mut all = Sources::start("git-shown").await?;
    all.repo.commit(&[("a", "1")], "first")?;
    all.repo.require_basic("alice", "right");
    all.secret(
        "creds",
        json!({"username": "alice", "password": "canary-password"}),
    )
    .await?;
    let url = all.repo.url().replace("http://", "http://bob:canary-url@");
    all.apply(json!({"url": url, "secretRef": {"name": "creds"}}))
        .await?;
    let object = all.fails("GitOperationFailed").await?;
    all.event("GitOperationFailed", "authentication required")
        .await?;
    let status = serde_json::to_string(&object.status)?;
    ensure!(!status.contains("canary"), "{status}");
    let events = serde_json::to_string(&all.events.events())?;
    ensure!(
        !events.contains("canary"),
        "{events} of {}",
        object.name_any()
    );
    let log = all.controllers.process().log_tail(1000);
    ensure!(!log.contains("canary"), "{log}");
    let metrics = reqwest::get(all.controllers.metrics_url()).await?;
    let metrics = metrics.text().await?;
    ensure!(!metrics.contains("canary"), "{metrics}");
    // A URL that is none is told without what stands before its host.
    let url = "http://bob:canary-url@exa mple/app";
    all.apply(json!({"url": url})).await?;
    let object = all.fails("URLInvalid").await?;
    let status = serde_json::to_string(&object.status)?;
    ensure!(!status.contains("canary"), "{status}");
    Ok(())
}

#[tokio::test]
async fn a_client_certificate_opens_and_a_broken_one_fails() -> Result<()> {
    let server = GitServer::start_mutual_tls()?;
    let ca = server.ca().context("has an authority")?.to_owned();
    let (certificate, key) = server.client().context("asks for one")?;
    let good = json!({
        // The new name wins, so that the old one may be anything.
        "ca.crt": ca, "caFile": "no certificate",
        "tls.crt": certificate, "tls.key": key,
    });
    let mut bad = good.clone();
    bad["tls.key"] = json!("canary");
    let all = Sources::with("git-mutual", server, &[]).await?;
    let commit = all.repo.commit(&[("a", "1")], "first")?;
    all.secret("tls", json!({"ca.crt": ca})).await?;
    all.apply(json!({"secretRef": {"name": "tls"}})).await?;
    all.fails("GitOperationFailed").await?;
    all.secret("tls", bad).await?;
    all.reconcile("bad").await?;
    let told = |object: &GitRepository| {
        message(object, "FetchFailed").ends_with("tls: failed to find any PEM data in key input")
    };
    all.wait("a broken key", told).await?;
    all.secret("tls", good).await?;
    all.request("good").await?;
    all.ready(&format!("main@sha1:{commit}")).await?;
    Ok(())
}

#[tokio::test]
async fn an_authority_of_a_secret_is_trusted_beside_the_systems() -> Result<()> {
    let server = GitServer::start_tls()?;
    let other = GitServer::start_tls()?;
    let system = tempfile::NamedTempFile::new()?;
    std::fs::write(system.path(), server.ca().context("has an authority")?)?;
    let path = system.path().to_str().context("is UTF-8")?.to_owned();
    let environment = [("SSL_CERT_FILE", path.as_str())];
    let all = Sources::with_environment("git-system-ca", server, &[], &environment).await?;
    let commit = all.repo.commit(&[("a", "1")], "first")?;
    all.secret("ca", json!({"ca.crt": other.ca()})).await?;
    all.apply(json!({"secretRef": {"name": "ca"}})).await?;
    all.ready(&format!("main@sha1:{commit}")).await?;
    Ok(())
}
