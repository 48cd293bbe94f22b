//! What can go wrong when reading, changing and printing nodes.

/// An error of this crate. Texts follow Go's yaml.v3 and kyaml where users know them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The text is not YAML.
    #[error("yaml: {}{problem}", At(*line))]
    Syntax {
        /// Line from 1; 0 if unknown, then it is not printed.
        line: usize,
        /// What is wrong.
        problem: String,
    },
    /// The tree cannot become a value.
    #[error("yaml: {0}")]
    Invalid(String),
    /// Values of unexpected type, one line each.
    #[error("yaml: unmarshal errors:\n  {}", .0.join("\n  "))]
    Unmarshal(Vec<String>),
    /// A key that cannot become text.
    #[error("{0}")]
    Key(String),
    /// JSON cannot express the value.
    #[error("json: {0}")]
    Json(String),
    /// A document separator with something behind it.
    #[error("invalid document separator: {0}")]
    Separator(String),
    /// A node is of another kind than the operation needs.
    #[error("wrong node kind: expected {expected} but got {found}: node contents:\n{contents}")]
    WrongKind {
        /// The kind that is needed.
        expected: &'static str,
        /// The kind that is there.
        found: &'static str,
        /// The node, printed.
        contents: String,
    },
    /// A path that cannot be followed.
    #[error("{0}")]
    Path(String),
    /// A merge that cannot be done.
    #[error("{0}")]
    Merge(String),
    /// A bound of [`Limits`](crate::Limits) is crossed.
    #[error("yaml: {0}")]
    Limit(String),
}

struct At(usize);

impl std::fmt::Display for At {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            0 => Ok(()),
            line => write!(f, "line {line}: "),
        }
    }
}

impl Error {
    pub(crate) fn too_deep() -> Self {
        Self::Limit("exceeded max depth".into())
    }
}
