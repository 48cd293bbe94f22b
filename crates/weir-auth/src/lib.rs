//! Short-lived credentials from GitHub Apps and clouds, and a cache for them.
//!
//! Each is one or two requests on a client that the caller has made, so that its trust, its proxy and the addresses
//! it may dial are the caller's. Tokens are in no error and no `Debug` output. [`Access`] is what Flux calls workload
//! identity: credentials of a service account of the cluster, or of the controller itself.

mod access;
pub mod aws;
pub mod azure;
mod cache;
mod certificate;
mod clusters;
mod environment;
mod error;
pub mod gcp;
pub mod github_app;
mod http;
mod jwt;
mod token;

pub use access::{Access, Account, Asking, Cluster};
pub use cache::{CacheWatcher, OnBehalf, TokenCache};
pub use certificate::certificate_fault;
pub use clusters::{Entrance, ReadKubeconfig, Reference};
pub use environment::Environment;
pub use error::Error;
pub use http::{Reply, exchange, exchange_within, shown};
pub use jwt::claims;
pub use token::Token;
