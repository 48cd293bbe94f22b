//! Dicts: making, reading, changing in place, merging, copying.
//!
//! Source: sprig v3.3.0 `dict.go`

mod copy;
mod merge;

use go_template::{Call, Failure, Functions, Map, Signature, Str, Type, Value};

use super::{Row, cast, given};

const DICT: Signature = Signature::variadic(&[Type::Any], &Type::MAP);
const GET: Signature = Signature::new(&[Type::MAP, Type::String], &Type::Any);
const SET: Signature = Signature::new(&[Type::MAP, Type::String, Type::Any], &Type::MAP);
const UNSET: Signature = Signature::new(&[Type::MAP, Type::String], &Type::MAP);
const HAS_KEY: Signature = Signature::new(&[Type::MAP, Type::String], &Type::Bool);
const PLUCK: Signature = Signature::variadic(&[Type::String, Type::MAP], &Type::LIST);
const KEYS: Signature = Signature::variadic(&[Type::MAP], &Type::STRINGS);
const VALUES: Signature = Signature::new(&[Type::MAP], &Type::LIST);
const PICK: Signature = Signature::variadic(&[Type::MAP, Type::String], &Type::MAP);
const MERGE: Signature = Signature::variadic(&[Type::MAP, Type::MAP], &Type::Any);
const COPY: Signature = Signature::new(&[Type::Any], &Type::Any);
const DIG: Signature = Signature::variadic(&[Type::Any], &Type::Any);

pub(super) fn register(functions: &mut Functions) {
    super::add(functions, ROWS);
}

const ROWS: &[Row] = &[
    ("dict", DICT, dict),
    ("get", GET, |_, args| {
        let value = map(args, 0).and_then(|it| it.get(given::bytes(args, 1)));
        Ok(value.unwrap_or_else(|| Value::from("")))
    }),
    ("set", SET, |call, args| {
        if let Some(map) = map(args, 0) {
            call.budget().bytes(size_of::<Value>() * 4)?;
            call.insert(map, given::string(args, 1), args[2].clone())?;
        }
        Ok(args[0].clone())
    }),
    ("unset", UNSET, |_, args| {
        if let Some(map) = map(args, 0) {
            map.remove(given::bytes(args, 1));
        }
        Ok(args[0].clone())
    }),
    ("hasKey", HAS_KEY, |_, args| {
        let has = map(args, 0).is_some_and(|it| it.contains(given::bytes(args, 1)));
        Ok(Value::Bool(has))
    }),
    ("pluck", PLUCK, |call, args| {
        let key = given::bytes(args, 0);
        let maps = args[1..].iter().filter_map(Value::as_map);
        call.budget().bytes(size_of_val(args))?;
        Ok(Value::list(maps.filter_map(|it| it.get(key)).collect()))
    }),
    ("keys", KEYS, |call, args| {
        let maps = args.iter().filter_map(Value::as_map);
        call.budget()
            .bytes(maps.clone().map(Map::len).sum::<usize>() * size_of::<Value>())?;
        Ok(Value::strings(maps.flat_map(Map::keys)))
    }),
    ("values", VALUES, |call, args| {
        let entries = entries(call, args)?;
        Ok(Value::list(entries.into_iter().map(|(_, it)| it).collect()))
    }),
    ("pick", PICK, |call, args| {
        call.budget().bytes(size_of_val(args))?;
        let keys = args[1..].iter().filter_map(Value::as_str);
        let found = keys.filter_map(|key| Some((key.clone(), map(args, 0)?.get(key)?)));
        Ok(Value::map(found))
    }),
    ("omit", PICK, |call, args| {
        let mut left: std::collections::HashSet<&Str> =
            args[1..].iter().filter_map(Value::as_str).collect();
        call.budget().steps(left.len() as u64)?;
        let kept = entries(call, args)?
            .into_iter()
            .filter(|(key, _)| !left.remove(key));
        Ok(Value::map(kept))
    }),
    ("merge", MERGE, |call, args| {
        merge::swallowing(call, args, false)
    }),
    ("mergeOverwrite", MERGE, |call, args| {
        merge::swallowing(call, args, true)
    }),
    ("mustMerge", MERGE, |call, args| {
        merge::all(call, args, false)
    }),
    ("mustMergeOverwrite", MERGE, |call, args| {
        merge::all(call, args, true)
    }),
    ("deepCopy mustDeepCopy", COPY, |call, args| {
        copy::deep(call.budget(), &args[0])
    }),
    ("dig", DIG, dig),
];

fn map(args: &[Value], index: usize) -> Option<&Map> {
    args.get(index).and_then(Value::as_map)
}

/// The entries of the first argument, paid for.
fn entries(call: &Call<'_>, args: &[Value]) -> Result<Vec<(Str, Value)>, Failure> {
    let Some(map) = map(args, 0) else {
        return Ok(Vec::new());
    };
    call.budget().bytes(map.len() * 4 * size_of::<Value>())?;
    Ok(map.entries())
}

fn dict(call: &mut Call<'_>, args: &[Value]) -> Result<Value, Failure> {
    call.budget().bytes(args.len() * 2 * size_of::<Value>())?;
    let mut pairs = go_template::Pairs::new();
    for pair in args.chunks(2) {
        let key = cast::text(&pair[0], call.budget())?;
        pairs.insert(key, pair.get(1).cloned().unwrap_or_else(|| Value::from("")));
    }
    Ok(Value::Map(Map::from_pairs(&Type::MAP, pairs)))
}

/// A path into nested dicts, and what to give if it ends early.
fn dig(call: &mut Call<'_>, args: &[Value]) -> Result<Value, Failure> {
    let [keys @ .., default, dict] = args else {
        return Err(Failure::new("dig needs at least three arguments"));
    };
    if keys.is_empty() {
        return Err(Failure::new("dig needs at least three arguments"));
    }
    let mut here = plain_map(dict)?;
    let mut names = Vec::with_capacity(keys.len());
    for key in keys {
        let Value::Str(name) = key else {
            return Err(not("string", key));
        };
        names.push(name);
    }
    call.budget().steps(keys.len() as u64)?;
    for (index, name) in names.iter().enumerate() {
        let Some(value) = here.get(name) else {
            return Ok(default.clone());
        };
        if index + 1 == names.len() {
            return Ok(value);
        }
        here = plain_map(&value)?;
    }
    Ok(default.clone())
}

/// A `map[string]interface {}`; one of a named type is none.
fn plain_map(value: &Value) -> Result<Map, Failure> {
    match value {
        Value::Map(map) if *map.ty() == Type::MAP => Ok(map.clone()),
        other => Err(not("map[string]interface {}", other)),
    }
}

/// What Go says of a type assertion that fails.
fn not(wanted: &str, value: &Value) -> Failure {
    let found = value
        .ty()
        .map_or_else(|| String::from("nil"), |it| it.to_string());
    Failure::new(format!(
        "interface conversion: interface {{}} is {found}, not {wanted}"
    ))
}
