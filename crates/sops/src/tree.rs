//! What every form is read into: ordered items with comments among them.
//!
//! Source: sops v3.13 `sops.go` `TreeBranch`.

use kyaml::resolve::{Timestamp, format_g};
use zeroize::Zeroize as _;

/// A value of a file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    /// A point in time, in RFC 3339.
    Time(String),
    /// Text, or what was encrypted as text: any bytes.
    Text(Vec<u8>),
    Comment(Comment),
    List(Vec<Self>),
    Branch(Branch),
    /// A value that cannot be walked; the text is Go's name of its type.
    Foreign(&'static str),
}

/// A comment without its mark.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Comment {
    pub(crate) text: Vec<u8>,
    /// It stands at the end of a line.
    pub(crate) inline: bool,
}

/// Items in the order of the text; a branch is a mapping, a section or a whole file.
pub(crate) type Branch = Vec<Item>;

/// One item.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Item {
    pub(crate) key: Key,
    pub(crate) value: Value,
}

/// What stands before a value, or instead of one.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Key {
    Text(String),
    Comment(Comment),
    /// A key that is no string: Go's name of its type, and the key.
    Other(&'static str, String),
}

impl Item {
    pub(crate) fn new(key: impl Into<String>, value: Value) -> Self {
        Self {
            key: Key::Text(key.into()),
            value,
        }
    }

    pub(crate) fn comment(text: impl Into<Vec<u8>>, inline: bool) -> Self {
        let text = text.into();
        Self {
            key: Key::Comment(Comment { text, inline }),
            value: Value::Null,
        }
    }

    pub(crate) fn is(&self, name: &str) -> bool {
        matches!(&self.key, Key::Text(text) if text == name)
    }
}

impl Value {
    pub(crate) fn text(text: impl Into<Vec<u8>>) -> Self {
        Self::Text(text.into())
    }

    /// The bytes that the message authentication code covers.
    ///
    /// Source: sops v3.13 `sops.go` `ToBytes`.
    pub(crate) fn to_bytes(&self) -> Option<Vec<u8>> {
        Some(match self {
            Self::Text(text) => text.clone(),
            Self::Comment(comment) => comment.text.clone(),
            Self::Int(value) => value.to_string().into_bytes(),
            Self::Float(value) => plain_float(*value).into_bytes(),
            Self::Bool(true) => b"True".to_vec(),
            Self::Bool(false) => b"False".to_vec(),
            Self::Time(text) => text.clone().into_bytes(),
            _ => return None,
        })
    }

    /// Go's name of the value's type.
    pub(crate) const fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "<nil>",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Float(_) => "float64",
            Self::Time(_) => "time.Time",
            Self::Text(_) => "string",
            Self::Comment(_) => "sops.Comment",
            Self::List(_) => "[]interface {}",
            Self::Branch(_) => "sops.TreeBranch",
            Self::Foreign(name) => name,
        }
    }

    /// The value in a form that knows only text.
    ///
    /// Source: sops v3.13 `stores/stores.go` `ValToString`.
    pub(crate) fn to_text(&self) -> Vec<u8> {
        match self {
            Self::Null => b"<nil>".to_vec(),
            Self::Bool(value) => value.to_string().into_bytes(),
            Self::Int(value) => value.to_string().into_bytes(),
            Self::Float(value) => {
                let text = format_g(*value).to_uppercase();
                let text = match text.as_str() {
                    "NAN" => "NaN".to_owned(),
                    "+INF" => "+Inf".to_owned(),
                    "-INF" => "-Inf".to_owned(),
                    other if !other.contains(['.', 'E']) => format!("{value:.1}"),
                    _ => text,
                };
                text.into_bytes()
            }
            Self::Time(text) => whole_seconds(text).into_bytes(),
            Self::Text(text) => text.clone(),
            Self::Comment(comment) => comment.text.clone(),
            Self::List(_) | Self::Branch(_) | Self::Foreign(_) => Vec::new(),
        }
    }

    /// Overwrites what may be secret.
    pub(crate) fn wipe(&mut self) {
        let mut pending = vec![std::mem::replace(self, Self::Null)];
        while let Some(mut value) = pending.pop() {
            match &mut value {
                Self::Text(text) => text.zeroize(),
                Self::Comment(comment) => comment.text.zeroize(),
                Self::Time(text) => text.zeroize(),
                Self::List(items) => pending.append(items),
                Self::Branch(items) => pending.extend(items.drain(..).map(|item| item.value)),
                _ => {}
            }
        }
    }
}

/// A float without an exponent, as short as reads back the same.
pub(crate) fn plain_float(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    format!("{value}")
}

/// A time in RFC 3339, or `None` if the text is none in the strict form that Go's `UnmarshalText` reads.
pub(crate) fn rfc3339(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let strict = bytes.len() >= 20 && bytes[10] == b'T' && bytes[13] == b':' && bytes[16] == b':';
    if !strict || !bytes[11].is_ascii_digit() || !bytes[12].is_ascii_digit() {
        return None;
    }
    Timestamp::parse(text)?.to_rfc3339()
}

/// A time without its fraction of a second.
pub(crate) fn whole_seconds(time: &str) -> String {
    match (time.get(..19), time.get(19..)) {
        (Some(seconds), Some(rest)) => {
            let zone = rest.trim_start_matches(|c: char| c == '.' || c.is_ascii_digit());
            format!("{seconds}{zone}")
        }
        _ => time.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_text_as_go_has_them() {
        for (value, text) in [
            (1.0, "1.0"),
            (1.5, "1.5"),
            (1e21, "1E+21"),
            (1_234_567.5, "1.2345675E+06"),
        ] {
            assert_eq!(Value::Float(value).to_text(), text.as_bytes());
        }
        assert_eq!(
            Value::Float(1e21).to_bytes(),
            Some(b"1000000000000000000000".to_vec())
        );
    }

    #[test]
    fn times_lose_their_fraction_and_keep_their_zone() {
        assert_eq!(
            whole_seconds("2020-01-02T03:04:05.678+01:00"),
            "2020-01-02T03:04:05+01:00"
        );
        assert_eq!(
            rfc3339("2020-01-02T03:04:05Z").as_deref(),
            Some("2020-01-02T03:04:05Z")
        );
        assert_eq!(rfc3339("2020-01-02"), None);
    }

    #[test]
    fn wiping_leaves_nothing() {
        let mut value = Value::Branch(vec![Item::new("a", Value::List(vec![Value::text("x")]))]);
        value.wipe();
        assert_eq!(value, Value::Null);
    }
}
