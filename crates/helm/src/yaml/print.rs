//! From values to YAML.

use std::borrow::Cow;

use base64::Engine as _;
use go_template::{List, Object, Str, Value};
use kyaml::{Shape, Source};

use super::Error;
use super::read::lossy;

/// Says whether so many more bytes may be printed. Values may hold the same map many times, so what is printed
/// can be far larger than what is there.
pub type Charge<'a> = &'a dyn Fn(usize) -> bool;

/// Lets all be printed.
pub fn free(_: usize) -> bool {
    true
}

/// The value as `toYaml` prints it, with the last line break.
///
/// # Errors
/// [`Error::Marshal`] for functions, complex numbers and infinities, [`Error::Print`] for characters that YAML
/// does not allow and for keys that it cannot read again.
pub fn to_yaml(value: &Value) -> Result<String, Error> {
    to_yaml_within(value, &free)
}

/// As [`to_yaml`], as far as it is allowed.
///
/// # Errors
/// As [`to_yaml`].
pub fn to_yaml_within(value: &Value, charge: Charge<'_>) -> Result<String, Error> {
    let mut out = String::new();
    let value = value.clone();
    kyaml::print_source(Printed { value, charge }, &mut out).map_err(|error| match error {
        error @ kyaml::Error::Json(_) => Error::Marshal(error.to_string()),
        error => Error::Print(error),
    })?;
    Ok(out)
}

/// The error of what may not be printed.
pub(super) fn too_much() -> kyaml::Error {
    kyaml::Error::Limit("value is too large to be printed".into())
}

/// A value while it is printed.
#[derive(Clone)]
struct Printed<'a> {
    value: Value,
    charge: Charge<'a>,
}

impl<'a> Source<'a> for Printed<'a> {
    fn shape(self) -> Result<Shape<'a, Self>, kyaml::Error> {
        if !(self.charge)(size(&self.value)) {
            return Err(too_much());
        }
        Ok(match &self.value {
            Value::Nil => Shape::Null,
            Value::Bool(value) => Shape::Bool(*value),
            Value::Int(_, value) => Shape::Int(*value),
            Value::Uint(_, value) => match i64::try_from(*value) {
                Ok(value) => Shape::Int(value),
                Err(_) => Shape::Uint(*value),
            },
            Value::Float(value) => return Shape::of_float(*value),
            Value::Str(text) => return text_shape(text),
            Value::List(list) => return self.list(list),
            Value::Map(map) if map.is_nil() => Shape::Null,
            Value::Map(map) => {
                let entries = map.entries().into_iter();
                let entries = entries.map(|(key, value)| Ok((key_of(&key)?, self.below(value))));
                Shape::Map(entries.collect::<Result<_, kyaml::Error>>()?)
            }
            Value::Object(object) => return self.object(&**object),
            other @ (Value::Complex(..) | Value::Func(_)) => {
                let ty = other.type_name();
                return Err(kyaml::Error::Json(format!("unsupported type: {ty}")));
            }
        })
    }
}

/// About how many bytes a value takes by itself.
pub(super) fn size(value: &Value) -> usize {
    match value {
        Value::Str(text) => text.len() + 8,
        Value::List(list) => 8 * list.len() + 8,
        Value::Map(map) => 16 * map.len() + 8,
        _ => 8,
    }
}

impl<'a> Printed<'a> {
    fn below(&self, value: Value) -> Self {
        let charge = self.charge;
        Self { value, charge }
    }

    fn list(&self, list: &List) -> Result<Shape<'a, Self>, kyaml::Error> {
        if list.is_nil() {
            return Ok(Shape::Null);
        }
        if let Some(bytes) = list.as_bytes() {
            let text = base64::engine::general_purpose::STANDARD.encode(&*bytes);
            return Shape::of_text(Cow::Owned(text));
        }
        Ok(Shape::List(list.iter().map(|it| self.below(it)).collect()))
    }

    fn object(&self, object: &dyn Object) -> Result<Shape<'a, Self>, kyaml::Error> {
        if object.is_nil() {
            return Ok(Shape::Null);
        }
        if let Some(text) = object.marshal() {
            let text = text.map_err(|error| kyaml::Error::Json(error.to_string()))?;
            return text_shape(&text);
        }
        let fields = object.json_fields().into_iter();
        let fields = fields.map(|(name, value)| (Cow::Borrowed(name), self.below(value)));
        Ok(Shape::Map(fields.collect()))
    }
}

fn text_shape<'a, S>(text: &Str) -> Result<Shape<'a, S>, kyaml::Error> {
    Shape::of_text(Cow::Owned(lossy(text)))
}

fn key_of<'a>(key: &Str) -> Result<Cow<'a, str>, kyaml::Error> {
    kyaml::key_text(Cow::Owned(lossy(key)))
}
