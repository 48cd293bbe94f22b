//! From INI text to sections.
//!
//! Source: gopkg.in/ini.v1 v1.67.3 `parser.go`.

use std::collections::HashMap;

use super::DEFAULT;

/// A section in the order of the text.
#[derive(Debug, Default)]
pub(super) struct Section {
    pub(super) name: String,
    pub(super) comment: String,
    pub(super) keys: Vec<Pair>,
    places: HashMap<String, usize>,
}

/// A key of a section; a repeated one keeps its place and takes the last value.
#[derive(Debug)]
pub(super) struct Pair {
    pub(super) name: String,
    pub(super) value: String,
    pub(super) comment: String,
}

impl Section {
    fn new(name: &str) -> Result<Self, String> {
        if name.is_empty() {
            return Err("empty section name".to_owned());
        }
        Ok(Self {
            name: name.to_owned(),
            ..Self::default()
        })
    }

    fn set(&mut self, name: String, value: String, comment: String) -> Result<(), String> {
        if name.is_empty() {
            return Err("error creating new key: empty key name".to_owned());
        }
        let pair = Pair {
            name: name.clone(),
            value,
            comment,
        };
        match self.places.get(&name) {
            Some(at) => self.keys[*at] = pair,
            None => {
                self.places.insert(name, self.keys.len());
                self.keys.push(pair);
            }
        }
        Ok(())
    }
}

/// Reads all sections; the first is that of what stands before any header.
pub(super) fn sections(bytes: &[u8]) -> Result<Vec<Section>, String> {
    let bytes = match bytes {
        [0xEF, 0xBB, 0xBF, rest @ ..] | [0xFE, 0xFF, rest @ ..] | [0xFF, 0xFE, rest @ ..] => rest,
        all => all,
    };
    let text = String::from_utf8_lossy(bytes);
    let mut parser = Parser {
        rest: &text,
        comment: String::new(),
        count: 1,
    };
    let mut sections = Vec::new();
    let mut current = Section::new(DEFAULT)?;
    while let Some(line) = parser.line() {
        let line = line.trim_start();
        match line.as_bytes().first() {
            None => {}
            Some(b'#' | b';') => parser.comment.push_str(line),
            Some(b'[') => {
                let next = parser.header(line)?;
                sections.push(std::mem::replace(&mut current, next));
            }
            Some(_) => {
                let (name, value) = parser.pair(line)?;
                let comment = parser.take_comment();
                current.set(name, value, comment)?;
            }
        }
    }
    sections.push(current);
    Ok(sections)
}

struct Parser<'a> {
    rest: &'a str,
    comment: String,
    /// The number of the next key whose name is `-`.
    count: usize,
}

impl<'a> Parser<'a> {
    /// The next line with its break.
    fn line(&mut self) -> Option<&'a str> {
        if self.rest.is_empty() {
            return None;
        }
        let end = self.rest.find('\n').map_or(self.rest.len(), |at| at + 1);
        let (line, rest) = self.rest.split_at(end);
        self.rest = rest;
        Some(line)
    }

    fn take_comment(&mut self) -> String {
        std::mem::take(&mut self.comment).trim().to_owned()
    }

    fn header(&mut self, line: &str) -> Result<Section, String> {
        let end = line.rfind(']').ok_or("unclosed section")?;
        let mut section = Section::new(&line[1..end])?;
        let after = &line[end + 1..];
        if let Some(at) = after.find(['#', ';']) {
            self.comment.push_str(&after[at..]);
        }
        section.comment = self.take_comment();
        self.count = 1;
        Ok(section)
    }

    fn pair(&mut self, line: &str) -> Result<(String, String), String> {
        let (name, offset) = key_name(line)?;
        let name = if name == "-" {
            self.count += 1;
            format!("#{}", self.count - 1)
        } else {
            name.to_owned()
        };
        let value = self.value(line.get(offset..).unwrap_or_default())?;
        Ok((name, value))
    }

    fn value(&mut self, text: &str) -> Result<String, String> {
        let line = text.trim_start();
        let quote = match line.as_bytes() {
            [] => return Ok(String::new()),
            [b'"', b'"', b'"', _, ..] => "\"\"\"",
            [b'`', ..] => "`",
            _ => "",
        };
        if !quote.is_empty() {
            let body = &line[quote.len()..];
            return match body.rfind(quote) {
                Some(end) => Ok(body[..end].to_owned()),
                None => self.lines_until(body, quote),
            };
        }
        let mut line = line.trim_end();
        if let Some(before) = line.strip_suffix('\\') {
            return Ok(self.continued(before));
        }
        if let Some(at) = line.find(['#', ';']) {
            self.comment.push_str(&line[at..]);
            line = line[..at].trim();
        }
        let inner = ['\'', '"']
            .into_iter()
            .find_map(|quote| surrounded(line, quote));
        Ok(inner.unwrap_or(line).to_owned())
    }

    fn lines_until(&mut self, first: &str, quote: &str) -> Result<String, String> {
        let mut value = first.to_owned();
        loop {
            let next = self.line().ok_or("missing closing key quote")?;
            let Some(at) = next.rfind(quote) else {
                value.push_str(next);
                continue;
            };
            let after = next[at + quote.len()..].trim();
            if after.ends_with('\\') {
                value.push_str(next);
                continue;
            }
            value.push_str(&next[..at]);
            if let Some(comment) = next[at..].find(['#', ';']) {
                self.comment.push_str(next[at + comment..].trim());
            }
            return Ok(value);
        }
    }

    fn continued(&mut self, first: &str) -> String {
        let mut value = first.to_owned();
        while let Some(next) = self.line() {
            let next = next.trim();
            if next.is_empty() {
                break;
            }
            value.push_str(next);
            match value.strip_suffix('\\') {
                Some(before) => value.truncate(before.len()),
                None => break,
            }
        }
        value
    }
}

/// A line's key, and where its value begins.
fn key_name(line: &str) -> Result<(&str, usize), String> {
    let not_found = || "key-value delimiter not found".to_owned();
    let quote = match line.as_bytes() {
        [b'"', b'"', b'"', _, _, _, _, ..] => "\"\"\"",
        [b'"', ..] => "\"",
        [b'`', ..] => "`",
        _ => {
            return match line.find(['=', ':']) {
                None => Err(not_found()),
                Some(0) => Err("empty key name".to_owned()),
                Some(at) => Ok((line[..at].trim(), at + 1)),
            };
        }
    };
    let start = quote.len();
    let end = line[start..]
        .find(quote)
        .ok_or("missing closing key quote")?
        + start;
    let after = line.get(end + start..).unwrap_or_default();
    let delimiter = after.find(['=', ':']).ok_or_else(not_found)?;
    Ok((line[start..end].trim(), end + delimiter + start + 1))
}

/// What stands between quotes that occur nowhere else.
fn surrounded(line: &str, quote: char) -> Option<&str> {
    let inner = line.strip_prefix(quote)?.strip_suffix(quote)?;
    (!inner.contains(quote)).then_some(inner)
}
