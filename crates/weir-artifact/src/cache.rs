//! Unpacked artifacts by digest, bounded in bytes, the least recently used one leaving first.

use std::collections::HashMap;
use std::sync::Arc;

use file_tree::FileTree;

/// What an entry costs beside its contents: path, map node, headers.
const ENTRY_BYTES: u64 = 256;

/// The cache. Not shared by itself: the owner locks it.
#[derive(Debug)]
pub(crate) struct Cache {
    trees: HashMap<String, Slot>,
    capacity: u64,
    held: u64,
    clock: u64,
}

#[derive(Debug)]
struct Slot {
    tree: Arc<FileTree>,
    bytes: u64,
    used: u64,
}

impl Cache {
    pub(crate) fn new(capacity: u64) -> Self {
        Self {
            trees: HashMap::new(),
            capacity,
            held: 0,
            clock: 0,
        }
    }

    pub(crate) fn get(&mut self, digest: &str) -> Option<Arc<FileTree>> {
        self.clock += 1;
        let slot = self.trees.get_mut(digest)?;
        slot.used = self.clock;
        Some(Arc::clone(&slot.tree))
    }

    /// Keeps `tree`, at the cost of older ones; one that is larger than the whole cache is not kept.
    pub(crate) fn insert(&mut self, digest: String, tree: Arc<FileTree>) {
        let bytes = tree.bytes() + ENTRY_BYTES * tree.entries() as u64;
        self.remove(&digest);
        if bytes > self.capacity {
            return;
        }
        while self.held + bytes > self.capacity {
            let oldest = self.trees.iter().min_by_key(|(_, slot)| slot.used);
            let Some(oldest) = oldest.map(|(digest, _)| digest.clone()) else {
                break;
            };
            self.remove(&oldest);
        }
        self.clock += 1;
        self.held += bytes;
        let used = self.clock;
        self.trees.insert(digest, Slot { tree, bytes, used });
    }

    fn remove(&mut self, digest: &str) {
        if let Some(slot) = self.trees.remove(digest) {
            self.held -= slot.bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(bytes: usize) -> Arc<FileTree> {
        let mut tree = FileTree::default();
        tree.insert_file("f", vec![0; bytes], false)
            .expect("inserts");
        Arc::new(tree)
    }

    #[test]
    fn the_least_recently_used_leaves_first() {
        let mut cache = Cache::new(3000);
        for name in ["a", "b"] {
            cache.insert(name.to_owned(), tree(1000));
        }
        assert!(cache.get("a").is_some());
        cache.insert("c".to_owned(), tree(1000));
        assert!(cache.get("b").is_none());
        assert!(cache.get("a").is_some() && cache.get("c").is_some());
    }

    #[test]
    fn what_is_larger_than_the_cache_is_not_kept() {
        let mut cache = Cache::new(1000);
        cache.insert("small".to_owned(), tree(10));
        cache.insert("big".to_owned(), tree(1001));
        assert!(cache.get("big").is_none());
        assert!(cache.get("small").is_some());
    }
}
