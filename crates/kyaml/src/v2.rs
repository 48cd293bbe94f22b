//! YAML as go-yaml's version 2 and sigs.k8s.io/yaml read it on the way to JSON: what Helm does with values,
//! manifests and `fromYaml`.
//!
//! One document is read into a flat tree, then decoded into whatever the caller [`Build`]s. Aliases and merge
//! keys are expanded while decoding, within bounds; keys become text; of duplicate keys the last one wins.
//!
//! Source: go.yaml.in/yaml v2.4 `decode.go`; sigs.k8s.io/yaml v1.6 `yaml.go` `YAMLToJSON`.

mod decode;
mod syntax;
mod tree;

use crate::{Error, Limits, Text};

/// Makes values of one kind.
pub trait Build {
    /// The values.
    type Value;

    /// Nothing.
    fn null(&mut self) -> Self::Value;
    /// A boolean.
    fn bool(&mut self, value: bool) -> Self::Value;
    /// An integer.
    fn int(&mut self, value: i64) -> Self::Value;
    /// An integer beyond `i64`.
    fn uint(&mut self, value: u64) -> Self::Value;
    /// A finite float.
    fn float(&mut self, value: f64) -> Self::Value;
    /// A text.
    fn text(&mut self, value: &str) -> Self::Value;
    /// A list.
    fn list(&mut self, items: Vec<Self::Value>) -> Self::Value;
    /// A map. Keys may come more than once: the last one wins.
    fn map(&mut self, entries: Vec<(Text, Self::Value)>) -> Self::Value;
}

/// Reads the first document of a text; an empty text is null.
///
/// # Errors
/// [`Error::Syntax`] and [`Error::Invalid`] with Go's texts, [`Error::Key`] for keys that have no text,
/// [`Error::Json`] for infinities, [`Error::Limit`] beyond the limits.
pub fn read<B: Build>(text: &[u8], limits: &Limits, builder: &mut B) -> Result<B::Value, Error> {
    if text.len() > limits.bytes {
        return Err(Error::Limit("input is too large".into()));
    }
    let text = crate::decode_text(text)?;
    match tree::Tree::read(&text, limits)? {
        Some(tree) => decode::Decoder::new(&tree, limits, builder).document(),
        None => Ok(builder.null()),
    }
}

/// Builds JSON as Go prints it: a float without a fraction is an integer.
#[derive(Clone, Copy, Debug, Default)]
pub struct BuildJson;

impl Build for BuildJson {
    type Value = serde_json::Value;

    fn null(&mut self) -> Self::Value {
        Self::Value::Null
    }

    fn bool(&mut self, value: bool) -> Self::Value {
        value.into()
    }

    fn int(&mut self, value: i64) -> Self::Value {
        value.into()
    }

    fn uint(&mut self, value: u64) -> Self::Value {
        value.into()
    }

    fn float(&mut self, value: f64) -> Self::Value {
        crate::value::go_float(value).unwrap_or_default()
    }

    fn text(&mut self, value: &str) -> Self::Value {
        value.into()
    }

    fn list(&mut self, items: Vec<Self::Value>) -> Self::Value {
        Self::Value::Array(items)
    }

    fn map(&mut self, entries: Vec<(Text, Self::Value)>) -> Self::Value {
        Self::Value::Object(
            entries
                .into_iter()
                .map(|(key, value)| (key.into(), value))
                .collect(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Result<String, String> {
        let value = read(text.as_bytes(), &Limits::default(), &mut BuildJson);
        value
            .map(|value| value.to_string())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn reads_by_yaml_1_1() {
        for (text, expected) in [
            ("", "null"),
            (
                "a: yes\nb: 010\n'c': off\n",
                r#"{"a":true,"b":8,"c":false}"#,
            ),
            (
                "1: x\n1.5: y\ntrue: z\n",
                r#"{"1":"x","1.5":true,"true":"z"}"#,
            ),
            ("a: 1\na: 2\n", r#"{"a":2}"#),
            ("[3.0, 1e3, 1e30, 0.5]\n", "[3,1000,1e+30,0.5]"),
            ("a: 2001-12-14\n", r#"{"a":"2001-12-14"}"#),
            ("a: ! 12\n", r#"{"a":"12"}"#),
            ("a: !!str 12\nb: !!binary aGk=\n", r#"{"a":"12","b":"hi"}"#),
            ("a: 1\n---\n[", r#"{"a":1}"#),
        ] {
            assert_eq!(json(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn expands_aliases_and_merge_keys() {
        let text = "x: &x {b: 1, c: 2}\nw: *x\nz:\n  <<: *x\n  b: 3\n";
        let expected = r#"{"w":{"b":1,"c":2},"x":{"b":1,"c":2},"z":{"b":3,"c":2}}"#;
        assert_eq!(json(text).as_deref(), Ok(expected));
    }

    #[test]
    fn fails_in_gos_words() {
        for (text, expected) in [
            ("a: [\n", "yaml: line 1: did not find expected node content"),
            ("a: &a [*a]", "yaml: anchor 'a' value contains itself"),
            ("a: *b", "yaml: unknown anchor 'b' referenced"),
            ("a: .inf", "json: unsupported value: +Inf"),
            (
                "~: v",
                "unsupported map key of type: %!s(<nil>), key: <nil>, value: \"v\"",
            ),
            (
                "[a, 1]: v",
                "yaml: invalid map key: []interface {}{\"a\", 1}",
            ),
            ("a: !!int x", "yaml: cannot decode !!str `x` as a !!int"),
            (
                "<<: 1",
                "yaml: map merge requires map or sequence of maps as the value",
            ),
        ] {
            assert_eq!(json(text).unwrap_err(), expected, "{text}");
        }
    }

    #[test]
    fn a_bomb_of_aliases_is_refused() {
        let mut text = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
        for level in 1..12 {
            let below = format!("*a{},", level - 1).repeat(10);
            text += &format!("a{level}: &a{level} [{below}]\n");
        }
        let error = json(&text).unwrap_err();
        assert_eq!(error, "yaml: document contains excessive aliasing");
    }

    #[test]
    fn a_key_without_text_over_a_circle_ends() {
        let error = json("~: &x\n  a: *x\n  b: *x\n  a: *x\n").unwrap_err();
        assert_eq!(error, "yaml: anchor 'x' value contains itself");
    }

    #[test]
    fn nesting_is_bounded() {
        assert!(
            json(&"[".repeat(100_000))
                .unwrap_err()
                .contains("max depth")
        );
        let mut text = String::from("a0: &a0 x\n");
        for level in 1..2000 {
            text += &format!("a{level}: &a{level} [*a{}]\n", level - 1);
        }
        assert!(json(&text).is_err());
    }
}
