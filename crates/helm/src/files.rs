//! `.Files`: what templates read of the chart's other files.
//!
//! Source: Helm 4.2.4 `pkg/engine/files.go`

use std::sync::Arc;

use base64::Engine as _;
use go_template::{
    Call, Closure, Failure, Function, List, Map, Methods, Named, Signature, Str, Type, Value,
};

use crate::chart::File;
use crate::glob::Glob;
use crate::yaml;

/// `engine.files`.
static FILES: Type = Type::Named(&Named {
    name: "engine.files",
    under: Type::Map(&Type::BYTES),
    methods: Methods {
        find,
        text: |_| None,
    },
});

/// The files as templates see them.
pub(crate) fn files(files: &[File]) -> Value {
    let map = Map::new(&FILES);
    let entry = |file: &File| {
        let data = Value::List(List::bytes(file.data.clone()));
        (Str::from(file.name.as_str()), data)
    };
    map.extend(files.iter().map(entry));
    Value::Map(map)
}

/// A method that takes a text.
type Method = fn(&Map, &Str) -> Result<Value, Failure>;

fn find(value: &Value, name: &str) -> Option<Arc<dyn Function>> {
    let map = value.as_map()?.clone();
    let one: (Method, &'static Type) = match name {
        "Get" => (get, &Type::String),
        "GetBytes" => (get_bytes, &Type::BYTES),
        "Glob" => (glob, &FILES),
        "Lines" => (lines, &Type::STRINGS),
        "AsConfig" => return Some(no_arguments(map, as_config)),
        "AsSecrets" => return Some(no_arguments(map, as_secrets)),
        _ => return None,
    };
    let (method, result) = one;
    let body = move |call: &mut Call<'_>, args: &[Value]| {
        call.budget().steps(map.len() as u64)?;
        let name = args.first().and_then(Value::as_str).cloned();
        method(&map, &name.unwrap_or_default())
    };
    Some(Closure::shared(
        Signature::new(&[Type::String], result),
        body,
    ))
}

fn no_arguments(map: Map, method: fn(&Map) -> String) -> Arc<dyn Function> {
    let body = move |call: &mut Call<'_>, _: &[Value]| {
        let text = method(&map);
        call.budget().bytes(text.len())?;
        Ok(Value::from(text))
    };
    Closure::shared(Signature::new(&[], &Type::String), body)
}

/// The contents of a file.
fn data(map: &Map, name: &[u8]) -> Option<Str> {
    map.get(name)?.as_list()?.as_bytes()
}

fn get(map: &Map, name: &Str) -> Result<Value, Failure> {
    Ok(Value::Str(data(map, name).unwrap_or_default()))
}

fn get_bytes(map: &Map, name: &Str) -> Result<Value, Failure> {
    Ok(Value::List(List::bytes(
        data(map, name).unwrap_or_default(),
    )))
}

fn glob(map: &Map, pattern: &Str) -> Result<Value, Failure> {
    let glob = Glob::parse(&pattern.lossy()).unwrap_or_else(Glob::everything);
    let found = Map::new(&FILES);
    let matching = |(name, _): &(Str, Value)| glob.matches(&name.lossy());
    found.extend(map.entries().into_iter().filter(matching));
    Ok(Value::Map(found))
}

fn lines(map: &Map, name: &Str) -> Result<Value, Failure> {
    let Some(data) = data(map, name) else {
        return Ok(Value::strings::<Str>([]));
    };
    if data.is_empty() {
        return Err(Failure::new("runtime error: index out of range [-1]"));
    }
    let data = data.strip_suffix(b"\n").unwrap_or(&data);
    Ok(Value::strings(
        data.split(|byte| *byte == b'\n').map(Str::from),
    ))
}

/// Contents by the last parts of their paths, as YAML; nothing at all if YAML does not allow them.
fn flattened(map: &Map, text: impl Fn(&Str) -> Value) -> String {
    let entries = map.entries().into_iter().map(|(name, data)| {
        let base = name.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        let data = data.as_list().and_then(List::as_bytes).unwrap_or_default();
        (Str::from(base), text(&data))
    });
    let value = Value::map(entries.collect::<Vec<_>>());
    let mut text = yaml::to_yaml(&value).unwrap_or_default();
    if text.ends_with('\n') {
        text.pop();
    }
    text
}

fn as_config(map: &Map) -> String {
    flattened(map, |data| Value::Str(data.clone()))
}

fn as_secrets(map: &Map) -> String {
    let encode = |data: &Str| base64::engine::general_purpose::STANDARD.encode(&**data);
    flattened(map, |data| Value::from(encode(data)))
}
