//! Why an expression is not accepted, or has no value.

/// An expression that cannot be used: people have to change it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CompileError {
    /// It is not CEL, or its types do not fit.
    #[error("failed to parse the CEL expression '{expression}': {issues}")]
    Parse {
        /// The expression.
        expression: String,
        /// What is wrong, with the place.
        issues: String,
    },
    /// It gives something else than what is wanted.
    #[error("CEL expression output type mismatch: expected {expected}, got {got}")]
    OutputType {
        /// The type that is wanted.
        expected: &'static str,
        /// The type that it has.
        got: String,
    },
    /// A part that is the same for all objects has no value.
    #[error("failed to create CEL program: {0}")]
    Program(String),
}

/// An expression that has no value for these objects.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EvaluateError {
    /// The evaluation failed.
    #[error("failed to evaluate the CEL expression '{expression}': {cause}")]
    Failed {
        /// The expression.
        expression: String,
        /// Why.
        cause: String,
    },
    /// The value is of another type.
    #[error("failed to evaluate CEL expression as {wanted}: '{expression}'")]
    NotA {
        /// The expression.
        expression: String,
        /// The type that is wanted.
        wanted: &'static str,
    },
}

/// Why a part of an expression has no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A name that stands for nothing, with the fields selected from it so far.
    Missing(String),
    /// Anything else.
    Other(String),
    /// The budget is spent: no operator absorbs this.
    Exhausted(&'static str),
}

impl Fault {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self::Other(text.into())
    }

    pub(crate) fn no_such_overload() -> Self {
        Self::new("no such overload")
    }

    pub(crate) fn text(&self) -> String {
        match self {
            Self::Missing(name) => format!("no such attribute(s): {name}"),
            Self::Other(text) => text.clone(),
            Self::Exhausted(what) => (*what).to_owned(),
        }
    }
}

/// A message and the character that it is about; none where it is about the whole.
#[derive(Debug, Clone)]
pub(crate) struct Issue {
    pub(crate) at: Option<usize>,
    pub(crate) message: String,
}

/// All issues as upstream prints them, in the order of the source, each with its line below.
pub(crate) fn display(source: &[char], mut issues: Vec<Issue>) -> String {
    const SHOWN: usize = 100;
    issues.sort_by_key(|issue| issue.at.map_or((0, 0), |at| place(source, at)));
    let count = issues.len();
    let mut lines: Vec<String> = issues
        .iter()
        .take(SHOWN)
        .map(|issue| display_one(source, issue))
        .collect();
    if count > SHOWN {
        lines.push(format!("{} more errors were truncated", count - SHOWN));
    }
    lines.join("\n")
}

/// Line from 1, column from 0.
fn place(source: &[char], at: usize) -> (usize, usize) {
    let before = &source[..at.min(source.len())];
    let line = before.iter().filter(|c| **c == '\n').count() + 1;
    let column = before.iter().rev().take_while(|c| **c != '\n').count();
    (line, column)
}

fn display_one(source: &[char], issue: &Issue) -> String {
    let Some(at) = issue.at else {
        return format!("ERROR: <input>:-1:0: {}", issue.message);
    };
    if source.is_empty() {
        return format!("ERROR: <input>:1:0: {}", issue.message);
    }
    let (line, column) = place(source, at);
    let start = at.min(source.len()) - column;
    let end = source[start..].iter().position(|c| *c == '\n');
    let snippet = &source[start..end.map_or(source.len(), |end| start + end)];
    let mut text = format!("ERROR: <input>:{line}:{}: {}", column + 1, issue.message);
    text.push_str("\n | ");
    text.extend(snippet.iter().map(|c| if *c == '\t' { ' ' } else { *c }));
    text.push_str("\n | ");
    for c in snippet.iter().take(column) {
        text.push(if c.is_ascii() { '.' } else { '．' });
    }
    let wide = snippet.get(column).is_some_and(|c| !c.is_ascii());
    text.push(if wide { '＾' } else { '^' });
    text
}
