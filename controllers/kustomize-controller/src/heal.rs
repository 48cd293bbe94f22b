//! What becomes of drift that a watch shows: corrected at once, or left to the interval so that no loop comes of it
//! that Flux does not have.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use weir_api::kustomize::v1::Kustomization;
use weir_api::meta::annotation;
use weir_apply::inventory;
use weir_runtime::hub::Store;
use weir_runtime::kind::Key;
use weir_runtime::queue::Wake;
use weir_runtime::triggers::Waker;

use crate::plan;
use crate::target::{Home, Homes};
use crate::triggers::key_of;
use crate::watch::{Drift, Kept, Ledger, Memory, ObjectKey, Observer, Seen, Writer};

/// Corrections that an object gets before it has to wait for the interval: the first, and its repeat.
const CORRECTIONS: u32 = 2;

/// Objects of which corrections are remembered; when there are more, those that were corrected long ago go.
const MAX_OBJECTS: usize = 65_536;

/// The Kustomizations whose objects are in one cluster. Cheap to clone.
#[derive(Clone)]
pub struct Owners {
    all: Store<Kustomization>,
    kept: Arc<Kept>,
    homes: Homes,
    home: Option<Home>,
}

impl Owners {
    /// Those of the controller's own cluster.
    #[must_use]
    pub fn new(all: Store<Kustomization>, kept: Arc<Kept>, homes: Homes) -> Self {
        Self {
            all,
            kept,
            homes,
            home: None,
        }
    }

    /// Those of another cluster, or of the controller's own.
    #[must_use]
    pub fn at(&self, home: Option<&Home>) -> Self {
        let mut owners = self.clone();
        owners.home = home.cloned();
        owners
    }

    fn get(&self, key: &Key) -> Option<Arc<Kustomization>> {
        let here = self.homes.is_at(key, self.home.as_ref());
        here.then(|| self.all.get(key)).flatten()
    }
}

/// Wakes Kustomizations whose objects have drifted.
pub struct Healer {
    owners: Owners,
    ledger: Arc<Ledger>,
    waker: Waker,
    /// `--detect-drift`.
    default: Drift,
    patience: Mutex<HashMap<ObjectKey, Patience>>,
}

impl Healer {
    /// Wakes `owners` through `waker`, by `default` as drift happens or at the interval.
    #[must_use]
    pub fn new(owners: Owners, ledger: Arc<Ledger>, waker: Waker, default: Drift) -> Self {
        Self {
            owners,
            ledger,
            waker,
            default,
            patience: Mutex::default(),
        }
    }

    /// Wakes `owner`, unless the object was corrected too often.
    fn correct(
        &self,
        owner: &Kustomization,
        object: &ObjectKey,
        by: Option<&Writer>,
        why: &'static str,
    ) {
        let key = key_of(owner);
        let verdict = {
            let mut all = self.patience.lock();
            if all.len() >= MAX_OBJECTS {
                all.retain(|_, patience| patience.since.elapsed() < plan::interval(owner));
            }
            let patience = all.entry(object.clone()).or_insert_with(Patience::new);
            patience.judge(Instant::now(), plan::interval(owner), by)
        };
        match verdict {
            Verdict::Leave => {}
            Verdict::Correct => self.waker.wake(Wake::changed(key, why)),
            Verdict::CorrectOnce(writer) => {
                self.ledger.notice(&key, once(object, &writer));
                self.waker.wake(Wake::changed(key, why));
            }
        }
    }
}

fn once(object: &ObjectKey, writer: &Writer) -> String {
    let Writer {
        manager,
        subresource,
    } = writer;
    let through = match &**subresource {
        "" => String::new(),
        subresource => format!(" through {subresource}"),
    };
    format!(
        "{} was changed by {manager}{through} and is corrected now; \
        what {manager} changes again is corrected at the interval only",
        object.reference()
    )
}

impl Observer for Healer {
    fn misses(&self, object: &ObjectKey, last: &Seen) -> bool {
        let owner = last.owner.as_ref().and_then(|owner| self.owners.get(owner));
        let cleaned_up = last.expires && last.status.kind == kstatus::Kind::Current;
        owner.is_some_and(|owner| {
            !cleaned_up
                && corrects(&owner, &self.owners.kept, object)
                && when(&owner, last, self.default) == Drift::Watch
        })
    }

    fn lost(&self, object: &ObjectKey, last: &Seen) {
        if let Some(owner) = last.owner.as_ref().and_then(|owner| self.owners.get(owner)) {
            self.correct(&owner, object, None, "object deleted");
        }
    }

    fn drifted(&self, object: &ObjectKey, now: &Seen, memory: &Memory) {
        // Whoever changes whose an object is means it: it may be about to leave, or another one's already.
        if now.owner.as_ref() != Some(&memory.owner) {
            return;
        }
        let Some(owner) = self.owners.get(&memory.owner) else {
            return;
        };
        if corrects(&owner, &self.owners.kept, object)
            && when(&owner, now, self.default) == Drift::Watch
        {
            self.correct(&owner, object, now.taken_by.as_ref(), "object changed");
        }
    }
}

/// Whether drift of `object` is for `owner` to correct: it is at work and still keeps the object.
fn corrects(owner: &Kustomization, kept: &Kept, object: &ObjectKey) -> bool {
    let id = inventory::id(&object.reference());
    let listed = || {
        plan::stored_inventory(owner)
            .iter()
            .any(|entry| entry.id == id)
    };
    !owner.spec.suspend
        && owner.metadata.deletion_timestamp.is_none()
        && kept.keeps(&key_of(owner), &id).unwrap_or_else(listed)
}

/// When drift is corrected: as the object says, else its Kustomization, else the flag.
fn when(owner: &Kustomization, seen: &Seen, default: Drift) -> Drift {
    let annotations = owner.metadata.annotations.as_ref();
    let own = annotations
        .and_then(|all| all.get(annotation::WEIR_DRIFT))
        .and_then(|word| Drift::parse(word));
    seen.drift.or(own).unwrap_or(default)
}

/// What is done about drift.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Verdict {
    Correct,
    /// And no other time before the interval.
    CorrectOnce(Writer),
    Leave,
}

/// How often an object was corrected.
#[derive(Debug)]
struct Patience {
    left: u32,
    since: Instant,
    /// Programs whose changes were corrected once.
    known: Vec<Writer>,
}

/// So many programs are told apart; more of them wait for the interval.
const MAX_WRITERS: usize = 16;

impl Patience {
    fn new() -> Self {
        Self {
            left: CORRECTIONS,
            since: Instant::now(),
            known: Vec::new(),
        }
    }

    fn judge(&mut self, now: Instant, interval: Duration, by: Option<&Writer>) -> Verdict {
        let passed =
            now.saturating_duration_since(self.since).as_nanos() / interval.as_nanos().max(1);
        if passed > 0 {
            let passed = u32::try_from(passed).unwrap_or(CORRECTIONS);
            self.left = self.left.saturating_add(passed).min(CORRECTIONS);
            self.since = now;
        }
        let program = by.filter(|writer| !writer.is_person());
        if self.left == 0 || program.is_some_and(|writer| self.known.contains(writer)) {
            return Verdict::Leave;
        }
        if program.is_some() && self.known.len() >= MAX_WRITERS {
            return Verdict::Leave;
        }
        if self.left == CORRECTIONS {
            self.since = now;
        }
        self.left -= 1;
        match program {
            Some(writer) => {
                self.known.push(writer.clone());
                Verdict::CorrectOnce(writer.clone())
            }
            None => Verdict::Correct,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use kube::core::DynamicObject;
    use serde_json::{Value, json};
    use weir_apply::FieldManagers;

    use super::*;
    use crate::watch::Reducer;

    const INTERVAL: Duration = Duration::from_secs(60);

    fn owner(fields: &Value) -> Kustomization {
        let mut object = json!({
            "metadata": {"name": "app", "namespace": "ns"},
            "spec": {"interval": "1m", "prune": true, "sourceRef": {"kind": "GitRepository", "name": "app"}},
            "status": {"inventory": {"entries": [{"id": "ns_web_apps_Deployment", "v": "v1"}]}},
        });
        for (key, value) in fields.as_object().expect("a map") {
            let map = object[key].as_object_mut().expect("a map");
            map.extend(value.as_object().expect("a map").clone());
        }
        serde_json::from_value(object).expect("a Kustomization")
    }

    fn object(kind: &str, name: &str) -> ObjectKey {
        ObjectKey {
            kind: kind.to_owned(),
            key: Key::new("ns", name),
        }
    }

    fn seen(metadata: &Value) -> Seen {
        let mut object = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "ns"}});
        for (key, value) in metadata.as_object().expect("a map") {
            object["metadata"][key] = value.clone();
        }
        let object: DynamicObject = serde_json::from_value(object).expect("an object");
        let reducer = Reducer {
            managers: Arc::new(FieldManagers::new("kustomize-controller", &[])),
            ledger: Arc::default(),
        };
        reducer
            .reduce("apps/Deployment", &object)
            .expect("an object")
    }

    fn writer(manager: &str, subresource: &str) -> Writer {
        Writer {
            manager: manager.into(),
            subresource: subresource.into(),
        }
    }

    #[test]
    fn only_what_is_kept_by_one_at_work_is_corrected() {
        let kept = Kept::default();
        let none = json!({});
        let web = object("apps/Deployment", "web");
        assert!(corrects(&owner(&none), &kept, &web));
        assert!(!corrects(
            &owner(&none),
            &kept,
            &object("apps/Deployment", "other")
        ));
        let suspended = json!({"spec": {"suspend": true}});
        assert!(!corrects(&owner(&suspended), &kept, &web));
        let deleted = json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}});
        assert!(!corrects(&owner(&deleted), &kept, &web));
        // What is being pruned right now, although status still lists it.
        kept.keep(&Key::new("ns", "app"), HashSet::new());
        assert!(!corrects(&owner(&none), &kept, &web));
        kept.forget(&Key::new("ns", "app"));
        assert!(corrects(&owner(&none), &kept, &web));
    }

    #[test]
    fn the_object_decides_over_its_kustomization_and_that_over_the_flag() {
        let says = |word: &str| json!({"annotations": {"weir.dev/drift": word}});
        let of = |word: &str| owner(&json!({"metadata": says(word)}));
        let plain = seen(&json!({}));
        assert_eq!(
            when(&owner(&json!({})), &plain, Drift::Interval),
            Drift::Interval
        );
        assert_eq!(when(&of("watch"), &plain, Drift::Interval), Drift::Watch);
        assert_eq!(when(&of("nonsense"), &plain, Drift::Watch), Drift::Watch);
        let marked = seen(&says("interval"));
        assert_eq!(when(&of("watch"), &marked, Drift::Watch), Drift::Interval);
    }

    #[test]
    fn an_object_is_corrected_twice_and_then_once_per_interval() {
        let (mut patience, start) = (Patience::new(), Instant::now());
        let kubectl = writer("kubectl-edit", "");
        let mut at = |seconds: u64| {
            let now = start + Duration::from_secs(seconds);
            patience.judge(now, INTERVAL, Some(&kubectl)) == Verdict::Correct
        };
        assert!(at(1) && at(2));
        assert!(!at(3) && !at(30));
        assert!(at(62));
        assert!(!at(63) && !at(100));
        assert!(at(130));
    }

    #[test]
    fn a_program_is_corrected_once_and_named() {
        let (mut patience, now) = (Patience::new(), Instant::now());
        let scaler = writer("kube-controller-manager", "scale");
        let verdict = patience.judge(now, INTERVAL, Some(&scaler));
        assert_eq!(verdict, Verdict::CorrectOnce(scaler.clone()));
        for hours in 0..5 {
            let later = now + Duration::from_secs(3600 * hours);
            assert_eq!(
                patience.judge(later, INTERVAL, Some(&scaler)),
                Verdict::Leave
            );
        }
        assert_eq!(
            once(&object("apps/Deployment", "web"), &scaler),
            "Deployment/ns/web was changed by kube-controller-manager through scale and is corrected now; \
            what kube-controller-manager changes again is corrected at the interval only"
        );
    }
}
