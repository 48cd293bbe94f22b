//! The tree: nodes with their style, tag, comments, anchor and place.

mod collection;
mod fields;
mod make;
mod object;

pub use collection::{Entries, Items};
pub use make::wrapped_base64;
pub use object::Meta;

use smol_str::SmolStr;

/// A short string: up to 23 bytes in place, longer ones shared when cloned.
pub type Text = SmolStr;

/// One YAML node and everything below it.
#[derive(Clone, Debug)]
pub struct Node {
    pub(crate) content: Content,
    pub(crate) extra: Option<Box<Extra>>,
    pub(crate) line: u32,
    pub(crate) column: u32,
    pub(crate) tag: Tag,
    pub(crate) style: Style,
}

/// What a node holds.
#[derive(Clone, Debug)]
pub enum Content {
    /// A scalar's text, unquoted and unescaped.
    Scalar(Text),
    /// Key and value pairs in source order, duplicates included.
    Mapping(Entries),
    /// Items in order.
    Sequence(Items),
    /// The name of the anchor that this node stands for.
    Alias(Text),
}

/// One pair of a mapping.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The key: nearly always a scalar.
    pub key: Node,
    /// The value.
    pub value: Node,
}

/// The kind of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Scalar.
    Scalar,
    /// Mapping.
    Mapping,
    /// Sequence.
    Sequence,
    /// Alias.
    Alias,
}

/// The tag of a node: what it was resolved to when read, or was told to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tag {
    /// Not set: implied by style and text at every use, as in nodes that transformers make.
    Unset,
    /// `!!null`.
    Null,
    /// `!!bool`.
    Bool,
    /// `!!str`.
    Str,
    /// `!!int`.
    Int,
    /// `!!float`.
    Float,
    /// `!!timestamp`.
    Timestamp,
    /// `!!binary`.
    Binary,
    /// `!!merge`: a `<<` key.
    Merge,
    /// `!!seq`.
    Seq,
    /// `!!map`.
    Map,
    /// Any other tag; its text is in [`Node::tag_text`].
    Other,
}

/// How a node was written: a set of flags, empty for plain scalars and block collections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Style(u8);

impl Style {
    /// Plain scalar or block collection.
    pub const PLAIN: Self = Self(0);
    /// The tag is written out.
    pub const TAGGED: Self = Self(1);
    /// `"text"`.
    pub const DOUBLE_QUOTED: Self = Self(2);
    /// `'text'`.
    pub const SINGLE_QUOTED: Self = Self(4);
    /// `|` block.
    pub const LITERAL: Self = Self(8);
    /// `>` block.
    pub const FOLDED: Self = Self(16);
    /// `{}` or `[]`.
    pub const FLOW: Self = Self(32);

    /// Whether any flag of `other` is set.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Both sets together.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether this is a scalar style that makes the text a string.
    #[must_use]
    pub const fn is_quoted(self) -> bool {
        self.0 & 30 != 0
    }
}

/// The comments around a node, with their `#`, lines joined by `\n`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comments {
    /// Lines directly above.
    pub head: Text,
    /// At the end of the line.
    pub line: Text,
    /// Lines below, before an empty line.
    pub foot: Text,
}

/// What few nodes have, kept out of line.
#[derive(Clone, Debug, Default)]
pub(crate) struct Extra {
    pub(crate) comments: Comments,
    pub(crate) anchor: Option<Text>,
    pub(crate) tag: Option<Text>,
    /// The comment at the top of the document whose root this is.
    pub(crate) document_head: Text,
    /// Comments at the end of its document, if this is a root.
    pub(crate) document_foot: Text,
}

pub(crate) static NO_COMMENTS: Comments = Comments {
    head: Text::new_static(""),
    line: Text::new_static(""),
    foot: Text::new_static(""),
};

impl Tag {
    /// The short text of a tag; empty for [`Tag::Unset`] and [`Tag::Other`].
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unset | Self::Other => "",
            Self::Null => "!!null",
            Self::Bool => "!!bool",
            Self::Str => "!!str",
            Self::Int => "!!int",
            Self::Float => "!!float",
            Self::Timestamp => "!!timestamp",
            Self::Binary => "!!binary",
            Self::Merge => "!!merge",
            Self::Seq => "!!seq",
            Self::Map => "!!map",
        }
    }

    /// The tag of a short text (`!!str`), or `None` if it is not one of the named.
    #[must_use]
    pub fn from_short(text: &str) -> Option<Self> {
        const NAMED: [Tag; 10] = [
            Tag::Null,
            Tag::Bool,
            Tag::Str,
            Tag::Int,
            Tag::Float,
            Tag::Timestamp,
            Tag::Binary,
            Tag::Merge,
            Tag::Seq,
            Tag::Map,
        ];
        NAMED.into_iter().find(|tag| tag.as_str() == text)
    }

    /// The tag of a text in full (`tag:yaml.org,2002:str`).
    pub(crate) fn from_long(text: &str) -> Self {
        text.strip_prefix("tag:yaml.org,2002:")
            .and_then(|rest| Self::from_short(&format!("!!{rest}")))
            .unwrap_or(Self::Other)
    }
}

impl Kind {
    /// The name that kyaml's errors use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Scalar => "ScalarNode",
            Self::Mapping => "MappingNode",
            Self::Sequence => "SequenceNode",
            Self::Alias => "AliasNode",
        }
    }
}

impl Node {
    /// The kind of this node.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self.content {
            Content::Scalar(_) => Kind::Scalar,
            Content::Mapping(_) => Kind::Mapping,
            Content::Sequence(_) => Kind::Sequence,
            Content::Alias(_) => Kind::Alias,
        }
    }

    /// What the node holds.
    #[must_use]
    pub const fn content(&self) -> &Content {
        &self.content
    }

    /// What the node holds, to change. The tag stays: see [`Node::set_content`].
    pub const fn content_mut(&mut self) -> &mut Content {
        &mut self.content
    }

    /// Replaces the content and unsets the tag, keeping style and comments.
    pub fn set_content(&mut self, content: Content) {
        self.content = content;
        self.tag = Tag::Unset;
    }

    /// A scalar's text or an alias's name; empty for collections.
    #[must_use]
    pub fn text(&self) -> &str {
        match &self.content {
            Content::Scalar(text) | Content::Alias(text) => text,
            _ => "",
        }
    }

    /// A scalar's text; `None` for other kinds.
    #[must_use]
    pub fn scalar(&self) -> Option<&Text> {
        match &self.content {
            Content::Scalar(text) => Some(text),
            _ => None,
        }
    }

    /// Replaces a scalar's text, keeping style and tag; other kinds become an untagged scalar.
    pub fn set_text(&mut self, text: impl Into<Text>) {
        match &mut self.content {
            Content::Scalar(old) => *old = text.into(),
            _ => self.set_content(Content::Scalar(text.into())),
        }
    }

    /// The pairs of a mapping; none for other kinds.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        match &self.content {
            Content::Mapping(entries) => entries,
            _ => &[],
        }
    }

    /// The pairs of a mapping, to change; `None` for other kinds.
    pub fn entries_mut(&mut self) -> Option<&mut Vec<Entry>> {
        match &mut self.content {
            Content::Mapping(entries) => Some(entries),
            _ => None,
        }
    }

    /// The items of a sequence; none for other kinds.
    #[must_use]
    pub fn items(&self) -> &[Self] {
        match &self.content {
            Content::Sequence(items) => items,
            _ => &[],
        }
    }

    /// The items of a sequence, to change; `None` for other kinds.
    pub fn items_mut(&mut self) -> Option<&mut Vec<Self>> {
        match &mut self.content {
            Content::Sequence(items) => Some(items),
            _ => None,
        }
    }

    /// Whether this is a mapping.
    #[must_use]
    pub const fn is_mapping(&self) -> bool {
        matches!(self.content, Content::Mapping(_))
    }

    /// Whether this is a sequence.
    #[must_use]
    pub const fn is_sequence(&self) -> bool {
        matches!(self.content, Content::Sequence(_))
    }

    /// Whether this is a scalar.
    #[must_use]
    pub const fn is_scalar(&self) -> bool {
        matches!(self.content, Content::Scalar(_))
    }

    /// Whether the tag says null. A node made with [`Node::scalar_of`] is never null by this rule.
    #[must_use]
    pub fn is_null(&self) -> bool {
        self.tag == Tag::Null
    }

    /// Whether this is null or a collection without content.
    #[must_use]
    pub fn is_null_or_empty(&self) -> bool {
        self.is_null()
            || match &self.content {
                Content::Mapping(entries) => entries.is_empty(),
                Content::Sequence(items) => items.is_empty(),
                _ => false,
            }
    }

    /// Whether this is a scalar whose tag is `!!str` or unset.
    #[must_use]
    pub fn is_string(&self) -> bool {
        self.is_scalar() && matches!(self.tag, Tag::Str | Tag::Unset)
    }

    /// The tag.
    #[must_use]
    pub const fn tag(&self) -> Tag {
        self.tag
    }

    /// The tag's short text, that of other tags included; empty when unset.
    #[must_use]
    pub fn tag_text(&self) -> &str {
        match (self.tag, &self.extra) {
            (Tag::Other, Some(extra)) => extra.tag.as_deref().unwrap_or_default(),
            (tag, _) => tag.as_str(),
        }
    }

    /// Sets the tag to one of the named or unset.
    pub fn set_tag(&mut self, tag: Tag) {
        self.tag = tag;
    }

    /// Sets the tag from its short or long text.
    pub fn set_tag_text(&mut self, text: &str) {
        let short = match text.strip_prefix("tag:yaml.org,2002:") {
            Some(rest) => Text::from(format!("!!{rest}")),
            None => Text::from(text),
        };
        if short.is_empty() {
            self.tag = Tag::Unset;
        } else if let Some(tag) = Tag::from_short(&short) {
            self.tag = tag;
        } else {
            self.tag = Tag::Other;
            self.extra_mut().tag = Some(short);
        }
    }

    /// How the node is written.
    #[must_use]
    pub const fn style(&self) -> Style {
        self.style
    }

    /// Sets how the node is written.
    pub const fn set_style(&mut self, style: Style) {
        self.style = style;
    }

    /// The comments around the node.
    #[must_use]
    pub fn comments(&self) -> &Comments {
        self.extra.as_ref().map_or(&NO_COMMENTS, |e| &e.comments)
    }

    /// The comments around the node, to change.
    pub fn comments_mut(&mut self) -> &mut Comments {
        &mut self.extra_mut().comments
    }

    /// The anchor's name.
    #[must_use]
    pub fn anchor(&self) -> Option<&str> {
        self.extra.as_ref().and_then(|e| e.anchor.as_deref())
    }

    /// Sets or drops the anchor.
    pub fn set_anchor(&mut self, anchor: Option<Text>) {
        if anchor.is_some() || self.extra.is_some() {
            self.extra_mut().anchor = anchor;
        }
    }

    /// The line of the source text, from 1; 0 for nodes that were made.
    #[must_use]
    pub const fn line(&self) -> u32 {
        self.line
    }

    /// The column of the source text, from 1; 0 for nodes that were made.
    #[must_use]
    pub const fn column(&self) -> u32 {
        self.column
    }

    pub(crate) fn extra_mut(&mut self) -> &mut Extra {
        self.extra.get_or_insert_default()
    }
}
