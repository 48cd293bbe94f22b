//! Every form of `spec.ref`, and what it costs to see that nothing has changed.

use anyhow::{Context as _, Result};
use harness::Repository;
use serde_json::json;
use weir_api::source::v1::GitRepository;

use super::fixture::{Sources, artifact, is, message, paths};

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

#[tokio::test]
async fn a_known_tip_is_not_fetched_again_however_it_is_named() -> Result<()> {
    let all = Sources::start("git-known").await?;
    let commit = all.repo.commit(&[("a", "1")], "first")?;
    all.repo.tag("light", &commit)?;
    all.repo.annotated_tag("heavy", &commit, "release")?;
    all.repo.tag("1.2.3", &commit)?;
    all.repo.git(&["update-ref", "refs/pull/7/head", &commit])?;
    for (reference, name) in [
        (json!({"branch": "main"}), "main@"),
        (json!({"tag": "light"}), "light@"),
        // What is compared is the commit, and not the object of the tag.
        (json!({"tag": "heavy"}), "heavy@"),
        (json!({"semver": "1.x"}), "1.2.3@"),
        (json!({"name": "refs/pull/7/head"}), "refs/pull/7/head@"),
        (json!({"name": "refs/tags/heavy"}), "refs/tags/heavy@"),
        (json!({"commit": commit}), ""),
        (json!({"commit": commit, "branch": "main"}), "main@"),
    ] {
        all.apply(json!({"ref": reference})).await?;
        let object = all.ready(&format!("{name}sha1:{commit}")).await?;
        let packs = all.packs();
        let request = format!("{reference}");
        let again = all.reconcile(&request).await?;
        assert_eq!(artifact(&again), artifact(&object), "{reference}");
        // A commit needs no listing either.
        assert!(
            all.packs() <= packs + 1,
            "{reference}: at most a listing, and no fetch"
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_revision_as_old_versions_wrote_it_is_no_other_one() -> Result<()> {
    let all = Sources::start("git-legacy").await?;
    let commit = all.repo.commit(&[("a", "1")], "first")?;
    all.apply(json!({})).await?;
    all.ready(&format!("main@sha1:{commit}")).await?;
    let packs = all.packs();
    let legacy = format!("main/{commit}");
    all.patch_status(json!({"artifact": {"revision": legacy}}))
        .await?;
    let object = all.reconcile("now").await?;
    let revision = artifact(&object).map(|artifact| artifact.revision);
    assert_eq!(revision, Some(legacy));
    assert_eq!(all.packs(), packs + 1, "a listing and no fetch");
    assert_eq!(
        message(&object, "ArtifactInStorage"),
        format!("stored artifact for revision 'main@sha1:{commit}'")
    );
    Ok(())
}

#[tokio::test]
async fn a_name_with_a_slash_at_either_end_is_refused() -> Result<()> {
    let all = Sources::start("git-slash").await?;
    let commit = all.repo.commit(&[("a", "1")], "first")?;
    for name in ["/refs/heads/main", "refs/heads/main/", "/"] {
        all.apply(json!({"ref": {"name": name}})).await?;
        let refused =
            |object: &GitRepository| message(object, "Ready").contains(&format!("ref {name} "));
        let object = all.wait(name, refused).await?;
        assert_eq!(
            message(&object, "Ready"),
            format!(
                "failed to checkout and determine revision: ref {name} is invalid; Git refs cannot begin or end with a slash '/'"
            )
        );
        assert!(is(&object, "FetchFailed", "True", "GitOperationFailed"));
    }
    all.apply(json!({"ref": {"name": "refs/heads/main"}}))
        .await?;
    all.ready(&format!("refs/heads/main@sha1:{commit}")).await?;
    Ok(())
}

/// The tip of `main` again, committed at another time.
fn dated(repo: &Repository, seconds: u64) -> Result<String> {
    let object = repo.git(&["cat-file", "commit", "main"])? + "\n";
    let (before, rest) = object.split_once("\ncommitter ").context("has one")?;
    let (_, after) = rest.split_once('\n').context("has more lines")?;
    let changed = format!("{before}\ncommitter T <t@example.com> {seconds} +0000\n{after}");
    std::fs::write(repo.path().join("dated"), changed)?;
    repo.git(&["hash-object", "-t", "commit", "-w", "dated"])
}

#[tokio::test]
async fn semver_knows_pre_releases_odd_tags_and_the_younger_of_equals() -> Result<()> {
    let all = Sources::start("git-semver-odd").await?;
    all.repo.commit(&[("a", "1")], "1")?;
    let (old, young) = (
        dated(&all.repo, 1_600_000_000)?,
        dated(&all.repo, 1_700_000_000)?,
    );
    for (tag, commit) in [
        ("1.0.0", &old),
        ("1.1.0-rc.1", &young),
        // Two parts are no version, whatever they say.
        ("v1.9", &young),
        ("v02.03.04", &old),
        ("2.3.3", &young),
        ("3.0.0+a", &old),
        ("3.0.0+b", &young),
        ("4.0.0+a", &young),
        ("4.0.0+b", &old),
    ] {
        all.repo.tag(tag, commit)?;
    }
    for (range, tag, commit) in [
        ("1.x", "1.0.0", &old),
        (">=1.0.0-0 <2.0.0", "1.1.0-rc.1", &young),
        ("2.3.x", "v02.03.04", &old),
        ("3.x", "3.0.0+b", &young),
        ("4.x", "4.0.0+a", &young),
    ] {
        all.apply(json!({"ref": {"semver": range}})).await?;
        all.ready(&format!("{tag}@sha1:{commit}")).await?;
    }
    Ok(())
}
