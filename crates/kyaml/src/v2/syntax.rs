//! Decoded values as Go's `%#v` prints them, for error texts.

use std::cmp::Ordering;

use super::decode::scalar;
use super::tree::{Kind, Tree};
use crate::Limits;
use crate::node::Tag;
use crate::resolve::{Value, format_g};
use crate::value::{decode_binary, go_quote};

/// Longer texts say no more.
const LONGEST: usize = 64 << 10;
/// So many nodes are looked at: aliases, even of what is around them, may mean the same ones again and again.
const MOST: usize = 10_000;

/// The value of a node.
pub(super) fn go_syntax(tree: &Tree, at: usize, limits: &Limits) -> String {
    let mut writer = Writer {
        tree,
        deepest: limits.depth,
        left: MOST,
    };
    writer.value(at, 0, LONGEST).1
}

struct Writer<'t> {
    tree: &'t Tree,
    deepest: usize,
    left: usize,
}

/// What sorts a key among others: its kind, and its number.
type Order = (u8, f64);

impl Writer<'_> {
    fn value(&mut self, at: usize, depth: usize, room: usize) -> (Order, String) {
        let node = &self.tree.nodes[at];
        if depth > self.deepest || room == 0 || self.left == 0 {
            return ((0, 0.0), String::new());
        }
        self.left -= 1;
        match node.kind {
            Kind::Alias => self.value(node.end, depth + 1, room),
            Kind::Scalar => self.scalar(at),
            Kind::List => {
                let mut out = String::from("[]interface {}{");
                let mut child = at + 1;
                while child < node.end {
                    if child > at + 1 {
                        out.push_str(", ");
                    }
                    let left = room.saturating_sub(out.len());
                    out.push_str(&self.item(child, depth + 1, left).1);
                    child = self.after(child);
                }
                out.push('}');
                ((3, 0.0), out)
            }
            Kind::Map => ((3, 0.0), self.map(at, depth, room)),
        }
    }

    /// A value inside of a collection, where nothing has a type.
    fn item(&mut self, at: usize, depth: usize, room: usize) -> (Order, String) {
        let (order, text) = self.value(at, depth, room);
        match text.as_str() {
            "<nil>" => (order, "interface {}(nil)".into()),
            _ => (order, text),
        }
    }

    fn map(&mut self, at: usize, depth: usize, room: usize) -> String {
        let end = self.tree.nodes[at].end;
        let mut fields: Vec<(Order, String, String)> = Vec::new();
        let mut key = at + 1;
        let mut used = 0;
        while key < end {
            let value = self.after(key);
            let (order, name) = self.item(key, depth + 1, room.saturating_sub(used));
            let (_, shown) = self.item(value, depth + 1, room.saturating_sub(used));
            used += name.len() + shown.len();
            fields.retain(|(_, other, _)| *other != name);
            fields.push((order, name, shown));
            key = self.after(value);
        }
        fields.sort_by(|(a, x, _), (b, y, _)| {
            let kinds = a.0.cmp(&b.0);
            let numbers = a.1.partial_cmp(&b.1).unwrap_or(Ordering::Equal);
            kinds.then(numbers).then_with(|| x.cmp(y))
        });
        let fields: Vec<String> = fields
            .into_iter()
            .map(|(_, key, value)| format!("{key}:{value}"))
            .collect();
        format!("map[interface {{}}]interface {{}}{{{}}}", fields.join(", "))
    }

    fn after(&self, at: usize) -> usize {
        match self.tree.nodes[at].kind {
            Kind::Alias => at + 1,
            _ => self.tree.nodes[at].end,
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "only for sorting")]
    fn scalar(&self, at: usize) -> (Order, String) {
        let node = &self.tree.nodes[at];
        match scalar(node) {
            Ok((_, Value::Null)) => ((0, 0.0), "<nil>".into()),
            Ok((_, Value::Bool(value))) => ((1, 0.0), value.to_string()),
            Ok((_, Value::Int(value))) => ((1, value as f64), value.to_string()),
            Ok((_, Value::Uint(value))) => ((1, value as f64), format!("{value:#x}")),
            Ok((_, Value::Float(value))) => ((1, value), format_g(value)),
            Ok((Tag::Binary, _)) => {
                let text = decode_binary(&node.text).unwrap_or_default();
                ((2, 0.0), go_quote(&text))
            }
            _ => ((2, 0.0), go_quote(&node.text)),
        }
    }
}
