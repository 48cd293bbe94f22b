//! Group `image.toolkit.fluxcd.io`: from tags in a registry to commits.

pub mod v1;

/// The API group.
pub const GROUP: &str = "image.toolkit.fluxcd.io";
