//! What a process may do that has denied itself the start of programs. The one test of this file is a process of its
//! own: what is denied stays denied.

use std::fs;
use std::io::ErrorKind;
use std::process::Command;
use std::sync::mpsc;
use std::thread;

/// What the kernel says of each thread of this process under `key`.
fn of_all_threads(key: &str) -> Vec<String> {
    let tasks = fs::read_dir("/proc/self/task").expect("lists");
    let of_one = |task: std::io::Result<fs::DirEntry>| {
        let status = task.expect("is one").path().join("status");
        let status = fs::read_to_string(status).expect("reads");
        let line = status.lines().find_map(|line| line.strip_prefix(key));
        line.expect("is told").trim().to_owned()
    };
    tasks.map(of_one).collect()
}

fn start() -> Result<(), ErrorKind> {
    let child = Command::new("/bin/true").spawn();
    let mut child = child.map_err(|error| error.kind())?;
    child.wait().expect("ends");
    Ok(())
}

#[test]
fn no_thread_of_a_process_that_denied_itself_programs_can_start_one() {
    let (go, told) = mpsc::channel::<()>();
    let older = thread::spawn(move || {
        told.recv().expect("is told");
        start()
    });
    assert_eq!(start(), Ok(()), "before");
    weir_runtime::program::deny().expect("is taken");
    let denied = Err(ErrorKind::PermissionDenied);
    assert_eq!(start(), denied, "this thread");
    let modes = of_all_threads("Seccomp:");
    assert!(modes.len() > 1, "{modes:?}");
    assert!(modes.iter().all(|mode| mode == "2"), "{modes:?}");
    let set = of_all_threads("NoNewPrivs:");
    assert!(set.iter().all(|set| set == "1"), "{set:?}");
    go.send(()).expect("listens");
    assert_eq!(older.join().expect("ends"), denied, "an older thread");
    let younger = thread::spawn(start).join();
    assert_eq!(younger.expect("ends"), denied, "a younger thread");
    // All else goes on.
    assert_eq!(fs::read("/dev/null").expect("reads"), b"");
}
