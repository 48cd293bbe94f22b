//! The strings extension. Positions count characters.
//!
//! Source: cel-go v0.26 `ext/strings.go`

use crate::error::Fault;
use crate::eval::{Evaluated, Evaluator};
use crate::value::Value;

pub(super) fn call(evaluator: &mut Evaluator<'_>, name: &str, args: &[Value]) -> Evaluated {
    use Value::{Int, List, String as Text};
    match (name, args) {
        ("charAt", [Text(text), Int(at)]) => char_at(text, *at),
        ("indexOf", [Text(text), Text(part)]) => index_of(text, part, 0),
        ("indexOf", [Text(text), Text(part), Int(from)]) => index_of(text, part, *from),
        ("lastIndexOf", [Text(text), Text(part)]) => {
            let length = count(text);
            match (part.is_empty(), text.len() < part.len()) {
                (true, _) => Ok(Int(length)),
                (_, true) => Ok(Int(-1)),
                _ => last_index_of(text, part, length - 1),
            }
        }
        ("lastIndexOf", [Text(text), Text(part), Int(from)]) => last_index_of(text, part, *from),
        ("lowerAscii", [Text(text)]) => Ok(Value::text(&text.to_ascii_lowercase())),
        ("upperAscii", [Text(text)]) => Ok(Value::text(&text.to_ascii_uppercase())),
        ("trim", [Text(text)]) => Ok(Value::text(text.trim_matches(is_space))),
        ("reverse", [Text(text)]) => Ok(Value::text(&text.chars().rev().collect::<String>())),
        ("replace", [Text(text), Text(old), Text(new)]) => replace(evaluator, text, (old, new), -1),
        ("replace", [Text(text), Text(old), Text(new), Int(count)]) => {
            replace(evaluator, text, (old, new), *count)
        }
        ("split", [Text(text), Text(separator)]) => split(evaluator, text, separator, -1),
        ("split", [Text(text), Text(separator), Int(count)]) => {
            split(evaluator, text, separator, *count)
        }
        ("substring", [Text(text), Int(from)]) => {
            let length = count(text);
            if !(0..=length).contains(from) {
                return Err(out_of_range(*from));
            }
            substring(text, *from, length)
        }
        ("substring", [Text(text), Int(from), Int(to)]) => substring(text, *from, *to),
        ("join", [List(items)]) => join(evaluator, items, ""),
        ("join", [List(items), Text(separator)]) => join(evaluator, items, separator),
        ("strings.quote", [Text(text)]) => Ok(Value::text(&quote(text))),
        _ => Err(super::not_for(name, args)),
    }
}

fn count(text: &str) -> i64 {
    i64::try_from(text.chars().count()).unwrap_or(i64::MAX)
}

fn out_of_range(at: i64) -> Fault {
    Fault::new(format!("index out of range: {at}"))
}

/// Spaces of Unicode, as Go has them.
fn is_space(c: char) -> bool {
    c.is_whitespace()
}

/// The byte where the character of that number begins; the end for the number after the last.
fn byte_at(text: &str, at: i64) -> Option<usize> {
    let at = usize::try_from(at).ok()?;
    let starts = text.char_indices().map(|(byte, _)| byte);
    starts.chain([text.len()]).nth(at)
}

fn char_at(text: &str, at: i64) -> Evaluated {
    let byte = byte_at(text, at).ok_or_else(|| out_of_range(at))?;
    let c = text[byte..].chars().next();
    Ok(Value::text(&c.map(String::from).unwrap_or_default()))
}

fn index_of(text: &str, part: &str, from: i64) -> Evaluated {
    if part.is_empty() {
        return Ok(Value::Int(from));
    }
    if from < 0 {
        return Err(out_of_range(from));
    }
    let Some(start) = byte_at(text, from) else {
        return Ok(Value::Int(-1));
    };
    let found = text[start..].find(part);
    Ok(Value::Int(
        found.map_or(-1, |at| count(&text[..start + at])),
    ))
}

fn last_index_of(text: &str, part: &str, from: i64) -> Evaluated {
    if part.is_empty() {
        return Ok(Value::Int(from));
    }
    if from < 0 {
        return Err(out_of_range(from));
    }
    if from >= count(text) {
        return Ok(Value::Int(-1));
    }
    let start = byte_at(text, from).unwrap_or(text.len());
    // What begins at `start` or before it ends at most this far.
    let end = text.floor_char_boundary((start + part.len()).min(text.len()));
    let found = text[..end].rfind(part);
    Ok(Value::Int(found.map_or(-1, |at| count(&text[..at]))))
}

fn substring(text: &str, from: i64, to: i64) -> Evaluated {
    if from > to {
        return Err(Fault::new(format!(
            "invalid substring range. start: {from}, end: {to}"
        )));
    }
    let start = byte_at(text, from).ok_or_else(|| out_of_range(from))?;
    let end = byte_at(text, to).ok_or_else(|| out_of_range(to))?;
    Ok(Value::text(&text[start..end]))
}

/// The first `limit` of them; all where it is negative.
fn limit_of(limit: i64) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}

fn replace(
    evaluator: &mut Evaluator<'_>,
    text: &str,
    (old, new): (&str, &str),
    limit: i64,
) -> Evaluated {
    let limit = limit_of(limit);
    let found = if old.is_empty() {
        text.chars().count() + 1
    } else {
        text.matches(old).take(limit).count()
    };
    evaluator.spend(found.min(limit).saturating_mul(new.len() / 8 + 1))?;
    Ok(Value::text(&text.replacen(old, new, limit)))
}

fn split(evaluator: &mut Evaluator<'_>, text: &str, separator: &str, limit: i64) -> Evaluated {
    let limit = limit_of(limit);
    let parts: Vec<&str> = if limit == 0 {
        Vec::new()
    } else if separator.is_empty() {
        // Character by character; the last part is what is left.
        let starts: Vec<usize> = text.char_indices().map(|(at, _)| at).take(limit).collect();
        let ends = starts.iter().skip(1).copied().chain([text.len()]);
        starts
            .iter()
            .zip(ends)
            .map(|(from, to)| &text[*from..to])
            .collect()
    } else {
        text.splitn(limit, separator).collect()
    };
    evaluator.spend(parts.len())?;
    Ok(Value::list(parts.into_iter().map(Value::text).collect()))
}

fn join(evaluator: &mut Evaluator<'_>, items: &[Value], separator: &str) -> Evaluated {
    let mut joined = String::new();
    for (index, item) in items.iter().enumerate() {
        let Value::String(text) = item else {
            let shown = item.shown();
            return Err(Fault::new(format!("join: invalid input: {shown}")));
        };
        evaluator.spend((text.len() + separator.len()) / 8)?;
        if index > 0 {
            joined.push_str(separator);
        }
        joined.push_str(text);
    }
    Ok(Value::text(&joined))
}

fn quote(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '\u{7}' => quoted.push_str("\\a"),
            '\u{8}' => quoted.push_str("\\b"),
            '\u{c}' => quoted.push_str("\\f"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\u{b}' => quoted.push_str("\\v"),
            '\\' => quoted.push_str("\\\\"),
            '"' => quoted.push_str("\\\""),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}
