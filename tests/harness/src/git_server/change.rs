//! Commits written through `git fast-import`: one process, no work tree.

use std::io::Write as _;
use std::process::Stdio;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail, ensure};

use super::repository::Repository;

#[derive(Clone, Debug)]
enum Edit {
    Write {
        mode: &'static str,
        path: String,
        content: Vec<u8>,
    },
    Delete(String),
}

/// A commit in the making; [`Change::commit`] writes it.
#[derive(Clone, Debug)]
#[must_use = "nothing is written before `commit`"]
pub struct Change<'a> {
    repository: &'a Repository,
    branch: String,
    message: String,
    amend: bool,
    edits: Vec<Edit>,
}

impl<'a> Change<'a> {
    pub(super) fn new(repository: &'a Repository) -> Self {
        let (branch, message) = (String::from("main"), String::from("Change"));
        Self {
            repository,
            branch,
            message,
            amend: false,
            edits: Vec::new(),
        }
    }

    /// Commits to this branch instead of `main`; it need not exist.
    pub fn branch(mut self, branch: &str) -> Self {
        branch.clone_into(&mut self.branch);
        self
    }

    /// Sets the commit message.
    pub fn message(mut self, message: &str) -> Self {
        message.clone_into(&mut self.message);
        self
    }

    /// Replaces the branch's last commit instead of adding one (a forced push).
    pub fn amend(mut self) -> Self {
        self.amend = true;
        self
    }

    /// Writes a plain file.
    pub fn write(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        self.edit("100644", path, content.as_ref())
    }

    /// Writes a file with the executable bit.
    pub fn executable(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        self.edit("100755", path, content.as_ref())
    }

    /// Writes a symbolic link.
    pub fn symlink(self, path: &str, target: &str) -> Self {
        self.edit("120000", path, target.as_bytes())
    }

    /// Removes a file or folder.
    pub fn delete(mut self, path: &str) -> Self {
        self.edits.push(Edit::Delete(path.to_owned()));
        self
    }

    /// Writes the commit, moves the branch to it and returns its id.
    ///
    /// # Errors
    /// If `git` fails, or an amended branch does not exist.
    pub fn commit(self) -> Result<String> {
        let script = self.script()?;
        let mut child = self
            .repository
            .git_command(&["fast-import", "--quiet", "--done", "--force"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("cannot run git: is it installed?")?;
        let mut input = child.stdin.take().context("git has a standard input")?;
        let sent = input.write_all(&script);
        drop(input);
        let output = child.wait_with_output()?;
        let error = String::from_utf8_lossy(&output.stderr);
        ensure!(
            output.status.success(),
            "git fast-import failed: {}",
            error.trim()
        );
        sent.context("git fast-import did not read the commit")?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    fn script(&self) -> Result<Vec<u8>> {
        let reference = format!("refs/heads/{}", self.branch);
        let tip = self.repository.resolve(&reference).ok();
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs();
        let mut script = Vec::new();
        writeln!(script, "commit {reference}\nmark :1")?;
        writeln!(script, "committer Test <test@example.com> {now} +0000")?;
        data(&mut script, self.message.as_bytes())?;
        match (tip, self.amend) {
            (Some(tip), false) => writeln!(script, "from {tip}")?,
            (Some(tip), true) => {
                let parents = self.repository.git(&["rev-parse", &format!("{tip}^@")])?;
                let verbs = std::iter::once("from").chain(std::iter::repeat("merge"));
                for (verb, parent) in verbs.zip(parents.lines()) {
                    writeln!(script, "{verb} {parent}")?;
                }
                let tree = self
                    .repository
                    .git(&["rev-parse", &format!("{tip}^{{tree}}")])?;
                writeln!(script, "M 040000 {tree} \"\"")?;
            }
            (None, false) => {}
            (None, true) => bail!("no commit on {} to amend", self.branch),
        }
        for edit in &self.edits {
            match edit {
                Edit::Delete(path) => writeln!(script, "D {}", quoted(path))?,
                Edit::Write {
                    mode,
                    path,
                    content,
                } => {
                    writeln!(script, "M {mode} inline {}", quoted(path))?;
                    data(&mut script, content)?;
                }
            }
        }
        writeln!(script, "\nget-mark :1\ndone")?;
        Ok(script)
    }

    fn edit(mut self, mode: &'static str, path: &str, content: &[u8]) -> Self {
        let (path, content) = (path.to_owned(), content.to_vec());
        self.edits.push(Edit::Write {
            mode,
            path,
            content,
        });
        self
    }
}

fn data(script: &mut Vec<u8>, bytes: &[u8]) -> std::io::Result<()> {
    writeln!(script, "data {}", bytes.len())?;
    script.write_all(bytes)?;
    script.write_all(b"\n")
}

/// A path as `git fast-import` wants it when it holds anything special.
fn quoted(path: &str) -> String {
    let escaped = path
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n");
    format!("\"{escaped}\"")
}
