//! What a patch does not touch, changed in place: merging walks it nevertheless, but most of it comes out
//! as it was.

use std::collections::HashSet;

use super::list::is_hollow;
use super::{At, Merger, below};
use crate::Limits;
use crate::node::{Content, Entry, Node, Tag};

/// So many things are compared each with each.
const FEW: usize = 16;

/// After so many looks in vain there is none any more: each costs as much as there is below.
const MOST_TRIES: usize = 64;

impl Merger<'_> {
    /// Does to a node what [`Merger::walk`] does without a patch, if that is little: strings that need
    /// quotes get them, lists that are merged are made anew. `false` if the walk might do more, which
    /// then still has to be walked; what was done until then, walking does too.
    pub(super) fn settle(&self, node: &mut Node, at: At<'_>) -> bool {
        let tried = self.unsettled.get();
        if tried > MOST_TRIES {
            return false;
        }
        let settled = self.settle_node(node, at);
        self.unsettled.set(tried + usize::from(!settled));
        settled
    }

    fn settle_node(&self, node: &mut Node, at: At<'_>) -> bool {
        if node.is_scalar() {
            return !node.is_null() || !node.text().is_empty();
        }
        if at.depth > Limits::DEPTH || self.has_schema(node) || node.is_null() {
            return false;
        }
        let at = At {
            schema: at.schema.or_else(|| self.type_schema(node)),
            depth: at.depth,
        };
        match &mut node.content {
            Content::Mapping(entries) => self.settle_fields(entries, at),
            Content::Sequence(_) => self.settle_list(node, at),
            _ => false,
        }
    }

    fn settle_fields(&self, entries: &mut [Entry], at: At<'_>) -> bool {
        if !are_distinct(entries) {
            return false;
        }
        for entry in entries {
            let Entry { key, value } = entry;
            if !key.is_scalar() || self.has_schema(key) || self.has_schema(value) {
                return false;
            }
            if !self.settle_node(value, below(at, None, key.text())) {
                return false;
            }
            value.quote_if_ambiguous();
        }
        true
    }

    fn settle_list(&self, node: &mut Node, at: At<'_>) -> bool {
        let Some(schema) = at.schema else {
            return !self.options.infer;
        };
        if !schema.merges() {
            return true;
        }
        let keys = schema.merge_keys();
        if keys.is_empty() || !are_told_apart(node.items(), &keys) {
            return false;
        }
        let below = At {
            schema: schema.elements(),
            depth: at.depth + 1,
        };
        let Content::Sequence(items) = &mut node.content else {
            return false;
        };
        if items.is_empty() || !items.iter_mut().all(|item| self.settle_node(item, below)) {
            return false;
        }
        if self.options.order == super::ListOrder::Prepend {
            // The list that comes out is another one, in the old one's style.
            (node.tag, node.line, node.column, node.extra) = (Tag::Seq, 0, 0, None);
        }
        true
    }

    fn has_schema(&self, node: &Node) -> bool {
        node.extra.is_some() && self.comment_schema(node).is_some()
    }
}

/// Whether every item has a value of its own for every key, and two items differ in some value.
fn are_told_apart(items: &[Node], keys: &[&str]) -> bool {
    let whole = |item: &Node| {
        let mut keys = keys.iter();
        !is_hollow(item)
            && item.is_mapping()
            && keys.all(|key| {
                let value = item.get(key).filter(|value| !value.is_null());
                let text = value.and_then(Node::scalar);
                text.is_some_and(|text| !text.is_empty())
            })
    };
    if items.len() > FEW || !items.iter().all(whole) {
        return false;
    }
    let text = |item, key| Node::get(item, key).map_or("", Node::text);
    let alike = |a, b| keys.iter().all(|key| text(a, key) == text(b, key));
    let mut places = items.iter().enumerate();
    places.all(|(at, item)| !items[..at].iter().any(|before| alike(before, item)))
}

/// Whether no two fields have one name.
fn are_distinct(entries: &[Entry]) -> bool {
    if entries.len() > FEW {
        let mut seen = HashSet::with_capacity(entries.len());
        return entries.iter().all(|entry| seen.insert(entry.key.text()));
    }
    let mut places = entries.iter().enumerate();
    places.all(|(at, entry)| {
        let mut before = entries[..at].iter();
        before.all(|other| other.key.text() != entry.key.text())
    })
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::merge::{ListOrder, Options};

    const OBJECT: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: a, labels: {on: yes, app: yes}}
spec:
  empty:
  null: null
  template:
    spec:
      PLACE
";

    const PLACES: [&str; 14] = [
        "containers: [{name: a, image: x, args: [on, y]}, {name: b, ports: [{containerPort: 1}]}]",
        "containers: [{name: a, ports: [{containerPort: 1, protocol: TCP}, {containerPort: 1, protocol: UDP}]}]",
        "containers: [{name: a}, {name: a, image: y}, {}, null]",
        "containers: [{image: x}]",
        "containers: [text]",
        "containers: []",
        "containers: # plain words\n      - name: a # more\n        env: [{name: N, value: no}, {name: M}]",
        "volumes: # {\"type\": \"array\"}\n      - {name: a}",
        "a: 1\n      a: 2",
        "template: {apiVersion: v1, kind: Pod, spec: {containers: [{name: a}, {name: b}]}}",
        "tolerations: [{key: a}, {key: a}]\n      x: {y: {z: }}",
        "containers: [{name: null}, {name: ~}]",
        "containers: [{name: a, ports: [{containerPort: 1}, {containerPort: 1, protocol: TCP}]}]",
        "imagePullSecrets: [{name: b}, {name: a}]\n      hostAliases: [{ip: 1}, {ip: 2}]",
    ];

    #[test]
    fn settling_does_what_walking_does() {
        let read = |text: &str| crate::parse(text).expect("is YAML").expect("is there").root;
        let patches = [
            "metadata: {annotations: {a: b}}",
            "spec: {template: {spec: {containers: [{name: z, image: q}]}}}",
            "spec: {template: {spec: {containers: [{name: a, env: [{name: q, value: '1'}]}]}}}",
            "spec: {template: {spec: {nodeName: x}}}",
        ];
        for (place, patch) in PLACES
            .iter()
            .flat_map(|it| patches.map(|patch| (it, patch)))
        {
            let (object, patch) = (read(&OBJECT.replace("PLACE", place)), read(patch));
            for order in [ListOrder::Prepend, ListOrder::Append] {
                let options = Options {
                    order,
                    ..Options::default()
                };
                let merged = [0, MOST_TRIES + 1].map(|tries| {
                    let merger = Merger {
                        options: &options,
                        unsettled: Cell::new(tries),
                    };
                    let at = At {
                        schema: None,
                        depth: 0,
                    };
                    let outcome = merger.walk(Some(object.clone()), Some(&patch), at);
                    format!("{:?}", outcome.map(|outcome| outcome.node))
                });
                assert_eq!(merged[0], merged[1], "{place}");
            }
        }
    }
}
