//! Helm's templates: functions, values, charts and rendering, as Helm 4 does them.
//!
//! Pure: no clock, no chance, no disk, no network of its own. Time, random bytes and answers of a cluster or a
//! name server come from the caller's [`Env`].
//!
//! - [`functions`]: everything a template may call, Helm's and sprig's.
//! - [`engine`]: templates of one rendering, parsed in Helm's order, executed with Helm's error texts.
//!
//! Source: Helm 4.2.4, sprig v3.3.0

pub mod engine;
mod env;
pub mod functions;

pub use env::{Clock, Env, Lookup, Random, Resolve};
