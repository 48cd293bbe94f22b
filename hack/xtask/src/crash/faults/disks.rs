//! Disks that are full, and disks that lose what was not flushed.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use harness::{ApiProxy, Controllers, eventually};
use serde_json::Value;

use crate::crash::case::{Case, LIMIT};
use crate::crash::points::begin;
use crate::crash::scenarios::Scenario;
use crate::crash::stage::Stage;

/// Revisions that are written while power may go.
const REVISIONS: usize = 8;
/// Moments between two revisions.
const MOMENTS: usize = 6;

fn scenario(all: &[Scenario]) -> Result<&Scenario> {
    all.iter()
        .find(|it| it.name == "prune")
        .context("there is a scenario to prune")
}

/// An artifact that has no room leaves the one before in its place, and comes when there is room.
pub(super) async fn full(stage: &Stage) -> Result<()> {
    let folder = harness::layout::scratch("full-disk")?;
    let mounted = Mount::memory(folder.path(), "300k")?;
    let all = crate::crash::scenarios::all();
    let scenario = scenario(&all)?;
    let (mut case, sources) = Case::with_own_sources(stage, scenario, folder.path()).await?;
    let proxy = ApiProxy::start(&stage.plane)?;
    let mut controller = stage.controller(&proxy, case.name()).await?;
    begin(&mut case, scenario).await?;
    let wanted = case.picture().await?;
    let ballast = folder.path().join("ballast");
    // As much as there is room for.
    let _ = std::fs::write(&ballast, vec![7u8; 400 << 10]);
    case.act_unfetched(scenario).await?;
    eventually(LIMIT, "a source without room", async || {
        let text = case.source().await?["status"]["conditions"].to_string();
        ensure!(text.contains("\"StorageOperationFailed\""), "{text}");
        Ok(())
    })
    .await?;
    case.becomes(&wanted).await?;
    std::fs::remove_file(&ballast)?;
    case.settled(scenario).await?;
    controller.process().check_running()?;
    drop(controller);
    drop(sources);
    drop(mounted);
    case.clean_up().await
}

/// The disk of source-controller is an image, and what the image holds at a moment is what a machine would find after
/// power had gone then: pages that were not flushed are not in it. What was told by then is whole, and so is every
/// file that has an artifact's name.
pub(super) async fn power(stage: &Stage) -> Result<()> {
    let folder = harness::layout::scratch("power-loss")?;
    let image = folder.path().join("disk");
    let storage = folder.path().join("storage");
    fs::create_dir(&storage)?;
    run(Command::new("truncate").args(["-s", "24M"]).arg(&image))?;
    run(Command::new("mkfs.ext4").arg("-q").arg(&image))?;
    let mounted = Mount::image(&image, &storage)?;
    let all = crate::crash::scenarios::all();
    let (mut case, mut sources) = Case::with_own_sources(stage, scenario(&all)?, &storage).await?;
    let mut power = Power {
        image,
        copy: folder.path().join("copy"),
        seen: folder.path().join("seen"),
        looks: 0,
    };
    fs::create_dir(&power.seen)?;
    for number in 0..REVISIONS {
        let text = format!("# {}\n", format!("{number}").repeat(200_000));
        let commit = case.push(&[("big.yaml", text)]).await?;
        for moment in 0..MOMENTS {
            let wait = Duration::from_millis((13 * (number + 2) * moment) as u64);
            tokio::time::sleep(wait).await;
            let told = case.source().await?["status"]["artifact"].clone();
            power.goes(&mut sources, &told)?;
        }
        let told = eventually(LIMIT, "an artifact", async || {
            let told = case.source().await?["status"]["artifact"].clone();
            let revision = told["revision"].as_str().unwrap_or_default().to_owned();
            ensure!(revision.contains(&commit), "{revision}");
            Ok(told)
        });
        let told = told.await?;
        power.goes(&mut sources, &told)?;
    }
    ensure!(
        power.looks > REVISIONS * MOMENTS / 2,
        "{} looks",
        power.looks
    );
    drop(sources);
    drop(mounted);
    case.clean_up().await
}

/// Where the image is, and where a copy of it is looked at.
struct Power {
    image: PathBuf,
    copy: PathBuf,
    seen: PathBuf,
    looks: usize,
}

impl Power {
    /// Power goes now, when `told` was the artifact a moment ago.
    fn goes(&mut self, sources: &mut Controllers, told: &Value) -> Result<()> {
        let written = || fs::metadata(&self.image).and_then(|it| it.modified());
        sources.process().pause();
        let before = written();
        let copied = fs::copy(&self.image, &self.copy);
        let after = written();
        sources.process().resume();
        copied?;
        if before? != after? {
            // The kernel has flushed something meanwhile: the copy is of no one moment.
            return Ok(());
        }
        let mounted = Mount::image(&self.copy, &self.seen)?;
        let result = whole(&self.seen, told);
        drop(mounted);
        self.looks += 1;
        result
    }
}

/// Every artifact below `root` is whole, and the one that was told is among them.
fn whole(root: &Path, told: &Value) -> Result<()> {
    if let (Some(path), Some(digest)) = (told["path"].as_str(), told["digest"].as_str()) {
        let path = root.join(path);
        let sum = Command::new("sha256sum").arg(&path).output()?;
        let sum = String::from_utf8_lossy(&sum.stdout).into_owned();
        let wanted = digest.trim_start_matches("sha256:");
        ensure!(
            sum.starts_with(wanted),
            "{} is told and is {sum:?}",
            path.display()
        );
    }
    let mut left = vec![root.to_path_buf()];
    while let Some(folder) = left.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                left.push(path);
            } else if path.extension() == Some(OsStr::new("gz")) {
                let tested = run(Command::new("gzip").arg("-t").arg(&path));
                tested.with_context(|| format!("{} is cut", path.display()))?;
            }
        }
    }
    Ok(())
}

fn run(command: &mut Command) -> Result<()> {
    let status = command.status();
    let status = status.with_context(|| format!("cannot run {command:?}"))?;
    ensure!(status.success(), "{command:?} ended with {status}");
    Ok(())
}

/// A file system that is mounted.
struct Mount(PathBuf);

impl Mount {
    /// One of this size in memory.
    fn memory(folder: &Path, size: &str) -> Result<Self> {
        let size = format!("size={size}");
        Self::new(&["-t", "tmpfs", "-o", &size, "tmpfs"], folder)
    }

    /// The one in a file.
    fn image(image: &Path, folder: &Path) -> Result<Self> {
        let image = image.display().to_string();
        Self::new(&["-o", "loop", &image], folder)
    }

    fn new(what: &[&str], folder: &Path) -> Result<Self> {
        let mounted = run(Command::new("mount").args(what).arg(folder));
        mounted.context("a file system of its own needs the right to mount")?;
        Ok(Self(folder.to_path_buf()))
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // Lazily: whoever still has a file open keeps it.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}
