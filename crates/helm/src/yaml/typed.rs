//! YAML into Go's structs: fields by name whatever their case, scalars made text where text is wanted, and Go's
//! words for what does not fit.
//!
//! Source: sigs.k8s.io/yaml v1.6 `yaml.go` `convertToJSONableObject`; Go 1.26 `encoding/json` `decode.go`

use go_template::{Map, Str, Type, Value};
use kyaml::resolve::format_g_32;

use super::read::{kind, read_exact};
use super::{Error, LIMITS};

/// What a place is declared as.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Target {
    /// `interface {}`.
    Any,
    /// `string`.
    String,
    /// `bool`.
    Bool,
    /// `time.Time`.
    Time,
    /// A slice: its type's name, and its elements.
    List(&'static str, &'static Self),
    /// A map from strings: its type's name, and its elements.
    Map(&'static str, &'static Self),
    /// A struct, or a pointer to one: its package, its name and its fields.
    Struct(&'static str, &'static str, &'static [(&'static str, Self)]),
    /// A struct without a name: its text, and its fields.
    Anonymous(&'static str, &'static [(&'static str, Self)]),
}

impl Target {
    fn name(self) -> String {
        match self {
            Self::Any => "interface {}".into(),
            Self::String => "string".into(),
            Self::Bool => "bool".into(),
            Self::Time => "time.Time".into(),
            Self::List(name, _) | Self::Map(name, _) | Self::Anonymous(name, _) => name.into(),
            Self::Struct(package, name, _) => format!("{package}.{name}"),
        }
    }
}

/// Reads a text into a map of a struct's fields by their names; what is not given or null is missing.
///
/// # Errors
/// [`Error::Convert`], and [`Error::Decode`] for the first value that does not fit.
pub(crate) fn read_typed(text: &[u8], target: Target) -> Result<Map, Error> {
    let value = read_exact(text)?;
    let mut decoder = Decoder {
        path: Vec::new(),
        owner: "",
        error: None,
    };
    let fitted = decoder.fit(value, target, 0);
    if let Some(error) = decoder.error {
        return Err(Error::Decode(error));
    }
    Ok(match fitted {
        Some(Value::Map(map)) => map,
        _ => Map::new(&Type::MAP),
    })
}

struct Decoder {
    /// The fields on the way here.
    path: Vec<&'static str>,
    /// The struct that the last field belongs to.
    owner: &'static str,
    error: Option<String>,
}

impl Decoder {
    /// The value as it is declared; nothing where it does not fit or is null.
    fn fit(&mut self, value: Value, target: Target, depth: usize) -> Option<Value> {
        if depth > LIMITS.depth || value.is_nil() {
            return None;
        }
        match (target, value) {
            (Target::Any, value) => Some(floats(value, depth)),
            (Target::String, Value::Map(map)) => self.refuse(&Value::Map(map), target),
            (Target::String, Value::List(list)) => self.refuse(&Value::List(list), target),
            (Target::String, value) => Some(Value::Str(text_of(&value))),
            (Target::Bool, value @ Value::Bool(_)) => Some(value),
            (Target::Time, Value::Str(text)) => {
                self.check_time(&text);
                Some(Value::Str(text))
            }
            (Target::List(_, element), Value::List(list)) => {
                let items = list.iter();
                // Nulls keep their places.
                let items =
                    items.map(|item| self.fit(item, *element, depth + 1).unwrap_or_default());
                Some(Value::list(items.collect()))
            }
            (Target::Map(_, element), Value::Map(map)) => {
                let entries = map.entries().into_iter();
                let entries = entries.map(|(key, value)| {
                    let zero = matches!(element, Target::String).then(|| Value::str(""));
                    let value = self.fit(value, *element, depth + 1).or(zero);
                    (key, value.unwrap_or_default())
                });
                Some(Value::map(entries.collect::<Vec<_>>()))
            }
            (Target::Struct(_, name, fields), Value::Map(map)) => {
                Some(Value::Map(self.fields(name, fields, &map, depth)))
            }
            (Target::Anonymous(_, fields), Value::Map(map)) => {
                Some(Value::Map(self.fields("", fields, &map, depth)))
            }
            (target, value) => self.refuse(&value, target),
        }
    }

    fn fields(
        &mut self,
        name: &'static str,
        fields: &'static [(&'static str, Target)],
        map: &Map,
        depth: usize,
    ) -> Map {
        let fitted = Map::new(&Type::MAP);
        let owner = std::mem::replace(&mut self.owner, name);
        for (key, value) in map.entries() {
            let exact = fields.iter().find(|(field, _)| key == **field);
            let folded = || {
                let key = key.lossy();
                fields
                    .iter()
                    .find(|(field, _)| field.eq_ignore_ascii_case(&key))
            };
            let Some((field, target)) = exact.or_else(folded) else {
                continue;
            };
            self.path.push(field);
            if let Some(value) = self.fit(value, *target, depth + 1) {
                fitted.insert((*field).into(), value);
            }
            self.path.pop();
            self.owner = name;
        }
        self.owner = owner;
        fitted
    }

    fn refuse(&mut self, value: &Value, target: Target) -> Option<Value> {
        let (kind, ty) = (kind(value), target.name());
        self.error
            .get_or_insert_with(|| match self.path.as_slice() {
                [] => format!("json: cannot unmarshal {kind} into Go value of type {ty}"),
                path => format!(
                    "json: cannot unmarshal {kind} into Go struct field {}.{} of type {ty}",
                    self.owner,
                    path.join(".")
                ),
            });
        None
    }

    /// A time has to be one of RFC 3339.
    fn check_time(&mut self, text: &Str) {
        let text = text.lossy();
        let digits = |range: std::ops::Range<usize>| {
            text.get(range)
                .is_some_and(|it| it.bytes().all(|b| b.is_ascii_digit()))
        };
        let valid = digits(0..4)
            && digits(5..7)
            && digits(8..10)
            && digits(11..13)
            && digits(14..16)
            && digits(17..19)
            && text.as_bytes()[10] == b'T';
        if !valid {
            self.error.get_or_insert_with(|| {
                format!(
                    "parsing time \"{text}\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"{text}\" as \"2006\""
                )
            });
        }
    }
}

/// A scalar where text is wanted.
fn text_of(value: &Value) -> Str {
    match value {
        Value::Str(text) => text.clone(),
        Value::Bool(value) => value.to_string().into(),
        Value::Int(_, value) => value.to_string().into(),
        Value::Uint(_, value) => value.to_string().into(),
        #[expect(clippy::cast_possible_truncation, reason = "upstream prints 32 bits")]
        Value::Float(value) => format_g_32(*value as f32).into(),
        _ => Str::default(),
    }
}

/// A value as JSON reads it where nothing is declared: all numbers are floats.
#[expect(clippy::cast_precision_loss, reason = "as JSON numbers become floats")]
fn floats(value: Value, depth: usize) -> Value {
    match value {
        Value::Int(_, value) => Value::Float(value as f64),
        Value::Uint(_, value) => Value::Float(value as f64),
        Value::List(list) if depth < LIMITS.depth => {
            Value::list(list.iter().map(|item| floats(item, depth + 1)).collect())
        }
        Value::Map(map) if depth < LIMITS.depth => {
            let entries = map.entries().into_iter();
            let entries = entries.map(|(key, value)| (key, floats(value, depth + 1)));
            Value::map(entries.collect::<Vec<_>>())
        }
        other => other,
    }
}
