//! What can go wrong, in the words that Flux's users know. The one place where texts are mapped.

use crate::http::Failure;

/// What a remote was asked for, as upstream words it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Compare the tip with what is known.
    Probe,
    /// Get a commit.
    Clone,
}

/// Why a Git operation failed. No variant holds a credential.
///
/// Source: fluxcd/pkg `git/gogit/clone.go`.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The remote could not be listed.
    #[error("unable to list remote for '{url}'")]
    List {
        /// The repository, without credentials.
        url: String,
        /// What happened.
        source: RemoteError,
    },
    /// The remote could not be fetched from.
    #[error("unable to clone '{url}'")]
    Clone {
        /// The repository, without credentials.
        url: String,
        /// What happened.
        source: RemoteError,
    },
    /// The repository has no commit at all.
    #[error("git repository is empty")]
    Empty,
    /// `spec.ref.name` is malformed.
    #[error("ref {0} is invalid; Git refs cannot begin or end with a slash '/'")]
    InvalidRefName(String),
    /// `spec.ref.name` names nothing.
    #[error("unable to resolve ref '{0}' to a specific commit")]
    UnresolvedRef(String),
    /// `spec.ref.semver` is no range.
    #[error("semver parse error")]
    SemverRange(#[from] semver_range::ConstraintError),
    /// No tag is in the range.
    #[error("no match found for semver: {0}")]
    SemverNoMatch(String),
    /// The commit is not in the repository.
    #[error("unable to resolve commit object for '{0}': object not found")]
    CommitNotFound(String),
    /// A credential or certificate cannot be used.
    #[error("unable to construct auth method with options: {0}")]
    Auth(String),
    /// A token is given, and a user too.
    #[error("basic auth and bearer token cannot be set at the same time")]
    TwoKindsOfCredentials,
    /// An object that was received is not as it should be, or a bound is exceeded.
    #[error("unable to read Git tree: {0}")]
    Object(String),
    /// A submodule cannot be had.
    #[error("unable to update submodules: {0}")]
    Submodule(String),
    /// The tree holds a name that no checkout should see.
    #[error("invalid path component: {0:?}")]
    HostileName(String),
    /// Time is over or nobody waits any more.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// A library panicked: a bug, contained.
    #[error("internal error while reading the repository")]
    Panicked,
}

/// What happened between us and the server.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// The server has no such ref.
    #[error("couldn't find remote ref {0:?}")]
    RefNotFound(String),
    /// The HTTP exchange failed.
    #[error("{0}")]
    Http(Failure),
    /// The server does not speak Git as it should, or refuses.
    #[error("{0}")]
    Protocol(String),
    /// Time is over or nobody waits any more.
    #[error(transparent)]
    Stopped(Stopped),
}

/// Why an operation ended early.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Stopped {
    /// `spec.timeout` is over.
    #[error("context deadline exceeded")]
    TimedOut,
    /// Nobody waits for the result.
    #[error("context canceled")]
    Cancelled,
}

impl Error {
    /// Wraps what happened at the remote by what it was asked for.
    pub(crate) fn remote(purpose: Purpose, url: &str, source: RemoteError) -> Self {
        let url = url.to_owned();
        match purpose {
            Purpose::Probe => Self::List { url, source },
            Purpose::Clone => Self::Clone { url, source },
        }
    }

    /// Whether nobody waits for the result any more.
    #[must_use]
    pub fn cancelled(&self) -> bool {
        match self {
            Self::Stopped(stopped) => *stopped == Stopped::Cancelled,
            Self::List { source, .. } | Self::Clone { source, .. } => {
                matches!(source, RemoteError::Stopped(Stopped::Cancelled))
            }
            _ => false,
        }
    }
}
