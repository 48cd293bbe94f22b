//! `bench git`: from a repository on a server to an artifact, and a look that finds nothing new, against the git
//! command in the same run.
//!
//! Both talk to the same `git http-backend` on loopback. git makes a bare repository, fetches one commit without
//! history and archives it as tar.gz; ours does the same in one process. Who comes first changes from run to run.

use std::fmt::Write as _;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use clap::Args;
use harness::{GitServer, Repository, layout};
use serde::{Deserialize, Serialize};

use super::measure::{Cost, Needs, Spread, measure};
use super::usage;
use crate::cargo;

/// Files in one folder.
const FOLDER: usize = 50;

/// What `bench git` takes.
#[derive(Args, Clone, Debug)]
pub(super) struct Options {
    /// Files in the repositories.
    #[arg(long, value_name = "N", value_delimiter = ',', default_values_t = [1_500, 30_000])]
    files: Vec<usize>,
    /// MiB of the one file of further repositories, which does not deflate.
    #[arg(long, value_name = "MIB", value_delimiter = ',', default_values_t = [100])]
    large: Vec<usize>,
    /// How often each program does each thing, the two in turn.
    #[arg(long, default_value_t = 7)]
    runs: usize,
    /// Receives everything as JSON; `target/bench/git.json` if none is given.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// What our program says of itself.
#[derive(Clone, Copy, Debug, Deserialize)]
struct Told {
    fetch: f64,
    whole: f64,
    #[serde(default)]
    look: f64,
}

#[derive(Debug, Serialize)]
struct Record {
    what: String,
    program: &'static str,
    #[serde(flatten)]
    needs: Needs,
    /// What our program measured inside.
    library_ms: Option<Spread>,
}

/// Compares both on repositories of several sizes.
///
/// # Errors
/// If a program fails.
pub(super) fn run(options: &Options) -> Result<()> {
    let built = [
        "--package",
        "source-controller",
        "--example",
        "fetch_artifact",
    ];
    cargo::run(&[&["build", "--locked", "--release"], &built[..]].concat())?;
    let ours = layout::target_dir().join("release/examples/fetch_artifact");
    let server = GitServer::start()?;
    println!("- machine: {}", usage::machine());
    println!("- {}", git_version()?);
    println!(
        "\n| | | runs | clock ms, min / median / max | CPU ms, median | peak MiB | library ms, median | git ÷ Weir: clock, CPU, memory |\n|---|---|---|---|---|---|---|---|"
    );
    let mut records = Vec::new();
    let mut compare = |repository: &Repository, size: &str, kinds: &[(&str, bool)]| {
        let bench = Bench {
            ours: &ours,
            url: repository.url(),
            runs: options.runs.max(1),
        };
        for (what, known) in kinds {
            let pair = bench.compare(&format!("{size}, {what}"), *known)?;
            print_pair(&pair);
            records.extend(pair);
        }
        anyhow::Ok(())
    };
    let (made, known) = (("to an artifact", false), ("no-op", true));
    for files in &options.files {
        let repository = server.repo(&format!("files-{files}"))?;
        fill(&repository, *files)?;
        compare(&repository, &format!("{files} files"), &[made, known])?;
    }
    for size in &options.large {
        let repository = server.repo(&format!("large-{size}"))?;
        fill_large(&repository, size << 20)?;
        compare(&repository, &format!("a file of {size} MiB"), &[made])?;
    }
    super::write_report(options.output.as_deref(), "git", &records)
}

struct Bench<'a> {
    ours: &'a Path,
    url: &'a str,
    runs: usize,
}

impl Bench<'_> {
    fn compare(&self, what: &str, known: bool) -> Result<[Record; 2]> {
        let (mut ours, mut theirs, mut told) = (Vec::new(), Vec::new(), Vec::new());
        for run in 0..self.runs {
            if run % 2 == 0 {
                ours.push(self.ours(known)?);
                theirs.push(self.git(known)?);
            } else {
                theirs.push(self.git(known)?);
                ours.push(self.ours(known)?);
            }
            told.push(self.told(known)?);
        }
        let inside = |told: &Told| 1e3 * if known { told.look } else { told.whole };
        let record = |program, costs: &[Cost], library_ms| Record {
            what: what.to_owned(),
            program,
            needs: Needs::of(costs),
            library_ms,
        };
        let library = Spread::of(told.iter().map(inside));
        let fetching = Spread::of(told.iter().map(|told| told.fetch * 1e3));
        if !known {
            eprintln!("{what}: {:.0} ms of it to fetch", fetching.median);
        }
        Ok([
            record("Weir", &ours, Some(library)),
            record("git", &theirs, None),
        ])
    }

    fn arguments<'b>(&'b self, folder: &'b str, look: Option<&'b str>) -> Vec<&'b str> {
        [self.url, "main", folder].into_iter().chain(look).collect()
    }

    fn ours(&self, known: bool) -> Result<Cost> {
        let scratch = layout::scratch("bench-git")?;
        let folder = scratch.path().to_str().context("the path is UTF-8")?;
        measure(self.ours, &self.arguments(folder, known.then_some("known")))
    }

    /// The same once more, for what it says of itself.
    fn told(&self, known: bool) -> Result<Told> {
        let scratch = layout::scratch("bench-git")?;
        let folder = scratch.path().to_str().context("the path is UTF-8")?;
        let output = Command::new(self.ours)
            .args(self.arguments(folder, known.then_some("again")))
            .output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "fetch_artifact: {said}");
        serde_json::from_slice(&output.stdout).context("it prints JSON")
    }

    fn git(&self, known: bool) -> Result<Cost> {
        let scratch = layout::scratch("bench-git")?;
        let folder = scratch.path().to_str().context("the path is UTF-8")?;
        if known {
            return measure(
                Path::new("git"),
                &["ls-remote", self.url, "refs/heads/main"],
            );
        }
        let script = "git init --quiet --bare \"$1\" && cd \"$1\" && git fetch --quiet --depth=1 \"$2\" main \
                      && git archive --format=tar.gz --output=artifact.tar.gz FETCH_HEAD";
        measure(Path::new("sh"), &["-ec", script, "sh", folder, self.url])
    }
}

/// One commit of YAML files that are alike but not equal, as in a real repository.
fn fill(repository: &Repository, files: usize) -> Result<()> {
    import(repository, |input| {
        for file in 0..files {
            let contents = manifest(file)?;
            let folder = file / FOLDER;
            let path = format!("apps/team-{}/app-{folder}/file-{file}.yaml", folder % 20);
            let size = contents.len();
            write!(input, "M 100644 inline {path}\ndata {size}\n{contents}\n")?;
        }
        Ok(())
    })
}

/// One commit of one file of `size` bytes.
fn fill_large(repository: &Repository, size: usize) -> Result<()> {
    import(repository, |input| {
        write!(input, "M 100644 inline large\ndata {size}\n")?;
        let mut random = random(1);
        for _ in 0..size / 8 {
            input.write_all(&random().to_le_bytes())?;
        }
        Ok(writeln!(input)?)
    })
}

/// One commit with the files that `write` gives to git's fast-import.
fn import(
    repository: &Repository,
    write: impl FnOnce(&mut BufWriter<ChildStdin>) -> Result<()>,
) -> Result<()> {
    let mut child = Command::new("git")
        .args(["fast-import", "--quiet"])
        .current_dir(repository.path())
        .stdin(Stdio::piped())
        .spawn()?;
    let mut input = BufWriter::new(child.stdin.take().context("has an input")?);
    let who = "bench <bench@example.com> 1700000000 +0000";
    write!(
        input,
        "commit refs/heads/main\ncommitter {who}\ndata 5\nbench\n"
    )?;
    write(&mut input)?;
    writeln!(input)?;
    drop(input.into_inner()?);
    ensure!(child.wait()?.success(), "git fast-import failed");
    repository.git(&["repack", "-a", "-d", "--quiet"])?;
    Ok(())
}

/// Xorshift: the same repository in every run.
fn random(mut state: u64) -> impl FnMut() -> u64 {
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    }
}

fn manifest(number: usize) -> Result<String> {
    let mut random = random(number as u64 + 1);
    let mut text = format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: config-{number}\n  namespace: apps\ndata:\n"
    );
    for key in 0..24 {
        writeln!(text, "  key-{key}: value {:016x}", random())?;
    }
    Ok(text)
}

fn git_version() -> Result<String> {
    let output = Command::new("git").arg("--version").output()?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn print_pair([ours, theirs]: &[Record; 2]) {
    let times = |of: fn(&Needs) -> &Spread| of(&theirs.needs).median / of(&ours.needs).median;
    for record in [ours, theirs] {
        let needs = &record.needs;
        let clock = &needs.clock_ms;
        let library = record.library_ms.map_or_else(
            || "–".to_owned(),
            |library| format!("{:.1}", library.median),
        );
        let ratio = if record.library_ms.is_some() {
            format!(
                "{:.1}, {:.1}, {:.1}",
                times(|it| &it.clock_ms),
                times(|it| &it.cpu_ms),
                times(|it| &it.peak_mib)
            )
        } else {
            String::new()
        };
        println!(
            "| {} | {} | {} | {:.0} / {:.0} / {:.0} | {:.0} | {:.0} | {library} | {ratio} |",
            record.what,
            record.program,
            needs.runs,
            clock.min,
            clock.median,
            clock.max,
            needs.cpu_ms.median,
            needs.peak_mib.median,
        );
    }
}
