//! Regular expressions in Go's dialect: RE2's syntax, Go's refusals in Go's words, matches as Go finds them, in
//! time linear to the text.
//!
//! Go looks at a text character by character and takes each broken byte for U+FFFD; so does this.
//!
//! Source: Go 1.26 `regexp`, `regexp/syntax`

mod class;
mod expand;
mod meter;
mod names;
mod parse;
mod search;
mod text;

use std::fmt;
use std::sync::Arc;

use regex_automata::meta::{Config, Regex as Automaton};
use regex_automata::{Input, MatchKind};

pub use meter::Meter;
use parse::{Parsed, parse};
pub use search::Finder;

/// An expression that Go would not compile, or that is larger than what is allowed here; the text is Go's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Error(String);

/// Bytes that a compiled selector may take: selectors are short.
const SELECTOR: usize = 4 << 20;
/// The stack that compiling a deeply nested expression may need.
const STACK: usize = 64 << 20;
/// Expressions nested less deep do with the stack that is there.
const SHALLOW: usize = 100;

/// A compiled expression. Copies share what was compiled.
#[derive(Clone)]
pub struct Regex {
    automaton: Automaton,
    /// The names of the groups, which may be there more than once; the whole match comes first.
    names: Arc<[Option<String>]>,
}

impl fmt::Debug for Regex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Regex").finish_non_exhaustive()
    }
}

/// Compiles an expression that may take 4 MiB.
///
/// # Errors
/// Go's text.
pub fn compile(pattern: &str) -> Result<Regex, Error> {
    Regex::within(SELECTOR, pattern.as_bytes())
}

/// Compiles a selector's expression, which must match all of a value; empty matches anything.
///
/// # Errors
/// Go's text.
pub fn compile_anchored(pattern: &str) -> Result<Regex, Error> {
    if pattern.is_empty() {
        return compile(pattern);
    }
    compile(&format!("^(?:{pattern})$"))
}

impl Regex {
    /// Compiles an expression that may take `size` bytes.
    ///
    /// # Errors
    /// Go's text. What is larger than `size` is too large, sooner than in Go.
    pub fn within(size: usize, pattern: &[u8]) -> Result<Self, Error> {
        let Parsed { hir, names, height } = parse(pattern).map_err(Error)?;
        let config = Config::new()
            .match_kind(MatchKind::LeftmostFirst)
            // Most are searched with a few times: tables for all states at once cost more than they save.
            .dfa(false)
            .onepass(false)
            .nfa_size_limit(Some(size))
            .hybrid_cache_capacity(2 << 20);
        let build = || {
            let mut builder = Automaton::builder();
            builder.configure(config).build_from_hir(&hir).ok()
        };
        let automaton = if height > SHALLOW {
            stacker::grow(STACK, build)
        } else {
            build()
        };
        let automaton = automaton.ok_or_else(|| {
            let text = text::lossy(pattern);
            Error(format!(
                "error parsing regexp: expression too large: `{text}`"
            ))
        })?;
        Ok(Self {
            automaton,
            names: names.into(),
        })
    }

    /// Whether a text holds a match. The search takes time in proportion to the text.
    pub fn is_match(&self, text: impl AsRef<[u8]>) -> bool {
        let mended = text::Mended::of(text.as_ref());
        self.automaton.is_match(Input::new(&*mended.text))
    }

    /// How many bytes it takes.
    pub fn memory(&self) -> usize {
        self.automaton.memory_usage()
    }

    /// Looks for the expression in a text, at the meter's cost.
    ///
    /// # Errors
    /// There is nothing left.
    pub fn finder<'a, M: Meter>(
        &'a self,
        text: &'a [u8],
        meter: M,
    ) -> Result<Finder<'a, M>, M::Error> {
        Finder::new(self, text, meter)
    }
}

#[cfg(test)]
mod tests;
