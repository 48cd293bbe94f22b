//! Named templates, and sets of them that refer to one another by name.

use std::collections::HashMap;
use std::sync::Arc;

use crate::node::{Id, Source};
use crate::parse::{self, ParseError};
use crate::{Functions, Str};

/// A parsed template: immutable, cheap to copy, shared by all executions.
#[derive(Clone, Debug)]
pub struct Template {
    name: Str,
    root: Id,
    source: Arc<Source>,
}

impl Template {
    pub(crate) fn new(name: Str, root: Id, source: Arc<Source>) -> Self {
        Self { name, root, source }
    }

    /// Parses a text. The result ends with the text itself under `name`; before it come its definitions.
    ///
    /// # Errors
    /// A [`ParseError`], for a syntax error or a function that is not in `functions`.
    pub fn parse(name: &str, text: &Str, functions: &Functions) -> Result<Vec<Self>, ParseError> {
        parse::parse(name, text, &|it| functions.knows(it))
    }

    /// The name.
    pub fn name(&self) -> &Str {
        &self.name
    }

    /// Whether it holds nothing but white space and comments.
    pub fn is_empty(&self) -> bool {
        parse::is_empty(&self.source.text, &self.source.nodes, self.root)
    }

    /// The template as Go prints it from its tree.
    pub fn print(&self) -> Str {
        Str::from(self.source.print(self.root, usize::MAX))
    }

    pub(crate) fn root(&self) -> Id {
        self.root
    }

    pub(crate) fn source(&self) -> &Arc<Source> {
        &self.source
    }
}

/// Templates by name; what is not here is looked for in the set below.
#[derive(Clone, Debug, Default)]
pub struct Set {
    name: Str,
    templates: HashMap<Str, Template>,
    below: Option<Arc<Self>>,
}

impl Set {
    /// An empty set; the name is that of the template it belongs to, which errors tell.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            templates: HashMap::new(),
            below: None,
        }
    }

    /// A set that knows all of another, and whose own additions the other does not see.
    pub fn over(below: &Arc<Self>) -> Self {
        Self {
            name: below.name.clone(),
            templates: HashMap::new(),
            below: Some(Arc::clone(below)),
        }
    }

    /// The name of the template it belongs to.
    pub fn name(&self) -> &Str {
        &self.name
    }

    /// Adds what a text defines. A later definition replaces one of the same name, unless it is empty.
    pub fn add(&mut self, templates: impl IntoIterator<Item = Template>) {
        for template in templates {
            if !template.is_empty() || self.get(&template.name).is_none() {
                self.templates.insert(template.name.clone(), template);
            }
        }
    }

    /// The template of a name.
    pub fn get(&self, name: &[u8]) -> Option<&Template> {
        let mut set = Some(self);
        while let Some(it) = set {
            if let Some(template) = it.templates.get(name) {
                return Some(template);
            }
            set = it.below.as_deref();
        }
        None
    }
}

impl Drop for Set {
    /// Sets may be stacked as deep as `tpl` nests.
    fn drop(&mut self) {
        let mut below = self.below.take();
        while let Some(mut set) = below.and_then(Arc::into_inner) {
            below = set.below.take();
        }
    }
}
