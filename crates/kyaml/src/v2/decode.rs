//! From nodes to values.

use super::Build;
use super::syntax::go_syntax;
use super::tree::{Kind, Node, Tree};
use crate::node::{Tag, Text};
use crate::resolve::{self, Rules, Value, format_g, format_g_32};
use crate::value::decode_binary;
use crate::{Error, Limits};

/// A problem that upstream finds in a later pass, behind all problems of decoding.
struct Late {
    pass: u8,
    error: Error,
}

/// Decodes one document.
pub(super) struct Decoder<'t, 'b, B> {
    tree: &'t Tree,
    limits: &'t Limits,
    builder: &'b mut B,
    /// Aliases that are being followed.
    following: Vec<usize>,
    depth: usize,
    decoded: usize,
    aliased: usize,
    late: Option<Late>,
}

/// A scalar's tag and value.
pub(super) fn scalar(node: &Node) -> Result<(Tag, Value), Error> {
    match node.tag {
        None if node.implicit => Ok(resolve::plain(&node.text, Rules::V2)),
        None => Ok((Tag::Str, Value::Text)),
        Some(tag) => match resolve::tagged_1_1(tag, &node.text) {
            Ok(value) => Ok((tag, value)),
            Err(found) => Err(Error::Invalid(format!(
                "cannot decode {} `{}` as a {}",
                found.as_str(),
                node.text,
                tag.as_str()
            ))),
        },
    }
}

/// How much of a document may come from aliases.
fn allowed_ratio(decoded: usize) -> f64 {
    const LOW: usize = 400_000;
    const HIGH: usize = 4_000_000;
    #[expect(clippy::cast_precision_loss, reason = "counts are small")]
    match decoded {
        0..=LOW => 0.99,
        HIGH.. => 0.10,
        _ => 0.99 - 0.89 * ((decoded - LOW) as f64 / (HIGH - LOW) as f64),
    }
}

impl<'t, 'b, B: Build> Decoder<'t, 'b, B> {
    pub(super) fn new(tree: &'t Tree, limits: &'t Limits, builder: &'b mut B) -> Self {
        Self {
            tree,
            limits,
            builder,
            following: Vec::new(),
            depth: 0,
            decoded: 0,
            aliased: 0,
            late: None,
        }
    }

    /// The value of the whole document.
    pub(super) fn document(mut self) -> Result<B::Value, Error> {
        self.count()?;
        let value = self.value(0)?;
        match self.late {
            Some(late) => Err(late.error),
            None => Ok(value),
        }
    }

    fn later(&mut self, pass: u8, error: impl FnOnce() -> Error) {
        if self.late.as_ref().is_none_or(|late| late.pass > pass) {
            let error = error();
            self.late = Some(Late { pass, error });
        }
    }

    /// Counts one step of decoding.
    fn count(&mut self) -> Result<(), Error> {
        self.decoded += 1;
        if !self.following.is_empty() {
            self.aliased += 1;
        }
        #[expect(clippy::cast_precision_loss, reason = "counts are small")]
        let excessive = self.aliased > 100
            && self.decoded > 1000
            && self.aliased as f64 / self.decoded as f64 > allowed_ratio(self.decoded);
        if excessive {
            return Err(Error::Invalid(
                "document contains excessive aliasing".into(),
            ));
        }
        if self.decoded > self.limits.nodes {
            return Err(Error::Limit("document has too many nodes".into()));
        }
        Ok(())
    }

    fn value(&mut self, at: usize) -> Result<B::Value, Error> {
        self.count()?;
        let node = &self.tree.nodes[at];
        match node.kind {
            Kind::Scalar => self.scalar(node),
            Kind::Alias => {
                self.follow(at)?;
                let value = self.value(node.end);
                self.unfollow();
                value
            }
            Kind::List => {
                self.enter()?;
                let mut items = Vec::new();
                let mut child = at + 1;
                while child < node.end {
                    items.push(self.value(child)?);
                    child = self.after(child);
                }
                self.depth -= 1;
                Ok(self.builder.list(items))
            }
            Kind::Map => {
                self.enter()?;
                let mut entries = Vec::new();
                self.fill(at, &mut entries)?;
                self.depth -= 1;
                Ok(self.builder.map(entries))
            }
        }
    }

    fn enter(&mut self) -> Result<(), Error> {
        self.depth += 1;
        if self.depth > self.limits.depth {
            return Err(Error::too_deep());
        }
        Ok(())
    }

    fn after(&self, at: usize) -> usize {
        match self.tree.nodes[at].kind {
            Kind::Alias => at + 1,
            _ => self.tree.nodes[at].end,
        }
    }

    fn follow(&mut self, at: usize) -> Result<(), Error> {
        if self.following.contains(&at) {
            let name = &self.tree.nodes[at].text;
            return Err(Error::Invalid(format!(
                "anchor '{name}' value contains itself"
            )));
        }
        self.following.push(at);
        self.enter()
    }

    fn unfollow(&mut self) {
        self.following.pop();
        self.depth = self.depth.saturating_sub(1);
    }

    fn scalar(&mut self, node: &Node) -> Result<B::Value, Error> {
        let (tag, value) = scalar(node)?;
        Ok(match value {
            Value::Null => self.builder.null(),
            Value::Bool(value) => self.builder.bool(value),
            Value::Int(value) => self.builder.int(value),
            Value::Uint(value) => self.builder.uint(value),
            Value::Float(value) => {
                if !value.is_finite() {
                    let shown = format_g(value);
                    self.later(2, || Error::Json(format!("unsupported value: {shown}")));
                }
                self.builder.float(value)
            }
            Value::Text if tag == Tag::Binary => {
                let text = decode_binary(&node.text)?;
                self.builder.text(&text)
            }
            Value::Timestamp(_) | Value::Text => self.builder.text(&node.text),
        })
    }

    /// Adds the entries of a map to those that are there.
    fn fill(&mut self, at: usize, entries: &mut Vec<(Text, B::Value)>) -> Result<(), Error> {
        let end = self.tree.nodes[at].end;
        let mut key = at + 1;
        while key < end {
            let value = self.after(key);
            if self.is_merge(key) {
                self.merge(value, entries)?;
            } else {
                self.count()?;
                let name = self.key(key, value)?;
                let built = self.value(value)?;
                entries.push((name, built));
            }
            key = self.after(value);
        }
        Ok(())
    }

    fn is_merge(&self, at: usize) -> bool {
        let node = &self.tree.nodes[at];
        node.kind == Kind::Scalar
            && node.text == "<<"
            && (node.implicit || node.tag == Some(Tag::Merge))
    }

    fn merge(&mut self, at: usize, entries: &mut Vec<(Text, B::Value)>) -> Result<(), Error> {
        let node = &self.tree.nodes[at];
        match node.kind {
            Kind::List => {
                let mut items = Vec::new();
                let mut item = at + 1;
                while item < node.end {
                    items.push(item);
                    item = self.after(item);
                }
                // Earlier items win, so they come last.
                items
                    .into_iter()
                    .rev()
                    .try_for_each(|item| self.merge_map(item, entries))
            }
            _ => self.merge_map(at, entries),
        }
    }

    fn merge_map(&mut self, at: usize, entries: &mut Vec<(Text, B::Value)>) -> Result<(), Error> {
        let node = &self.tree.nodes[at];
        let (map, alias) = match node.kind {
            Kind::Alias => (node.end, true),
            _ => (at, false),
        };
        if self.tree.nodes[map].kind != Kind::Map {
            return Err(Error::Invalid(
                "map merge requires map or sequence of maps as the value".into(),
            ));
        }
        self.count()?;
        if alias {
            self.follow(at)?;
            self.count()?;
        }
        self.enter()?;
        self.fill(map, entries)?;
        self.depth -= 1;
        if alias {
            self.unfollow();
        }
        Ok(())
    }

    /// A key as text. One that has none is a problem of a later pass.
    fn key(&mut self, at: usize, value: usize) -> Result<Text, Error> {
        let mut node = &self.tree.nodes[at];
        if node.kind == Kind::Alias {
            node = &self.tree.nodes[node.end];
        }
        if node.kind != Kind::Scalar {
            // What is wrong inside of it comes first.
            self.value(at)?;
            let name = go_syntax(self.tree, at, self.limits);
            return Err(Error::Invalid(format!("invalid map key: {name}")));
        }
        let (tag, found) = scalar(node)?;
        let (ty, shown) = match found {
            Value::Null => ("%!s(<nil>)", "<nil>".into()),
            Value::Uint(key) => ("uint64", format!("{key:#x}")),
            Value::Text if tag == Tag::Binary => return decode_binary(&node.text).map(Text::from),
            other => return Ok(key_text(other, &node.text)),
        };
        let (tree, limits) = (self.tree, self.limits);
        self.later(1, || {
            let value = go_syntax(tree, value, limits);
            Error::Key(format!(
                "unsupported map key of type: {ty}, key: {shown}, value: {value}"
            ))
        });
        Ok(Text::default())
    }
}

fn key_text(value: Value, text: &Text) -> Text {
    match value {
        Value::Bool(value) => Text::from(value.to_string()),
        Value::Int(value) => value.to_string().into(),
        Value::Float(f64::INFINITY) => ".inf".into(),
        Value::Float(f64::NEG_INFINITY) => "-.inf".into(),
        Value::Float(value) if value.is_nan() => ".nan".into(),
        #[expect(
            clippy::cast_possible_truncation,
            reason = "keys print as 32 bit floats"
        )]
        Value::Float(value) => format_g_32(value as f32).into(),
        _ => text.clone(),
    }
}
