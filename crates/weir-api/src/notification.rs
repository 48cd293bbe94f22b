//! Group `notification.toolkit.fluxcd.io`: events out, webhooks in.

pub mod v1;
pub mod v1beta3;

/// The API group.
pub const GROUP: &str = "notification.toolkit.fluxcd.io";

const CATEGORIES: &[&str] = &["all", "fluxcd", "fluxcd-notifications"];
