//! Why there are no credentials.

/// Why there are no credentials. Holds no secret.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What was given cannot be used.
    #[error("{0}")]
    Invalid(String),
    /// The cluster has no such thing.
    #[error("{0}")]
    Missing(String),
    /// The service was not reached.
    #[error("{what}: {error}")]
    Request {
        /// Method and URL.
        what: String,
        /// What happened.
        error: String,
    },
    /// The service refused.
    #[error("{what}: {status} {message}")]
    Refused {
        /// Method and URL.
        what: String,
        /// The HTTP status.
        status: u16,
        /// What the service says, shortened.
        message: String,
    },
    /// The answer is not what it should be.
    #[error("{what}: unexpected answer")]
    Answer {
        /// Method and URL.
        what: String,
    },
    /// Several ways were tried.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    All(Vec<Self>),
}
