//! Texts: cutting, joining, searching, padding, quoting.
//!
//! Source: sprig v3.3.0 `strings.go`, `functions.go`; Go 1.26 `strings`

mod case;
mod width;
mod words;

use go_template::{Call, Failure, Functions, Signature, Str, Type, Value, format, quote, unicode};
use memchr::memmem::find;

use super::{Row, cast, given};
use crate::Env;

const ONE: Signature = Signature::new(&[Type::String], &Type::String);
const TWO: Signature = Signature::new(&[Type::String, Type::String], &Type::String);
const NUMBER: Signature = Signature::new(&[Type::INT, Type::String], &Type::String);
const TRUTH: Signature = Signature::new(&[Type::String, Type::String], &Type::Bool);
const THREE: Signature = Signature::new(&[Type::String, Type::String, Type::String], &Type::String);
const PLURAL: Signature = Signature::new(&[Type::String, Type::String, Type::INT], &Type::String);
const RANGE: Signature = Signature::new(&[Type::INT, Type::INT, Type::String], &Type::String);
const WRAP: Signature = Signature::new(&[Type::INT, Type::String, Type::String], &Type::String);
const ALL: Signature = Signature::variadic(&[Type::Any], &Type::String);
const ANY: Signature = Signature::new(&[Type::Any], &Type::String);
const JOIN: Signature = Signature::new(&[Type::String, Type::Any], &Type::String);
const LIST: Signature = Signature::new(&[Type::Any], &Type::STRINGS);
const SPLIT_LIST: Signature = Signature::new(&[Type::String, Type::String], &Type::STRINGS);
const SPLIT: Signature = Signature::new(&[Type::String, Type::String], &TEXTS);
const SPLIT_N: Signature = Signature::new(&[Type::String, Type::INT, Type::String], &TEXTS);
/// `map[string]string`.
static TEXTS: Type = Type::Map(&Type::String);

pub(super) fn register(functions: &mut Functions, env: &Env) {
    super::add(functions, ROWS);
    let random = env.random.clone();
    functions.add("shuffle", ONE, move |call, args| {
        let text = given::bytes(args, 0);
        call.budget().bytes(text.len() * 8)?;
        let mut runes: Vec<char> = unicode::Runes(text).map(|(c, _)| c).collect();
        let mut bytes = vec![0; runes.len() * 8];
        random(&mut bytes);
        for (last, chance) in (1..runes.len()).rev().zip(bytes.chunks_exact(8)) {
            let chance = chance
                .iter()
                .fold(0, |sum: u64, it| sum << 8 | u64::from(*it));
            runes.swap(last, (chance % (last as u64 + 1)) as usize);
        }
        Ok(Value::str(runes.into_iter().collect::<String>()))
    });
}

const ROWS: &[Row] = &[
    ("hello", Signature::new(&[], &Type::String), |_, _| {
        Ok(Value::from("Hello!"))
    }),
    ("trim", ONE, |call, args| {
        made(call, trim(given::bytes(args, 0), |c| c.is_whitespace()))
    }),
    ("upper", ONE, |call, args| {
        made(call, &case::upper(given::bytes(args, 0)))
    }),
    ("lower", ONE, |call, args| {
        made(call, &case::lower(given::bytes(args, 0)))
    }),
    ("title", ONE, |call, args| {
        made(call, &case::title(given::bytes(args, 0)))
    }),
    ("untitle", ONE, |call, args| {
        made(call, &case::untitle(given::bytes(args, 0)))
    }),
    ("swapcase", ONE, |call, args| {
        made(call, &case::swapped(given::bytes(args, 0)))
    }),
    ("nospace", ONE, |call, args| {
        made(call, &case::without_space(given::bytes(args, 0)))
    }),
    ("initials", ONE, |call, args| {
        made(call, &case::initials(given::bytes(args, 0)))
    }),
    ("snakecase", ONE, |call, args| {
        made(call, &words::connected(given::bytes(args, 0), '_'))
    }),
    ("kebabcase", ONE, |call, args| {
        made(call, &words::connected(given::bytes(args, 0), '-'))
    }),
    ("camelcase", ONE, |call, args| {
        made(call, &words::pascal(given::bytes(args, 0)))
    }),
    ("trimAll trimall", TWO, |call, args| {
        let set: Vec<char> = unicode::Runes(given::bytes(args, 0))
            .map(|(c, _)| c)
            .collect();
        let text = given::bytes(args, 1);
        call.budget()
            .steps((set.len() as u64).saturating_mul(text.len() as u64) / 64)?;
        made(call, trim(text, |c| set.contains(&c)))
    }),
    ("trimPrefix", TWO, |call, args| {
        let text = given::bytes(args, 1);
        made(
            call,
            text.strip_prefix(given::bytes(args, 0)).unwrap_or(text),
        )
    }),
    ("trimSuffix", TWO, |call, args| {
        let text = given::bytes(args, 1);
        made(
            call,
            text.strip_suffix(given::bytes(args, 0)).unwrap_or(text),
        )
    }),
    ("contains", TRUTH, |call, args| {
        let (part, text) = (given::bytes(args, 0), given::bytes(args, 1));
        call.budget().steps(text.len() as u64 / 64)?;
        Ok(Value::Bool(find(text, part).is_some()))
    }),
    ("hasPrefix", TRUTH, |_, args| {
        Ok(Value::Bool(
            given::bytes(args, 1).starts_with(given::bytes(args, 0)),
        ))
    }),
    ("hasSuffix", TRUTH, |_, args| {
        Ok(Value::Bool(
            given::bytes(args, 1).ends_with(given::bytes(args, 0)),
        ))
    }),
    ("repeat", NUMBER, repeat),
    ("indent", NUMBER, |call, args| indent(call, args, b"")),
    ("nindent", NUMBER, |call, args| indent(call, args, b"\n")),
    ("trunc", NUMBER, trunc),
    ("substr", RANGE, substr),
    ("abbrev", NUMBER, |call, args| {
        let (most, text) = (given::int(args, 0), given::bytes(args, 1));
        let short = if most < 4 {
            text.to_vec()
        } else {
            width::abbreviated(text, 0, most)
        };
        made(call, &short)
    }),
    ("abbrevboth", RANGE, |call, args| {
        let (left, right) = (given::int(args, 0), given::int(args, 1));
        let text = given::bytes(args, 2);
        if right < 4 || left > 0 && right < 7 {
            return made(call, text);
        }
        made(call, &width::abbreviated(text, left, right))
    }),
    ("wrap", NUMBER, |call, args| {
        let text = width::wrapped(
            call.budget(),
            given::bytes(args, 1),
            given::int(args, 0),
            None,
        )?;
        Ok(Value::str(text))
    }),
    ("wrapWith", WRAP, |call, args| {
        let (text, with) = (given::bytes(args, 2), given::bytes(args, 1));
        let text = width::wrapped(call.budget(), text, given::int(args, 0), Some(with))?;
        Ok(Value::str(text))
    }),
    ("replace", THREE, replace),
    ("plural", PLURAL, |_, args| {
        let form = usize::from(given::int(args, 2) != 1);
        Ok(Value::Str(given::string(args, form)))
    }),
    ("quote", ALL, quoted),
    ("squote", ALL, single_quoted),
    ("cat", ALL, cat),
    ("toString", ANY, |call, args| {
        cast::text(args.first().unwrap_or(&Value::Nil), call.budget()).map(Value::Str)
    }),
    ("toStrings", LIST, |call, args| {
        strings(call, args.first()).map(Value::strings)
    }),
    ("join", JOIN, join),
    ("sortAlpha", LIST, sort_alpha),
    ("splitList", SPLIT_LIST, |call, args| {
        let parts = split(call, given::bytes(args, 1), given::bytes(args, 0), -1)?;
        Ok(Value::strings(parts))
    }),
    ("split", SPLIT, |call, args| {
        let parts = split(call, given::bytes(args, 1), given::bytes(args, 0), -1)?;
        Ok(numbered(parts))
    }),
    ("splitn", SPLIT_N, |call, args| {
        let count = given::int(args, 1);
        let parts = split(call, given::bytes(args, 2), given::bytes(args, 0), count)?;
        Ok(numbered(parts))
    }),
];

/// A text that was made, paid for.
fn made(call: &Call<'_>, text: &[u8]) -> Result<Value, Failure> {
    call.budget().bytes(text.len())?;
    Ok(Value::str(text))
}

/// The text without characters of a set at both ends.
fn trim(text: &[u8], is: impl Fn(char) -> bool) -> &[u8] {
    let mut start = 0;
    while let Some((_, length)) = unicode::decode(&text[start..]).filter(|it| is(it.0)) {
        start += length;
    }
    let mut end = text.len();
    while end > start {
        // The last character begins at most four bytes before the end.
        let from = (start.max(end.saturating_sub(4))..end)
            .find(|at| unicode::decode(&text[*at..end]).is_some_and(|it| at + it.1 == end))
            .unwrap_or(end - 1);
        match unicode::decode(&text[from..end]) {
            Some((c, _)) if is(c) => end = from,
            _ => break,
        }
    }
    &text[start..end]
}

fn repeat(call: &mut Call<'_>, args: &[Value]) -> Result<Value, Failure> {
    let text = given::bytes(args, 1);
    let text = repeated(call, text, given::int(args, 0))?;
    Ok(Value::str(text))
}

fn repeated(call: &Call<'_>, text: &[u8], count: i64) -> Result<Vec<u8>, Failure> {
    let Ok(count) = usize::try_from(count) else {
        return Err(Failure::new("strings: negative Repeat count"));
    };
    let length = count
        .checked_mul(text.len())
        .filter(|it| *it <= isize::MAX as usize);
    let Some(length) = length else {
        return Err(Failure::new("strings: Repeat output length overflow"));
    };
    call.budget().bytes(length)?;
    Ok(text.repeat(count))
}

/// Spaces in front of every line, empty ones included.
fn indent(call: &mut Call<'_>, args: &[Value], before: &[u8]) -> Result<Value, Failure> {
    let text = given::bytes(args, 1);
    let pad = repeated(call, b" ", given::int(args, 0))?;
    let lines = text.split(|it| *it == b'\n');
    let length = pad.len().saturating_mul(lines.clone().count());
    let length = length.saturating_add(text.len() + before.len());
    call.budget().bytes(length)?;
    let mut out = Vec::with_capacity(length);
    out.extend_from_slice(before);
    for (index, line) in lines.enumerate() {
        if index > 0 {
            out.push(b'\n');
        }
        out.extend_from_slice(&pad);
        out.extend_from_slice(line);
    }
    Ok(Value::str(out))
}

fn trunc(call: &mut Call<'_>, args: &[Value]) -> Result<Value, Failure> {
    let (count, text) = (given::int(args, 0), given::bytes(args, 1));
    let most = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
    match count {
        0.. => made(call, &text[..most.min(text.len())]),
        _ => made(call, &text[text.len().saturating_sub(most)..]),
    }
}

fn substr(call: &mut Call<'_>, args: &[Value]) -> Result<Value, Failure> {
    let (start, end) = (given::int(args, 0), given::int(args, 1));
    let text = given::bytes(args, 2);
    let length = text.len() as i64;
    let bounds =
        |what: String| Failure::new(format!("runtime error: slice bounds out of range {what}"));
    if start < 0 {
        return match end {
            0.. if end <= length => made(call, &text[..end as usize]),
            0.. => Err(bounds(format!("[:{end}] with length {length}"))),
            _ => Err(bounds(format!("[:{end}]"))),
        };
    }
    let end = if (0..=length).contains(&end) {
        end
    } else {
        length
    };
    match text.get(start as usize..end as usize) {
        Some(part) => made(call, part),
        None => Err(bounds(format!("[{start}:{end}]"))),
    }
}

fn replace(call: &mut Call<'_>, args: &[Value]) -> Result<Value, Failure> {
    let (old, new) = (given::bytes(args, 0), given::bytes(args, 1));
    let text = given::bytes(args, 2);
    call.budget().bytes(text.len())?;
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    if old.is_empty() {
        let count = unicode::count(text) + 1;
        call.budget().bytes(count.saturating_mul(new.len()))?;
        out.extend_from_slice(new);
        for (_, length) in unicode::Runes(text) {
            out.extend_from_slice(&rest[..length]);
            out.extend_from_slice(new);
            rest = &rest[length..];
        }
        return Ok(Value::str(out));
    }
    while let Some(at) = find(rest, old) {
        call.budget().bytes(new.len())?;
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(new);
        rest = &rest[at + old.len()..];
    }
    out.extend_from_slice(rest);
    Ok(Value::str(out))
}

fn quoted(call: &mut Call<'_>, args: &[Value]) -> Result<Value, Failure> {
    let mut out = Vec::new();
    for arg in args.iter().filter(|it| !matches!(it, Value::Nil)) {
        let text = cast::text(arg, call.budget())?;
        call.budget().bytes(text.len() * 4)?;
        if !out.is_empty() {
            out.push(b' ');
        }
        quote::quote(&text, quote::Escapes::Unprintable, &mut out);
    }
    Ok(Value::str(out))
}

fn single_quoted(call: &mut Call<'_>, args: &[Value]) -> Result<Value, Failure> {
    let mut out = Vec::new();
    for arg in args.iter().filter(|it| !matches!(it, Value::Nil)) {
        let text = format::sprint(std::slice::from_ref(arg), call.budget())?;
        if !out.is_empty() {
            out.push(b' ');
        }
        out.push(b'\'');
        out.extend_from_slice(&text);
        out.push(b'\'');
    }
    Ok(Value::str(out))
}

fn cat(call: &mut Call<'_>, args: &[Value]) -> Result<Value, Failure> {
    let mut out = Vec::new();
    let there = args.iter().filter(|it| !matches!(it, Value::Nil));
    for (index, arg) in there.enumerate() {
        if index > 0 {
            out.push(b' ');
        }
        out.extend_from_slice(&format::sprint(std::slice::from_ref(arg), call.budget())?);
    }
    Ok(Value::str(out))
}

/// The texts of a list's elements, without nothings; of any other value its own text.
fn strings(call: &Call<'_>, value: Option<&Value>) -> Result<Vec<Str>, Failure> {
    let list = match value {
        None | Some(Value::Nil) => return Ok(Vec::new()),
        Some(Value::List(list)) => list,
        Some(other) => return Ok(vec![cast::text(other, call.budget())?]),
    };
    call.budget().bytes(list.len() * size_of::<Value>())?;
    let there = list.iter().filter(|it| !matches!(it, Value::Nil));
    there.map(|it| cast::text(&it, call.budget())).collect()
}

fn join(call: &mut Call<'_>, args: &[Value]) -> Result<Value, Failure> {
    let with = given::bytes(args, 0);
    let parts = strings(call, args.get(1))?;
    let length = parts.iter().map(|it| it.len() + with.len()).sum();
    call.budget().bytes(length)?;
    let mut out = Vec::with_capacity(length);
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            out.extend_from_slice(with);
        }
        out.extend_from_slice(part);
    }
    Ok(Value::str(out))
}

fn sort_alpha(call: &mut Call<'_>, args: &[Value]) -> Result<Value, Failure> {
    let value = args.first().unwrap_or(&Value::Nil);
    if !matches!(value, Value::List(_)) {
        return Ok(Value::strings([cast::text(value, call.budget())?]));
    }
    let mut texts = strings(call, Some(value))?;
    texts.sort();
    Ok(Value::strings(texts))
}

/// The parts between separators; at most `count` of them unless it is negative. An empty separator parts all
/// characters.
fn split(call: &Call<'_>, text: &[u8], at: &[u8], count: i64) -> Result<Vec<Str>, Failure> {
    let most = usize::try_from(count).unwrap_or(usize::MAX);
    call.budget().bytes(text.len())?;
    if most == 0 {
        return Ok(Vec::new());
    }
    let mut parts = Vec::new();
    let mut rest = text;
    while parts.len() + 1 < most {
        let (end, after) = if at.is_empty() {
            match unicode::decode(rest) {
                Some((_, length)) if length < rest.len() => (length, length),
                _ => break,
            }
        } else {
            match find(rest, at) {
                Some(end) => (end, end + at.len()),
                None => break,
            }
        };
        call.budget().bytes(size_of::<Value>() * 2)?;
        parts.push(Str::from(&rest[..end]));
        rest = &rest[after..];
    }
    if !at.is_empty() || !rest.is_empty() {
        parts.push(Str::from(rest));
    }
    Ok(parts)
}

/// A map of parts under `_0`, `_1` and so on.
fn numbered(parts: Vec<Str>) -> Value {
    let pairs = parts.into_iter().enumerate();
    let pairs = pairs.map(|(index, it)| (Str::from(format!("_{index}")), Value::Str(it)));
    Value::Map(go_template::Map::from_pairs(&TEXTS, pairs.collect()))
}
