//! Values as YAML text.
//!
//! Source: sops v3.13 `stores/yaml/store.go` `EmitPlainFile`; go.yaml.in/yaml v3.0 `encode.go`.

use kyaml::resolve::{self, Rules, format_g, is_base_60, is_old_bool};
use kyaml::{Content, Entry, Node, Style, Tag};

use crate::tree::{Branch, Comment, Item, Key, Value};

/// Columns per level.
const INDENT: usize = 4;

pub(crate) fn write(branches: &[Branch]) -> Result<Vec<u8>, String> {
    let mut out = String::new();
    for (position, branch) in branches.iter().enumerate() {
        if position > 0 {
            out.push_str("---\n");
        }
        let text = mapping(branch).to_styled_indented(INDENT);
        out.push_str(&text.map_err(|error| format!("Error marshaling to YAML: {error}"))?);
    }
    Ok(out.into_bytes())
}

/// Comments that wait for the node that they stand at.
#[derive(Default)]
struct Waiting {
    head: Vec<String>,
    inline: Vec<String>,
}

impl Waiting {
    fn add(&mut self, comment: &Comment) {
        let text = String::from_utf8_lossy(&comment.text).into_owned();
        if comment.inline {
            &mut self.inline
        } else {
            &mut self.head
        }
        .push(text);
    }

    fn put_head(&mut self, node: &mut Node) {
        let text = joined(&std::mem::take(&mut self.head));
        let head = &mut node.comments_mut().head;
        match (text.is_empty(), head.is_empty()) {
            (true, _) => {}
            (false, true) => *head = text.into(),
            (false, false) => *head = format!("{text}\n{head}").into(),
        }
    }

    fn put_line(&mut self, node: &mut Node) {
        let text = joined(&std::mem::take(&mut self.inline));
        if !text.is_empty() {
            node.comments_mut().line = text.into();
        }
    }

    /// What is left at the end stands below the last node, or above an empty collection.
    fn end(mut self, collection: &mut Node, last: impl FnOnce(&mut Node) -> Option<&mut Node>) {
        self.head.append(&mut self.inline);
        if self.head.is_empty() {
            return;
        }
        let text = joined(&self.head);
        match last(collection) {
            Some(last) => last.comments_mut().foot = text.into(),
            None => self.put_head(collection),
        }
    }
}

fn joined(comments: &[String]) -> String {
    match comments {
        [] => String::new(),
        comments => format!("#{}", comments.join("\n#")),
    }
}

/// The depth is bounded by that of the read.
fn mapping(branch: &[Item]) -> Node {
    let mut node = Node::mapping();
    let mut entries = Vec::with_capacity(branch.len());
    let mut waiting = Waiting::default();
    for item in branch {
        let name = match &item.key {
            Key::Comment(comment) => {
                waiting.add(comment);
                continue;
            }
            Key::Text(name) | Key::Other(_, name) => name,
        };
        if entries.is_empty() {
            waiting.put_head(&mut node);
        }
        let mut key = string(name);
        waiting.put_head(&mut key);
        let mut value = value(&item.value);
        waiting.put_line(&mut value);
        entries.push(Entry { key, value });
    }
    *node.content_mut() = Content::Mapping(entries.into());
    waiting.end(&mut node, |node| {
        node.entries_mut()?.last_mut().map(|entry| &mut entry.key)
    });
    node
}

fn sequence(items: &[Value]) -> Node {
    let mut node = Node::sequence();
    let mut nodes = Vec::with_capacity(items.len());
    let mut waiting = Waiting::default();
    for item in items {
        if let Value::Comment(comment) = item {
            waiting.add(comment);
            continue;
        }
        if nodes.is_empty() {
            waiting.put_head(&mut node);
        }
        let mut made = value(item);
        waiting.put_head(&mut made);
        waiting.put_line(&mut made);
        nodes.push(made);
    }
    *node.content_mut() = Content::Sequence(nodes.into());
    waiting.end(&mut node, |node| node.items_mut()?.last_mut());
    node
}

fn value(value: &Value) -> Node {
    match value {
        Value::Branch(branch) => mapping(branch),
        Value::List(items) => sequence(items),
        Value::Null => Node::scalar_of("null"),
        Value::Bool(flag) => Node::scalar_of(if *flag { "true" } else { "false" }),
        Value::Int(number) => Node::scalar_of(number.to_string()),
        Value::Float(number) => Node::scalar_of(match format_g(*number).as_str() {
            "NaN" => ".nan".to_owned(),
            "+Inf" => ".inf".to_owned(),
            "-Inf" => "-.inf".to_owned(),
            finite => finite.to_owned(),
        }),
        Value::Time(text) => Node::scalar_of(text.as_str()),
        Value::Text(text) => match std::str::from_utf8(text) {
            Ok(text) => string(text),
            Err(_) => Node::bytes(text),
        },
        Value::Comment(comment) => string(&String::from_utf8_lossy(&comment.text)),
        Value::Foreign(name) => string(name),
    }
}

/// A string, quoted if it would be read as something else.
fn string(text: &str) -> Node {
    let mut node = Node::string(text);
    if text.contains('\n') {
        return node;
    }
    if text == "<<" {
        // Upstream writes it without quotes, so it comes back with the tag that it then has.
        node.set_tag(Tag::Merge);
        return node.styled(Style::TAGGED);
    }
    let is_string = resolve::plain(text, Rules::V3).0 == Tag::Str;
    if is_string && !is_base_60(text) && is_old_bool(text).is_none() {
        node
    } else {
        node.styled(Style::DOUBLE_QUOTED)
    }
}
