//! Short-lived credentials from GitHub Apps and clouds, and a cache for them.
//!
//! Each is one or two requests on a client that the caller has made, so that its trust, its proxy and the addresses
//! it may dial are the caller's. Tokens are in no error and no `Debug` output.

pub mod aws;
pub mod azure;
mod cache;
mod error;
pub mod github_app;
mod http;
mod token;

pub use cache::TokenCache;
pub use error::Error;
pub use token::Token;
