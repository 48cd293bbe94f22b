//! Lists whose items are told apart by keys.
//!
//! Source: kyaml v0.21 `yaml/walk/associative_sequence.go`, `yaml/fns.go` `ElementSetter`.

mod keys;

use std::collections::{HashMap, HashSet};

use self::keys::{has_values, is_match, known_keys, merge_values, valid_of};
use super::directive::{self, Directive, KEY, of_sequence, take_directive};
use super::{At, ListOrder, Merger, Origin, Outcome, dressed, missing};
use crate::Error;
use crate::node::{Kind, Node, Text};
use crate::schema::SchemaRef;

/// Most comparisons of items that one list may cost.
const MOST_COMPARISONS: usize = 50_000_000;

/// Whether all items have a name.
pub(super) fn has_names(list: &Node) -> bool {
    list.items().iter().all(|item| item.get("name").is_some())
}

/// The patch's side of a list.
#[derive(Clone, Copy)]
enum Patch<'a> {
    Items(&'a [Node]),
    /// The target's own items.
    Same,
    None,
}

impl Merger<'_> {
    pub(super) fn list(
        &self,
        target: Option<Node>,
        patch: Option<&Node>,
        at: At<'_>,
    ) -> Result<Outcome, Error> {
        let target = dressed(target, patch);
        let Some(target) = target.filter(|node| !node.is_null()) else {
            return match patch {
                Some(patch) if !patch.is_null() => self.adopt_items(patch.clone(), at),
                _ => Ok(Outcome::removed(None)),
            };
        };
        let Some(patch) = patch else {
            return self.merge_items(target, Patch::None, at);
        };
        if patch.is_null() {
            return Ok(Outcome::removed(Some(target)));
        }
        let Some(_) = of_sequence(patch)? else {
            return self.merge_items(target, Patch::Items(patch.items()), at);
        };
        let mut patch = patch.clone();
        match take_directive(&mut patch)? {
            Directive::Delete => Ok(Outcome::removed(Some(target))),
            Directive::Replace => {
                let outcome = self.adopt_items(patch, at)?;
                Ok(Outcome {
                    rest: Some(target),
                    ..outcome
                })
            }
            Directive::Merge => self.merge_items(target, Patch::Items(patch.items()), at),
        }
    }

    /// A list that is merged with itself.
    pub(super) fn adopt_list(&self, mut list: Node, at: At<'_>) -> Result<Outcome, Error> {
        match take_directive(&mut list)? {
            Directive::Delete => Ok(Outcome::removed(Some(list))),
            _ => self.adopt_items(list, at),
        }
    }

    fn adopt_items(&self, list: Node, at: At<'_>) -> Result<Outcome, Error> {
        let outcome = self.merge_items(list, Patch::Same, at)?;
        let origin = match outcome.origin {
            Origin::Target => Origin::Patch,
            other => other,
        };
        Ok(Outcome {
            origin,
            rest: None,
            ..outcome
        })
    }

    fn keys(
        &self,
        list: &Node,
        patch: Patch<'_>,
        schema: Option<SchemaRef<'_>>,
    ) -> Result<Vec<Text>, Error> {
        let keys = schema.map(SchemaRef::merge_keys).unwrap_or_default();
        if !keys.is_empty() || schema.is_some_and(|schema| !schema.strategy().is_empty()) {
            return Ok(keys.into_iter().map(Text::from).collect());
        }
        let named = |items: &[Node]| items.iter().all(|item| item.get("name").is_some());
        let mut sides = vec![list.items()];
        if let Patch::Items(items) = patch {
            sides.push(items);
        }
        sides.retain(|items| !items.is_empty());
        if sides.is_empty() || !named(sides[sides.len() - 1]) {
            return Err(Error::Merge("no merge key found for field ".into()));
        }
        if !sides.iter().all(|items| named(items)) {
            return Err(Error::Merge("conflicting merge keys".into()));
        }
        Ok(vec![Text::from("name")])
    }

    fn merge_items(&self, target: Node, patch: Patch<'_>, at: At<'_>) -> Result<Outcome, Error> {
        let keys = self.keys(&target, patch, at.schema)?;
        let mut shell = target;
        let items = shell.items_mut().map(std::mem::take).unwrap_or_default();
        let below = At {
            schema: at.schema.and_then(SchemaRef::elements),
            depth: at.depth + 1,
        };
        let patched = match patch {
            Patch::Items(items) => items,
            _ => &[],
        };
        let (result, made) = match simple_key(&items, patched, &keys) {
            Some(key) => self.merge_simple(items, patch, &key, below)?,
            None => Lists::new(self, items, patch, below).merge(&keys)?,
        };
        if made {
            let rest = Some(shell);
            return Ok(Outcome::of(
                Some(Node::sequence_of(result)),
                Origin::Made,
                rest,
            ));
        }
        if let Some(items) = shell.items_mut() {
            *items = result;
        }
        Ok(Outcome::target(shell))
    }

    /// Items that all have one key, each value once: no comparing of all with all.
    fn merge_simple(
        &self,
        items: Vec<Node>,
        patch: Patch<'_>,
        key: &str,
        at: At<'_>,
    ) -> Result<(Vec<Node>, bool), Error> {
        let name = |item: &Node| item_key(item, key);
        let mut by_name: HashMap<Text, usize> = HashMap::with_capacity(items.len());
        by_name.extend(items.iter().enumerate().map(|(at, item)| (name(item), at)));
        let mut slots: Vec<Option<Node>> = items.into_iter().map(Some).collect();
        let patched = match patch {
            Patch::Items(items) => items,
            _ => &[],
        };
        let empty = slots.is_empty() && patched.is_empty();
        let prepend = self.options.order == ListOrder::Prepend;
        let mut first = Vec::new();
        for item in patched {
            let place = by_name.get(&name(item)).copied();
            let old = place.and_then(|at| slots[at].take());
            let value = self
                .walk(old, Some(item), at)?
                .node
                .filter(|v| !is_hollow(v));
            match place {
                Some(at) if !prepend => slots[at] = value,
                _ => first.extend(value),
            }
            by_name.remove(&name(item));
        }
        let mut untouched = vec![false; slots.len()];
        by_name.values().for_each(|at| untouched[*at] = true);
        let mut kept = Vec::with_capacity(slots.len());
        for (slot, untouched) in slots.into_iter().zip(untouched) {
            let Some(item) = slot else { continue };
            if !untouched {
                kept.push(item);
                continue;
            }
            let outcome = match patch {
                Patch::Same => self.adopt(item, at)?,
                _ => {
                    let mut item = item;
                    if !is_hollow(&item) && self.settle(&mut item, at) {
                        kept.push(item);
                        continue;
                    }
                    self.walk(Some(item), None, at)?
                }
            };
            kept.extend(outcome.node.filter(|v| !is_hollow(v)));
        }
        if prepend {
            first.extend(kept);
            return Ok((first, !empty));
        }
        kept.extend(first);
        Ok((kept, false))
    }
}

/// Whether an item counts as nothing: null or an empty mapping.
pub(super) fn is_hollow(item: &Node) -> bool {
    item.is_null() || item.is_mapping() && item.entries().is_empty()
}

fn item_key(item: &Node, key: &str) -> Text {
    Text::from(item.get(key).map_or("", Node::text))
}

/// The key by which items can be matched simply, if they can.
fn simple_key(items: &[Node], patch: &[Node], keys: &[Text]) -> Option<Text> {
    let [key] = keys else { return None };
    let distinct = |items: &[Node]| {
        let mut seen = HashSet::with_capacity(items.len());
        items.iter().all(|item| {
            let value = item.get(key).and_then(Node::scalar);
            value.is_some_and(|value| !value.is_empty() && seen.insert(value.as_str()))
        })
    };
    let scalars = |items: &[Node]| {
        items
            .iter()
            .all(|item| item.get(key).is_some_and(|v| !v.is_null()))
    };
    // Replacing one item is undone when the target's items are put back behind the patch's.
    let replaces = |item: &Node| item.get(KEY).is_some_and(|word| word.text() == "replace");
    let good = scalars(items) && scalars(patch) && distinct(items) && distinct(patch);
    (good && !patch.iter().any(replaces)).then(|| key.clone())
}

/// The general case, item by item as upstream, with items held by number so that a list can hold one
/// twice.
struct Lists<'m, 'a> {
    merger: &'m Merger<'m>,
    at: At<'a>,
    patch: Patch<'a>,
    pool: Vec<Node>,
    target: Vec<usize>,
    added: Vec<usize>,
    comparisons: usize,
    /// Patch items that have been merged before.
    visited: HashSet<usize>,
}

impl<'m, 'a> Lists<'m, 'a> {
    fn new(merger: &'m Merger<'m>, items: Vec<Node>, patch: Patch<'a>, at: At<'a>) -> Self {
        Self {
            merger,
            at,
            patch,
            target: (0..items.len()).collect(),
            pool: items,
            added: Vec::new(),
            comparisons: 0,
            visited: HashSet::new(),
        }
    }

    fn merge(mut self, keys: &[Text]) -> Result<(Vec<Node>, bool), Error> {
        let mut values = self.values(keys);
        let primitive = [Text::default()];
        let keys = if keys.is_empty() {
            values = self.primitives();
            &primitive[..]
        } else {
            keys
        };
        if keys.len() > 1 {
            self.spend(values.len().saturating_mul(values.len()))?;
            merge_values(&mut values);
        }
        let known = known_keys(&values, keys);
        let mut valid = Vec::new();
        for value in &values {
            let (keys, texts) = valid_of(&known, value, keys);
            self.merge_one(&keys, &texts)?;
            valid = keys;
        }
        if values.is_empty() {
            return Ok((self.take(true), false));
        }
        let prepend = self.merger.options.order == ListOrder::Prepend;
        self.join(&valid, prepend)?;
        Ok((self.take(!prepend), prepend))
    }

    /// The items of the target or of the added list, each a node of its own.
    fn take(self, target: bool) -> Vec<Node> {
        let list = if target { &self.target } else { &self.added };
        list.iter().map(|at| self.pool[*at].clone()).collect()
    }

    /// The patch's items and the target's, in the order in which new items come.
    fn sides(&self) -> Vec<&Node> {
        let target = self.target.iter().map(|at| &self.pool[*at]);
        let patch = match self.patch {
            Patch::Items(items) => items,
            _ => &[],
        };
        match self.merger.options.order {
            ListOrder::Prepend => patch.iter().chain(target).collect(),
            ListOrder::Append => target.chain(patch).collect(),
        }
    }

    /// The key values of all items, each once.
    fn values(&self, keys: &[Text]) -> Vec<Vec<Text>> {
        if keys.is_empty() {
            return Vec::new();
        }
        let mut seen = HashSet::new();
        let value = |item: &Node, key: &Text| {
            let field = item.get(key).filter(|f| !f.is_null_or_empty());
            Text::from(field.map_or("", Node::text))
        };
        let all = self
            .sides()
            .into_iter()
            .map(|item| keys.iter().map(|k| value(item, k)).collect());
        all.filter(|values: &Vec<Text>| seen.insert(values.clone()))
            .collect()
    }

    fn primitives(&self) -> Vec<Vec<Text>> {
        let mut seen = HashSet::new();
        let all = self.sides().into_iter().map(|item| Text::from(item.text()));
        all.filter(|text| seen.insert(text.clone()))
            .map(|text| vec![text])
            .collect()
    }

    fn merge_one(&mut self, keys: &[Text], values: &[Text]) -> Result<(), Error> {
        let Some(slot) = self.walk_item(keys, values)? else {
            return self.set(Side::Target, None, (keys, values));
        };
        if is_hollow(&self.pool[slot]) {
            return self.set(Side::Target, None, (keys, values));
        }
        for (key, value) in keys.iter().zip(values) {
            let item = &mut self.pool[slot];
            if item.get(key).is_some() || value.is_empty() {
                continue;
            }
            if key.is_empty() {
                item.set_scalar(Node::scalar_of(value.clone()))?;
            } else {
                item.set_field(key, Node::scalar_of(value.clone()))?;
            }
        }
        self.set(Side::Added, Some(slot), (keys, values))
    }

    /// Merges the items of both sides that have these key values, and returns the result's number.
    fn walk_item(&mut self, keys: &[Text], values: &[Text]) -> Result<Option<usize>, Error> {
        let known = known_keys(std::slice::from_ref(&values.to_vec()), keys);
        let (keys, values) = valid_of(&known, values, keys);
        let mine = self
            .target
            .iter()
            .position(|at| has_values(&self.pool[*at], &keys, &values));
        self.spend(self.target.len())?;
        let mine = mine.map(|position| self.target[position]);
        let held = mine.map(|slot| std::mem::replace(&mut self.pool[slot], Node::null()));
        let outcome = match (self.patch, held) {
            (Patch::Same, Some(item)) => {
                let outcome = self.merger.adopt(item, self.at)?;
                Outcome {
                    origin: Origin::Target,
                    ..outcome
                }
            }
            (Patch::Items(items), held) => {
                self.spend(items.len())?;
                let theirs = items
                    .iter()
                    .position(|item| has_values(item, &keys, &values));
                // Upstream takes directives out of a patch item when it first meets it.
                let again = theirs.filter(|at| !self.visited.insert(*at));
                let bare = again.map(|at| directive::without(&items[at]));
                let theirs = bare.as_ref().or(theirs.map(|at| &items[at]));
                self.merger.walk(held, theirs, self.at)?
            }
            (_, held) => self.merger.walk(held, None, self.at)?,
        };
        if let (Some(slot), Some(rest)) = (mine, outcome.rest) {
            self.pool[slot] = rest;
        }
        Ok(match (outcome.node, outcome.origin, mine) {
            (Some(node), Origin::Target, Some(slot)) => {
                self.pool[slot] = node;
                Some(slot)
            }
            (Some(node), ..) => {
                self.pool.push(node);
                Some(self.pool.len() - 1)
            }
            (None, ..) => None,
        })
    }

    fn spend(&mut self, comparisons: usize) -> Result<(), Error> {
        self.comparisons += comparisons;
        if self.comparisons > MOST_COMPARISONS {
            return Err(Error::Limit("list is too large to merge".into()));
        }
        Ok(())
    }

    /// Puts an item in place of every item with these key values, or at the end; without one, removes
    /// them. Empty items vanish on the way.
    fn set(
        &mut self,
        side: Side,
        item: Option<usize>,
        (keys, values): (&[Text], &[Text]),
    ) -> Result<(), Error> {
        let old = std::mem::take(self.side(side));
        self.spend(old.len())?;
        let mut list = Vec::with_capacity(old.len() + 1);
        let mut found = false;
        let maps = keys.first().is_some_and(|k| !k.is_empty())
            && values.first().is_some_and(|v| !v.is_empty());
        for slot in old {
            let node = &self.pool[slot];
            if is_hollow(node) {
                continue;
            }
            if maps && !node.is_mapping() {
                list.push(slot);
                continue;
            }
            if !is_match(node, keys, values)? {
                if !values.is_empty() {
                    list.push(slot);
                }
                continue;
            }
            found = true;
            list.extend(item);
        }
        if let Some(item) = item.filter(|item| !found && !missing(Some(&self.pool[*item]))) {
            list.push(item);
        }
        *self.side(side) = list;
        Ok(())
    }

    fn side(&mut self, side: Side) -> &mut Vec<usize> {
        match side {
            Side::Target => &mut self.target,
            Side::Added => &mut self.added,
        }
    }

    /// Adds one list to the other: the target to what was added, or the other way round.
    fn join(&mut self, keys: &[Text], prepend: bool) -> Result<(), Error> {
        let (from, to) = match prepend {
            true => (self.target.clone(), Side::Added),
            false => (self.added.clone(), Side::Target),
        };
        for slot in from {
            if keys.first().is_some_and(|key| key.is_empty()) {
                let value = [Text::from(self.pool[slot].text())];
                self.set(to, Some(slot), (&[Text::default()], &value))?;
                continue;
            }
            let mut values = Vec::with_capacity(keys.len());
            for key in keys {
                let item = &self.pool[slot];
                if !item.is_null() {
                    item.expect_kind(Kind::Mapping)?;
                }
                match item.get(key).filter(|_| !item.is_null()) {
                    Some(value) => values.push(Text::from(value.text())),
                    // Without a key the item is added as it is, and then once more below.
                    None => self.side(to).push(slot),
                }
            }
            if keys.len() > 1 {
                self.set(to, None, (keys, &values))?;
            }
            self.set(to, Some(slot), (keys, &values))?;
        }
        Ok(())
    }
}

#[derive(Clone, Copy)]
enum Side {
    Target,
    Added,
}
