//! Fetches that several objects share: in progress, and just made.
//!
//! Who asks for the same commits of the same URL with equal credentials waits for the one that asked first, or
//! takes what it has brought. Each has listed the repository by itself before, so each has proved its own right,
//! with the very credentials that count here.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use gix::ObjectId;
use parking_lot::{Condvar, Mutex};
use tokio::runtime::Handle;
use tokio::time::Instant;

use crate::error::Error;
use crate::pack::Pack;
use crate::remote::RemoteOptions;
use crate::session::Session;
use crate::workspace::Workspace;

/// How long objects are kept after their last use.
const KEEP: Duration = Duration::from_secs(60);
/// Bytes of objects that are kept at most, beside those in use.
const KEPT_BYTES: u64 = 512 << 20;
/// How often who waits looks whether it still may.
const LOOK: Duration = Duration::from_millis(20);

/// What two fetches must have in common to be one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) url: String,
    pub(crate) options: RemoteOptions,
    pub(crate) wants: Vec<ObjectId>,
    pub(crate) part: Part,
}

/// What of the wanted objects comes along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// The commits with all that is in them.
    Whole,
    /// The commits with their trees.
    Trees,
    /// Just these objects.
    Named,
}

/// The objects of a fetch. They are deleted from disk with the last user.
pub(crate) type Objects = Arc<Pack>;

/// The process's fetches.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fetches {
    slots: Arc<Mutex<Vec<Arc<Slot>>>>,
    workspace: Arc<Workspace>,
}

#[derive(Debug)]
struct Slot {
    key: Key,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
enum State {
    Running,
    Done {
        objects: Objects,
        bytes: u64,
        used: Instant,
    },
    Failed,
}

/// What to do for a key.
pub(crate) enum Turn {
    /// Somebody has fetched it.
    Have(Objects),
    /// Fetch it; who else wants it waits for this to be [told](Lead::done) or dropped.
    Fetch(Lead),
}

impl Fetches {
    /// None yet, their objects below this folder.
    pub(crate) fn below(folder: PathBuf) -> Self {
        Self {
            slots: Arc::default(),
            workspace: Arc::new(Workspace::below(folder)),
        }
    }

    /// The folder below which objects are put.
    pub(crate) fn folder(&self) -> io::Result<PathBuf> {
        self.workspace.path()
    }

    /// Waits for somebody else's fetch, or makes it the caller's turn.
    pub(crate) fn turn(&self, key: &Key, session: &Session) -> Result<Turn, Error> {
        loop {
            let slot = {
                let mut slots = self.slots.lock();
                match slots.iter().find(|slot| slot.key == *key) {
                    Some(slot) => Arc::clone(slot),
                    None => {
                        let slot = Arc::new(Slot {
                            key: key.clone(),
                            state: Mutex::new(State::Running),
                            changed: Condvar::new(),
                        });
                        slots.push(Arc::clone(&slot));
                        let fetches = self.clone();
                        return Ok(Turn::Fetch(Lead { fetches, slot }));
                    }
                }
            };
            let mut state = slot.state.lock();
            while matches!(*state, State::Running) {
                session.check()?;
                slot.changed.wait_for(&mut state, LOOK);
            }
            if let State::Done { objects, used, .. } = &mut *state {
                *used = Instant::now();
                return Ok(Turn::Have(Arc::clone(objects)));
            }
            // It failed for somebody else, who perhaps had less time: now it is somebody else's turn.
        }
    }

    /// Lets go of what nobody asked for lately, and of the least recently used above the bound.
    fn tidy(&self, keep: Duration, most: u64) {
        let mut done: Vec<(Instant, u64, Arc<Slot>)> = Vec::new();
        let mut slots = self.slots.lock();
        for slot in slots.iter() {
            if let State::Done { bytes, used, .. } = &*slot.state.lock() {
                done.push((*used, *bytes, Arc::clone(slot)));
            }
        }
        done.sort_by_key(|(used, ..)| std::cmp::Reverse(*used));
        let mut held = 0_u64;
        for (used, bytes, slot) in done {
            held = held.saturating_add(bytes);
            if used.elapsed() >= keep || held > most {
                slots.retain(|kept| !Arc::ptr_eq(kept, &slot));
            }
        }
    }

    fn tidy_later(&self, handle: &Handle) {
        let weak = Arc::downgrade(&self.slots);
        let workspace = Arc::downgrade(&self.workspace);
        handle.spawn(async move {
            // Uses meanwhile make it longer: look again until it is gone.
            loop {
                tokio::time::sleep(KEEP).await;
                let (Some(slots), Some(workspace)) = (weak.upgrade(), workspace.upgrade()) else {
                    return;
                };
                let fetches = Self { slots, workspace };
                fetches.tidy(KEEP, KEPT_BYTES);
                if fetches.slots.lock().is_empty() {
                    return;
                }
            }
        });
    }
}

/// The right, and the duty, to fetch for all who want the same.
pub(crate) struct Lead {
    fetches: Fetches,
    slot: Arc<Slot>,
}

impl Lead {
    /// Hands out what was fetched.
    pub(crate) fn done(self, objects: Pack, session: &Session) -> Objects {
        let bytes = objects.bytes();
        let objects = Arc::new(objects);
        *self.slot.state.lock() = State::Done {
            objects: Arc::clone(&objects),
            bytes,
            used: Instant::now(),
        };
        self.fetches.tidy(KEEP, KEPT_BYTES);
        self.fetches.tidy_later(session.handle());
        objects
    }
}

impl Drop for Lead {
    fn drop(&mut self) {
        let mut state = self.slot.state.lock();
        if matches!(*state, State::Running) {
            *state = State::Failed;
            drop(state);
            let mut slots = self.fetches.slots.lock();
            slots.retain(|slot| !Arc::ptr_eq(slot, &self.slot));
        }
        self.slot.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(url: &str) -> Key {
        Key {
            url: url.to_owned(),
            options: RemoteOptions::default(),
            wants: Vec::new(),
            part: Part::Whole,
        }
    }

    async fn with_session<T: Send + 'static>(
        work: impl FnOnce(&Session) -> Result<T, Error> + Send + 'static,
    ) -> T {
        let git = crate::Git::new(1);
        git.run(Duration::from_secs(60), work).await.expect("works")
    }

    #[tokio::test]
    async fn a_failed_fetch_is_the_next_ones_turn() {
        let fetches = Fetches::default();
        with_session(move |session| {
            let Turn::Fetch(lead) = fetches.turn(&key("a"), session)? else {
                panic!("nobody has fetched it");
            };
            let (other, waiting) = (fetches.clone(), session.clone());
            let waiter = std::thread::spawn(move || match other.turn(&key("a"), &waiting) {
                Ok(Turn::Fetch(lead)) => lead.done(Pack::hollow(1), &waiting),
                _ => panic!("it is the waiter's turn"),
            });
            drop(lead);
            let objects = waiter.join().expect("fetches");
            let Turn::Have(again) = fetches.turn(&key("a"), session)? else {
                panic!("it was fetched");
            };
            assert!(Arc::ptr_eq(&objects, &again));
            assert!(matches!(fetches.turn(&key("b"), session)?, Turn::Fetch(_)));
            Ok(())
        })
        .await;
    }

    #[tokio::test]
    async fn the_least_recently_used_go_above_the_bound_and_all_when_their_time_is_over() {
        let fetches = Fetches::default();
        with_session(move |session| {
            let mut paths = Vec::new();
            for url in ["a", "b", "c"] {
                let Turn::Fetch(lead) = fetches.turn(&key(url), session)? else {
                    panic!("nobody has fetched it");
                };
                let objects = lead.done(Pack::hollow(1000), session);
                paths.push(objects.folder().to_owned());
            }
            let used = fetches.turn(&key("a"), session)?;
            assert!(matches!(used, Turn::Have(_)));
            fetches.tidy(KEEP, 2000);
            let there: Vec<bool> = paths.iter().map(|path| path.is_dir()).collect();
            assert_eq!(there, [true, false, true]);
            fetches.tidy(Duration::ZERO, 2000);
            assert!(fetches.slots.lock().is_empty());
            // Who reads from it goes on.
            assert!(paths[0].is_dir() && !paths[2].is_dir());
            drop(used);
            assert!(!paths[0].is_dir());
            Ok(())
        })
        .await;
    }
}
