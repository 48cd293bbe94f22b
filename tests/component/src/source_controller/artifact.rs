//! What is in an artifact, how it is served, and that it heals.

use anyhow::{Context as _, Result};
use file_tree::Entry;
use serde_json::json;

use super::fixture::{Sources, artifact, condition, is, message, paths, status};

#[tokio::test]
async fn modes_links_and_bytes_are_kept_as_flux_keeps_them() -> Result<()> {
    let all = Sources::start("git-modes").await?;
    let change = all
        .repo
        .change()
        .executable("run.sh", "#!/bin/sh\n")
        .write("crlf.txt", "a\r\nb");
    let commit = change
        .symlink("link", "run.sh")
        .symlink("out", "/etc/hostname")
        .write("dir/deep/f", "")
        .commit()?;
    all.apply(json!({})).await?;
    let object = all.ready(&format!("main@sha1:{commit}")).await?;
    let tree = all.files(&object).await?;
    assert_eq!(paths(&tree), ["crlf.txt", "dir/deep/f", "run.sh"]);
    assert_eq!(tree.read("crlf.txt")?.as_ref(), b"a\r\nb");
    assert!(matches!(
        tree.lookup("run.sh"),
        Some(Entry::File {
            executable: true,
            ..
        })
    ));
    Ok(())
}

#[tokio::test]
async fn ignore_rules_come_from_files_and_spec_and_a_change_rebuilds() -> Result<()> {
    let all = Sources::start("git-ignore").await?;
    let files = [
        ("a.yaml", "a"),
        ("b.md", "b"),
        ("docs/c.yaml", "c"),
        ("docs/d.md", "d"),
        ("x.png", "x"),
        (".sourceignore", "*.md\n"),
        ("docs/.sourceignore", "*.yaml\n!*.md\n"),
    ];
    let commit = all.repo.commit(&files, "first")?;
    let revision = format!("main@sha1:{commit}");
    all.apply(json!({})).await?;
    let object = all.ready(&revision).await?;
    let kept = [
        ".sourceignore",
        "a.yaml",
        "docs/.sourceignore",
        "docs/d.md",
        "x.png",
    ];
    assert_eq!(paths(&*all.files(&object).await?), kept);

    all.apply(json!({"ignore": "*.png\n!docs/c.yaml\n"}))
        .await?;
    let object = all
        .wait("rebuilt", |object| {
            object
                .status
                .as_ref()
                .is_some_and(|status| status.observed_ignore.is_some())
                && is(object, "Ready", "True", "Succeeded")
        })
        .await?;
    let kept = [
        ".sourceignore",
        "a.yaml",
        "docs/.sourceignore",
        "docs/c.yaml",
        "docs/d.md",
    ];
    assert_eq!(paths(&*all.files(&object).await?), kept);
    Ok(())
}

#[tokio::test]
async fn sparse_checkout_takes_the_listed_folders_only() -> Result<()> {
    let all = Sources::start("git-sparse").await?;
    let files = [("a/1", "1"), ("ab/2", "2"), ("b/c/3", "3"), ("root", "r")];
    let commit = all.repo.commit(&files, "first")?;
    all.apply(json!({"sparseCheckout": ["./a/", "b/c"]}))
        .await?;
    let object = all.ready(&format!("main@sha1:{commit}")).await?;
    assert_eq!(paths(&*all.files(&object).await?), ["a/1", "b/c/3"]);
    // As for go-git, a beginning need not be a whole name.
    all.apply(json!({"sparseCheckout": ["a"]})).await?;
    let object = all
        .wait("the new list", |object| {
            status(object).observed_sparse_checkout == ["a"]
        })
        .await?;
    assert_eq!(paths(&*all.files(&object).await?), ["a/1", "ab/2"]);
    all.apply(json!({"sparseCheckout": ["../sibling"]})).await?;
    let object = all.fails("GitOperationFailed").await?;
    assert!(
        message(&object, "Ready")
            .contains("sparse checkout dir '../sibling' does not exist in repository")
    );
    Ok(())
}

#[tokio::test]
async fn equal_trees_have_equal_digests_and_only_new_bytes_are_told() -> Result<()> {
    let all = Sources::start("git-same-tree").await?;
    let first = all.repo.commit(&[("a", "1")], "first")?;
    all.apply(json!({})).await?;
    let before = all.ready(&format!("main@sha1:{first}")).await?;
    let second = all.repo.commit(&[], "nothing new")?;
    all.request("now").await?;
    let after = all.ready(&format!("main@sha1:{second}")).await?;
    let digest = |object| artifact(object).map(|artifact| artifact.digest);
    assert_eq!(digest(&before), digest(&after));
    let told = all
        .events
        .events()
        .iter()
        .filter(|event| event["reason"] == "NewArtifact")
        .count();
    assert_eq!(told, 1);
    Ok(())
}

#[tokio::test]
async fn a_damaged_file_is_seen_told_and_rebuilt() -> Result<()> {
    let all = Sources::start("git-damage").await?;
    let commit = all.repo.commit(&[("a", "1")], "first")?;
    let revision = format!("main@sha1:{commit}");
    all.apply(json!({})).await?;
    let before = all.ready(&revision).await?;
    let path = artifact(&before).context("has an artifact")?.path;
    let file = all.controllers.storage().join(&path);
    std::fs::write(&file, "junk")?;
    all.reconcile("now").await?;
    all.event(
        "ArtifactVerificationFailed",
        "failed to verify integrity of artifact",
    )
    .await?;
    let after = all.ready(&revision).await?;
    assert_eq!(paths(&*all.files(&after).await?), ["a"]);

    std::fs::remove_file(&file)?;
    all.reconcile("again").await?;
    let after = all.ready(&revision).await?;
    assert_eq!(paths(&*all.files(&after).await?), ["a"]);
    Ok(())
}

#[tokio::test]
async fn the_server_lists_nothing_and_serves_parts() -> Result<()> {
    let all = Sources::start("git-serve").await?;
    let commit = all.repo.commit(&[("a", "1")], "first")?;
    all.apply(json!({})).await?;
    let object = all.ready(&format!("main@sha1:{commit}")).await?;
    let url = artifact(&object).context("has an artifact")?.url;
    let base = format!("http://{}", all.controllers.storage_address());
    let status = async |path: &str| {
        anyhow::Ok(
            reqwest::get(format!("{base}{path}"))
                .await?
                .status()
                .as_u16(),
        )
    };
    assert_eq!(status("/").await?, 200);
    for path in [
        "/gitrepository",
        "/gitrepository/",
        "/gitrepository/../../etc/passwd",
    ] {
        assert_eq!(status(path).await?, 404, "{path}");
    }
    let client = reqwest::Client::new();
    let head = client.head(&url).send().await?;
    assert_eq!(head.headers()["content-type"], "application/gzip");
    let tag = head.headers()["etag"].clone();
    let unchanged = client.get(&url).header("if-none-match", tag).send().await?;
    assert_eq!(unchanged.status().as_u16(), 304);
    let part = client.get(&url).header("range", "bytes=0-1").send().await?;
    assert_eq!(
        (part.status().as_u16(), part.bytes().await?.as_ref()),
        (206, &[0x1f, 0x8b][..])
    );
    Ok(())
}

#[tokio::test]
async fn a_digest_that_is_not_the_files_makes_it_anew() -> Result<()> {
    let all = Sources::start("git-digest").await?;
    let commit = all.repo.commit(&[("a", "1")], "first")?;
    let revision = format!("main@sha1:{commit}");
    all.apply(json!({})).await?;
    let before = all.ready(&revision).await?;
    let other = format!("sha256:{}", "0".repeat(64));
    all.patch_status(json!({"artifact": {"digest": other}}))
        .await?;
    all.reconcile("now").await?;
    all.event(
        "ArtifactVerificationFailed",
        &format!("computed digest doesn't match '{other}'"),
    )
    .await?;
    let after = all.ready(&revision).await?;
    let digest = |object| artifact(object).map(|artifact| artifact.digest);
    assert_eq!(digest(&after), digest(&before));
    assert_eq!(paths(&*all.files(&after).await?), ["a"]);
    Ok(())
}

#[tokio::test]
async fn conditions_that_were_lost_are_restored_and_those_that_are_over_go() -> Result<()> {
    let all = Sources::start("git-restored").await?;
    let commit = all.repo.commit(&[("a", "1")], "first")?;
    let revision = format!("main@sha1:{commit}");
    all.apply(json!({})).await?;
    let before = all.ready(&revision).await?;
    let outdated = json!({
        "type": "ArtifactOutdated", "status": "True", "reason": "NewRevision", "message": "x",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    });
    all.patch_status(json!({"conditions": [outdated]})).await?;
    all.request("now").await?;
    let object = all
        .wait("ArtifactInStorage", |object| {
            is(object, "ArtifactInStorage", "True", "Succeeded")
                && status(object).last_handled_reconcile_at == "now"
        })
        .await?;
    assert!(condition(&object, "ArtifactOutdated").is_none());
    assert!(is(&object, "Ready", "True", "Succeeded"));
    assert_eq!(
        artifact(&object),
        artifact(&before),
        "nothing is stored anew"
    );
    Ok(())
}

#[tokio::test]
async fn default_exclusions_end_with_the_first_rule_and_rules_stay_in_their_folder() -> Result<()> {
    let all = Sources::start("git-rules").await?;
    let files = [
        (".github/w.yml", "1"),
        ("one/.sourceignore", "*.md\nsub/\nbuild/\n"),
        ("one/a.md", "1"),
        ("one/build", "a file, and no folder"),
        ("one/sub/x", "1"),
        ("two/a.md", "1"),
        ("two/sub/x", "1"),
        ("x.jpg", "1"),
        ("x.zip", "1"),
        ("y", "1"),
    ];
    let commit = all.repo.commit(&files, "first")?;
    let revision = format!("main@sha1:{commit}");
    all.apply(json!({})).await?;
    let object = all.ready(&revision).await?;
    let kept = [
        ".github/w.yml",
        "one/.sourceignore",
        "one/build",
        "two/a.md",
        "two/sub/x",
        "x.jpg",
        "x.zip",
        "y",
    ];
    assert_eq!(paths(&*all.files(&object).await?), kept);

    let plain = all.repo.delete_files(&["one", "two"], "no rules")?;
    all.request("plain").await?;
    let object = all.ready(&format!("main@sha1:{plain}")).await?;
    assert_eq!(paths(&*all.files(&object).await?), ["y"]);
    all.apply(json!({"ignore": "nothing\n"})).await?;
    let ruled = |object: &weir_api::source::v1::GitRepository| {
        status(object).observed_ignore.is_some() && is(object, "Ready", "True", "Succeeded")
    };
    let object = all.wait("rebuilt", ruled).await?;
    let kept = [".github/w.yml", "x.jpg", "x.zip", "y"];
    assert_eq!(paths(&*all.files(&object).await?), kept);
    Ok(())
}

#[tokio::test]
async fn listed_folders_are_compared_as_they_are_written() -> Result<()> {
    let all = Sources::start("git-sparse-raw").await?;
    let commit = all.repo.commit(&[("a/1", "1"), ("b/2", "2")], "first")?;
    let revision = format!("main@sha1:{commit}");
    all.apply(json!({"sparseCheckout": ["./a"]})).await?;
    let before = all.ready(&revision).await?;
    assert_eq!(status(&before).observed_sparse_checkout, ["./a"]);
    let packs = all.packs();
    let again = all.reconcile("again").await?;
    assert_eq!(artifact(&again), artifact(&before));
    assert_eq!(all.packs(), packs + 1, "a listing and no fetch");

    // The same folder written otherwise is another list; of another case, another folder.
    all.apply(json!({"sparseCheckout": ["a"]})).await?;
    let written = |object: &weir_api::source::v1::GitRepository| {
        status(object).observed_sparse_checkout == ["a"]
    };
    let object = all.wait("the new list", written).await?;
    assert_eq!(paths(&*all.files(&object).await?), ["a/1"]);
    all.apply(json!({"sparseCheckout": ["A"]})).await?;
    let object = all.fails("GitOperationFailed").await?;
    let text = message(&object, "Ready");
    assert!(
        text.contains("sparse checkout dir 'A' does not exist in repository"),
        "{text}"
    );
    assert!(is(&object, "ArtifactInStorage", "True", "Succeeded"));
    Ok(())
}

#[tokio::test]
async fn what_is_left_out_is_not_even_fetched() -> Result<()> {
    let all = Sources::start("git-partial").await?;
    let files = [
        ("deploy/a", "1"),
        ("deploy/b.md", "2"),
        ("deploy/.sourceignore", "*.md\n"),
        ("docs/rules", "b.txt\n"),
        ("docs/b.txt", "3"),
        ("large", "4"),
    ];
    all.repo.commit(&files, "files")?;
    let linked = all.repo.change().symlink("docs/.sourceignore", "rules");
    let first = linked.commit()?;
    let asked = all.packs();
    all.apply(json!({"ignore": "/*\n!/deploy/\n"})).await?;
    let object = all.ready(&format!("main@sha1:{first}")).await?;
    // The rules of the spec come last.
    assert_eq!(
        paths(&*all.files(&object).await?),
        ["deploy/.sourceignore", "deploy/a", "deploy/b.md"]
    );
    // Refs, trees, rules and links, the rules behind them, files.
    assert_eq!(all.packs() - asked, 5);

    let asked = all.packs();
    all.apply(json!({"ignore": null, "sparseCheckout": ["docs/"]}))
        .await?;
    let object = all
        .wait("the other part", |object| {
            status(object).observed_sparse_checkout == ["docs/"]
        })
        .await?;
    assert_eq!(paths(&*all.files(&object).await?), ["docs/rules"]);
    // Refs, and the link alone: trees and rules were fetched just now.
    assert_eq!(all.packs() - asked, 2);
    Ok(())
}
