//! Reading fields of any object; one of another type counts as absent.

use serde_json::Value;

/// One entry of `status.conditions`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Condition<'a> {
    pub(crate) kind: &'a str,
    pub(crate) status: &'a str,
    pub(crate) reason: &'a str,
    pub(crate) message: &'a str,
}

/// The conditions, in their order.
pub(crate) fn conditions(object: &Value) -> impl Iterator<Item = Condition<'_>> {
    items(object, "/status/conditions").map(|condition| Condition {
        kind: text(condition, "/type").unwrap_or_default(),
        status: text(condition, "/status").unwrap_or_default(),
        reason: text(condition, "/reason").unwrap_or_default(),
        message: text(condition, "/message").unwrap_or_default(),
    })
}

/// The items of the list at `pointer`; none where there is no list.
pub(crate) fn items<'a>(object: &'a Value, pointer: &str) -> impl Iterator<Item = &'a Value> {
    object
        .pointer(pointer)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

/// The text at `pointer`.
pub(crate) fn text<'a>(object: &'a Value, pointer: &str) -> Option<&'a str> {
    object.pointer(pointer).and_then(Value::as_str)
}

/// The whole number at `pointer`.
pub(crate) fn integer(object: &Value, pointer: &str) -> Option<i64> {
    object.pointer(pointer).and_then(Value::as_i64)
}
