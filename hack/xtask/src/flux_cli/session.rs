//! Performs steps as a person at a terminal does, and looks at what is printed.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use harness::{Repository, layout};

/// A command that takes longer hangs where Flux's would not.
const LIMIT: Duration = Duration::from_secs(60);
/// Between two looks at a running command.
const TICK: Duration = Duration::from_millis(20);
/// How long a watch goes on after what happened meanwhile.
const LAST_LOOK: Duration = Duration::from_secs(1);
/// Width of a command before its time.
const WIDTH: usize = 84;

/// One line of the session.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    /// What the next steps show.
    Title(&'static str),
    /// A file becomes what it says, and is committed and pushed.
    Push(&'static str, &'static str),
    /// A file becomes what it says, in the working copy only.
    Edit(&'static str, &'static str),
    /// A command with its exit code and what its output must hold.
    Run(&'static str, i32, &'static [&'static str]),
    /// A command that never ends, another one meanwhile, and what the first must print.
    Watch(&'static str, &'static str, &'static [&'static str]),
}

/// A working copy, programs and what happened so far.
#[derive(Debug)]
pub(super) struct Session {
    folder: PathBuf,
    repository: Repository,
    programs: BTreeMap<&'static str, PathBuf>,
    environment: Vec<(&'static str, OsString)>,
    commit: String,
    workspace: String,
    started: usize,
    performed: usize,
    failed: usize,
}

impl Session {
    /// A session in an empty working copy of an empty repository.
    pub(super) fn new(folder: &Path, repository: Repository) -> Self {
        Self {
            folder: folder.to_path_buf(),
            repository,
            programs: BTreeMap::new(),
            environment: Vec::new(),
            commit: String::new(),
            workspace: layout::workspace().display().to_string(),
            started: 0,
            performed: 0,
            failed: 0,
        }
    }

    /// What a command's first word stands for.
    pub(super) fn program(&mut self, name: &'static str, path: &Path) {
        self.programs.insert(name, path.to_path_buf());
    }

    /// Where commands connect to.
    pub(super) fn kubeconfig(&mut self, path: &Path) {
        self.environment.push(("KUBECONFIG", path.into()));
    }

    /// How many commands were run.
    pub(super) fn performed(&self) -> usize {
        self.performed
    }

    /// How many of them did not end as they should.
    pub(super) fn failed(&self) -> usize {
        self.failed
    }

    /// Performs all steps, also after one that failed.
    ///
    /// # Errors
    /// If a step could not be performed at all.
    pub(super) fn perform(&mut self, steps: &[Step]) -> Result<()> {
        for step in steps {
            match *step {
                Step::Title(text) => println!("\n{text}"),
                Step::Push(path, text) => self.push(path, text)?,
                Step::Edit(path, text) => self.edit(path, text)?,
                Step::Run(command, code, says) => self.run(command, code, says)?,
                Step::Watch(command, meanwhile, says) => self.watch(command, meanwhile, says)?,
            }
        }
        Ok(())
    }

    fn edit(&self, path: &str, text: &str) -> Result<()> {
        let target = self.folder.join(path);
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent)?;
        }
        let text = self.filled(text);
        fs::write(&target, text).with_context(|| format!("cannot write {}", target.display()))
    }

    fn push(&mut self, path: &str, text: &str) -> Result<()> {
        self.edit(path, text)?;
        let message = format!("Change {path}");
        self.commit = self.repository.commit(&[(path, text)], &message)?;
        println!("     push {path}");
        Ok(())
    }

    fn run(&mut self, command: &str, code: i32, says: &[&str]) -> Result<()> {
        let begin = Instant::now();
        let mut running = self.start(command)?;
        let ended = running.wait(LIMIT)?;
        let output = running.output()?;
        let mut wrong = self.missing(&output, says);
        match ended {
            None => wrong.push(format!("did not end within {LIMIT:?}")),
            Some(status) if status.code() != Some(code) => {
                wrong.push(format!("ended with {status} instead of {code}"));
            }
            Some(_) => {}
        }
        self.report(command, begin.elapsed(), &wrong, &output);
        Ok(())
    }

    fn watch(&mut self, command: &str, meanwhile: &str, says: &[&str]) -> Result<()> {
        let begin = Instant::now();
        let mut running = self.start(command)?;
        std::thread::sleep(LAST_LOOK);
        let mut other = self.start(meanwhile)?;
        let ended = other.wait(LIMIT)?;
        let early = running.wait(LAST_LOOK)?;
        let output = running.output()?;
        let mut wrong = self.missing(&output, says);
        if !ended.is_some_and(|status| status.success()) {
            wrong.push(format!("`{meanwhile}` failed: {}", other.output()?));
        }
        if let Some(status) = early {
            wrong.push(format!("ended by itself, with {status}"));
        }
        self.report(command, begin.elapsed(), &wrong, &output);
        Ok(())
    }

    /// What of `says` the output lacks, or holds although it must not.
    fn missing(&self, output: &str, says: &[&str]) -> Vec<String> {
        let lines: Vec<String> = output.lines().map(squeezed).collect();
        let unmet = |text: &&&str| {
            let filled = self.filled(text);
            match filled.strip_prefix('!') {
                Some(unwanted) => lines.iter().any(|line| holds(line, unwanted)),
                None => !lines.iter().any(|line| holds(line, &filled)),
            }
        };
        let wrong = says.iter().filter(unmet);
        wrong
            .map(|text| format!("should say: {}", self.filled(text)))
            .collect()
    }

    fn report(&mut self, command: &str, took: Duration, wrong: &[String], output: &str) {
        self.performed += 1;
        let mark = if wrong.is_empty() { "ok" } else { "!!" };
        println!("  {mark} {command:WIDTH$} {:>6} ms", took.as_millis());
        if wrong.is_empty() {
            return;
        }
        self.failed += 1;
        for line in wrong {
            println!("       {line}");
        }
        for line in output.lines() {
            println!("       | {line}");
        }
    }

    /// `text` with `{commit}`, `{short}` (its first eight characters) and `{url}` filled in.
    fn filled(&self, text: &str) -> String {
        let short = self.commit.get(..8).unwrap_or_default();
        text.replace("{commit}", &self.commit)
            .replace("{short}", short)
            .replace("{url}", self.repository.url())
            .replace("{workspace}", &self.workspace)
    }

    fn start(&mut self, line: &str) -> Result<Running> {
        let line = self.filled(line);
        let mut words = words(&line).into_iter();
        let name = words.next().unwrap_or_default();
        let program = self.programs.get(name.as_str());
        let program = program.with_context(|| format!("no program {name}"))?;
        self.started += 1;
        let path = self.folder.join(format!(".output-{}", self.started));
        let file = File::create(&path)?;
        let child = Command::new(program)
            .args(words)
            .current_dir(&self.folder)
            .envs(self.environment.iter().cloned())
            .env_remove("FLUX_SYSTEM_NAMESPACE")
            .env_remove("FLUX_NS_FOLLOWS_KUBE_CONTEXT")
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .spawn()
            .with_context(|| format!("cannot run {}", program.display()))?;
        Ok(Running {
            child,
            output: path,
        })
    }
}

/// A command under way; it is killed when dropped.
#[derive(Debug)]
struct Running {
    child: Child,
    output: PathBuf,
}

impl Running {
    /// Its end, `None` if that takes longer.
    fn wait(&mut self, limit: Duration) -> Result<Option<ExitStatus>> {
        let begin = Instant::now();
        loop {
            let ended = self.child.try_wait()?;
            if ended.is_some() || begin.elapsed() > limit {
                return Ok(ended);
            }
            std::thread::sleep(TICK);
        }
    }

    /// What both its outputs printed so far, in order.
    fn output(&self) -> Result<String> {
        Ok(String::from_utf8_lossy(&fs::read(&self.output)?).into_owned())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended already, or nobody is interested in how it ends.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_file(&self.output);
    }
}

/// One blank between words, so that the width of columns does not matter.
fn squeezed(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether a line holds the parts of `wanted`, which `…` separates, in their order.
fn holds(line: &str, wanted: &str) -> bool {
    let mut rest = Some(line);
    for part in wanted.split('…') {
        rest = rest.and_then(|rest| rest.split_once(part).map(|(_, after)| after));
    }
    rest.is_some()
}

/// Words as a shell makes them, of blanks and single quotes only.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (index, part) in line.split('\'').enumerate() {
        if index % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_words_keep_their_blanks() {
        assert_eq!(
            words("kubectl patch -p '{\"a\": 1}' -A"),
            ["kubectl", "patch", "-p", "{\"a\": 1}", "-A"]
        );
    }

    #[test]
    fn parts_are_looked_for_in_order() {
        assert!(holds("a b c", "a…c"));
        assert!(holds("a b c", "b"));
        assert!(!holds("a b c", "c…a"));
    }
}
