//! The kustomize build as a function: files in, Kubernetes objects out, byte for byte what kustomize
//! 5.8.1 prints.
//!
//! - [`build`] takes a [`FileSystem`], a root and [`Options`], and gives a [`Build`]: the objects in
//!   order, each as a node, as YAML text and as a value.
//! - [`flux`] calls it as Flux does: it makes a kustomization for a plain folder, merges the spec of a
//!   `Kustomization` object into an existing one, and confines the build to its tree.
//! - [`TreeFs`] is a file system over a [`file_tree::FileTree`]; [`Remote`] fetches what is elsewhere.
//!
//! A build uses no clock, environment, disk or network, and no global state: any number of builds run
//! side by side. Hostile input meets [`Limits`].
//!
//! How one build goes: [`Target`](target) loads a kustomization and accumulates the resources below
//! it, then its generators, components and transformers; at the root, names get their hashes and
//! references follow them.

mod build;
mod config;
mod decode;
mod error;
mod field_spec;
mod file_system;
pub mod flux;
mod generator;
mod go_text;
mod hash;
mod id;
mod json_text;
pub mod kustomization;
mod label_selector;
mod loader;
mod origin;
mod path;
mod remote;
mod repo_spec;
mod res_map;
mod resource;
mod schema;
mod selector;
mod sort;
mod target;
mod transform;
#[doc(hidden)]
pub mod units;
mod yaml;

pub use build::{Build, Limits, Options, Order, Output, VERSION, build};
pub use error::{Error, ErrorKind};
pub use file_system::{FileSystem, FsError, TreeFs};
pub use id::{Gvk, ResId};
pub use loader::LoadRestriction;
pub use remote::{Remote, RemoteError};
pub use repo_spec::RepoSpec;
