//! Health checks that newer work has ended before they were over.
//!
//! Upstream finishes a check before it begins the next pass, so what it tells of health is what was known before.
//! Here the next pass goes on with the check: what the first one would have told must not be told twice, nor be lost.

use std::collections::HashMap;

use parking_lot::Mutex;
use weir_runtime::kind::Key;

/// What is known of unfinished checks, by Kustomization.
#[derive(Debug, Default)]
pub struct Unfinished(Mutex<HashMap<Key, Check>>);

#[derive(Debug)]
struct Check {
    /// The Kustomization's uid: another one of its name begins anew.
    uid: String,
    /// Whether it would have been worth an event.
    news: bool,
}

impl Unfinished {
    /// A check begins: whether the one that it goes on with would have been worth an event, if there is one.
    #[must_use]
    pub fn take(&self, object: &Key, uid: &str) -> Option<bool> {
        let check = self.0.lock().remove(object)?;
        (check.uid == uid).then_some(check.news)
    }

    /// A check ends before it is over.
    pub fn keep(&self, object: &Key, uid: &str, news: bool) {
        let uid = uid.to_owned();
        self.0.lock().insert(object.clone(), Check { uid, news });
    }

    /// There is nothing to go on with.
    pub fn forget(&self, object: &Key) {
        self.0.lock().remove(object);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_is_gone_on_with_once_and_by_the_same_object_only() {
        let unfinished = Unfinished::default();
        let object = Key::new("ns", "app");
        unfinished.keep(&object, "1", false);
        assert_eq!(unfinished.take(&object, "1"), Some(false));
        assert_eq!(unfinished.take(&object, "1"), None);
        unfinished.keep(&object, "1", true);
        assert_eq!(unfinished.take(&object, "2"), None, "another object");
        unfinished.keep(&object, "2", true);
        unfinished.forget(&object);
        assert_eq!(unfinished.take(&object, "2"), None);
    }
}
