//! Publishing on a disk that fails, a process that is killed, and power that goes, at every step.

use std::io::ErrorKind;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::storage::disk::System;

/// The step at which the child of a test is killed.
const STEP: &str = "WEIR_TEST_KILLED_AT";
/// Where the child writes.
const ROOT: &str = "WEIR_TEST_ROOT";
/// Two chunks of what the writer buffers.
const CONTENTS: usize = 600_000;

/// What was done to the disk.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    MakeDir(PathBuf),
    Create(PathBuf),
    Write,
    SyncFile(PathBuf),
    Rename(PathBuf, PathBuf),
    SyncDir(PathBuf),
}

/// What happens at the chosen step.
#[derive(Debug, Clone, Copy)]
enum Fault {
    Nothing,
    Fail(ErrorKind),
    Kill,
}

/// A disk that remembers what is done to it and misbehaves once.
#[derive(Debug)]
struct Faulty {
    fault: Fault,
    at: usize,
    done: AtomicUsize,
    steps: Mutex<Vec<Step>>,
}

impl Faulty {
    fn new(fault: Fault, at: usize) -> Arc<Self> {
        Arc::new(Self {
            fault,
            at,
            done: AtomicUsize::new(0),
            steps: Mutex::default(),
        })
    }

    fn step<T>(&self, step: Step, act: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        if self.done.fetch_add(1, Ordering::Relaxed) == self.at {
            match self.fault {
                Fault::Nothing => {}
                Fault::Fail(kind) => return Err(kind.into()),
                Fault::Kill => {
                    let itself = rustix::process::getpid();
                    rustix::process::kill_process(itself, rustix::process::Signal::KILL).ok();
                }
            }
        }
        self.steps.lock().push(step);
        act()
    }
}

impl Disk for Faulty {
    fn make_dir(&self, path: &Path) -> io::Result<()> {
        self.step(Step::MakeDir(path.to_owned()), || System.make_dir(path))
    }

    fn create(&self, path: &Path) -> io::Result<File> {
        self.step(Step::Create(path.to_owned()), || System.create(path))
    }

    fn write(&self, file: &File, bytes: &[u8]) -> io::Result<usize> {
        self.step(Step::Write, || System.write(file, bytes))
    }

    fn sync_file(&self, file: &File, path: &Path) -> io::Result<()> {
        let step = Step::SyncFile(path.to_owned());
        self.step(step, || System.sync_file(file, path))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let step = Step::Rename(from.to_owned(), to.to_owned());
        self.step(step, || System.rename(from, to))
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.step(Step::SyncDir(path.to_owned()), || System.sync_dir(path))
    }
}

fn location() -> Location {
    Location {
        kind: "gitrepository".to_owned(),
        namespace: "ns".to_owned(),
        name: "app".to_owned(),
    }
}

fn open(root: &Path) -> Storage {
    Storage::open(root, "host", Algorithm::Sha256, Retention::default()).expect("opens")
}

/// Publishes `fill` bytes as `new` on this disk.
fn publish(root: &Path, disk: Arc<dyn Disk>, fill: u8) -> Result<Published, StorageError> {
    let mut storage = open(root);
    storage.disk = disk;
    let written = storage.publish(&location(), "new", |output| {
        let chunk = vec![fill; CONTENTS / 2];
        output.write_all(&chunk).map_err(fail("write", "new"))?;
        output.write_all(&chunk).map_err(fail("write", "new"))
    });
    written.map(|(published, ())| published)
}

/// The steps of one good publishing into an empty root.
fn steps() -> Vec<Step> {
    let folder = tempfile::tempdir().expect("makes a folder");
    let disk = Faulty::new(Fault::Nothing, 0);
    publish(
        folder.path(),
        Arc::<Faulty>::clone(&disk) as Arc<dyn Disk>,
        1,
    )
    .expect("publishes");
    std::mem::take(&mut *disk.steps.lock())
}

/// The file is whole, with one of these bytes, or not there; nothing else is.
fn check(root: &Path, allowed: &[u8]) {
    let folder = root.join("gitrepository/ns/app");
    let names: Vec<String> = fs::read_dir(&folder)
        .map(|entries| {
            let entries = entries.flatten();
            entries.map(|entry| file_name(&entry.path())).collect()
        })
        .unwrap_or_default();
    assert!(names.iter().all(|name| name == "new"), "{names:?}");
    match fs::read(folder.join("new")) {
        Ok(found) => assert!(
            allowed.iter().any(|fill| found == vec![*fill; CONTENTS]),
            "{} bytes",
            found.len()
        ),
        Err(error) => assert_eq!(error.kind(), ErrorKind::NotFound),
    }
}

#[test]
fn bytes_are_on_disk_before_their_name_and_the_name_before_anybody_is_told() {
    let steps = steps();
    let at = |wanted: &dyn Fn(&Step) -> bool| steps.iter().position(wanted);
    let renamed = at(&|step| matches!(step, Step::Rename(..))).expect("renames");
    let Step::Rename(from, to) = &steps[renamed] else {
        return;
    };
    let synced = at(&|step| *step == Step::SyncFile(from.clone())).expect("syncs the file");
    let last_write = steps.iter().rposition(|step| *step == Step::Write);
    assert!(last_write < Some(synced) && synced < renamed, "{steps:?}");
    let folder = to.parent().expect("is in a folder").to_owned();
    assert_eq!(steps.last(), Some(&Step::SyncDir(folder)));
    let mut folders = 0;
    for (made, step) in steps.iter().enumerate() {
        if let Step::MakeDir(path) = step {
            let above = Step::SyncDir(path.parent().expect("is in a folder").to_owned());
            assert_eq!(steps.get(made + 1), Some(&above));
            folders += 1;
        }
    }
    assert_eq!(folders, 3);
}

#[test]
fn an_error_at_any_step_is_told_and_leaves_the_old_file_or_the_new_one() {
    for at in 0..steps().len() {
        for kind in [
            ErrorKind::StorageFull,
            ErrorKind::ReadOnlyFilesystem,
            ErrorKind::QuotaExceeded,
            ErrorKind::Other,
        ] {
            let folder = tempfile::tempdir().expect("makes a folder");
            let failed = publish(folder.path(), Faulty::new(Fault::Fail(kind), at), 2);
            let Err(StorageError::Io { source, .. }) = failed else {
                panic!("{failed:?} at step {at}");
            };
            assert_eq!(source.kind(), kind);
            check(folder.path(), &[2]);
            // The next pass, with room again.
            let published = publish(folder.path(), Arc::new(System), 3).expect("publishes");
            check(folder.path(), &[3]);
            let digest = published.digest.to_string();
            let health = open(folder.path()).check(&published.path, &digest);
            assert_eq!(health.expect("checks"), Health::Good);
        }
    }
}

#[test]
fn a_full_disk_keeps_the_file_that_was_there() {
    // The folders are there: what is left begins with the file.
    for at in 0..steps().len() - 6 {
        let folder = tempfile::tempdir().expect("makes a folder");
        let old = publish(folder.path(), Arc::new(System), 1).expect("publishes");
        let disk = Faulty::new(Fault::Fail(ErrorKind::StorageFull), at);
        publish(folder.path(), disk, 2).expect_err("is full");
        check(folder.path(), &[1, 2]);
        let renamed = fs::read(folder.path().join(&old.path)).expect("is there")[0] == 2;
        assert_eq!(renamed, at + 1 == steps().len() - 6, "step {at}");
    }
}

/// The child of the test below. By itself it publishes like anybody.
#[test]
fn a_process_publishes_until_it_is_killed() {
    let own = tempfile::tempdir().expect("makes a folder");
    let told = std::env::var_os(ROOT).map(PathBuf::from);
    let root = told.unwrap_or_else(|| own.path().to_owned());
    let step = std::env::var(STEP).ok().and_then(|step| step.parse().ok());
    let disk = match step {
        Some(step) => Faulty::new(Fault::Kill, step),
        None => Faulty::new(Fault::Nothing, 0),
    };
    publish(&root, disk, 2).expect("publishes");
    check(&root, &[2]);
    assert_eq!(step, None, "was not killed");
}

#[test]
fn a_kill_at_any_step_leaves_the_old_file_or_the_new_one_and_the_next_start_tidies_up() {
    let child = "storage::tests::faults::a_process_publishes_until_it_is_killed";
    for at in 0..steps().len() - 6 {
        let folder = tempfile::tempdir().expect("makes a folder");
        publish(folder.path(), Arc::new(System), 1).expect("publishes");
        let ended = Command::new(std::env::current_exe().expect("is a program"))
            .args([child, "--exact"])
            .env(STEP, at.to_string())
            .env(ROOT, folder.path())
            .output()
            .expect("runs");
        let signal = std::os::unix::process::ExitStatusExt::signal(&ended.status);
        assert_eq!(signal, Some(9), "step {at}: {ended:?}");
        open(folder.path());
        check(folder.path(), &[1, 2]);
        publish(folder.path(), Arc::new(System), 3).expect("publishes");
        check(folder.path(), &[3]);
    }
}
