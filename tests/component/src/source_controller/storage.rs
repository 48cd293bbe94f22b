//! What storage survives, and what it costs others.

use anyhow::{Context as _, Result, ensure};
use harness::{Controllers, ControllersOptions, GitServer, Namespace};
use kube::ResourceExt as _;
use serde_json::json;
use weir_api::source::v1::GitRepository;

use super::disk::noise;
use super::fixture::{LIMIT, Sources, artifact, is, message, paths};

/// The folder of an object's artifacts.
fn folder(all: &Sources, name: &str) -> std::path::PathBuf {
    let kind = all.controllers.storage().join("gitrepository");
    kind.join(all.namespace.name()).join(name)
}

/// A controller on a folder that stays when it ends.
async fn on(namespace: &Namespace, storage: &std::path::Path) -> Result<Controllers> {
    let mut options = ControllersOptions::new(namespace.kubeconfig(), namespace.logs());
    options.binary = "source-controller".to_owned();
    options.command = Vec::new();
    options.namespace = Some(namespace.name().to_owned());
    options.storage = Some(storage.to_owned());
    Controllers::start(&options).await
}

#[tokio::test]
async fn an_artifact_above_the_bound_is_told_and_a_smaller_one_is_taken() -> Result<()> {
    let flags = ["--artifact-max-unpacked-size=1000"];
    let all = Sources::with("git-large", GitServer::start()?, &flags).await?;
    let small = all.repo.commit(&[("a", "1")], "small")?;
    all.apply(json!({})).await?;
    let before = all.ready(&format!("main@sha1:{small}")).await?;
    all.repo.commit(&[("b", &"x".repeat(1000))], "large")?;
    all.request("large").await?;
    let object = all.fails("ArchiveOperationFailed").await?;
    assert!(is(
        &object,
        "StorageOperationFailed",
        "True",
        "ArchiveOperationFailed"
    ));
    assert_eq!(
        message(&object, "Ready"),
        "unable to archive artifact to storage: tree exceeds 1000 bytes"
    );
    assert_eq!(artifact(&object), artifact(&before));
    assert_eq!(paths(&*all.files(&object).await?), ["a"]);
    let again = all.repo.delete_files(&["b"], "small again")?;
    all.request("small").await?;
    let object = all.ready(&format!("main@sha1:{again}")).await?;
    assert!(!is(
        &object,
        "StorageOperationFailed",
        "True",
        "ArchiveOperationFailed"
    ));
    Ok(())
}

#[tokio::test]
async fn storage_that_cannot_be_written_is_told_and_others_are_served() -> Result<()> {
    let all = Sources::start("git-no-room").await?;
    let commit = all.repo.commit(&[("a", "1")], "first")?;
    all.apply(json!({})).await?;
    let good = all.ready(&format!("main@sha1:{commit}")).await?;
    // Where the folder of another object would be is a file: nobody can write there, not even root.
    let blocked = folder(&all, "blocked");
    std::fs::write(&blocked, "in the way")?;
    let object = json!({
        "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
        "metadata": {"name": "blocked"},
        "spec": {"interval": "1h", "url": all.repo.url(), "ref": {"branch": "main"}},
    });
    all.namespace.apply(&object.to_string()).await?;
    let wait = async |what: &str, wanted: fn(&GitRepository) -> bool| {
        let namespace = &all.namespace;
        namespace
            .wait_for::<GitRepository>("blocked", LIMIT, what, wanted)
            .await
    };
    let object = wait("a failure", |object| {
        is(
            object,
            "StorageOperationFailed",
            "True",
            "ArchiveOperationFailed",
        )
    })
    .await?;
    let text = message(&object, "Ready");
    ensure!(
        text.starts_with("unable to archive artifact to storage: "),
        "{text}"
    );
    assert_eq!(paths(&*all.files(&good).await?), ["a"]);
    std::fs::remove_file(&blocked)?;
    wait("an artifact", |object| {
        is(object, "Ready", "True", "Succeeded")
    })
    .await?;
    Ok(())
}

#[tokio::test]
async fn a_restart_sweeps_checks_and_rebuilds_with_the_same_digest() -> Result<()> {
    let all = Sources::start("git-crash").await?;
    let commit = all.repo.commit(&[("a", "1"), ("b/c", "2")], "first")?;
    let revision = format!("main@sha1:{commit}");
    all.apply(json!({})).await?;
    let before = artifact(&all.ready(&revision).await?).context("has an artifact")?;
    let Sources {
        namespace,
        repo,
        git,
        events,
        mut controllers,
    } = all;
    // Killed in the middle of writing, and the disk has lost the bytes of what was there.
    controllers.process().kill();
    let storage = tempfile::tempdir()?;
    let own = storage
        .path()
        .join(&before.path)
        .parent()
        .context("is in a folder")?
        .to_owned();
    std::fs::create_dir_all(&own)?;
    std::fs::write(storage.path().join(&before.path), "")?;
    std::fs::write(own.join(".tmp-half"), "half")?;
    let controllers = on(&namespace, storage.path()).await?;
    let mut all = Sources {
        namespace,
        repo,
        git,
        events,
        controllers,
    };
    let here = all.controllers.storage_address();
    let rebuilt = |object: &GitRepository| {
        let artifact = artifact(object);
        artifact.is_some_and(|artifact| artifact.url.contains(&here))
            && is(object, "Ready", "True", "Succeeded")
    };
    let object = all.wait("a rebuilt artifact", rebuilt).await?;
    let after = artifact(&object).context("has an artifact")?;
    assert_eq!(
        (&after.digest, &after.revision),
        (&before.digest, &before.revision)
    );
    assert_eq!(paths(&*all.files(&object).await?), ["a", "b/c"]);
    ensure!(
        !own.join(".tmp-half").exists(),
        "the half file is still there"
    );

    // The folder is lost as a whole, as with an emptyDir.
    all.controllers.process().kill();
    let storage = tempfile::tempdir()?;
    all.controllers = on(&all.namespace, storage.path()).await?;
    let here = all.controllers.storage_address();
    let rebuilt = |object: &GitRepository| {
        let artifact = artifact(object);
        artifact.is_some_and(|artifact| artifact.url.contains(&here))
            && is(object, "Ready", "True", "Succeeded")
    };
    let object = all.wait("a rebuilt artifact", rebuilt).await?;
    assert_eq!(
        artifact(&object).map(|artifact| artifact.digest),
        Some(before.digest)
    );
    assert_eq!(paths(&*all.files(&object).await?), ["a", "b/c"]);
    Ok(())
}

#[tokio::test]
async fn many_objects_of_one_repository_fetch_it_once_and_list_it_each() -> Result<()> {
    let all = Sources::start("git-shared").await?;
    let commit = all.repo.commit(&[("a/x", "1"), ("b/y", "2")], "first")?;
    for name in ["one", "two", "three", "four"] {
        let object = json!({
            "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
            "metadata": {"name": name},
            "spec": {
                "interval": "1h", "url": all.repo.url(), "ref": {"branch": "main"},
                // What is made of it may differ.
                "ignore": format!("{name}\n"),
            },
        });
        all.namespace.apply(&object.to_string()).await?;
    }
    let mut digests = Vec::new();
    for name in ["one", "two", "three", "four"] {
        let ready = |object: &GitRepository| is(object, "Ready", "True", "Succeeded");
        let object = all
            .namespace
            .wait_for::<GitRepository>(name, LIMIT, "Ready", ready)
            .await?;
        let artifact = artifact(&object).context("has an artifact")?;
        assert_eq!(artifact.revision, format!("main@sha1:{commit}"));
        ensure!(
            artifact.path.contains(&object.name_any()),
            "{}",
            artifact.path
        );
        digests.push(artifact.digest);
    }
    digests.dedup();
    assert_eq!(digests.len(), 1, "equal trees have equal digests");
    let expected = "four listings, and one fetch of trees and one of the files that are left";
    assert_eq!(all.packs(), 4 + 2, "{expected}");
    Ok(())
}

#[tokio::test]
async fn a_branch_of_unrelated_history_is_taken_and_a_lost_repository_costs_nothing() -> Result<()>
{
    let all = Sources::start("git-replaced").await?;
    let commit = all.repo.commit(&[("a", "1")], "first")?;
    all.apply(json!({})).await?;
    all.ready(&format!("main@sha1:{commit}")).await?;
    let tree = all.repo.git(&["rev-parse", "main^{tree}"])?;
    let orphan = all.repo.git(&["commit-tree", &tree, "-m", "unrelated"])?;
    all.repo.branch("main", &orphan)?;
    all.request("replaced").await?;
    let before = all.ready(&format!("main@sha1:{orphan}")).await?;

    let away = all.repo.path().with_extension("away");
    std::fs::rename(all.repo.path(), &away)?;
    all.request("lost").await?;
    let object = all.fails("GitOperationFailed").await?;
    assert_eq!(artifact(&object), artifact(&before));
    assert_eq!(paths(&*all.files(&object).await?), ["a"]);
    std::fs::rename(&away, all.repo.path())?;
    all.repo.branch("other", &orphan)?;
    all.repo.delete_reference("refs/heads/main")?;
    all.request("branch lost").await?;
    let missed = |object: &GitRepository| {
        is(object, "Ready", "False", "GitOperationFailed")
            && message(object, "Ready").contains("couldn't find remote ref")
    };
    let object = all.wait("the branch is missed", missed).await?;
    assert_eq!(artifact(&object), artifact(&before));
    all.repo.branch("main", &orphan)?;
    all.request("back").await?;
    all.ready(&format!("main@sha1:{orphan}")).await?;
    Ok(())
}

#[tokio::test]
async fn files_of_any_size_are_packed_and_included_without_memory_for_them() -> Result<()> {
    const LARGE: usize = 24 << 20;
    let flags = ["--requeue-dependency=1s"];
    let mut all = Sources::with("git-memory", GitServer::start()?, &flags).await?;
    let small = all.repo.commit(&[("a", "1")], "small")?;
    all.apply(json!({})).await?;
    all.ready(&format!("main@sha1:{small}")).await?;
    let before = all.controllers.process().peak_memory()?;

    // One is stored as it is, the other as what differs.
    let one = noise(7, LARGE);
    let other = format!("{}changed{}", &one[..LARGE / 2], &one[LARGE / 2..]);
    let files = [("b/one", one.as_str()), ("b/other", other.as_str())];
    let large = all.repo.commit(&files, "large")?;
    all.request("large").await?;
    let object = all.ready(&format!("main@sha1:{large}")).await?;
    let unpacked = all.files(&object).await?;
    assert_eq!(paths(&unpacked), ["a", "b/one", "b/other"]);
    ensure!(unpacked.read("b/one")?.as_ref() == one.as_bytes());
    ensure!(unpacked.read("b/other")?.as_ref() == other.as_bytes());

    let including = json!({
        "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
        "metadata": {"name": "including"},
        "spec": {"interval": "1h", "url": all.repo.url(), "ref": {"branch": "main"},
            "ignore": "/b/\n", "include": [{"repository": {"name": "app"}, "fromPath": "b", "toPath": "c"}]},
    });
    all.namespace.apply(&including.to_string()).await?;
    let api = all.namespace.api::<GitRepository>();
    let included = harness::eventually(LIMIT, "the artifact with the other's files", async || {
        artifact(&api.get("including").await?).context("has none yet")
    });
    let included = included.await?;
    ensure!(included.size > Some(LARGE as i64), "{included:?}");
    let grown = all.controllers.process().peak_memory()? - before;
    ensure!(grown < (LARGE as u64 / 2) >> 10, "{grown} KiB more");
    Ok(())
}
