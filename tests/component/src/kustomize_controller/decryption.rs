//! Encrypted files and resources, and what happens where they cannot be decrypted.

mod services;
mod wrong;

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use harness::eventually;
use k8s_openapi::api::core::v1::Secret;
use serde_json::{Value, json};

use crate::fixture::{LIMIT, Loop};

/// Files that the real sops encrypted.
macro_rules! recorded {
    ($path:literal) => {
        include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../conformance/sops/",
            $path
        ))
    };
}
pub(super) use recorded;

pub(super) const AGE_KEY: &str = recorded!("keys/age.agekey");
pub(super) const SECRET: &str = recorded!("cases/kubernetes/secret.yaml");
const STRANGER: &str = recorded!("keys/stranger.key");
const PGP_KEY: &str = recorded!("keys/pgp-ecc.asc");
const PATCH: &str = recorded!("cases/kubernetes/patch.yaml");
const YAML: &str = recorded!("cases/key-age/a.yaml");
const JSON: &str = recorded!("cases/key-age/b.json");
const DOTENV: &str = recorded!("cases/key-age/c.env");
const INI: &str = recorded!("cases/key-age/d.ini");
const BINARY: &str = recorded!("cases/key-age/e.txt");

/// A Secret of the test's namespace, as the cluster has it.
pub(super) async fn secret(all: &Loop, name: &str) -> Result<Option<Secret>> {
    Ok(all.namespace.api::<Secret>().get_opt(name).await?)
}

/// What a Secret holds.
pub(super) fn values(secret: &Secret) -> BTreeMap<String, String> {
    let data = secret.data.clone().unwrap_or_default().into_iter();
    data.map(|(key, value)| (key, String::from_utf8_lossy(&value.0).into_owned()))
        .collect()
}

/// Writes a Secret with keys.
pub(super) async fn keys(all: &Loop, name: &str, values: Value) -> Result<()> {
    let object = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": values});
    all.namespace.apply(&object.to_string()).await?;
    Ok(())
}

/// A spec that decrypts with the Secret `keys`.
pub(super) fn decrypting(all: &Loop) -> Value {
    json!({
        "targetNamespace": all.namespace.name(),
        "decryption": {"provider": "sops", "secretRef": {"name": "keys"}},
    })
}

const OVERLAY: &str = "
resources: [base]
generatorOptions: {disableNameSuffixHash: true}
secretGenerator:
- name: made
  files: [a.yaml, b.json, d.ini, plain=e.txt, .dockerconfigjson=b.json]
  envs: [c.env]
patches:
- path: patch.yaml
";

const DEEP: &str = "
generatorOptions: {disableNameSuffixHash: true}
secretGenerator:
- name: deep
  envs: [c.env]
";

#[tokio::test]
async fn resources_generated_files_and_patches_are_decrypted_in_place() -> Result<()> {
    let files = [
        ("kustomization.yaml", OVERLAY),
        (
            "base/kustomization.yaml",
            "resources: [secret.yaml, ../deep]\n",
        ),
        ("base/secret.yaml", SECRET),
        ("deep/kustomization.yaml", DEEP),
        ("deep/c.env", DOTENV),
        ("a.yaml", YAML),
        ("b.json", JSON),
        ("c.env", DOTENV),
        ("d.ini", INI),
        ("e.txt", BINARY),
        ("patch.yaml", PATCH),
    ];
    let all = Loop::start("sops-forms", &files).await?;
    keys(&all, "keys", json!({"age.agekey": AGE_KEY})).await?;
    all.kustomization("app", decrypting(&all)).await?;
    all.applied("app", &all.revision()?).await?;

    let app = values(&secret(&all, "app").await?.context("decrypted")?);
    assert_eq!(app["password"], "s3cr3t");
    assert_eq!(app["token"], "token");
    let made = values(&secret(&all, "made").await?.context("generated")?);
    assert!(made["a.yaml"].starts_with("secret: text\n"), "{made:?}");
    assert!(made["b.json"].starts_with('{') && !made["b.json"].contains("sops"));
    assert_eq!(made["b.json"], made[".dockerconfigjson"]);
    assert_eq!(made["d.ini"], "[s]\na = b\n");
    assert_eq!(made["plain"], "bytes\n");
    assert_eq!(made["patched"], "by-a-patch");
    let deep = values(&secret(&all, "deep").await?.context("generated")?);
    assert!(!deep.is_empty() && deep.iter().all(|(key, value)| made[key] == *value));

    // What is the same changes nothing and tells nobody.
    let before = secret(&all, "app").await?;
    let events = all.events.events().len();
    all.reconcile("app").await?;
    assert_eq!(secret(&all, "app").await?, before);
    let news = all.events.events().split_off(events);
    let changes = news.iter().filter(|event| {
        let message = event["message"].as_str().unwrap_or_default();
        message.contains("configured") || message.contains("created")
    });
    assert_eq!(changes.count(), 0, "{news:?}");
    Ok(())
}

#[tokio::test]
async fn keys_may_come_late_be_wrong_and_come_back() -> Result<()> {
    let all = Loop::start("sops-keys", &[("secret.yaml", SECRET)]).await?;
    all.kustomization("app", decrypting(&all)).await?;
    let failure = all.fails("app", "BuildFailed").await?;
    assert_eq!(failure, "secrets \"keys\" not found");
    assert!(secret(&all, "app").await?.is_none());

    let wait = async |text: &str| {
        let what = format!("a failure with {text}");
        eventually(LIMIT, &what, async || {
            let found = all.fails("app", "BuildFailed").await?;
            ensure!(found.contains(text), "{found}");
            ensure!(!found.contains("AGE-SECRET"), "{found}");
            Ok(found)
        })
        .await
    };
    keys(
        &all,
        "keys",
        json!({"age.agekey": "AGE-SECRET-KEY-1CANARY"}),
    )
    .await?;
    wait("failed to import 'age.agekey' data from sops decryption Secret '").await?;
    keys(&all, "keys", json!({"age.agekey": STRANGER})).await?;
    let name = format!(
        "failed to decrypt and format '{}/app' Secret data: cannot get sops data key: Failed to get the data key required to decrypt the SOPS file.",
        all.namespace.name()
    );
    let failure = wait(&name).await?;
    assert!(
        failure.starts_with("decryption failed for 'Secret.v1.[noGrp]/app': "),
        "{failure}"
    );
    assert!(
        failure.contains("identity did not match any of the recipients"),
        "{failure}"
    );
    keys(
        &all,
        "keys",
        json!({"age.agekey": STRANGER, "more.agekey": AGE_KEY, "pgp.asc": PGP_KEY}),
    )
    .await?;
    let good = all.applied("app", &all.revision()?).await?;
    let before = secret(&all, "app").await?.context("applied")?;
    assert_eq!(values(&before)["password"], "s3cr3t");

    // The keys are gone: what runs stays as it is, until they are back.
    let secrets = all.namespace.api::<Secret>();
    secrets
        .delete("keys", &kube::api::DeleteParams::default())
        .await?;
    all.request::<weir_api::kustomize::v1::Kustomization>("app")
        .await?;
    wait("secrets \"keys\" not found").await?;
    assert_eq!(secret(&all, "app").await?.as_ref(), Some(&before));
    keys(&all, "keys", json!({"age.agekey": AGE_KEY})).await?;
    let healed = all.applied("app", &all.revision()?).await?;
    assert_eq!(
        healed.status.map(|status| status.inventory),
        good.status.map(|status| status.inventory)
    );
    assert_eq!(secret(&all, "app").await?.as_ref(), Some(&before));
    Ok(())
}

#[tokio::test]
async fn the_installations_key_serves_where_no_secret_is_named() -> Result<()> {
    let files = [("secret.yaml", SECRET)];
    let all = Loop::with_flags("sops-global", &files, &["--sops-age-secret=global"]).await?;
    keys(&all, "global", json!({"age.agekey": AGE_KEY})).await?;
    keys(&all, "keys", json!({"age.agekey": STRANGER})).await?;
    let spec = |decryption: Value| json!({"targetNamespace": all.namespace.name(), "decryption": decryption});
    all.kustomization("app", spec(json!({"provider": "sops"})))
        .await?;
    all.applied("app", &all.revision()?).await?;
    // A Secret that is named stands alone.
    let own = json!({"provider": "sops", "secretRef": {"name": "keys"}});
    all.kustomization("app", spec(own)).await?;
    let failure = all.fails("app", "BuildFailed").await?;
    ensure!(failure.contains("cannot get sops data key"), "{failure}");
    Ok(())
}

#[tokio::test]
async fn an_account_of_the_objects_own_needs_the_gate() -> Result<()> {
    let all = Loop::start("sops-gate", &[("secret.yaml", SECRET)]).await?;
    let spec = json!({
        "targetNamespace": all.namespace.name(),
        "decryption": {"provider": "sops", "serviceAccountName": "app"},
    });
    all.kustomization("app", spec).await?;
    let failure = all.fails("app", "FeatureGateDisabled").await?;
    assert_eq!(
        failure,
        "to use spec.decryption.serviceAccountName for decryption authentication please enable the ObjectLevelWorkloadIdentity feature gate in the controller"
    );
    let object = all.wait("app", "stalled", |object| {
        crate::fixture::is(
            weir_api::Reconcilable::conditions(object),
            "Stalled",
            "True",
            "FeatureGateDisabled",
        )
    });
    let status = object.await?.status.unwrap_or_default();
    assert_ne!(status.observed_generation, Some(1));
    Ok(())
}
