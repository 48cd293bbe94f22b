//! Values by YAML 1.1, as go-yaml's version 2 decodes them on the way to JSON: what kustomize does with
//! its own files and with JSON patches in YAML.
//!
//! Source: sigs.k8s.io/yaml v1.5 `yaml.go` `YAMLToJSON`; go.yaml.in/yaml v2.4 `decode.go`.

use serde_json::{Map, Value as Json};

use super::{decode_binary, go_float};
use crate::node::{Content, Node, Style, Tag};
use crate::resolve::{self, Rules, Value};
use crate::{Error, Limits};

impl Node {
    /// The node as a JSON value by YAML 1.1: `yes` and `on` are booleans, keys of other types become
    /// text, of duplicate keys the last wins, timestamps stay as they are written.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a tag that contradicts its text or a key that has no text,
    /// [`Error::Json`] for infinities.
    pub fn to_json_1_1(&self) -> Result<Json, Error> {
        if self.has_aliases() {
            let mut plain = self.clone();
            plain.replace_aliases(&Limits::default())?;
            return json_of(&plain, 0);
        }
        json_of(self, 0)
    }
}

fn json_of(node: &Node, depth: usize) -> Result<Json, Error> {
    if depth > Limits::DEPTH {
        return Err(Error::too_deep());
    }
    match &node.content {
        Content::Sequence(items) => {
            let items = items.iter().map(|item| json_of(item, depth + 1));
            items.collect::<Result<_, _>>().map(Json::Array)
        }
        Content::Mapping(_) => {
            let mut map = Map::new();
            fill(&mut map, node, depth)?;
            Ok(Json::Object(map))
        }
        _ => Ok(match scalar(node)? {
            (_, Value::Null) => Json::Null,
            (_, Value::Bool(value)) => Json::Bool(value),
            (_, Value::Int(value)) => Json::from(value),
            (_, Value::Uint(value)) => Json::from(value),
            (_, Value::Float(value)) => go_float(value)?,
            (Tag::Binary, _) => Json::String(decode_binary(node.text())?),
            _ => Json::String(node.text().to_owned()),
        }),
    }
}

fn fill(map: &mut Map<String, Json>, node: &Node, depth: usize) -> Result<(), Error> {
    for entry in node.entries() {
        if entry.key.tag == Tag::Merge {
            merge(map, &entry.value, depth)?;
        } else {
            map.insert(key_of(&entry.key)?, json_of(&entry.value, depth + 1)?);
        }
    }
    Ok(())
}

fn merge(map: &mut Map<String, Json>, value: &Node, depth: usize) -> Result<(), Error> {
    if depth > Limits::DEPTH {
        return Err(Error::too_deep());
    }
    match &value.content {
        Content::Mapping(_) => fill(map, value, depth + 1),
        Content::Sequence(items) if items.iter().all(Node::is_mapping) => {
            // Earlier items win, so they come last.
            items
                .iter()
                .rev()
                .try_for_each(|item| fill(map, item, depth + 1))
        }
        _ => Err(Error::Invalid(
            "map merge requires map or sequence of maps as the value".into(),
        )),
    }
}

fn scalar(node: &Node) -> Result<(Tag, Value), Error> {
    let text = node.text();
    let tagged = node.style.has(Style::TAGGED);
    match node.tag {
        Tag::Str | Tag::Binary | Tag::Merge | Tag::Seq | Tag::Map | Tag::Other if tagged => {
            Ok((node.tag, Value::Text))
        }
        tag if tagged => {
            let found = match tag {
                Tag::Bool => {
                    Some(resolve::plain(text, Rules::V2)).filter(|(tag, _)| *tag == Tag::Bool)
                }
                tag => resolve::tagged(tag, text),
            };
            found.ok_or_else(|| {
                let found = resolve::plain(text, Rules::V2).0.as_str();
                Error::Invalid(format!(
                    "cannot decode {found} `{text}` as a {}",
                    tag.as_str()
                ))
            })
        }
        _ if node.style.is_quoted() => Ok((Tag::Str, Value::Text)),
        _ => Ok(resolve::plain(text, Rules::V2)),
    }
}

fn key_of(key: &Node) -> Result<String, Error> {
    if !key.is_scalar() {
        let kind = if key.is_mapping() { "map" } else { "slice" };
        return Err(Error::Invalid(format!("invalid map key of kind {kind}")));
    }
    Ok(match scalar(key)? {
        (_, Value::Null) => {
            return Err(Error::Invalid(
                "unsupported map key of type: %!s(<nil>)".into(),
            ));
        }
        (_, Value::Bool(value)) => value.to_string(),
        (_, Value::Int(value)) => value.to_string(),
        (_, Value::Uint(_)) => {
            return Err(Error::Invalid(format!(
                "unsupported map key of type: uint64, key: {}",
                key.text()
            )));
        }
        (_, Value::Float(value)) => match value {
            f64::INFINITY => ".inf".into(),
            f64::NEG_INFINITY => "-.inf".into(),
            value if value.is_nan() => ".nan".into(),
            #[expect(
                clippy::cast_possible_truncation,
                reason = "keys print as 32 bit floats"
            )]
            value => resolve::format_g_32(value as f32),
        },
        (Tag::Binary, _) => decode_binary(key.text())?,
        _ => key.text().to_owned(),
    })
}
