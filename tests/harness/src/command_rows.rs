//! Rows of recorded command lines: what a program prints, writes and ends with, in a folder of its own.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

/// What stands in rows for the folder that a program ran in.
const FOLDER: &str = "$DIR";

/// A command line, and what came of it when it was recorded.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// The arguments.
    pub args: Vec<String>,
    /// The standard input.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub stdin: String,
    /// The environment, beside a home.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// Files that are written before.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub files: BTreeMap<String, String>,
    /// Links that are made before, and what they lead to.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub links: BTreeMap<String, String>,
    /// A folder whose files are part of the outcome.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub collect: String,
    /// What we print to stderr instead, on purpose; the rest is as recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ours: Option<String>,
    /// What came of it.
    #[serde(default)]
    pub outcome: Outcome,
}

/// What came of a command line.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// The exit code; -1 after a signal.
    pub code: i32,
    /// What it printed.
    pub stdout: String,
    /// What it complained.
    pub stderr: String,
    /// The files of the folder that is collected.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub written: BTreeMap<String, String>,
}

/// The rows of a file, one per line.
///
/// # Errors
/// It cannot be read, or a line is no row.
pub fn read(path: &Path) -> Result<Vec<Row>> {
    let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let rows = text.lines().map(serde_json::from_str);
    rows.collect::<Result<_, _>>().context("a line is no row")
}

/// Runs a row's command line with a copy of `inputs` as its folder.
///
/// # Errors
/// The folder cannot be made, or the program not be started.
pub fn run(program: &Path, before: &[&str], row: &Row, inputs: &Path) -> Result<Outcome> {
    let folder = tempfile::tempdir()?;
    let root = folder.path().canonicalize()?;
    let work = root.join("work");
    copy(inputs, &work)?;
    for (path, text) in &row.files {
        write(&work.join(path), text)?;
    }
    for (path, target) in &row.links {
        symlink(target, work.join(path)).with_context(|| path.clone())?;
    }
    let shown = work.to_string_lossy().into_owned();
    let inside = |text: &String| text.replace(FOLDER, &shown);
    let mut child = Command::new(program)
        .args(before)
        .args(row.args.iter().map(inside))
        .env_clear()
        .env("HOME", root.join("home"))
        .envs(row.env.iter().map(|(name, value)| (name, inside(value))))
        .current_dir(&work)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| program.display().to_string())?;
    let mut stdin = child.stdin.take().context("the program has no input")?;
    // Whoever does not read its input may have ended.
    let _ = stdin.write_all(row.stdin.as_bytes());
    drop(stdin);
    let output = child.wait_with_output()?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace(&shown, FOLDER);
    let mut written = BTreeMap::new();
    if !row.collect.is_empty() {
        collect(&work.join(&row.collect), "", &mut written)?;
    }
    Ok(Outcome {
        code: output.status.code().unwrap_or(-1),
        stdout: text(&output.stdout),
        stderr: text(&output.stderr),
        written,
    })
}

fn write(path: &PathBuf, text: &str) -> Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::write(path, text).with_context(|| path.display().to_string())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| from.display().to_string())? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        match entry.file_type()?.is_dir() {
            true => copy(&entry.path(), &target)?,
            false => drop(fs::copy(entry.path(), target)?),
        }
    }
    Ok(())
}

fn collect(folder: &Path, inside: &str, files: &mut BTreeMap<String, String>) -> Result<()> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Ok(());
    };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = match inside {
            "" => name,
            inside => format!("{inside}/{name}"),
        };
        match entry.file_type()?.is_dir() {
            true => collect(&entry.path(), &path, files)?,
            false => drop(files.insert(path, fs::read_to_string(entry.path())?)),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_runs_in_a_folder_of_its_own() {
        let inputs = tempfile::tempdir().unwrap();
        fs::write(inputs.path().join("a"), "x").unwrap();
        let row = Row {
            args: ["-c", "cat a - && pwd && mkdir o && echo y > o/f && exit 3"]
                .map(String::from)
                .into(),
            stdin: String::from("z\n"),
            collect: String::from("o"),
            ..Row::default()
        };
        let outcome = run(Path::new("/bin/sh"), &[], &row, inputs.path()).unwrap();
        assert_eq!((outcome.code, outcome.stdout.as_str()), (3, "xz\n$DIR\n"));
        assert_eq!(outcome.written["f"], "y\n");
        assert!(!inputs.path().join("o").exists());
    }
}
