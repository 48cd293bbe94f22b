//! A bounded tree of files: what an artifact unpacks into and what engines read.
//!
//! Engines never see a disk. An adapter fills a [`FileTree`] within its [`Limits`] and hands it over; the
//! tree then answers reads, follows symbolic links, and never leaves its own root.

mod contents;
mod path;
mod tree;

pub use contents::{Contents, MAX_LOADED, Stored};
pub use path::{PathError, normalize};
pub use tree::{Entry, EntryKind, Error, FileTree, Limits, MAX_PATH, Walk};
