//! Fields that are left to others: they are no drift, and an apply does not take them back.
//!
//! Source: kustomize-controller v1.9 `spec.ignore`, fluxcd/pkg `ssa/jsondiff`

use serde_json::Value;
use weir_api::meta::IgnoreRule;

use crate::object::Object;
use crate::selector::{Matcher, SelectorError};

/// A JSON pointer, unescaped.
type Path = Vec<String>;

/// Compiled rules.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ignore {
    rules: Vec<(Option<Matcher>, Vec<Path>)>,
}

impl Ignore {
    /// Pointers that are none are left out.
    pub(crate) fn new(rules: &[IgnoreRule]) -> Result<Self, SelectorError> {
        let compile = |rule: &IgnoreRule| {
            let matcher = rule.target.as_ref().map(Matcher::new).transpose()?;
            let paths = rule.paths.iter().filter_map(|path| parse(path)).collect();
            Ok((matcher, paths))
        };
        let rules = rules.iter().map(compile).collect::<Result<_, _>>()?;
        Ok(Self { rules })
    }

    /// The fields of `object` that are left to others.
    pub(crate) fn paths(&self, object: &Object) -> Vec<&Path> {
        let about = |(matcher, _): &&(Option<Matcher>, Vec<Path>)| {
            matcher
                .as_ref()
                .is_none_or(|matcher| matcher.matches(object))
        };
        self.rules
            .iter()
            .filter(about)
            .flat_map(|(_, paths)| paths)
            .collect()
    }
}

/// None for what is no pointer, and for what makes an object the one it is.
fn parse(pointer: &str) -> Option<Path> {
    let rest = pointer.strip_prefix('/')?;
    let unescape = |part: &str| part.replace("~1", "/").replace("~0", "~");
    let path: Path = rest.split('/').map(unescape).collect();
    let part = |at: usize| path.get(at).map(String::as_str);
    match (part(0), part(1)) {
        (Some("apiVersion" | "kind"), _) => None,
        (Some("metadata"), second) if !matches!(second, Some("labels" | "annotations")) => None,
        _ => Some(path),
    }
}

/// `object` without the fields at `paths`; items of lists are blanked, so that the others keep their places.
pub(crate) fn without(object: &Object, paths: &[&Path]) -> Object {
    let mut object = object.clone();
    for path in paths {
        let Some((last, parents)) = path.split_last() else {
            continue;
        };
        match find_mut(object.value_mut(), parents) {
            Some(Value::Object(fields)) => {
                fields.remove(last);
            }
            Some(Value::Array(items)) => {
                if let Some(item) = place(last).and_then(|place| items.get_mut(place)) {
                    *item = Value::Null;
                }
            }
            _ => {}
        }
    }
    object
}

/// What is applied where something else has drifted: at each of `paths` that somebody changed, nothing if another
/// applier owns it, else the value that is there.
pub(crate) fn adopt(
    desired: Object,
    live: &Object,
    accepted: &Object,
    own: &str,
    paths: &[&Path],
) -> Object {
    let mut desired = desired;
    for path in paths {
        let there = find(live.value(), path);
        if there == find(accepted.value(), path) || find(desired.value(), path).is_none() {
            continue;
        }
        let value = there.filter(|_| !is_applied_by_others(live, own, path));
        set(desired.value_mut(), path, value.cloned());
    }
    desired
}

fn place(part: &str) -> Option<usize> {
    part.parse().ok()
}

fn find<'a>(value: &'a Value, path: &[String]) -> Option<&'a Value> {
    path.iter().try_fold(value, |value, part| match value {
        Value::Object(fields) => fields.get(part),
        Value::Array(items) => items.get(place(part)?),
        _ => None,
    })
}

fn find_mut<'a>(value: &'a mut Value, path: &[String]) -> Option<&'a mut Value> {
    path.iter().try_fold(value, |value, part| match value {
        Value::Object(fields) => fields.get_mut(part),
        Value::Array(items) => items.get_mut(place(part)?),
        _ => None,
    })
}

/// Sets what is at `path`, or removes it.
fn set(value: &mut Value, path: &[String], new: Option<Value>) {
    let Some((last, parents)) = path.split_last() else {
        return;
    };
    match (find_mut(value, parents), new) {
        (Some(Value::Object(fields)), Some(new)) => {
            fields.insert(last.clone(), new);
        }
        (Some(Value::Object(fields)), None) => {
            fields.remove(last);
        }
        (Some(Value::Array(items)), new) => {
            let Some(place) = place(last).filter(|place| *place < items.len()) else {
                return;
            };
            match new {
                Some(new) => items[place] = new,
                None => {
                    items.remove(place);
                }
            }
        }
        _ => {}
    }
}

/// Whether a manager other than `own` has applied the field at `path`.
fn is_applied_by_others(live: &Object, own: &str, path: &[String]) -> bool {
    let entries = live
        .value()
        .pointer("/metadata/managedFields")
        .and_then(Value::as_array);
    entries.into_iter().flatten().any(|entry| {
        entry["operation"] == "Apply"
            && entry["manager"] != own
            && owns(&entry["fieldsV1"], live.value(), path)
    })
}

/// Follows `path` through owned fields and the object they are of.
fn owns(fields: &Value, value: &Value, path: &[String]) -> bool {
    let (mut fields, mut value) = (fields, value);
    for part in path {
        let Some(known) = fields.as_object() else {
            return false;
        };
        if known.is_empty() {
            // The whole of it is one owned value.
            return true;
        }
        let next = match value {
            Value::Array(items) => {
                let Some(item) = place(part).and_then(|place| items.get(place)) else {
                    return false;
                };
                value = item;
                known
                    .iter()
                    .find(|(key, _)| names(key, item))
                    .map(|(_, below)| below)
            }
            _ => {
                value = value.get(part).unwrap_or(&Value::Null);
                known.get(&format!("f:{part}"))
            }
        };
        match next {
            Some(next) => fields = next,
            None => return false,
        }
    }
    true
}

/// Whether a key of owned fields, as `k:{"name":"web"}` or `v:"x"`, names an item of a list.
fn names(key: &str, item: &Value) -> bool {
    let parse = |text: &str| serde_json::from_str::<Value>(text).ok();
    match (key.split_once(':'), item) {
        (Some(("k", keys)), Value::Object(fields)) => parse(keys).is_some_and(|keys| {
            let mut keys = keys.as_object().into_iter().flatten();
            keys.all(|(key, value)| fields.get(key) == Some(value))
        }),
        (Some(("v", value)), item) => parse(value).as_ref() == Some(item),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(data: &Value, managed: &Value) -> Object {
        let metadata = json!({"name": "c", "managedFields": managed});
        let object = json!({"apiVersion": "v1", "kind": "C", "metadata": metadata, "data": data});
        Object::new(object).expect("an object")
    }

    fn rules(paths: &[&str]) -> Ignore {
        let paths = paths.iter().map(|&path| path.to_owned()).collect();
        Ignore::new(&[IgnoreRule {
            paths,
            target: None,
        }])
        .expect("rules")
    }

    #[test]
    fn ignored_fields_are_left_out_of_a_comparison() {
        let ignore = rules(&["/data/a~1b", "/data/list/0", "/data/none/x", "data", ""]);
        let with = |value: &str| {
            object(
                &json!({"a/b": value, "list": [value, 1], "c": 1}),
                &json!([]),
            )
        };
        let paths = ignore.paths(&with("x"));
        assert_eq!(without(&with("x"), &paths), without(&with("y"), &paths));
        let other = object(&json!({"list": ["x", 2], "c": 1}), &json!([]));
        assert_ne!(without(&with("x"), &paths), without(&other, &paths));
    }

    fn check(managed: Value, live: Value, expected: Value) {
        let ignore = rules(&["/data/keep"]);
        let none = json!([]);
        let desired = object(&json!({"keep": "git", "fix": "git"}), &none);
        let live = object(&live, &managed);
        let applied = adopt(
            desired.clone(),
            &live,
            &desired,
            "ours",
            &ignore.paths(&desired),
        );
        assert_eq!(applied.value()["data"], expected);
    }

    #[test]
    fn an_apply_adopts_what_others_wrote_and_drops_what_others_applied() {
        let theirs = |operation: &str| json!([{"manager": "theirs", "operation": operation, "fieldsV1": {"f:data": {"f:keep": {}}}}]);
        let live = json!({"keep": "theirs", "fix": "theirs"});
        check(
            theirs("Update"),
            live.clone(),
            json!({"keep": "theirs", "fix": "git"}),
        );
        check(theirs("Apply"), live, json!({"fix": "git"}));
        check(json!([]), json!({"fix": "theirs"}), json!({"fix": "git"}));
        check(
            json!([]),
            json!({"keep": "git"}),
            json!({"keep": "git", "fix": "git"}),
        );
    }

    #[test]
    fn what_makes_an_object_the_one_it_is_cannot_be_left_to_others() {
        for path in [
            "/kind",
            "/apiVersion",
            "/metadata",
            "/metadata/name",
            "/metadata/namespace",
        ] {
            assert_eq!(parse(path), None, "{path}");
        }
        assert!(parse("/metadata/labels/a").is_some());
    }

    #[test]
    fn owned_fields_are_followed_through_keyed_lists() {
        let fields = json!({"f:list": {"k:{\"name\":\"b\"}": {".": {}, "f:image": {}}}});
        let value = json!({"list": [{"name": "a", "image": "1"}, {"name": "b", "image": "2"}]});
        let path = |text: &str| parse(text).expect("a pointer");
        assert!(owns(&fields, &value, &path("/list/1/image")));
        assert!(!owns(&fields, &value, &path("/list/0/image")));
        assert!(!owns(&fields, &value, &path("/list/1/name")));
        assert!(owns(
            &json!({"f:map": {}}),
            &json!({"map": {"a": 1}}),
            &path("/map/a")
        ));
    }
}
