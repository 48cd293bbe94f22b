//! Where builds run: off the async workers, few at a time, in turn between tenants.
//!
//! A tenant is a namespace. One tenant's builds never have all places, however many wait, and a build that takes long
//! gives its place to others while it goes on: it then counts only against its own tenant. Well before that its thread
//! yields the processor to all others, so that they hardly notice it on a machine that is full.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use parking_lot::Mutex;
use rustix::process::Pid;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use weir_api::meta::format_go_duration;

use crate::error::Error;

/// After this long a build no longer keeps others from starting.
const PATIENCE: Duration = Duration::from_secs(5);
/// After this long a build yields the processor to others.
const BRIEF: Duration = Duration::from_millis(200);
/// The scheduling priority ("nice") of such a build: a tenth of a share. Enough to end on a full machine.
const YIELDING: i32 = 10;

/// Runs builds.
#[derive(Debug)]
pub struct Builds {
    places: Arc<Places>,
    patience: Duration,
}

impl Default for Builds {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            places: Arc::new(Places {
                all: cores.max(2),
                one: cores.saturating_sub(1).max(1),
                state: Mutex::default(),
            }),
            patience: PATIENCE,
        }
    }
}

impl Builds {
    /// Runs `build` when it is the turn of `tenant`, and waits for it no longer than `limit`.
    ///
    /// # Errors
    /// What `build` returns; a panic in it is a build error, as upstream has it; a build that takes too long.
    pub async fn run<T: Send + 'static>(
        &self,
        tenant: &str,
        limit: Duration,
        build: impl FnOnce() -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let place = self.places.take(tenant).await;
        let watched = Arc::new(OnceLock::new());
        let overdue = self.watch(&place, Arc::clone(&watched));
        let (done, built) = oneshot::channel();
        // A thread of its own, which ends with the build: a lowered priority cannot be raised again.
        let thread = std::thread::Builder::new().name("build".to_owned());
        let spawned = thread.spawn(move || {
            if let Some(thread) = this_thread() {
                let _ = watched.set(thread);
            }
            let result = build();
            overdue.abort();
            drop(place);
            // Whoever waited may have given up.
            let _ = done.send(result);
        });
        spawned.map_err(|error| Error::Build(format!("kustomize build failed: {error}")))?;
        match tokio::time::timeout(limit, built).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(Error::Build(
                "recovered from kustomize build panic".to_owned(),
            )),
            Err(_) => Err(Error::Build(format!(
                "kustomize build failed: it did not end within {}",
                format_go_duration(limit)
            ))),
        }
    }

    /// Lowers the priority of a build that is not brief, and lets others start beside one that takes long.
    fn watch(&self, place: &Arc<Place>, thread: Arc<OnceLock<Pid>>) -> JoinHandle<()> {
        let (place, patience) = (Arc::downgrade(place), self.patience);
        tokio::spawn(async move {
            let brief = BRIEF.min(patience);
            tokio::time::sleep(brief).await;
            if let Some(_running) = place.upgrade()
                && let Some(thread) = thread.get()
            {
                // To Linux a thread is a process of this number. Without the right to it the build goes on as it was.
                let _ = rustix::process::setpriority_process(Some(*thread), YIELDING);
            }
            tokio::time::sleep(patience - brief).await;
            if let Some(place) = place.upgrade() {
                place.make_way();
            }
        })
    }
}

/// The number that Linux knows this thread by; elsewhere a thread's priority stays as it is.
fn this_thread() -> Option<Pid> {
    #[cfg(target_os = "linux")]
    return Some(rustix::thread::gettid());
    #[cfg(not(target_os = "linux"))]
    None
}

/// The places that builds run in.
#[derive(Debug)]
struct Places {
    all: usize,
    one: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    taken: usize,
    /// How many builds of each tenant run, those that made way included.
    running: HashMap<String, usize>,
    waiting: HashMap<String, VecDeque<oneshot::Sender<Arc<Place>>>>,
    /// The tenants that wait, in the order of their turns.
    turns: VecDeque<String>,
}

/// A running build's place; given back when dropped.
#[derive(Debug)]
struct Place {
    places: Arc<Places>,
    tenant: String,
    made_way: Mutex<bool>,
}

impl Places {
    async fn take(self: &Arc<Self>, tenant: &str) -> Arc<Place> {
        let (sender, receiver) = oneshot::channel();
        {
            let mut state = self.state.lock();
            let waiting = state.waiting.entry(tenant.to_owned()).or_default();
            waiting.push_back(sender);
            if waiting.len() == 1 {
                state.turns.push_back(tenant.to_owned());
            }
        }
        self.give();
        receiver.await.expect("a place is given to each who waits")
    }

    /// Gives free places to those whose turn it is.
    fn give(self: &Arc<Self>) {
        while let Some((tenant, sender)) = self.next() {
            let place = Arc::new(Place {
                places: Arc::clone(self),
                tenant,
                made_way: Mutex::new(false),
            });
            // Who has gone meanwhile gives it back by that.
            drop(sender.send(place));
        }
    }

    /// Takes a place for the next who may have one.
    fn next(&self) -> Option<(String, oneshot::Sender<Arc<Place>>)> {
        let mut state = self.state.lock();
        loop {
            if state.taken >= self.all {
                return None;
            }
            let may = |tenant: &String| state.running.get(tenant).is_none_or(|it| *it < self.one);
            let first = state.turns.iter().position(may)?;
            let tenant = state.turns.remove(first)?;
            let waiting = state.waiting.get_mut(&tenant)?;
            let sender = waiting.pop_front();
            if waiting.is_empty() {
                state.waiting.remove(&tenant);
            } else {
                state.turns.push_back(tenant.clone());
            }
            if let Some(sender) = sender.filter(|sender| !sender.is_closed()) {
                state.taken += 1;
                *state.running.entry(tenant.clone()).or_default() += 1;
                return Some((tenant, sender));
            }
        }
    }
}

impl Place {
    /// Lets another tenant's build start beside this one.
    fn make_way(&self) {
        let mut made_way = self.made_way.lock();
        if !*made_way {
            *made_way = true;
            self.places.state.lock().taken -= 1;
            drop(made_way);
            self.places.give();
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.places.state.lock();
        if !*self.made_way.get_mut() {
            state.taken -= 1;
        }
        if let Some(running) = state.running.get_mut(&self.tenant) {
            *running -= 1;
            if *running == 0 {
                state.running.remove(&self.tenant);
            }
        }
        drop(state);
        self.places.give();
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    const LONG: Duration = Duration::from_secs(3600);

    fn places(all: usize, one: usize) -> Arc<Places> {
        let state = Mutex::default();
        Arc::new(Places { all, one, state })
    }

    #[tokio::test]
    async fn one_tenant_never_has_all_places_and_tenants_take_turns() {
        let places = places(2, 1);
        let first = places.take("a").await;
        let mut more: Vec<_> = (0..3).map(|_| Box::pin(places.take("a"))).collect();
        assert!(more.iter_mut().all(|it| it.now_or_never().is_none()));
        let other = places.take("b").now_or_never().expect("a place for others");
        let mut third = Box::pin(places.take("c"));
        assert!((&mut third).now_or_never().is_none(), "all are taken");
        drop(first);
        // The next of a has waited longer than c, but a takes turns with it.
        let given = more.iter_mut().filter_map(|it| it.now_or_never()).count();
        assert_eq!(given, 1);
        drop(other);
        (&mut third).now_or_never().expect("its turn");
    }

    #[tokio::test]
    async fn who_gives_up_waiting_takes_no_place() {
        let places = places(1, 1);
        let first = places.take("a").await;
        for _ in 0..10_000 {
            assert!(places.take("a").now_or_never().is_none());
        }
        drop(first);
        places.take("a").now_or_never().expect("nobody else waits");
        let state = places.state.lock();
        assert_eq!((state.taken, state.running.len()), (0, 0));
        assert!(state.waiting.is_empty() && state.turns.is_empty());
    }

    #[tokio::test]
    async fn a_build_that_hangs_holds_up_its_own_tenant_only() {
        let builds = Builds {
            places: places(1, 1),
            patience: Duration::from_millis(10),
        };
        let (go, hang) = std::sync::mpsc::channel::<()>();
        let slow = builds.run("slow", Duration::from_millis(50), move || {
            hang.recv().map_err(|_| Error::Build("gone".to_owned()))
        });
        let error = slow.await.expect_err("too late");
        assert_eq!(
            error.to_string(),
            "kustomize build failed: it did not end within 50ms"
        );
        builds.run("other", LONG, || Ok(())).await.expect("built");
        assert_eq!(builds.places.state.lock().running.get("slow"), Some(&1));
        let mut next = Box::pin(builds.run("slow", LONG, || Ok(())));
        assert!((&mut next).now_or_never().is_none(), "its tenant waits");
        go.send(()).expect("it waits for that");
        next.await.expect("built");
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_build_that_is_not_brief_yields_to_others() {
        let builds = Builds {
            places: places(1, 1),
            patience: LONG,
        };
        let build = || {
            let thread = this_thread();
            for _ in 0..6000 {
                let nice = rustix::process::getpriority_process(thread);
                if nice == Ok(YIELDING) {
                    return Ok(());
                }
                std::thread::sleep(Duration::from_millis(10));
            }
            Err(Error::Build("as important as ever".to_owned()))
        };
        builds.run("a", LONG, build).await.expect("it yields");
        let own = rustix::process::getpriority_process(this_thread());
        assert_ne!(own, Ok(YIELDING), "only the build's thread");
    }

    #[tokio::test]
    async fn a_panic_fails_one_build_and_frees_its_place() {
        let builds = Builds {
            places: places(1, 1),
            patience: LONG,
        };
        let build = || -> Result<(), Error> { std::panic::panic_any("a fault") };
        let error = builds.run("a", LONG, build).await.expect_err("it panics");
        assert_eq!(error.to_string(), "recovered from kustomize build panic");
        builds.run("a", LONG, || Ok(())).await.expect("built");
    }
}
