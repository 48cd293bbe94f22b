//! A disk without room. The kernel refuses what the process writes above a bound, as it does on a disk that is full,
//! and that needs nobody's right to mount one.

use anyhow::{Context as _, Result, ensure};
use harness::GitServer;
use serde_json::json;

use super::fixture::{Sources, artifact, condition, is, message, paths, status};

/// Without this the kernel ends who writes too much, which no disk does.
const SURVIVE: &str = "trap '' XFSZ";
/// Room for packs, logs and small artifacts.
const ROOM: u64 = 600 << 10;

/// Text that no archive makes smaller than three quarters.
pub(crate) fn noise(seed: u32, length: usize) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        char::from(LETTERS[(state >> 26) as usize])
    };
    std::iter::repeat_with(&mut next).take(length).collect()
}

async fn start(test: &str) -> Result<Sources> {
    let flags = ["--min-retry-delay=200ms", "--max-retry-delay=500ms"];
    Sources::shaped(test, GitServer::start()?, |options| {
        options.before = Some(SURVIVE.to_owned());
        options.flags = flags.map(str::to_owned).to_vec();
    })
    .await
}

#[tokio::test]
async fn an_artifact_without_room_is_told_the_old_one_served_and_it_comes_when_there_is_room()
-> Result<()> {
    let mut all = start("git-disk-full").await?;
    let small = all.repo.commit(&[("a", "1")], "small")?;
    all.apply(json!({})).await?;
    let before = all.ready(&format!("main@sha1:{small}")).await?;
    all.controllers.process().limit_file_size(Some(ROOM))?;

    // Git stores equal files once, an archive does not: the pack fits, the artifact does not.
    let half = noise(1, 300 << 10);
    let names = ["b", "c", "d", "e", "f"];
    let files = names.map(|name| (name, half.as_str()));
    let large = all.repo.commit(&files, "large")?;
    all.request("large").await?;
    let object = all.fails("ArchiveOperationFailed").await?;
    let type_ = "StorageOperationFailed";
    ensure!(is(&object, type_, "True", "ArchiveOperationFailed"));
    let text = message(&object, "Ready");
    let expected = "unable to archive artifact to storage: ";
    ensure!(text.starts_with(expected), "{text}");
    ensure!(text.contains("File too large"), "{text}");
    assert_eq!(text, message(&object, type_));
    ensure!(is(&object, "ArtifactOutdated", "True", "NewRevision"));
    assert_eq!(artifact(&object), artifact(&before));
    assert_eq!(paths(&*all.files(&object).await?), ["a"]);
    all.event("ArchiveOperationFailed", expected).await?;
    // Nothing half written stays.
    let stored = artifact(&before).context("has an artifact")?;
    let own = all.controllers.storage().join(&stored.path);
    let own = own.parent().context("is in a folder")?;
    let names = std::fs::read_dir(own)?.collect::<Result<Vec<_>, _>>()?;
    ensure!(names.len() == 1, "{names:?}");

    all.controllers.process().limit_file_size(None)?;
    let object = all.ready(&format!("main@sha1:{large}")).await?;
    ensure!(condition(&object, type_).is_none());
    assert_eq!(
        paths(&*all.files(&object).await?),
        ["a", "b", "c", "d", "e", "f"]
    );
    all.controllers.process().check_running()
}

#[tokio::test]
async fn a_pack_without_room_is_told_and_comes_when_there_is_room() -> Result<()> {
    let mut all = start("git-pack-full").await?;
    let small = all.repo.commit(&[("a", "1")], "small")?;
    all.apply(json!({})).await?;
    let before = all.ready(&format!("main@sha1:{small}")).await?;
    all.controllers.process().limit_file_size(Some(ROOM))?;
    let large = all.repo.commit(&[("b", &noise(2, 3 << 20))], "large")?;
    all.request("large").await?;
    let object = all.fails("GitOperationFailed").await?;
    ensure!(is(&object, "FetchFailed", "True", "GitOperationFailed"));
    let text = message(&object, "Ready");
    ensure!(text.contains("File too large"), "{text}");
    assert_eq!(artifact(&object), artifact(&before));
    assert_eq!(paths(&*all.files(&object).await?), ["a"]);
    ensure!(status(&object).last_handled_reconcile_at == "large");

    all.controllers.process().limit_file_size(None)?;
    let object = all.ready(&format!("main@sha1:{large}")).await?;
    assert_eq!(paths(&*all.files(&object).await?), ["a", "b"]);
    all.controllers.process().check_running()
}
