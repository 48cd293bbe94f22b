//! The last resort: a build from Go modules, about four minutes on two cores.
//!
//! Kubernetes' commands are ordinary packages of the module `k8s.io/kubernetes`,
//! but its go.mod replaces the staging modules by folders that a module archive
//! lacks. A module of our own that replaces each by its published version makes
//! them build.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

use super::{KUBERNETES_VERSION, Program};

/// The version of etcd that Kubernetes' own go.mod asks for, or newer.
const ETCD_VERSION: &str = "3.6.8";
/// The oldest Go that builds [`KUBERNETES_VERSION`].
pub(super) const MINIMUM_GO: &str = "1.26";

/// Time between two lines of progress.
const REPORT_EVERY: Duration = Duration::from_secs(10);
/// Lines of output kept for a failure's message.
const KEPT_LINES: usize = 20;

/// Builds the missing programs into `cache`.
pub(super) fn build(missing: &[Program], cache: &Path, say: &mut dyn FnMut(&str)) -> Result<()> {
    check_go()?;
    let started = Instant::now();
    say("building the control plane from Go modules: about 4 minutes on 2 cores");
    let folder = tempfile::Builder::new()
        .prefix(".build-")
        .tempdir_in(cache)?;
    let go = Go {
        module: folder.path().to_path_buf(),
    };
    go.write_module()?;
    go.run("module graph", &["mod", "tidy", "-v"], say)?;
    for program in missing {
        let output = folder.path().join(program.name());
        let flags = linker_flags(*program);
        let target = output.display().to_string();
        let args = [
            "build",
            "-v",
            "-buildvcs=false",
            "-trimpath",
            "-ldflags",
            &flags,
            "-o",
            &target,
        ];
        let args: Vec<&str> = args.into_iter().chain([package(*program)]).collect();
        go.run(program.name(), &args, say)?;
        let cached = cache.join(program.name());
        fs::rename(&output, &cached).with_context(|| format!("cannot cache {program}"))?;
    }
    say(&format!(
        "built {} programs in {} s",
        missing.len(),
        started.elapsed().as_secs()
    ));
    Ok(())
}

fn package(program: Program) -> &'static str {
    match program {
        Program::Etcd => "go.etcd.io/etcd/server/v3",
        Program::KubeApiserver => "k8s.io/kubernetes/cmd/kube-apiserver",
        Program::KubeControllerManager => "k8s.io/kubernetes/cmd/kube-controller-manager",
        Program::Kubectl => "k8s.io/kubernetes/cmd/kubectl",
    }
}

fn linker_flags(program: Program) -> String {
    let mut flags = String::from("-s -w");
    if program != Program::Etcd {
        let mut parts = KUBERNETES_VERSION.split('.');
        let (major, minor) = (parts.next().unwrap_or("1"), parts.next().unwrap_or("0"));
        let git = format!("v{KUBERNETES_VERSION}");
        for (name, value) in [
            ("gitVersion", git.as_str()),
            ("gitMajor", major),
            ("gitMinor", minor),
        ] {
            flags += &format!(" -X k8s.io/component-base/version.{name}={value}");
        }
    }
    flags
}

fn check_go() -> Result<()> {
    let output = Command::new("go").args(["env", "GOVERSION"]).output();
    let output = output.context("there is no `go` on PATH")?;
    let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    ensure!(
        recent_enough(&version),
        "`go` is {version}, too old: needs {MINIMUM_GO}"
    );
    Ok(())
}

/// Whether a text like `go1.26.8` is at least [`MINIMUM_GO`].
fn recent_enough(version: &str) -> bool {
    let numbers = |text: &str| -> Option<(u32, u32)> {
        let mut parts = text.split(['.', 'r', 'b', '-', ' ']);
        Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
    };
    let found = version.strip_prefix("go").and_then(numbers);
    found.is_some_and(|found| Some(found) >= numbers(MINIMUM_GO))
}

/// The `go` command in the folder of our module.
#[derive(Debug)]
struct Go {
    module: PathBuf,
}

impl Go {
    fn write_module(&self) -> Result<()> {
        // Any go.mod will do for the first step.
        fs::write(self.module.join("go.mod"), module_file(&[]))?;
        let staging = self.staging_modules()?;
        fs::write(self.module.join("go.mod"), module_file(&staging))?;
        fs::write(self.module.join("tools.go"), tools_file())?;
        Ok(())
    }

    /// The modules that Kubernetes' own go.mod replaces by folders.
    fn staging_modules(&self) -> Result<Vec<String>> {
        let wanted = format!("k8s.io/kubernetes@v{KUBERNETES_VERSION}");
        let output = self
            .command(&["mod", "download", "-json", &wanted])
            .output()?;
        let answer: serde_json::Value = serde_json::from_slice(&output.stdout)
            .with_context(|| String::from_utf8_lossy(&output.stderr).into_owned())?;
        if let Some(error) = answer["Error"].as_str() {
            bail!("cannot download {wanted}: {error}");
        }
        let path = answer["GoMod"]
            .as_str()
            .context("`go mod download` names no go.mod")?;
        let staging = staging_modules(&fs::read_to_string(path)?);
        ensure!(!staging.is_empty(), "{path} replaces no staging module");
        Ok(staging)
    }

    /// Runs `go`, saying now and then how far it is.
    fn run(&self, what: &str, args: &[&str], say: &mut dyn FnMut(&str)) -> Result<()> {
        let started = Instant::now();
        let mut child = self
            .command(args)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let output = child.stderr.take().context("`go` has an error output")?;
        let (mut count, mut reported, mut kept) = (0_usize, Instant::now(), Vec::new());
        for line in BufReader::new(output).lines() {
            kept.push(line?);
            if kept.len() > KEPT_LINES {
                kept.remove(0);
            }
            count += 1;
            if reported.elapsed() >= REPORT_EVERY {
                reported = Instant::now();
                say(&format!(
                    "  {what}: {count} packages, {} s",
                    started.elapsed().as_secs()
                ));
            }
        }
        let status = child.wait()?;
        ensure!(
            status.success(),
            "go {} failed:\n{}",
            args.join(" "),
            kept.join("\n")
        );
        say(&format!(
            "  {what}: done, {} s",
            started.elapsed().as_secs()
        ));
        Ok(())
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new("go");
        command
            .args(args)
            .current_dir(&self.module)
            .stdin(Stdio::null());
        command
            .env("CGO_ENABLED", "0")
            .env("GO111MODULE", "on")
            .env("GOFLAGS", "-mod=mod");
        command
            .env_remove("GOWORK")
            .env_remove("GOOS")
            .env_remove("GOARCH");
        command
    }
}

fn module_file(staging: &[String]) -> String {
    let (_, minor_and_patch) = KUBERNETES_VERSION.split_once('.').unwrap_or_default();
    let mut text = format!(
        "module weir.dev/control-plane\n\ngo {MINIMUM_GO}\n\nrequire (\n\
         \tk8s.io/kubernetes v{KUBERNETES_VERSION}\n\
         \tgo.etcd.io/etcd/server/v3 v{ETCD_VERSION}\n)\n\n"
    );
    for module in staging {
        text += &format!("replace {module} => {module} v0.{minor_and_patch}\n");
    }
    text
}

/// Main packages are imported nowhere: this keeps what they need in the graph.
fn tools_file() -> String {
    let mut text = String::from("//go:build tools\n\npackage tools\n\nimport (\n");
    for program in Program::ALL {
        text += &format!("\t_ \"{}\"\n", package(program));
    }
    text + ")\n"
}

fn staging_modules(go_mod: &str) -> Vec<String> {
    let replaced = |line: &str| {
        let line = line.trim();
        let line = line.strip_prefix("replace ").unwrap_or(line);
        let (module, target) = line.split_once(" => ")?;
        target
            .starts_with("./staging/")
            .then(|| module.trim().to_owned())
    };
    go_mod.lines().filter_map(replaced).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn staging_modules_are_those_replaced_by_folders() {
        let text = "replace (\n\tk8s.io/api => ./staging/src/k8s.io/api\n\tx => y v1\n)\n\
                    replace k8s.io/cri-api => ./staging/src/k8s.io/cri-api\n";
        assert_eq!(staging_modules(text), ["k8s.io/api", "k8s.io/cri-api"]);
    }

    #[test]
    fn staging_modules_get_the_version_that_goes_with_kubernetes() {
        let text = module_file(&[String::from("k8s.io/api")]);
        assert!(text.contains("\tk8s.io/kubernetes v1.36.3\n"), "{text}");
        assert!(
            text.ends_with("replace k8s.io/api => k8s.io/api v0.36.3\n"),
            "{text}"
        );
    }

    #[test]
    fn go_versions_are_compared_by_number() {
        for version in [
            "go1.26",
            "go1.26.8",
            "go1.27rc1",
            "go1.100",
            "go2.0",
            "go1.26.8-X:nocoverage",
        ] {
            assert!(recent_enough(version), "{version}");
        }
        for version in ["go1.25.9", "go1.9", "devel", ""] {
            assert!(!recent_enough(version), "{version}");
        }
    }
}
