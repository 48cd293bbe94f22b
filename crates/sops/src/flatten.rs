//! Metadata in forms without nesting: `a__list_0__map_b` for `a[0].b`.
//!
//! Source: sops v3.13 `stores/flatten.go`.

use std::collections::BTreeMap;

use crate::tree::{Branch, Item, Key, Value};

const MAP: &str = "__map_";
const LIST: &str = "__list_";

/// No metadata nests deeper.
const DEPTH: usize = 32;

enum Token<'a> {
    Map(&'a str),
    List(usize),
}

#[derive(Default)]
struct Node {
    value: Option<Value>,
    keys: BTreeMap<String, Self>,
    indexes: BTreeMap<usize, Self>,
}

/// Nests flat items again; keys come out sorted.
///
/// # Errors
/// Keys that contradict each other.
pub(crate) fn unflatten(branch: Branch) -> Result<Branch, String> {
    let mut root = Node::default();
    for item in branch {
        let Key::Text(name) = &item.key else { continue };
        place(&mut root, &tokens(name)?, item.value)
            .map_err(|why| format!("Error while unflattening {name:?}: {why}"))?;
    }
    match convert(root).map_err(|why| format!("Error while unflattening: {why}"))? {
        Value::Branch(branch) => Ok(branch),
        _ => Err("Internal error: cannot find root".to_owned()),
    }
}

fn tokens(path: &str) -> Result<Vec<Token<'_>>, String> {
    let mut tokens = Vec::new();
    let mut rest = path;
    let mut list = false;
    loop {
        let map_at = rest.find(MAP);
        let list_at = rest.find(LIST);
        let next = match (map_at, list_at) {
            (Some(map), Some(list)) if list < map => Some((list, true)),
            (Some(map), _) => Some((map, false)),
            (None, Some(list)) => Some((list, true)),
            (None, None) => None,
        };
        let end = next.map_or(rest.len(), |(at, _)| at);
        let part = &rest[..end];
        tokens.push(if list {
            Token::List(part.parse().unwrap_or(0))
        } else {
            Token::Map(part)
        });
        if tokens.len() > DEPTH {
            return Err("metadata nests too deep".to_owned());
        }
        let Some((at, next_is_list)) = next else {
            return Ok(tokens);
        };
        list = next_is_list;
        rest = &rest[at + if list { LIST.len() } else { MAP.len() }..];
    }
}

fn place(root: &mut Node, path: &[Token<'_>], value: Value) -> Result<(), &'static str> {
    let target = path.iter().fold(root, |node, token| match token {
        Token::Map(key) => node.keys.entry((*key).to_owned()).or_default(),
        Token::List(at) => node.indexes.entry(*at).or_default(),
    });
    match target.value.replace(value) {
        None => Ok(()),
        Some(_) => Err("Duplicate value"),
    }
}

/// The depth is that of the tokens.
fn convert(node: Node) -> Result<Value, &'static str> {
    let Node {
        value,
        keys,
        indexes,
    } = node;
    match (value, keys.is_empty(), indexes.is_empty()) {
        (Some(value), true, true) => Ok(value),
        (None, _, true) => {
            let item = |(key, node)| Ok(Item::new(key, convert(node)?));
            keys.into_iter()
                .map(item)
                .collect::<Result<_, _>>()
                .map(Value::Branch)
        }
        (None, true, false) => {
            if !indexes.keys().copied().eq(0..indexes.len()) {
                return Err("Incomplete list");
            }
            indexes
                .into_values()
                .map(convert)
                .collect::<Result<_, _>>()
                .map(Value::List)
        }
        _ => Err("Type mismatch"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flat(pairs: &[(&str, &str)]) -> Branch {
        pairs
            .iter()
            .map(|(key, value)| Item::new(*key, Value::text(*value)))
            .collect()
    }

    #[test]
    fn nests_maps_and_lists() {
        let nested = unflatten(flat(&[
            ("mac", "m"),
            ("age__list_1__map_enc", "e1"),
            ("age__list_0__map_enc", "e0"),
        ]));
        let key = |enc: &str| Value::Branch(vec![Item::new("enc", Value::text(enc))]);
        let expected = vec![
            Item::new("age", Value::List(vec![key("e0"), key("e1")])),
            Item::new("mac", Value::text("m")),
        ];
        assert_eq!(nested, Ok(expected));
    }

    #[test]
    fn contradictions_are_errors() {
        for (pairs, why) in [
            (&[("a__list_1", "")][..], "Incomplete list"),
            (&[("a", ""), ("a__map_b", "")][..], "Type mismatch"),
            (&[("a", ""), ("a", "")][..], "Duplicate value"),
        ] {
            let error = unflatten(flat(pairs)).expect_err(why);
            assert!(error.ends_with(why), "{error}");
        }
        let deep = "a__map_".repeat(100);
        assert!(unflatten(flat(&[(deep.as_str(), "")])).is_err());
    }
}
