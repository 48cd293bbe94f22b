//! Server-side apply in stages, inventory, prune: the API server's write side.
//!
//! A caller brings the objects of a build into shape with [`prepare`], sorts them into [`stages`], and for each
//! stage asks an [`Applier`] for a [`StagePlan`], adds its entries to the inventory, and has it executed. What the
//! inventory no longer holds is pruned last.

mod change;
pub mod inventory;
mod normalize;
mod object;
mod prepare;
mod stage;

pub use change::{Action, Change, ChangeSet};
pub use inventory::Target;
pub use normalize::normalize;
pub use object::{GroupKind, NotAnObject, Object, ObjectRef};
pub use prepare::{Owner, PrepareError, prepare};
pub use stage::{Stage, StageKind, compare, stages};
