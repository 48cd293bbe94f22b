//! The output of `kustomize build`: data only, keys sorted, two spaces, lists level with their key.
//!
//! Upstream prints a node, reads that text, writes JSON, reads that as YAML 1.1 and prints again. The
//! same result comes out of one walk: every scalar gets the value it would have behind all that.
//!
//! Source: sigs.k8s.io/yaml v1.5 `yaml.go` `JSONToYAML`; go.yaml.in/yaml v2.4 `encode.go`.

use std::borrow::Cow;

use serde_json::Value as Json;

use super::analysis::Analysis;
use super::order::sort_by_key;
use super::printer::Printer;
use crate::node::Node;
use crate::resolve::{self, Rules, format_g};
use crate::value::{
    Context, Typed, expect_unique, field_name, go_float, root_fields, scalar_value,
};
use crate::{Error, Limits, Tag};

/// What a place in a tree holds, ready to print.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape<'a, S> {
    /// Nothing.
    Null,
    /// A boolean.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// An integer beyond `i64`.
    Uint(u64),
    /// A float that prints as one.
    Float(f64),
    /// A text.
    Text(Cow<'a, str>),
    /// A map, in any order.
    Map(Vec<(Cow<'a, str>, S)>),
    /// A list.
    List(Vec<S>),
}

impl<'a, S> Shape<'a, S> {
    /// A float behind JSON: one without a fraction is an integer.
    ///
    /// # Errors
    /// [`Error::Json`] for infinities.
    pub fn of_float(value: f64) -> Result<Self, Error> {
        float(value)
    }

    /// A text behind JSON.
    ///
    /// # Errors
    /// [`Error::Invalid`] for control characters that YAML does not allow.
    pub fn of_text(text: Cow<'a, str>) -> Result<Self, Error> {
        printable(text).map(Self::Text)
    }
}

/// A key behind JSON, as the second reader sees it: one that is too long or broken over lines is none.
///
/// # Errors
/// As [`Shape::of_text`], and [`Error::Syntax`].
pub fn key_text(text: Cow<'_, str>) -> Result<Cow<'_, str>, Error> {
    if text.len() <= LONGEST_KEY / 6 && text.is_ascii() {
        return printable(text);
    }
    let breaks = text.matches('\u{85}').count();
    let quoted = text.chars().fold(2, |length, char| {
        length
            + match char {
                '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
                '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\0'..'\u{20}' => 6,
                _ => 1,
            }
    });
    let text = printable(text)?;
    if breaks > 0 || quoted > LONGEST_KEY {
        return Err(Error::Syntax {
            line: breaks,
            problem: "did not find expected ',' or '}'".into(),
        });
    }
    Ok(text)
}

/// The longest distance between a key and its `:`, in characters.
const LONGEST_KEY: usize = 1024;

/// Something that prints as data.
pub trait Source<'a>: Sized {
    /// What is there.
    ///
    /// # Errors
    /// What cannot be printed.
    fn shape(self) -> Result<Shape<'a, Self>, Error>;
}

#[derive(Clone, Copy)]
struct Below<'a> {
    node: &'a Node,
    context: Context,
}

impl<'a> Source<'a> for Below<'a> {
    fn shape(self) -> Result<Shape<'a, Self>, Error> {
        let context = self.context.inside(self.node);
        let below = |node| Below { node, context };
        if self.node.is_mapping() {
            let mut fields = Vec::with_capacity(self.node.entries().len());
            if self.context == Context::Root {
                for (key, node) in root_fields(self.node)? {
                    fields.push((printable(key)?, below(node)));
                }
            } else {
                expect_unique(self.node)?;
                for entry in self.node.entries() {
                    let key = field_name(&entry.key)?;
                    fields.push((printable(key)?, below(&entry.value)));
                }
            }
            return Ok(Shape::Map(fields));
        }
        if self.node.is_sequence() {
            return Ok(Shape::List(self.node.items().iter().map(below).collect()));
        }
        Ok(match scalar_value(self.node, self.context)? {
            Typed::Null => Shape::Null,
            Typed::Bool(value) => Shape::Bool(value),
            Typed::Int(value) => Shape::Int(value),
            Typed::Uint(value) => Shape::Uint(value),
            Typed::Float(value) => float(value)?,
            Typed::Text(text) => Shape::Text(printable(text)?),
        })
    }
}

impl<'a> Source<'a> for &'a Json {
    fn shape(self) -> Result<Shape<'a, Self>, Error> {
        Ok(match self {
            Json::Null => Shape::Null,
            Json::Bool(value) => Shape::Bool(*value),
            Json::Number(number) => match (number.as_i64(), number.as_u64()) {
                (Some(value), _) => Shape::Int(value),
                (None, Some(value)) => Shape::Uint(value),
                (None, None) => float(number.as_f64().unwrap_or(f64::NAN))?,
            },
            Json::String(text) => Shape::Text(printable(Cow::Borrowed(text))?),
            Json::Array(items) => Shape::List(items.iter().collect()),
            Json::Object(map) => {
                let fields = map
                    .iter()
                    .map(|(key, value)| Ok((printable(Cow::Borrowed(key.as_str()))?, value)));
                Shape::Map(fields.collect::<Result<_, Error>>()?)
            }
        })
    }
}

fn float<'a, S>(value: f64) -> Result<Shape<'a, S>, Error> {
    Ok(match go_float(value)? {
        Json::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
            (Some(value), ..) => Shape::Int(value),
            (None, Some(value), _) => Shape::Uint(value),
            (.., Some(0.0)) => Shape::Int(0),
            (.., Some(value)) => Shape::Float(value),
            _ => Shape::Null,
        },
        _ => Shape::Null,
    })
}

/// A text behind JSON, as the second reader sees it: raw control characters are refused, and a raw
/// next-line character is a line break that folds away.
fn printable(text: Cow<'_, str>) -> Result<Cow<'_, str>, Error> {
    if text.bytes().all(|b| b < 0x7F) {
        return Ok(text);
    }
    let refused =
        |c: char| matches!(c, '\u{7F}'..='\u{84}' | '\u{86}'..='\u{9F}' | '\u{FFFE}' | '\u{FFFF}');
    if text.contains(refused) {
        return Err(Error::Invalid("control characters are not allowed".into()));
    }
    if text.contains('\u{85}') {
        return Ok(Cow::Owned(fold_next_lines(&text)));
    }
    Ok(text)
}

fn fold_next_lines(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut breaks = 0;
    let mut blanks = String::new();
    for char in text.chars() {
        match char {
            '\u{85}' => {
                blanks.clear();
                breaks += 1;
            }
            ' ' if breaks == 0 => blanks.push(' '),
            ' ' => {}
            _ => {
                out.push_str(&flush(&mut breaks, &mut blanks));
                out.push(char);
            }
        }
    }
    out.push_str(&flush(&mut breaks, &mut blanks));
    out
}

fn flush(breaks: &mut usize, blanks: &mut String) -> String {
    let blanks = std::mem::take(blanks);
    match std::mem::take(breaks) {
        0 => blanks,
        1 => " ".into(),
        more => "\n".repeat(more - 1),
    }
}

/// Whether a text is plain wherever it stands outside of brackets: most are, and need no analysis.
fn is_surely_plain(text: &str) -> bool {
    let bytes = text.as_bytes();
    let Some((&first, rest)) = bytes.split_first() else {
        return false;
    };
    if !first.is_ascii_alphabetic() && !matches!(first, b'/' | b'_') {
        return false;
    }
    let mut before = first;
    for &byte in rest {
        match (before, byte) {
            (_, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'/' | b'_') => {}
            (b':', b' ') | (b' ', b'#') => return false,
            (_, b' '..=b'~') => {}
            _ => return false,
        }
        before = byte;
    }
    !matches!(before, b' ' | b':') && resolve::plain(text, Rules::V2).0 == Tag::Str
}

/// Where a node stands: decides layout and quoting.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Value,
    Item,
    Root,
}

struct Writer<'a, 'b> {
    printer: Printer<'b>,
    depth: usize,
    marker: std::marker::PhantomData<&'a ()>,
}

impl Node {
    /// Appends the node as `kustomize build` prints an object. Several are joined by `---` lines.
    ///
    /// # Errors
    /// [`Error::Unmarshal`] for duplicate keys, [`Error::Json`] for keys that are not strings,
    /// [`Error::Invalid`] for a tag that contradicts its text.
    pub fn to_output(&self, out: &mut String) -> Result<(), Error> {
        match self.settled()? {
            Some(settled) => settled.print_plain(out),
            None => self.print_plain(out),
        }
    }

    fn print_plain(&self, out: &mut String) -> Result<(), Error> {
        if self.is_scalar() && !self.is_null() {
            return Err(self.unmarshal_error(Error::Unmarshal(Vec::new())));
        }
        let context = Context::Root;
        print(
            Below {
                node: self,
                context,
            },
            out,
        )
        .map_err(|err| match err {
            Error::Unmarshal(_) => self.unmarshal_error(err),
            other => other,
        })
    }
}

/// Appends a JSON value as `kustomize build` prints it.
///
/// # Errors
/// [`Error::Invalid`] for control characters that YAML does not allow.
pub fn print_value(value: &Json, out: &mut String) -> Result<(), Error> {
    print(value, out)
}

/// Appends whatever is there as sigs.k8s.io/yaml prints it.
///
/// # Errors
/// Those of the source, and [`Error::Limit`] if it nests too deep.
pub fn print_source<'a, S: Source<'a>>(source: S, out: &mut String) -> Result<(), Error> {
    print(source, out)
}

fn print<'a, S: Source<'a>>(source: S, out: &mut String) -> Result<(), Error> {
    let mut writer = Writer {
        printer: Printer::new(out, Rules::V2),
        depth: 0,
        marker: std::marker::PhantomData,
    };
    writer.node(source, Place::Root)?;
    writer.printer.indent = 0;
    writer.printer.write_indent();
    Ok(())
}

impl<'a> Writer<'a, '_> {
    fn node<S: Source<'a>>(&mut self, source: S, place: Place) -> Result<(), Error> {
        match source.shape()? {
            Shape::Map(fields) if fields.is_empty() => self.printer.indicator("{}"),
            Shape::Map(fields) => self.mapping(fields, place)?,
            Shape::List(items) if items.is_empty() => self.printer.indicator("[]"),
            Shape::List(items) => self.sequence(items, place)?,
            Shape::Null => self.printer.plain("null", true, false),
            Shape::Bool(value) => {
                self.printer
                    .plain(if value { "true" } else { "false" }, true, false)
            }
            Shape::Int(value) => self.printer.plain(&value.to_string(), true, false),
            Shape::Uint(value) => self.printer.plain(&value.to_string(), true, false),
            Shape::Float(value) => self.printer.plain(&format_g(value), true, false),
            Shape::Text(text) => self.text(&text, false),
        }
        Ok(())
    }

    /// Enters a collection: its indentation is `indent`.
    fn enter(&mut self, indent: usize) -> Result<usize, Error> {
        self.depth += 1;
        if self.depth > Limits::DEPTH + 1 {
            return Err(Error::too_deep());
        }
        Ok(std::mem::replace(&mut self.printer.indent, indent))
    }

    fn leave(&mut self, indent: usize) {
        self.depth -= 1;
        self.printer.indent = indent;
    }

    fn mapping<S: Source<'a>>(
        &mut self,
        mut fields: Vec<(Cow<'a, str>, S)>,
        place: Place,
    ) -> Result<(), Error> {
        let below = match place {
            Place::Root => 0,
            _ => self.printer.indent + 2,
        };
        let outer = self.enter(below)?;
        sort_by_key(&mut fields, |(key, _)| key);
        for (key, value) in fields {
            self.printer.write_indent();
            self.key(&key);
            self.node(value, Place::Value)?;
        }
        self.leave(outer);
        Ok(())
    }

    fn key(&mut self, key: &str) {
        if key.len() <= 128 && is_surely_plain(key) {
            self.printer.word(key);
            self.printer.tight_indicator(":");
            return;
        }
        let multiline = Analysis::of(key, Rules::V2).multiline;
        if multiline || key.len() > 128 {
            self.printer.indention_indicator("?");
            self.text(key, false);
            self.printer.write_indent();
            self.printer.indention_indicator(":");
        } else {
            self.text(key, true);
            self.printer.tight_indicator(":");
        }
    }

    fn sequence<S: Source<'a>>(&mut self, items: Vec<S>, place: Place) -> Result<(), Error> {
        let level = place == Place::Value && !self.printer.indention;
        let below = match place {
            Place::Root => 0,
            _ if level => self.printer.indent,
            _ => self.printer.indent + 2,
        };
        let outer = self.enter(below)?;
        for item in items {
            self.printer.write_indent();
            self.printer.indention_indicator("-");
            self.node(item, Place::Item)?;
        }
        self.leave(outer);
        Ok(())
    }

    fn text(&mut self, text: &str, key: bool) {
        if is_surely_plain(text) && (key || self.printer.fits_after_space(text)) {
            self.printer.word(text);
            return;
        }
        let analysis = Analysis::of(text, Rules::V2);
        let printer = &mut self.printer;
        let outer = printer.indent;
        printer.indent += 2;
        let fold = !key;
        let stays_string =
            || resolve::plain(text, Rules::V2).0 == Tag::Str && !resolve::is_base_60(text);
        let may_block = analysis.block && !key;
        if text.contains('\n') && may_block {
            printer.indicator("|");
            printer.block_hints(text);
            printer.put_break();
            printer.literal_lines(text);
        } else if text.contains('\n') || key && analysis.multiline || !stays_string() {
            printer.double_quoted(text, fold);
        } else if analysis.block_plain {
            printer.plain(text, fold, analysis.multiline);
        } else if analysis.single_quoted {
            printer.single_quoted(text, fold, analysis.multiline);
        } else {
            printer.double_quoted(text, fold);
        }
        printer.indent = outer;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_surely_plain_is_found_plain_by_analysis() {
        let pieces = [
            "a", "Z", "9", " ", ":", "#", "-", "/", ",", "true", "y", "~", "\n", "'",
        ];
        let mut plain = 0;
        for number in 0..pieces.len().pow(4) {
            let places = (0..4).map(|at| number / pieces.len().pow(at) % pieces.len());
            let text: String = places.map(|place| pieces[place]).collect();
            for text in [text.as_str(), &text[text.len() / 2..]] {
                if !is_surely_plain(text) {
                    continue;
                }
                let analysis = Analysis::of(text, Rules::V2);
                assert!(analysis.block_plain && !analysis.multiline, "{text}");
                assert!(!resolve::is_base_60(text), "{text}");
                plain += 1;
            }
        }
        assert!(plain > 1000, "{plain}");
    }
}
