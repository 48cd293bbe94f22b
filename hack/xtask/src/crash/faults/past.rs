//! A cluster that goes back in time, and a kind that goes and comes back.

use anyhow::{Context as _, Result, ensure};
use harness::eventually;

use super::{MOMENT, References, finish, started};
use crate::crash::case::LIMIT;
use crate::crash::points::{QUIET, is_deletion, silence};
use crate::crash::stage::Stage;
use crate::picture;

/// The definition of GitRepositories.
const DEFINITION: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/gitrepositories.source.toolkit.fluxcd.io";

/// etcd holds what it held before the act; controllers know of later versions, which will exist a second time.
pub(super) async fn restored(stage: &mut Stage, references: &References, name: &str) -> Result<()> {
    let (scenario, reference) = references.of(name)?;
    let mut begun = started(stage, references, name).await?;
    let backup = stage.plane.back_up()?;
    begun.case.act(scenario).await?;
    begun.case.becomes(&reference.picture).await?;
    silence(&begun.proxy, QUIET).await?;
    let before = begun.case.version().await?;
    stage.plane.restore(&backup).await?;
    let after = begun.case.version().await?;
    ensure!(
        after < before,
        "version {after} does not come before {before}"
    );
    // What was done before is done again, and counts from here.
    begun.proxy.clear();
    finish(begun, scenario, reference).await
}

/// Nobody who looks for its objects finds any: that is no reason to delete what they have brought.
pub(super) async fn undefined(stage: &mut Stage, references: &References) -> Result<()> {
    let (scenario, reference) = references.of("upgrade")?;
    let mut begun = started(stage, references, "upgrade").await?;
    begun.case.remove(DEFINITION).await?;
    eventually(LIMIT, "the definition gone", async || {
        let left = picture::get(&stage.client, DEFINITION).await?;
        ensure!(left.is_none(), "it is there");
        Ok(())
    })
    .await?;
    begun.case.another_pass("without").await?;
    tokio::time::sleep(MOMENT).await;
    let log = begun.proxy.log();
    let deleted = log.iter().find(|record| is_deletion(record));
    ensure!(deleted.is_none(), "{deleted:?}");
    let live = begun.case.live().await?.context("it is there")?;
    ensure!(picture::ready(&live) == "False", "{}", live["status"]);
    stage.plane.install_crds().await?;
    begun.case.create_source("all").await?;
    begun.case.act(scenario).await?;
    finish(begun, scenario, reference).await
}
