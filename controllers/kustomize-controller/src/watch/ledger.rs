//! What was applied to a cluster since the start, object by object: the measure of drift, and what need not be asked
//! another time.

use std::collections::{HashMap, HashSet};

use parking_lot::Mutex;
use weir_apply::{Accepted, Owned};
use weir_runtime::kind::Key;

use super::seen::{ObjectKey, Seen};

/// What the last apply of an object came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Memory {
    /// The Kustomization that applied it.
    pub owner: Key,
    /// The object's uid after that.
    pub uid: String,
    /// Its version after that.
    pub resource_version: String,
    /// What was accepted.
    pub accepted: Accepted,
    /// The definitions and policies that decided over it; `None` if they are not known.
    pub rules: Option<u64>,
}

impl Memory {
    /// Whether `seen` is what was there before the apply.
    #[must_use]
    pub fn is_newer_than(&self, seen: &Seen) -> bool {
        version(&self.resource_version) > version(&seen.resource_version)
    }

    /// Whether `seen` is a later state in which something of ours differs.
    #[must_use]
    pub fn has_drifted(&self, seen: &Seen) -> bool {
        version(&seen.resource_version) > version(&self.resource_version)
            && !seen.terminating
            && !seen.marks.ignored
            && self.accepted.owned.is_some()
            && (seen.uid != self.uid || seen.owned != self.accepted.owned)
    }
}

/// Versions of one resource can be compared as numbers.
fn version(text: &str) -> u64 {
    text.parse().unwrap_or_default()
}

/// The memories of all applied objects of a cluster.
#[derive(Debug, Default)]
pub struct Ledger(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    memories: HashMap<ObjectKey, Memory>,
    /// Being written right now: what a watch shows of them may be our own doing.
    busy: HashSet<ObjectKey>,
    /// Of these, those that a watch has shown meanwhile.
    seen: HashSet<ObjectKey>,
    /// Who was told of another owner of an object.
    told: HashMap<Key, HashSet<(ObjectKey, Key)>>,
    /// What a Kustomization's next pass has to tell.
    notices: HashMap<Key, Vec<String>>,
}

impl Ledger {
    /// What is remembered of an object.
    #[must_use]
    pub fn memory(&self, object: &ObjectKey) -> Option<Memory> {
        self.0.lock().memories.get(object).cloned()
    }

    /// The fields of an object that are ours since the last apply.
    #[must_use]
    pub fn owned(&self, object: &ObjectKey) -> Option<Owned> {
        let state = self.0.lock();
        state.memories.get(object)?.accepted.owned.clone()
    }

    /// The memory against which a change of an object counts; `None` while it is written by us, which is noted.
    #[must_use]
    pub fn measure(&self, object: &ObjectKey) -> Option<Memory> {
        let mut state = self.0.lock();
        if state.busy.contains(object) {
            state.seen.insert(object.clone());
            return None;
        }
        state.memories.get(object).cloned()
    }

    /// These are written from now on, until [`Ledger::written`].
    pub fn write(&self, objects: &[ObjectKey]) {
        self.0.lock().busy.extend(objects.iter().cloned());
    }

    /// These are written, and `memories` is what came of it. Returns what a watch has shown meanwhile.
    pub fn written(
        &self,
        objects: &[ObjectKey],
        memories: Vec<(ObjectKey, Memory)>,
    ) -> Vec<ObjectKey> {
        let mut state = self.0.lock();
        state.memories.extend(memories);
        let seen = |object: &&ObjectKey| {
            state.busy.remove(*object);
            state.seen.remove(*object)
        };
        objects.iter().filter(seen).cloned().collect()
    }

    /// The cluster has gone back in time: what is there of this kind now is later than whatever is remembered.
    pub fn rewind(&self, kind: &str) {
        let mut state = self.0.lock();
        let memories = state.memories.iter_mut();
        for (_, memory) in memories.filter(|(object, _)| object.kind == kind) {
            memory.resource_version.clear();
        }
    }

    /// `owner` no longer has these.
    pub fn forget(&self, owner: &Key, objects: impl Iterator<Item = ObjectKey>) {
        let mut state = self.0.lock();
        for object in objects {
            if state
                .memories
                .get(&object)
                .is_some_and(|memory| memory.owner == *owner)
            {
                state.memories.remove(&object);
            }
        }
    }

    /// `owner` is gone.
    pub fn forget_owner(&self, owner: &Key) {
        let mut state = self.0.lock();
        state.told.remove(owner);
        state.notices.remove(owner);
    }

    /// Whether `owner` has not been told yet that `object` belongs to `other`, too; from now on it has.
    #[must_use]
    pub fn tell(&self, owner: &Key, object: &ObjectKey, other: &Key) -> bool {
        let mut state = self.0.lock();
        let told = state.told.entry(owner.clone()).or_default();
        told.insert((object.clone(), other.clone()))
    }

    /// The next pass over `owner` says so.
    pub fn notice(&self, owner: &Key, text: String) {
        let mut state = self.0.lock();
        state.notices.entry(owner.clone()).or_default().push(text);
    }

    /// What the pass over `owner` has to say.
    #[must_use]
    pub fn notices(&self, owner: &Key) -> Vec<String> {
        self.0.lock().notices.remove(owner).unwrap_or_default()
    }
}
