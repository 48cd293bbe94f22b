//! The controller shell: watches, queue, status, events, metrics, leases.
//!
//! A controller gives the shell one [`kind::Kind`] per custom resource; the shell looks objects up, bounds and
//! times the work, writes status, posts events, counts and requeues. Start at [`runtime::Runtime`].
//!
//! Flux's behaviour as of 2.9 is the measure; where this differs, the module says so and why.

pub mod cache;
pub mod client;
pub mod conditions;
pub mod event;
pub mod flags;
pub mod hub;
pub mod kind;
pub mod kubeconfig;
pub mod lease;
pub mod log;
pub mod metrics;
pub mod pass;
pub mod probes;
pub mod program;
pub mod queue;
pub mod runtime;
pub mod service_accounts;
pub mod triggers;

mod finalizer;
mod poison;
mod shell;
mod status;
mod watch;
mod work;
