//! What one kind of source does differently from the others.

use std::fmt::Debug;
use std::future::Future;

use weir_api::Reconcilable;
use weir_api::meta::{Artifact, Condition};
use weir_artifact::{Location, Published};

use crate::context::Context;
use crate::error::Error;

/// A kind of source. The pipeline around it is [`crate::reconcile`].
pub trait Source: Send + Sync + Sized + 'static {
    /// The custom resource.
    type Object: Reconcilable<Status: SourceStatus>;
    /// What was fetched, before it is an artifact.
    type Content: Send + 'static;

    /// The kind in lower case: the first folder of artifact paths.
    const FOLDER: &'static str;
    /// Reason of the event that says that nothing has changed.
    const UNCHANGED: &'static str;

    /// How often to look again.
    fn interval(object: &Self::Object) -> std::time::Duration;

    /// Lets go of what the process keeps for an object that is deleted.
    fn gone(_context: &Context, _object: &Self::Object) {}

    /// Whether the spec asks for other content than the stored artifact was made with, the revision aside.
    fn content_changed(object: &Self::Object) -> bool;

    /// Puts what the artifact is made with into the status.
    fn observe_content(
        object: &Self::Object,
        included: &[Artifact],
        status: &mut <Self::Object as Reconcilable>::Status,
    );

    /// Looks at the source and gets what is new.
    fn fetch(
        &self,
        context: &Context,
        object: &Self::Object,
        known: &Known,
    ) -> impl Future<Output = Result<Fetched<Self::Content>, Error>> + Send;

    /// Turns content into a stored artifact.
    fn store(
        &self,
        context: &Context,
        object: &Self::Object,
        location: Location,
        content: Self::Content,
    ) -> impl Future<Output = Result<Published, Error>> + Send;
}

/// What is known before a source is asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// The revision of the stored artifact.
    pub revision: Option<String>,
    /// That artifact may stand if the source still is at its revision.
    pub may_stand: bool,
    /// The last pass failed.
    pub failing: bool,
}

/// What a source answered.
#[derive(Debug)]
pub enum Fetched<C> {
    /// Still at the known revision; nothing was fetched.
    Unchanged {
        /// The revision.
        revision: String,
        /// Upstream would have fetched before saying so, and says it differently.
        quietly: bool,
    },
    /// Content of a revision.
    Content {
        /// The revision.
        revision: String,
        /// What people call it, e.g. the first line of a commit message.
        label: String,
        /// What is known of its signatures.
        verified: Verified,
        /// It is made of other things than the stored artifact, whatever its revision.
        changed: bool,
        /// The artifacts that belong into it.
        included: Vec<Artifact>,
        /// The content.
        content: C,
    },
}

/// What is known of a revision's signatures.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Verified {
    /// Not looked at: what was known stands.
    #[default]
    Unknown,
    /// The object asks for none.
    NotAsked,
    /// They are what the object asks for.
    Good {
        /// The mode's name for the status.
        mode: String,
        /// Who has signed what.
        message: String,
    },
}

/// The members that the status of every source has.
pub trait SourceStatus: Default + Clone + Debug + PartialEq + Send + Sync {
    /// The conditions.
    fn conditions_mut(&mut self) -> &mut Vec<Condition>;
    /// The artifact.
    fn artifact(&self) -> Option<&Artifact>;
    /// Replaces the artifact.
    fn set_artifact(&mut self, artifact: Option<Artifact>);
    /// The last generation that was dealt with.
    fn observed_generation(&self) -> Option<i64>;
    /// Sets it.
    fn set_observed_generation(&mut self, generation: Option<i64>);
    /// Sets which signatures were checked; kinds without them have nothing to set.
    fn set_verification_mode(&mut self, _mode: Option<String>) {}
    /// Sets the request that was served last.
    fn set_last_handled(&mut self, request: String);
}
