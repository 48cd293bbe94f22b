//! Group `helm.toolkit.fluxcd.io`: from a chart to a Helm release.

pub mod v2;

/// The API group.
pub const GROUP: &str = "helm.toolkit.fluxcd.io";
