//! What a build may fetch from elsewhere. A build itself has no network.

use bytes::Bytes;
use file_tree::FileTree;

use crate::repo_spec::RepoSpec;

/// Why a fetch failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RemoteError {
    /// The server answered, but not with success: nothing else is tried.
    #[error("HTTP Error: status code {0} ({1})")]
    Status(u16, String),
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

/// Fetches remote resources for a build.
pub trait Remote: Sync {
    /// The body at an `http` or `https` URL.
    ///
    /// # Errors
    /// It cannot be fetched.
    fn file(&self, url: &str) -> Result<Bytes, RemoteError>;

    /// The work tree of a repository at the ref that the URL names.
    ///
    /// # Errors
    /// It cannot be fetched.
    fn repository(&self, spec: &RepoSpec) -> Result<FileTree, RemoteError>;
}

/// Whether an entry is the URL of a file to fetch.
pub(crate) fn is_file_url(path: &str) -> bool {
    path.split_once(':').is_some_and(|(scheme, _)| {
        scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")
    })
}
