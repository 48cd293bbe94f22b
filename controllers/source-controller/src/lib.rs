//! source-controller: fetches what a source names and serves it as an artifact.
//!
//! A pass reads from top to bottom in [`reconcile`], the same for every kind of source; what one kind does
//! differently is behind [`source::Source`], so far in [`gitrepository`]. What a pass tells the world is pure
//! and in [`status`].

pub mod context;
pub mod error;
pub mod execute;
pub mod flags;
pub mod gitrepository;
pub mod observe;
pub mod plan;
pub mod reconcile;
pub mod run;
pub mod source;
pub mod status;
pub mod tree;

pub use flags::{Flags, SourceFlags};
pub use run::{RunError, USER_AGENT, run};
