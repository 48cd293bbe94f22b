//! Which fields of an object a manager owns, and what their values come to.
//!
//! Source: structured-merge-diff `fieldpath/serialize.go`, `typed/tofieldset.go`

use std::collections::HashSet;
use std::hash::{Hash as _, Hasher};
use std::sync::{Arc, LazyLock};

use parking_lot::Mutex;
use serde_json::{Map, Value};

use crate::live::{Digest, Owned, feed, hasher};
use crate::object::Object;

/// Texts that are shared are swept when there are so many.
const SWEEP_AT: usize = 1024;

/// One copy of `text` for all who hold it: objects of one kind mostly have the same fields.
pub(crate) fn shared(text: &str) -> Arc<str> {
    struct Texts {
        all: HashSet<Arc<str>>,
        sweep_at: usize,
    }
    static TEXTS: LazyLock<Mutex<Texts>> = LazyLock::new(|| {
        Mutex::new(Texts {
            all: HashSet::new(),
            sweep_at: SWEEP_AT,
        })
    });
    let mut texts = TEXTS.lock();
    if let Some(known) = texts.all.get(text) {
        return Arc::clone(known);
    }
    if texts.all.len() >= texts.sweep_at {
        texts.all.retain(|text| Arc::strong_count(text) > 1);
        texts.sweep_at = SWEEP_AT.max(texts.all.len() * 2);
    }
    let new: Arc<str> = text.into();
    texts.all.insert(Arc::clone(&new));
    new
}

fn entries(object: &Object) -> impl Iterator<Item = &Value> {
    let entries = object.value().pointer("/metadata/managedFields");
    entries.and_then(Value::as_array).into_iter().flatten()
}

fn text<'a>(entry: &'a Value, field: &str) -> &'a str {
    entry.get(field).and_then(Value::as_str).unwrap_or_default()
}

/// Whether an entry is what `manager` has applied to the object itself.
fn is_applied_by(entry: &Value, manager: &str) -> bool {
    text(entry, "manager") == manager
        && text(entry, "operation") == "Apply"
        && text(entry, "subresource").is_empty()
}

/// What `manager` has applied of `object` and still owns.
pub(crate) fn of(object: &Object, manager: &str) -> Option<Owned> {
    let mut ours = entries(object).filter(|entry| is_applied_by(entry, manager));
    let entry = ours.next()?;
    // It is never two, but if it were, neither would tell the whole.
    if ours.next().is_some() {
        return None;
    }
    let fields = entry.get("fieldsV1")?.as_object()?;
    let mut values = hasher();
    let mut walk = Walk {
        to: &mut values,
        exact: false,
        nulls: false,
    };
    walk.map(fields, object.value(), &[]).ok()?;
    let nulls = walk.nulls;
    Some(Owned {
        nulls,
        api_version: shared(text(entry, "apiVersion")),
        fields: shared(&Value::Object(fields.clone()).to_string()),
        values: values.finish(),
    })
}

/// What [`Owned::values`] would be if `fields` were ours with the values of `desired`; `None` unless the fields of
/// `desired` are just these, and its values tell what the server would make of them.
pub(crate) fn values_wanted(fields: &str, desired: &Object) -> Option<Digest> {
    let fields: Map<String, Value> = serde_json::from_str(fields).ok()?;
    let mut values = hasher();
    let mut walk = Walk {
        to: &mut values,
        exact: true,
        nulls: false,
    };
    walk.map(&fields, desired.value(), ROOT).ok()?;
    Some(values.finish())
}

/// The digest of who manages which fields; who manages status is left out, and when it was.
pub(crate) fn managers(object: &Object) -> Digest {
    let mut to = hasher();
    for entry in entries(object).filter(|entry| text(entry, "subresource") != "status") {
        for field in ["manager", "operation", "subresource", "apiVersion"] {
            text(entry, field).hash(&mut to);
        }
        feed(entry.get("fieldsV1").unwrap_or(&Value::Null), &mut to);
    }
    to.finish()
}

/// Who owns fields of `object` now that were among `fields` and are no longer those of `manager`: its name and the
/// subresource it wrote through. The one who wrote last, if there are several.
pub(crate) fn taken_by<'a>(
    object: &'a Object,
    manager: &str,
    fields: &str,
) -> Option<(&'a str, &'a str)> {
    let before: Map<String, Value> = serde_json::from_str(fields).ok()?;
    let none = Map::new();
    let now = entries(object)
        .find(|entry| is_applied_by(entry, manager))
        .and_then(|entry| entry.get("fieldsV1")?.as_object());
    let now = now.unwrap_or(&none);
    entries(object)
        .filter(|entry| !is_applied_by(entry, manager))
        .filter(|entry| {
            let theirs = entry.get("fieldsV1").and_then(Value::as_object);
            theirs.is_some_and(|theirs| has_taken(&before, now, theirs))
        })
        .max_by_key(|entry| text(entry, "time"))
        .map(|entry| (text(entry, "manager"), text(entry, "subresource")))
}

/// Whether `theirs` holds a field that is in `before` and not in `now`.
fn has_taken(
    before: &Map<String, Value>,
    now: &Map<String, Value>,
    theirs: &Map<String, Value>,
) -> bool {
    before.iter().any(|(key, before)| {
        let Some(theirs) = theirs.get(key) else {
            return false;
        };
        match (now.get(key), before, theirs) {
            (None, ..) => true,
            (Some(Value::Object(now)), Value::Object(before), Value::Object(theirs)) => {
                has_taken(before, now, theirs)
            }
            _ => false,
        }
    })
}

/// Fields of an object that nobody owns: they make it the one it is.
const ROOT: &[&str] = &["apiVersion", "kind"];
const METADATA: &[&str] = &["name", "namespace"];

/// The fields are not just those of the value, or the value does not tell.
struct Unclear;

/// Walks owned fields and the values at them. The depth is that of what the JSON parser takes.
struct Walk<'a, H> {
    to: &'a mut H,
    /// The value must have all the fields and no others; otherwise it may have others, and what it lacks is noted.
    exact: bool,
    /// A value that is owned as one is null.
    nulls: bool,
}

impl<H: Hasher> Walk<'_, H> {
    fn value(&mut self, fields: &Value, value: &Value) -> Result<(), Unclear> {
        let fields = fields.as_object().ok_or(Unclear)?;
        // A value that is owned as one: a scalar, an atomic list or map, or a map that was applied empty.
        if fields.is_empty() {
            self.nulls |= value.is_null();
            if self.exact && holds_null(value) {
                return Err(Unclear);
            }
            feed(value, self.to);
            return Ok(());
        }
        match value {
            Value::Array(items) => self.list(fields, items),
            value => self.map(fields, value, &[]),
        }
    }

    fn map(
        &mut self,
        fields: &Map<String, Value>,
        value: &Value,
        exempt: &[&str],
    ) -> Result<(), Unclear> {
        let Some(map) = value.as_object() else {
            return self.unlike(value);
        };
        let mut known = exempt.iter().filter(|key| map.contains_key(**key)).count();
        for (key, below) in fields {
            let Some(name) = key.strip_prefix("f:") else {
                // `.` stands for the map itself.
                key.hash(self.to);
                continue;
            };
            name.hash(self.to);
            match map.get(name) {
                Some(value) if exempt == ROOT && name == "metadata" => {
                    let below = below.as_object().ok_or(Unclear)?;
                    self.map(below, value, METADATA)?;
                }
                Some(value) => self.value(below, value)?,
                None => self.missing()?,
            }
            known += 1;
        }
        if self.exact && known != map.len() {
            return Err(Unclear);
        }
        Ok(())
    }

    fn list(&mut self, fields: &Map<String, Value>, items: &[Value]) -> Result<(), Unclear> {
        let keys: Vec<(Key, &Value)> = fields
            .iter()
            .filter(|(key, _)| *key != ".")
            .map(|(key, below)| Some((Key::parse(key)?, below)))
            .collect::<Option<_>>()
            .ok_or(Unclear)?;
        let mut found = 0;
        for item in items {
            let place = keys.iter().position(|(key, _)| key.names(item));
            match place {
                Some(place) => {
                    place.hash(self.to);
                    self.value(keys[place].1, item)?;
                    found += 1;
                }
                None if self.exact => return Err(Unclear),
                None => {}
            }
        }
        found.hash(self.to);
        if found == keys.len() {
            return Ok(());
        }
        self.missing()
    }

    fn missing(&mut self) -> Result<(), Unclear> {
        if self.exact {
            return Err(Unclear);
        }
        "missing".hash(self.to);
        Ok(())
    }

    fn unlike(&mut self, value: &Value) -> Result<(), Unclear> {
        self.missing()?;
        feed(value, self.to);
        Ok(())
    }
}

fn holds_null(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.iter().any(holds_null),
        Value::Object(fields) => fields.values().any(holds_null),
        _ => false,
    }
}

/// What names an item of a list.
enum Key {
    Fields(Map<String, Value>),
    Value(Value),
}

impl Key {
    fn parse(text: &str) -> Option<Self> {
        match text.split_once(':')? {
            ("k", fields) => serde_json::from_str(fields).ok().map(Self::Fields),
            ("v", value) => serde_json::from_str(value).ok().map(Self::Value),
            _ => None,
        }
    }

    fn names(&self, item: &Value) -> bool {
        match self {
            Self::Fields(fields) => fields
                .iter()
                .all(|(key, value)| item.get(key) == Some(value)),
            Self::Value(value) => value == item,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(spec: &Value, fields: &Value) -> Object {
        let entry = json!({"manager": "us", "operation": "Apply", "apiVersion": "v1", "fieldsV1": {"f:spec": fields}});
        let value = json!({"apiVersion": "v1", "kind": "C", "metadata": {"name": "c", "managedFields": [entry]}, "spec": spec});
        Object::new(value).expect("an object")
    }

    /// Whether `desired` is what is owned of `live`.
    fn check(live: &Value, fields: &Value, desired: &Value, expected: bool) {
        let owned = of(&object(live, fields), "us").expect("an entry");
        let desired =
            json!({"apiVersion": "v1", "kind": "C", "metadata": {"name": "c"}, "spec": desired});
        // Owner labels make metadata part of every real entry.
        let mut desired = Object::new(desired).expect("an object");
        desired.fields().remove("metadata");
        let held = values_wanted(&owned.fields, &desired) == Some(owned.values);
        assert_eq!(
            held,
            expected,
            "{live} {fields} {desired:?}",
            desired = desired.value()
        );
    }

    #[test]
    fn items_of_others_may_stand_between_ours_but_ours_keep_their_order() {
        let fields = json!({"f:list": {
            "k:{\"name\":\"a\"}": {".": {}, "f:name": {}},
            "k:{\"name\":\"b\"}": {".": {}, "f:name": {}},
        }});
        let list = |names: &[&str]| {
            let items: Vec<_> = names.iter().map(|name| json!({"name": name})).collect();
            json!({"list": items})
        };
        let desired = list(&["a", "b"]);
        check(&list(&["a", "b"]), &fields, &desired, true);
        check(&list(&["a", "x", "b", "y"]), &fields, &desired, true);
        check(&list(&["b", "a"]), &fields, &desired, false);
        check(&list(&["a"]), &fields, &desired, false);
        check(&list(&["a", "b", "b"]), &fields, &desired, false);
        check(&list(&["a", "b"]), &fields, &list(&["a", "b", "b"]), false);
        check(&list(&["a", "b"]), &fields, &list(&["a"]), false);
    }

    #[test]
    fn a_value_that_is_owned_as_one_is_equal_or_not() {
        let fields = json!({"f:atomic": {}, "f:set": {"v:1": {}, "v:2": {}}});
        let desired = json!({"atomic": [1, {"x": 1}], "set": [1, 2]});
        check(&desired, &fields, &desired, true);
        let other = json!({"atomic": [{"x": 1}, 1], "set": [1, 2]});
        check(&other, &fields, &desired, false);
        let more = json!({"atomic": [1, {"x": 1, "y": 1}], "set": [1, 2]});
        check(&more, &fields, &desired, false);
        check(
            &json!({"atomic": {"a": 1}}),
            &json!({"f:atomic": {}}),
            &json!({"atomic": {}}),
            false,
        );
    }

    #[test]
    fn a_default_key_that_is_not_written_is_not_clear() {
        let fields =
            json!({"f:ports": {"k:{\"port\":80,\"protocol\":\"TCP\"}": {".": {}, "f:port": {}}}});
        let live = json!({"ports": [{"port": 80, "protocol": "TCP"}]});
        check(&live, &fields, &json!({"ports": [{"port": 80}]}), false);
    }

    #[test]
    fn whoever_took_a_field_is_named() {
        let ours = json!({"f:spec": {"f:replicas": {}, "f:x": {}}}).to_string();
        let entry = |manager: &str, subresource: &str, time: &str, fields: Value| json!({"manager": manager, "operation": "Update", "subresource": subresource, "time": time, "fieldsV1": {"f:spec": fields}});
        let value = json!({"apiVersion": "v1", "kind": "C", "metadata": {"name": "c", "managedFields": [
            {"manager": "us", "operation": "Apply", "fieldsV1": {"f:spec": {"f:x": {}}}},
            entry("early", "", "2026-01-01T00:00:00Z", json!({"f:replicas": {}})),
            entry("hpa", "scale", "2026-01-02T00:00:00Z", json!({"f:replicas": {}})),
            entry("later", "", "2026-01-03T00:00:00Z", json!({"f:x": {}, "f:y": {}})),
        ]}});
        let object = Object::new(value).expect("an object");
        assert_eq!(taken_by(&object, "us", &ours), Some(("hpa", "scale")));
        let still = json!({"f:spec": {"f:x": {}}}).to_string();
        assert_eq!(taken_by(&object, "us", &still), None);
    }

    #[test]
    fn equal_texts_are_held_once() {
        assert!(Arc::ptr_eq(&shared("held once"), &shared("held once")));
    }
}
