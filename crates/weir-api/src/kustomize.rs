//! Group `kustomize.toolkit.fluxcd.io`: from an artifact to applied objects.

pub mod v1;

/// The API group.
pub const GROUP: &str = "kustomize.toolkit.fluxcd.io";
