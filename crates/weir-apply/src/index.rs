//! What an index of live objects, kept up to date by watches, tells without a request.

use crate::inventory::Target;
use crate::live::{Accepted, Digest, Live};
use crate::object::Object;

/// What is known of an object that is there.
#[derive(Debug, Clone)]
pub struct Known {
    /// What it is now.
    pub live: Live,
    /// What the API server has accepted of it before, if nothing that decides over it has changed since.
    pub accepted: Option<Accepted>,
    /// Its kind is such that equal values tell that an apply would change nothing.
    pub comparable: bool,
}

impl Known {
    /// Whether applying `desired` would change nothing, and if so whether what is ours is just that.
    pub(crate) fn settles(&self, desired: &Object, digest: Digest) -> Option<bool> {
        let remembered = self.accepted.as_ref();
        if let Some(accepted) = remembered.filter(|it| it.is_still(digest, &self.live)) {
            return Some(accepted.covered);
        }
        (self.comparable && self.live.holds(desired)).then_some(true)
    }
}

/// Knows objects without asking the API server, as an index kept up to date by watches does.
pub trait LiveIndex: Send + Sync {
    /// What is known of `target`; None where the server must be asked: that says nothing about whether it is there.
    fn look_up(&self, target: &Target) -> Option<Known>;
}
