//! Every form of `spec.ref`, and what it costs to see that nothing has changed.

use anyhow::Result;
use serde_json::json;

use super::fixture::{Sources, artifact, paths};

#[tokio::test]
async fn a_branch_is_followed_and_a_known_tip_is_not_fetched_again() -> Result<()> {
    let all = Sources::start("git-branch").await?;
    let first = all.repo.commit(&[("a.txt", "1")], "first: a")?;
    all.apply(json!({})).await?;
    let object = all.ready(&format!("main@sha1:{first}")).await?;
    assert_eq!(paths(&*all.files(&object).await?), ["a.txt"]);
    let event = all
        .event("NewArtifact", "stored artifact for commit 'first: a'")
        .await?;
    assert_eq!(
        event["metadata"]["source.toolkit.fluxcd.io/revision"],
        format!("main@sha1:{first}")
    );

    // One POST lists, one fetches.
    assert_eq!(all.packs(), 2);
    let before = artifact(&object);
    let object = all.reconcile("now").await?;
    assert_eq!(artifact(&object), before);
    assert_eq!(all.packs(), 3, "a listing and no fetch");

    let second = all.repo.commit(&[("b.txt", "2")], "second: b")?;
    all.request("again").await?;
    let object = all.ready(&format!("main@sha1:{second}")).await?;
    assert_eq!(paths(&*all.files(&object).await?), ["a.txt", "b.txt"]);
    Ok(())
}

#[tokio::test]
async fn commit_beats_name_beats_tag_beats_semver_beats_branch() -> Result<()> {
    let all = Sources::start("git-precedence").await?;
    let one = all.repo.commit(&[("a", "semver")], "1")?;
    all.repo.tag("1.5.0", &one)?;
    let two = all.repo.commit(&[("a", "tag")], "2")?;
    all.repo.annotated_tag("fixed", &two, "release")?;
    let three = all.repo.commit(&[("a", "name")], "3")?;
    all.repo.git(&["update-ref", "refs/pull/1/head", &three])?;
    let four = all.repo.commit(&[("a", "commit")], "4")?;
    all.repo.commit(&[("a", "branch")], "5")?;

    let mut reference = json!({"branch": "main", "semver": "1.x"});
    all.apply(json!({"ref": reference})).await?;
    all.ready(&format!("1.5.0@sha1:{one}")).await?;
    reference["tag"] = json!("fixed");
    all.apply(json!({"ref": reference})).await?;
    all.ready(&format!("fixed@sha1:{two}")).await?;
    reference["name"] = json!("refs/pull/1/head");
    all.apply(json!({"ref": reference})).await?;
    all.ready(&format!("refs/pull/1/head@sha1:{three}")).await?;
    reference["commit"] = json!(four);
    all.apply(json!({"ref": reference})).await?;
    all.ready(&format!("refs/pull/1/head@sha1:{four}")).await?;
    all.apply(json!({"ref": {"commit": four}})).await?;
    all.ready(&format!("sha1:{four}")).await?;
    Ok(())
}

#[tokio::test]
async fn semver_takes_the_highest_tag_in_range_and_a_newer_one_later() -> Result<()> {
    let all = Sources::start("git-semver").await?;
    let one = all.repo.commit(&[("a", "1")], "1")?;
    all.repo.tag("v1.2.0", &one)?;
    all.repo.tag("v1.9", &one)?;
    all.repo.tag("2.0.0-rc.1", &one)?;
    all.apply(json!({"ref": {"semver": ">=1.0.0"}})).await?;
    all.ready(&format!("v1.2.0@sha1:{one}")).await?;
    let fetched = all.packs();
    all.reconcile("now").await?;
    assert_eq!(all.packs(), fetched + 1, "a listing and no fetch");
    let two = all.repo.commit(&[("a", "2")], "2")?;
    all.repo.tag("v1.10.0", &two)?;
    all.request("again").await?;
    all.ready(&format!("v1.10.0@sha1:{two}")).await?;
    Ok(())
}
