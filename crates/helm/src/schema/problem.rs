//! What is wrong with a value, and how it is told.

use go_template::quote;
use serde_json::Value as Json;

use super::address::escape;
use super::number::{Number, count};

/// Something that is wrong at a place of the value, and what is wrong below it.
#[derive(Clone, Debug)]
pub(super) struct Problem {
    pub(super) place: Vec<String>,
    pub(super) kind: Kind,
    pub(super) causes: Vec<Self>,
}

/// What is wrong.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    /// The whole: the schema's address.
    Schema(String),
    /// Several things at once.
    Group,
    /// What a reference leads to.
    Reference,
    /// A fixed text.
    Text(&'static str),
    /// A text of its own.
    Other(String),
}

/// A text in single quotes.
pub(super) fn single(text: &str) -> String {
    let quoted = quote::quoted(text.as_bytes())
        .replace("\\\"", "\"")
        .replace('\'', "\\'");
    format!("'{}'", &quoted[1..quoted.len() - 1])
}

/// Texts in single quotes, with commas.
pub(super) fn listed<T: AsRef<str>>(texts: &[T]) -> String {
    let texts: Vec<String> = texts.iter().map(|it| single(it.as_ref())).collect();
    texts.join(", ")
}

/// A value that is wanted.
pub(super) fn shown(value: &Json) -> String {
    match value {
        Json::Null => String::from("<nil>"),
        Json::String(text) => single(text),
        Json::Array(_) | Json::Object(_) => String::from("value"),
        other => other.to_string(),
    }
}

impl Kind {
    /// One of the kinds that compare a count with a bound.
    pub(super) fn count(keyword: &str, got: usize, want: usize) -> Self {
        Self::Other(format!(
            "{keyword}: got {}, want {}",
            count(got),
            count(want)
        ))
    }

    /// One of the kinds that compare a number with a bound.
    pub(super) fn number(keyword: &str, got: Number, want: Number) -> Self {
        Self::Other(format!(
            "{keyword}: got {}, want {}",
            got.show(),
            want.show()
        ))
    }

    fn text(&self) -> String {
        match self {
            Self::Schema(url) => format!("jsonschema validation failed with {}", single(url)),
            Self::Group | Self::Reference => String::from("validation failed"),
            Self::Text(text) => (*text).to_owned(),
            Self::Other(text) => text.clone(),
        }
    }
}

impl Problem {
    /// The problem and all below it, a line each.
    pub(super) fn show(&self) -> String {
        let mut out = String::new();
        let mut todo = vec![(self, 0_usize)];
        while let Some((problem, indent)) = todo.pop() {
            let skipped = problem.causes.len() == 1 && matches!(problem.kind, Kind::Reference);
            let below = if skipped { indent } else { indent + 1 };
            if !skipped {
                problem.line(indent, &mut out);
            }
            todo.extend(problem.causes.iter().rev().map(|cause| (cause, below)));
        }
        out
    }

    fn line(&self, indent: usize, out: &mut String) {
        if indent > 0 {
            out.push('\n');
            out.push_str(&"  ".repeat(indent - 1));
            out.push_str("- ");
        }
        if matches!(self.kind, Kind::Schema(_)) {
            out.push_str(&self.kind.text());
            return;
        }
        let place: String = self
            .place
            .iter()
            .map(|token| format!("/{}", escape(token)))
            .collect();
        out.push_str(&format!("at {}: {}", single(&place), self.kind.text()));
    }
}
