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

#[derive(Debug, Default)]
struct State {
    /// A schema file or version was chosen; later choices of bases are ignored.
    chosen: bool,
    custom: Custom,
    /// The built-in schema was in use before a file came, and so stays below it.
    builtin_used: bool,
}

impl State {
    fn custom(&mut self) -> Option<Arc<Schema>> {
        if let Custom::Unread(bytes) = &self.custom {
            let text = String::from_utf8_lossy(bytes);
            let base = self.builtin_used.then(Schema::builtin);
            self.custom = match Schema::from_openapi(&text, base) {
                Ok(schema) => Custom::Read(Arc::new(schema)),
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
            builtin_used: preloaded,
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
        state.builtin_used = true;
        Schema::builtin()
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
                // Asking for an unknown kind makes the original load its own schema.
                state.builtin_used |= !state.chosen;
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
