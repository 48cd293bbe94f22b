//! What a controller gives the shell for one kind, and what the shell gives a pass over one object.
//!
//! The shell owns the loop: it looks the object up, adds the finalizer, honours `suspend`, bounds the work,
//! times it, writes status, posts events, counts and requeues. A [`Kind`] only says what one pass does
//! ([`Kind::reconcile`], [`Kind::finalize`]) and, as a pure function, what to tell the world about it
//! ([`Kind::report`]).

use std::fmt::Debug;
use std::future::Future;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use weir_api::Reconcilable;

use crate::event::Event;
use crate::pass::Pass;

/// Namespace and name of a namespaced object.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// The namespace.
    pub namespace: String,
    /// The name.
    pub name: String,
}

impl Key {
    /// The key of `namespace`/`name`.
    pub fn new(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            namespace: namespace.into(),
            name: name.into(),
        }
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// One reconciled kind: its work as async steps, its status as a pure function.
pub trait Kind: Send + Sync + Sized + 'static {
    /// The custom resource.
    type Object: Reconcilable;
    /// What a pass has found to be true so far; survives a later step's failure.
    type Facts: Default + Clone + Send + Sync + Debug + 'static;
    /// Why a pass failed.
    type Error: Failure;

    /// The controller's upstream name, as in `reportingController`, e.g. `kustomize-controller`.
    const CONTROLLER: &'static str;
    /// The field manager of finalizer and status patches, e.g. `gotk-kustomize-controller`.
    const FIELD_MANAGER: &'static str;

    /// One pass over a live, unsuspended object that carries our finalizer.
    fn reconcile(&self, pass: &Pass<Self>) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Cleans up after an object that is being deleted; on `Ok` the shell takes the finalizer off.
    fn finalize(&self, pass: &Pass<Self>) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Status, events and next run for what happened. Pure: everything it may know is in the arguments.
    fn report(&self, report: Report<'_, Self>) -> Verdict<<Self::Object as Reconcilable>::Status>;
}

/// The arguments of [`Kind::report`].
#[derive(Debug)]
pub struct Report<'a, K: Kind> {
    /// The object as the pass saw it, with the status that was last written.
    pub object: &'a K::Object,
    /// What the pass found out.
    pub facts: &'a K::Facts,
    /// How far the pass has come.
    pub outcome: Outcome<'a, K::Error>,
    /// The wall clock.
    pub now: Timestamp,
    /// How long the pass has run, parked time included.
    pub elapsed: Duration,
}

/// How far a pass has come when it is reported.
#[derive(Debug)]
pub enum Outcome<'a, E> {
    /// Still at work: the shell writes progress, because the pass asked for it or takes long.
    Progressing,
    /// `reconcile` returned `Ok`.
    Reconciled,
    /// `reconcile` returned an error.
    Failed(&'a E),
    /// `spec.suspend` is set; nothing was done.
    Suspended,
    /// `finalize` returned `Ok`; status is not written any more, events are.
    Finalized,
    /// `finalize` returned an error; the finalizer stays.
    FinalizeFailed(&'a E),
}

impl<E> Outcome<'_, E> {
    /// The same outcome once more: asked about again after a conflict.
    pub(crate) fn again(&self) -> Outcome<'_, E> {
        match self {
            Self::Progressing => Outcome::Progressing,
            Self::Reconciled => Outcome::Reconciled,
            Self::Failed(error) => Outcome::Failed(error),
            Self::Suspended => Outcome::Suspended,
            Self::Finalized => Outcome::Finalized,
            Self::FinalizeFailed(error) => Outcome::FinalizeFailed(error),
        }
    }
}

/// What [`Kind::report`] decides.
#[derive(Debug)]
pub struct Verdict<S> {
    /// The whole new status. The shell patches only what differs, and nothing if nothing does.
    pub status: S,
    /// Events to post after the status is written.
    pub events: Vec<Event>,
    /// When to look again; a duration of zero is [`Next::Never`]. Ignored for [`Outcome::Progressing`].
    pub next: Next,
}

/// When the shell runs an object again without being asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// After the duration, spread by `--interval-jitter-percentage`: the interval after a success.
    Interval(Duration),
    /// After exactly the duration.
    After(Duration),
    /// After the object's own exponential back-off, `--min-retry-delay` doubling to `--max-retry-delay`.
    Backoff,
    /// Only when something changes: spec, annotation, or a watched object.
    Never,
}

/// What a controller's error tells the shell and the status.
pub trait Failure: std::error::Error + Send + Sync + 'static {
    /// The upstream reason for conditions and events, e.g. `BuildFailed`.
    fn reason(&self) -> &'static str;
    /// The pass was ended because newer work for the same object is queued; the shell starts over at once.
    fn superseded(&self) -> bool {
        false
    }
}

/// An error and its causes in one line, joined by `": "` as Go's `%w` reads.
#[derive(Debug, Clone, Copy)]
pub struct Chain<'a>(pub &'a (dyn std::error::Error + 'static));

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            write!(f, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}

/// Bound alias: a status that can be compared and patched as JSON.
pub trait StatusValue: Serialize + Clone + Send + Sync + Debug {}
impl<T: Serialize + Clone + Send + Sync + Debug> StatusValue for T {}
