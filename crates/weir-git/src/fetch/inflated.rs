//! A bound on what a pack inflates to, whatever its size: a few bytes of deltas can stand for very many.
//!
//! gix bounds each object, and counts the bytes of all of them as they are made. What it counts in is ours.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use gix::progress::{
    Count, DynNestedProgress, Id, MessageLevel, NestedProgress, Progress, Step, StepShared, Unit,
};

use crate::session::Session;

/// How often the count is looked at while objects are made.
const LOOK: Duration = Duration::from_millis(5);
/// What gix calls the counts of inflated bytes, first as they arrive and then as deltas are resolved.
const BYTES: Id = *b"IWDB";

/// Runs `work` until it has made more than `limit` bytes, or the session ends.
pub(super) fn bounded<T>(
    limit: u64,
    session: &Session,
    work: impl FnOnce(&mut dyn DynNestedProgress, &AtomicBool) -> gix::Result<T>,
) -> gix::Result<T> {
    let counts = Counts::default();
    let (stop, done) = (AtomicBool::new(false), AtomicBool::new(false));
    let exceeded = || counts.total() > limit;
    let outcome = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                if exceeded() || session.check().is_err() {
                    stop.store(true, Ordering::Relaxed);
                }
                std::thread::park_timeout(LOOK);
            }
        });
        let _done = OnDrop(&done);
        work(&mut Meter::new(&counts, BYTES), &stop)
    });
    if exceeded() {
        let text = format!("the pack inflates to more than {limit} bytes");
        return Err(gix::Error::from_error(io::Error::other(text)));
    }
    outcome
}

/// Ends the watch also should a library panic.
struct OnDrop<'a>(&'a AtomicBool);

impl Drop for OnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The counts that were handed out. The larger one is what there is at a time.
#[derive(Clone, Default)]
struct Counts(Arc<parking_lot::Mutex<Vec<StepShared>>>);

impl Counts {
    fn total(&self) -> u64 {
        let counts = self.0.lock();
        let largest = counts.iter().map(|count| count.load(Ordering::Relaxed));
        largest.max().unwrap_or_default() as u64
    }
}

/// One of gix's progress items. Only those of bytes are kept.
struct Meter {
    counts: Counts,
    id: Id,
    count: StepShared,
}

impl Meter {
    fn new(counts: &Counts, id: Id) -> Self {
        let count = StepShared::default();
        if id == BYTES {
            counts.0.lock().push(Arc::clone(&count));
        }
        Self {
            counts: counts.clone(),
            id,
            count,
        }
    }
}

impl Count for Meter {
    fn set(&self, step: Step) {
        self.count.store(step, Ordering::Relaxed);
    }

    fn step(&self) -> Step {
        self.count.load(Ordering::Relaxed)
    }

    fn inc_by(&self, step: Step) {
        self.count.fetch_add(step, Ordering::Relaxed);
    }

    fn counter(&self) -> StepShared {
        Arc::clone(&self.count)
    }
}

impl Progress for Meter {
    fn init(&mut self, _max: Option<Step>, _unit: Option<Unit>) {}

    fn set_name(&mut self, _name: String) {}

    fn name(&self) -> Option<String> {
        None
    }

    fn id(&self) -> Id {
        self.id
    }

    fn message(&self, _level: MessageLevel, _message: String) {}
}

impl NestedProgress for Meter {
    type SubProgress = Self;

    fn add_child(&mut self, _name: impl Into<String>) -> Self {
        Self::new(&self.counts, *b"OTHR")
    }

    fn add_child_with_id(&mut self, _name: impl Into<String>, id: Id) -> Self {
        Self::new(&self.counts, id)
    }
}
