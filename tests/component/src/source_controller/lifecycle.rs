//! Suspension, deletion, garbage collection, restart.

use anyhow::{Context as _, Result, ensure};
use harness::{Controllers, ControllersOptions, GitServer};
use kube::api::DeleteParams;
use serde_json::json;
use weir_api::source::v1::GitRepository;

use super::fixture::{LIMIT, Sources, artifact, condition, is, status};

#[tokio::test]
async fn suspended_objects_are_left_alone_and_go_on_when_resumed() -> Result<()> {
    let all = Sources::start("git-suspend").await?;
    let first = all.repo.commit(&[("a", "1")], "first")?;
    all.apply(json!({})).await?;
    all.ready(&format!("main@sha1:{first}")).await?;
    all.apply(json!({"suspend": true})).await?;
    let second = all.repo.commit(&[("a", "2")], "second")?;
    let object = all.reconcile("while suspended").await?;
    assert_eq!(
        artifact(&object).map(|artifact| artifact.revision),
        Some(format!("main@sha1:{first}"))
    );
    assert_eq!(
        status(&object).observed_generation,
        object.metadata.generation
    );
    let generation = |type_| condition(&object, type_).and_then(|found| found.observed_generation);
    assert_eq!(
        (generation("Ready"), generation("ArtifactInStorage")),
        (Some(2), Some(1))
    );
    all.apply(json!({"suspend": false})).await?;
    all.ready(&format!("main@sha1:{second}")).await?;
    Ok(())
}

#[tokio::test]
async fn deletion_removes_the_folder_also_of_a_suspended_object() -> Result<()> {
    let all = Sources::start("git-delete").await?;
    let commit = all.repo.commit(&[("a", "1")], "first")?;
    all.apply(json!({})).await?;
    let object = all.ready(&format!("main@sha1:{commit}")).await?;
    assert_eq!(
        object.metadata.finalizers,
        Some(vec!["finalizers.fluxcd.io".to_owned()])
    );
    let folder = all
        .controllers
        .storage()
        .join("gitrepository")
        .join(all.namespace.name())
        .join("app");
    ensure!(folder.is_dir(), "{}", folder.display());
    all.apply(json!({"suspend": true})).await?;
    let api = all.namespace.api::<GitRepository>();
    api.delete("app", &DeleteParams::default()).await?;
    all.gone().await?;
    ensure!(!folder.exists(), "{}", folder.display());
    let url = artifact(&object).context("has an artifact")?.url;
    assert_eq!(reqwest::get(url).await?.status().as_u16(), 404);
    Ok(())
}

#[tokio::test]
async fn superseded_artifacts_go_and_the_current_one_never_does() -> Result<()> {
    let flags = [
        "--artifact-retention-ttl=1h",
        "--artifact-retention-records=2",
    ];
    let all = Sources::with("git-gc", GitServer::start()?, &flags).await?;
    let mut commits = Vec::new();
    for number in ["1", "2", "3"] {
        commits.push(all.repo.commit(&[("a", number)], number)?);
        all.apply(json!({})).await?;
        all.request(number).await?;
        all.ready(&format!(
            "main@sha1:{}",
            commits.last().context("made one")?
        ))
        .await?;
    }
    all.reconcile("collect").await?;
    let folder = all
        .controllers
        .storage()
        .join("gitrepository")
        .join(all.namespace.name())
        .join("app");
    let exists = |commit: &String| folder.join(format!("{commit}.tar.gz")).is_file();
    assert_eq!(
        commits.iter().map(exists).collect::<Vec<_>>(),
        [false, true, true]
    );
    Ok(())
}

#[tokio::test]
async fn after_a_restart_on_the_same_storage_nothing_is_fetched_again() -> Result<()> {
    let all = Sources::start("git-restart").await?;
    let commit = all.repo.commit(&[("a", "1")], "first")?;
    let revision = format!("main@sha1:{commit}");
    all.apply(json!({})).await?;
    let before = all.ready(&revision).await?;
    let Sources {
        namespace,
        repo,
        git,
        events,
        mut controllers,
    } = all;
    let storage = tempfile::tempdir()?;
    copy(controllers.storage(), storage.path())?;
    controllers.process().stop(LIMIT)?;
    let posts = |request: &&String| request.starts_with("POST");
    let packs = repo.requests().iter().filter(posts).count();
    let mut options = ControllersOptions::new(namespace.kubeconfig(), namespace.logs());
    options.binary = "source-controller".to_owned();
    options.command = Vec::new();
    options.namespace = Some(namespace.name().to_owned());
    options.storage = Some(storage.path().to_owned());
    let controllers = Controllers::start(&options).await?;
    let all = Sources {
        namespace,
        repo,
        git,
        events,
        controllers,
    };
    let here = all.controllers.storage_address();
    let after = all
        .wait("an artifact of the new server", |object| {
            artifact(object).is_some_and(|artifact| artifact.url.contains(&here))
        })
        .await?;
    ensure!(
        is(&after, "Ready", "True", "Succeeded"),
        "{:?}",
        status(&after)
    );
    assert_eq!(all.packs() - packs, 1, "a listing and no fetch");
    let (before, after) = (
        artifact(&before).context("had one")?,
        artifact(&after).context("has one")?,
    );
    assert_eq!(before.digest, after.digest);
    assert_eq!(reqwest::get(after.url).await?.status().as_u16(), 200);
    ensure!(!all.git.url().is_empty(), "the server lives to the end");
    Ok(())
}

fn copy(from: &std::path::Path, to: &std::path::Path) -> Result<()> {
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            std::fs::create_dir_all(&target)?;
            copy(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn one_that_was_never_seen_before_its_deletion_goes_without_a_trace() -> Result<()> {
    let mut all = Sources::start("git-unseen").await?;
    all.repo.commit(&[("a", "1")], "first")?;
    all.controllers.process().pause();
    // Somebody else's finalizer keeps it until the controller is awake.
    let object = json!({
        "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
        "metadata": {"name": "app", "finalizers": ["weir.dev/test"]},
        "spec": {"interval": "1h", "url": all.repo.url(), "ref": {"branch": "main"}},
    });
    all.namespace.apply(&object.to_string()).await?;
    let api = all.namespace.api::<GitRepository>();
    api.delete("app", &DeleteParams::default()).await?;
    all.controllers.process().resume();
    let mut other = object;
    other["metadata"] = json!({"name": "other"});
    all.namespace.apply(&other.to_string()).await?;
    all.namespace
        .wait_for::<GitRepository>("other", LIMIT, "Ready", |object| {
            is(object, "Ready", "True", "Succeeded")
        })
        .await?;
    let left = api.get("app").await?;
    assert_eq!(
        left.metadata.finalizers,
        Some(vec!["weir.dev/test".to_owned()])
    );
    assert!(artifact(&left).is_none() && status(&left).conditions.is_empty());
    all.patch(json!({"metadata": {"finalizers": null}})).await?;
    all.gone().await
}

#[tokio::test]
async fn superseded_artifacts_go_when_their_time_is_over_with_their_locks() -> Result<()> {
    let flags = [
        "--artifact-retention-ttl=1ms",
        "--artifact-retention-records=100",
    ];
    let all = Sources::with("git-ttl", GitServer::start()?, &flags).await?;
    let first = all.repo.commit(&[("a", "1")], "1")?;
    all.apply(json!({})).await?;
    all.ready(&format!("main@sha1:{first}")).await?;
    let folder = all
        .controllers
        .storage()
        .join("gitrepository")
        .join(all.namespace.name())
        .join("app");
    let lock = folder.join(format!("{first}.tar.gz.lock"));
    std::fs::write(&lock, "")?;
    std::os::unix::fs::symlink("/etc/hostname", folder.join("latest.tar.gz"))?;
    let second = all.repo.commit(&[("a", "2")], "2")?;
    all.request("new").await?;
    all.ready(&format!("main@sha1:{second}")).await?;
    all.reconcile("collect").await?;
    ensure!(!folder.join(format!("{first}.tar.gz")).exists() && !lock.exists());
    ensure!(folder.join(format!("{second}.tar.gz")).is_file());
    ensure!(
        folder.join("latest.tar.gz").is_symlink(),
        "links are left alone"
    );
    Ok(())
}
