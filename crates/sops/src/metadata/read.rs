//! Fields of the metadata, read as loosely as upstream does: numbers as text, text as numbers, one value as
//! a list.
//!
//! Source: sops v3.13 `stores/metadata.go` `treeBranchToMetadata`; mapstructure v2 with weak types.

use std::collections::BTreeMap;

use crate::tree::{Branch, Key, Value, plain_float};

/// A mapping's fields by name; the last of a name counts.
pub(super) struct Fields(BTreeMap<String, Value>);

impl Fields {
    pub(super) fn of(branch: Branch) -> Result<Self, String> {
        let mut fields = BTreeMap::new();
        for item in branch {
            match item.key {
                Key::Text(name) => drop(fields.insert(name, item.value)),
                Key::Comment(_) => {}
                Key::Other(kind, _) => return Err(format!("Unexpected key type {kind}")),
            }
        }
        Ok(Self(fields))
    }

    pub(super) fn text(&self, name: &str) -> Result<String, String> {
        self.0
            .get(name)
            .map_or_else(|| Ok(String::new()), |value| text(name, value))
    }

    pub(super) fn number(&self, name: &str) -> Result<usize, String> {
        let wrong = || format!("'{name}' expected type 'int'");
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(0),
            Some(Value::Int(value)) => Ok(usize::try_from(*value).unwrap_or(0)),
            Some(Value::Bool(value)) => Ok(usize::from(*value)),
            Some(Value::Text(text)) if text.is_empty() => Ok(0),
            Some(Value::Text(text)) => {
                let text = std::str::from_utf8(text).map_err(|_| wrong())?;
                text.parse().map_err(|_| wrong())
            }
            Some(_) => Err(wrong()),
        }
    }

    pub(super) fn flag(&self, name: &str) -> Result<bool, String> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(false),
            Some(Value::Bool(value)) => Ok(*value),
            Some(Value::Int(value)) => Ok(*value != 0),
            Some(Value::Text(text)) => match text.as_slice() {
                b"1" | b"t" | b"T" | b"true" | b"TRUE" | b"True" => Ok(true),
                b"" | b"0" | b"f" | b"F" | b"false" | b"FALSE" | b"False" => Ok(false),
                _ => Err(format!("cannot parse '{name}' as bool")),
            },
            Some(_) => Err(format!("'{name}' expected type 'bool'")),
        }
    }

    /// A list of mappings; a single mapping counts as a list of it, an empty one as an empty list.
    pub(super) fn list(&self, name: &str) -> Result<Vec<Self>, String> {
        let wrong = || format!("'{name}' expected a list of mappings");
        let mapping = |value: &Value| match value {
            Value::Branch(branch) => Some(Self::of(branch.clone())),
            Value::Null => Some(Ok(Self(BTreeMap::new()))),
            Value::Comment(_) => None,
            _ => Some(Err(wrong())),
        };
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::List(items)) => items.iter().filter_map(mapping).collect(),
            Some(Value::Branch(branch)) if branch.is_empty() => Ok(Vec::new()),
            Some(Value::Branch(branch)) => Ok(vec![Self::of(branch.clone())?]),
            Some(Value::Text(text)) if text.is_empty() => Ok(Vec::new()),
            Some(_) => Err(wrong()),
        }
    }

    /// A mapping of texts; nulls are left out.
    pub(super) fn texts(&self, name: &str) -> Result<BTreeMap<String, String>, String> {
        let branch = match self.0.get(name) {
            None | Some(Value::Null) => return Ok(BTreeMap::new()),
            Some(Value::Branch(branch)) => branch.clone(),
            Some(_) => return Err(format!("'{name}' expected a map")),
        };
        let fields = Self::of(branch)?.0;
        let filled = fields.iter().filter(|(_, value)| **value != Value::Null);
        filled
            .map(|(key, value)| Ok((key.clone(), text(key, value)?)))
            .collect()
    }
}

fn text(name: &str, value: &Value) -> Result<String, String> {
    match value {
        Value::Null => Ok(String::new()),
        Value::Text(text) => Ok(String::from_utf8_lossy(text).into_owned()),
        Value::Int(value) => Ok(value.to_string()),
        Value::Float(value) => Ok(plain_float(*value)),
        Value::Bool(value) => Ok(u8::from(*value).to_string()),
        other => Err(format!(
            "'{name}' expected type 'string', got unconvertible type '{}'",
            other.type_name()
        )),
    }
}
