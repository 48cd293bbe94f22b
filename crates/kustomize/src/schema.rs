//! The OpenAPI schemas of one build: Kubernetes' own, and what `openapi` adds. Nothing is global, so
//! builds with different schemas run side by side.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kyaml::Schema;

use crate::error::{Error, bail};
use crate::id::builtin_scope;

/// The only version that is built in.
const BUILTIN_VERSION: &str = "v1.21.2";

/// The schemas of one build.
#[derive(Debug, Default)]
pub(crate) struct BuildSchema {
    limits: kyaml::Limits,
    state: Mutex<State>,
}

/// Where a custom schema stands. As in the original, it is not read before something needs it.
#[derive(Debug, Default)]
enum Custom {
    #[default]
    None,
    Unread(Vec<u8>),
    Read(Arc<Schema>),
    Malformed(String),
}

/// What became of the built-in schema before a file came. It shows in what the file replaces.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Builtin {
    /// Nothing asked for it: the file stands alone.
    #[default]
    Unread,
    /// Somebody asked for the scope of a kind that it lacks. The original then puts off reading it until
    /// something is merged, which is after the file: it lies above the file.
    Wanted,
    /// Something was merged by it: it lies below the file.
    Read,
}

#[derive(Debug, Default)]
struct State {
    /// A schema file or version was chosen; later choices of bases are ignored.
    chosen: bool,
    custom: Custom,
    builtin: Builtin,
}

impl State {
    fn custom(&mut self) -> Option<Arc<Schema>> {
        if let Custom::Unread(bytes) = &self.custom {
            let text = String::from_utf8_lossy(bytes);
            let below = (self.builtin == Builtin::Read).then(Schema::builtin);
            let above = self.builtin == Builtin::Wanted;
            self.custom = match Schema::from_openapi(&text, below).map(Arc::new) {
                Ok(schema) if above => Custom::Read(Arc::new(Schema::builtin_over(schema))),
                Ok(schema) => Custom::Read(schema),
                Err(error) => Custom::Malformed(error.to_string()),
            };
        }
        match &self.custom {
            Custom::Read(schema) => Some(Arc::clone(schema)),
            _ => None,
        }
    }
}

impl BuildSchema {
    /// Schemas for one build. With `preloaded`, files add to Kubernetes' schema, else they replace it.
    pub(crate) fn new(limits: kyaml::Limits, preloaded: bool) -> Self {
        let state = State {
            builtin: match preloaded {
                true => Builtin::Read,
                false => Builtin::Unread,
            },
            ..State::default()
        };
        Self {
            limits,
            state: Mutex::new(state),
        }
    }

    /// Bounds on YAML text.
    pub(crate) fn limits(&self) -> &kyaml::Limits {
        &self.limits
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Applies the `openapi` field of a kustomization; that of the root comes first and wins.
    ///
    /// # Errors
    /// The version is not built in, or both a version and a file are given.
    pub(crate) fn choose(
        &self,
        field: &BTreeMap<String, String>,
        file: Option<&[u8]>,
    ) -> Result<(), Error> {
        let mut state = self.state();
        if state.chosen {
            return Ok(());
        }
        let version = field.get("version");
        if let Some(file) = file {
            if version.is_some() {
                bail!("builtin version and custom schema provided, cannot use both");
            }
            state.custom = Custom::Unread(file.to_vec());
            state.chosen = true;
            return Ok(());
        }
        match version.map(String::as_str) {
            None | Some("") => {}
            Some(BUILTIN_VERSION) => state.chosen = true,
            Some(_) => bail!("the specified OpenAPI version is not built in"),
        }
        Ok(())
    }

    /// The schema that merges use.
    pub(crate) fn for_merge(&self) -> Arc<Schema> {
        let mut state = self.state();
        if let Some(schema) = state.custom() {
            return schema;
        }
        state.builtin = Builtin::Read;
        Schema::builtin()
    }

    /// Whether a file has replaced the built-in schema. The scopes of kinds that Kubernetes does not know
    /// change with it.
    pub(crate) fn is_custom(&self) -> bool {
        !matches!(self.state().custom, Custom::None)
    }

    /// Whether a kind is known to live outside namespaces.
    pub(crate) fn is_cluster_scoped(&self, api_version: &str, kind: &str) -> bool {
        if let Some(scope) = builtin_scope(api_version, kind) {
            return scope;
        }
        let mut state = self.state();
        match state.custom() {
            Some(schema) => schema.is_namespaced(api_version, kind) == Some(false),
            None => {
                if state.builtin == Builtin::Unread {
                    state.builtin = Builtin::Wanted;
                }
                false
            }
        }
    }

    /// Fails if a custom schema was needed and could not be read.
    ///
    /// # Errors
    /// It is no OpenAPI document.
    pub(crate) fn check(&self) -> Result<(), Error> {
        match &self.state().custom {
            Custom::Malformed(problem) => bail!("invalid schema file: {problem}"),
            _ => Ok(()),
        }
    }
}
