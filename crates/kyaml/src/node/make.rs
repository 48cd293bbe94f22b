//! Constructors of nodes.

use base64::Engine as _;

use super::{Content, Entries, Entry, Items, Node, Style, Tag, Text};

impl Node {
    pub(crate) const fn raw(content: Content, tag: Tag) -> Self {
        Self {
            content,
            extra: None,
            line: 0,
            column: 0,
            tag,
            style: Style::PLAIN,
        }
    }

    /// A scalar without a tag, whose type follows from text and style: `5` is a number.
    ///
    /// Source: kyaml v0.21 `yaml/rnode.go` `NewScalarRNode`.
    #[must_use]
    pub fn scalar_of(text: impl Into<Text>) -> Self {
        Self::raw(Content::Scalar(text.into()), Tag::Unset)
    }

    /// A string, whatever its text looks like; with line breaks it is a literal block.
    ///
    /// Source: kyaml v0.21 `yaml/rnode.go` `NewStringRNode`.
    #[must_use]
    pub fn string(text: impl Into<Text>) -> Self {
        let text = text.into();
        let mut node = Self::raw(Content::Scalar(Text::default()), Tag::Str);
        if text.contains('\n') {
            node.style = Style::LITERAL;
        }
        node.content = Content::Scalar(text);
        node
    }

    /// A string of bytes: as [`Node::string`], or `!!binary` in base64 if they are not UTF-8.
    #[must_use]
    pub fn bytes(bytes: &[u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::string(text),
            Err(_) => {
                let mut node = Self::string(wrapped_base64(bytes));
                node.tag = Tag::Binary;
                node
            }
        }
    }

    /// An explicit null without text.
    #[must_use]
    pub const fn null() -> Self {
        Self::raw(Content::Scalar(Text::new_static("")), Tag::Null)
    }

    /// An empty mapping.
    #[must_use]
    pub const fn mapping() -> Self {
        Self::raw(Content::Mapping(Entries::new()), Tag::Map)
    }

    /// A mapping of the given pairs, in their order, keys as plain scalars.
    pub fn mapping_of<K: Into<Text>>(pairs: impl IntoIterator<Item = (K, Self)>) -> Self {
        let entries = pairs.into_iter().map(|(key, value)| Entry {
            key: Self::scalar_of(key),
            value,
        });
        Self::raw(
            Content::Mapping(entries.collect::<Vec<_>>().into()),
            Tag::Map,
        )
    }

    /// A mapping of the given entries, in their order.
    pub fn mapping_of_entries(entries: impl IntoIterator<Item = Entry>) -> Self {
        let entries: Vec<Entry> = entries.into_iter().collect();
        Self::raw(Content::Mapping(entries.into()), Tag::Map)
    }

    /// An empty sequence.
    #[must_use]
    pub const fn sequence() -> Self {
        Self::raw(Content::Sequence(Items::new()), Tag::Seq)
    }

    /// A sequence of the given items.
    pub fn sequence_of(items: impl IntoIterator<Item = Self>) -> Self {
        let items: Vec<Self> = items.into_iter().collect();
        Self::raw(Content::Sequence(items.into()), Tag::Seq)
    }

    /// The same node in another style.
    #[must_use]
    pub const fn styled(mut self, style: Style) -> Self {
        self.style = style;
        self
    }
}

/// Base64 in lines of 70 characters, as Go's YAML encoder and kustomize wrap it: one line without a
/// line break if it fits, else every line ends in one.
#[must_use]
pub fn wrapped_base64(bytes: &[u8]) -> String {
    let flat = base64::engine::general_purpose::STANDARD.encode(bytes);
    if flat.len() < 70 {
        return flat;
    }
    let mut out = String::with_capacity(flat.len() + flat.len() / 70 + 1);
    let mut rest = flat.as_str();
    while !rest.is_empty() {
        let (line, next) = rest.split_at(rest.len().min(70));
        out.push_str(line);
        out.push('\n');
        rest = next;
    }
    out
}
