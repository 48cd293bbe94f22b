//! YAML, with its comments.
//!
//! Source: sops v3.13 `stores/yaml/store.go`.

mod write;

pub(crate) use write::write;

use std::collections::HashMap;

use base64::Engine as _;
use kyaml::resolve::{self, Value as Typed};
use kyaml::{Comments, Content, Entry, Limits, Node, Tag};

use super::{DEPTH, VALUES};
use crate::tree::{Branch, Comment, Item, Key, Value};

/// Reads all documents.
pub(crate) fn read(bytes: &[u8]) -> Result<Vec<Branch>, String> {
    let limits = Limits {
        depth: DEPTH,
        nodes: VALUES,
        ..Limits::default()
    };
    let text = kyaml::decode_text(bytes).map_err(|error| error.to_string())?;
    let documents = kyaml::parse_all(&text, &limits)
        .map_err(|error| format!("Error unmarshaling input YAML: {error}"))?;
    if let Some(first) = documents.first() {
        expect_unique_keys(&first.root)?;
    }
    let failed = |why: &str| format!("Error unmarshaling input YAML: {why}");
    let mut branches = Vec::with_capacity(documents.len());
    for document in &documents {
        let mut reader = Reader {
            anchors: HashMap::new(),
            left: VALUES,
        };
        let mut branch = Branch::new();
        comments(&document.head_comment, false, &mut branch);
        reader.root(&document.root, &mut branch).map_err(failed)?;
        comments(&document.foot_comment, false, &mut branch);
        branches.push(branch);
    }
    Ok(branches)
}

/// Upstream decodes the first document once more, for this.
fn expect_unique_keys(root: &Node) -> Result<(), String> {
    let mut problems = Vec::new();
    if !root.is_mapping() && root.tag() != Tag::Null {
        let (tag, line) = (root.tag_text(), root.line());
        problems.push(format!(
            "line {line}: cannot unmarshal {tag} into map[string]interface {{}}"
        ));
    }
    let mut pending = vec![root];
    while let Some(node) = pending.pop() {
        let mut seen = HashMap::new();
        for Entry { key, value } in node.entries() {
            let first = seen
                .entry((key.kind().name(), key.text()))
                .or_insert_with(|| key.line());
            if key.is_scalar() && *first != key.line() {
                let (line, name) = (key.line(), key.text());
                problems.push(format!(
                    "line {line}: mapping key {name:?} already defined at line {first}"
                ));
            }
            pending.push(value);
        }
        pending.extend(node.items());
    }
    if problems.is_empty() {
        return Ok(());
    }
    Err(format!(
        "yaml: unmarshal errors:\n  {}",
        problems.join("\n  ")
    ))
}

/// Reads one document's nodes.
struct Reader<'n> {
    /// What each anchor stood for last.
    anchors: HashMap<&'n str, &'n Node>,
    /// How many more values may be made.
    left: usize,
}

/// Whether the comments around a node belong to what is made of it, or were taken already.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Around {
    Take,
    Taken,
}

impl<'n> Reader<'n> {
    fn root(&mut self, node: &'n Node, branch: &mut Branch) -> Result<(), &'static str> {
        match node.content() {
            Content::Mapping(_) => self.mapping(node, branch, Around::Take, 0),
            Content::Sequence(_) => Err("YAML documents that are sequences are not supported"),
            Content::Scalar(_) if node.tag() == Tag::Null => {
                let Comments { head, line, foot } = node.comments();
                for text in [head, line, foot] {
                    comments(text, false, branch);
                }
                Ok(())
            }
            _ => Err("YAML documents that are values are not supported"),
        }
    }

    /// The recursion is bounded by [`DEPTH`], that through aliases included.
    fn value(
        &mut self,
        node: &'n Node,
        around: Around,
        depth: usize,
    ) -> Result<Value, &'static str> {
        self.left = self
            .left
            .checked_sub(1)
            .ok_or("document contains excessive aliasing")?;
        if depth > DEPTH {
            return Err("exceeded max depth");
        }
        match node.content() {
            Content::Scalar(_) => {
                self.note(node);
                Ok(scalar(node))
            }
            Content::Mapping(_) => {
                self.note(node);
                let mut branch = Branch::new();
                self.mapping(node, &mut branch, around, depth)?;
                Ok(Value::Branch(branch))
            }
            Content::Sequence(_) => {
                self.note(node);
                self.sequence(node, around, depth).map(Value::List)
            }
            Content::Alias(name) => {
                let target = self.anchors.get(name.as_str()).copied();
                let target = target.ok_or("unknown anchor")?;
                self.value(target, Around::Take, depth + 1)
            }
        }
    }

    fn note(&mut self, node: &'n Node) {
        if let Some(name) = node.anchor() {
            self.anchors.insert(name, node);
        }
    }

    fn sequence(
        &mut self,
        node: &'n Node,
        around: Around,
        depth: usize,
    ) -> Result<Vec<Value>, &'static str> {
        let mut list = Vec::new();
        let own = node.comments();
        if around == Around::Take {
            listed(&own.head, false, &mut list);
            listed(&own.line, false, &mut list);
        }
        for item in node.items() {
            let Comments { head, line, foot } = item.comments();
            listed(head, false, &mut list);
            listed(line, true, &mut list);
            list.push(self.value(item, Around::Taken, depth + 1)?);
            listed(foot, false, &mut list);
        }
        if around == Around::Take {
            listed(&own.foot, false, &mut list);
        }
        Ok(list)
    }

    fn mapping(
        &mut self,
        node: &'n Node,
        branch: &mut Branch,
        around: Around,
        depth: usize,
    ) -> Result<(), &'static str> {
        let own = node.comments();
        if around == Around::Take {
            comments(&own.head, false, branch);
            comments(&own.line, false, branch);
        }
        for entry in node.entries() {
            self.note(&entry.key);
            let (key, value) = (entry.key.comments(), entry.value.comments());
            comments(&key.head, false, branch);
            comments(&key.line, false, branch);
            let leaf = matches!(
                entry.value.content(),
                Content::Scalar(_) | Content::Alias(_)
            );
            if leaf {
                comments(&value.head, false, branch);
                comments(&value.line, true, branch);
            }
            let taken = if leaf { Around::Taken } else { Around::Take };
            let key_of = self.key(&entry.key);
            let made = self.value(&entry.value, taken, depth + 1)?;
            branch.push(Item {
                key: key_of,
                value: made,
            });
            if leaf {
                comments(&value.foot, false, branch);
            }
            comments(&key.foot, false, branch);
        }
        if around == Around::Take {
            comments(&own.foot, false, branch);
        }
        Ok(())
    }

    fn key(&self, node: &'n Node) -> Key {
        let node = match node.content() {
            Content::Alias(name) => self.anchors.get(name.as_str()).copied().unwrap_or(node),
            _ => node,
        };
        let kind = match node.content() {
            Content::Mapping(_) => "map[string]interface {}",
            Content::Sequence(_) => "[]interface {}",
            _ => match scalar(node) {
                Value::Text(text) => {
                    return Key::Text(String::from_utf8_lossy(&text).into_owned());
                }
                other => other.type_name(),
            },
        };
        Key::Other(kind, node.text().to_owned())
    }
}

/// What Go decodes a scalar to; null if text and tag contradict each other.
fn scalar(node: &Node) -> Value {
    let text = node.text();
    let decoded = match node.tag() {
        Tag::Binary => return binary(text),
        Tag::Unset => Some(resolve::plain(text, resolve::Rules::V3)),
        tag => resolve::tagged(tag, text),
    };
    match decoded.map(|(_, value)| value) {
        None | Some(Typed::Null) => Value::Null,
        Some(Typed::Bool(value)) => Value::Bool(value),
        Some(Typed::Int(value)) => Value::Int(value),
        Some(Typed::Uint(_)) => Value::Foreign("uint64"),
        Some(Typed::Float(value)) => Value::Float(value),
        Some(Typed::Timestamp(time)) => time.to_rfc3339().map_or(Value::Null, Value::Time),
        Some(Typed::Text) => Value::text(text),
    }
}

fn binary(text: &str) -> Value {
    let packed: String = text.chars().filter(|c| !matches!(c, '\n' | '\r')).collect();
    let decoded = base64::engine::general_purpose::STANDARD.decode(packed);
    decoded.map_or(Value::Null, Value::Text)
}

/// The lines of a comment without their mark, empty ones left out.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let filled = text.split('\n').filter(|line| !line.is_empty());
    filled.map(|line| line.get(1..).unwrap_or_default())
}

fn comments(text: &str, inline: bool, branch: &mut Branch) {
    branch.extend(lines(text).map(|line| Item::comment(line, inline)));
}

fn listed(text: &str, inline: bool, list: &mut Vec<Value>) {
    let comment = |line: &str| {
        Value::Comment(Comment {
            text: line.into(),
            inline,
        })
    };
    list.extend(lines(text).map(comment));
}
