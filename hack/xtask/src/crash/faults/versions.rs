//! Definitions of another release: the one before, the next, and back.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::{Begun, References, finish, started};
use crate::crash::points::{QUIET, is_deletion, silence};
use crate::crash::stage::Stage;
use crate::picture;

/// The definition of Kustomizations.
const DEFINITION: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/kustomizations.kustomize.toolkit.fluxcd.io";
/// A version of older releases of Flux.
const OLD: &str = "v1beta2";

/// Kustomizations are stored in an older version; the definition becomes ours, then the older one again, and ours,
/// while the controller runs.
pub(super) async fn changed(stage: &mut Stage, references: &References) -> Result<()> {
    let (scenario, reference) = references.of("upgrade")?;
    let ours = definition(stage).await?;
    store(stage, &ours, Some(OLD)).await?;
    let result = up_and_down(stage, references, &ours).await;
    // Whatever came of it: others go on with ours.
    let _ = store(stage, &ours, None).await;
    finish(result?, scenario, reference).await
}

async fn up_and_down(stage: &Stage, references: &References, ours: &Value) -> Result<Begun> {
    let (scenario, _) = references.of("upgrade")?;
    let mut begun = started(stage, references, "upgrade").await?;
    begun.case.another_pass("before").await?;
    silence(&begun.proxy, QUIET).await?;
    let before = begun.case.picture().await?;
    let spec = begun.case.live().await?.context("it is there")?;
    for (token, old) in [("up", None), ("down", Some(OLD)), ("up again", None)] {
        store(stage, ours, old).await?;
        begun.case.another_pass(token).await?;
        silence(&begun.proxy, QUIET).await?;
        begun.case.becomes(&before).await?;
        let live = begun.case.live().await?.context("it is there")?;
        for path in ["/spec", "/metadata/generation", "/metadata/uid"] {
            ensure!(
                live.pointer(path) == spec.pointer(path),
                "{token}: {path} is {:?}",
                live.pointer(path)
            );
        }
        let log = begun.proxy.log();
        let deleted = log.iter().find(|record| is_deletion(record));
        ensure!(deleted.is_none(), "{token}: {deleted:?}");
    }
    begun.proxy.clear();
    begun.case.act(scenario).await?;
    Ok(begun)
}

async fn definition(stage: &Stage) -> Result<Value> {
    let found = picture::get(&stage.client, DEFINITION).await?;
    found.context("Kustomizations are defined")
}

/// Makes `old` the version that is stored, beside ours; without it ours is the only one, and all is stored as that.
async fn store(stage: &Stage, ours: &Value, old: Option<&str>) -> Result<()> {
    let mut versions = ours["spec"]["versions"].clone();
    let all = versions.as_array_mut().context("a list of versions")?;
    if let Some(old) = old {
        let mut older = all.first().context("a version")?.clone();
        older["name"] = json!(old);
        older["deprecated"] = json!(true);
        for version in all.iter_mut() {
            version["storage"] = json!(false);
        }
        all.push(older);
    } else {
        // What is stored in the older version is written once more, and then nothing is.
        let both = definition(stage).await?;
        let mut both = both["spec"]["versions"].clone();
        for version in both.as_array_mut().context("a list of versions")? {
            version["storage"] = json!(version["name"] != OLD);
        }
        stage
            .patch(DEFINITION, &json!({"spec": {"versions": both}}))
            .await?;
        let list = "/apis/kustomize.toolkit.fluxcd.io/v1/kustomizations";
        let found = picture::get(&stage.client, list).await?.unwrap_or_default();
        for object in found["items"].as_array().into_iter().flatten() {
            let name = |field: &str| object["metadata"][field].as_str().unwrap_or_default();
            let path = format!(
                "/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/{}/kustomizations/{}",
                name("namespace"),
                name("name")
            );
            let touched = json!({"metadata": {"annotations": {"migrated": "true"}}});
            stage.patch(&path, &touched).await?;
            let released = json!({"metadata": {"annotations": {"migrated": null}}});
            stage.patch(&path, &released).await?;
        }
        let stored = json!({"status": {"storedVersions": ["v1"]}});
        stage
            .patch(&format!("{DEFINITION}/status"), &stored)
            .await?;
    }
    stage
        .patch(DEFINITION, &json!({"spec": {"versions": versions}}))
        .await
}
