//! Server-side apply in stages, inventory, prune: the API server's write side.
//!
//! A caller brings the objects of a build into shape with [`prepare`], sorts them into [`stages`], and for each
//! stage asks an [`Applier`] for a [`StagePlan`], adds its entries to the inventory, and has it executed. What the
//! inventory no longer holds is pruned last.

mod applier;
mod change;
mod cluster;
mod discovery;
mod drift;
mod error;
mod ignore;
mod index;
pub mod inventory;
mod live;
mod normalize;
mod object;
mod owned;
mod plan;
mod prepare;
mod request;
mod selector;
mod stage;
mod takeover;

pub use applier::{Applier, Force, PruneError, Pruned, Settings, WaitError};
pub use change::{Action, Change, ChangeSet};
pub use cluster::Cluster;
pub use error::ApplyError;
pub use index::{Known, LiveIndex};
pub use inventory::Target;
pub use live::{Accepted, Digest, Live, Marks, Owned};
pub use normalize::{is_built_in, normalize};
pub use object::{GroupKind, NotAnObject, Object, ObjectRef};
pub use plan::{Planned, StagePlan, Step};
pub use prepare::{Owner, PrepareError, prepare};
pub use request::RequestError;
pub use selector::SelectorError;
pub use stage::{Stage, StageKind, compare, stages};
pub use takeover::FieldManagers;
