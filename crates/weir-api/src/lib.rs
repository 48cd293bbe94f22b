//! Every Flux CRD, condition, reason, `Artifact` and `Event` as Rust types.
//!
//! Types and constants only: nothing here reads a clock, talks to a cluster or decides anything.
//! One module per API group ([`source`], [`kustomize`], [`helm`], [`notification`], [`image`]), each with
//! one module per version;
//! [`meta`] holds what the groups share, [`event`] what controllers post to each other.
//!
//! The Rust types are the one source of `config/crd/bases`: each kind's [`resource::Definition`] and
//! the JSON schema derived from its types make the CustomResourceDefinition that is installed.
//!
//! Decoding is lenient where the API server is: unknown fields are skipped, an absent `spec` is an
//! empty one, durations are kept as text until somebody asks for their value. A value of the wrong
//! type fails the decoding of that one object.

pub mod crd;
pub mod event;
pub mod helm;
pub mod image;
pub mod kustomize;
pub mod meta;
pub mod notification;
pub mod resource;
pub mod source;

mod schema;

pub use resource::Reconcilable;
