//! Other repositories' files: included artifacts and submodules.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use weir_api::source::v1::GitRepository;

use super::fixture::{LIMIT, Sources, artifact, condition, is, message, paths, status};

async fn apply_other(all: &Sources, url: &str) -> Result<()> {
    let object: Value = json!({
        "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
        "metadata": {"name": "other"},
        "spec": {"interval": "1h", "url": url, "ref": {"branch": "main"}},
    });
    all.namespace.apply(&object.to_string()).await?;
    Ok(())
}

#[tokio::test]
async fn an_include_is_waited_for_copied_and_followed() -> Result<()> {
    let all = Sources::with(
        "git-include",
        harness::GitServer::start()?,
        &["--requeue-dependency=1s"],
    )
    .await?;
    let commit = all.repo.commit(&[("own", "1")], "first")?;
    let other = all.git.repo("other")?;
    other.commit(&[("deploy/x", "1"), ("secret", "2")], "theirs")?;
    let include =
        json!([{"repository": {"name": "other"}, "fromPath": "deploy", "toPath": "in/here"}]);
    all.apply(json!({"include": include})).await?;
    let waiting = all.fails("NotFound").await?;
    assert!(is(&waiting, "IncludeUnavailable", "True", "NotFound"));
    assert!(message(&waiting, "Ready").starts_with("could not get resource for include 'other': "));

    apply_other(&all, other.url()).await?;
    let object = all.ready(&format!("main@sha1:{commit}")).await?;
    let files = all.files(&object).await?;
    assert_eq!(paths(&files), ["in/here/x", "own"]);
    assert_eq!(status(&object).included_artifacts.len(), 1);
    assert_eq!(status(&object).observed_include.len(), 1);
    let before = artifact(&object).context("has an artifact")?;

    // A change of the included repository makes a new artifact of the same revision.
    other.commit(&[("deploy/y", "1")], "more of theirs")?;
    let api = all.namespace.api::<GitRepository>();
    let patch = json!({"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": "now"}}});
    api.patch(
        "other",
        &kube::api::PatchParams::default(),
        &kube::api::Patch::Merge(patch),
    )
    .await?;
    let changed = all
        .namespace
        .wait_for::<GitRepository>("app", LIMIT, "a new artifact", |object| {
            artifact(object).is_some_and(|now| now.digest != before.digest)
        })
        .await?;
    let files = all.files(&changed).await?;
    assert_eq!(paths(&files), ["in/here/x", "in/here/y", "own"]);
    assert_eq!(
        artifact(&changed).map(|now| now.revision),
        Some(before.revision)
    );
    Ok(())
}

#[tokio::test]
async fn an_include_that_cannot_be_placed_is_told() -> Result<()> {
    let all = Sources::start("git-include-bad").await?;
    all.repo.commit(&[("taken/x", "1")], "first")?;
    let other = all.git.repo("other")?;
    let commit = other.commit(&[("a", "1")], "theirs")?;
    apply_other(&all, other.url()).await?;
    all.namespace
        .wait_for::<GitRepository>("other", LIMIT, "an artifact", |object| {
            artifact(object).is_some_and(|found| found.revision.ends_with(&commit))
        })
        .await?;
    for (from, to) in [("../../../etc", "in"), ("", "taken"), ("", "../..")] {
        let include = json!([{"repository": {"name": "other"}, "fromPath": from, "toPath": to}]);
        all.apply(json!({"include": include})).await?;
        let object = all.fails("CopyFailure").await?;
        assert!(is(&object, "StorageOperationFailed", "True", "CopyFailure"));
    }
    for (to, why) in [
        ("\0".to_owned(), "invalid argument"),
        ("taken/\0/x".to_owned(), "invalid argument"),
        ("x".repeat(256), "file name too long"),
        ("x/".repeat(3000), "file name too long"),
    ] {
        let include = json!([{"repository": {"name": "other"}, "toPath": to}]);
        all.apply(json!({"include": include})).await?;
        let object = all.fails("IllegalPath").await?;
        assert!(is(&object, "StorageOperationFailed", "True", "IllegalPath"));
        let text = message(&object, "Ready");
        assert!(
            text.starts_with("path calculation for include 'other' failed: lstat /"),
            "{text}"
        );
        assert!(text.ends_with(why), "{text}");
    }
    // What climbs is placed where it gets to.
    let include = json!([{"repository": {"name": "other"}, "fromPath": "../..", "toPath": "../../etc/x/../passwd"}]);
    all.apply(json!({"include": include})).await?;
    let placed = |object: &GitRepository| is(object, "Ready", "True", "Succeeded");
    let object = all.wait("placed", placed).await?;
    assert_eq!(
        paths(&*all.files(&object).await?),
        ["etc/passwd/a", "taken/x"]
    );
    Ok(())
}

#[tokio::test]
async fn submodules_come_along_by_their_commits() -> Result<()> {
    let all = Sources::start("git-submodules").await?;
    let lib = all.git.repo("lib")?;
    let pinned = lib.commit(&[("lib.yaml", "1")], "lib")?;
    lib.commit(&[("lib.yaml", "2")], "newer lib")?;
    let add = |url: &str| -> Result<String> {
        let modules = format!("[submodule \"lib\"]\n\tpath = vendor/lib\n\turl = {url}\n");
        all.repo.commit(
            &[("own", "1"), (".gitmodules", &modules)],
            "with a submodule",
        )?;
        let entry = format!("160000,{pinned},vendor/lib");
        all.repo.git(&["read-tree", "main"])?;
        all.repo
            .git(&["update-index", "--add", "--cacheinfo", &entry])?;
        let tree = all.repo.git(&["write-tree"])?;
        let commit = all
            .repo
            .git(&["commit-tree", &tree, "-m", "with a submodule"])?;
        all.repo.branch("main", &commit)?;
        Ok(commit)
    };
    let commit = add("../lib.git")?;
    all.apply(json!({"recurseSubmodules": true})).await?;
    let object = all.ready(&format!("main@sha1:{commit}")).await?;
    let files = all.files(&object).await?;
    assert_eq!(paths(&files), ["own", "vendor/lib/lib.yaml"]);
    assert_eq!(files.read("vendor/lib/lib.yaml")?.as_ref(), b"1");
    assert!(status(&object).observed_recurse_submodules);

    for (request, url) in [("one", "file:///etc"), ("two", "-u./x")] {
        add(url)?;
        all.reconcile(request).await?;
        let failed = all.fails("GitOperationFailed").await?;
        let text = message(&failed, "Ready");
        assert!(text.contains("unsupported URL of submodule"), "{text}");
        assert_eq!(artifact(&failed), artifact(&object));
    }
    Ok(())
}

#[tokio::test]
async fn includes_keep_their_order_and_waiting_for_one_hides_what_comes_later() -> Result<()> {
    let flags = ["--requeue-dependency=1s"];
    let all = Sources::with("git-include-two", harness::GitServer::start()?, &flags).await?;
    let commit = all.repo.commit(&[("own", "1")], "first")?;
    let other = all.git.repo("other")?;
    other.commit(&[("z", "1")], "theirs")?;
    let include = json!([
        {"repository": {"name": "other"}, "toPath": "z"},
        {"repository": {"name": "other"}, "toPath": "a"},
        {"repository": {"name": "other"}},
    ]);
    // The branch is missing too, but nobody has looked yet.
    all.apply(json!({"include": include, "ref": {"branch": "nope"}}))
        .await?;
    let waiting = all.fails("NotFound").await?;
    assert!(condition(&waiting, "FetchFailed").is_none());
    assert!(is(&waiting, "IncludeUnavailable", "True", "NotFound"));

    apply_other(&all, other.url()).await?;
    let failed = all.fails("GitOperationFailed").await?;
    assert!(message(&failed, "Ready").contains("couldn't find remote ref"));
    all.apply(json!({"include": include})).await?;
    let object = all.ready(&format!("main@sha1:{commit}")).await?;
    assert_eq!(
        paths(&*all.files(&object).await?),
        ["a/z", "other/z", "own", "z/z"]
    );
    let observed = status(&object).observed_include;
    let order: Vec<&str> = observed.iter().map(|one| one.to_path.as_str()).collect();
    assert_eq!(order, ["z", "a", ""]);
    assert_eq!(status(&object).included_artifacts.len(), 3);
    Ok(())
}
