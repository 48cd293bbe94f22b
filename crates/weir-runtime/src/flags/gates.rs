//! Feature gates: known names with defaults, set by `--feature-gates`.
//!
//! Source: fluxcd/pkg `runtime/features/features.go` (Flux 2.9).

use std::collections::BTreeMap;

use thiserror::Error;

/// Why feature gates cannot be used.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum GateError {
    /// No such gate.
    #[error("feature-gate '{0}' not supported")]
    Unknown(String),
    /// Not of the form `name=bool`.
    #[error("invalid value for feature-gate '{0}'")]
    Invalid(String),
}

/// The feature gates of a controller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeatureGates {
    gates: BTreeMap<&'static str, bool>,
}

impl FeatureGates {
    /// The gates that exist, with their defaults.
    pub fn new(defaults: &[(&'static str, bool)]) -> Self {
        Self {
            gates: defaults.iter().copied().collect(),
        }
    }

    /// The gates after `--feature-gates`, whose entries are `name=bool`.
    ///
    /// # Errors
    /// For a gate that does not exist, or an entry of another form.
    pub fn with(mut self, entries: &[String]) -> Result<Self, GateError> {
        for entry in entries
            .iter()
            .map(|entry| entry.trim())
            .filter(|entry| !entry.is_empty())
        {
            let (name, value) = entry
                .split_once('=')
                .ok_or_else(|| GateError::Invalid(entry.to_owned()))?;
            let value =
                super::go_bool(value.trim()).map_err(|_| GateError::Invalid(entry.to_owned()))?;
            match self.gates.get_mut(name.trim()) {
                Some(gate) => *gate = value,
                None => return Err(GateError::Unknown(name.trim().to_owned())),
            }
        }
        Ok(self)
    }

    /// Whether the gate is on; one that does not exist is off.
    pub fn is_on(&self, name: &str) -> bool {
        self.gates.get(name).copied().unwrap_or(false)
    }

    /// All gates and whether they are on, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, bool)> {
        self.gates.iter().map(|(name, on)| (*name, *on))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(entries: &[&str]) -> Result<FeatureGates, GateError> {
        let entries: Vec<String> = entries.iter().map(|entry| (*entry).to_owned()).collect();
        FeatureGates::new(&[("Off", false), ("On", true)]).with(&entries)
    }

    #[test]
    fn gates_have_defaults_and_can_be_set() {
        let gates = with(&["Off=true"]).expect("known");
        assert!(gates.is_on("Off") && gates.is_on("On") && !gates.is_on("Other"));
        assert!(!with(&["On=false", ""]).expect("known").is_on("On"));
    }

    #[test]
    fn an_unknown_gate_is_an_error() {
        assert_eq!(
            with(&["OptimizedGitClones=true"]),
            Err(GateError::Unknown("OptimizedGitClones".into()))
        );
        assert_eq!(with(&["On"]), Err(GateError::Invalid("On".into())));
        assert_eq!(
            with(&["On=perhaps"]),
            Err(GateError::Invalid("On=perhaps".into()))
        );
    }
}
