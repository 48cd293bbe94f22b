//! Semantic versions and ranges as Masterminds/semver v3 reads them.
//!
//! Flux picks Git tags, OCI tags, charts and images by such ranges, so the odd cases matter: partial
//! versions, wildcards, hyphens, and when a pre-release may match.

mod constraint;
mod version;

pub use constraint::{Constraint, ConstraintError};
pub use version::{Overflow, Version, VersionError};
