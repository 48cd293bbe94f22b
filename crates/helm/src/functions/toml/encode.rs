//! TOML as BurntSushi's encoder writes it.
//!
//! Source: BurntSushi/toml v1.6.0 `encode.go`

use go_template::format::{FloatStyle as Style, append_float};
use go_template::{Budget, Failure, List, Object, Str, Type, Value};

use super::{DEPTH, deeper, key, too_deep};
use crate::functions::{dates, given};

/// Why a value cannot be written.
pub(super) enum Error {
    /// An error that `toToml` returns as text.
    Value(Failure),
    /// A panic, which ends the rendering.
    Panic(Failure),
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Self::Value(failure)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Value(failure) | Error::Panic(failure) => failure,
        }
    }
}

type Outcome<T = ()> = Result<T, Error>;

fn failed<T>(text: impl Into<String>) -> Outcome<T> {
    Err(Error::Value(Failure::new(text)))
}

/// What a value is in TOML.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Nothing,
    Plain,
    Table,
    Tables,
}

/// The value as TOML.
pub(super) fn encode(value: &Value, budget: &Budget<'_>) -> Outcome<Vec<u8>> {
    if matches!(value, Value::Nil) {
        let text = "reflect: call of reflect.Value.Type on zero Value";
        return Err(Error::Panic(Failure::new(text)));
    }
    let mut writer = Writer {
        out: Vec::new(),
        budget,
        depth: 0,
    };
    writer.entry(&[], value)?;
    budget.bytes(writer.out.len())?;
    Ok(writer.out)
}

struct Writer<'a> {
    out: Vec<u8>,
    budget: &'a Budget<'a>,
    depth: usize,
}

/// The text of what is written as a string: versions.
fn marshaled(object: &dyn Object) -> Option<Result<Str, Failure>> {
    object.marshal()
}

impl Writer<'_> {
    fn nested<T>(&mut self, work: impl FnOnce(&mut Self) -> Outcome<T>) -> Outcome<T> {
        self.depth += 1;
        self.budget.steps(1)?;
        if self.out.len() > self.budget.bytes_left() {
            self.budget.bytes(self.out.len())?;
        }
        if self.depth > DEPTH {
            return Err(too_deep().into());
        }
        let outcome = deeper(|| work(self));
        self.depth -= 1;
        outcome
    }

    /// What the value is; lists are looked through for nothing.
    fn kind(&mut self, value: &Value) -> Outcome<Kind> {
        Ok(match value {
            _ if value.is_nil() => Kind::Nothing,
            Value::Complex(..) => return failed("unsupported type: complex128"),
            Value::Func(_) => return failed("unsupported type: func"),
            Value::Map(_) => Kind::Table,
            Value::Object(object) if marshaled(&**object).is_some() => Kind::Plain,
            Value::Object(object) if matches!(object.ty().under(), Type::Int(_)) => Kind::Plain,
            Value::Object(_) => Kind::Table,
            Value::List(list) => return self.nested(|it| it.kind_of_list(list)),
            _ => Kind::Plain,
        })
    }

    fn kind_of_list(&mut self, list: &List) -> Outcome<Kind> {
        let mut tables = !list.is_empty();
        for item in list.iter() {
            self.budget.steps(1)?;
            match self.kind(&item)? {
                Kind::Nothing => return failed("toml: cannot encode array with nil element"),
                kind => tables = tables && kind == Kind::Table,
            }
        }
        Ok(if tables { Kind::Tables } else { Kind::Plain })
    }

    /// A value under a key, which is empty for the whole.
    fn entry(&mut self, path: &[Str], value: &Value) -> Outcome {
        self.nested(|it| it.entry_within(path, value))
    }

    fn entry_within(&mut self, path: &[Str], value: &Value) -> Outcome {
        match value {
            Value::Nil => Ok(()),
            Value::Complex(..) | Value::Func(_) => {
                let name = key::joined(path);
                let (name, kind) = (go_template::unicode::lossy(&name), given::kind(value));
                failed(format!("unsupported type for key '{name}': {kind}"))
            }
            Value::List(list) => match self.kind(value)? {
                Kind::Tables => self.tables(path, list),
                _ => self.key_value(path, value, false),
            },
            Value::Map(map) if map.is_nil() => Ok(()),
            Value::Map(_) => self.table(path, value),
            Value::Object(object) if object.is_nil() => Ok(()),
            Value::Object(_) if self.kind(value)? == Kind::Table => self.table(path, value),
            _ => self.key_value(path, value, false),
        }
    }

    fn line(&mut self) {
        if !self.out.is_empty() {
            self.out.push(b'\n');
        }
    }

    fn indent(&mut self, path: &[Str]) {
        let width = 2 * path.len().saturating_sub(1);
        self.out.resize(self.out.len() + width, b' ');
    }

    fn table(&mut self, path: &[Str], value: &Value) -> Outcome {
        if path.len() == 1 {
            self.line();
        }
        if !path.is_empty() {
            self.header(path, "[", "]");
        }
        self.entries(path, value, false)
    }

    fn header(&mut self, path: &[Str], open: &str, close: &str) {
        self.indent(path);
        self.out.extend_from_slice(open.as_bytes());
        self.out.extend(key::joined(path));
        self.out.extend_from_slice(close.as_bytes());
        self.line();
    }

    fn tables(&mut self, path: &[Str], list: &List) -> Outcome {
        if path.is_empty() {
            return failed("toml: top-level values must be Go maps or structs");
        }
        for item in list.iter() {
            if item.is_nil() {
                continue;
            }
            self.line();
            self.header(path, "[[", "]]");
            self.entries(path, &item, false)?;
        }
        Ok(())
    }

    /// The entries of a table: those that are tables come last.
    fn entries(&mut self, path: &[Str], value: &Value, inline: bool) -> Outcome {
        let (pairs, is_map) = match value {
            Value::Map(map) => (map.entries(), true),
            Value::Object(object) => {
                let fields = object.exported().into_iter();
                let pairs = fields.map(|(name, it)| (Str::from(name), it)).collect();
                (pairs, false)
            }
            _ => (Vec::new(), true),
        };
        let mut direct = Vec::new();
        let mut tables = Vec::new();
        for (index, (key, value)) in pairs.into_iter().enumerate() {
            self.budget.steps(1)?;
            let kind = self.kind(&value)?;
            let list = match kind {
                Kind::Table | Kind::Tables => &mut tables,
                _ => &mut direct,
            };
            list.push((index, key, value));
        }
        let total = direct.len() + tables.len();
        let more = !tables.is_empty();
        if inline {
            self.out.push(b'{');
        }
        for (list, more) in [(direct, more), (tables, false)] {
            let count = list.len();
            for (at, (field, key, value)) in list.into_iter().enumerate() {
                if value.is_nil() {
                    continue;
                }
                if !inline {
                    let path = [path, &[key]].concat();
                    self.entry(&path, &value)?;
                    continue;
                }
                self.key_value(&[key], &value, true)?;
                // Commas as upstream writes them, even where nothing follows.
                let comma = if is_map {
                    more || at + 1 < count
                } else {
                    field + 1 < total
                };
                if comma {
                    self.out.extend_from_slice(b", ");
                }
            }
        }
        if inline {
            self.out.push(b'}');
        }
        Ok(())
    }

    fn key_value(&mut self, path: &[Str], value: &Value, inline: bool) -> Outcome {
        let Some(name) = path.last() else {
            return self.element(value);
        };
        self.indent(path);
        key::part(name, &mut self.out);
        self.out.extend_from_slice(b" = ");
        self.element(value)?;
        if !inline {
            self.line();
        }
        Ok(())
    }

    fn element(&mut self, value: &Value) -> Outcome {
        self.nested(|it| it.element_within(value))
    }

    fn element_within(&mut self, value: &Value) -> Outcome {
        match value {
            Value::Str(text) => key::quote(text, &mut self.out),
            Value::Bool(it) => self.out.extend_from_slice(it.to_string().as_bytes()),
            Value::Int(_, it) => self.out.extend_from_slice(it.to_string().as_bytes()),
            Value::Uint(_, it) => self.out.extend_from_slice(it.to_string().as_bytes()),
            Value::Float(it) => self.float(*it),
            Value::List(list) => {
                self.out.push(b'[');
                for (index, item) in list.iter().enumerate() {
                    if index > 0 {
                        self.out.extend_from_slice(b", ");
                    }
                    self.element(&item)?;
                }
                self.out.push(b']');
            }
            Value::Map(_) => self.entries(&[], value, true)?,
            Value::Object(object) => {
                if let Some(moment) = dates::toml(value) {
                    self.out.extend(moment);
                } else if let Some(text) = marshaled(&**object) {
                    key::quote(&text?, &mut self.out);
                } else if matches!(object.ty().under(), Type::Int(_)) {
                    let text = object.text().unwrap_or_default();
                    key::quote(&text, &mut self.out);
                } else {
                    self.entries(&[], value, true)?;
                }
            }
            Value::Nil | Value::Complex(..) | Value::Func(_) => {
                let ty = value.type_name();
                return failed(format!("unexpected type: {ty}"));
            }
        }
        Ok(())
    }

    fn float(&mut self, value: f64) {
        if value.is_nan() {
            let text: &[u8] = if value.is_sign_negative() {
                b"-nan"
            } else {
                b"nan"
            };
            return self.out.extend_from_slice(text);
        }
        if value.is_infinite() {
            let text: &[u8] = if value < 0.0 { b"-inf" } else { b"inf" };
            return self.out.extend_from_slice(text);
        }
        let start = self.out.len();
        append_float(value, Style::General, None, false, &mut self.out);
        let whole = !self.out[start..].iter().any(|it| matches!(it, b'.' | b'e'));
        if whole {
            self.out.extend_from_slice(b".0");
        }
    }
}
