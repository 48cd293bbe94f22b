//! Lists: taking apart, putting together, looking for elements.
//!
//! Source: sprig v3.3.0 `list.go`

use go_template::{Call, Failure, Functions, List, Signature, Type, Value};

use super::{Row, cast, defaults, given, types};

const MAKE: Signature = Signature::variadic(&[Type::Any], &Type::LIST);
const JOINED: Signature = Signature::variadic(&[Type::Any], &Type::Any);
const ELEMENT: Signature = Signature::new(&[Type::Any], &Type::Any);
const PART: Signature = Signature::new(&[Type::Any], &Type::LIST);
const WITH: Signature = Signature::new(&[Type::Any, Type::Any], &Type::LIST);
const WITHOUT: Signature = Signature::variadic(&[Type::Any, Type::Any], &Type::LIST);
const HAS: Signature = Signature::new(&[Type::Any, Type::Any], &Type::Bool);
const SLICE: Signature = Signature::variadic(&[Type::Any, Type::Any], &Type::Any);
const CHUNK: Signature = Signature::new(&[Type::INT, Type::Any], &LISTS);
/// `[][]interface {}`.
static LISTS: Type = Type::List(&Type::LIST);

pub(super) fn register(functions: &mut Functions) {
    super::add(functions, ROWS);
}

const ROWS: &[Row] = &[
    ("list tuple", MAKE, |call, args| made(call, args.to_vec())),
    ("concat", JOINED, concat),
    ("first mustFirst", ELEMENT, |_, args| {
        Ok(list(&args[0], "Cannot find first on")?
            .get(0)
            .unwrap_or_default())
    }),
    ("last mustLast", ELEMENT, |_, args| {
        let list = list(&args[0], "Cannot find last on")?;
        Ok(list
            .len()
            .checked_sub(1)
            .and_then(|it| list.get(it))
            .unwrap_or_default())
    }),
    ("rest mustRest", PART, |call, args| {
        let list = list(&args[0], "Cannot find rest on")?;
        if list.is_empty() {
            return Ok(Value::zero(&Type::LIST));
        }
        made(call, list.iter().skip(1).collect())
    }),
    ("initial mustInitial", PART, |call, args| {
        let list = list(&args[0], "Cannot find initial on")?;
        match list.len().checked_sub(1) {
            None => Ok(Value::zero(&Type::LIST)),
            Some(length) => made(call, list.iter().take(length).collect()),
        }
    }),
    ("append push mustAppend mustPush", WITH, |call, args| {
        let list = list(&args[0], "Cannot push on")?;
        made(call, list.iter().chain([args[1].clone()]).collect())
    }),
    ("prepend mustPrepend", WITH, |call, args| {
        let list = list(&args[0], "Cannot prepend on")?;
        made(
            call,
            [args[1].clone()].into_iter().chain(list.iter()).collect(),
        )
    }),
    ("reverse mustReverse", PART, |call, args| {
        let list = list(&args[0], "Cannot find reverse on")?;
        let mut items: Vec<Value> = list.iter().collect();
        items.reverse();
        made(call, items)
    }),
    ("compact mustCompact", PART, |call, args| {
        let list = list(&args[0], "Cannot compact on")?;
        made(
            call,
            list.iter().filter(|it| !defaults::is_empty(it)).collect(),
        )
    }),
    ("uniq mustUniq", PART, |call, args| {
        let mut kept = Vec::new();
        for item in list(&args[0], "Cannot find uniq on")?.iter() {
            if !is_among(call, &kept, &item)? {
                kept.push(item);
            }
        }
        made(call, kept)
    }),
    ("without mustWithout", WITHOUT, |call, args| {
        let mut kept = Vec::new();
        for item in list(&args[0], "Cannot find without on")?.iter() {
            if !is_among(call, &args[1..], &item)? {
                kept.push(item);
            }
        }
        made(call, kept)
    }),
    ("has mustHas", HAS, has),
    ("slice mustSlice", SLICE, slice),
    ("chunk mustChunk", CHUNK, chunk),
];

/// A new `[]interface {}`, paid for.
fn made(call: &Call<'_>, items: Vec<Value>) -> Result<Value, Failure> {
    call.budget().bytes(items.len() * size_of::<Value>())?;
    Ok(Value::list(items))
}

/// The argument as a list. `what` begins the complaint.
fn list<'a>(value: &'a Value, what: &str) -> Result<&'a List, Failure> {
    match value {
        Value::List(list) => Ok(list),
        Value::Nil => Err(Failure::new(NIL)),
        other => Err(Failure::new(format!("{what} type {}", given::kind(other)))),
    }
}

/// What Go says where the type of nothing is asked for.
const NIL: &str = "runtime error: invalid memory address or nil pointer dereference";

fn is_among(call: &Call<'_>, items: &[Value], item: &Value) -> Result<bool, Failure> {
    for other in items {
        if types::equal(item, other, call.budget())? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn concat(call: &mut Call<'_>, args: &[Value]) -> Result<Value, Failure> {
    let mut items = Vec::new();
    for arg in args {
        match arg {
            Value::List(list) => {
                call.budget().bytes(list.len() * size_of::<Value>())?;
                items.extend(list.iter());
            }
            Value::Nil => return Err(Failure::new(NIL)),
            other => {
                let kind = given::kind(other);
                return Err(Failure::new(format!("Cannot concat type {kind} as list")));
            }
        }
    }
    if items.is_empty() {
        return Ok(Value::zero(&Type::LIST));
    }
    Ok(Value::list(items))
}

fn has(call: &mut Call<'_>, args: &[Value]) -> Result<Value, Failure> {
    if matches!(args[1], Value::Nil) {
        return Ok(Value::Bool(false));
    }
    for item in list(&args[1], "Cannot find has on")?.iter() {
        if types::equal(&args[0], &item, call.budget())? {
            return Ok(Value::Bool(true));
        }
    }
    Ok(Value::Bool(false))
}

/// The elements from one index to before another; of the list's own type.
fn slice(call: &mut Call<'_>, args: &[Value]) -> Result<Value, Failure> {
    let list = list(&args[0], "list should be type of slice or array but")
        .map_err(|it| Failure::new(it.own().replacen("but type ", "but ", 1)))?;
    if list.is_empty() {
        return Ok(Value::Nil);
    }
    let start = args.get(1).map_or(0, cast::int64);
    let end = args.get(2).map_or(list.len() as i64, cast::int64);
    let range = usize::try_from(start).ok().zip(usize::try_from(end).ok());
    match range.filter(|(start, end)| start <= end && *end <= list.len()) {
        Some((start, end)) => {
            call.budget().bytes((end - start) * size_of::<Value>())?;
            Ok(Value::List(list.part(start..end)))
        }
        None => Err(Failure::new(
            "reflect.Value.Slice: slice index out of bounds",
        )),
    }
}

/// Lists of `size` elements; the last one takes what is left. The count is Go's, odd sizes included.
fn chunk(call: &mut Call<'_>, args: &[Value]) -> Result<Value, Failure> {
    let size = given::int(args, 0);
    let list = list(&args[1], "Cannot chunk")?;
    let length = list.len() as i64;
    let count = ((length - 1) as f64 / size as f64).floor() + 1.0;
    let out_of_range = || Failure::new("runtime error: makeslice: len out of range");
    let count = usize::try_from(cast::float_to_int64(count)).map_err(|_| out_of_range())?;
    call.budget()
        .bytes((list.len() + count) * size_of::<Value>())?;
    let mut chunks = Vec::with_capacity(count);
    for index in 0..count {
        let rest = length % size;
        let take = if index + 1 == count && rest != 0 {
            rest
        } else {
            size
        };
        let take = usize::try_from(take).map_err(|_| out_of_range())?;
        let start = index * usize::try_from(size).unwrap_or(0);
        chunks.push(Value::list(list.iter().skip(start).take(take).collect()));
    }
    Ok(Value::List(List::new(&LISTS, chunks)))
}
