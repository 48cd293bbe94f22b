//! Bounds on Kubernetes Events: repeats are counted on one Event, and an object has a token bucket.
//!
//! Pure: time is passed in. Figures as in client-go's event correlator: 4096 remembered events, ten minutes,
//! a burst of 25 per object, then one per five minutes.
//! Source: client-go v0.36 `tools/record/events_cache.go`.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::{Duration, Instant};

const REMEMBERED: usize = 4096;
const MEMORY: Duration = Duration::from_secs(600);
const BURST: f64 = 25.0;
const REFILL: Duration = Duration::from_secs(300);

/// What to do with an event.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Create a new Kubernetes Event.
    Create,
    /// Raise the count of the Event of that name.
    Repeat {
        /// The Kubernetes Event's name.
        name: String,
        /// The new count.
        count: i32,
    },
    /// The object has used up its events.
    Drop,
}

/// Remembers what was posted. `K` identifies equal events, `O` the object.
#[derive(Debug)]
pub(crate) struct Budget<K, O> {
    posted: HashMap<K, Posted>,
    buckets: HashMap<O, Bucket>,
}

#[derive(Debug)]
struct Posted {
    name: String,
    count: i32,
    at: Instant,
}

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    at: Instant,
}

impl<K: Eq + Hash, O: Eq + Hash> Budget<K, O> {
    /// Nothing posted yet.
    pub(crate) fn new() -> Self {
        Self {
            posted: HashMap::new(),
            buckets: HashMap::new(),
        }
    }

    /// Spends a token of `object` and says whether `event` repeats one that was posted.
    pub(crate) fn decide(&mut self, now: Instant, event: &K, object: O) -> Decision {
        self.shrink(now);
        let bucket = self.buckets.entry(object).or_insert(Bucket {
            tokens: BURST,
            at: now,
        });
        let refilled =
            now.saturating_duration_since(bucket.at).as_secs_f64() / REFILL.as_secs_f64();
        bucket.tokens = (bucket.tokens + refilled).min(BURST);
        bucket.at = now;
        if bucket.tokens < 1.0 {
            return Decision::Drop;
        }
        bucket.tokens -= 1.0;
        match self.posted.get_mut(event) {
            Some(posted) if now.saturating_duration_since(posted.at) < MEMORY => {
                posted.count = posted.count.saturating_add(1);
                posted.at = now;
                Decision::Repeat {
                    name: posted.name.clone(),
                    count: posted.count,
                }
            }
            _ => Decision::Create,
        }
    }

    /// Remembers that `event` was posted under `name`.
    pub(crate) fn created(&mut self, now: Instant, event: K, name: String) {
        self.posted.insert(
            event,
            Posted {
                name,
                count: 1,
                at: now,
            },
        );
    }

    /// Forgets `event`, whose Kubernetes Event is gone.
    pub(crate) fn forget(&mut self, event: &K) {
        self.posted.remove(event);
    }

    fn shrink(&mut self, now: Instant) {
        if self.posted.len() >= REMEMBERED {
            self.posted
                .retain(|_, posted| now.saturating_duration_since(posted.at) < MEMORY);
        }
        if self.posted.len() >= REMEMBERED {
            self.posted.clear();
        }
        if self.buckets.len() >= REMEMBERED {
            self.buckets
                .retain(|_, bucket| now.saturating_duration_since(bucket.at) < REFILL);
        }
        if self.buckets.len() >= REMEMBERED {
            self.buckets.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_equal_event_raises_the_count_within_ten_minutes() {
        let mut budget = Budget::new();
        let start = Instant::now();
        assert_eq!(budget.decide(start, &"a", 1), Decision::Create);
        budget.created(start, "a", "n".into());
        assert_eq!(
            budget.decide(start, &"a", 1),
            Decision::Repeat {
                name: "n".into(),
                count: 2
            }
        );
        assert_eq!(budget.decide(start + MEMORY, &"a", 1), Decision::Create);
    }

    #[test]
    fn an_object_has_a_burst_of_25_and_then_one_per_five_minutes() {
        let mut budget = Budget::new();
        let start = Instant::now();
        for n in 0..25 {
            assert_eq!(budget.decide(start, &n, 1), Decision::Create);
        }
        assert_eq!(budget.decide(start, &99, 1), Decision::Drop);
        assert_eq!(budget.decide(start, &99, 2), Decision::Create);
        assert_eq!(budget.decide(start + REFILL, &99, 1), Decision::Create);
        assert_eq!(budget.decide(start + REFILL, &99, 1), Decision::Drop);
    }

    #[test]
    fn memory_stays_bounded() {
        let mut budget = Budget::new();
        let start = Instant::now();
        for n in 0..10_000 {
            budget.decide(start, &n, n);
            budget.created(start, n, String::new());
        }
        assert!(budget.posted.len() <= REMEMBERED && budget.buckets.len() <= REMEMBERED);
    }
}
