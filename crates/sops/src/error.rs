//! What can go wrong, in upstream's words, without a secret in them.

use crate::Format;
use crate::data_key::DataKeyError;

/// Why a file could not be decrypted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The text is not a SOPS file of the given form.
    #[error("failed to load encrypted {} data: {problem}", format.name())]
    Load {
        /// The form that was expected.
        format: Format,
        /// What is wrong.
        problem: String,
    },
    /// No key group, or too few, gave their part of the data key.
    #[error("cannot get sops data key: {0}")]
    DataKey(DataKeyError),
    /// A value could not be decrypted.
    #[error("error decrypting sops tree: Error walking tree: {0}")]
    Tree(String),
    /// The message authentication code is missing, or another one than the values have.
    #[error("failed to verify sops data integrity: {0}")]
    Integrity(&'static str),
    /// The values cannot be written in the wanted form.
    #[error("failed to emit encrypted {} file as decrypted {}: {problem}", input.name(), output.name())]
    Emit {
        /// The form that was read.
        input: Format,
        /// The form that was wanted.
        output: Format,
        /// What is wrong.
        problem: String,
    },
}
