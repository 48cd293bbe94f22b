//! Data keys that were asked for before, so that a network key service is asked once per file.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use crate::Secret;
use crate::metadata::Metadata;

/// Whose credentials a data key was got with: nobody else is served it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Scope(pub [u8; 32]);

/// A bounded store of data keys by scope and by what the file says of its keys.
#[derive(Debug)]
pub struct DataKeys {
    kept: Mutex<HashMap<(Scope, [u8; 32]), Kept>>,
    capacity: usize,
    lifetime: Duration,
}

struct Kept {
    key: Secret,
    since: Duration,
}

impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kept")
            .field("since", &self.since)
            .finish_non_exhaustive()
    }
}

impl DataKeys {
    /// A store of at most `capacity` keys, each of which is used for at most `lifetime`.
    #[must_use]
    pub fn new(capacity: usize, lifetime: Duration) -> Self {
        Self {
            kept: Mutex::default(),
            capacity,
            lifetime,
        }
    }

    pub(crate) fn get(&self, scope: Scope, metadata: &Metadata, now: Duration) -> Option<Secret> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.get(&(scope, fingerprint(metadata)))?;
        (now.saturating_sub(found.since) < self.lifetime).then(|| found.key.clone())
    }

    pub(crate) fn put(&self, scope: Scope, metadata: &Metadata, now: Duration, key: Secret) {
        if self.capacity == 0 {
            return;
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|_, kept| now.saturating_sub(kept.since) < self.lifetime);
        if kept.len() >= self.capacity {
            let oldest = kept
                .iter()
                .min_by_key(|(_, kept)| kept.since)
                .map(|(at, _)| *at);
            if let Some(oldest) = oldest {
                kept.remove(&oldest);
            }
        }
        kept.insert((scope, fingerprint(metadata)), Kept { key, since: now });
    }
}

/// What decides the data key: the encrypted copies of it, and how many are needed.
fn fingerprint(metadata: &Metadata) -> [u8; 32] {
    let text = format!("{}{:?}", metadata.threshold, metadata.groups);
    Sha256::digest(text.as_bytes()).into()
}
