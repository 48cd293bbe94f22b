//! The work queue of one kind: which object is worked on next, and when again.
//!
//! Pure: it has no clock and no tasks; [`crate::work`] puts both around it. Per object there is at most one
//! entry and one running pass. Within a priority the namespaces take turns, so that one tenant's thousand
//! objects cannot starve another's one; every eighth turn goes to the lowest priority that waits, so that no
//! priority can starve another for good.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::time::{Duration, Instant};

use crate::kind::Key;

/// How urgent work is. Later ones go first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// A timer ran out: the interval, a retry. Does not supersede a running pass.
    Timer,
    /// The spec, a source or anything else that the object depends on has changed.
    Changed,
    /// A user asked for it.
    Requested,
    /// The object is being deleted.
    Deletion,
}

/// Work to queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wake {
    /// The object.
    pub key: Key,
    /// How urgent it is.
    pub priority: Priority,
    /// Why, in a word or two for the log, e.g. `source changed`.
    pub reason: &'static str,
    /// What set it off, as `Kind/namespace/name`.
    pub origin: Option<String>,
}

impl Wake {
    /// Work on `key` of that urgency.
    pub fn new(key: Key, priority: Priority, reason: &'static str) -> Self {
        Self {
            key,
            priority,
            reason,
            origin: None,
        }
    }

    /// Work on `key` because something it depends on has changed.
    pub fn changed(key: Key, reason: &'static str) -> Self {
        Self::new(key, Priority::Changed, reason)
    }

    /// The same, set off by the object `Kind/namespace/name`.
    #[must_use]
    pub fn by(mut self, origin: impl Into<String>) -> Self {
        self.origin = Some(origin.into());
        self
    }
}

/// Why a pass runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trigger {
    /// The highest priority that was asked for since the last pass began.
    pub priority: Priority,
    /// The reason that came with it.
    pub reason: &'static str,
    /// How long the object has waited in the queue.
    pub waited: Duration,
}

/// When an object runs again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Again {
    /// When something changes; ends a back-off.
    Never,
    /// After the duration; ends a back-off.
    After(Duration),
    /// After the object's back-off, which doubles.
    Backoff,
    /// At once, back-off untouched.
    Now,
}

/// The bounds of the exponential back-off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// After the first failure: `--min-retry-delay`.
    pub min: Duration,
    /// At most: `--max-retry-delay`.
    pub max: Duration,
}

impl Backoff {
    /// The delay after so many failures in a row, the first being 0.
    pub fn delay(&self, failures: u32) -> Duration {
        let factor = 1_u32.checked_shl(failures).unwrap_or(u32::MAX);
        self.min
            .checked_mul(factor)
            .map_or(self.max, |delay| delay.min(self.max))
    }
}

/// What [`Queue::add`] did.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Added {
    /// The object waits in the queue now.
    Queued,
    /// It did before.
    AlreadyQueued,
    /// A pass is running: the object runs again afterwards.
    AfterRunning {
        /// The running pass is out of date.
        supersedes: bool,
    },
}

/// One turn in this many goes to the lowest priority.
const FAIR_TURN: u64 = 8;

#[derive(Debug)]
pub(crate) struct Queue {
    backoff: Backoff,
    entries: HashMap<Key, Entry>,
    levels: BTreeMap<Priority, Level>,
    timers: BTreeSet<(Instant, Key)>,
    depth: usize,
    turns: u64,
}

#[derive(Debug, Default)]
struct Entry {
    queued: Option<Waiting>,
    running: Option<Instant>,
    due: Option<Instant>,
    failures: u32,
}

#[derive(Debug, Clone)]
struct Waiting {
    priority: Priority,
    reason: &'static str,
    origin: Option<String>,
    since: Instant,
}

impl Waiting {
    /// What waits when `wake` arrives and `before` waits already: the more urgent of the two.
    fn after(before: Option<Self>, wake: &Wake, now: Instant) -> Self {
        let origin = wake.origin.clone();
        match before {
            None => Self {
                priority: wake.priority,
                reason: wake.reason,
                origin,
                since: now,
            },
            Some(before) if wake.priority > before.priority => Self {
                priority: wake.priority,
                reason: wake.reason,
                origin: origin.or(before.origin),
                since: before.since,
            },
            Some(before) => Self {
                origin: before.origin.or(origin),
                ..before
            },
        }
    }
}

/// The objects of one priority: namespaces in the order of their turns.
#[derive(Debug, Default)]
struct Level {
    turns: VecDeque<String>,
    keys: HashMap<String, VecDeque<Key>>,
}

impl Queue {
    pub(crate) fn new(backoff: Backoff) -> Self {
        Self {
            backoff,
            entries: HashMap::new(),
            levels: BTreeMap::new(),
            timers: BTreeSet::new(),
            depth: 0,
            turns: 0,
        }
    }

    /// How many objects wait for a worker, timers not counted.
    pub(crate) fn depth(&self) -> usize {
        self.depth
    }

    /// Queues `wake`, or remembers it for after the running pass.
    pub(crate) fn add(&mut self, now: Instant, wake: &Wake) -> Added {
        let entry = self.entries.entry(wake.key.clone()).or_default();
        let before = entry.queued.take();
        let was = before.as_ref().map(|waiting| waiting.priority);
        entry.queued = Some(Waiting::after(before, wake, now));
        if entry.running.is_some() {
            return Added::AfterRunning {
                supersedes: wake.priority > Priority::Timer,
            };
        }
        if was.is_none_or(|was| wake.priority > was) {
            self.levels
                .entry(wake.priority)
                .or_default()
                .push(wake.key.clone());
        }
        match was {
            Some(_) => Added::AlreadyQueued,
            None => {
                self.depth += 1;
                Added::Queued
            }
        }
    }

    /// What set off the work that waits for the running pass over `key` to end.
    pub(crate) fn origin(&self, key: &Key) -> Option<String> {
        self.entries.get(key)?.queued.as_ref()?.origin.clone()
    }

    /// Queues the objects whose time has come; returns how many.
    pub(crate) fn advance(&mut self, now: Instant) -> usize {
        let mut count = 0;
        while let Some((due, _)) = self.timers.first()
            && *due <= now
        {
            let (_, key) = self.timers.pop_first().expect("first was just seen");
            if let Some(entry) = self.entries.get_mut(&key) {
                entry.due = None;
            }
            self.add(now, &Wake::new(key, Priority::Timer, "timer"));
            count += 1;
        }
        count
    }

    /// When [`Self::advance`] has something to do.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.timers.first().map(|(due, _)| *due)
    }

    /// Whether there is work in a namespace that `may` have some done.
    pub(crate) fn has_work(&self, may: impl Fn(&str) -> bool) -> bool {
        let mut levels = self.levels.values();
        self.depth > 0 && levels.any(|level| level.turns.iter().any(|namespace| may(namespace)))
    }

    /// The next object to work on, of a namespace that `may` have work done; it counts as running until
    /// [`Self::done`].
    pub(crate) fn pop(
        &mut self,
        now: Instant,
        may: impl Fn(&str) -> bool,
    ) -> Option<(Key, Trigger)> {
        if self.depth == 0 {
            self.levels.clear();
            return None;
        }
        self.turns += 1;
        let lowest_first = self.turns.is_multiple_of(FAIR_TURN);
        let mut priorities: Vec<Priority> = self.levels.keys().copied().collect();
        if !lowest_first {
            priorities.reverse();
        }
        priorities
            .into_iter()
            .find_map(|priority| self.pop_from(priority, now, &may))
    }

    fn pop_from(
        &mut self,
        priority: Priority,
        now: Instant,
        may: &impl Fn(&str) -> bool,
    ) -> Option<(Key, Trigger)> {
        while let Some(key) = self.levels.get_mut(&priority)?.pop(may) {
            let Some(entry) = self.entries.get_mut(&key) else {
                continue;
            };
            // An object whose priority was raised is listed twice; only one place counts.
            let idle = entry.running.is_none();
            let counts = |waiting: &mut Waiting| waiting.priority == priority && idle;
            let Some(waiting) = entry.queued.take_if(counts) else {
                continue;
            };
            entry.running = Some(now);
            self.depth -= 1;
            if let Some(due) = entry.due.take() {
                self.timers.remove(&(due, key.clone()));
            }
            let waited = now.saturating_duration_since(waiting.since);
            return Some((
                key,
                Trigger {
                    priority,
                    reason: waiting.reason,
                    waited,
                },
            ));
        }
        if self.levels.get(&priority)?.turns.is_empty() {
            self.levels.remove(&priority);
        }
        None
    }

    /// The pass over `key` is over; returns the delay that was set, if any.
    pub(crate) fn done(&mut self, now: Instant, key: &Key, again: Again) -> Option<Duration> {
        let entry = self.entries.get_mut(key)?;
        entry.running = None;
        let delay = match again {
            Again::Never | Again::Now => None,
            Again::After(delay) => Some(delay),
            Again::Backoff => Some(self.backoff.delay(entry.failures)),
        };
        match again {
            Again::Backoff => entry.failures = entry.failures.saturating_add(1),
            Again::Never | Again::After(_) => entry.failures = 0,
            Again::Now => {}
        }
        if again == Again::Now && entry.queued.is_none() {
            entry.queued = Some(Waiting {
                priority: Priority::Changed,
                reason: "superseded",
                origin: None,
                since: now,
            });
        }
        if let Some(waiting) = &entry.queued {
            self.depth += 1;
            self.levels
                .entry(waiting.priority)
                .or_default()
                .push(key.clone());
            return None;
        }
        match delay.and_then(|delay| now.checked_add(delay)) {
            Some(due) => {
                entry.due = Some(due);
                self.timers.insert((due, key.clone()));
            }
            None if entry.failures == 0 => drop(self.entries.remove(key)),
            None => {}
        }
        delay
    }

    /// Forgets the timer and the back-off of an object that is gone.
    pub(crate) fn forget(&mut self, key: &Key) {
        let Some(entry) = self.entries.get_mut(key) else {
            return;
        };
        entry.failures = 0;
        if let Some(due) = entry.due.take() {
            self.timers.remove(&(due, key.clone()));
        }
        if entry.running.is_none() && entry.queued.is_none() {
            self.entries.remove(key);
        }
    }

    /// The ages of all running passes: their sum and the longest.
    pub(crate) fn running(&self, now: Instant) -> (Duration, Duration) {
        let ages = self.entries.values().filter_map(|entry| entry.running);
        ages.map(|since| now.saturating_duration_since(since))
            .fold((Duration::ZERO, Duration::ZERO), |(sum, longest), age| {
                (sum + age, longest.max(age))
            })
    }
}

impl Level {
    fn push(&mut self, key: Key) {
        let keys = self.keys.entry(key.namespace.clone()).or_default();
        if keys.is_empty() {
            self.turns.push_back(key.namespace.clone());
        }
        keys.push_back(key);
    }

    fn pop(&mut self, may: impl Fn(&str) -> bool) -> Option<Key> {
        let first = self.turns.iter().position(|namespace| may(namespace))?;
        let namespace = self.turns.remove(first)?;
        let keys = self.keys.get_mut(&namespace)?;
        let key = keys.pop_front();
        match keys.is_empty() {
            true => drop(self.keys.remove(&namespace)),
            false => self.turns.push_back(namespace),
        }
        key
    }
}

#[cfg(test)]
mod tests;
