//! The binaries of the control plane, and where they come from.
//!
//! In this order, for each binary by itself: the folder that
//! `KUBEBUILDER_ASSETS` names, our cache folder, downloads (the envtest archive
//! and the Kubernetes release), a build from Go modules. kubectl is first
//! looked for on `PATH`. [`find`] only looks; [`obtain`] also downloads and
//! builds, one process at a time, and a binary enters the cache by a rename.

mod download;
mod go_build;

use std::env;
use std::fmt::{self, Display};
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::layout;

/// The version of kube-apiserver, kube-controller-manager and kubectl.
pub const KUBERNETES_VERSION: &str = "1.36.3";

/// A program of the control plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// The API server's database.
    Etcd,
    /// The API server.
    KubeApiserver,
    /// Garbage collection, Deployments, namespaces and so on.
    KubeControllerManager,
    /// The command line client.
    Kubectl,
}

impl Program {
    /// All programs, the quickest to build first.
    pub const ALL: [Self; 4] = [
        Self::Etcd,
        Self::KubeApiserver,
        Self::KubeControllerManager,
        Self::Kubectl,
    ];

    /// The file name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Etcd => "etcd",
            Self::KubeApiserver => "kube-apiserver",
            Self::KubeControllerManager => "kube-controller-manager",
            Self::Kubectl => "kubectl",
        }
    }
}

impl Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Paths of everything that a control plane needs.
#[derive(Clone, Debug)]
pub struct Binaries {
    /// etcd 3.6.
    pub etcd: PathBuf,
    /// kube-apiserver.
    pub kube_apiserver: PathBuf,
    /// kube-controller-manager.
    pub kube_controller_manager: PathBuf,
    /// kubectl, the machine's own if it has one.
    pub kubectl: PathBuf,
}

impl Binaries {
    /// The paths in the order of [`Program::ALL`].
    pub fn paths(&self) -> [&Path; 4] {
        [
            &self.etcd,
            &self.kube_apiserver,
            &self.kube_controller_manager,
            &self.kubectl,
        ]
    }
}

/// The binaries that are on this machine, without getting any.
///
/// # Errors
/// If one is missing; the error names the command that gets it.
pub fn find() -> Result<Binaries> {
    let places = Places::of_this_machine()?;
    let missing = places.missing();
    if !missing.is_empty() {
        bail!(
            "no {} on this machine: run `cargo xtask control-plane`",
            names(&missing)
        );
    }
    places.binaries()
}

/// The binaries, downloaded or built where they are missing. `say` receives a
/// line now and then, as this may take minutes.
///
/// # Errors
/// If there is no way to get one; the error names what to install.
pub fn obtain(say: &mut dyn FnMut(&str)) -> Result<Binaries> {
    let places = Places::of_this_machine()?;
    if places.missing().is_empty() {
        return places.binaries();
    }
    fs::create_dir_all(&places.cache)
        .with_context(|| format!("cannot make {}", places.cache.display()))?;
    let _lock = lock(&places.cache, say)?;
    // Another process may have been at it while this one waited.
    let missing = places.missing();
    if !missing.is_empty() {
        say(&format!(
            "{} missing, will be cached in {}",
            names(&missing),
            places.cache.display()
        ));
        let tried = download::fetch(&missing, &places.cache, say);
        let missing = places.missing();
        if !missing.is_empty() {
            go_build::build(&missing, &places.cache, say)
                .with_context(|| advice(&missing, &tried))?;
        }
    }
    places.binaries()
}

/// Where binaries may lie.
#[derive(Debug)]
struct Places {
    assets: Option<PathBuf>,
    path: Vec<PathBuf>,
    cache: PathBuf,
}

impl Places {
    fn of_this_machine() -> Result<Self> {
        let assets = env::var_os("KUBEBUILDER_ASSETS").filter(|dir| !dir.is_empty());
        let path = env::var_os("PATH").unwrap_or_default();
        Ok(Self {
            assets: assets.map(PathBuf::from),
            path: env::split_paths(&path).collect(),
            cache: layout::cache_dir()?.join(format!("k8s-{KUBERNETES_VERSION}")),
        })
    }

    fn locate(&self, program: Program) -> Option<PathBuf> {
        let path = if program == Program::Kubectl {
            self.path.as_slice()
        } else {
            &[]
        };
        let folders = self.assets.iter().chain(path).chain([&self.cache]);
        folders
            .map(|dir| dir.join(program.name()))
            .find(|file| file.is_file())
    }

    fn missing(&self) -> Vec<Program> {
        Program::ALL
            .into_iter()
            .filter(|program| self.locate(*program).is_none())
            .collect()
    }

    fn binaries(&self) -> Result<Binaries> {
        let path = |program| {
            self.locate(program)
                .with_context(|| format!("no {program}"))
        };
        Ok(Binaries {
            etcd: path(Program::Etcd)?,
            kube_apiserver: path(Program::KubeApiserver)?,
            kube_controller_manager: path(Program::KubeControllerManager)?,
            kubectl: path(Program::Kubectl)?,
        })
    }
}

/// Held until dropped; a process that ends in any way gives it back.
fn lock(cache: &Path, say: &mut dyn FnMut(&str)) -> Result<File> {
    let path = cache.join(".lock");
    let file = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            say("another process is getting the control plane: waiting for it");
            file.lock()
                .context("cannot wait for the lock of the cache")?;
        }
        Err(TryLockError::Error(error)) => return Err(error).context("cannot lock the cache"),
    }
    Ok(file)
}

fn names(programs: &[Program]) -> String {
    programs
        .iter()
        .map(|program| program.name())
        .collect::<Vec<_>>()
        .join(", ")
}

fn advice(missing: &[Program], tried: &[String]) -> String {
    let mut text = format!("no way to get {}. Do one of these:\n", names(missing));
    text += &format!(
        "- install Go {} or newer to build them\n",
        go_build::MINIMUM_GO
    );
    text += "- set KUBEBUILDER_ASSETS to a folder that holds them\n";
    text += "- allow the downloads that failed:\n";
    for line in tried {
        text += &format!("    {line}\n");
    }
    text + "Building them failed like this"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(root: &Path, files: &[&str]) -> Places {
        for file in files {
            let path = root.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        Places {
            assets: Some(root.join("assets")),
            path: vec![root.join("bin")],
            cache: root.join("cache"),
        }
    }

    #[test]
    fn assets_come_before_the_cache() {
        let root = tempfile::tempdir().unwrap();
        let places = places(
            root.path(),
            &["assets/etcd", "cache/etcd", "cache/kube-apiserver"],
        );
        assert_eq!(
            places.locate(Program::Etcd).unwrap(),
            root.path().join("assets/etcd")
        );
        let api_server = places.locate(Program::KubeApiserver).unwrap();
        assert_eq!(api_server, root.path().join("cache/kube-apiserver"));
        assert_eq!(
            places.missing(),
            [Program::KubeControllerManager, Program::Kubectl]
        );
    }

    #[test]
    fn only_kubectl_is_taken_from_the_path() {
        let root = tempfile::tempdir().unwrap();
        let places = places(root.path(), &["bin/etcd", "bin/kubectl"]);
        assert_eq!(places.locate(Program::Etcd), None);
        assert_eq!(
            places.locate(Program::Kubectl).unwrap(),
            root.path().join("bin/kubectl")
        );
    }

    #[test]
    fn a_second_process_waits_for_the_lock() {
        let root = tempfile::tempdir().unwrap();
        let first = lock(root.path(), &mut |_| {}).unwrap();
        let cache = root.path().to_path_buf();
        let second = std::thread::spawn(move || {
            let mut said = Vec::new();
            let lock = lock(&cache, &mut |line| said.push(line.to_owned()));
            lock.map(|_| said).unwrap()
        });
        // Whether the second one comes before or after this, it gets the lock.
        drop(first);
        assert!(second.join().unwrap().len() <= 1);
    }

    #[test]
    fn advice_names_what_to_install_and_what_was_tried() {
        let text = advice(
            &[Program::Etcd],
            &[String::from("https://example.com: refused")],
        );
        assert!(text.contains("install Go 1.26"), "{text}");
        assert!(text.contains("KUBEBUILDER_ASSETS"), "{text}");
        assert!(text.contains("example.com: refused"), "{text}");
    }
}
