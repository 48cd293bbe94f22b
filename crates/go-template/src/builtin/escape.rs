//! `html`, `js`, `urlquery`.

use crate::unicode::{self, is_print};
use crate::{Budget, Failure, Str, Value, format};

/// All arguments as one text.
pub(super) fn joined(args: Vec<Value>, budget: &Budget<'_>) -> Result<Str, Failure> {
    if let [Value::Str(text)] = args.as_slice() {
        return Ok(text.clone());
    }
    // What is nothing prints as an action would print it.
    let printable = |it| match it {
        Value::Nil => Value::str("<no value>"),
        other => other,
    };
    let args: Vec<Value> = args.into_iter().map(printable).collect();
    format::sprint(&args, budget)
}

pub(super) fn html(text: &Str, budget: &Budget<'_>) -> Result<Str, Failure> {
    let mut out = Vec::with_capacity(text.len());
    for &byte in text.iter() {
        match byte {
            0 => out.extend_from_slice("\u{FFFD}".as_bytes()),
            b'"' => out.extend_from_slice(b"&#34;"),
            b'\'' => out.extend_from_slice(b"&#39;"),
            b'&' => out.extend_from_slice(b"&amp;"),
            b'<' => out.extend_from_slice(b"&lt;"),
            b'>' => out.extend_from_slice(b"&gt;"),
            other => out.push(other),
        }
    }
    budget.bytes(out.len())?;
    Ok(Str::from(out))
}

pub(super) fn js(text: &Str, budget: &Budget<'_>) -> Result<Str, Failure> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest: &[u8] = text;
    while let Some((c, length)) = unicode::decode(rest) {
        match c {
            '\\' => out.extend_from_slice(br"\\"),
            '\'' => out.extend_from_slice(br"\'"),
            '"' => out.extend_from_slice(br#"\""#),
            '<' | '>' | '&' | '=' | '\0'..='\x1f' => {
                out.extend_from_slice(format!("\\u{:04X}", u32::from(c)).as_bytes());
            }
            // A byte that is no character is printed like U+FFFD, which it is read as, but as it was.
            c if c.is_ascii() || is_print(c) => out.extend_from_slice(&rest[..length]),
            c => out.extend_from_slice(format!("\\u{:04X}", u32::from(c)).as_bytes()),
        }
        rest = &rest[length..];
    }
    budget.bytes(out.len())?;
    Ok(Str::from(out))
}

pub(super) fn url_query(text: &Str, budget: &Budget<'_>) -> Result<Str, Failure> {
    let mut out = Vec::with_capacity(text.len());
    for &byte in text.iter() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(byte),
            b' ' => out.push(b'+'),
            other => out.extend_from_slice(format!("%{other:02X}").as_bytes()),
        }
    }
    budget.bytes(out.len())?;
    Ok(Str::from(out))
}
