//! Reading and writing the five forms.

pub(crate) mod dotenv;
pub(crate) mod ini;
pub(crate) mod json;
mod json_text;
pub(crate) mod yaml;

use crate::Format;
use crate::metadata::Shape;
use crate::tree::{Branch, Value};

/// Deepest nesting of values.
pub(crate) const DEPTH: usize = 200;

/// Most values of one file, those copied by aliases included.
pub(crate) const VALUES: usize = 1_000_000;

impl Format {
    pub(crate) const fn shape(self) -> Shape {
        match self {
            Self::Yaml | Self::Json | Self::Binary => Shape::Nested,
            Self::Ini => Shape::Section,
            Self::Dotenv => Shape::Flat,
        }
    }

    /// Reads an encrypted file: one branch, or one per YAML document.
    ///
    /// # Errors
    /// What is wrong with the text, without its values.
    pub(crate) fn read(self, bytes: &[u8]) -> Result<Vec<Branch>, String> {
        match self {
            Self::Yaml => yaml::read(bytes),
            Self::Json | Self::Binary => Ok(vec![json::read(bytes)?]),
            Self::Dotenv => Ok(vec![dotenv::read(bytes)?]),
            Self::Ini => Ok(vec![ini::read(bytes)?]),
        }
    }

    /// Writes values.
    ///
    /// # Errors
    /// What the form cannot express.
    pub(crate) fn write(self, branches: &[Branch]) -> Result<Vec<u8>, String> {
        let first = || {
            branches
                .first()
                .ok_or("runtime error: index out of range [0] with length 0")
        };
        match self {
            Self::Yaml => yaml::write(branches),
            Self::Json => json::write(first()?),
            Self::Binary => binary(branches),
            Self::Dotenv => dotenv::write(first()?),
            Self::Ini => ini::write(branches),
        }
    }
}

/// Source: sops v3.13 `stores/json/store.go` `BinaryStore.EmitPlainFile`.
fn binary(branches: &[Branch]) -> Result<Vec<u8>, String> {
    let failed = |why: &str| format!("error emitting binary store: {why}");
    let [branch] = branches else {
        return Err(failed("there must be exactly one tree branch"));
    };
    match branch
        .iter()
        .find(|item| item.is("data"))
        .map(|item| &item.value)
    {
        Some(Value::Text(bytes)) => Ok(bytes.clone()),
        Some(_) => Err(failed("'data' key in tree does not have a string value")),
        None => Err(failed("no binary data found in tree")),
    }
}

/// Turns `\n` into line breaks.
pub(crate) fn unescape_breaks(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        rest = match (first, after.split_first()) {
            (b'\\', Some((b'n', after))) => {
                out.push(b'\n');
                after
            }
            _ => {
                out.push(*first);
                after
            }
        };
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaped_breaks_become_breaks() {
        assert_eq!(unescape_breaks(b"a\\nb\\\\nc\\"), b"a\nb\\\nc\\");
    }
}
