//! Arguments as the functions' bodies want them. The executor has checked their types by the signature.

use go_template::{Str, Type, Value, unicode};

/// The bytes of a string argument.
pub(super) fn bytes(args: &[Value], index: usize) -> &[u8] {
    args.get(index)
        .and_then(Value::as_str)
        .map_or(&[], |it| &**it)
}

/// A string argument.
pub(super) fn string(args: &[Value], index: usize) -> Str {
    let text = args.get(index).and_then(Value::as_str);
    text.cloned().unwrap_or_default()
}

/// A string argument, each broken byte replaced.
pub(super) fn text(args: &[Value], index: usize) -> String {
    lossy(bytes(args, index))
}

/// A text with U+FFFD for each broken byte, as Go's loops over it see it.
pub(super) fn lossy(text: &[u8]) -> String {
    unicode::Runes(text).map(|(c, _)| c).collect()
}

/// An integer argument.
pub(super) fn int(args: &[Value], index: usize) -> i64 {
    match args.get(index) {
        Some(Value::Int(_, number)) => *number,
        Some(Value::Uint(_, number)) => *number as i64,
        _ => 0,
    }
}

/// What `reflect.Kind` says of a value.
pub(super) fn kind(value: &Value) -> String {
    match value.ty().map(Type::under) {
        None => String::from("invalid"),
        Some(Type::List(_)) => String::from("slice"),
        Some(Type::Map(_)) => String::from("map"),
        Some(Type::Func(_)) => String::from("func"),
        Some(Type::Struct) => String::from("struct"),
        Some(Type::Pointer(_)) => String::from("ptr"),
        Some(other) => other.to_string(),
    }
}
