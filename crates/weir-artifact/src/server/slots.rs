//! The connections that may be open at a time, and who goes when they are all taken.
//!
//! Idle sockets cost nothing but their slot, so they must not cost that either: when a new client finds no free
//! slot, the one that has been silent longest is closed. Who is being answered stays.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use parking_lot::Mutex;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

/// All slots of a server.
#[derive(Debug, Clone)]
pub(super) struct Slots {
    free: Arc<Semaphore>,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    silent: Mutex<Silent>,
    fell_silent: Notify,
}

/// Connections that wait for their client, by when they began to.
#[derive(Debug, Default)]
struct Silent {
    clock: u64,
    waiting: BTreeMap<u64, CancellationToken>,
}

impl Slots {
    pub(super) fn new(connections: usize) -> Self {
        Self {
            free: Arc::new(Semaphore::new(connections)),
            shared: Arc::default(),
        }
    }

    /// A slot for a new connection, at the cost of a silent one if none is free.
    pub(super) async fn take(&self) -> Slot {
        let permit = loop {
            if let Ok(permit) = Arc::clone(&self.free).try_acquire_owned() {
                break permit;
            }
            let fell_silent = self.shared.fell_silent.notified();
            self.close_one();
            tokio::select! {
                permit = Arc::clone(&self.free).acquire_owned() => match permit {
                    Ok(permit) => break permit,
                    // The semaphore is never closed.
                    Err(_) => continue,
                },
                () = fell_silent => {}
            }
        };
        let seat = Seat {
            shared: Arc::clone(&self.shared),
            closing: CancellationToken::new(),
            since: Arc::default(),
        };
        seat.silent();
        Slot {
            seat,
            _permit: permit,
        }
    }

    /// Closes the connection that has been silent longest, if there is one.
    pub(super) fn close_one(&self) {
        if let Some((_, closing)) = self.shared.silent.lock().waiting.pop_first() {
            closing.cancel();
        }
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
        self.seat.busy();
    }
}

/// How a connection tells whether it is at work.
#[derive(Debug, Clone)]
pub(super) struct Seat {
    shared: Arc<Shared>,
    closing: CancellationToken,
    since: Arc<Mutex<Option<u64>>>,
}

impl Seat {
    /// Waits until the connection is to be closed.
    pub(super) async fn closing(&self) {
        self.closing.cancelled().await;
    }

    fn silent(&self) {
        let mut silent = self.shared.silent.lock();
        silent.clock += 1;
        let now = silent.clock;
        *self.since.lock() = Some(now);
        silent.waiting.insert(now, self.closing.clone());
        drop(silent);
        self.shared.fell_silent.notify_waiters();
    }

    fn busy(&self) {
        let mut silent = self.shared.silent.lock();
        if let Some(since) = self.since.lock().take() {
            silent.waiting.remove(&since);
        }
    }

    /// The connection is at work until this is dropped.
    pub(super) fn at_work(&self) -> AtWork {
        self.busy();
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

    #[tokio::test]
    async fn the_longest_silent_goes_first_and_who_works_stays() {
        let slots = Slots::new(3);
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
        assert!(slots.shared.silent.lock().waiting.is_empty());
    }

    #[tokio::test]
    async fn a_client_waits_while_all_are_at_work_and_enters_when_one_falls_silent() {
        let slots = Slots::new(1);
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
}
