//! What goes wrong: a clear condition, the old artifact kept, the recovery told.

use anyhow::Result;
use harness::Fault;
use serde_json::json;

use super::fixture::{Sources, artifact, condition, is, message, status};

#[tokio::test]
async fn a_missing_branch_is_named_and_fixed_by_the_spec() -> Result<()> {
    let all = Sources::start("git-missing-branch").await?;
    let commit = all.repo.commit(&[("a", "1")], "first")?;
    all.apply(json!({"ref": {"branch": "nope"}})).await?;
    let object = all.fails("GitOperationFailed").await?;
    let expected = format!(
        "failed to checkout and determine revision: unable to clone '{}': couldn't find remote ref \"refs/heads/nope\"",
        all.repo.url()
    );
    assert_eq!(message(&object, "FetchFailed"), expected);
    assert_eq!(status(&object).observed_generation, Some(-1));
    all.apply(json!({})).await?;
    let object = all.ready(&format!("main@sha1:{commit}")).await?;
    assert!(
        condition(&object, "FetchFailed").is_none() && condition(&object, "Reconciling").is_none()
    );
    Ok(())
}

#[tokio::test]
async fn an_empty_repository_has_its_own_reason() -> Result<()> {
    let all = Sources::start("git-empty").await?;
    all.apply(json!({})).await?;
    let object = all.fails("EmptyGitRepository").await?;
    assert_eq!(message(&object, "Ready"), "git repository is empty");
    let commit = all.repo.commit(&[("a", "1")], "first")?;
    all.request("now").await?;
    all.ready(&format!("main@sha1:{commit}")).await?;
    Ok(())
}

#[tokio::test]
async fn a_server_that_breaks_costs_the_artifact_nothing_and_the_recovery_is_told() -> Result<()> {
    let all = Sources::start("git-fault").await?;
    let commit = all.repo.commit(&[("a", "1")], "first")?;
    let revision = format!("main@sha1:{commit}");
    all.apply(json!({})).await?;
    let before = all.ready(&revision).await?;
    for (request, fault) in [
        ("one", Fault::Status(500)),
        ("two", Fault::Drop),
        ("three", Fault::Cut(30)),
    ] {
        all.repo.fault(Some(fault));
        all.reconcile(request).await?;
        let object = all.fails("GitOperationFailed").await?;
        assert_eq!(artifact(&object), artifact(&before));
    }
    all.repo.fault(None);
    all.request("four").await?;
    all.ready(&revision).await?;
    all.event(
        "Succeeded",
        &format!("stored artifact for commit '{revision}'"),
    )
    .await?;
    Ok(())
}

#[tokio::test]
async fn a_time_out_ends_a_fetch() -> Result<()> {
    let all = Sources::start("git-timeout").await?;
    all.repo.commit(&[("a", "1")], "first")?;
    all.repo
        .fault(Some(Fault::Delay(std::time::Duration::from_secs(120))));
    all.apply(json!({"timeout": "1s"})).await?;
    let object = all.fails("GitOperationFailed").await?;
    assert!(
        message(&object, "Ready").ends_with("context deadline exceeded"),
        "{}",
        message(&object, "Ready")
    );
    Ok(())
}

#[tokio::test]
async fn a_changed_spec_ends_a_hanging_fetch() -> Result<()> {
    let all = Sources::start("git-hanging").await?;
    let commit = all.repo.commit(&[("a", "1")], "first")?;
    let good = all.repo.url().to_owned();
    let slow = all.git.repo("slow")?;
    slow.fault(Some(Fault::Delay(std::time::Duration::from_secs(300))));
    all.apply(json!({"url": slow.url(), "timeout": "5m"}))
        .await?;
    all.wait("progress", |object| {
        is(object, "Reconciling", "True", "Progressing")
    })
    .await?;
    all.apply(json!({"url": good, "timeout": "5m"})).await?;
    all.ready(&format!("main@sha1:{commit}")).await?;
    Ok(())
}

#[tokio::test]
async fn a_hostile_tree_makes_no_artifact() -> Result<()> {
    let all = Sources::start("git-hostile").await?;
    let commit = all.repo.commit(&[("a", "1")], "first")?;
    let revision = format!("main@sha1:{commit}");
    all.apply(json!({})).await?;
    let before = all.ready(&revision).await?;
    let blob = all.repo.git(&["rev-parse", "main:a"])?;
    let mut tree = b"100644 ..\0".to_vec();
    tree.extend(
        (0..40)
            .step_by(2)
            .filter_map(|at| u8::from_str_radix(&blob[at..at + 2], 16).ok()),
    );
    std::fs::write(all.repo.path().join("raw"), tree)?;
    let tree = all
        .repo
        .git(&["hash-object", "-t", "tree", "-w", "--literally", "raw"])?;
    let hostile = all.repo.git(&["commit-tree", &tree, "-m", "hostile"])?;
    all.repo.branch("main", &hostile)?;
    all.request("now").await?;
    let object = all.fails("GitOperationFailed").await?;
    assert!(
        message(&object, "Ready").contains("invalid path component: \"..\""),
        "{}",
        message(&object, "Ready")
    );
    assert_eq!(artifact(&object), artifact(&before));
    Ok(())
}

#[tokio::test]
async fn a_recovery_with_new_bytes_is_told_as_a_new_artifact_only() -> Result<()> {
    let all = Sources::start("git-recovery").await?;
    let first = all.repo.commit(&[("a", "1")], "first")?;
    all.apply(json!({})).await?;
    all.ready(&format!("main@sha1:{first}")).await?;
    all.repo.fault(Some(Fault::Status(500)));
    all.reconcile("broken").await?;
    all.fails("GitOperationFailed").await?;
    let second = all.repo.commit(&[("a", "2")], "second")?;
    all.repo.fault(None);
    all.request("mended").await?;
    all.ready(&format!("main@sha1:{second}")).await?;
    all.event("NewArtifact", "stored artifact for commit 'second'")
        .await?;
    let told = all.events.events();
    let recovered = told.iter().filter(|event| event["reason"] == "Succeeded");
    assert_eq!(recovered.count(), 0, "{told:?}");
    Ok(())
}
