//! The program around Helm's own packages that answers rows.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context as _, Result, bail};
use harness::layout;
use serde_json::Value;

/// The program: its own module, so that its sums are fixed.
const MODULE: &str = "tests/conformance/helm/oracle";

/// What releases of Helm are built with, so that it tells its version.
const VERSION: &str = "-X helm.sh/helm/v4/internal/version.version=v4.2.4";

/// Where the program is built, in the cache.
const CACHE: &str = "helm-oracle-4.2.4";

/// The running program.
#[derive(Debug)]
pub(crate) struct Oracle {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Oracle {
    /// Starts the program, which is built into the cache where no path is given.
    ///
    /// # Errors
    /// There is no Go, or the module cannot be built, or the program cannot be started.
    pub(crate) fn start(binary: Option<PathBuf>) -> Result<Self> {
        let binary = match binary {
            Some(path) => path,
            None => build()?,
        };
        let mut child = Command::new(&binary)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| binary.display().to_string())?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        Ok(Self {
            child,
            input: input.context("the program has no input")?,
            output: BufReader::new(output.context("the program has no output")?),
        })
    }

    /// What Helm makes of a row: an object with an `error` or with what the row's kind gives.
    ///
    /// # Errors
    /// The program has ended.
    pub(crate) fn ask(&mut self, row: &Value) -> Result<Value> {
        let mut question = row.to_string();
        question.push('\n');
        self.input.write_all(question.as_bytes())?;
        let mut answer = String::new();
        self.output.read_line(&mut answer)?;
        serde_json::from_str(&answer).with_context(|| format!("no answer to {row}"))
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn build() -> Result<PathBuf> {
    let binary = layout::cache_dir()?.join(CACHE).join("oracle");
    let changed = |path: &Path| fs::metadata(path).and_then(|it| it.modified()).ok();
    let mut newest = None;
    for entry in fs::read_dir(MODULE).context(MODULE)? {
        newest = newest.max(changed(&entry?.path()));
    }
    if binary.is_file() && newest <= changed(&binary) {
        return Ok(binary);
    }
    println!("building {MODULE} (a minute or two)");
    let status = Command::new("go")
        .args(["build", "-ldflags", VERSION, "-o"])
        .arg(&binary)
        .arg(".")
        .current_dir(MODULE)
        .status()
        .context("go could not be started; install it or give --binary PATH")?;
    if !status.success() {
        bail!("go build in {MODULE} failed");
    }
    Ok(binary)
}
