//! Bounded background queues that keep the order per object.

use std::future::Future;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// How many lanes work in parallel; all events of an object go through one of them.
const LANES: usize = 4;
/// How many events wait in one lane before more are dropped.
const LENGTH: usize = 1024;

/// Some workers, each with a bounded queue; the object chooses the worker.
#[derive(Debug)]
pub(crate) struct Lanes<T> {
    open: Mutex<Vec<mpsc::Sender<T>>>,
    workers: Mutex<Vec<JoinHandle<()>>>,
    /// Items that are queued or being posted.
    left: Arc<AtomicUsize>,
}

impl<T: Send + 'static> Lanes<T> {
    /// Starts the workers; each calls `post` for one item after the other.
    pub(crate) fn start<P, F>(post: P) -> Self
    where
        P: Fn(T) -> F + Send + Sync + 'static,
        F: Future<Output = ()> + Send,
    {
        let post = Arc::new(post);
        let left = Arc::new(AtomicUsize::new(0));
        let (open, workers) = (0..LANES).map(|_| lane(&post, &left)).unzip();
        Self {
            open: Mutex::new(open),
            workers: Mutex::new(workers),
            left,
        }
    }

    /// Puts `item` at the end of its object's lane.
    ///
    /// # Errors
    /// Why the item was dropped: `queue_full`, or `shutdown` after [`Self::flush`].
    pub(crate) fn push(&self, object: impl Hash, item: T) -> Result<(), &'static str> {
        let open = self.open.lock();
        if open.is_empty() {
            return Err("shutdown");
        }
        let mut hasher = std::hash::DefaultHasher::new();
        object.hash(&mut hasher);
        let lane = usize::try_from(hasher.finish() % open.len() as u64)
            .expect("a remainder of a small number");
        self.left.fetch_add(1, Ordering::Relaxed);
        open[lane].try_send(item).map_err(|_| {
            self.left.fetch_sub(1, Ordering::Relaxed);
            "queue_full"
        })
    }

    /// Takes no more items and waits until those that are queued are posted, for at most `within`.
    /// Returns how many were not.
    pub(crate) async fn flush(&self, within: Duration) -> usize {
        self.open.lock().clear();
        let mut workers = std::mem::take(&mut *self.workers.lock());
        let all = futures::future::join_all(&mut workers);
        // Those that are late are stopped and counted.
        let _ = tokio::time::timeout(within, all).await;
        for worker in workers {
            worker.abort();
        }
        self.left.swap(0, Ordering::Relaxed)
    }
}

fn lane<T, P, F>(post: &Arc<P>, left: &Arc<AtomicUsize>) -> (mpsc::Sender<T>, JoinHandle<()>)
where
    T: Send + 'static,
    P: Fn(T) -> F + Send + Sync + 'static,
    F: Future<Output = ()> + Send,
{
    let (sender, mut receiver) = mpsc::channel(LENGTH);
    let (post, left) = (Arc::clone(post), Arc::clone(left));
    let worker = tokio::spawn(async move {
        while let Some(item) = receiver.recv().await {
            post(item).await;
            left.fetch_sub(1, Ordering::Relaxed);
        }
    });
    (sender, worker)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn order_per_object_is_kept_and_flush_waits() {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let lanes = {
            let seen = Arc::clone(&seen);
            Lanes::start(move |item: (u8, u32)| {
                let seen = Arc::clone(&seen);
                async move {
                    tokio::task::yield_now().await;
                    seen.lock().push(item);
                }
            })
        };
        for n in 0..100 {
            lanes.push(1, (1, n)).expect("room");
            lanes.push(2, (2, n)).expect("room");
        }
        assert_eq!(lanes.flush(Duration::from_secs(5)).await, 0);
        assert_eq!(lanes.push(1, (1, 0)), Err("shutdown"));
        for object in [1, 2] {
            let order: Vec<u32> = seen
                .lock()
                .iter()
                .filter(|item| item.0 == object)
                .map(|item| item.1)
                .collect();
            assert_eq!(order, (0..100).collect::<Vec<_>>());
        }
    }

    #[tokio::test]
    async fn a_full_lane_drops_and_says_so() {
        let lanes = Lanes::start(|_: u32| std::future::pending());
        let results: Vec<_> = (0..=(LENGTH as u32 + 1))
            .map(|n| lanes.push("same", n))
            .collect();
        assert!(results[..LENGTH].iter().all(Result::is_ok));
        assert_eq!(results.last(), Some(&Err("queue_full")));
    }
}
