//! The fields of two mappings, side by side.

use std::collections::{HashMap, HashSet};

use super::directive::KEY;
use crate::node::{Content, Entry, Node, Tag, Text};

/// Where a field is.
pub(super) enum Side {
    Target(usize),
    Patch(usize),
}

/// The first fields of each name, by name.
pub(super) fn sorted_firsts(entries: &[Entry]) -> Vec<(Text, Side)> {
    let firsts = firsts(entries).into_iter().zip(entries).enumerate();
    let firsts = firsts.filter(|(_, (first, _))| *first);
    let name = |entry: &Entry| entry.key.scalar().cloned().unwrap_or_default();
    let mut found: Vec<_> = firsts
        .map(|(at, (_, entry))| (name(entry), Side::Target(at)))
        .collect();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

/// Removes the entries at the given places.
pub(super) fn remove_all(entries: &mut Vec<Entry>, mut places: Vec<usize>) {
    if places.is_empty() {
        return;
    }
    places.sort_unstable();
    let mut places = places.into_iter().peekable();
    let mut at = 0;
    entries.retain(|_| {
        let here = places.next_if_eq(&at).is_some();
        at += 1;
        !here
    });
}

pub(super) fn take_value(entry: &mut Entry) -> Node {
    std::mem::replace(
        &mut entry.value,
        Node::raw(Content::Scalar(Text::new_static("")), Tag::Null),
    )
}

/// Marks the first of the fields of each name.
fn firsts(entries: &[Entry]) -> Vec<bool> {
    if entries.len() <= 16 {
        let first = |(at, entry): (usize, &Entry)| {
            entries[..at]
                .iter()
                .all(|e| e.key.text() != entry.key.text())
        };
        return entries.iter().enumerate().map(first).collect();
    }
    let mut seen = HashSet::with_capacity(entries.len());
    entries
        .iter()
        .map(|entry| seen.insert(entry.key.text()))
        .collect()
}

pub(super) fn first_of_each(entries: &[Entry], without_directive: bool) -> Vec<&Entry> {
    let firsts = firsts(entries).into_iter().zip(entries);
    let fields = firsts.filter(|(first, _)| *first).map(|(_, entry)| entry);
    fields
        .filter(|e| !without_directive || e.key.text() != KEY)
        .collect()
}

/// Positions of fields by name.
pub(super) enum Index<'a> {
    Few(&'a [&'a Entry]),
    Many(HashMap<&'a str, usize>),
}

impl<'a> Index<'a> {
    pub(super) fn new(entries: &'a [&'a Entry]) -> Self {
        if entries.len() <= 16 {
            return Self::Few(entries);
        }
        Self::Many(
            entries
                .iter()
                .enumerate()
                .map(|(at, e)| (e.key.text(), at))
                .collect(),
        )
    }

    pub(super) fn find(&self, name: &str) -> Option<usize> {
        match self {
            Self::Few(entries) => entries.iter().position(|e| e.key.text() == name),
            Self::Many(map) => map.get(name).copied(),
        }
    }
}
