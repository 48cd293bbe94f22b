//! JSON patches (RFC 6902) with the habits of the library that kustomize uses.
//!
//! `replace` of a missing field adds it, `-1` counts from the end, the part of a path before its first
//! slash is ignored, and after a patch all numbers have gone through 64 bit floats.
//!
//! Source: evanphx/json-patch v4.13 `patch.go`; kustomize api v0.21 `filters/patchjson6902`.

use serde_json::{Map, Value as Json};

use crate::node::{Content, Node};
use crate::resolve::{self, Rules};
use crate::v2::BuildJson;
use crate::value::from_json_text;
use crate::{Error, Limits};

/// A parsed patch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Patch(Vec<Map<String, Json>>);

fn failed(text: impl Into<String>) -> Error {
    Error::Path(text.into())
}

impl Patch {
    /// Reads a patch: JSON if the text begins with `[`, else YAML.
    ///
    /// # Errors
    /// [`Error::Json`] if it is no list of objects, [`Error::Syntax`] if it is not YAML.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let value = if text.starts_with('[') {
            from_json_text(text).map_err(|err| Error::Json(err.to_string()))?
        } else {
            crate::v2::read(text.as_bytes(), &Limits::default(), &mut BuildJson)?
        };
        Self::from_value(value)
    }

    /// Takes a patch from its JSON value.
    ///
    /// # Errors
    /// [`Error::Json`] if it is no list of objects.
    pub fn from_value(value: Json) -> Result<Self, Error> {
        let operations = match value {
            Json::Null => Vec::new(),
            Json::Array(items) => items,
            other => return Err(unfit(&other, "jsonpatch.Patch")),
        };
        let operations = operations.into_iter().map(|operation| match operation {
            Json::Object(map) => Ok(map),
            Json::Null => Ok(Map::new()),
            other => Err(unfit(&other, "jsonpatch.Operation")),
        });
        operations.collect::<Result<_, _>>().map(Self)
    }

    /// The operations, as they are.
    #[must_use]
    pub fn operations(&self) -> &[Map<String, Json>] {
        &self.0
    }

    /// Applies the patch to a value; on error the value is in an unspecified state.
    ///
    /// # Errors
    /// [`Error::Path`] with the library's text if an operation does not apply.
    pub fn apply(&self, document: &mut Json) -> Result<(), Error> {
        self.0
            .iter()
            .try_for_each(|operation| Operation(operation).apply(document))
    }

    /// Applies the patch to an object. The result has no comments and styles of its own.
    ///
    /// # Errors
    /// As [`Patch::apply`] and [`Node::to_json`].
    pub fn apply_to(&self, node: &mut Node) -> Result<(), Error> {
        let mut value = node.to_json()?;
        self.apply(&mut value)?;
        if !value.is_object() {
            return Err(unfit(&value, "map[string]interface {}"));
        }
        *node = float_node(&value, 0)?;
        Ok(())
    }
}

fn unfit(value: &Json, target: &str) -> Error {
    let kind = match value {
        Json::Null => "null",
        Json::Bool(_) => "bool",
        Json::Number(_) => "number",
        Json::String(_) => "string",
        Json::Array(_) => "array",
        Json::Object(_) => "object",
    };
    Error::Json(format!(
        "cannot unmarshal {kind} into Go value of type {target}"
    ))
}

/// A node of a value whose numbers are 64 bit floats, printed as Go prints those.
fn float_node(value: &Json, depth: usize) -> Result<Node, Error> {
    if depth > Limits::DEPTH {
        return Err(Error::too_deep());
    }
    Ok(match value {
        Json::Number(number) => {
            let text = resolve::format_g(number.as_f64().unwrap_or_default());
            let tag = resolve::plain(&text, Rules::V3).0;
            Node::raw(Content::Scalar(text.into()), tag)
        }
        Json::Array(items) => {
            let items = items.iter().map(|item| float_node(item, depth + 1));
            Node::sequence_of(items.collect::<Result<Vec<_>, _>>()?)
        }
        Json::Object(map) => {
            let mut node = Node::from_json(&Json::Object(
                map.keys().map(|k| (k.clone(), Json::Null)).collect(),
            ));
            for entry in node.entries_mut().into_iter().flatten() {
                if let Some(value) = map.get(entry.key.text()) {
                    entry.value = float_node(value, depth + 1)?;
                }
            }
            node
        }
        other => Node::from_json(other),
    })
}

struct Operation<'a>(&'a Map<String, Json>);

impl<'a> Operation<'a> {
    fn text(&self, key: &str) -> Option<&'a str> {
        self.0.get(key).and_then(Json::as_str)
    }

    fn value(&self) -> Json {
        self.0.get("value").cloned().unwrap_or(Json::Null)
    }

    fn path(&self, name: &str) -> Result<&'a str, Error> {
        match self.0.get("path") {
            Some(Json::String(path)) => Ok(path),
            Some(value) if !value.is_null() => Err(failed(format!(
                "{name} operation failed to decode path: {}",
                unfit(value, "string")
            ))),
            _ => Err(failed(format!(
                "{name} operation failed to decode path: operation missing path field: missing value"
            ))),
        }
    }

    fn from(&self, name: &str) -> Result<&'a str, Error> {
        self.text("from").ok_or_else(|| {
            failed(format!(
                "{name} operation failed to decode from: operation, missing from field: missing value"
            ))
        })
    }

    fn apply(&self, document: &mut Json) -> Result<(), Error> {
        match self.text("op").unwrap_or("unknown") {
            "add" => self.add(document),
            "remove" => self.remove(document),
            "replace" => self.replace(document),
            "move" => self.relocate(document),
            "test" => self.test(document),
            "copy" => self.copy(document),
            other => Err(failed(format!("Unexpected kind: {other}"))),
        }
    }

    fn add(&self, document: &mut Json) -> Result<(), Error> {
        let missing = |_| failed("add operation failed to decode path: missing value");
        let path = self.path("add").map_err(missing)?;
        let (parent, key) = find(document, path).ok_or_else(|| {
            failed(format!(
                "add operation does not apply: doc is missing path: \"{path}\": missing value"
            ))
        })?;
        insert(parent, &key, self.value())
            .map_err(|err| failed(format!("error in add for path: '{path}': {err}")))
    }

    fn remove(&self, document: &mut Json) -> Result<(), Error> {
        let missing = |_| failed("remove operation failed to decode path: missing value");
        let path = self.path("remove").map_err(missing)?;
        let (parent, key) = find(document, path).ok_or_else(|| {
            failed(format!(
                "remove operation does not apply: doc is missing path: \"{path}\": missing value"
            ))
        })?;
        take(parent, &key)
            .map(drop)
            .map_err(|err| failed(format!("error in remove for path: '{path}': {err}")))
    }

    fn replace(&self, document: &mut Json) -> Result<(), Error> {
        let path = self.path("replace")?;
        if path.is_empty() {
            return match self.value() {
                value @ (Json::Object(_) | Json::Array(_)) => {
                    *document = value;
                    Ok(())
                }
                _ => Err(failed(
                    "replace operation value must be object or array: %!w(<nil>)",
                )),
            };
        }
        let (parent, key) = find(document, path).ok_or_else(|| {
            failed(format!(
                "replace operation does not apply: doc is missing path: {path}: missing value"
            ))
        })?;
        match parent {
            Json::Array(items) => match position(&key, items.len()) {
                Ok(at) => items[at] = self.value(),
                Err(_) => {
                    return Err(failed(format!(
                        "replace operation does not apply: doc is missing key: {path}: missing value"
                    )));
                }
            },
            Json::Object(map) => {
                map.insert(key, self.value());
            }
            _ => {}
        }
        Ok(())
    }

    fn relocate(&self, document: &mut Json) -> Result<(), Error> {
        let from = self.from("move")?;
        let (parent, key) = find(document, from).ok_or_else(|| {
            failed(format!(
                "move operation does not apply: doc is missing from path: {from}: missing value"
            ))
        })?;
        let value = take(parent, &key)
            .map_err(|err| failed(format!("error in move for path: '{key}': {err}")))?;
        let path = self.path("move")?;
        let (parent, key) = find(document, path).ok_or_else(|| destination("move", path))?;
        insert(parent, &key, value)
            .map_err(|err| failed(format!("error in move for path: '{path}': {err}")))
    }

    fn copy(&self, document: &mut Json) -> Result<(), Error> {
        let from = self.from("copy")?;
        let (parent, key) = find(document, from).ok_or_else(|| {
            failed(format!(
                "copy operation does not apply: doc is missing from path: {from}: missing value"
            ))
        })?;
        let value = get(parent, &key)
            .map_err(|err| failed(format!("error in copy for from: '{from}': {err}")))?
            .cloned()
            .unwrap_or(Json::Null);
        let path = self.path("copy")?;
        let (parent, key) = find(document, path).ok_or_else(|| destination("copy", path))?;
        insert(parent, &key, value)
            .map_err(|err| failed(format!("error while adding value during copy: {err}")))
    }

    fn test(&self, document: &mut Json) -> Result<(), Error> {
        let path = self.path("test")?;
        let expected = self.value();
        let same = if path.is_empty() {
            *document == expected
        } else {
            let (parent, key) = find(document, path).ok_or_else(|| {
                failed(format!(
                    "test operation does not apply: is missing path: {path}: missing value"
                ))
            })?;
            let found = get(parent, &key)
                .map_err(|err| failed(format!("error in test for path: '{path}': {err}")))?;
            found.unwrap_or(&Json::Null) == &expected
        };
        if same {
            return Ok(());
        }
        Err(failed(format!("testing value {path} failed: test failed")))
    }
}

fn destination(name: &str, path: &str) -> Error {
    failed(format!(
        "{name} operation does not apply: doc is missing destination path: {path}: missing value"
    ))
}

fn unescaped(part: &str) -> String {
    part.replace("~1", "/").replace("~0", "~")
}

/// The collection that holds the last part of a path, and that part.
fn find<'a>(document: &'a mut Json, path: &str) -> Option<(&'a mut Json, String)> {
    let (_, parts) = path.split_once('/')?;
    let (parents, key) = parts.rsplit_once('/').unwrap_or(("", parts));
    let nested = parts.contains('/');
    let parts = parents.split('/').filter(|_| nested);
    let key = unescaped(key);
    let mut node = document;
    for part in parts {
        let part = unescaped(part);
        node = match node {
            Json::Object(map) => map.get_mut(&part)?,
            Json::Array(items) => {
                let at = position(&part, items.len()).ok()?;
                items.get_mut(at)?
            }
            _ => return None,
        };
    }
    matches!(node, Json::Object(_) | Json::Array(_)).then_some((node, key))
}

fn not_a_number(key: &str) -> String {
    let cause = match key.trim_start_matches(['-', '+']) {
        digits if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) => {
            "value out of range"
        }
        _ => "invalid syntax",
    };
    format!("strconv.Atoi: parsing \"{key}\": {cause}")
}

fn invalid_index(index: i64) -> String {
    format!("Unable to access invalid index: {index}: invalid index referenced")
}

/// The position that an index names, in a list of this length; negative ones count from the end.
fn position(key: &str, length: usize) -> Result<usize, String> {
    let index: i64 = key.parse().map_err(|_| not_a_number(key))?;
    let length = i64::try_from(length).map_err(|_| invalid_index(index))?;
    let at = if index < 0 { index + length } else { index };
    match usize::try_from(at) {
        Ok(position) if at < length => Ok(position),
        _ => Err(invalid_index(index)),
    }
}

fn get<'a>(parent: &'a Json, key: &str) -> Result<Option<&'a Json>, String> {
    match parent {
        Json::Object(map) => Ok(map.get(key)),
        Json::Array(items) => position(key, items.len()).map(|at| items.get(at)),
        _ => Ok(None),
    }
}

fn insert(parent: &mut Json, key: &str, value: Json) -> Result<(), String> {
    match parent {
        Json::Object(map) => {
            map.insert(key.to_owned(), value);
        }
        Json::Array(items) if key == "-" => items.push(value),
        Json::Array(items) => {
            let index: Result<i64, _> = key.parse();
            index.map_err(|_| {
                format!(
                    "value was not a proper array index: '{key}': {}",
                    not_a_number(key)
                )
            })?;
            let at = position(key, items.len() + 1)?;
            items.insert(at, value);
        }
        _ => {}
    }
    Ok(())
}

fn take(parent: &mut Json, key: &str) -> Result<Json, String> {
    match parent {
        Json::Object(map) => map
            .remove(key)
            .ok_or_else(|| format!("Unable to remove nonexistent key: {key}: missing value")),
        Json::Array(items) => position(key, items.len()).map(|at| items.remove(at)),
        _ => Ok(Json::Null),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(patch: &str, before: Json, after: Result<Json, &str>) {
        let mut value = before;
        let found = Patch::parse(patch).and_then(|patch| patch.apply(&mut value));
        match (found, after) {
            (Ok(()), Ok(expected)) => assert_eq!(value, expected, "{patch}"),
            (Err(err), Err(expected)) => assert_eq!(err.to_string(), expected, "{patch}"),
            (found, expected) => panic!("{patch}: {found:?} instead of {expected:?}"),
        }
    }

    #[test]
    fn applies_every_operation() {
        check(
            r#"[{"op":"add","path":"/a/-","value":2}]"#,
            json!({"a": [1]}),
            Ok(json!({"a": [1, 2]})),
        );
        check(
            "- {op: add, path: /a/0, value: yes}\n",
            json!({"a": [1]}),
            Ok(json!({"a": [true, 1]})),
        );
        check(
            "- {op: remove, path: /a/-1}\n",
            json!({"a": [1, 2]}),
            Ok(json!({"a": [1]})),
        );
        check(
            "- {op: replace, path: /b, value: 1}\n",
            json!({"a": 1}),
            Ok(json!({"a": 1, "b": 1})),
        );
        check(
            "- {op: move, from: /a, path: /b~1c}\n",
            json!({"a": 1}),
            Ok(json!({"b/c": 1})),
        );
        check(
            "- {op: copy, from: /a, path: /b}\n",
            json!({"a": 1}),
            Ok(json!({"a": 1, "b": 1})),
        );
        check(
            "- {op: test, path: /a, value: 1}\n",
            json!({"a": 1}),
            Ok(json!({"a": 1})),
        );
    }

    #[test]
    fn explains_what_does_not_apply() {
        check(
            "- {op: remove, path: /x}\n",
            json!({}),
            Err(
                "error in remove for path: '/x': Unable to remove nonexistent key: x: missing value",
            ),
        );
        check(
            "- {op: add, path: /x/y, value: 1}\n",
            json!({}),
            Err("add operation does not apply: doc is missing path: \"/x/y\": missing value"),
        );
        check(
            "- {op: replace, path: /a/3, value: 1}\n",
            json!({"a": []}),
            Err("replace operation does not apply: doc is missing key: /a/3: missing value"),
        );
        check(
            "- {op: test, path: /a, value: 2}\n",
            json!({"a": 1}),
            Err("testing value /a failed: test failed"),
        );
        check(
            "- {op: jump, path: /a}\n",
            json!({}),
            Err("Unexpected kind: jump"),
        );
    }

    #[test]
    fn numbers_become_floats_on_the_way() {
        let text = "apiVersion: v1\nkind: T\nbig: 12345678901234567890\nid: 1000000\n";
        let mut node = crate::parse(text).unwrap().unwrap().root;
        Patch::parse("[]").unwrap().apply_to(&mut node).unwrap();
        let mut out = String::new();
        node.to_output(&mut out).unwrap();
        assert_eq!(
            out,
            "apiVersion: v1\nbig: 12345678901234567000\nid: 1000000\nkind: T\n"
        );
    }
}
