//! Group `source.toolkit.fluxcd.io`: where manifests and charts come from.

pub mod v1;

/// The API group.
pub const GROUP: &str = "source.toolkit.fluxcd.io";
