//! Recording what Helm's own template engine makes of rows.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context as _, Result, bail};
use harness::layout;
use serde_json::Value;

/// Where the rows are.
const ROWS: &str = "tests/conformance/helm/templates";

/// The program around Helm's engine: its own module, so that its sums are fixed.
const MODULE: &str = "tests/conformance/helm/oracle";

/// Where the program is built, in the cache.
const CACHE: &str = "helm-oracle-4.2.4";

/// Records all template rows: `helm [--binary PATH] [--filter TEXT]`.
///
/// # Errors
/// The program cannot be had or run, or a file cannot be read or written.
pub(super) fn run(binary: Option<PathBuf>, filter: &str) -> Result<()> {
    let mut oracle = Oracle::start(binary)?;
    let mut count = 0;
    for entry in fs::read_dir(ROWS).context(ROWS)? {
        let path = entry?.path();
        if !path.to_string_lossy().contains(filter) {
            continue;
        }
        let mut recorded = String::new();
        for line in fs::read_to_string(&path)?.lines() {
            let row: Value = serde_json::from_str(line)?;
            recorded.push_str(&with_answer(&row, &oracle.ask(&row)?)?);
            recorded.push('\n');
            count += 1;
        }
        fs::write(&path, recorded)?;
    }
    println!("recorded {count} rows");
    Ok(())
}

/// A row as a line: what is asked, then what is answered.
fn with_answer(row: &Value, answer: &Value) -> Result<String> {
    let mut fields = Vec::new();
    for key in ["template", "values", "templates"] {
        if let Some(value) = row.get(key) {
            fields.push(format!("\"{key}\": {value}"));
        }
    }
    for key in ["expected", "error"] {
        if let Some(value) = answer.get(key) {
            fields.push(format!("\"{key}\": {value}"));
        }
    }
    if fields.is_empty() {
        bail!("a row without a template");
    }
    Ok(format!("{{{}}}", fields.join(", ")))
}

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

    /// What Helm makes of a row: an object with `expected` or `error`.
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
    let sources = fs::read_dir(MODULE).context(MODULE)?;
    let newest = sources.flatten().filter_map(|it| changed(&it.path())).max();
    let newer = newest > changed(&binary);
    if binary.is_file() && !newer {
        return Ok(binary);
    }
    println!("building {MODULE} (a minute or two)");
    let status = Command::new("go")
        .args(["build", "-o"])
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_old_answer_gives_way() {
        let row = json!({"template": "a", "expected": "b"});
        let line = with_answer(&row, &json!({"error": "c"})).unwrap();
        assert_eq!(line, r#"{"template": "a", "error": "c"}"#);
    }
}
