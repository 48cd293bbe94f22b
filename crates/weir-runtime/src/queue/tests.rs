//! The queue's rules, one per test.

use super::*;

const BACKOFF: Backoff = Backoff {
    min: Duration::from_millis(750),
    max: Duration::from_secs(900),
};

fn queue() -> (Queue, Instant) {
    (Queue::new(BACKOFF), Instant::now())
}

fn key(text: &str) -> Key {
    let (namespace, name) = text.split_once('/').expect("namespace/name");
    Key::new(namespace, name)
}

fn wake(text: &str, priority: Priority) -> Wake {
    Wake::new(key(text), priority, "test")
}

fn drain(queue: &mut Queue, now: Instant) -> Vec<String> {
    std::iter::from_fn(|| queue.pop(now, |_| true))
        .map(|(key, _)| key.to_string())
        .collect()
}

fn after(start: Instant, milliseconds: u64) -> Instant {
    start + Duration::from_millis(milliseconds)
}

#[test]
fn an_object_waits_once() {
    let (mut queue, now) = queue();
    assert_eq!(
        queue.add(now, &wake("a/1", Priority::Changed)),
        Added::Queued
    );
    assert_eq!(
        queue.add(now, &wake("a/1", Priority::Changed)),
        Added::AlreadyQueued
    );
    assert_eq!(
        queue.add(now, &wake("a/1", Priority::Requested)),
        Added::AlreadyQueued
    );
    assert_eq!(queue.depth(), 1);
    assert_eq!(drain(&mut queue, now), ["a/1"]);
    assert_eq!(queue.depth(), 0);
}

#[test]
fn namespaces_take_turns() {
    let (mut queue, now) = queue();
    for text in ["a/1", "a/2", "a/3", "a/4", "b/1", "c/1", "b/2"] {
        queue.add(now, &wake(text, Priority::Changed));
    }
    assert_eq!(
        drain(&mut queue, now),
        ["a/1", "b/1", "c/1", "a/2", "b/2", "a/3", "a/4"]
    );
}

#[test]
fn urgent_work_goes_first() {
    let (mut queue, now) = queue();
    queue.add(now, &wake("a/timer", Priority::Timer));
    queue.add(now, &wake("a/changed", Priority::Changed));
    queue.add(now, &wake("a/requested", Priority::Requested));
    queue.add(now, &wake("a/deleted", Priority::Deletion));
    assert_eq!(
        drain(&mut queue, now),
        ["a/deleted", "a/requested", "a/changed", "a/timer"]
    );
}

#[test]
fn every_eighth_turn_goes_to_the_least_urgent() {
    let (mut queue, now) = queue();
    queue.add(now, &wake("b/timer", Priority::Timer));
    for n in 0..20 {
        queue.add(now, &wake(&format!("a/{n}"), Priority::Deletion));
    }
    assert_eq!(
        drain(&mut queue, now)
            .iter()
            .position(|key| key == "b/timer"),
        Some(7)
    );
}

#[test]
fn a_raised_priority_keeps_the_time_of_waiting() {
    let (mut queue, now) = queue();
    queue.add(now, &wake("a/1", Priority::Timer));
    queue.add(
        after(now, 100),
        &Wake::new(key("a/1"), Priority::Requested, "asked"),
    );
    let (_, trigger) = queue.pop(after(now, 250), |_| true).expect("queued");
    let expect = Trigger {
        priority: Priority::Requested,
        reason: "asked",
        waited: Duration::from_millis(250),
    };
    assert_eq!(trigger, expect);
    assert_eq!(queue.pop(now, |_| true), None);
}

#[test]
fn one_pass_runs_per_object_and_newer_work_runs_after_it() {
    let (mut queue, now) = queue();
    queue.add(now, &wake("a/1", Priority::Changed));
    queue.pop(now, |_| true).expect("queued");
    assert_eq!(
        queue.add(now, &wake("a/1", Priority::Changed)),
        Added::AfterRunning { supersedes: true }
    );
    assert_eq!(queue.pop(now, |_| true), None);
    assert_eq!(queue.depth(), 0);
    assert_eq!(
        queue.done(now, &key("a/1"), Again::After(Duration::from_secs(60))),
        None
    );
    assert_eq!(drain(&mut queue, now), ["a/1"]);
    assert_eq!(queue.next_due(), None);
}

#[test]
fn a_timer_does_not_supersede() {
    let (mut queue, now) = queue();
    queue.add(now, &wake("a/1", Priority::Changed));
    queue.pop(now, |_| true).expect("queued");
    assert_eq!(
        queue.add(now, &wake("a/1", Priority::Timer)),
        Added::AfterRunning { supersedes: false }
    );
    queue.done(now, &key("a/1"), Again::Never);
    assert_eq!(drain(&mut queue, now), ["a/1"]);
}

#[test]
fn an_interval_runs_the_object_again_when_it_is_over() {
    let (mut queue, now) = queue();
    queue.add(now, &wake("a/1", Priority::Changed));
    queue.pop(now, |_| true).expect("queued");
    assert_eq!(
        queue.done(now, &key("a/1"), Again::After(Duration::from_secs(1))),
        Some(Duration::from_secs(1))
    );
    assert_eq!(queue.next_due(), Some(after(now, 1000)));
    assert_eq!(queue.advance(after(now, 999)), 0);
    assert_eq!(queue.advance(after(now, 1000)), 1);
    let (_, trigger) = queue.pop(after(now, 1000), |_| true).expect("due");
    assert_eq!(
        (trigger.priority, trigger.reason),
        (Priority::Timer, "timer")
    );
}

#[test]
fn a_change_before_the_timer_replaces_it() {
    let (mut queue, now) = queue();
    queue.add(now, &wake("a/1", Priority::Changed));
    queue.pop(now, |_| true).expect("queued");
    queue.done(now, &key("a/1"), Again::After(Duration::from_secs(60)));
    queue.add(now, &wake("a/1", Priority::Changed));
    queue.pop(now, |_| true).expect("queued");
    queue.done(now, &key("a/1"), Again::After(Duration::from_secs(90)));
    assert_eq!(queue.next_due(), Some(after(now, 90_000)));
    assert_eq!(queue.timers.len(), 1);
}

#[test]
fn failures_back_off_from_the_least_to_the_most_and_success_resets() {
    let (mut queue, mut now) = queue();
    let mut delays = Vec::new();
    queue.add(now, &wake("a/1", Priority::Changed));
    for _ in 0..13 {
        queue.pop(now, |_| true).expect("queued");
        let delay = queue
            .done(now, &key("a/1"), Again::Backoff)
            .expect("a delay");
        delays.push(delay.as_millis());
        now += delay;
        queue.advance(now);
    }
    let expect = [
        750, 1500, 3000, 6000, 12_000, 24_000, 48_000, 96_000, 192_000, 384_000, 768_000, 900_000,
        900_000,
    ];
    assert_eq!(delays, expect);
    queue.pop(now, |_| true).expect("queued");
    queue.done(now, &key("a/1"), Again::Never);
    queue.add(now, &wake("a/1", Priority::Changed));
    queue.pop(now, |_| true).expect("queued");
    assert_eq!(
        queue.done(now, &key("a/1"), Again::Backoff),
        Some(BACKOFF.min)
    );
}

#[test]
fn a_change_during_back_off_runs_at_once_and_keeps_the_count() {
    let (mut queue, now) = queue();
    queue.add(now, &wake("a/1", Priority::Changed));
    queue.pop(now, |_| true).expect("queued");
    queue.done(now, &key("a/1"), Again::Backoff);
    queue.add(now, &wake("a/1", Priority::Changed));
    queue.pop(now, |_| true).expect("queued at once");
    assert_eq!(
        queue.done(now, &key("a/1"), Again::Backoff),
        Some(BACKOFF.min * 2)
    );
}

#[test]
fn a_superseded_pass_runs_again_at_once() {
    let (mut queue, now) = queue();
    queue.add(now, &wake("a/1", Priority::Changed));
    queue.pop(now, |_| true).expect("queued");
    queue.done(now, &key("a/1"), Again::Now);
    assert_eq!(drain(&mut queue, now), ["a/1"]);
}

#[test]
fn nothing_is_kept_of_objects_that_are_gone() {
    let (mut queue, now) = queue();
    for n in 0..100 {
        let text = format!("a/{n}");
        queue.add(now, &wake(&text, Priority::Changed));
        queue.pop(now, |_| true).expect("queued");
        queue.done(
            now,
            &key(&text),
            if n % 2 == 0 {
                Again::Backoff
            } else {
                Again::Never
            },
        );
        queue.forget(&key(&text));
    }
    assert_eq!(queue.pop(now, |_| true), None);
    assert!(queue.entries.is_empty() && queue.timers.is_empty() && queue.levels.is_empty());
}

#[test]
fn a_back_off_never_overflows() {
    assert_eq!(BACKOFF.delay(31), BACKOFF.max);
    assert_eq!(BACKOFF.delay(u32::MAX), BACKOFF.max);
    assert_eq!(
        Backoff {
            min: Duration::MAX,
            max: Duration::MAX
        }
        .delay(5),
        Duration::MAX
    );
}

#[test]
fn ages_of_running_passes_are_summed() {
    let (mut queue, now) = queue();
    queue.add(now, &wake("a/1", Priority::Changed));
    queue.add(now, &wake("a/2", Priority::Changed));
    queue.pop(now, |_| true).expect("queued");
    queue.pop(after(now, 1000), |_| true).expect("queued");
    let (sum, longest) = queue.running(after(now, 3000));
    assert_eq!((sum.as_secs(), longest.as_secs()), (5, 3));
}

#[test]
fn the_origin_of_waiting_work_is_kept() {
    let (mut queue, now) = queue();
    queue.add(now, &wake("a/1", Priority::Changed));
    queue.pop(now, |_| true).expect("queued");
    assert_eq!(queue.origin(&key("a/1")), None);
    queue.add(
        now,
        &wake("a/1", Priority::Changed).by("GitRepository/ns/app"),
    );
    queue.add(now, &wake("a/1", Priority::Requested));
    assert_eq!(
        queue.origin(&key("a/1")).as_deref(),
        Some("GitRepository/ns/app")
    );
}
