//! `'…'.format([…])`.
//!
//! Source: cel-go v0.26 `ext/formatting_v2.go`

use super::numbers;
use crate::error::Fault;
use crate::eval::{Evaluated, Evaluator};
use crate::time;
use crate::value::{Key, Value};

/// Digits where none are asked for.
const PRECISION: usize = 6;

/// Digits that may be asked for.
const MOST_DIGITS: usize = 1_000;

pub(super) fn format(evaluator: &mut Evaluator<'_>, text: &str, args: &[Value]) -> Evaluated {
    let mut out = String::new();
    let mut rest = text;
    let mut next = 0;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('%') {
            out.push('%');
            rest = after;
            continue;
        }
        let Some(arg) = args.get(next) else {
            return Err(Fault::new(format!("index {next} out of range")));
        };
        if rest.is_empty() {
            return Err(Fault::new("unexpected end of string"));
        }
        next += 1;
        let (precision, clause) = precision(rest)?;
        let mut chars = clause.chars();
        let verb = chars.next().unwrap_or(char::REPLACEMENT_CHARACTER);
        let before = out.len();
        render(evaluator, &mut out, (verb, precision), arg)?;
        evaluator.spend((out.len() - before) / 8 + 1)?;
        rest = chars.as_str();
    }
    out.push_str(rest);
    Ok(Value::text(&out))
}

fn unparsed(message: impl std::fmt::Display) -> Fault {
    Fault::new(format!("could not parse formatting clause: {message}"))
}

fn precision(text: &str) -> Result<(usize, &str), Fault> {
    let Some(digits) = text.strip_prefix('.') else {
        return Ok((PRECISION, text));
    };
    let Some(end) = digits.find(|c: char| !c.is_ascii_digit()) else {
        return Err(unparsed(
            "error while parsing precision: could not find end of precision specifier",
        ));
    };
    let (digits, rest) = digits.split_at(end);
    let failed = |why: &str| {
        unparsed(format!(
            "error while parsing precision: error while converting precision to integer: strconv.Atoi: parsing \"{digits}\": {why}"
        ))
    };
    if digits.is_empty() {
        return Err(failed("invalid syntax"));
    }
    let precision: usize = digits.parse().map_err(|_| failed("value out of range"))?;
    if precision > MOST_DIGITS {
        return Err(unparsed(format!("precision {precision} is too large")));
    }
    Ok((precision, rest))
}

fn render(
    evaluator: &mut Evaluator<'_>,
    out: &mut String,
    (verb, precision): (char, usize),
    arg: &Value,
) -> Result<(), Fault> {
    let text = match verb {
        's' => return plain(evaluator, out, arg),
        'd' => match arg {
            Value::Int(_) | Value::Uint(_) | Value::Double(_) => return plain(evaluator, out, arg),
            _ => None,
        },
        'f' => match arg {
            Value::Double(value) if value.is_finite() => Some(format!("{value:.precision$}")),
            Value::Double(value) => Some(infinite(*value).to_owned()),
            _ => misformatted(verb, arg, precision),
        },
        'e' => match arg {
            Value::Double(value) if value.is_finite() => {
                Some(numbers::scientific(*value, precision))
            }
            Value::Double(value) => Some(infinite(*value).to_owned()),
            _ => misformatted(verb, arg, precision),
        },
        'b' => match arg {
            Value::Bool(value) => Some(u8::from(*value).to_string()),
            _ => radix(arg, |sign, value| format!("{sign}{value:b}")),
        },
        'o' => radix(arg, |sign, value| format!("{sign}{value:o}")),
        'x' | 'X' => hex(arg, verb == 'X'),
        other => {
            return Err(unparsed(format!(
                "unrecognized formatting clause \"{other}\""
            )));
        }
    };
    match text {
        Some(text) => {
            out.push_str(&text);
            Ok(())
        }
        None => Err(refused(verb, arg)),
    }
}

/// What Go's fmt writes for a whole number with a verb for fractions.
fn misformatted(verb: char, arg: &Value, digits: usize) -> Option<String> {
    let (kind, sign, value) = match arg {
        Value::Int(value) => (
            "int64",
            if *value < 0 { "-" } else { "" },
            value.unsigned_abs(),
        ),
        Value::Uint(value) => ("uint64", "", *value),
        _ => return None,
    };
    Some(format!("%!{verb}({kind}={sign}{value:0digits$})"))
}

fn refused(verb: char, arg: &Value) -> Fault {
    let clause = match verb {
        'd' => "decimal clause can only be used on ints, uints, and doubles",
        'f' => "fixed-point clause can only be used on ints, uints, and doubles",
        'e' => "scientific clause can only be used on ints, uints, and doubles",
        'b' => "only ints, uints, and bools can be formatted as binary",
        'o' => "octal clause can only be used on ints and uints",
        's' => {
            "string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps"
        }
        _ => "only ints, uints, bytes, and strings can be formatted as hex",
    };
    let kind = arg.type_name();
    Fault::new(format!(
        "error during formatting: {clause}, was given {kind}"
    ))
}

fn infinite(value: f64) -> &'static str {
    if value.is_nan() {
        "NaN"
    } else if value > 0.0 {
        "Infinity"
    } else {
        "-Infinity"
    }
}

fn radix(arg: &Value, print: fn(&str, u64) -> String) -> Option<String> {
    match arg {
        Value::Int(value) if *value < 0 => Some(print("-", value.unsigned_abs())),
        Value::Int(value) => Some(print("", value.unsigned_abs())),
        Value::Uint(value) => Some(print("", *value)),
        _ => None,
    }
}

fn hex(arg: &Value, upper: bool) -> Option<String> {
    let text = match arg {
        Value::String(text) => bytes_as_hex(text.as_bytes()),
        Value::Bytes(bytes) => bytes_as_hex(bytes),
        other => radix(other, |sign, value| format!("{sign}{value:x}"))?,
    };
    Some(if upper { text.to_uppercase() } else { text })
}

fn bytes_as_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A value as text, lists and maps with what they hold.
fn plain(evaluator: &mut Evaluator<'_>, out: &mut String, arg: &Value) -> Result<(), Fault> {
    evaluator.spend(arg.weight() + 1)?;
    match arg {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(&value.to_string()),
        Value::Int(value) => out.push_str(&value.to_string()),
        Value::Uint(value) => out.push_str(&value.to_string()),
        Value::Double(value) if !value.is_finite() => out.push_str(infinite(*value)),
        Value::Double(value) => out.push_str(&numbers::decimal(*value)),
        Value::String(text) => out.push_str(text),
        Value::Bytes(bytes) => out.push_str(&String::from_utf8_lossy(bytes)),
        Value::Timestamp(nanos) => out.push_str(&time::rfc3339(*nanos)),
        Value::Duration(nanos) => out.push_str(&time::seconds(*nanos)),
        Value::Type(name) => out.push_str(name),
        Value::List(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { ", " });
                plain(evaluator, out, item)?;
            }
            out.push(']');
        }
        Value::Map(entries) => {
            let mut shown = Vec::with_capacity(entries.len());
            for (key, value) in entries.iter() {
                let (mut name, mut text) = (String::new(), String::new());
                plain(evaluator, &mut name, &Key::value(key))?;
                plain(evaluator, &mut text, value)?;
                shown.push((name, text));
            }
            shown.sort();
            let shown: Vec<String> = shown
                .into_iter()
                .map(|(name, text)| format!("{name}: {text}"))
                .collect();
            out.push('{');
            out.push_str(&shown.join(", "));
            out.push('}');
        }
        Value::Optional(_) => return Err(refused('s', arg)),
    }
    Ok(())
}
