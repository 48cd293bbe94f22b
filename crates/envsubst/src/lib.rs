//! Post-build variable substitution as Flux defines it.
//!
//! [`expand`] works on text alone: everything between `${` and its `}` is replaced, `$name` is left as it is
//! and `$$` prints one `$`. [`substitute`] is the step of a build: it checks the names of all variables first.
//! To substitute in one resource, print it as YAML, call [`substitute`], and parse the result again: a value
//! that looks like a number then is one, unless the template quotes it.
//!
//! | form | result |
//! |---|---|
//! | `${v}` | the value |
//! | `${#v}` | its length in bytes |
//! | `${v^}` `${v^^}` `${v,}` `${v,,}` | first or all characters in upper or lower case |
//! | `${v:pos}` `${v:pos:len}` | a substring in bytes, negative positions from the end |
//! | `${v#p}` `${v##p}` `${v%p}` `${v%%p}` | without the shortest or longest prefix or suffix matching a glob |
//! | `${v/a/b}` `${v//a/b}` `${v/#a/b}` `${v/%a/b}` | first, all, leading or trailing `a` replaced by `b` |
//! | `${v=d}` `${v:=d}` `${v:-d}` `${v:?d}` `${v:+d}` | `d` where the value is empty or unset |
//!
//! Source: fluxcd/pkg `envsubst` v1.8, `kustomize/kustomize_varsub.go`

mod evaluate;
mod functions;
mod glob;
mod parse;
mod variable;

use std::collections::BTreeMap;

pub use variable::{InvalidName, check_name, one_line};

/// Variables by name.
pub type Variables = BTreeMap<String, String>;

/// What a variable without a value and without a default stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// It is an error.
    Strict,
    /// It is the empty string.
    Lenient,
}

/// Bounds on what one call may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Expansions inside one another.
    pub depth: usize,
    /// Bytes of output, counting every intermediate value.
    pub output: usize,
    /// Steps of glob matching.
    pub steps: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            depth: 64,
            output: 64 << 20,
            steps: 256 << 20,
        }
    }
}

/// Why a text was not expanded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// `${` is not followed by a name.
    #[error("unable to parse variable name")]
    ParseVariableName,
    /// After the name comes neither an operator nor `}`.
    #[error("missing closing brace")]
    MissingClosingBrace,
    /// An operator is incomplete or unknown.
    #[error("bad substitution")]
    BadSubstitution,
    /// An operator's argument is missing.
    #[error("unable to parse substitution within function")]
    ParseArgument,
    /// The variable has no value and the expression no default.
    #[error("variable not set (strict mode): \"{0}\"")]
    NotSet(String),
    /// A substring ends before it starts. The text is the one of Go's runtime, which upstream shows.
    #[error("runtime error: slice bounds out of range [{0}]")]
    SliceBounds(String),
    /// Expansions are nested deeper than [`Limits::depth`].
    #[error("expressions are nested deeper than {0}")]
    TooDeep(usize),
    /// More output than [`Limits::output`].
    #[error("the result is larger than {0} bytes")]
    TooLarge(usize),
    /// More work than [`Limits::steps`].
    #[error("patterns need more than {0} steps")]
    TooCostly(usize),
}

/// Why [`substitute`] failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SubstituteError {
    /// A variable has a name that no expression could use.
    #[error(transparent)]
    Name(#[from] InvalidName),
    /// The text could not be expanded.
    #[error("variable substitution failed")]
    Expand(#[from] Error),
}

/// Expands every `${…}` of `text` within the default [`Limits`].
///
/// A substring may cut a character in two; what is no longer UTF-8 comes out as U+FFFD.
///
/// # Errors
/// An [`Error`] for a malformed expression, an unset variable in strict mode, or an exceeded bound. The whole
/// text is parsed before anything is evaluated, so syntax errors come first.
pub fn expand(text: &str, variables: &Variables, mode: Mode) -> Result<String, Error> {
    expand_within(text, variables, mode, &Limits::default())
}

/// [`expand`] within the caller's own bounds.
///
/// # Errors
/// As [`expand`].
pub fn expand_within(
    text: &str,
    variables: &Variables,
    mode: Mode,
    limits: &Limits,
) -> Result<String, Error> {
    let nodes = parse::parse(text, limits.depth)?;
    let bytes = evaluate::evaluate(&nodes, variables, mode, limits)?;
    Ok(String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}

/// Checks the names of all `variables`, then expands `text`.
///
/// # Errors
/// [`SubstituteError::Name`] for the first invalid name in alphabetic order, [`SubstituteError::Expand`]
/// otherwise. Its chain reads as upstream's text after `envsubst error: `.
pub fn substitute(
    text: &str,
    variables: &Variables,
    mode: Mode,
) -> Result<String, SubstituteError> {
    for name in variables.keys() {
        check_name(name)?;
    }
    Ok(expand(text, variables, mode)?)
}

#[cfg(test)]
mod tests;
