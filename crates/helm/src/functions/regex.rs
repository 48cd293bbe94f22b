//! The `regex` functions: RE2's syntax, in time linear to the text.
//!
//! Source: sprig v3.3.0 `regex.go`

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use go_regex::{Finder, Meter, Regex};
use go_template::{Budget, Failure, Functions, List, Origin, Signature, Str, Type, Value, quote};

use super::given;

/// How many compiled patterns are kept at most.
const KEPT: usize = 64;

/// The bytes that a compiled pattern may take.
const SIZE: usize = 16 << 20;

/// The rendering's budget, which pays for searches.
struct Paid<'a>(&'a Budget<'a>);

impl Meter for Paid<'_> {
    type Error = Failure;

    fn steps(&self, steps: u64) -> Result<(), Failure> {
        self.0.steps(steps)
    }

    fn bytes(&self, bytes: usize) -> Result<(), Failure> {
        self.0.bytes(bytes)
    }

    fn bytes_left(&self) -> usize {
        self.0.bytes_left()
    }
}

/// Compiles what a chart gives.
///
/// # Errors
/// Go's text.
pub(crate) fn compile(text: &[u8]) -> Result<Regex, go_regex::Error> {
    Regex::within(SIZE, text)
}

/// Compiled patterns by their texts, shared by the functions of a rendering.
#[derive(Clone, Default)]
struct Patterns(Arc<Mutex<HashMap<Str, Regex>>>);

impl Patterns {
    /// The compiled pattern.
    ///
    /// # Errors
    /// Go's text, or the budget.
    fn get(&self, text: &Str, budget: &Budget<'_>) -> Result<Regex, Failure> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pattern) = kept.get(text) {
            return Ok(pattern.clone());
        }
        budget.bytes(text.len())?;
        budget.steps(1000)?;
        let pattern = compile(text).map_err(|error| Failure::new(error.to_string()))?;
        budget.bytes(pattern.memory())?;
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(text.clone(), pattern.clone());
        Ok(pattern)
    }
}

/// A function's work on a compiled pattern.
type Body = fn(&Regex, &[Value], &Budget<'_>) -> Result<Value, Failure>;

pub(super) fn register(functions: &mut Functions) {
    const TWO: &[Type] = &[Type::String, Type::String];
    const THREE: &[Type] = &[Type::String, Type::String, Type::String];
    const COUNT: &[Type] = &[Type::String, Type::String, Type::INT];
    let patterns = Patterns::default();
    let rows: [(&str, &str, &'static [Type], &'static Type, Body); 6] = [
        ("regexMatch", "mustRegexMatch", TWO, &Type::Bool, matches),
        ("regexFind", "mustRegexFind", TWO, &Type::String, find),
        (
            "regexFindAll",
            "mustRegexFindAll",
            COUNT,
            &Type::STRINGS,
            find_all,
        ),
        ("regexSplit", "mustRegexSplit", COUNT, &Type::STRINGS, split),
        (
            "regexReplaceAll",
            "mustRegexReplaceAll",
            THREE,
            &Type::String,
            replace,
        ),
        (
            "regexReplaceAllLiteral",
            "mustRegexReplaceAllLiteral",
            THREE,
            &Type::String,
            replace_literal,
        ),
    ];
    for (name, must, params, result, body) in rows {
        let signature = Signature::new(params, result);
        let swallows = name == "regexMatch";
        let own = patterns.clone();
        functions.add(name, signature, move |call, args| {
            let text = given::string(args, 0);
            match own.get(&text, call.budget()) {
                Ok(pattern) => body(&pattern, args, call.budget()),
                Err(failure) if failure.origin() == Origin::Budget => Err(failure),
                Err(_) if swallows => Ok(Value::Bool(false)),
                Err(failure) => Err(Failure::new(panic(&text, &failure))),
            }
        });
        let own = patterns.clone();
        functions.add(must, signature, move |call, args| {
            let pattern = own.get(&given::string(args, 0), call.budget())?;
            body(&pattern, args, call.budget())
        });
    }
    let signature = Signature::new(&[Type::String], &Type::String);
    functions.add("regexQuoteMeta", signature, |call, args| {
        let text = given::bytes(args, 0);
        call.budget().bytes(text.len() * 2)?;
        let mut out = Vec::with_capacity(text.len());
        for byte in text {
            if b"\\.+*?()|[]{}^$".contains(byte) {
                out.push(b'\\');
            }
            out.push(*byte);
        }
        Ok(Value::Str(Str::from(out)))
    });
}

/// What `regexp.MustCompile` panics with.
fn panic(text: &Str, failure: &Failure) -> String {
    let shown = if quote::can_backquote(text) {
        format!("`{}`", text.lossy())
    } else {
        quote::quoted(text)
    };
    format!("regexp: Compile({shown}): {failure}")
}

/// The search in the second argument.
fn finder<'a>(
    pattern: &'a Regex,
    args: &'a [Value],
    budget: &'a Budget<'a>,
) -> Result<Finder<'a, Paid<'a>>, Failure> {
    pattern.finder(given::bytes(args, 1), Paid(budget))
}

fn matches(pattern: &Regex, args: &[Value], budget: &Budget<'_>) -> Result<Value, Failure> {
    let found = finder(pattern, args, budget)?.find();
    Ok(Value::Bool(found.is_some()))
}

fn find(pattern: &Regex, args: &[Value], budget: &Budget<'_>) -> Result<Value, Failure> {
    let text = given::bytes(args, 1);
    let finder = pattern.finder(text, Paid(budget))?;
    let found = finder.find();
    Ok(Value::str(found.map_or(&b""[..], |it| &text[it])))
}

fn strings(parts: &[&[u8]], budget: &Budget<'_>) -> Result<Value, Failure> {
    budget.bytes(parts.iter().map(|it| it.len() + 32).sum())?;
    Ok(Value::strings(parts.iter().map(|it| Str::from(*it))))
}

fn find_all(pattern: &Regex, args: &[Value], budget: &Budget<'_>) -> Result<Value, Failure> {
    let text = given::bytes(args, 1);
    let finder = pattern.finder(text, Paid(budget))?;
    let found = finder.find_all(given::int(args, 2))?;
    if found.is_empty() {
        return Ok(Value::List(List::nil(&Type::STRINGS)));
    }
    let parts: Vec<&[u8]> = found.into_iter().map(|it| &text[it]).collect();
    strings(&parts, budget)
}

fn split(pattern: &Regex, args: &[Value], budget: &Budget<'_>) -> Result<Value, Failure> {
    let text = given::bytes(args, 1);
    let count = given::int(args, 2);
    if count == 0 {
        return Ok(Value::List(List::nil(&Type::STRINGS)));
    }
    if !given::bytes(args, 0).is_empty() && text.is_empty() {
        return strings(&[b""], budget);
    }
    let finder = pattern.finder(text, Paid(budget))?;
    let mut parts: Vec<&[u8]> = Vec::new();
    let (mut begin, mut end) = (0, 0);
    for found in finder.find_all(count)? {
        if count > 0 && parts.len() as i64 == count - 1 {
            break;
        }
        end = found.start;
        if found.end != 0 {
            parts.push(&text[begin..end]);
        }
        begin = found.end;
    }
    if end != text.len() {
        parts.push(&text[begin..]);
    }
    strings(&parts, budget)
}

fn replace(pattern: &Regex, args: &[Value], budget: &Budget<'_>) -> Result<Value, Failure> {
    let finder = finder(pattern, args, budget)?;
    let out = finder.replace_all(given::bytes(args, 2), true)?;
    Ok(Value::Str(Str::from(out)))
}

fn replace_literal(pattern: &Regex, args: &[Value], budget: &Budget<'_>) -> Result<Value, Failure> {
    let finder = finder(pattern, args, budget)?;
    let out = finder.replace_all(given::bytes(args, 2), false)?;
    Ok(Value::Str(Str::from(out)))
}
