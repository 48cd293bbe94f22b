//! Artifacts: archive, digest, storage, garbage collection, file server, fetch.
//!
//! The producer (source-controller) fills an [`ArchiveWriter`] through [`Storage::publish`] and serves the
//! folder with a [`Server`]; the consumer (kustomize-controller) gets the files back with a [`Fetcher`].

mod archive;
mod cache;
pub mod digest;
mod fetch;
mod ignore;
mod keep;
mod key;
mod server;
mod storage;
mod unpack;

pub use archive::ArchiveWriter;
pub use fetch::{FetchError, FetchOptions, Fetcher, Unanswered, VerifyError};
pub use ignore::{IGNORE_FILE, Ignore};
pub use keep::unpack_to_disk;
pub use key::{ArtifactKey, KeyError};
pub use server::{Server, ServerLimits};
pub use storage::{
    ArtifactLimits, Health, Location, Published, Retention, Storage, StorageError, TooLarge,
};
pub use unpack::{UnpackError, unpack};
