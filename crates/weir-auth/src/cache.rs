//! Tokens that are good for a while, asked for once.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use crate::error::Error;
use crate::token::Token;

/// The object that a token is asked for, and in which operation of its controller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnBehalf {
    /// The object's kind.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// The operation, such as `reconcile`.
    pub operation: &'static str,
}

/// Whoever counts what a cache does.
pub trait CacheWatcher: Send + Sync {
    /// A token was asked for: it was kept, or not; it was given, or there was none.
    fn asked(&self, on_behalf: Option<&OnBehalf>, kept: bool, given: bool);

    /// One more is kept.
    fn added(&self);

    /// One was dropped to make room for the next.
    fn evicted(&self);
}

/// Tokens by what they are for. Cheap to clone; clones share what is kept.
///
/// Source: fluxcd/pkg `cache/token.go`: 80 % of a token's life, at most the given duration.
#[derive(Clone)]
pub struct TokenCache {
    size: usize,
    longest: Duration,
    slots: Arc<Mutex<HashMap<String, Slot>>>,
    watcher: Option<Arc<dyn CacheWatcher>>,
    on_behalf: Option<Arc<OnBehalf>>,
}

impl fmt::Debug for TokenCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenCache")
            .field("size", &self.size)
            .field("longest", &self.longest)
            .finish_non_exhaustive()
    }
}

/// One of a kind; who asks for a new one holds its lock, so that others wait and do not ask too.
type Slot = Arc<tokio::sync::Mutex<Option<Kept>>>;

#[derive(Debug, Clone)]
struct Kept {
    token: Token,
    until: SystemTime,
}

impl TokenCache {
    /// Keeps at most `size` tokens, none longer than `longest`; a size of 0 keeps none.
    #[must_use]
    pub fn new(size: usize, longest: Duration) -> Self {
        Self {
            size,
            longest,
            slots: Arc::default(),
            watcher: None,
            on_behalf: None,
        }
    }

    /// Tells `watcher` what happens.
    #[must_use]
    pub fn watched(mut self, watcher: Arc<dyn CacheWatcher>) -> Self {
        self.watcher = Some(watcher);
        self
    }

    /// The same tokens, asked for on behalf of an object.
    #[must_use]
    pub fn on_behalf(&self, of: OnBehalf) -> Self {
        Self {
            on_behalf: Some(Arc::new(of)),
            ..self.clone()
        }
    }

    /// The token for `key`, from `ask` if none is kept that is fresh.
    ///
    /// `key` must name everything that decides what the token opens and who may ask for it.
    ///
    /// # Errors
    /// Those of `ask`; they are not kept.
    pub async fn get<F>(&self, key: String, ask: impl FnOnce() -> F) -> Result<Token, Error>
    where
        F: Future<Output = Result<Token, Error>>,
    {
        if self.size == 0 {
            return ask().await;
        }
        let slot = self.slot(key);
        let mut kept = slot.lock().await;
        let now = SystemTime::now();
        if let Some(found) = kept.as_ref().filter(|found| found.until > now) {
            self.tell(true, true);
            return Ok(found.token.clone());
        }
        let asked = ask().await;
        self.tell(false, asked.is_ok());
        let token = asked?;
        if let (Some(watcher), None) = (&self.watcher, kept.as_ref()) {
            watcher.added();
        }
        let now = SystemTime::now();
        let until = now + token.life(now).mul_f64(0.8).min(self.longest);
        *kept = Some(Kept {
            token: token.clone(),
            until,
        });
        Ok(token)
    }

    fn tell(&self, kept: bool, given: bool) {
        if let Some(watcher) = &self.watcher {
            watcher.asked(self.on_behalf.as_deref(), kept, given);
        }
    }

    fn slot(&self, key: String) -> Slot {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if !slots.contains_key(&key) && slots.len() >= self.size {
            // Whoever holds a slot keeps it; only what is at rest is dropped, the first to end first.
            let ends = |slot: &Slot| {
                let kept = slot.try_lock().ok()?;
                Some(kept.as_ref().map(|kept| kept.until))
            };
            let first = slots
                .iter()
                .filter_map(|(key, slot)| Some((ends(slot)?, key.clone())))
                .min();
            if let Some((held, first)) = first {
                slots.remove(&first);
                if let (Some(watcher), Some(_)) = (&self.watcher, held) {
                    watcher.evicted();
                }
            }
        }
        Arc::clone(slots.entry(key).or_default())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn token(seconds: u64) -> Token {
        Token {
            username: String::new(),
            secret: "canary".to_owned(),
            expires: SystemTime::now() + Duration::from_secs(seconds),
        }
    }

    async fn asked(cache: &TokenCache, keys: &[&str], seconds: u64) -> usize {
        let count = AtomicUsize::new(0);
        for key in keys {
            let ask = || async {
                count.fetch_add(1, Ordering::Relaxed);
                Ok(token(seconds))
            };
            cache.get((*key).to_owned(), ask).await.expect("is given");
        }
        count.into_inner()
    }

    #[tokio::test]
    async fn a_fresh_token_is_asked_for_once_and_an_old_one_again() {
        let cache = TokenCache::new(10, Duration::from_secs(3600));
        assert_eq!(asked(&cache, &["a", "a", "b", "a"], 600).await, 2);
        assert_eq!(asked(&cache, &["old", "old"], 0).await, 2);
        let off = TokenCache::new(0, Duration::from_secs(3600));
        assert_eq!(asked(&off, &["a", "a"], 600).await, 2);
        let brief = TokenCache::new(10, Duration::ZERO);
        assert_eq!(asked(&brief, &["a", "a"], 600).await, 2);
    }

    #[tokio::test]
    async fn no_more_are_kept_than_allowed() {
        let cache = TokenCache::new(2, Duration::from_secs(3600));
        asked(&cache, &["a", "b", "c", "d"], 600).await;
        assert_eq!(cache.slots.lock().expect("is sound").len(), 2);
    }

    /// One line per call.
    #[derive(Default)]
    struct Told(Mutex<Vec<String>>);

    impl Told {
        fn add(&self, line: String) {
            self.0.lock().expect("is sound").push(line);
        }
    }

    impl CacheWatcher for Told {
        fn asked(&self, on_behalf: Option<&OnBehalf>, kept: bool, given: bool) {
            let name = on_behalf.map_or("nobody", |of| of.name.as_str());
            self.add(format!("asked for {name}, kept {kept}, given {given}"));
        }

        fn added(&self) {
            self.add("added".to_owned());
        }

        fn evicted(&self) {
            self.add("evicted".to_owned());
        }
    }

    #[tokio::test]
    async fn whoever_counts_is_told_of_each_token() {
        let told = Arc::new(Told::default());
        let cache = TokenCache::new(1, Duration::from_secs(3600)).watched(Arc::clone(&told) as _);
        let mine = cache.on_behalf(OnBehalf {
            kind: "GitRepository",
            name: "app".to_owned(),
            namespace: "ns".to_owned(),
            operation: "reconcile",
        });
        asked(&mine, &["a", "a"], 600).await;
        asked(&cache, &["b"], 600).await;
        let refuse = || async { Err(Error::Invalid("no".to_owned())) };
        cache.get("c".to_owned(), refuse).await.expect_err("none");
        let told = told.0.lock().expect("is sound").join("\n");
        assert_eq!(
            told,
            "asked for app, kept false, given true\nadded\nasked for app, kept true, given true\nevicted\n\
             asked for nobody, kept false, given true\nadded\nevicted\nasked for nobody, kept false, given false"
        );
    }

    #[tokio::test]
    async fn those_who_ask_at_once_get_one_token() {
        let cache = TokenCache::new(10, Duration::from_secs(3600));
        let count = AtomicUsize::new(0);
        let ask = || async {
            count.fetch_add(1, Ordering::Relaxed);
            tokio::task::yield_now().await;
            Ok(token(600))
        };
        let one = cache.get("a".to_owned(), ask);
        let two = cache.get("a".to_owned(), ask);
        let (one, two) = tokio::join!(one, two);
        assert_eq!(one.expect("is given"), two.expect("is given"));
        assert_eq!(count.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn a_token_does_not_print_itself() {
        assert!(!format!("{:?}", token(1)).contains("canary"));
    }
}
