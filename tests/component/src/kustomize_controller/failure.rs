//! Bad input: a clear condition, and nothing that ran is lost.

use anyhow::{Context as _, Result, ensure};
use harness::eventually;
use kube::Api;
use kube::api::{DynamicObject, Patch, PatchParams};
use kube::core::{ApiResource, GroupVersionKind};
use serde_json::{Value, json};
use weir_api::Reconcilable;
use weir_api::kustomize::v1::Kustomization;

use crate::fixture::{LIMIT, Loop, config_map, inventory, is, message, value};

/// Applies a good commit, then a bad one, checks the failure, then heals it.
async fn good_bad_good(test: &str, bad: (&str, &str), reason: &str, text: &str) -> Result<()> {
    let all = Loop::start(test, &[("a.yaml", &config_map("a", "1"))]).await?;
    all.kustomization("app", json!({"targetNamespace": all.namespace.name()}))
        .await?;
    let good = all.revision()?;
    let before = all.applied("app", &good).await?;
    let object = all.config_map("a").await?.context("applied")?;

    let revision = all.push(&[bad], &[]).await?;
    let failure = all.fails("app", reason).await?;
    ensure!(failure.contains(text), "{failure}");
    let after = all.wait("app", "attempted", |object| {
        object
            .status
            .as_ref()
            .is_some_and(|status| status.last_attempted_revision == revision)
    });
    let after = after.await?;
    assert_eq!(
        after
            .status
            .as_ref()
            .map(|status| status.last_applied_revision.clone()),
        Some(good)
    );
    assert_eq!(inventory(&after), inventory(&before));
    assert_eq!(
        all.config_map("a").await?.as_ref(),
        Some(&object),
        "the running object is untouched"
    );
    assert!(
        is(
            after.conditions(),
            "Reconciling",
            "True",
            "ProgressingWithRetry"
        ),
        "{:?}",
        after.conditions()
    );
    let event = all.event("app", reason, text).await?;
    assert_eq!(event["severity"], "error");

    let revision = all.push(&[], &[bad.0]).await?;
    let healed = all.applied("app", &revision).await?;
    assert!(
        healed
            .conditions()
            .iter()
            .all(|condition| condition.type_ == "Ready")
    );
    Ok(())
}

#[tokio::test]
async fn a_file_that_is_not_yaml_fails_the_build_and_names_itself() -> Result<()> {
    let bad = (
        "bad.yaml",
        "apiVersion: v1\nkind: ConfigMap\n  metadata: [x\n",
    );
    good_bad_good(
        "bad-yaml",
        bad,
        "BuildFailed",
        "bad.yaml: MalformedYAMLError",
    )
    .await
}

#[tokio::test]
async fn a_file_that_is_no_object_fails_the_build() -> Result<()> {
    good_bad_good(
        "bad-object",
        ("x.yaml", "a: b\n"),
        "BuildFailed",
        "x.yaml: missing Resource metadata",
    )
    .await
}

#[tokio::test]
async fn an_overlay_that_misses_a_file_fails_the_build() -> Result<()> {
    let bad = ("bad/kustomization.yaml", "resources: [nope.yaml]\n");
    good_bad_good("bad-overlay", bad, "BuildFailed", "accumulating resources").await
}

#[tokio::test]
async fn an_object_that_the_server_refuses_stops_the_apply() -> Result<()> {
    let bad = (
        "bad.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: Bad_Name}\n",
    );
    good_bad_good(
        "bad-name",
        bad,
        "ReconciliationFailed",
        "Bad_Name dry-run failed (Invalid)",
    )
    .await
}

#[tokio::test]
async fn a_kind_that_nobody_serves_stops_the_apply() -> Result<()> {
    let bad = (
        "bad.yaml",
        "apiVersion: example.com/v1\nkind: Nothing\nmetadata: {name: x}\n",
    );
    let text = "dry-run failed: no matches for kind \"Nothing\" in version \"example.com/v1\"";
    good_bad_good("bad-kind", bad, "ReconciliationFailed", text).await
}

#[tokio::test]
async fn a_later_stage_that_fails_leaves_the_earlier_one_in_the_inventory() -> Result<()> {
    let all = Loop::start("stage-failure", &[]).await?;
    let made = format!("{}-made", all.namespace.name());
    let namespace = format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: {made}}}\n");
    let bad = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: Bad_Name, namespace: default}\n";
    all.push(&[("ns.yaml", &namespace), ("bad.yaml", bad)], &[])
        .await?;
    all.kustomization("app", json!({"retryInterval": "1h"}))
        .await?;
    let failure = all.fails("app", "ReconciliationFailed").await?;
    ensure!(
        failure
            .trim_end()
            .ends_with(&format!("Namespace/{made} created")),
        "{failure}"
    );
    let object = all.namespace.api::<Kustomization>().get("app").await?;
    assert_eq!(
        inventory(&object),
        [format!("_{made}__Namespace")],
        "upstream loses it here"
    );
    all.delete("app").await
}

#[tokio::test]
async fn a_path_that_does_not_exist_is_named() -> Result<()> {
    let all = Loop::start("missing-path", &[("a.yaml", &config_map("a", "1"))]).await?;
    all.kustomization("app", json!({"path": "./nope"})).await?;
    let named = |object: &Kustomization| {
        message(object.conditions(), "Ready").starts_with("kustomization path not found: stat ")
    };
    let object = all.wait("app", "the path named", named).await?;
    assert!(is(object.conditions(), "Ready", "False", "ArtifactFailed"));
    let failure = message(object.conditions(), "Ready");
    ensure!(
        failure.ends_with("/nope: no such file or directory"),
        "{failure}"
    );
    Ok(())
}

#[tokio::test]
async fn a_missing_source_is_named_and_noticed_when_it_comes() -> Result<()> {
    let all = Loop::start("missing-source", &[("a.yaml", &config_map("a", "1"))]).await?;
    let reference = json!({"kind": "GitRepository", "name": "later"});
    let spec = json!({"sourceRef": reference, "retryInterval": "1h", "targetNamespace": all.namespace.name()});
    all.kustomization("app", spec).await?;
    let failure = all.fails("app", "ArtifactFailed").await?;
    assert_eq!(
        failure,
        "GitRepository.source.toolkit.fluxcd.io \"later\" not found"
    );
    let source = json!({"interval": "1h", "url": all.repo.url(), "ref": {"branch": "main"}});
    all.apply(
        "source.toolkit.fluxcd.io/v1",
        "GitRepository",
        "later",
        &source,
    )
    .await?;
    all.applied("app", &all.revision()?).await?;
    Ok(())
}

#[tokio::test]
async fn an_object_that_cannot_be_decoded_fails_alone() -> Result<()> {
    let all = Loop::start("poison", &[("a.yaml", &config_map("a", "1"))]).await?;
    let gvk = GroupVersionKind::gvk("kustomize.toolkit.fluxcd.io", "v1", "Kustomization");
    let resource = ApiResource::from_gvk(&gvk);
    let raw: Api<DynamicObject> =
        Api::namespaced_with(all.namespace.client(), all.namespace.name(), &resource);
    all.kustomization("poison", json!({"suspend": true}))
        .await?;
    // The schema takes any year up to 9999; in UTC this one is beyond what a timestamp can hold.
    let time = "9999-12-31T23:59:59-12:00";
    let snapshot = json!({
        "digest": "sha256:1", "firstReconciled": time, "lastReconciled": time, "lastReconciledDuration": "1s",
        "lastReconciledStatus": "ReconciliationSucceeded", "totalReconciliations": 1,
    });
    let poison = Patch::Merge(json!({"status": {"history": [snapshot]}}));
    raw.patch_status("poison", &PatchParams::default(), &poison)
        .await?;
    eventually(LIMIT, "the poison named", async || {
        let object = raw.get("poison").await?;
        let conditions = object
            .data
            .pointer("/status/conditions")
            .and_then(Value::as_array)
            .cloned();
        let ready = conditions
            .unwrap_or_default()
            .into_iter()
            .find(|condition| condition["type"] == "Ready");
        let ready = ready.context("no Ready condition")?;
        ensure!(
            ready["status"] == "False" && ready["reason"] == "UndecodableObject",
            "{ready}"
        );
        Ok(())
    })
    .await?;
    all.kustomization("app", json!({"targetNamespace": all.namespace.name()}))
        .await?;
    all.applied("app", &all.revision()?).await?;
    let heal = Patch::Merge(json!({"status": {"history": null}}));
    raw.patch_status("poison", &PatchParams::default(), &heal)
        .await?;
    all.kustomization(
        "poison",
        json!({"targetNamespace": all.namespace.name(), "suspend": false}),
    )
    .await?;
    all.applied("poison", &all.revision()?).await?;
    Ok(())
}

#[tokio::test]
async fn a_wrong_digest_of_the_artifact_is_refused_and_recovers() -> Result<()> {
    let all = Loop::start("bad-digest", &[("a.yaml", &config_map("a", "1"))]).await?;
    all.kustomization("app", json!({"targetNamespace": all.namespace.name()}))
        .await?;
    all.applied("app", &all.revision()?).await?;
    let stored = eventually(LIMIT, "an artifact", async || {
        let source = all
            .namespace
            .api::<weir_api::source::v1::GitRepository>()
            .get("app")
            .await?;
        source
            .status
            .and_then(|status| status.artifact)
            .context("no artifact yet")
    });
    let stored = stored.await?;
    let file = all.controllers.storage().join(&stored.path);
    std::fs::write(&file, b"not what was promised").context("cannot damage the artifact")?;
    all.request::<weir_api::source::v1::GitRepository>("app")
        .await?;
    eventually(LIMIT, "the artifact rebuilt", async || {
        let bytes = std::fs::read(&file)?;
        ensure!(bytes.len() > 40, "still damaged");
        Ok(())
    })
    .await?;
    let object = all.reconcile("app").await?;
    assert!(is(
        object.conditions(),
        "Ready",
        "True",
        "ReconciliationSucceeded"
    ));
    assert_eq!(value(&all.config_map("a").await?.context("there")?), "1");
    Ok(())
}
