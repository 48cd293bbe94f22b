//! Scalars that one transformer wrote to several places of a resource and that later change together.
//!
//! The original puts one node into several maps when it adds a label or annotation; whoever later
//! writes to one of the places writes to all of them. Users see it: a patch of a label that
//! `commonLabels` of a base has added also changes the selector.

use kyaml::{Node, Text};

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    /// Into the field of a mapping.
    Key(Text),
    /// Into the item of a sequence.
    Index(usize),
}

/// Groups of paths whose scalars are one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shared {
    groups: Vec<Vec<Vec<Step>>>,
}

fn at<'a>(node: &'a Node, path: &[Step]) -> Option<&'a Node> {
    path.iter().try_fold(node, |node, step| match step {
        Step::Key(key) => node.get(key),
        Step::Index(index) => node.items().get(*index),
    })
}

fn at_mut<'a>(node: &'a mut Node, path: &[Step]) -> Option<&'a mut Node> {
    path.iter().try_fold(node, |node, step| match step {
        Step::Key(key) => node.get_mut(key),
        Step::Index(index) => node.items_mut()?.get_mut(*index),
    })
}

impl Shared {
    /// Links the places to which one scalar was added.
    pub(super) fn link(&mut self, mut places: Vec<Vec<Step>>) {
        if places.len() > 1 {
            places.sort_unstable();
            places.dedup();
            self.groups.push(places);
        }
    }

    /// Unlinks everything below a path.
    pub(super) fn forget(&mut self, above: &[&str]) {
        let is_below = |path: &Vec<Step>| {
            let mut steps = above.iter().enumerate();
            steps.all(|(at, key)| matches!(path.get(at), Some(Step::Key(step)) if step == key))
        };
        for group in &mut self.groups {
            group.retain(|path| !is_below(path));
        }
        self.groups.retain(|group| group.len() > 1);
    }

    /// What stands at every place now.
    pub(super) fn scalars(&self, node: &Node) -> Vec<Vec<Option<Node>>> {
        let scalar = |path: &Vec<Step>| at(node, path).filter(|node| node.is_scalar()).cloned();
        self.groups
            .iter()
            .map(|group| group.iter().map(scalar).collect())
            .collect()
    }

    /// Carries the last write to any place of a group to the others. Writes are what differs from
    /// `before`, and what `patch` has at the same place. Places that vanished are unlinked.
    pub(super) fn spread(
        &mut self,
        node: &mut Node,
        before: &[Vec<Option<Node>>],
        patch: Option<&Node>,
    ) {
        for (group, before) in self.groups.iter_mut().zip(before) {
            let mut written: Option<Node> = None;
            let mut kept = Vec::with_capacity(group.len());
            for (path, before) in group.iter().zip(before) {
                let now = at(node, path).filter(|node| node.is_scalar());
                let (Some(now), Some(before)) = (now, before) else {
                    continue;
                };
                let patched = patch
                    .and_then(|patch| at(patch, path))
                    .is_some_and(Node::is_scalar);
                if patched || now.text() != before.text() || now.tag() != before.tag() {
                    written = Some(now.clone());
                }
                kept.push(path.clone());
            }
            if let Some(written) = written {
                for path in &kept {
                    if let Some(place) = at_mut(node, path) {
                        *place = written.clone();
                    }
                }
            }
            *group = kept;
        }
        self.groups.retain(|group| group.len() > 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(text: &str) -> Node {
        kyaml::parse(text).expect("parses").expect("is there").root
    }

    fn path(keys: &[&str]) -> Vec<Step> {
        keys.iter().map(|key| Step::Key((*key).into())).collect()
    }

    #[test]
    fn a_write_to_one_place_reaches_the_others() {
        let mut object = node("a: {x: '1'}\nb: {x: '1'}\nc: {x: '1'}\n");
        let mut shared = Shared::default();
        shared.link(vec![path(&["a", "x"]), path(&["b", "x"])]);
        let before = shared.scalars(&object);
        object.get_mut("b").expect("is there").put_string("x", "2");
        shared.spread(&mut object, &before, None);
        assert_eq!(object.at(&["a", "x"]).map(Node::text), Some("2"));
        assert_eq!(object.at(&["c", "x"]).map(Node::text), Some("1"));
    }

    #[test]
    fn a_place_that_vanished_is_no_longer_linked() {
        let mut object = node("a: {x: '1'}\nb: {x: '1'}\n");
        let mut shared = Shared::default();
        shared.link(vec![path(&["a", "x"]), path(&["b", "x"])]);
        let before = shared.scalars(&object);
        object.remove("a");
        shared.spread(&mut object, &before, None);
        assert!(shared.groups.is_empty());
    }
}
