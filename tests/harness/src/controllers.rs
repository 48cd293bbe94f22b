//! Our controllers as child processes.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tempfile::TempDir;
use tokio::sync::OnceCell;

use crate::process::{Process, free_port};
use crate::{ControlPlane, EventSink, canary, eventually, layout};

/// Every port and path is chosen here, so that any number can run side by side.
const READY_WITHIN: Duration = Duration::from_secs(30);

/// What to run and how; start from [`ControllersOptions::new`].
#[derive(Clone, Debug)]
pub struct ControllersOptions {
    /// The binary's name, such as `weir` or `source-controller`, or its path.
    pub binary: String,
    /// Arguments before the flags, such as `run`.
    pub command: Vec<String>,
    /// Whose rights they have and where they connect.
    pub kubeconfig: PathBuf,
    /// Receives the log.
    pub logs: PathBuf,
    /// Watch only this namespace instead of all.
    pub namespace: Option<String>,
    /// Where events go, see [`EventSink::url`](crate::EventSink::url).
    pub events: Option<String>,
    /// Folder for artifacts; a temporary one if none is given.
    pub storage: Option<PathBuf>,
    /// Further flags, after those that follow from the other fields.
    pub flags: Vec<String>,
    /// Further environment variables.
    pub environment: Vec<(String, String)>,
    /// What a shell does before it becomes the program, such as `ulimit -S -n 256`.
    pub before: Option<String>,
    /// What they find in the place of `/etc/resolv.conf`, see [`NameServer`](crate::NameServer); needs root.
    pub resolver: Option<PathBuf>,
}

impl ControllersOptions {
    /// `weir run`, watching all namespaces, without events.
    pub fn new(kubeconfig: impl Into<PathBuf>, logs: impl Into<PathBuf>) -> Self {
        Self {
            binary: String::from("weir"),
            command: vec![String::from("run")],
            kubeconfig: kubeconfig.into(),
            logs: logs.into(),
            namespace: None,
            events: None,
            storage: None,
            flags: Vec::new(),
            environment: Vec::new(),
            before: None,
            resolver: None,
        }
    }

    /// Adds a flag.
    #[must_use]
    pub fn flag(mut self, flag: impl Into<String>) -> Self {
        self.flags.push(flag.into());
        self
    }
}

/// Running controllers. They are killed when dropped.
#[derive(Debug)]
pub struct Controllers {
    process: Process,
    ports: Ports,
    storage: PathBuf,
    _scratch: Option<TempDir>,
}

#[derive(Clone, Copy, Debug)]
struct Ports {
    storage: u16,
    metrics: u16,
    health: u16,
}

impl Controllers {
    /// `weir run` for all tests of this binary, on the shared control plane,
    /// posting to the shared [`EventSink`]; started by the first test that asks.
    ///
    /// # Errors
    /// As [`Controllers::start`].
    pub async fn shared() -> Result<&'static Self> {
        static SHARED: OnceCell<Controllers> = OnceCell::const_new();
        let start = async || {
            let plane = ControlPlane::shared().await?;
            let logs = layout::fresh_logs("controllers")?;
            let mut options = ControllersOptions::new(plane.kubeconfig(), logs);
            options.events = Some(EventSink::shared()?.url());
            Self::start(&options.flag("--requeue-dependency=1s")).await
        };
        SHARED.get_or_try_init(start).await
    }

    /// Starts the controllers and waits until their readiness probe answers.
    ///
    /// # Errors
    /// If the binary is not built (`cargo xtask component` builds it), or it
    /// ends early; the error holds the end of its log.
    pub async fn start(options: &ControllersOptions) -> Result<Self> {
        let scratch = match options.storage {
            Some(_) => None,
            None => Some(layout::scratch("storage")?),
        };
        let given = options.storage.clone();
        let storage = given.or_else(|| scratch.as_ref().map(|dir| dir.path().to_path_buf()));
        let storage = storage.context("there is a folder for artifacts")?;
        let ports = Ports {
            storage: free_port()?,
            metrics: free_port()?,
            health: free_port()?,
        };
        let command = command_line(options, &storage, ports)?;
        let name = Path::new(&options.binary)
            .file_name()
            .unwrap_or_default()
            .to_string_lossy();
        let log = options.logs.join(format!("{name}.log"));
        let process = Process::start(&command, &log)?;
        let mut controllers = Self {
            process,
            ports,
            storage,
            _scratch: scratch,
        };
        controllers.wait_until_ready().await?;
        Ok(controllers)
    }

    /// `127.0.0.1:PORT` of the artifact server.
    pub fn storage_address(&self) -> String {
        format!("127.0.0.1:{}", self.ports.storage)
    }

    /// `http://127.0.0.1:PORT/metrics`.
    pub fn metrics_url(&self) -> String {
        format!("http://127.0.0.1:{}/metrics", self.ports.metrics)
    }

    /// `http://127.0.0.1:PORT`, with `/healthz` and `/readyz`.
    pub fn health_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports.health)
    }

    /// The folder that holds the artifacts.
    pub fn storage(&self) -> &Path {
        &self.storage
    }

    /// The process, for its id, its log, and to stop or kill it.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// What they showed so far: the log, and the metrics if they still answer.
    fn shown(&self) -> String {
        let log = std::fs::read(self.process.log()).unwrap_or_default();
        let mut metrics = Vec::new();
        let limit = Duration::from_secs(5);
        let address = std::net::SocketAddr::from(([127, 0, 0, 1], self.ports.metrics));
        if let Ok(mut stream) = TcpStream::connect_timeout(&address, limit) {
            // What has ended shows nothing more.
            let _ = stream.set_read_timeout(Some(limit));
            let _ = stream.write_all(b"GET /metrics HTTP/1.0\r\nhost: 127.0.0.1\r\n\r\n");
            let _ = stream.read_to_end(&mut metrics);
        }
        String::from_utf8_lossy(&[log, metrics].concat()).into_owned()
    }

    async fn wait_until_ready(&mut self) -> Result<()> {
        let url = format!("{}/readyz", self.health_url());
        let mut ended = None;
        eventually(READY_WITHIN, "ready controllers", async || {
            if let Err(error) = self.process.check_running() {
                ended = Some(error);
                return Ok(());
            }
            let status = reqwest::get(&url).await?.status();
            ensure!(status.is_success(), "{url} says {status}");
            Ok(())
        })
        .await
        .with_context(|| format!("end of the log:\n{}", self.process.log_tail(20)))?;
        ended.map_or(Ok(()), Err)
    }
}

impl Drop for Controllers {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let shown = self.shown();
        let log = self.process.log().display();
        let told = canary::found_in(&shown);
        assert!(
            told.is_none(),
            "{log} or the metrics hold {told:?} of a Secret"
        );
        let panicked = shown.contains("\"logger\":\"panic\"");
        assert!(!panicked, "a panic is in {log}");
    }
}

fn command_line(options: &ControllersOptions, storage: &Path, ports: Ports) -> Result<Command> {
    let program = binary(&options.binary)?;
    let mut command = match (&options.before, &options.resolver) {
        (None, None) => Command::new(program),
        (before, resolver) => {
            let place =
                |path: &PathBuf| format!("mount --bind '{}' /etc/resolv.conf", path.display());
            let steps = resolver.iter().map(place).chain(before.clone());
            let steps: Vec<String> = steps.chain([String::from("exec \"$@\"")]).collect();
            let mut shell = Command::new("/bin/sh");
            if resolver.is_some() {
                shell = Command::new("unshare");
                shell.args(["--mount", "--", "/bin/sh"]);
            }
            shell.args(["-c", &steps.join(" && "), "sh"]).arg(program);
            shell
        }
    };
    command
        .args(&options.command)
        .arg(format!("--metrics-addr=127.0.0.1:{}", ports.metrics))
        .arg(format!("--health-addr=127.0.0.1:{}", ports.health))
        .env("KUBECONFIG", &options.kubeconfig);
    if Path::new(&options.binary).file_name() != Some("kustomize-controller".as_ref()) {
        command
            .arg(format!("--storage-path={}", storage.display()))
            .arg(format!("--storage-addr=127.0.0.1:{}", ports.storage))
            .arg(format!("--storage-adv-addr=127.0.0.1:{}", ports.storage));
    }
    if let Some(events) = &options.events {
        command.arg(format!("--events-addr={events}"));
    }
    if let Some(namespace) = &options.namespace {
        command
            .arg("--watch-all-namespaces=false")
            .env("RUNTIME_NAMESPACE", namespace);
    }
    command
        .args(&options.flags)
        .envs(options.environment.iter().cloned());
    Ok(command)
}

/// The built binary of this name: what cargo says, else the running profile's.
fn binary(name: &str) -> Result<PathBuf> {
    let told = std::env::var_os(format!("CARGO_BIN_EXE_{name}")).map(PathBuf::from);
    let path = told.unwrap_or_else(|| layout::profile_dir().join(name));
    ensure!(
        path.is_file(),
        "{} is not built: run `cargo build --bin {name}`, or the tests by `cargo xtask component`",
        path.display()
    );
    Ok(path)
}
