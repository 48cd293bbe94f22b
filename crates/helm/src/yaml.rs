//! YAML as Helm reads and prints it: through JSON, by the rules of go-yaml's version 2.
//!
//! Source: Helm 4.2.4 `pkg/engine/funcs.go`; sigs.k8s.io/yaml v1.6

mod pretty;
mod print;
mod read;
mod typed;

pub(crate) use pretty::UNMARSHALABLE;
pub use pretty::to_pretty;
pub use print::{Charge, free, to_yaml, to_yaml_within};
pub use read::{read, read_exact, read_json, read_list, read_map, read_map_into};
pub(crate) use typed::{Target, read_typed};

use kyaml::Limits;

/// Bounds on every text that is read: larger ones are no chart's.
pub(crate) const LIMITS: Limits = Limits {
    bytes: 64 << 20,
    nodes: 1_000_000,
    depth: Limits::DEPTH,
};

/// Why a text could not be read, or a value not be printed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The text is no YAML, or JSON has no word for what it says.
    #[error("error converting YAML to JSON: {0}")]
    Convert(kyaml::Error),
    /// The value is not of the kind that is wanted.
    #[error("error unmarshaling JSON: while decoding JSON: {0}")]
    Decode(String),
    /// The value has no form in JSON.
    #[error("error marshaling into JSON: {0}")]
    Marshal(String),
    /// The value has no form in YAML.
    #[error("{0}")]
    Print(kyaml::Error),
}
