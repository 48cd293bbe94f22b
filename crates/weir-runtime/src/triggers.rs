//! What besides its own object wakes a kind: other kinds, indexes, a controller's own signals.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use weir_api::Reconcilable;

use crate::cache::{Change, Sync};
use crate::hub::{Store, Subscription};
use crate::queue::Wake;

/// Where triggers put the work.
pub(crate) type Enqueue = Arc<dyn Fn(Wake) + Send + std::marker::Sync>;

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;
type Start<T> = Box<dyn FnOnce(Enqueue, Store<T>) -> Task + Send>;

/// The triggers of a kind `T`.
pub struct Triggers<T: Reconcilable> {
    starts: Vec<Start<T>>,
    syncs: Vec<watch::Receiver<Sync>>,
}

impl<T: Reconcilable> std::fmt::Debug for Triggers<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Triggers")
            .field("count", &self.starts.len())
            .finish()
    }
}

impl<T: Reconcilable> Default for Triggers<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Reconcilable> Triggers<T> {
    /// Only the kind's own objects.
    pub fn new() -> Self {
        Self {
            starts: Vec::new(),
            syncs: Vec::new(),
        }
    }

    /// For every change of another kind: `map` says which objects of this kind to work on.
    ///
    /// The subscription first brings every object there is, with `old` absent.
    #[must_use]
    pub fn on<V, F>(mut self, mut subscription: Subscription<V>, map: F) -> Self
    where
        V: Clone + Send + std::marker::Sync + 'static,
        F: Fn(&Change<V>, &Store<T>) -> Vec<Wake> + Send + std::marker::Sync + 'static,
    {
        self.syncs.push(subscription.sync());
        self.starts.push(Box::new(move |enqueue, store| {
            Box::pin(async move {
                loop {
                    let change = subscription.next().await;
                    // A map that panics on one object must not silence the others; the panic hook logs it.
                    let wakes = catch_unwind(AssertUnwindSafe(|| map(&change, &store)));
                    wakes
                        .unwrap_or_default()
                        .into_iter()
                        .for_each(|wake| enqueue(wake));
                }
            })
        }));
        self
    }

    /// A handle by which a controller itself asks for work, at any time and from anywhere.
    #[must_use]
    pub fn waker(mut self) -> (Self, Waker) {
        let (sender, mut receiver) = mpsc::unbounded_channel();
        self.starts.push(Box::new(move |enqueue, _| {
            Box::pin(async move {
                while let Some(wake) = receiver.recv().await {
                    enqueue(wake);
                }
            })
        }));
        (self, Waker { sender })
    }

    /// The syncs of the watches that should be complete before the first pass.
    pub(crate) fn syncs(&self) -> Vec<watch::Receiver<Sync>> {
        self.syncs.clone()
    }

    /// What runs while the kind does.
    pub(crate) fn start(self, enqueue: &Enqueue, store: &Store<T>) -> Vec<Task> {
        self.starts
            .into_iter()
            .map(|start| start(Arc::clone(enqueue), store.clone()))
            .collect()
    }
}

/// Asks for work on objects of one kind. Cheap to clone. The queue drops what it holds already.
#[derive(Debug, Clone)]
pub struct Waker {
    sender: mpsc::UnboundedSender<Wake>,
}

impl Waker {
    /// Queues `wake`; does nothing once the kind has stopped.
    pub fn wake(&self, wake: Wake) {
        let _ = self.sender.send(wake);
    }
}
