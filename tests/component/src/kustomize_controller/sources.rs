//! Where artifacts come from: gone and back, read past the cache, made by others, with symbolic links.

use anyhow::{Context as _, Result, ensure};
use harness::{CertificateFlaw, FileServer, eventually};
use kube::api::{DynamicObject, Patch, PatchParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Api, ResourceExt as _};
use serde_json::{Value, json};
use weir_api::kustomize::v1::Kustomization;
use weir_api::meta::Artifact;
use weir_api::source::v1::GitRepository;

use crate::fixture::{LIMIT, Loop, config_map, value};

/// The artifact of the source, once it is of `revision`.
pub(super) async fn artifact(all: &Loop, revision: &str) -> Result<Artifact> {
    eventually(LIMIT, "an artifact", async || {
        let source = all.namespace.api::<GitRepository>().get("app").await?;
        let artifact = source.status.and_then(|status| status.artifact);
        let artifact = artifact.context("no artifact yet")?;
        ensure!(artifact.revision == revision, "{}", artifact.revision);
        Ok(artifact)
    })
    .await
}

#[tokio::test]
async fn an_artifact_that_is_gone_is_waited_for_and_applied_when_it_is_back() -> Result<()> {
    let files = [("a.yaml", &*config_map("a", "1"))];
    let flags = ["--requeue-dependency=1s", "--http-retry=0"];
    let all = Loop::with_flags("artifact-gone", &files, &flags).await?;
    let revision = all.revision()?;
    let stored = all
        .controllers
        .storage()
        .join(artifact(&all, &revision).await?.path);
    let away = stored.with_extension("away");
    std::fs::rename(&stored, &away)?;
    all.kustomization("app", json!({"targetNamespace": all.namespace.name()}))
        .await?;
    let failure = all.fails("app", "ArtifactFailed").await?;
    assert_eq!(
        failure,
        "Source is not ready, artifact not found, retrying in 1s"
    );
    std::fs::rename(&away, &stored)?;
    all.applied("app", &revision).await?;
    Ok(())
}

#[tokio::test]
async fn sources_of_every_kind_are_read_past_the_cache() -> Result<()> {
    let files = [("a.yaml", &*config_map("a", "1"))];
    let flags = ["--feature-gates=DirectSourceFetch=true"];
    let all = Loop::with_flags("direct-source", &files, &flags).await?;
    all.kustomization("app", json!({"targetNamespace": all.namespace.name()}))
        .await?;
    all.applied("app", &all.revision()?).await?;
    for kind in ["GitRepository", "OCIRepository", "Bucket"] {
        let name = kind.to_lowercase();
        let reference = json!({"kind": kind, "name": "none"});
        all.kustomization(&name, json!({"sourceRef": reference}))
            .await?;
        let failure = all.fails(&name, "ArtifactFailed").await?;
        let wanted = format!("{kind}.source.toolkit.fluxcd.io \"none\" not found");
        assert_eq!(failure, wanted);
    }
    Ok(())
}

/// An ExternalArtifact that offers `artifact`, made from `origin`.
pub(super) async fn offer(all: &Loop, artifact: &Artifact, origin: &str) -> Result<()> {
    let gvk = GroupVersionKind::gvk("source.toolkit.fluxcd.io", "v1", "ExternalArtifact");
    let resource = ApiResource::from_gvk(&gvk);
    let api: Api<DynamicObject> =
        Api::namespaced_with(all.namespace.client(), all.namespace.name(), &resource);
    let mut artifact = serde_json::to_value(artifact)?;
    artifact["metadata"] = json!({"org.opencontainers.image.revision": origin});
    let status = Patch::Merge(json!({"status": {"artifact": artifact}}));
    api.patch_status("offered", &PatchParams::default(), &status)
        .await?;
    Ok(())
}

#[tokio::test]
async fn a_new_revision_of_an_external_artifact_is_applied_and_its_origin_told() -> Result<()> {
    let files = [("a.yaml", &*config_map("a", "1"))];
    let flags = ["--feature-gates=ExternalArtifact=true"];
    let all = Loop::with_flags("external-artifact", &files, &flags).await?;
    all.apply(
        "source.toolkit.fluxcd.io/v1",
        "ExternalArtifact",
        "offered",
        &json!({"sourceRef": {"apiVersion": "example.com/v1", "kind": "Maker", "name": "m"}}),
    )
    .await?;
    let first = all.revision()?;
    offer(&all, &artifact(&all, &first).await?, "origin-1").await?;
    let reference = json!({"kind": "ExternalArtifact", "name": "offered"});
    let spec = json!({"sourceRef": reference, "targetNamespace": all.namespace.name()});
    all.kustomization("app", spec).await?;
    all.applied("app", &first).await?;
    let second = all.push(&[("a.yaml", &config_map("a", "2"))], &[]).await?;
    offer(&all, &artifact(&all, &second).await?, "origin-2").await?;
    let object = all.applied("app", &second).await?;
    let status = object.status.context("a status")?;
    assert_eq!(status.last_applied_origin_revision, "origin-2");
    let remembered = &status.history[0].metadata;
    assert_eq!(remembered["originRevision"], "origin-2");
    assert_eq!(value(&all.config_map("a").await?.context("there")?), "2");
    let event = all.event("app", "Progressing", "configured").await?;
    let told = &event["metadata"]["kustomize.toolkit.fluxcd.io/originRevision"];
    assert_eq!(*told, Value::from("origin-2"));
    Ok(())
}

/// What is wrong with the certificate of a server of artifacts, and what is said of it.
const FLAWS: [(CertificateFlaw, &str); 6] = [
    (
        CertificateFlaw::Expired,
        "certificate has expired or is not yet valid",
    ),
    (
        CertificateFlaw::NotYetValid,
        "certificate has expired or is not yet valid",
    ),
    (
        CertificateFlaw::OtherName,
        "certificate is not valid for 127.0.0.1",
    ),
    (
        CertificateFlaw::ForeignConstraint,
        "a root or intermediate certificate is not authorized to sign for this name",
    ),
    (
        CertificateFlaw::ForClients,
        "certificate specifies an incompatible key usage",
    ),
    (
        CertificateFlaw::SelfSigned,
        "certificate signed by unknown authority",
    ),
];

#[tokio::test]
async fn artifacts_come_from_no_server_whose_certificate_does_not_hold() -> Result<()> {
    let good = FileServer::start_tls(None)?;
    let start = |(flaw, why): &(_, _)| Ok((FileServer::start_tls(Some(*flaw))?, *flaw, *why));
    let bad: Vec<(FileServer, CertificateFlaw, &str)> =
        FLAWS.iter().map(start).collect::<Result<_>>()?;
    let folder = tempfile::tempdir()?;
    let trusted = folder.path().join("trusted.pem");
    let authorities: Vec<&str> = bad.iter().map(|(server, ..)| server.ca()).collect();
    std::fs::write(&trusted, format!("{}{}", good.ca(), authorities.concat()))?;
    let all = Loop::with_environment(
        "artifact-certificates",
        &[("a.yaml", &*config_map("a", "1"))],
        // The default number of retries: they would take minutes, and change nothing.
        &["--feature-gates=ExternalArtifact=true"],
        &[("SSL_CERT_FILE", trusted.display().to_string())],
    )
    .await?;
    let made = json!({"sourceRef": {"apiVersion": "example.com/v1", "kind": "Maker", "name": "m"}});
    all.apply(
        "source.toolkit.fluxcd.io/v1",
        "ExternalArtifact",
        "offered",
        &made,
    )
    .await?;
    let revision = all.revision()?;
    let mut offered = artifact(&all, &revision).await?;
    let file = std::fs::read(all.controllers.storage().join(&offered.path))?;

    good.put(file.clone());
    offered.url = good.url();
    offer(&all, &offered, "origin").await?;
    let reference = json!({"kind": "ExternalArtifact", "name": "offered"});
    let spec = json!({"sourceRef": reference, "targetNamespace": all.namespace.name()});
    all.kustomization("app", spec).await?;
    let before = all.applied("app", &revision).await?;
    for (server, flaw, why) in &bad {
        server.put(file.clone());
        offered.url = server.url();
        offered.revision = format!("{flaw:?}@{revision}");
        // What is kept by its digest would not be asked for.
        offered.digest = format!("sha512:{}", "0".repeat(128));
        offer(&all, &offered, "origin").await?;
        let address = server.url();
        let is_told = |object: &Kustomization| {
            let status = object.status.clone().unwrap_or_default();
            let failed = crate::fixture::is(&status.conditions, "Ready", "False", "ArtifactFailed");
            failed && crate::fixture::message(&status.conditions, "Ready").contains(&address)
        };
        let object = all.wait("app", &format!("{flaw:?}"), is_told).await?;
        let status = object.status.context("a status")?;
        let text = crate::fixture::message(&status.conditions, "Ready");
        let expected = format!(
            "failed to download archive: GET {address} giving up after 1 attempt(s): Get \"{address}\": tls: failed \
             to verify certificate: x509: {why}"
        );
        ensure!(text == expected, "{flaw:?}: {text}");
        ensure!(server.requests() == 0, "{flaw:?}: something was asked");
        let kept = before.status.clone().unwrap_or_default();
        ensure!(status.inventory == kept.inventory, "{flaw:?}");
        ensure!(status.last_applied_revision == revision, "{flaw:?}");
    }
    Ok(())
}

#[tokio::test]
async fn what_a_symbolic_link_points_to_is_not_read() -> Result<()> {
    let all = Loop::start("symbolic-links", &[("a.yaml", &config_map("a", "1"))]).await?;
    let spec = json!({"targetNamespace": all.namespace.name()});
    all.kustomization("app", spec).await?;
    all.applied("app", &all.revision()?).await?;
    let generator = "resources: [a.yaml]\nsecretGenerator: [{name: s, envs: [link.env]}]\n";
    for target in [
        "inside.env",
        "../../../../../../etc/environment",
        "/inside.env",
    ] {
        let change = all.repo.change().message("a link");
        change
            .write("kustomization.yaml", generator)
            .write("inside.env", "A=1\n")
            .symlink("link.env", target)
            .commit()?;
        let revision = all.revision()?;
        all.request::<GitRepository>("app").await?;
        let failed = all.wait("app", "a failed build", |object| {
            let status = object.status.as_ref();
            status.is_some_and(|status| status.last_attempted_revision == revision)
                && crate::fixture::is(
                    &status.map(|it| it.conditions.clone()).unwrap_or_default(),
                    "Ready",
                    "False",
                    "BuildFailed",
                )
        });
        let failed = failed.await?;
        let conditions = failed.status.map(|it| it.conditions).unwrap_or_default();
        let text = crate::fixture::message(&conditions, "Ready").to_owned();
        ensure!(
            text.contains("link.env") && !text.contains("PATH"),
            "{text}"
        );
    }
    let maps = all.config_map("a").await?.context("it stays")?;
    ensure!(
        maps.metadata.deletion_timestamp.is_none(),
        "{}",
        maps.name_any()
    );
    Ok(())
}
