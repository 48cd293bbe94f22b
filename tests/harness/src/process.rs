//! Child processes that never outlive this one, however it ends.
//!
//! A small shell, the watchdog, holds the reading end of a pipe whose writing
//! end only this process has. When this process ends, `kill -9` included, the
//! pipe closes and the watchdog kills every process group and removes every
//! folder it was told of. A child waits for a line on its standard input before
//! it becomes the program asked for, and gets that line only after the watchdog
//! knows it: there is no moment at which it could be forgotten.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail};
use rustix::process::{
    Pid, Resource, Rlimit, Signal, getrlimit, kill_process_group, prlimit, setrlimit,
};

/// Reads `pid N`, `gone N` and `dir PATH` lines until the pipe closes.
const WATCHDOG: &str = r#"
pids=
while IFS= read -r line; do
  case $line in
    "pid "*) pids="$pids ${line#pid }" ;;
    "gone "*) rest=; for p in $pids; do [ "$p" = "${line#gone }" ] || rest="$rest $p"; done; pids=$rest ;;
    "dir "*) set -- "$@" "${line#dir }" ;;
  esac
done
for p in $pids; do kill -9 "-$p"; done
[ $# -eq 0 ] || { sleep 0.1; rm -rf -- "$@"; }
"#;

/// Waits for the go-ahead, then becomes the program in its arguments.
const LAUNCH: &str = r#"read -r go && exec "$@" </dev/null"#;

/// A running child with its log. Dropping it kills the child and its children.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `command` in a process group of its own, with no standard input
    /// and with both outputs appended to `log`.
    ///
    /// # Errors
    /// If the shell that becomes the program, or the log, cannot be had. A
    /// missing program shows as an early exit with a line in the log.
    pub fn start(command: &Command, log: &Path) -> Result<Self> {
        let program = Path::new(command.get_program());
        let name = program
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let output = File::options()
            .create(true)
            .append(true)
            .open(log)
            .with_context(|| format!("cannot write {}", log.display()))?;
        let mut child = launcher(command)
            .stdout(output.try_clone().context("cannot share the log")?)
            .stderr(output)
            .spawn()
            .with_context(|| format!("cannot start a shell for {name}"))?;
        tell_watchdog(&format!("pid {}", child.id()))?;
        let mut go = child
            .stdin
            .take()
            .context("the child has a standard input")?;
        go.write_all(b"go\n")
            .with_context(|| format!("{name} ended before it started"))?;
        Ok(Self {
            name,
            child,
            log: log.to_path_buf(),
        })
    }

    /// The process id, which is also that of its process group.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The file that receives both outputs.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// The last `lines` lines of the log.
    pub fn log_tail(&self, lines: usize) -> String {
        let text = fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let all: Vec<&str> = text.lines().collect();
        all[all.len().saturating_sub(lines)..].join("\n")
    }

    /// The most memory that the child has taken so far, in KiB: what is resident, of files too.
    ///
    /// # Errors
    /// If the child has ended.
    pub fn peak_memory(&self) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let words = line.context("there is a peak")?.split_whitespace().next();
        Ok(words.context("there is a number")?.parse()?)
    }

    /// Fails, with the end of the log, once the child has ended by itself.
    ///
    /// # Errors
    /// If the child is no longer running.
    pub fn check_running(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => {
                let (name, log) = (&self.name, self.log.display());
                Err(anyhow!(
                    "{name} ended ({status}); end of {log}:\n{}",
                    self.log_tail(20)
                ))
            }
        }
    }

    /// Asks the child to stop (SIGTERM) and waits for it.
    ///
    /// # Errors
    /// If it is still running after `grace`; it is killed when dropped.
    pub fn stop(&mut self, grace: Duration) -> Result<ExitStatus> {
        self.signal(Signal::TERM);
        let deadline = Instant::now() + grace;
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            if Instant::now() > deadline {
                return Err(anyhow!("{} did not stop within {grace:?}", self.name));
            }
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Kills the child and its children at once, as a crash would.
    pub fn kill(&mut self) {
        self.signal(Signal::KILL);
        // It was sent SIGKILL: only a process stuck in the kernel survives that.
        let _ = self.child.wait();
    }

    /// Stops the child and its children where they are, until [`Process::resume`].
    pub fn pause(&mut self) {
        self.signal(Signal::STOP);
    }

    /// Lets the child and its children go on.
    pub fn resume(&mut self) {
        self.signal(Signal::CONT);
    }

    /// The most bytes that a file may have which the child writes; no bound if none is given. What is above fails
    /// as a full disk fails it, provided that the child ignores SIGXFSZ.
    ///
    /// # Errors
    /// If the child is gone, or its hard limit is lower.
    pub fn limit_file_size(&self, bytes: Option<u64>) -> Result<()> {
        let pid = Pid::from_child(&self.child);
        let limit = Rlimit {
            current: bytes,
            maximum: None,
        };
        prlimit(Some(pid), Resource::Fsize, limit).context("cannot limit the size of files")?;
        Ok(())
    }

    fn signal(&mut self, signal: Signal) {
        if matches!(self.child.try_wait(), Ok(None)) {
            // The only failure is that it ended meanwhile.
            let _ = kill_process_group(Pid::from_child(&self.child), signal);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        // At worst the watchdog signals a process group that is gone.
        let _ = tell_watchdog(&format!("gone {}", self.child.id()));
    }
}

/// Kills the process group of a [`Process`] at once, from wherever its id is known.
pub fn kill_group(id: u32) {
    let pid = i32::try_from(id).ok().and_then(Pid::from_raw);
    if let Some(pid) = pid {
        // The only failure is that it ended before.
        let _ = kill_process_group(pid, Signal::KILL);
    }
}

/// Has the folder removed when this process ends, in whichever way.
///
/// # Errors
/// If the watchdog cannot be started.
pub fn remove_at_exit(dir: &Path) -> Result<()> {
    tell_watchdog(&format!("dir {}", dir.display()))
}

/// Lets this process have so many files and sockets open.
///
/// # Errors
/// If it may not have as many.
pub fn allow_open_files(count: u64) -> Result<()> {
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|files| files >= count) {
        return Ok(());
    }
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    let fits = limit.maximum.is_none_or(|files| files >= count);
    if !fits {
        bail!("{count} files have to be open at a time: raise `ulimit -H -n`");
    }
    setrlimit(Resource::Nofile, raised).context("cannot raise the limit of open files")
}

/// Below those that the system gives to outgoing connections: one of these could be taken before its server starts.
const FIRST_PORT: u16 = 20_000;
const PORTS: u16 = 12_000;

/// A TCP port on 127.0.0.1 that nobody listens on at this moment; each call in a process gives another one.
///
/// # Errors
/// If all are taken.
pub fn free_port() -> Result<u16> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Processes side by side begin at different places.
    let begin = std::process::id().wrapping_mul(97) % u32::from(PORTS);
    for _ in 0..PORTS {
        let number = u32::from(NEXT.fetch_add(1, Ordering::Relaxed)) + begin;
        let port = FIRST_PORT + u16::try_from(number % u32::from(PORTS))?;
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no free port")
}

fn launcher(command: &Command) -> Command {
    let mut launcher = Command::new("/bin/sh");
    launcher
        .args(["-c", LAUNCH, "sh"])
        .arg(command.get_program())
        .args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => launcher.env(name, value),
            None => launcher.env_remove(name),
        };
    }
    if let Some(dir) = command.get_current_dir() {
        launcher.current_dir(dir);
    }
    launcher.process_group(0).stdin(Stdio::piped());
    launcher
}

fn tell_watchdog(line: &str) -> Result<()> {
    static WATCHDOG_PIPE: OnceLock<Mutex<Option<ChildStdin>>> = OnceLock::new();
    let pipe = WATCHDOG_PIPE.get_or_init(|| Mutex::new(None));
    let mut pipe = pipe.lock().unwrap_or_else(PoisonError::into_inner);
    if pipe.is_none() {
        *pipe = Some(start_watchdog()?);
    }
    let pipe = pipe.as_mut().context("the watchdog was just started")?;
    pipe.write_all(format!("{line}\n").as_bytes())
        .context("the watchdog is gone")
}

fn start_watchdog() -> Result<ChildStdin> {
    let mut watchdog = Command::new("/bin/sh")
        .args(["-c", WATCHDOG, "weir-watchdog"])
        .current_dir("/")
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("cannot start the watchdog shell")?;
    watchdog
        .stdin
        .take()
        .context("the watchdog has a standard input")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alive(pid: u32) -> bool {
        // A zombie has no command line.
        fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| !line.is_empty())
    }

    #[test]
    fn dropping_kills_the_child_and_its_children() {
        let dir = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 60 & echo $!; wait"]);
        let process = Process::start(&command, &dir.path().join("log")).unwrap();
        let grandchild = loop {
            if let Ok(pid) = process.log_tail(1).trim().parse::<u32>() {
                break pid;
            }
            thread::sleep(Duration::from_millis(5));
        };
        assert!(alive(grandchild));
        drop(process);
        let deadline = Instant::now() + Duration::from_secs(5);
        while alive(grandchild) {
            assert!(Instant::now() < deadline, "the grandchild lives on");
            thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn an_early_end_is_reported_with_the_log() {
        let dir = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "echo no such flag >&2; exit 3"]);
        let mut process = Process::start(&command, &dir.path().join("log")).unwrap();
        let error = loop {
            match process.check_running() {
                Ok(()) => thread::sleep(Duration::from_millis(5)),
                Err(error) => break error.to_string(),
            }
        };
        assert!(error.contains("exit status: 3"), "{error}");
        assert!(error.contains("no such flag"), "{error}");
    }

    #[test]
    fn the_watchdog_kills_and_cleans_when_its_pipe_closes() {
        let dir = tempfile::tempdir().unwrap();
        let scratch = dir.path().join("with space");
        fs::create_dir(&scratch).unwrap();
        let mut victim = Command::new("sleep")
            .arg("60")
            .process_group(0)
            .spawn()
            .unwrap();
        let mut pipe = start_watchdog().unwrap();
        writeln!(
            pipe,
            "pid {}\ndir {}\npid 999999\ngone 999999",
            victim.id(),
            scratch.display()
        )
        .unwrap();
        drop(pipe);
        assert!(!victim.wait().unwrap().success());
        let deadline = Instant::now() + Duration::from_secs(5);
        while scratch.exists() {
            assert!(Instant::now() < deadline, "the folder is still there");
            thread::sleep(Duration::from_millis(5));
        }
    }
}
