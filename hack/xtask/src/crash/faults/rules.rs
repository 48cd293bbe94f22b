//! Faults of single requests.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use harness::{ApiRequest, Fate};

type Rule = Box<dyn Fn(&ApiRequest) -> Fate + Send + Sync>;

/// Something that goes wrong with requests for a while.
pub(super) struct Fault {
    pub(super) name: &'static str,
    /// What is under way meanwhile.
    pub(super) scenario: &'static str,
    pub(super) rule: fn() -> Rule,
    pub(super) lasts: Duration,
    /// The most requests that may come meanwhile.
    pub(super) most: usize,
}

/// More requests than any run makes in the time.
const MANY: usize = 600;

const fn fault(
    name: &'static str,
    scenario: &'static str,
    seconds: u64,
    rule: fn() -> Rule,
) -> Fault {
    Fault {
        name,
        scenario,
        rule,
        lasts: Duration::from_secs(seconds),
        most: MANY,
    }
}

/// All faults of single requests.
pub(super) const FAULTS: [Fault; 17] = [
    fault(
        "F2  the first status write is never answered",
        "upgrade",
        2,
        hang_first_status,
    ),
    Fault {
        most: 120,
        ..fault(
            "F3  429 with Retry-After: 1 for every write, 10 s",
            "upgrade",
            10,
            too_many_soon,
        )
    },
    Fault {
        most: 120,
        ..fault(
            "F3  429 with Retry-After: 300 for every write, 10 s",
            "upgrade",
            10,
            too_many_later,
        )
    },
    fault(
        "F4  500 for every second write, 10 s",
        "upgrade",
        10,
        || every(2, 500),
    ),
    fault(
        "F4  503 for every second write, 10 s",
        "install",
        10,
        || every(2, 503),
    ),
    fault("F4  500 for everything, 10 s", "prune", 10, || {
        every_request(500)
    }),
    fault(
        "F4  every second write is taken and its answer lost, 10 s",
        "upgrade",
        10,
        lose_every_second,
    ),
    fault(
        "F4  every second write is taken and its answer lost, 10 s, deletion",
        "delete",
        10,
        lose_every_second,
    ),
    fault(
        "F5  409 for the first 20 status writes",
        "upgrade",
        12,
        conflict_first_20,
    ),
    fault(
        "F5  409 for every second write, 8 s, deletion",
        "delete",
        8,
        || every(2, 409),
    ),
    fault(
        "F7  every watch has expired (410), 8 s",
        "upgrade",
        8,
        expire,
    ),
    fault(
        "F7  every watch is cut after 300 ms, 8 s, prune",
        "prune",
        8,
        cut,
    ),
    fault(
        "F7  every watch is cut after 300 ms, 8 s, drift",
        "drift",
        8,
        cut,
    ),
    fault(
        "F9  watches of one kind always fail",
        "upgrade",
        5,
        one_kind_fails,
    ),
    fault("F12 every answer takes 2 s, 10 s", "upgrade", 10, slow),
    fault("F15 403 for every write, 6 s", "upgrade", 6, || {
        every(1, 403)
    }),
    fault(
        "F15 403 for every write, 6 s, deletion",
        "delete",
        6,
        || every(1, 403),
    ),
];

fn every(number: usize, status: u16) -> Rule {
    let seen = AtomicUsize::new(0);
    Box::new(move |asked| {
        if asked.is_write() && seen.fetch_add(1, Ordering::SeqCst).is_multiple_of(number) {
            return Fate::Refuse(status, None);
        }
        Fate::Pass
    })
}

fn every_request(status: u16) -> Rule {
    Box::new(move |_| Fate::Refuse(status, None))
}

fn hang_first_status() -> Rule {
    let seen = AtomicUsize::new(0);
    Box::new(move |asked| {
        let status = asked.is_write() && asked.subresource == "status";
        match status && seen.fetch_add(1, Ordering::SeqCst) == 0 {
            true => Fate::Hang,
            false => Fate::Pass,
        }
    })
}

fn too_many_soon() -> Rule {
    too_many(1)
}

fn too_many_later() -> Rule {
    too_many(300)
}

fn too_many(after: u64) -> Rule {
    Box::new(move |asked| match asked.is_write() {
        true => Fate::Refuse(429, Some(after)),
        false => Fate::Pass,
    })
}

fn lose_every_second() -> Rule {
    let seen = AtomicUsize::new(0);
    Box::new(move |asked| {
        if asked.is_write() && seen.fetch_add(1, Ordering::SeqCst).is_multiple_of(2) {
            return Fate::LoseAnswer(Arc::new(|| {}));
        }
        Fate::Pass
    })
}

fn conflict_first_20() -> Rule {
    let seen = AtomicUsize::new(0);
    Box::new(move |asked| {
        let status = asked.is_write() && asked.subresource == "status";
        match status && seen.fetch_add(1, Ordering::SeqCst) < 20 {
            true => Fate::Refuse(409, None),
            false => Fate::Pass,
        }
    })
}

fn expire() -> Rule {
    Box::new(|asked| match asked.is_watch() {
        true => Fate::Expire,
        false => Fate::Pass,
    })
}

fn cut() -> Rule {
    Box::new(|asked| match asked.is_watch() {
        true => Fate::CutAfter(Duration::from_millis(300)),
        false => Fate::Pass,
    })
}

fn one_kind_fails() -> Rule {
    Box::new(|asked| match &*asked.resource {
        "buckets" | "services" => Fate::Refuse(500, None),
        _ => Fate::Pass,
    })
}

fn slow() -> Rule {
    Box::new(|asked| match asked.is_watch() {
        true => Fate::Pass,
        false => Fate::Delay(Duration::from_secs(2)),
    })
}
