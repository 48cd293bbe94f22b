//! The lists below nodes, cloned and dropped without recursion, however deep.

use std::ops::{Deref, DerefMut};

use super::{Content, Entry, Node};

/// The items of a sequence: a vector.
#[derive(Debug, Default)]
pub struct Items(Vec<Node>);

/// The pairs of a mapping: a vector.
#[derive(Debug, Default)]
pub struct Entries(Vec<Entry>);

macro_rules! vector {
    ($list:ident, $item:ty) => {
        impl $list {
            /// An empty list.
            #[must_use]
            pub const fn new() -> Self {
                Self(Vec::new())
            }
        }

        impl Deref for $list {
            type Target = Vec<$item>;

            fn deref(&self) -> &Self::Target {
                &self.0
            }
        }

        impl DerefMut for $list {
            fn deref_mut(&mut self) -> &mut Self::Target {
                &mut self.0
            }
        }

        impl From<Vec<$item>> for $list {
            fn from(list: Vec<$item>) -> Self {
                Self(list)
            }
        }

        impl FromIterator<$item> for $list {
            fn from_iter<I: IntoIterator<Item = $item>>(items: I) -> Self {
                Self(items.into_iter().collect())
            }
        }

        impl $list {
            /// The vector itself.
            #[must_use]
            pub fn into_vec(mut self) -> Vec<$item> {
                std::mem::take(&mut self.0)
            }
        }
    };
}

vector!(Items, Node);
vector!(Entries, Entry);

impl Clone for Items {
    fn clone(&self) -> Self {
        match copy(Source::Items(&self.0)) {
            Content::Sequence(items) => items,
            _ => Self::new(),
        }
    }
}

impl Clone for Entries {
    fn clone(&self) -> Self {
        match copy(Source::Entries(&self.0)) {
            Content::Mapping(entries) => entries,
            _ => Self::new(),
        }
    }
}

impl Drop for Items {
    fn drop(&mut self) {
        let mut below = Vec::new();
        self.0.iter_mut().for_each(|node| detach(node, &mut below));
        dismantle(below);
    }
}

impl Drop for Entries {
    fn drop(&mut self) {
        let mut below = Vec::new();
        for entry in &mut self.0 {
            detach(&mut entry.key, &mut below);
            detach(&mut entry.value, &mut below);
        }
        dismantle(below);
    }
}

/// Takes a collection's children out of it, so that its own drop has nothing below.
fn detach(node: &mut Node, below: &mut Vec<Content>) {
    match &mut node.content {
        Content::Mapping(entries) if !entries.0.is_empty() => {
            below.push(Content::Mapping(Entries(std::mem::take(&mut entries.0))));
        }
        Content::Sequence(items) if !items.0.is_empty() => {
            below.push(Content::Sequence(Items(std::mem::take(&mut items.0))));
        }
        _ => {}
    }
}

fn dismantle(mut below: Vec<Content>) {
    while let Some(mut content) = below.pop() {
        match &mut content {
            Content::Mapping(entries) => {
                for entry in &mut entries.0 {
                    detach(&mut entry.key, &mut below);
                    detach(&mut entry.value, &mut below);
                }
            }
            Content::Sequence(items) => {
                items.0.iter_mut().for_each(|node| detach(node, &mut below));
            }
            _ => {}
        }
    }
}

/// A collection that is being copied.
enum Source<'a> {
    Items(&'a [Node]),
    Entries(&'a [Entry]),
}

/// A copy under construction: where it comes from and what is done.
struct Frame<'a> {
    source: Source<'a>,
    next: usize,
    key: Option<Node>,
    done: Content,
    /// The node that the finished content goes into; `None` for the outermost.
    shell: Option<Node>,
}

impl<'a> Frame<'a> {
    fn new(source: Source<'a>, shell: Option<Node>) -> Self {
        let done = match source {
            Source::Items(items) => Content::Sequence(Items(Vec::with_capacity(items.len()))),
            Source::Entries(entries) => {
                Content::Mapping(Entries(Vec::with_capacity(entries.len())))
            }
        };
        Self {
            source,
            next: 0,
            key: None,
            done,
            shell,
        }
    }

    fn next_child(&mut self) -> Option<&'a Node> {
        let child = match self.source {
            Source::Items(items) => items.get(self.next)?,
            Source::Entries(entries) => {
                let entry = entries.get(self.next / 2)?;
                if self.next.is_multiple_of(2) {
                    &entry.key
                } else {
                    &entry.value
                }
            }
        };
        self.next += 1;
        Some(child)
    }

    fn take(&mut self, node: Node) {
        match &mut self.done {
            Content::Sequence(items) => items.0.push(node),
            Content::Mapping(entries) => match self.key.take() {
                None => self.key = Some(node),
                Some(key) => entries.0.push(Entry { key, value: node }),
            },
            _ => {}
        }
    }
}

/// A node without what is below it.
fn shell(node: &Node) -> Node {
    let content = match &node.content {
        Content::Scalar(text) => Content::Scalar(text.clone()),
        Content::Alias(name) => Content::Alias(name.clone()),
        Content::Mapping(_) => Content::Mapping(Entries::new()),
        Content::Sequence(_) => Content::Sequence(Items::new()),
    };
    Node {
        content,
        extra: node.extra.clone(),
        ..*node
    }
}

fn copy(source: Source<'_>) -> Content {
    let mut stack = Vec::new();
    let mut frame = Frame::new(source, None);
    loop {
        match frame.next_child() {
            Some(child) => {
                let node = shell(child);
                match &child.content {
                    Content::Mapping(below) if !below.is_empty() => {
                        let inner = Frame::new(Source::Entries(&below.0), Some(node));
                        stack.push(std::mem::replace(&mut frame, inner));
                    }
                    Content::Sequence(below) if !below.is_empty() => {
                        let inner = Frame::new(Source::Items(&below.0), Some(node));
                        stack.push(std::mem::replace(&mut frame, inner));
                    }
                    _ => frame.take(node),
                }
            }
            None => match (stack.pop(), frame.shell.take()) {
                (Some(outer), Some(mut node)) => {
                    node.content = frame.done;
                    frame = outer;
                    frame.take(node);
                }
                _ => return frame.done,
            },
        }
    }
}
