//! The objects that a watch has seen, and who wants to know of changes.
//!
//! Levels, not edges: a subscriber has a mailbox with one entry per changed object. However slow it is, it
//! never blocks the watch, never misses the newest state, and holds at most one old value per object.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Weak};
use std::time::Instant;

use parking_lot::Mutex;
use tokio::sync::{Notify, watch};

use crate::kind::Key;

/// What a subscriber learns about one object: the state it last heard of, and the one now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change<V> {
    /// The object; the namespace is empty for cluster-scoped ones.
    pub key: Key,
    /// Before; `None` if it did not exist.
    pub old: Option<V>,
    /// Now; `None` if it is gone.
    pub new: Option<V>,
}

/// How far a watch can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sync {
    /// All objects have been read at least once.
    pub synced: bool,
    /// Since when the watch is broken; what is known may be old.
    pub stale_since: Option<Instant>,
    /// How often the server has gone back in time: versions from before cannot be compared with those from then on.
    pub rewound: u32,
}

/// A value together with what orders it among its predecessors.
#[derive(Debug, Clone)]
pub(crate) struct Versioned<V> {
    pub(crate) value: V,
    pub(crate) uid: String,
    pub(crate) version: Option<u64>,
}

#[derive(Debug)]
pub(crate) struct Cache<V> {
    state: Mutex<State<V>>,
    sync: watch::Sender<Sync>,
}

#[derive(Debug)]
struct State<V> {
    live: HashMap<Key, Versioned<V>>,
    /// The list being read; it replaces `live` when complete.
    listing: Option<HashMap<Key, Versioned<V>>>,
    /// The list being read is of a time before what is known: it counts, whatever the versions.
    rewound: bool,
    mailboxes: Vec<Weak<Mailbox<V>>>,
}

#[derive(Debug)]
pub(crate) struct Mailbox<V> {
    changed: Mutex<Changed<V>>,
    arrived: Notify,
}

#[derive(Debug)]
struct Changed<V> {
    order: VecDeque<Key>,
    old: HashMap<Key, Option<V>>,
}

impl<V: Clone> Cache<V> {
    pub(crate) fn new() -> Self {
        let state = State {
            live: HashMap::new(),
            listing: None,
            rewound: false,
            mailboxes: Vec::new(),
        };
        Self {
            state: Mutex::new(state),
            sync: watch::Sender::new(Sync::default()),
        }
    }

    pub(crate) fn get(&self, key: &Key) -> Option<V> {
        self.state
            .lock()
            .live
            .get(key)
            .map(|item| item.value.clone())
    }

    pub(crate) fn list(&self) -> Vec<(Key, V)> {
        self.state
            .lock()
            .live
            .iter()
            .map(|(key, item)| (key.clone(), item.value.clone()))
            .collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.state.lock().live.len()
    }

    pub(crate) fn sync(&self) -> watch::Receiver<Sync> {
        self.sync.subscribe()
    }

    /// A list begins.
    pub(crate) fn begin(&self) {
        self.state.lock().listing = Some(HashMap::new());
    }

    /// The server has gone back in time: the next list counts whatever its versions, and until then what is known may
    /// be wrong.
    pub(crate) fn rewound(&self, now: Instant) {
        self.state.lock().rewound = true;
        self.broken(now);
    }

    /// An object of the list.
    pub(crate) fn listed(&self, key: Key, item: Versioned<V>) {
        if let Some(listing) = &mut self.state.lock().listing {
            listing.insert(key, item);
        }
    }

    /// The list is complete, as of `version`: what it does not hold is gone, what is known in a newer version than the
    /// list's stays so. What is known in an older one, and newer than listed, never was: the server has gone back in
    /// time, and come to that version anew.
    pub(crate) fn complete(&self, version: Option<u64>) {
        let mut state = self.state.lock();
        let Some(listing) = state.listing.take() else {
            return;
        };
        let is_past = |known: &Versioned<V>| version.is_none() || known.version > version;
        let never_was = |(key, item): (&Key, &Versioned<V>)| {
            let known = state.live.get(key);
            known.is_some_and(|known| known.is_newer_than(item) && !is_past(known))
        };
        let rewound = state.rewound || listing.iter().any(never_was);
        state.rewound = false;
        if rewound {
            // Whoever hears of a change has to know first.
            self.sync.send_modify(|sync| sync.rewound += 1);
        }
        let mut old = std::mem::take(&mut state.live);
        let mut changes = Vec::new();
        for (key, item) in listing {
            let before = old.remove(&key);
            let item = match &before {
                Some(known) if !rewound && known.is_newer_than(&item) => known.clone(),
                _ => item,
            };
            if before
                .as_ref()
                .is_none_or(|before| before.differs_from(&item))
            {
                changes.push((key.clone(), before.map(|before| before.value)));
            }
            state.live.insert(key, item);
        }
        changes.extend(
            old.into_iter()
                .map(|(key, before)| (key, Some(before.value))),
        );
        state.tell(changes);
        drop(state);
        self.sync.send_if_modified(|sync| {
            let whole = Sync {
                synced: true,
                stale_since: None,
                rewound: sync.rewound,
            };
            std::mem::replace(sync, whole) != whole
        });
    }

    /// An object was created or changed. An older version than the known one is ignored.
    pub(crate) fn put(&self, key: Key, item: Versioned<V>) {
        let mut state = self.state.lock();
        if let Some(known) = state.live.get(&key)
            && (known.is_newer_than(&item) || !known.differs_from(&item))
        {
            return;
        }
        let old = state.live.insert(key.clone(), item).map(|old| old.value);
        state.tell(vec![(key, old)]);
    }

    /// Takes over the version that a write of our own returned, before the watch brings it.
    /// Does nothing if the object is no longer there, so that a late reply raises no dead.
    pub(crate) fn put_written(&self, key: &Key, item: Versioned<V>) {
        let known = self
            .state
            .lock()
            .live
            .get(key)
            .map(|known| known.uid == item.uid);
        if known == Some(true) {
            self.put(key.clone(), item);
        }
    }

    /// An object was deleted, or is no longer of interest.
    pub(crate) fn remove(&self, key: &Key) {
        let mut state = self.state.lock();
        if let Some(old) = state.live.remove(key) {
            state.tell(vec![(key.clone(), Some(old.value))]);
        }
    }

    /// The watch broke; what is known may be old from now on.
    pub(crate) fn broken(&self, now: Instant) {
        self.sync.send_if_modified(|sync| {
            let first = sync.stale_since.is_none();
            sync.stale_since = sync.stale_since.or(Some(now));
            first
        });
    }

    /// The watch goes on from where it was: nothing was missed.
    pub(crate) fn resumed(&self) {
        self.sync
            .send_if_modified(|sync| sync.stale_since.take().is_some());
    }

    /// A mailbox that first holds everything there is.
    pub(crate) fn subscribe(&self) -> Arc<Mailbox<V>> {
        let mut state = self.state.lock();
        let order: VecDeque<Key> = state.live.keys().cloned().collect();
        let old = order.iter().map(|key| (key.clone(), None)).collect();
        let changed = Mutex::new(Changed { order, old });
        let mailbox = Arc::new(Mailbox {
            changed,
            arrived: Notify::new(),
        });
        mailbox.arrived.notify_one();
        state.mailboxes.push(Arc::downgrade(&mailbox));
        mailbox
    }

    /// The next change for `mailbox`, or `None` if there is none now.
    fn take(&self, mailbox: &Mailbox<V>) -> Option<Change<V>> {
        // The state's lock is taken first, as by those who tell of changes.
        let state = self.state.lock();
        loop {
            let mut changed = mailbox.changed.lock();
            let key = changed.order.pop_front()?;
            let old = changed.old.remove(&key).flatten();
            let new = state.live.get(&key).map(|item| item.value.clone());
            if old.is_some() || new.is_some() {
                return Some(Change { key, old, new });
            }
        }
    }

    /// Waits for the next change.
    pub(crate) async fn next(&self, mailbox: &Mailbox<V>) -> Change<V> {
        loop {
            let arrived = mailbox.arrived.notified();
            if let Some(change) = self.take(mailbox) {
                return change;
            }
            arrived.await;
        }
    }
}

impl<V: Clone> State<V> {
    fn tell(&mut self, changes: Vec<(Key, Option<V>)>) {
        if changes.is_empty() {
            return;
        }
        self.mailboxes.retain(|mailbox| match mailbox.upgrade() {
            Some(mailbox) => {
                mailbox.add(&changes);
                true
            }
            None => false,
        });
    }
}

impl<V: Clone> Mailbox<V> {
    fn add(&self, changes: &[(Key, Option<V>)]) {
        let mut changed = self.changed.lock();
        for (key, old) in changes {
            if !changed.old.contains_key(key) {
                changed.order.push_back(key.clone());
                changed.old.insert(key.clone(), old.clone());
            }
        }
        drop(changed);
        self.arrived.notify_one();
    }
}

impl<V> Versioned<V> {
    /// Whether `self` is a later version than `other`. API servers since 1.35 promise that the versions of
    /// one resource can be compared as numbers; those before do so in fact.
    fn is_newer_than(&self, other: &Self) -> bool {
        matches!((self.version, other.version), (Some(mine), Some(theirs)) if mine > theirs)
    }

    fn differs_from(&self, other: &Self) -> bool {
        self.uid != other.uid || self.version != other.version || self.version.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> Key {
        Key::new("ns", name)
    }

    fn item(version: u64, value: &'static str) -> Versioned<&'static str> {
        Versioned {
            value,
            uid: "u".into(),
            version: Some(version),
        }
    }

    /// All changes that wait in the mailbox, as `name: old -> new`.
    fn changes(cache: &Cache<&'static str>, mailbox: &Mailbox<&'static str>) -> Vec<String> {
        let mut all: Vec<String> = std::iter::from_fn(|| cache.take(mailbox))
            .map(|change| {
                format!(
                    "{}: {} -> {}",
                    change.key.name,
                    change.old.unwrap_or("-"),
                    change.new.unwrap_or("-")
                )
            })
            .collect();
        all.sort();
        all
    }

    #[test]
    fn a_subscriber_hears_first_what_is_there_and_then_what_changes() {
        let cache = Cache::new();
        cache.put(key("a"), item(1, "1"));
        let mailbox = cache.subscribe();
        assert_eq!(changes(&cache, &mailbox), ["a: - -> 1"]);
        cache.put(key("a"), item(2, "2"));
        cache.put(key("b"), item(3, "3"));
        cache.remove(&key("a"));
        assert_eq!(changes(&cache, &mailbox), ["a: 1 -> -", "b: - -> 3"]);
    }

    #[test]
    fn a_slow_subscriber_gets_the_newest_state_once() {
        let cache = Cache::new();
        let mailbox = cache.subscribe();
        for version in 1..1000 {
            cache.put(key("a"), item(version, "older"));
        }
        cache.put(key("a"), item(1000, "newest"));
        cache.put(key("b"), item(1001, "came"));
        cache.remove(&key("b"));
        assert_eq!(changes(&cache, &mailbox), ["a: - -> newest"]);
    }

    #[test]
    fn a_list_replaces_what_it_does_not_hold_and_keeps_what_is_newer() {
        let cache = Cache::new();
        cache.put(key("gone"), item(1, "gone"));
        cache.put(key("newer"), item(9, "newer"));
        cache.put(key("same"), item(3, "same"));
        cache.put(key("written"), item(2, "before"));
        let mailbox = cache.subscribe();
        changes(&cache, &mailbox);
        cache.begin();
        cache.listed(key("newer"), item(4, "older"));
        cache.listed(key("same"), item(3, "same"));
        cache.listed(key("fresh"), item(5, "fresh"));
        cache.listed(key("written"), item(5, "listed"));
        cache.put_written(&key("written"), item(6, "meanwhile"));
        assert_eq!(changes(&cache, &mailbox), ["written: before -> meanwhile"]);
        cache.complete(None);
        assert_eq!(
            changes(&cache, &mailbox),
            ["fresh: - -> fresh", "gone: gone -> -"]
        );
        assert_eq!(cache.get(&key("newer")), Some("newer"));
        assert_eq!(cache.get(&key("written")), Some("meanwhile"));
    }

    #[test]
    fn the_reply_to_our_own_write_stands_until_the_watch_catches_up() {
        let cache = Cache::new();
        cache.put(key("a"), item(1, "1"));
        cache.put_written(&key("a"), item(5, "ours"));
        cache.put(key("a"), item(3, "between"));
        assert_eq!(cache.get(&key("a")), Some("ours"));
        cache.put(key("a"), item(6, "later"));
        assert_eq!(cache.get(&key("a")), Some("later"));
    }

    #[test]
    fn a_late_reply_does_not_raise_the_dead() {
        let cache = Cache::new();
        cache.put_written(&key("a"), item(5, "ours"));
        assert_eq!(cache.get(&key("a")), None);
        cache.put(
            key("a"),
            Versioned {
                uid: "another".into(),
                ..item(6, "new")
            },
        );
        cache.put_written(&key("a"), item(7, "ours"));
        assert_eq!(cache.get(&key("a")), Some("new"));
    }

    #[test]
    fn after_going_back_in_time_the_list_counts_and_says_so_first() {
        let cache = Cache::new();
        cache.put(key("a"), item(8, "later"));
        cache.put(key("b"), item(9, "later"));
        let mailbox = cache.subscribe();
        assert_eq!(changes(&cache, &mailbox).len(), 2);
        cache.rewound(Instant::now());
        assert!(cache.sync().borrow().stale_since.is_some());
        cache.begin();
        cache.listed(key("a"), item(3, "earlier"));
        assert_eq!(cache.sync().borrow().rewound, 0);
        cache.complete(Some(4));
        let sync = Sync {
            synced: true,
            stale_since: None,
            rewound: 1,
        };
        assert_eq!(*cache.sync().borrow(), sync);
        let told = ["a: later -> earlier", "b: later -> -"];
        assert_eq!(changes(&cache, &mailbox), told);
        // It happened once: from now on older versions are late again.
        cache.put(key("a"), item(2, "late"));
        assert_eq!(cache.get(&key("a")), Some("earlier"));
    }

    #[test]
    fn going_back_in_time_shows_also_when_the_version_has_been_overtaken() {
        let cache = Cache::new();
        cache.put(key("a"), item(8, "later"));
        // Our own write, which the list has not seen yet.
        cache.put(key("b"), item(30, "ours"));
        cache.begin();
        cache.listed(key("b"), item(5, "before"));
        cache.listed(key("a"), item(8, "later"));
        cache.complete(Some(20));
        assert_eq!(cache.get(&key("b")), Some("ours"));
        assert_eq!(cache.sync().borrow().rewound, 0);
        // Version 8 was before 20: who lists 3 as of 20 has another past.
        cache.begin();
        cache.listed(key("a"), item(3, "earlier"));
        cache.complete(Some(20));
        assert_eq!(cache.get(&key("a")), Some("earlier"));
        assert_eq!(cache.sync().borrow().rewound, 1);
    }

    #[test]
    fn a_broken_watch_makes_the_cache_stale_until_it_resumes() {
        let cache: Cache<&str> = Cache::new();
        let sync = cache.sync();
        assert!(!sync.borrow().synced);
        cache.begin();
        cache.complete(None);
        assert_eq!(
            *sync.borrow(),
            Sync {
                synced: true,
                ..Sync::default()
            }
        );
        cache.broken(Instant::now());
        assert!(sync.borrow().stale_since.is_some());
        cache.resumed();
        assert_eq!(sync.borrow().stale_since, None);
    }

    #[tokio::test]
    async fn waiting_ends_with_a_change() {
        let cache = Arc::new(Cache::new());
        let mailbox = cache.subscribe();
        let later = Arc::clone(&cache);
        tokio::spawn(async move { later.put(key("a"), item(1, "1")) });
        assert_eq!(cache.next(&mailbox).await.new, Some("1"));
    }
}
