//! What an expression computes with.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::functions::numbers;
use crate::time;

/// Nesting of JSON that is taken over; the API server accepts no deeper objects.
const DEPTH: usize = 200;

/// A value of CEL.
#[derive(Debug, Clone)]
pub enum Value {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// A signed number.
    Int(i64),
    /// An unsigned number.
    Uint(u64),
    /// A number with a fraction.
    Double(f64),
    /// Text.
    String(Arc<str>),
    /// Bytes.
    Bytes(Arc<[u8]>),
    /// A list.
    List(Arc<Vec<Self>>),
    /// A map.
    Map(Arc<BTreeMap<Key, Self>>),
    /// Nanoseconds since 1970.
    Timestamp(i128),
    /// Nanoseconds.
    Duration(i64),
    /// The name of a type.
    Type(Arc<str>),
    /// A value that may be absent.
    Optional(Option<Arc<Self>>),
}

/// A key of a map. Numbers that are equal are one key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// `true`, `false`
    Bool(bool),
    /// A number that fits an `int` or a `uint`.
    Number(i128),
    /// Text.
    String(Arc<str>),
}

impl Key {
    /// The key that `value` names; none where its type cannot be one.
    #[must_use]
    pub fn of(value: &Value) -> Option<Self> {
        Some(match value {
            Value::Bool(value) => Self::Bool(*value),
            Value::Int(value) => Self::Number((*value).into()),
            Value::Uint(value) => Self::Number((*value).into()),
            Value::Double(value) => Self::Number(whole(*value)?),
            Value::String(value) => Self::String(Arc::clone(value)),
            _ => return None,
        })
    }

    /// The value that stands for the key when a map is walked.
    #[must_use]
    pub fn value(&self) -> Value {
        match self {
            Self::Bool(value) => Value::Bool(*value),
            Self::Number(value) => match i64::try_from(*value) {
                Ok(value) => Value::Int(value),
                Err(_) => Value::Uint(u64::try_from(*value).unwrap_or(u64::MAX)),
            },
            Self::String(value) => Value::String(Arc::clone(value)),
        }
    }
}

/// The whole number that `value` is, within what `int` and `uint` hold.
pub(crate) fn whole(value: f64) -> Option<i128> {
    let fits = value.fract() == 0.0 && (-9.3e18..=1.85e19).contains(&value);
    #[expect(clippy::cast_possible_truncation, reason = "whole and in range")]
    fits.then_some(value as i128)
}

impl Value {
    /// Text.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self::String(text.into())
    }

    /// A list.
    #[must_use]
    pub fn list(items: Vec<Self>) -> Self {
        Self::List(Arc::new(items))
    }

    /// The absent value.
    pub(crate) const NONE: Self = Self::Optional(None);

    /// A value that is there.
    pub(crate) fn some(value: Self) -> Self {
        Self::Optional(Some(Arc::new(value)))
    }

    /// What JSON says. A number is an `int` where it is whole and fits, as Kubernetes decodes it.
    ///
    /// What is nested too deeply becomes null.
    #[must_use]
    pub fn from_json(json: &serde_json::Value) -> Self {
        Self::from_json_within(json, DEPTH)
    }

    fn from_json_within(json: &serde_json::Value, depth: usize) -> Self {
        use serde_json::Value as Json;
        let Some(below) = depth.checked_sub(1) else {
            return Self::Null;
        };
        match json {
            Json::Null => Self::Null,
            Json::Bool(value) => Self::Bool(*value),
            Json::Number(number) => match number.as_i64() {
                Some(value) => Self::Int(value),
                None => Self::Double(number.as_f64().unwrap_or(f64::NAN)),
            },
            Json::String(text) => Self::text(text),
            Json::Array(items) => {
                let items = items.iter().map(|item| Self::from_json_within(item, below));
                Self::list(items.collect())
            }
            Json::Object(map) => {
                let entry = |(key, value): (&String, &Json)| {
                    let key = Key::String(key.as_str().into());
                    (key, Self::from_json_within(value, below))
                };
                Self::Map(Arc::new(map.iter().map(entry).collect()))
            }
        }
    }

    /// The name of its type, as `type()` gives it.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null_type",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Uint(_) => "uint",
            Self::Double(_) => "double",
            Self::String(_) => "string",
            Self::Bytes(_) => "bytes",
            Self::List(_) => "list",
            Self::Map(_) => "map",
            Self::Timestamp(_) => "google.protobuf.Timestamp",
            Self::Duration(_) => "google.protobuf.Duration",
            Self::Type(_) => "type",
            Self::Optional(_) => "optional_type",
        }
    }

    /// The type as messages print it.
    pub(crate) fn type_text(&self) -> &'static str {
        match self {
            Self::List(_) => "list(dyn)",
            Self::Map(_) => "map(dyn, dyn)",
            other => other.type_name(),
        }
    }

    /// The order of two numbers, none within where one is NaN; none at all where they are no numbers.
    pub(crate) fn compare_numbers(&self, other: &Self) -> Option<Option<Ordering>> {
        use Value::{Double, Int, Uint};
        Some(match (self, other) {
            (Int(a), Int(b)) => Some(a.cmp(b)),
            (Uint(a), Uint(b)) => Some(a.cmp(b)),
            (Int(a), Uint(b)) => Some(i128::from(*a).cmp(&i128::from(*b))),
            (Uint(a), Int(b)) => Some(i128::from(*a).cmp(&i128::from(*b))),
            (Double(a), Double(b)) => a.partial_cmp(b),
            (Double(a), Int(b)) => compare_double(*a, (*b).into()),
            (Double(a), Uint(b)) => compare_double(*a, (*b).into()),
            (Int(a), Double(b)) => compare_double(*b, (*a).into()).map(Ordering::reverse),
            (Uint(a), Double(b)) => compare_double(*b, (*a).into()).map(Ordering::reverse),
            _ => return None,
        })
    }

    /// How large the value is for the budget of an evaluation.
    pub(crate) fn weight(&self) -> usize {
        match self {
            Self::String(text) => text.len() / 8,
            Self::Bytes(bytes) => bytes.len() / 8,
            Self::List(items) => items.len(),
            Self::Map(entries) => entries.len(),
            _ => 0,
        }
    }
}

/// The comparison rounds the whole number as cel-go does.
#[expect(
    clippy::cast_precision_loss,
    reason = "the comparison is between doubles"
)]
fn compare_double(a: f64, b: i128) -> Option<Ordering> {
    a.partial_cmp(&(b as f64))
}

/// Bytes that a message shows of a value.
const SHOWN: usize = 500;

impl Value {
    /// The text of Go's `%v` for the value, which some messages show; cut where it is long.
    pub(crate) fn shown(&self) -> String {
        let mut out = String::new();
        self.show(&mut out);
        out
    }

    fn show(&self, out: &mut String) {
        if out.len() > SHOWN {
            return;
        }
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(value) => out.push_str(&value.to_string()),
            Self::Int(value) => out.push_str(&value.to_string()),
            Self::Uint(value) => out.push_str(&value.to_string()),
            Self::Double(value) => out.push_str(&numbers::shortest(*value)),
            Self::String(text) => out.push_str(cut(text)),
            Self::Bytes(bytes) => {
                let shown: Vec<String> = bytes.iter().take(SHOWN).map(u8::to_string).collect();
                out.push_str(&format!("[{}]", shown.join(" ")));
            }
            Self::List(items) => {
                out.push('[');
                for (index, item) in items.iter().take(SHOWN).enumerate() {
                    out.push_str(if index == 0 { "" } else { ", " });
                    item.show(out);
                }
                out.push(']');
            }
            Self::Map(entries) => {
                out.push('{');
                for (index, (key, value)) in entries.iter().take(SHOWN).enumerate() {
                    out.push_str(if index == 0 { "" } else { ", " });
                    key.value().show(out);
                    out.push_str(": ");
                    value.show(out);
                }
                out.push('}');
            }
            Self::Timestamp(nanos) => out.push_str(&time::go_text(*nanos)),
            Self::Duration(nanos) => out.push_str(&time::go_duration(*nanos)),
            Self::Type(name) => out.push_str(name),
            Self::Optional(None) => out.push_str("optional.none()"),
            Self::Optional(Some(value)) => {
                out.push_str("optional(");
                value.show(out);
                out.push(')');
            }
        }
    }
}

fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(SHOWN)]
}
