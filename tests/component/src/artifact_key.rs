//! An artifact server that answers only those who have its key.

use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use weir_api::source::v1::GitRepository;

use crate::fixture::Loop;

const CONFIG: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: app\ndata:\n  a: \"1\"\n";

#[tokio::test]
async fn consumers_with_the_key_apply_what_strangers_may_not_read() -> Result<()> {
    let folder = harness::layout::scratch("artifact-key")?;
    let key = folder.path().join("key");
    let secret = "canary-of-the-artifact-key-0123456789";
    std::fs::write(&key, format!("{secret}\n"))?;
    let flag = format!("--artifact-key-file={}", key.display());
    let mut all = Loop::with_flags("artifact-key", &[("app.yaml", CONFIG)], &[&flag]).await?;
    let target = json!({"targetNamespace": all.namespace.name()});
    all.kustomization("app", target).await?;
    let revision = format!("main@sha1:{}", all.repo.resolve("main")?);
    all.applied("app", &revision).await?;
    let api = all.namespace.api::<GitRepository>();
    let artifact = api.get("app").await?.status.and_then(|it| it.artifact);
    let artifact = artifact.context("has an artifact")?;
    let answer = reqwest::get(&artifact.url).await?;
    assert_eq!(answer.status().as_u16(), 401);
    let root = format!("http://{}/", all.controllers.storage_address());
    assert_eq!(reqwest::get(&root).await?.status().as_u16(), 200);
    let log = all.controllers.process().log_tail(10_000);
    ensure!(!log.contains(secret), "the key is in the log");
    Ok(())
}
