//! Typed values of nodes: what the Go libraries decode them to, and JSON as Go writes it.
//!
//! Source: kyaml v0.21 `yaml/rnode.go` `MarshalJSON`; go.yaml.in/yaml v3.0 `decode.go`.

mod decode;
mod exact;
mod json;
mod legacy;

pub(crate) use exact::from_json_text;
pub(crate) use json::go_quote;
pub use json::to_go_json;

use std::borrow::Cow;
use std::collections::HashSet;

use base64::Engine as _;
use serde_json::{Map, Number, Value as Json};

use crate::emit::key_less;
use crate::node::{Content, Node, Style, Tag};
use crate::resolve::{self, Rules, Value};
use crate::{Error, Limits};

/// Where a scalar stands, as far as that changes its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Context {
    /// The whole document.
    Root,
    /// Below block collections only.
    Block,
    /// Inside `{}` or `[]`.
    Flow,
    /// A mapping's key.
    Key,
    /// Anywhere, if nothing is printed and read again.
    Decoded,
}

impl Context {
    /// The context of what is below a node of this context.
    pub(crate) fn inside(self, node: &Node) -> Self {
        if self == Self::Decoded {
            self
        } else if self == Self::Flow || node.style.has(Style::FLOW) {
            Self::Flow
        } else {
            Self::Block
        }
    }
}

/// A scalar's value. Binary data and timestamps are text by now.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Typed<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Float(f64),
    Text(Cow<'a, str>),
}

/// The value of a scalar behind kyaml's printer and reader. The printer quotes what is not plain in
/// its place, which makes it a string: so an empty value in a flow mapping is `""`, not null.
pub(crate) fn scalar_value(node: &Node, context: Context) -> Result<Typed<'_>, Error> {
    let text = node.text();
    let tagged = node.style.has(Style::TAGGED);
    let quoted = node.style.is_quoted();
    let (tag, value) = match node.tag {
        Tag::Str | Tag::Other | Tag::Merge | Tag::Seq | Tag::Map => (Tag::Str, Value::Text),
        Tag::Binary => (Tag::Binary, Value::Text),
        Tag::Unset if quoted || text.contains('\n') => (Tag::Str, Value::Text),
        tag if tagged => explicit(tag, text)?,
        tag => {
            let found = resolve::plain(text, Rules::V3);
            if tag != Tag::Unset && found.0 != tag {
                explicit(tag, text)?
            } else if quoted || becomes_quoted(text, context) {
                (Tag::Str, Value::Text)
            } else {
                found
            }
        }
    };
    Ok(match value {
        Value::Null => Typed::Null,
        Value::Bool(value) => Typed::Bool(value),
        Value::Int(value) => Typed::Int(value),
        Value::Uint(value) => Typed::Uint(value),
        Value::Float(value) => Typed::Float(value),
        Value::Timestamp(time) => {
            let text = time.to_rfc3339().ok_or_else(|| {
                Error::Json("error calling MarshalJSON for type time.Time: Time.MarshalJSON: timezone hour outside of range [0,23]".into())
            })?;
            Typed::Text(Cow::Owned(text))
        }
        Value::Text if tag == Tag::Binary => Typed::Text(Cow::Owned(decode_binary(text)?)),
        Value::Text => Typed::Text(Cow::Borrowed(text)),
    })
}

fn explicit(tag: Tag, text: &str) -> Result<(Tag, Value), Error> {
    resolve::tagged(tag, text).ok_or_else(|| {
        let found = resolve::plain(text, Rules::V3).0;
        let (found, tag) = (found.as_str(), tag.as_str());
        Error::Invalid(format!("cannot decode {found} `{text}` as a {tag}"))
    })
}

/// Whether the printer quotes this plain text, which is no string, in its place.
fn becomes_quoted(text: &str, context: Context) -> bool {
    match context {
        Context::Root | Context::Block | Context::Decoded => false,
        Context::Flow => text.is_empty() || text.contains(':'),
        Context::Key => text.is_empty(),
    }
}

pub(crate) fn decode_binary(text: &str) -> Result<String, Error> {
    let packed: String = text.chars().filter(|c| !matches!(c, '\n' | '\r')).collect();
    let bytes = base64::engine::general_purpose::STANDARD.decode(packed);
    let bytes =
        bytes.map_err(|_| Error::Invalid("!!binary value contains invalid base64 data".into()))?;
    Ok(json::lossy(&bytes))
}

/// Fails if two keys of a mapping are the same.
pub(crate) fn expect_unique(node: &Node) -> Result<(), Error> {
    let entries = node.entries();
    let unique = if entries.len() <= 8 {
        entries.iter().enumerate().all(|(at, entry)| {
            let mut before = entries[..at].iter();
            before.all(|e| e.key.text() != entry.key.text() || e.key.kind() != entry.key.kind())
        })
    } else {
        let mut seen = HashSet::with_capacity(entries.len());
        entries
            .iter()
            .all(|e| seen.insert((e.key.text(), e.key.kind())))
    };
    if unique {
        return Ok(());
    }
    Err(Error::Unmarshal(Vec::new()))
}

/// The fields of a mapping below the root: every key must be a string.
pub(crate) fn mapping_fields(node: &Node) -> Result<Vec<(Cow<'_, str>, &Node)>, Error> {
    expect_unique(node)?;
    let fields = node.entries().iter();
    fields
        .map(|entry| Ok((field_name(&entry.key)?, &entry.value)))
        .collect()
}

/// The name of a field below the root.
pub(crate) fn field_name(key: &Node) -> Result<Cow<'_, str>, Error> {
    let plain = key.is_scalar() && key.tag == Tag::Str && !key.style.has(Style::TAGGED);
    if plain {
        return Ok(Cow::Borrowed(key.text()));
    }
    if !key.is_scalar() {
        return Err(invalid_key(key));
    }
    let made = key.tag == Tag::Unset && !key.style.is_quoted();
    let tag = if made {
        resolve::plain(key.text(), Rules::V3).0
    } else {
        key.tag
    };
    let other = matches!(tag, Tag::Timestamp | Tag::Binary | Tag::Other);
    match scalar_value(key, Context::Key)? {
        Typed::Text(text) if !other => Ok(text),
        _ => Err(Error::Json(
            "unsupported type: map[interface {}]interface {}".into(),
        )),
    }
}

fn invalid_key(key: &Node) -> Error {
    match json_of(key, Context::Block, 1) {
        Ok(value) => Error::Invalid(format!("invalid map key: {}", json::go_syntax(&value))),
        Err(err) => err,
    }
}

/// The fields of the root mapping, whose scalar keys are taken by their text; a null key vanishes.
pub(crate) fn root_fields(node: &Node) -> Result<Vec<(Cow<'_, str>, &Node)>, Error> {
    expect_unique(node)?;
    let mut fields = Vec::with_capacity(node.entries().len());
    for entry in node.entries() {
        let key = &entry.key;
        if !key.is_scalar() {
            return Err(Error::Unmarshal(Vec::new()));
        }
        match scalar_value(key, Context::Key)? {
            Typed::Null => {}
            Typed::Text(text) if key.tag == Tag::Binary => fields.push((text, &entry.value)),
            _ => fields.push((Cow::Borrowed(key.text()), &entry.value)),
        }
    }
    Ok(fields)
}

/// A float as Go's JSON and a reader of that JSON see it: whole numbers are integers, but for a negative
/// zero, which JSON keeps.
pub(crate) fn go_float(value: f64) -> Result<Json, Error> {
    if !value.is_finite() {
        let shown = resolve::format_g(value);
        return Err(Error::Json(format!("unsupported value: {shown}")));
    }
    let signed_zero = value == 0.0 && value.is_sign_negative();
    if value.fract() == 0.0 && value.abs() < 1e21 && !signed_zero {
        // Shortest digits padded with zeros, which may leave the range of the exact value.
        let digits = format!("{value}");
        if let Ok(int) = digits.parse::<i64>() {
            return Ok(Json::from(int));
        }
        if let Ok(int) = digits.parse::<u64>() {
            return Ok(Json::from(int));
        }
    }
    Ok(Number::from_f64(value).map_or(Json::Null, Json::Number))
}

impl Node {
    /// The node as a JSON value, as kyaml's `MarshalJSON` makes it.
    ///
    /// # Errors
    /// [`Error::Unmarshal`] for duplicate keys or a scalar root, [`Error::Json`] for keys that are not
    /// strings, [`Error::Invalid`] for a tag that contradicts its text.
    pub fn to_json(&self) -> Result<Json, Error> {
        match self.settled()? {
            Some(settled) => settled.plain_json(),
            None => self.plain_json(),
        }
    }

    fn plain_json(&self) -> Result<Json, Error> {
        if self.is_null() {
            return Ok(Json::Null);
        }
        if self.is_scalar() {
            return Err(self.unmarshal_error(Error::Unmarshal(Vec::new())));
        }
        json_of(self, Context::Root, 0).map_err(|err| match err {
            Error::Unmarshal(_) => self.unmarshal_error(err),
            other => other,
        })
    }

    /// The node as a JSON value, decoded as it stands, not printed and read again before.
    ///
    /// # Errors
    /// As [`Node::to_json`].
    pub fn decode(&self) -> Result<Json, Error> {
        json_of(self, Context::Decoded, 0).map_err(|err| match err {
            Error::Unmarshal(_) => self.unmarshal_error(err),
            other => other,
        })
    }

    /// The node as a JSON value on its own: a scalar by its type, collections as [`Node::to_json`].
    ///
    /// # Errors
    /// As [`Node::to_json`].
    pub fn to_json_value(&self) -> Result<Json, Error> {
        if self.is_scalar() {
            return json_of(self, Context::Block, 0);
        }
        self.to_json()
    }

    /// A node of a JSON value: keys in output order, strings as [`Node::string`].
    #[must_use]
    pub fn from_json(value: &Json) -> Self {
        match value {
            Json::Null => Self::raw(Content::Scalar("null".into()), Tag::Null),
            Json::Bool(value) => Self::raw(Content::Scalar(value.to_string().into()), Tag::Bool),
            Json::Number(number) => match number.as_f64() {
                Some(float) if number.is_f64() => {
                    Self::raw(Content::Scalar(resolve::format_g(float).into()), Tag::Float)
                }
                _ => Self::raw(Content::Scalar(number.to_string().into()), Tag::Int),
            },
            // Upstream prints it without quotes and reads it again as the key that merges.
            Json::String(text) if text == "<<" => {
                Self::raw(Content::Scalar(text.into()), Tag::Merge)
            }
            Json::String(text) => Self::quoted_string(text),
            Json::Array(items) => Self::sequence_of(items.iter().map(Self::from_json)),
            Json::Object(map) => {
                let mut fields: Vec<_> = map.iter().collect();
                if fields.windows(2).any(|pair| key_less(pair[1].0, pair[0].0)) {
                    crate::emit::sort_by_key(&mut fields, |(key, _)| key);
                }
                let entries = fields.into_iter().map(|(key, value)| crate::Entry {
                    key: Self::quoted_string(key),
                    value: Self::from_json(value),
                });
                Self::raw(Content::Mapping(entries.collect()), Tag::Map)
            }
        }
    }

    /// A string, double quoted if its plain form is not one.
    pub(crate) fn quoted_string(text: &str) -> Self {
        let mut node = Self::string(text);
        let plain = resolve::plain(text, Rules::V3).0 == Tag::Str
            && !resolve::is_base_60(text)
            && resolve::is_old_bool(text).is_none();
        if node.style == Style::PLAIN && !plain {
            node.style = Style::DOUBLE_QUOTED;
        }
        node
    }
}

fn json_of(node: &Node, context: Context, depth: usize) -> Result<Json, Error> {
    if depth > Limits::DEPTH {
        return Err(Error::too_deep());
    }
    let inside = context.inside(node);
    if node.is_mapping() {
        let fields = match context {
            Context::Root => root_fields(node)?,
            Context::Decoded if depth == 0 => root_fields(node)?,
            _ => mapping_fields(node)?,
        };
        let mut map = Map::new();
        for (key, value) in fields {
            map.insert(key.into_owned(), json_of(value, inside, depth + 1)?);
        }
        return Ok(Json::Object(map));
    }
    if node.is_sequence() {
        let items = node.items().iter();
        let items = items.map(|item| json_of(item, inside, depth + 1));
        return items.collect::<Result<_, _>>().map(Json::Array);
    }
    Ok(match scalar_value(node, context)? {
        Typed::Null => Json::Null,
        Typed::Bool(value) => Json::Bool(value),
        Typed::Int(value) => Json::from(value),
        Typed::Uint(value) => Json::from(value),
        Typed::Float(value) => go_float(value)?,
        Typed::Text(text) => Json::String(text.into_owned()),
    })
}
