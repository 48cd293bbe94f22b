//! Sections as INI text.
//!
//! Source: sops v3.13 `stores/ini/store.go` `encodeTree`; gopkg.in/ini.v1 v1.67.3 `writeToBuffer`.

use std::collections::HashMap;

use crate::tree::{Branch, Item, Key, Value};

struct Line {
    name: String,
    value: String,
    comment: String,
}

pub(crate) fn write(branches: &[Branch]) -> Result<Vec<u8>, String> {
    let failed = |why: String| format!("Error marshaling to INI: {why}");
    let mut out = String::new();
    let items = branches.iter().flatten();
    let sections: Vec<(&str, &Item)> = items
        .filter_map(|item| match &item.key {
            Key::Comment(_) => None,
            Key::Text(name) | Key::Other(_, name) => Some((name.as_str(), item)),
        })
        .collect();
    for (position, (name, item)) in sections.iter().enumerate() {
        let Value::Branch(branch) = &item.value else {
            return Err(failed(
                "Error encoding section: Section values should always be TreeBranches".to_owned(),
            ));
        };
        if name.is_empty() {
            return Err(failed(
                "Error encoding section : empty section name".to_owned(),
            ));
        }
        let (comment, lines) = lines(branch).map_err(failed)?;
        if !comment.is_empty() {
            remark(&comment, str::to_owned, &mut out);
        }
        let headless = position == 0 && name.eq_ignore_ascii_case(super::DEFAULT);
        if headless && lines.is_empty() {
            continue;
        }
        if !headless {
            out.push('[');
            out.push_str(name);
            out.push_str("]\n");
        }
        let width = lines
            .iter()
            .map(|line| aligned(&line.name))
            .max()
            .unwrap_or(0);
        for line in &lines {
            pair(line, width, &mut out);
        }
        if position + 1 < sections.len() {
            out.push('\n');
        }
    }
    Ok(out.into_bytes())
}

/// A section's comment and keys; a comment behind a key is written before it.
fn lines(branch: &[Item]) -> Result<(String, Vec<Line>), String> {
    let mut items = branch.iter().peekable();
    let mut section = String::new();
    if let Some(Item {
        key: Key::Comment(comment),
        ..
    }) = items.peek()
    {
        section = String::from_utf8_lossy(&comment.text).into_owned();
        items.next();
    }
    let mut lines: Vec<Line> = Vec::new();
    let mut places = HashMap::new();
    let mut last = None;
    for item in items {
        match &item.key {
            Key::Comment(comment) => {
                if let Some(line) = last.and_then(|at: usize| lines.get_mut(at)) {
                    line.comment = String::from_utf8_lossy(&comment.text).into_owned();
                }
            }
            Key::Text(name) | Key::Other(_, name) => {
                if name.is_empty() {
                    return Err(
                        "Error encoding key: error creating new key: empty key name".to_owned()
                    );
                }
                let value = String::from_utf8_lossy(&item.value.to_text()).into_owned();
                let at = *places.entry(name.as_str()).or_insert(lines.len());
                last = Some(at);
                match lines.get_mut(at) {
                    Some(line) => line.value = value,
                    None => lines.push(Line {
                        name: name.clone(),
                        value,
                        comment: String::new(),
                    }),
                }
            }
        }
    }
    Ok((section, lines))
}

fn remark(comment: &str, tidy: impl Fn(&str) -> String, out: &mut String) {
    for line in comment.split('\n') {
        match line.as_bytes().first() {
            Some(b'#' | b';') => {
                out.push_str(&line[..1]);
                out.push(' ');
                out.push_str(line[1..].trim());
            }
            _ => {
                out.push_str("; ");
                out.push_str(&tidy(line));
            }
        }
        out.push('\n');
    }
}

/// How wide a key is with its quotes.
fn aligned(name: &str) -> usize {
    if name.contains(['"', '=', ':']) {
        name.len() + 2
    } else if name.contains('`') {
        name.len() + 6
    } else {
        name.len()
    }
}

fn pair(line: &Line, width: usize, out: &mut String) {
    let Line {
        name,
        value,
        comment,
    } = line;
    if !comment.is_empty() {
        remark(comment, |text| text.trim().to_owned(), out);
    }
    if name.contains(['"', '=', ':']) {
        out.extend(["`", name, "`"]);
    } else if name.contains('`') {
        out.extend(["\"\"\"", name, "\"\"\""]);
    } else {
        out.push_str(name);
    }
    out.extend(std::iter::repeat_n(' ', width - aligned(name)));
    out.push_str(" = ");
    if value.contains(['\n', '`']) {
        out.extend(["\"\"\"", value, "\"\"\""]);
    } else if value.contains(['#', ';']) {
        out.extend(["`", value, "`"]);
    } else if value.trim().len() != value.len() {
        out.extend(["\"", value, "\""]);
    } else {
        out.push_str(value);
    }
    out.push('\n');
}
