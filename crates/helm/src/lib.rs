//! Helm's templates: functions, values, charts and rendering, as Helm 4 does them.
//!
//! Pure: no clock, no chance, no disk, no network of its own. Time, random bytes and answers of a cluster or a
//! name server come from the caller's [`Env`].
//!
//! - [`functions`]: everything a template may call, Helm's and sprig's.
//! - [`yaml`]: YAML as Helm reads and prints it; [`json`]: JSON as values.
//! - [`strvals`], [`values`]: what the user gives, over what charts give.
//! - [`chart`], [`active`], [`schema`], [`capabilities`]: charts, and what of them is part of a release.
//! - [`render`], [`manifest`]: a release's objects, hooks and notes; what `helm template` prints.
//! - [`post_render`]: who changes what was rendered, as Helm 4 and Flux do it.
//! - [`engine`]: templates of one rendering, parsed in Helm's order, executed with Helm's error texts.
//!
//! Source: Helm 4.2.4, sprig v3.3.0

pub mod active;
pub mod capabilities;
pub mod chart;
pub mod engine;
mod env;
mod files;
pub mod functions;
mod glob;
pub mod json;
pub mod manifest;
pub mod post_render;
pub mod render;
pub mod schema;
pub mod strvals;
pub mod values;
pub mod yaml;

pub use env::{Clock, Env, Lookup, Random, Resolve};
