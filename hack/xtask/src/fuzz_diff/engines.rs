//! The two sides: the real program, and our engine.

use std::collections::BTreeMap;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result};
use file_tree::{FileTree, Limits};
use kustomize::{Options, Order, TreeFs};

use super::known;
use super::layers::ROOT;

/// Where our engine sees the files.
const MOUNT: &str = "/case";

/// How the names of files end that hold bytes: each character of their text stands for one.
pub(super) const BINARY: &str = "data.bin";

/// What one side says to one order: the output, or why there is none.
pub(super) type Outcome = Result<String, String>;

/// How the two sides compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The same output in both orders.
    Equal,
    /// Both fail, with the same text or with another one.
    Failing { same_text: bool },
    /// Something differs.
    Differs(Difference),
    /// They differ in something that the parity page names.
    Known(&'static str),
}

/// What differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Difference {
    /// Both build, to different texts.
    Output,
    /// Only the real program builds.
    OnlyTheirs,
    /// Only our engine builds.
    OnlyOurs,
    /// Our engine panics.
    Panic,
}

/// The real program.
#[derive(Clone, Debug)]
pub(super) struct Real {
    /// The program.
    pub(super) binary: PathBuf,
    /// Where it finds a case.
    pub(super) folder: PathBuf,
}

/// What both sides say.
#[derive(Debug)]
pub(super) struct Comparison {
    pub(super) verdict: Verdict,
    /// The first pair that differs, or the first of all: theirs, ours.
    pub(super) pair: (Outcome, Outcome),
}

impl Real {
    /// Builds the files in both orders on both sides.
    ///
    /// # Errors
    /// The program cannot be run, or the files cannot be written.
    pub(super) fn compare(&self, files: &BTreeMap<String, String>) -> Result<Comparison> {
        self.write(files)?;
        let mut first = None;
        for (name, order) in [("legacy", Order::Legacy), ("none", Order::Accumulated)] {
            let theirs = self.build(name)?;
            let ours = ours(files, order);
            let mut verdict = judge(&theirs, &ours);
            if let (Verdict::Differs(_), Ok(theirs), Ok(ours)) = (verdict, &theirs, &ours)
                && known::is_hash_of_another_kind(files, theirs, ours)
            {
                verdict = Verdict::Known(known::HASH_OF_ANOTHER_KIND);
            }
            let equal = verdict == Verdict::Equal;
            if !equal || first.is_none() {
                first = Some(Comparison {
                    verdict,
                    pair: (theirs, ours),
                });
            }
            if !equal {
                break;
            }
        }
        first.context("there are two orders")
    }

    /// Whether the program says the same again.
    pub(super) fn is_stable(&self, files: &BTreeMap<String, String>) -> Result<bool> {
        self.write(files)?;
        for order in ["legacy", "none"] {
            let first = self.build(order)?;
            for _ in 0..4 {
                let again = self.build(order)?;
                if again.is_ok() != first.is_ok() || again.is_ok() && again != first {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    fn write(&self, files: &BTreeMap<String, String>) -> Result<()> {
        if self.folder.exists() {
            fs::remove_dir_all(&self.folder)?;
        }
        write(&self.folder, files)
    }

    fn build(&self, order: &str) -> Result<Outcome> {
        let root = self.folder.join(ROOT);
        fs::create_dir_all(&root)?;
        let output = Command::new(&self.binary)
            .args(["build", "--reorder", order])
            .arg(&root)
            .stdin(Stdio::null())
            .output()
            .with_context(|| format!("cannot run {}", self.binary.display()))?;
        if output.status.success() {
            return Ok(Ok(String::from_utf8_lossy(&output.stdout).into_owned()));
        }
        let text =
            String::from_utf8_lossy(&output.stderr).replace(&*self.folder.to_string_lossy(), MOUNT);
        let at = if text.starts_with("Error: ") {
            Some(0)
        } else {
            text.find("\nError: ").map(|at| at + 1)
        };
        Ok(Err(text[at.unwrap_or(0)..].trim_end().to_owned()))
    }
}

/// Writes a tree of files.
///
/// # Errors
/// The folder cannot be written.
pub(super) fn write(folder: &Path, files: &BTreeMap<String, String>) -> Result<()> {
    for (path, text) in files {
        let path = folder.join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        let content = content(&path.to_string_lossy(), text);
        fs::write(&path, content).with_context(|| path.display().to_string())?;
    }
    Ok(())
}

/// What is written to a file.
fn content(path: &str, text: &str) -> Vec<u8> {
    if path.ends_with(BINARY) {
        return text
            .chars()
            .map(|c| u8::try_from(c).unwrap_or(b'?'))
            .collect();
    }
    text.as_bytes().to_vec()
}

fn ours(files: &BTreeMap<String, String>, order: Order) -> Outcome {
    let mut tree = FileTree::new(Limits::default());
    for (path, text) in files {
        tree.insert_file(path, content(path, text), false)
            .map_err(|error| error.to_string())?;
    }
    let options = Options {
        order,
        ..Options::default()
    };
    let build = || {
        kustomize::build(
            &TreeFs::new(&tree, MOUNT),
            &format!("{MOUNT}/{ROOT}"),
            &options,
        )
        .and_then(|build| build.to_yaml())
        .map_err(|error| format!("Error: {error}").trim_end().to_owned())
    };
    catch_unwind(AssertUnwindSafe(build)).unwrap_or_else(|_| Err(PANIC.to_owned()))
}

const PANIC: &str = "our engine panicked";

fn judge(theirs: &Outcome, ours: &Outcome) -> Verdict {
    match (theirs, ours) {
        (_, Err(text)) if text == PANIC => Verdict::Differs(Difference::Panic),
        (Ok(theirs), Ok(ours)) if theirs == ours => Verdict::Equal,
        (Ok(_), Ok(_)) => Verdict::Differs(Difference::Output),
        (Ok(_), Err(_)) => Verdict::Differs(Difference::OnlyTheirs),
        (Err(_), Ok(_)) => Verdict::Differs(Difference::OnlyOurs),
        (Err(theirs), Err(ours)) => Verdict::Failing {
            same_text: theirs == ours,
        },
    }
}
