//! Reading structures from JSON values by the rules of Go's `encoding/json`, with its messages:
//! keys match in any case, nulls change nothing, the first problem is reported and the rest still read.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::error::Error;
use crate::go_text::quote;
use crate::json_text;

/// How strictly to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Unknown fields are errors: kustomization files and their bases.
    Strict,
    /// Unknown fields are dropped and scalars become strings where strings are wanted: plugin
    /// configurations, and the file that Flux merges its own spec into.
    Lenient,
    /// As [`Mode::Lenient`], but unknown fields are errors: transformer configurations.
    StrictTyped,
}

/// The state of one reading.
#[derive(Debug)]
pub(crate) struct Decoder {
    mode: Mode,
    problem: Option<String>,
    fields: Vec<&'static str>,
    within: &'static str,
}

/// What can be read from a JSON value.
pub(crate) trait Decode: Default {
    /// The Go type's name, for messages.
    fn go_type() -> String;

    /// Reads `value` over what is there.
    fn decode(&mut self, decoder: &mut Decoder, value: &Value);
}

/// A structure with named fields.
pub(crate) trait Struct: Default {
    /// The name of the Go type.
    const NAME: &'static str;

    /// Reads one field; `false` if there is none of that name.
    fn field(&mut self, decoder: &mut Decoder, key: &str, value: &Value, exact: bool) -> bool;
}

/// Reads a whole value.
///
/// # Errors
/// The first problem, in Go's words.
pub(crate) fn from_value<T: Decode>(value: &Value, mode: Mode) -> Result<T, Error> {
    let mut decoder = Decoder {
        mode,
        problem: None,
        fields: Vec::new(),
        within: "",
    };
    let mut out = T::default();
    out.decode(&mut decoder, value);
    match decoder.problem {
        Some(problem) => Err(Error::new(format!("json: {problem}"))),
        None => Ok(out),
    }
}

impl Decoder {
    fn report(&mut self, problem: String) {
        self.problem.get_or_insert(problem);
    }

    fn mismatch(&mut self, found: &str, wanted: &str) {
        let problem = if self.within.is_empty() && self.fields.is_empty() {
            format!("cannot unmarshal {found} into Go value of type {wanted}")
        } else {
            format!(
                "cannot unmarshal {found} into Go struct field {}.{} of type {wanted}",
                self.within,
                self.fields.join(".")
            )
        };
        self.report(problem);
    }

    /// Reads the field of an embedded structure, which counts as a step of the path.
    pub(crate) fn embedded<T: Struct>(
        &mut self,
        name: &'static str,
        target: &mut T,
        (key, value, exact): (&str, &Value, bool),
    ) -> bool {
        self.fields.push(name);
        let found = target.field(self, key, value, exact);
        self.fields.pop();
        found
    }

    /// Reads a field's value.
    pub(crate) fn named<T: Decode>(&mut self, name: &'static str, target: &mut T, value: &Value) {
        self.fields.push(name);
        target.decode(self, value);
        self.fields.pop();
    }

    /// Reads an object into a structure.
    pub(crate) fn structure<T: Struct>(&mut self, target: &mut T, value: &Value, go_type: &str) {
        let object = match value {
            Value::Null => return,
            Value::Object(object) => object,
            other => return self.mismatch(found(other), go_type),
        };
        for (key, value) in object {
            let outer = std::mem::replace(&mut self.within, T::NAME);
            let known =
                target.field(self, key, value, true) || target.field(self, key, value, false);
            self.within = outer;
            if !known && self.mode != Mode::Lenient {
                self.report(format!("unknown field {}", quote(key)));
            }
        }
    }
}

fn found(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

impl Decode for String {
    fn go_type() -> String {
        "string".to_owned()
    }

    fn decode(&mut self, decoder: &mut Decoder, value: &Value) {
        match value {
            Value::Null => {}
            Value::String(text) => self.clone_from(text),
            Value::Bool(flag) if decoder.mode != Mode::Strict => *self = flag.to_string(),
            Value::Number(number) if decoder.mode != Mode::Strict => *self = number_text(number),
            other => decoder.mismatch(found(other), "string"),
        }
    }
}

/// A number where a string is wanted, as Go's `%g` of shortest precision prints it.
fn number_text(number: &serde_json::Number) -> String {
    match number.as_f64() {
        Some(float) if number.is_f64() => kyaml::resolve::format_g(float),
        _ => number.to_string(),
    }
}

impl Decode for bool {
    fn go_type() -> String {
        "bool".to_owned()
    }

    fn decode(&mut self, decoder: &mut Decoder, value: &Value) {
        match value {
            Value::Null => {}
            Value::Bool(flag) => *self = *flag,
            other => decoder.mismatch(found(other), "bool"),
        }
    }
}

fn integer(decoder: &mut Decoder, value: &Value, wanted: &str) -> Option<i64> {
    match value {
        Value::Null => None,
        Value::Number(number) => number.as_i64().or_else(|| {
            let number = json_text::number_text(number);
            decoder.mismatch(&format!("number {number}"), wanted);
            None
        }),
        other => {
            decoder.mismatch(found(other), wanted);
            None
        }
    }
}

impl Decode for i64 {
    fn go_type() -> String {
        "int64".to_owned()
    }

    fn decode(&mut self, decoder: &mut Decoder, value: &Value) {
        if let Some(number) = integer(decoder, value, "int64") {
            *self = number;
        }
    }
}

/// A Go `int`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Int(pub(crate) i64);

impl Decode for Int {
    fn go_type() -> String {
        "int".to_owned()
    }

    fn decode(&mut self, decoder: &mut Decoder, value: &Value) {
        if let Some(number) = integer(decoder, value, "int") {
            self.0 = number;
        }
    }
}

impl<T: Decode> Decode for Option<T> {
    fn go_type() -> String {
        T::go_type()
    }

    fn decode(&mut self, decoder: &mut Decoder, value: &Value) {
        match value {
            Value::Null => *self = None,
            value => self.get_or_insert_default().decode(decoder, value),
        }
    }
}

impl<T: Decode> Decode for Vec<T> {
    fn go_type() -> String {
        format!("[]{}", T::go_type())
    }

    fn decode(&mut self, decoder: &mut Decoder, value: &Value) {
        match value {
            Value::Null => self.clear(),
            Value::Array(items) => {
                *self = items
                    .iter()
                    .map(|item| {
                        let mut out = T::default();
                        out.decode(decoder, item);
                        out
                    })
                    .collect();
            }
            other => decoder.mismatch(found(other), &Self::go_type()),
        }
    }
}

impl Decode for BTreeMap<String, String> {
    fn go_type() -> String {
        "map[string]string".to_owned()
    }

    fn decode(&mut self, decoder: &mut Decoder, value: &Value) {
        match value {
            Value::Null => self.clear(),
            Value::Object(object) => {
                for (key, value) in object {
                    let mut text = String::new();
                    text.decode(decoder, value);
                    self.insert(key.clone(), text);
                }
            }
            other => decoder.mismatch(found(other), &Self::go_type()),
        }
    }
}

impl Decode for Map<String, Value> {
    fn go_type() -> String {
        "map[string]interface {}".to_owned()
    }

    fn decode(&mut self, decoder: &mut Decoder, value: &Value) {
        match value {
            Value::Null => self.clear(),
            Value::Object(object) => self.extend(object.clone()),
            other => decoder.mismatch(found(other), &Self::go_type()),
        }
    }
}

/// Declares how a structure is read: its Go name and type, embedded structures, and fields.
macro_rules! readable {
    ($type:ident, $name:literal, $go_type:literal
        $(, embeds { $($embedded:ident: $embedded_name:literal),* $(,)? })?
        $(, fields { $($field:ident: $key:literal),* $(,)? })? $(,)?) => {
        impl $crate::decode::Struct for $type {
            const NAME: &'static str = $name;

            fn field(
                &mut self,
                decoder: &mut $crate::decode::Decoder,
                key: &str,
                value: &serde_json::Value,
                exact: bool,
            ) -> bool {
                $($(
                    if key == $key || !exact && key.eq_ignore_ascii_case($key) {
                        decoder.named($key, &mut self.$field, value);
                        return true;
                    }
                )*)?
                $($(
                    if decoder.embedded($embedded_name, &mut self.$embedded, (key, value, exact)) {
                        return true;
                    }
                )*)?
                false
            }
        }

        impl $crate::decode::Decode for $type {
            fn go_type() -> String {
                $go_type.to_owned()
            }

            fn decode(
                &mut self,
                decoder: &mut $crate::decode::Decoder,
                value: &serde_json::Value,
            ) {
                decoder.structure(self, value, $go_type);
            }
        }
    };
}
pub(crate) use readable;

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, PartialEq)]
    struct Inner {
        names: Vec<String>,
    }
    readable!(Inner, "Inner", "t.Inner", fields { names: "names" });

    #[derive(Debug, Default, PartialEq)]
    struct Outer {
        inner: Inner,
        list: Vec<Inner>,
        count: i64,
    }
    readable!(
        Outer,
        "Outer",
        "t.Outer",
        embeds { inner: "Inner" },
        fields {
            list: "list",
            count: "count"
        }
    );

    fn problem(json: &str, mode: Mode) -> String {
        let value = serde_json::from_str(json).expect("is JSON");
        from_value::<Outer>(&value, mode)
            .expect_err(json)
            .to_string()
    }

    #[test]
    fn names_the_path_of_the_first_problem() {
        for (json, expected) in [
            (
                r#"{"list":[{"names":"x"}],"zzz":1}"#,
                "json: cannot unmarshal string into Go struct field Inner.list.names of type []string",
            ),
            (
                r#"{"names":[1]}"#,
                "json: cannot unmarshal number into Go struct field Outer.Inner.names of type string",
            ),
            (r#"{"zzz":1}"#, "json: unknown field \"zzz\""),
            (
                "[]",
                "json: cannot unmarshal array into Go value of type t.Outer",
            ),
            (
                r#"{"count":1.5}"#,
                "json: cannot unmarshal number 1.5 into Go struct field Outer.count of type int64",
            ),
            (
                r#"{"count":1e20}"#,
                "json: cannot unmarshal number 100000000000000000000 into Go struct field Outer.count of type int64",
            ),
        ] {
            assert_eq!(problem(json, Mode::Strict), expected);
        }
    }

    #[test]
    fn lenient_reading_takes_scalars_for_strings_and_drops_the_unknown() {
        let value =
            serde_json::from_str(r#"{"NAMES":[1,true,"x",null],"zzz":1}"#).expect("is JSON");
        let outer: Outer = from_value(&value, Mode::Lenient).expect("reads");
        assert_eq!(outer.inner.names, ["1", "true", "x", ""]);
    }
}
