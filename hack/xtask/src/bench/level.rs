//! One watch over a kind, and goals that its objects are to reach.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use futures::{StreamExt as _, pin_mut};
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Api, Resource, ResourceExt as _};
use serde::de::DeserializeOwned;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How many of those that did not come are described.
const DESCRIBED: usize = 3;

type Wanted<K> = Box<dyn Fn(&str, Option<&K>) -> bool + Send>;

/// What is known of every object of a kind, at any moment.
#[derive(Debug)]
pub(super) struct Level<K> {
    state: Arc<Mutex<State<K>>>,
    left: watch::Receiver<usize>,
    task: JoinHandle<()>,
}

struct State<K> {
    objects: BTreeMap<String, K>,
    listed: BTreeSet<String>,
    goal: Option<Goal<K>>,
    trouble: Option<String>,
    left: watch::Sender<usize>,
}

impl<K> Debug for State<K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State").finish_non_exhaustive()
    }
}

struct Goal<K> {
    wanted: Wanted<K>,
    missing: BTreeSet<String>,
    reached: BTreeMap<String, Instant>,
}

impl<K> Level<K>
where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + 'static,
{
    /// Begins to watch.
    pub(super) fn start(api: Api<K>) -> Self {
        let (sender, left) = watch::channel(0);
        let state = Arc::new(Mutex::new(State {
            objects: BTreeMap::new(),
            listed: BTreeSet::new(),
            goal: None,
            trouble: None,
            left: sender,
        }));
        let shared = Arc::clone(&state);
        let task = tokio::spawn(async move {
            let events = watcher(api, watcher::Config::default()).default_backoff();
            pin_mut!(events);
            while let Some(event) = events.next().await {
                lock(&shared).take(event);
            }
        });
        Self { state, left, task }
    }

    /// Sets what each of the named objects is to reach; `None` is an object that is not there.
    /// What holds already is reached at once.
    pub(super) fn expect(
        &self,
        names: impl IntoIterator<Item = String>,
        wanted: impl Fn(&str, Option<&K>) -> bool + Send + 'static,
    ) {
        let mut state = lock(&self.state);
        let missing: BTreeSet<String> = names.into_iter().collect();
        state.goal = Some(Goal {
            wanted: Box::new(wanted),
            missing: missing.clone(),
            reached: BTreeMap::new(),
        });
        for name in &missing {
            state.look(name);
        }
        state.tell();
    }

    /// Waits until all have reached the goal, and says when each of them did.
    ///
    /// # Errors
    /// If they did not within `limit`; the error describes some of those.
    pub(super) async fn reached(
        &self,
        limit: Duration,
        describe: fn(&K) -> String,
    ) -> Result<BTreeMap<String, Instant>> {
        let (reached, missing) = self.seen(limit).await;
        let Some(first) = missing.first() else {
            return Ok(reached);
        };
        let state = lock(&self.state);
        let describe = |name: &String| match state.objects.get(name) {
            Some(object) => format!("{name}: {}", describe(object)),
            None => format!("{name}: not there"),
        };
        let some: Vec<String> = missing.iter().take(DESCRIBED).map(describe).collect();
        let kind = K::kind(&());
        let trouble = state.trouble.as_deref().unwrap_or("none");
        bail!(
            "{} of {} {kind}s did not come within {limit:?}, the first is {first}; trouble of the watch: {trouble}\n{}",
            missing.len(),
            missing.len() + reached.len(),
            some.join("\n")
        )
    }

    /// As [`Level::reached`], but returns those that did not come.
    pub(super) async fn seen(
        &self,
        limit: Duration,
    ) -> (BTreeMap<String, Instant>, BTreeSet<String>) {
        let mut left = self.left.clone();
        // Whichever way it ends, the goal tells what came.
        let _ = tokio::time::timeout(limit, left.wait_for(|left| *left == 0)).await;
        let goal = lock(&self.state).goal.take();
        goal.map_or_else(Default::default, |goal| (goal.reached, goal.missing))
    }

    /// A value of an object, if it is there.
    ///
    /// # Errors
    /// If it is not.
    pub(super) fn read<T>(&self, name: &str, value: impl Fn(&K) -> T) -> Result<T> {
        let state = lock(&self.state);
        let object = state.objects.get(name);
        object
            .map(value)
            .with_context(|| format!("no {} {name}", K::kind(&())))
    }
}

impl<K> Drop for Level<K> {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl<K: Resource<DynamicType = ()>> State<K> {
    fn take(&mut self, event: watcher::Result<watcher::Event<K>>) {
        match event {
            Ok(watcher::Event::Apply(object)) => self.apply(object),
            Ok(watcher::Event::InitApply(object)) => {
                self.listed.insert(object.name_any());
                self.apply(object);
            }
            Ok(watcher::Event::Delete(object)) => self.remove(&object.name_any()),
            Ok(watcher::Event::Init) => self.listed.clear(),
            Ok(watcher::Event::InitDone) => {
                let gone = |name: &&String| !self.listed.contains(*name);
                let gone: Vec<String> = self.objects.keys().filter(gone).cloned().collect();
                for name in gone {
                    self.remove(&name);
                }
            }
            Err(error) => self.trouble = Some(error.to_string()),
        }
    }

    fn apply(&mut self, object: K) {
        let name = object.name_any();
        self.objects.insert(name.clone(), object);
        self.look(&name);
        self.tell();
    }

    fn remove(&mut self, name: &str) {
        self.objects.remove(name);
        self.look(name);
        self.tell();
    }

    fn look(&mut self, name: &str) {
        let Some(goal) = &mut self.goal else { return };
        let there = goal.missing.contains(name);
        if there && (goal.wanted)(name, self.objects.get(name)) {
            goal.missing.remove(name);
            goal.reached.insert(name.to_owned(), Instant::now());
        }
    }

    fn tell(&self) {
        let left = self.goal.as_ref().map_or(0, |goal| goal.missing.len());
        self.left.send_replace(left);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::ConfigMap;

    use super::*;

    fn map(name: &str, value: &str) -> ConfigMap {
        let mut map = ConfigMap::default();
        map.metadata.name = Some(name.to_owned());
        map.data = Some([(String::from("key"), value.to_owned())].into());
        map
    }

    fn state() -> State<ConfigMap> {
        let wanted = |_: &str, it: Option<&ConfigMap>| {
            it.is_some_and(|it| it.data == map("any", "new").data)
        };
        State {
            objects: BTreeMap::new(),
            listed: BTreeSet::new(),
            goal: Some(Goal {
                wanted: Box::new(wanted),
                missing: ["a", "b"].map(String::from).into(),
                reached: BTreeMap::new(),
            }),
            trouble: None,
            left: watch::channel(2).0,
        }
    }

    #[test]
    fn an_object_that_reaches_the_goal_is_no_longer_missing() {
        let mut state = state();
        state.take(Ok(watcher::Event::Apply(map("a", "old"))));
        assert_eq!(*state.left.borrow(), 2);
        state.take(Ok(watcher::Event::Apply(map("a", "new"))));
        state.take(Ok(watcher::Event::Apply(map("c", "new"))));
        assert_eq!(*state.left.borrow(), 1);
        // What it becomes later does not matter.
        state.take(Ok(watcher::Event::Delete(map("a", "new"))));
        assert_eq!(*state.left.borrow(), 1);
    }

    #[test]
    fn what_a_new_list_does_not_hold_is_gone() {
        let mut state = state();
        state.take(Ok(watcher::Event::Apply(map("a", "old"))));
        state.take(Ok(watcher::Event::Init));
        state.take(Ok(watcher::Event::InitApply(map("b", "new"))));
        state.take(Ok(watcher::Event::InitDone));
        assert_eq!(state.objects.keys().collect::<Vec<_>>(), ["b"]);
        assert_eq!(*state.left.borrow(), 1);
    }
}
