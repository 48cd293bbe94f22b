//! Maps: references to entries, sorted by key.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, Weak};

use super::{Value, drop_all, nests};
use crate::{Str, Type};

/// Keys and values, sorted by key.
pub type Pairs = BTreeMap<Str, Value>;

/// A map from strings, or a nil one. Copies share the entries.
#[derive(Clone, Debug)]
pub struct Map {
    ty: &'static Type,
    entries: Option<Arc<Entries>>,
}

#[derive(Debug, Default)]
struct Entries(RwLock<Pairs>);

impl Drop for Entries {
    fn drop(&mut self) {
        let pairs = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        let mut todo = Vec::new();
        take_nested(pairs, &mut todo);
        drop_all(todo);
    }
}

/// Moves what nests to what is to be dropped; the rest goes with its map.
fn take_nested(pairs: &mut Pairs, todo: &mut Vec<Value>) {
    let nested = pairs.values_mut().filter(|value| nests(value));
    todo.extend(nested.map(std::mem::take));
}

/// A map that is not kept alive.
#[derive(Debug, Default)]
pub(crate) struct WeakMap(Weak<Entries>);

impl WeakMap {
    /// The map, if anyone else still has it.
    pub(crate) fn upgrade(&self) -> Option<Map> {
        let entries = self.0.upgrade();
        entries.map(|it| Map {
            ty: &Type::MAP,
            entries: Some(it),
        })
    }

    pub(crate) fn is(&self, map: &Map) -> bool {
        map.entries
            .as_ref()
            .is_some_and(|it| Arc::as_ptr(it) == self.0.as_ptr())
    }
}

impl Map {
    pub(crate) fn downgrade(&self) -> WeakMap {
        WeakMap(
            self.entries
                .as_ref()
                .map(Arc::downgrade)
                .unwrap_or_default(),
        )
    }

    /// A new, empty map.
    pub fn new(ty: &'static Type) -> Self {
        let entries = Some(Arc::default());
        Self { ty, entries }
    }

    /// A map of these entries.
    pub fn from_pairs(ty: &'static Type, pairs: Pairs) -> Self {
        let entries = Some(Arc::new(Entries(RwLock::new(pairs))));
        Self { ty, entries }
    }

    /// A map that is nil.
    pub fn nil(ty: &'static Type) -> Self {
        Self { ty, entries: None }
    }

    /// Its type.
    pub fn ty(&self) -> &'static Type {
        self.ty
    }

    /// Whether it is nil, which an empty one need not be.
    pub fn is_nil(&self) -> bool {
        self.entries.is_none()
    }

    fn read(&self) -> Option<RwLockReadGuard<'_, Pairs>> {
        let entries = self.entries.as_deref()?;
        Some(entries.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn write(&self) -> Option<RwLockWriteGuard<'_, Pairs>> {
        let entries = self.entries.as_deref()?;
        Some(entries.0.write().unwrap_or_else(PoisonError::into_inner))
    }

    /// How many entries it has.
    pub fn len(&self) -> usize {
        self.read().map_or(0, |it| it.len())
    }

    /// Whether it has no entries.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value under a key.
    pub fn get(&self, key: &[u8]) -> Option<Value> {
        self.read()?.get(key).cloned()
    }

    /// Whether there is such a key.
    pub fn contains(&self, key: &[u8]) -> bool {
        self.read().is_some_and(|it| it.contains_key(key))
    }

    /// All keys, sorted.
    pub fn keys(&self) -> Vec<Str> {
        self.read()
            .map_or_else(Vec::new, |it| it.keys().cloned().collect())
    }

    /// All entries as they are now, sorted by key.
    pub fn entries(&self) -> Vec<(Str, Value)> {
        let pair = |(key, value): (&Str, &Value)| (key.clone(), value.clone());
        self.read()
            .map_or_else(Vec::new, |it| it.iter().map(pair).collect())
    }

    /// Puts a value under a key. Says whether it could: a nil map takes nothing.
    pub fn insert(&self, key: Str, value: Value) -> bool {
        let Some(mut pairs) = self.write() else {
            return false;
        };
        let old = pairs.insert(key, value);
        drop(pairs);
        drop(old);
        true
    }

    /// Takes the value under a key away.
    pub fn remove(&self, key: &[u8]) -> Option<Value> {
        self.write()?.remove(key)
    }

    /// Puts in many.
    pub fn extend(&self, entries: impl IntoIterator<Item = (Str, Value)>) {
        for (key, value) in entries {
            self.insert(key, value);
        }
    }

    /// A new map of the same type and keys, whose nested values are those that `copy` makes of these.
    pub fn copied(&self, mut copy: impl FnMut(&Value) -> Value) -> Self {
        let mut pairs = self.read().map_or_else(Pairs::new, |it| it.clone());
        for value in pairs.values_mut().filter(|value| nests(value)) {
            *value = copy(value);
        }
        Self::from_pairs(self.ty, pairs)
    }

    /// Takes all entries away, which breaks a circle that the map is part of.
    pub fn clear(&self) {
        let mut pairs = self
            .write()
            .map_or_else(Pairs::new, |mut it| std::mem::take(&mut *it));
        let mut todo = Vec::new();
        take_nested(&mut pairs, &mut todo);
        drop_all(todo);
    }

    /// Whether both are the same map, not only equal ones.
    pub fn same(&self, other: &Self) -> bool {
        match (&self.entries, &other.entries) {
            (Some(one), Some(two)) => Arc::ptr_eq(one, two),
            (None, None) => true,
            _ => false,
        }
    }

    /// The same entries under another type of the same elements.
    pub fn retyped(mut self, ty: &'static Type) -> Self {
        self.ty = ty;
        self
    }

    /// If this is the last copy, moves its values to those that are to be dropped.
    pub(super) fn take_last(mut self, todo: &mut Vec<Value>) {
        if let Some(mut entries) = self.entries.take().and_then(Arc::into_inner) {
            let pairs = entries.0.get_mut().unwrap_or_else(PoisonError::into_inner);
            take_nested(pairs, todo);
        }
    }
}
