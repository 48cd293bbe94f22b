//! The templates of a chart and its subcharts: one set, parsed and executed in Helm's order.
//!
//! Source: Helm 4.2.4 `pkg/engine/engine.go`

mod trace;

pub(crate) use trace::MESSAGE;

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use go_template::{Functions, Session, Set, Str, Template, Value};

/// The name of the set, which texts of `tpl` have too.
pub(crate) const SET: &str = "gotpl";

/// Why templates could not be rendered, worded as Helm words it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A text is no template.
    #[error("{0}")]
    Parse(String),
    /// An execution failed.
    #[error("{0}")]
    Execute(String),
}

/// Parsed templates of a chart with its subcharts. Any number of renderings may share them.
#[derive(Clone, Debug)]
pub struct Templates {
    set: Arc<Set>,
    /// The names of all files, in the order in which they are rendered.
    order: Vec<String>,
}

impl Templates {
    /// Parses texts by their names, which begin with the chart's. `functions` only says which names are known.
    ///
    /// # Errors
    /// The first syntax error, in Helm's order of the files.
    pub fn parse<'a>(
        texts: impl IntoIterator<Item = (&'a str, &'a Str)>,
        functions: &Functions,
    ) -> Result<Self, Error> {
        let mut texts: Vec<(&str, &Str)> = texts.into_iter().collect();
        texts.sort_by_key(|(name, _)| Reverse((name.matches('/').count(), *name)));
        let mut set = Set::new(SET);
        for (name, text) in &texts {
            let parsed = Template::parse(name, text, functions);
            set.add(parsed.map_err(|it| Error::Parse(trace::parse_error(&it.to_string())))?);
        }
        let order = texts.into_iter().map(|(name, _)| name.to_owned()).collect();
        let set = Arc::new(set);
        Ok(Self { set, order })
    }

    /// The names of the files that are rendered, in the order in which they are: all but partials.
    pub fn rendered(&self) -> impl Iterator<Item = &str> {
        let names = self.order.iter().map(String::as_str);
        names.filter(|it| !it.rsplit('/').next().is_some_and(|it| it.starts_with('_')))
    }

    /// Renders one file.
    ///
    /// # Errors
    /// What its execution failed with.
    pub fn render_one(&self, session: &Session<'_>, name: &str, dot: &Value) -> Result<Str, Error> {
        let out = session.execute(&self.set, name.as_bytes(), dot);
        let out = out.map_err(|it| Error::Execute(trace::execution_error(&it)))?;
        Ok(without_no_value(out))
    }

    /// Renders all files but partials; `dot` gives each its data.
    ///
    /// # Errors
    /// What the first failing execution failed with.
    pub fn render(
        &self,
        session: &Session<'_>,
        dot: impl Fn(&str) -> Value,
    ) -> Result<BTreeMap<String, Str>, Error> {
        self.rendered()
            .map(|name| Ok((name.to_owned(), self.render_one(session, name, &dot(name))?)))
            .collect()
    }
}

/// Takes out what Go prints for nothing, even where the text itself says so.
pub(crate) fn without_no_value(text: Str) -> Str {
    const NOTHING: &[u8] = b"<no value>";
    let find = |text: &[u8]| text.windows(NOTHING.len()).position(|it| it == NOTHING);
    let Some(first) = find(&text) else {
        return text;
    };
    let mut out = text[..first].to_vec();
    let mut rest = &text[first + NOTHING.len()..];
    while let Some(next) = find(rest) {
        out.extend_from_slice(&rest[..next]);
        rest = &rest[next + NOTHING.len()..];
    }
    out.extend_from_slice(rest);
    Str::from(out)
}

#[cfg(test)]
mod tests;
