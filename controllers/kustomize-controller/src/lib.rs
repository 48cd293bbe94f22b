//! kustomize-controller: makes a cluster match what a Kustomization's source says.
//!
//! A pass reads from top to bottom in [`reconcile`]; what it decides is pure and in [`plan`], what it tells the
//! world is pure and in [`status`].

pub mod builds;
pub mod configs;
pub mod context;
pub mod error;
pub mod execute;
pub mod finalize;
pub mod flags;
pub mod heal;
pub mod kustomization;
pub mod observe;
pub mod plan;
pub mod reconcile;
pub mod remote_bases;
pub mod run;
pub mod sources;
pub mod status;
pub mod target;
pub mod triggers;
pub mod watch;

pub use flags::Flags;
pub use run::{RunError, run};
