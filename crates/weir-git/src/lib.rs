//! Remote Git repositories: list refs, resolve a reference, fetch one commit, read its tree.
//!
//! Nothing is ever checked out: a depth-1 pack goes into a file, and the tree is read from there. Everything blocks; [`Git::run`] puts it on a bounded number of threads with
//! a deadline. Http, https and ssh are served; nothing is ever executed.

mod clients;
mod connection;
mod dial;
mod error;
mod fetch;
mod fetches;
#[cfg(fuzzing)]
pub mod fuzzing;
mod greeting;
mod http;
mod pack;
mod reference;
mod refs;
mod remote;
mod session;
mod signature;
mod snapshot;
mod ssh;
mod submodules;
mod url;
mod workspace;

pub use gix::ObjectId;

pub use connection::Connection;
pub use dial::{Cidr, CidrError, Network};
pub use error::{Error, Purpose, RemoteError, Stopped};
pub use http::Failure;
pub use reference::{Reference, Resolved, Revision, TagName};
pub use refs::Refs;
pub use remote::{Credentials, Limits, Proxy, Remote, RemoteOptions, Tls};
pub use session::{Git, Session};
pub use signature::{SignatureError, Signed, Subject, TrustedKeys};
pub use snapshot::{Blob, Commit, Entry, EntryKind, Snapshot};
pub use ssh::{IdentityError, SshAlgorithms, SshKey, needs_password};
pub use submodules::{Submodule, same_origin};
pub use url::{RepositoryUrl, UrlError, without_user};
