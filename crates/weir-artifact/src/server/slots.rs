//! The connections that may be open at a time, and who goes when they are all taken.
//!
//! Idle sockets cost nothing but their slot, so they must not cost that either: when a new client finds no free
//! slot, the one that has been silent longest is closed. Where all are at work, whoever has been so for longer than
//! anybody needs goes: somebody who reads byte by byte is no better than somebody who is silent.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use parking_lot::Mutex;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// All slots of a server.
#[derive(Debug, Clone)]
pub(super) struct Slots {
    free: Arc<Semaphore>,
    patience: Duration,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    seated: Mutex<Seated>,
    changed: Notify,
}

/// Connections by when they began to do what they do.
#[derive(Debug, Default)]
struct Seated {
    clock: u64,
    /// They wait for their client.
    silent: BTreeMap<u64, CancellationToken>,
    /// They are being answered.
    working: BTreeMap<u64, (Instant, CancellationToken)>,
}

impl Seated {
    fn tick(&mut self) -> u64 {
        self.clock += 1;
        self.clock
    }

    fn leave(&mut self, place: u64) {
        self.silent.remove(&place);
        self.working.remove(&place);
    }
}

/// Who made room.
enum Closed {
    /// Somebody did.
    One,
    /// Nobody; the oldest download may be closed then, if there is one.
    NobodyUntil(Option<Instant>),
}

impl Slots {
    /// `patience` is how long a download may take while others wait.
    pub(super) fn new(connections: usize, patience: Duration) -> Self {
        Self {
            free: Arc::new(Semaphore::new(connections)),
            patience,
            shared: Arc::default(),
        }
    }

    /// A slot for a new connection, at the cost of another one if none is free.
    pub(super) async fn take(&self) -> Slot {
        let permit = loop {
            if let Ok(permit) = Arc::clone(&self.free).try_acquire_owned() {
                break permit;
            }
            let changed = self.shared.changed.notified();
            let until = match self.make_room() {
                Closed::One => None,
                Closed::NobodyUntil(until) => until,
            };
            let outlived = async {
                match until {
                    Some(until) => tokio::time::sleep_until(until).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                permit = Arc::clone(&self.free).acquire_owned() => match permit {
                    Ok(permit) => break permit,
                    // The semaphore is never closed.
                    Err(_) => continue,
                },
                () = changed => {}
                () = outlived => {}
            }
        };
        let seat = Seat {
            shared: Arc::clone(&self.shared),
            closing: CancellationToken::new(),
            place: Arc::default(),
        };
        seat.silent();
        Slot {
            seat,
            _permit: permit,
        }
    }

    /// Closes the connection that has been silent longest, or else the longest download that has outlived its time.
    pub(super) fn close_one(&self) {
        self.make_room();
    }

    fn make_room(&self) -> Closed {
        let mut seated = self.shared.seated.lock();
        if let Some((_, closing)) = seated.silent.pop_first() {
            closing.cancel();
            return Closed::One;
        }
        let Some(oldest) = seated.working.first_entry() else {
            return Closed::NobodyUntil(None);
        };
        let until = oldest.get().0 + self.patience;
        if until > Instant::now() {
            return Closed::NobodyUntil(Some(until));
        }
        oldest.remove().1.cancel();
        Closed::One
    }
}

/// One connection's slot; it is free again when this is dropped.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) seat: Seat,
    _permit: OwnedSemaphorePermit,
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.seat.closing.cancel();
        if let Some(place) = self.seat.place.lock().take() {
            self.seat.shared.seated.lock().leave(place);
        }
    }
}

/// How a connection tells whether it is at work.
#[derive(Debug, Clone)]
pub(super) struct Seat {
    shared: Arc<Shared>,
    closing: CancellationToken,
    place: Arc<Mutex<Option<u64>>>,
}

impl Seat {
    /// Waits until the connection is to be closed.
    pub(super) async fn closing(&self) {
        self.closing.cancelled().await;
    }

    fn silent(&self) {
        self.sit(|seated, place| {
            seated.silent.insert(place, self.closing.clone());
        });
        self.shared.changed.notify_waiters();
    }

    fn sit(&self, down: impl FnOnce(&mut Seated, u64)) {
        let mut own = self.place.lock();
        let mut seated = self.shared.seated.lock();
        if let Some(place) = own.take() {
            seated.leave(place);
        }
        // Who is asked to leave does not sit down again.
        if !self.closing.is_cancelled() {
            let place = seated.tick();
            down(&mut seated, place);
            *own = Some(place);
        }
    }

    /// The connection is at work until this is dropped.
    pub(super) fn at_work(&self) -> AtWork {
        self.sit(|seated, place| {
            let since = (Instant::now(), self.closing.clone());
            seated.working.insert(place, since);
        });
        AtWork(self.clone())
    }
}

/// A request is being answered.
#[derive(Debug)]
pub(super) struct AtWork(Seat);

impl Drop for AtWork {
    fn drop(&mut self) {
        self.0.silent();
    }
}

impl AtWork {
    /// Work ends with the last byte of `body`.
    pub(super) fn with(self, body: Body) -> Body {
        Body::new(Guarded {
            inner: body,
            _at_work: self,
        })
    }
}

struct Guarded {
    inner: Body,
    _at_work: AtWork,
}

impl HttpBody for Guarded {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.inner).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    #[tokio::test]
    async fn the_longest_silent_goes_first_and_who_works_stays() {
        let slots = Slots::new(3, HOUR);
        let (first, second, third) = (slots.take().await, slots.take().await, slots.take().await);
        let work = first.seat.at_work();
        let seat = second.seat.clone();
        let leaving = tokio::spawn(async move {
            seat.closing().await;
            drop(second);
        });
        let fourth = slots.take().await;
        leaving.await.expect("was closed");
        assert!(!first.seat.closing.is_cancelled() && !third.seat.closing.is_cancelled());
        drop(work);
        // Now it is the youngest of the silent.
        slots.close_one();
        slots.close_one();
        let closing = |slot: &Slot| slot.seat.closing.is_cancelled();
        assert_eq!(
            [closing(&first), closing(&third), closing(&fourth)],
            [false, true, true]
        );
        drop((first, third, fourth));
        let seated = slots.shared.seated.lock();
        assert!(seated.silent.is_empty() && seated.working.is_empty());
    }

    #[tokio::test]
    async fn a_client_waits_while_all_are_at_work_and_enters_when_one_falls_silent() {
        let slots = Slots::new(1, HOUR);
        let only = slots.take().await;
        let work = only.seat.at_work();
        let other = slots.clone();
        let entering = tokio::spawn(async move { other.take().await });
        tokio::task::yield_now().await;
        assert!(!entering.is_finished());
        let seat = only.seat.clone();
        drop(work);
        seat.closing().await;
        drop(only);
        entering.await.expect("enters");
    }

    #[tokio::test]
    async fn a_download_that_outlives_its_time_goes_when_others_wait_and_only_then() {
        let slots = Slots::new(2, Duration::ZERO);
        let (first, second) = (slots.take().await, slots.take().await);
        let work = (first.seat.at_work(), second.seat.at_work());
        assert!(!first.seat.closing.is_cancelled() && !second.seat.closing.is_cancelled());
        let other = slots.clone();
        let entering = tokio::spawn(async move { other.take().await });
        first.seat.closing().await;
        assert!(!second.seat.closing.is_cancelled());
        drop(first);
        entering.await.expect("enters");
        drop((work, second));
        let seated = slots.shared.seated.lock();
        assert!(seated.silent.is_empty() && seated.working.is_empty());
    }
}
