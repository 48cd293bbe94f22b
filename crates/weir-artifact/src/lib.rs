//! Artifacts: archive, digest, storage, garbage collection, file server, fetch.

mod cache;
pub mod digest;
mod fetch;
mod unpack;

pub use fetch::{FetchError, FetchOptions, Fetcher, VerifyError};
pub use unpack::{UnpackError, unpack};
