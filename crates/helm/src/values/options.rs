//! The values that a user gives: files, then the `--set` family, in Helm's order.
//!
//! Source: Helm 4.2.4 `pkg/cli/values/options.go`

use go_template::{Map, Type, Value};

use crate::chart::{load_values, merge_maps};
use crate::strvals::{self, Mode};

/// What the user gives, each in the order of the command line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// `--values`: the name as it was given, and the contents.
    pub files: Vec<(String, Vec<u8>)>,
    /// `--set-json`.
    pub json: Vec<String>,
    /// `--set`.
    pub set: Vec<String>,
    /// `--set-string`.
    pub strings: Vec<String>,
    /// `--set-file`.
    pub set_files: Vec<String>,
    /// `--set-literal`.
    pub literals: Vec<String>,
}

/// Why the user's values are refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OptionsError {
    /// A file that is no map in YAML.
    #[error("failed to parse {0}: {1}")]
    File(String, String),
    /// A map in JSON that is none.
    #[error("failed parsing --set-json data JSON: {0}")]
    JsonMap(String),
    /// What is no `--set-json`.
    #[error("failed parsing --set-json data {0}")]
    Json(String),
    /// What is no `--set`.
    #[error("failed parsing --set data: {0}")]
    Set(strvals::Error),
    /// What is no `--set-string`.
    #[error("failed parsing --set-string data: {0}")]
    Strings(strvals::Error),
    /// What is no `--set-file`.
    #[error("failed parsing --set-file data: {0}")]
    Files(strvals::Error),
    /// What is no `--set-literal`.
    #[error("failed parsing --set-literal data: {0}")]
    Literals(strvals::Error),
}

impl Options {
    /// All of them merged; `read` gives what a `--set-file` names.
    ///
    /// # Errors
    /// [`OptionsError`].
    pub fn merge(
        &self,
        read: &mut dyn FnMut(&str) -> Result<String, String>,
    ) -> Result<Map, OptionsError> {
        let mut base = Map::new(&Type::MAP);
        for (name, text) in &self.files {
            let values = load_values(text)
                .map_err(|error| OptionsError::File(name.clone(), error.to_string()))?;
            base = merge_maps(&base, &values);
        }
        for text in &self.json {
            base = set_json(base, text)?;
        }
        for text in &self.set {
            strvals::set(text, &base, Mode::Typed).map_err(OptionsError::Set)?;
        }
        for text in &self.strings {
            strvals::set(text, &base, Mode::Strings).map_err(OptionsError::Strings)?;
        }
        for text in &self.set_files {
            let mut reader = |path: &str| read(path).map(Value::from);
            strvals::set(text, &base, Mode::Files(&mut reader)).map_err(OptionsError::Files)?;
        }
        for text in &self.literals {
            strvals::set(text, &base, Mode::Literal).map_err(OptionsError::Literals)?;
        }
        Ok(base)
    }
}

fn set_json(base: Map, text: &str) -> Result<Map, OptionsError> {
    let trimmed = text.trim();
    if !trimmed.starts_with('{') {
        let set = strvals::set(text, &base, Mode::Json);
        return match set {
            Ok(()) => Ok(base),
            Err(_) => Err(OptionsError::Json(text.to_owned())),
        };
    }
    match crate::json::read(trimmed.as_bytes()) {
        Ok(Value::Map(map)) => Ok(merge_maps(&base, &map)),
        _ => Err(OptionsError::JsonMap(text.to_owned())),
    }
}
