//! The variables and files that the process's own credentials come from.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::error::Error;

/// Most bytes of a file with a token or a key.
const FILE_BYTES: u64 = 1 << 20;

/// The process's variables, or others in their place. Cheap to clone.
#[derive(Clone, Default)]
pub struct Environment(Option<Arc<BTreeMap<String, String>>>);

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Some(_) => "Environment(given)",
            None => "Environment(process)",
        })
    }
}

impl Environment {
    /// That of the process.
    #[must_use]
    pub fn process() -> Self {
        Self(None)
    }

    /// Only what is given.
    #[must_use]
    pub fn of(variables: &[(&str, &str)]) -> Self {
        let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Self(Some(Arc::new(variables.iter().map(pair).collect())))
    }

    /// The variable, if it is set and not empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<String> {
        let value = match &self.0 {
            Some(given) => given.get(name).cloned(),
            None => std::env::var(name).ok(),
        };
        value.filter(|value| !value.is_empty())
    }

    /// Whether the variable says yes, in one of the words that Go takes for it.
    #[must_use]
    pub fn is_true(&self, name: &str) -> bool {
        let value = self.get(name).unwrap_or_default();
        matches!(value.as_str(), "1" | "t" | "T" | "true" | "TRUE" | "True")
    }

    /// The text of a file that a variable names, without space around it.
    ///
    /// # Errors
    /// [`Error::Invalid`] if it cannot be read, or is larger than any token.
    pub async fn read(&self, path: &str) -> Result<String, Error> {
        let failed = |why: String| Error::Invalid(format!("{path}: {why}"));
        let found = tokio::fs::metadata(path).await;
        let size = found.map_err(|error| failed(error.to_string()))?.len();
        if size > FILE_BYTES {
            return Err(failed("file is too large".to_owned()));
        }
        let text = tokio::fs::read_to_string(path).await;
        let text = text.map_err(|error| failed(error.to_string()))?;
        Ok(text.trim().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_stands_for_the_process_and_is_not_printed() {
        let given = Environment::of(&[("A", "canary"), ("B", ""), ("C", "true")]);
        assert_eq!(given.get("A").as_deref(), Some("canary"));
        assert_eq!((given.get("B"), given.get("PATH")), (None, None));
        assert!(given.is_true("C") && !given.is_true("A"));
        assert!(!format!("{given:?}").contains("canary"));
    }
}
