//! Peers: command lines of controllers that do the same work.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use harness::process::{Process, free_port};
use harness::{eventually, layout};
use serde::Deserialize;
use tempfile::TempDir;

use super::usage::Watched;
use super::{FLOOR, WEIR};

const READY_WITHIN: Duration = Duration::from_secs(60);
/// A file of command lines that is larger is something else.
const MAX_FILE: u64 = 1 << 20;

/// One peer.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Peer {
    /// How it is called in the report.
    pub(crate) name: String,
    /// What it is, for readers of the report.
    pub(super) about: String,
    /// Its programs, started in this order.
    pub(super) processes: Vec<Program>,
}

/// A program of a peer.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Program {
    /// How it is called in the report.
    name: String,
    /// Path and arguments, with placeholders.
    argv: Vec<String>,
    /// Environment, with placeholders.
    #[serde(default)]
    env: BTreeMap<String, String>,
    /// An address that answers with success once it is ready, with placeholders.
    #[serde(default)]
    ready: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PeerFile {
    peers: Vec<Peer>,
}

/// What placeholders stand for, the same for all programs of a peer but for the two ports.
#[derive(Debug)]
struct Places {
    kubeconfig: PathBuf,
    weir: PathBuf,
    storage: PathBuf,
    storage_port: u16,
    metrics_port: u16,
    health_port: u16,
}

/// The running programs of a peer; killed when dropped.
#[derive(Debug)]
pub(crate) struct Running {
    processes: Vec<(String, Process)>,
    _storage: TempDir,
}

/// Reads peers from a YAML or JSON file.
///
/// # Errors
/// If the file has another form, or takes a name that is known already.
pub(crate) fn read(path: &Path) -> Result<Vec<Peer>> {
    let size = path.metadata().map(|it| it.len());
    let size = size.with_context(|| format!("no {}", path.display()))?;
    ensure!(size <= MAX_FILE, "{} is too large", path.display());
    let text = std::fs::read_to_string(path)?;
    parse(&text).with_context(|| format!("{} has no peers", path.display()))
}

fn parse(text: &str) -> Result<Vec<Peer>> {
    let file: PeerFile = yaml_serde::from_str(text)?;
    for peer in &file.peers {
        let same = file.peers.iter().filter(|it| it.name == peer.name).count();
        ensure!(
            same == 1 && ![FLOOR, WEIR].contains(&peer.name.as_str()),
            "the name {} is taken",
            peer.name
        );
        let programs =
            !peer.processes.is_empty() && peer.processes.iter().all(|it| !it.argv.is_empty());
        ensure!(programs, "{} has nothing to run", peer.name);
    }
    Ok(file.peers)
}

impl Peer {
    /// A client without controllers.
    pub(super) fn floor() -> Self {
        Self {
            name: FLOOR.to_owned(),
            about: String::from("a plain client that writes the same objects over 32 connections"),
            processes: Vec::new(),
        }
    }

    /// Both controllers in one process, with their defaults.
    pub(super) fn weir() -> Self {
        let argv = [
            "{weir}",
            "run",
            "--metrics-addr=127.0.0.1:{metrics-port}",
            "--health-addr=127.0.0.1:{health-port}",
            "--storage-path={storage}",
            "--storage-addr=127.0.0.1:{storage-port}",
            "--storage-adv-addr=127.0.0.1:{storage-port}",
        ];
        let program = Program {
            name: WEIR.to_owned(),
            argv: argv.map(String::from).into(),
            env: BTreeMap::new(),
            ready: Some(String::from("http://127.0.0.1:{health-port}/readyz")),
        };
        Self {
            name: WEIR.to_owned(),
            about: String::from("weir run, with default flags"),
            processes: vec![program],
        }
    }

    /// Starts all programs, each when the one before is ready.
    ///
    /// # Errors
    /// If one does not become ready; the error holds the end of its log.
    pub(crate) async fn start(
        &self,
        kubeconfig: &Path,
        weir: &Path,
        logs: &Path,
    ) -> Result<Running> {
        let storage = layout::scratch("bench-storage")?;
        let mut places = Places {
            kubeconfig: kubeconfig.to_path_buf(),
            weir: weir.to_path_buf(),
            storage: storage.path().to_path_buf(),
            storage_port: free_port()?,
            metrics_port: 0,
            health_port: 0,
        };
        let mut processes = Vec::new();
        for program in &self.processes {
            places.metrics_port = free_port()?;
            places.health_port = free_port()?;
            let log = logs.join(format!("{}-{}.log", self.name, program.name));
            let process = program.start(&places, &log).await;
            let process = process.with_context(|| format!("{} did not start", program.name))?;
            processes.push((program.name.clone(), process));
        }
        Ok(Running {
            processes,
            _storage: storage,
        })
    }
}

impl Program {
    async fn start(&self, places: &Places, log: &Path) -> Result<Process> {
        let argv: Result<Vec<String>> = self.argv.iter().map(|it| places.fill(it)).collect();
        let argv = argv?;
        let (program, arguments) = argv.split_first().context("nothing to run")?;
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env("KUBECONFIG", &places.kubeconfig);
        for (name, value) in &self.env {
            command.env(name, places.fill(value)?);
        }
        let mut process = Process::start(&command, log)?;
        let Some(url) = &self.ready else {
            return Ok(process);
        };
        let url = places.fill(url)?;
        let mut ended = None;
        let ready = eventually(READY_WITHIN, &url, async || {
            if let Err(error) = process.check_running() {
                ended = Some(error);
                return Ok(());
            }
            let status = reqwest::get(&url).await?.status();
            ensure!(status.is_success(), "it says {status}");
            Ok(())
        });
        ready.await.with_context(|| process.log_tail(20))?;
        ended.map_or(Ok(process), Err)
    }
}

impl Places {
    /// Replaces each `{name}`.
    fn fill(&self, text: &str) -> Result<String> {
        let mut filled = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after
                .split_once('}')
                .with_context(|| format!("an open brace in {text}"))?;
            filled.push_str(before);
            filled.push_str(&self.value(name)?);
            rest = after;
        }
        filled.push_str(rest);
        Ok(filled)
    }

    fn value(&self, name: &str) -> Result<String> {
        let folder = self.weir.parent().unwrap_or(Path::new("."));
        Ok(match name {
            "kubeconfig" => self.kubeconfig.display().to_string(),
            "weir" => self.weir.display().to_string(),
            "weir-folder" => folder.display().to_string(),
            "storage" => self.storage.display().to_string(),
            "storage-port" => self.storage_port.to_string(),
            "metrics-port" => self.metrics_port.to_string(),
            "health-port" => self.health_port.to_string(),
            _ => bail!("no placeholder {{{name}}} is known"),
        })
    }
}

impl Running {
    /// What is to be measured.
    pub(super) fn watched(&self) -> Vec<Watched> {
        let watched = |(name, process): &(String, Process)| Watched {
            name: name.clone(),
            id: process.id(),
        };
        self.processes.iter().map(watched).collect()
    }

    /// The end of every log, and which program has ended.
    pub(super) fn logs(&mut self) -> String {
        let mut text = String::new();
        for (name, process) in &mut self.processes {
            let state = match process.check_running() {
                Ok(()) => "runs",
                Err(_) => "ended",
            };
            text += &format!("{name} {state}; end of its log:\n{}\n", process.log_tail(5));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places() -> Places {
        Places {
            kubeconfig: "/k".into(),
            weir: "/bin/weir".into(),
            storage: "/s".into(),
            storage_port: 1,
            metrics_port: 2,
            health_port: 3,
        }
    }

    #[test]
    fn placeholders_are_filled_and_others_refused() {
        let fill = |text: &str| places().fill(text);
        assert_eq!(fill("--a={storage}:{health-port}.").unwrap(), "--a=/s:3.");
        assert_eq!(fill("{weir-folder}/x").unwrap(), "/bin/x");
        assert_eq!(fill("plain").unwrap(), "plain");
        assert!(fill("{nothing}").is_err() && fill("{open").is_err());
    }

    #[test]
    fn the_example_file_is_one() {
        let peers = parse(include_str!("../../bench-peers.example.yaml")).unwrap();
        for program in peers.iter().flat_map(|peer| &peer.processes) {
            for text in program.argv.iter().chain(program.env.values()) {
                places().fill(text).unwrap();
            }
        }
    }

    #[test]
    fn names_are_not_taken_twice() {
        let one = "{name: weir, about: x, processes: [{name: a, argv: [b]}]}";
        assert!(parse(&format!("peers: [{one}]")).is_err());
        let two = one.replace("weir", "flux");
        assert!(parse(&format!("peers: [{two}]")).is_ok());
        assert!(parse(&format!("peers: [{two}, {two}]")).is_err());
        assert!(parse("peers: [{name: a, about: x, processes: []}]").is_err());
    }
}
