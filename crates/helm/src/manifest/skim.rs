//! Heads of plainly written objects, without reading the rest of them as YAML.
//!
//! Nine tenths of what charts render is block YAML with one key a line. Whoever only wants the head of such a
//! document need not build it. What is taken here is so little of YAML that no such text can be wrong, and that
//! every head field in it is text; all else is nothing of ours, and [`Head::read`] reads it in full.

use go_template::{Map, Type};

use super::head::Head;

/// Documents above this are left to those who count.
const MOST_BYTES: usize = 1 << 20;
/// Collections within each other.
const MOST_DEPTH: usize = 40;
/// Collections in brackets within each other.
const MOST_FLOW: usize = 8;
/// A key, in bytes. YAML takes 1,024.
const LONGEST_KEY: usize = 200;

/// The head of a document, if it is written so plainly that nothing can be wrong with it.
pub(super) fn skim(document: &[u8]) -> Option<Head> {
    // Whole chunks, without a way out in between, are looked at many bytes at a time.
    let plain = |chunk: &[u8]| chunk.iter().fold(true, |all, byte| all & is_plain(*byte));
    if document.len() > MOST_BYTES || !document.chunks(256).all(plain) {
        return None;
    }
    let text = std::str::from_utf8(document).ok()?;
    let mut skimmer = Skimmer::default();
    let mut lines = Lines {
        rest: text,
        commented: false,
    };
    while let Some((column, content)) = lines.next_line() {
        skimmer.line(column, content, &mut lines)?;
    }
    (!skimmer.open.is_empty()).then_some(skimmer.head)
}

/// No control character, no tab, and no byte that may begin a line break or a mark beyond ASCII.
const fn is_plain(byte: u8) -> bool {
    matches!(byte, b'\n' | b' '..=b'~' | 0x80..=0xFF) && !matches!(byte, 0xC2 | 0xE2 | 0xEF)
}

/// Lines with something in them, and where they begin.
struct Lines<'t> {
    rest: &'t str,
    /// A comment was passed on the way to the last one.
    commented: bool,
}

impl<'t> Lines<'t> {
    /// The next line, whatever is in it.
    fn raw(&mut self) -> Option<&'t str> {
        if self.rest.is_empty() {
            return None;
        }
        let (line, rest) = self.rest.split_once('\n').unwrap_or((self.rest, ""));
        self.rest = rest;
        Some(line)
    }

    /// The next line that is neither blank nor a comment: its column, and what is in it.
    fn next_line(&mut self) -> Option<(usize, &'t str)> {
        self.commented = false;
        loop {
            let line = self.raw()?;
            let content = line.trim_matches(' ');
            if content.starts_with('#') {
                self.commented = true;
            } else if !content.is_empty() {
                return Some((column(line), content));
            }
        }
    }

    /// Passes the text of a block scalar below a collection at a column.
    fn skip_block(&mut self, parent: usize) -> Option<()> {
        let first = self.raw()?;
        // Blanks before the text may change where it begins.
        let indent = column(first);
        if first.trim_matches(' ').is_empty() || indent <= parent {
            return None;
        }
        loop {
            let before = self.rest;
            let Some(line) = self.raw() else {
                return Some(());
            };
            if column(line) < indent && !line.trim_matches(' ').is_empty() {
                self.rest = before;
                return (column(line) <= parent).then_some(());
            }
        }
    }
}

fn column(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

/// Where a collection stands in what is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Top,
    Metadata,
    Annotations,
    Elsewhere,
}

/// An open collection.
struct Open {
    column: usize,
    is_list: bool,
    place: Place,
    /// What is below the last key or dash, which had nothing behind it in its line.
    below: Option<Below>,
}

/// What may follow in deeper lines.
#[derive(Clone, Copy)]
enum Below {
    /// Any collection.
    Any,
    /// A map at this place.
    Map(Place),
}

/// A scalar without quotes, which deeper lines go on with.
struct Plain {
    /// The column of the collection that it is in.
    parent: usize,
    /// It is of no interest.
    other: bool,
}

#[derive(Default)]
struct Skimmer {
    open: Vec<Open>,
    /// What the last line ended in.
    plain: Option<Plain>,
    /// A line was taken.
    begun: bool,
    head: Head,
}

impl Skimmer {
    /// Takes a line that begins in a column.
    fn line(&mut self, column: usize, content: &str, lines: &mut Lines<'_>) -> Option<()> {
        if let Some(plain) = self.plain.take_if(|plain| plain.parent < column) {
            let goes_on = plain.other && !lines.commented && !ends_plain(content);
            self.plain = Some(plain);
            return goes_on.then_some(());
        }
        self.plain = None;
        while self.open.last().is_some_and(|top| top.column > column) {
            self.open.pop();
        }
        let Some(item) = content.strip_prefix('-') else {
            return self.entry(column, content, lines);
        };
        let after = item.trim_start_matches(' ');
        if !item.is_empty() && after.len() == item.len() {
            return None;
        }
        let list = self.open_list(column)?;
        if after.is_empty() {
            list.below = Some(Below::Any);
            return Some(());
        }
        if key_of(after).is_some() {
            list.below = Some(Below::Any);
            return self.entry(column + content.len() - after.len(), after, lines);
        }
        let found = scalar(after, column, lines)?;
        self.go_on(&found, column, true);
        Some(())
    }

    /// Remembers what deeper lines may go on with.
    fn go_on(&mut self, found: &Scalar<'_>, parent: usize, other: bool) {
        if matches!(found, Scalar::Plain { .. }) {
            self.plain = Some(Plain { parent, other });
        }
    }

    /// Takes a key, and what is behind it in its line.
    fn entry(&mut self, column: usize, content: &str, lines: &mut Lines<'_>) -> Option<()> {
        let Some((key, value)) = key_of(content) else {
            return self.value(column, content, lines);
        };
        let map = self.open_map(column)?;
        let field = Field::of(map.place, key)?;
        if value.is_empty() {
            map.below = Some(field.below()?);
            return field.set(&mut self.head, key, None);
        }
        let found = scalar(value, column, lines)?;
        self.go_on(&found, column, matches!(field, Field::Other | Field::Note));
        match (found, field) {
            (_, Field::Other)
            | (Scalar::Quoted(_) | Scalar::Plain { .. } | Scalar::Block, Field::Note) => Some(()),
            (
                Scalar::Quoted(text)
                | Scalar::Plain {
                    text,
                    is_text: true,
                },
                field,
            ) => field.set(&mut self.head, key, Some(text)),
            (Scalar::EmptyMap, field) => {
                field.below()?;
                field.set(&mut self.head, key, None)
            }
            _ => None,
        }
    }

    /// Takes a value in a line of its own, below its key or dash.
    fn value(&mut self, column: usize, content: &str, lines: &mut Lines<'_>) -> Option<()> {
        let top = self.open.last_mut().filter(|top| top.column < column)?;
        let (parent, below) = (top.column, top.below.take()?);
        match (scalar(content, parent, lines)?, below) {
            (Scalar::Block, _) => None,
            (Scalar::EmptyMap, _) => Some(()),
            (found, Below::Any) => {
                self.go_on(&found, parent, true);
                Some(())
            }
            (_, Below::Map(_)) => None,
        }
    }

    /// The list whose dashes are in a column.
    fn open_list(&mut self, column: usize) -> Option<&mut Open> {
        let top = self.open.last_mut()?;
        if !(top.is_list && top.column == column) {
            // A list may begin in the column of the key that it belongs to.
            match top.below.take()? {
                Below::Any => self.push(column, true, Place::Elsewhere)?,
                Below::Map(_) => return None,
            }
        }
        self.open.last_mut()
    }

    /// The map whose keys are in a column.
    fn open_map(&mut self, column: usize) -> Option<&mut Open> {
        let is_list = |top: &Open| top.is_list && top.column == column;
        if self.open.last().is_some_and(is_list) {
            self.open.pop();
        }
        match self.open.last_mut() {
            None if self.begun => return None,
            None => self.push(column, false, Place::Top)?,
            Some(top) if top.column == column => {}
            Some(top) => {
                let place = match top.below.take()? {
                    Below::Any => Place::Elsewhere,
                    Below::Map(place) => place,
                };
                self.push(column, false, place)?;
            }
        }
        self.begun = true;
        let top = self.open.last_mut()?;
        top.below = None;
        Some(top)
    }

    fn push(&mut self, column: usize, is_list: bool, place: Place) -> Option<()> {
        self.open.push(Open {
            column,
            is_list,
            place,
            below: None,
        });
        (self.open.len() <= MOST_DEPTH).then_some(())
    }
}

/// What a key stands for.
#[derive(Clone, Copy)]
enum Field {
    ApiVersion,
    Kind,
    Metadata,
    Name,
    Annotations,
    /// An annotation for Helm.
    Annotation,
    /// Another annotation, which has to be a scalar.
    Note,
    Other,
}

impl Field {
    /// Nothing for a key that differs from a field's in its case only, which Go takes for it all the same.
    fn of(place: Place, key: &str) -> Option<Self> {
        let fields: &[(&str, Self)] = match place {
            Place::Top => &[
                ("apiVersion", Self::ApiVersion),
                ("kind", Self::Kind),
                ("metadata", Self::Metadata),
            ],
            Place::Metadata => &[("name", Self::Name), ("annotations", Self::Annotations)],
            Place::Annotations if key.starts_with("helm.sh/") => return Some(Self::Annotation),
            Place::Annotations => return Some(Self::Note),
            Place::Elsewhere => return Some(Self::Other),
        };
        let mut alike = fields
            .iter()
            .filter(|(name, _)| name.eq_ignore_ascii_case(key));
        match alike.next() {
            Some((name, field)) => (*name == key).then_some(*field),
            None => Some(Self::Other),
        }
    }

    /// What may be in the lines below. Nothing for text, where null is not the same as no key.
    fn below(self) -> Option<Below> {
        match self {
            Self::Metadata => Some(Below::Map(Place::Metadata)),
            Self::Annotations => Some(Below::Map(Place::Annotations)),
            Self::Other => Some(Below::Any),
            Self::ApiVersion | Self::Kind | Self::Name | Self::Annotation | Self::Note => None,
        }
    }

    /// A later entry of the same key takes the place of an earlier one.
    fn set(self, head: &mut Head, key: &str, text: Option<&str>) -> Option<()> {
        match (self, text) {
            (Self::Other, _) => {}
            (Self::Metadata, None) => {
                head.name.clear();
                head.annotations = None;
            }
            (Self::Annotations, None) => head.annotations = None,
            (Self::ApiVersion, Some(text)) => text.clone_into(&mut head.api_version),
            (Self::Kind, Some(text)) => text.clone_into(&mut head.kind),
            (Self::Name, Some(text)) => text.clone_into(&mut head.name),
            (Self::Annotation, Some(text)) => {
                let map = head.annotations.get_or_insert_with(|| Map::new(&Type::MAP));
                map.insert(key.into(), text.into());
            }
            _ => return None,
        }
        Some(())
    }
}

/// A key that is text in a line, and what stands behind its colon.
fn key_of(content: &str) -> Option<(&str, &str)> {
    let in_key = |byte: u8| byte.is_ascii_alphanumeric() || b"_./-".contains(&byte);
    let (key, rest) = match content.strip_prefix(['"', '\'']) {
        Some(inner) => {
            let (key, rest) = inner.split_once(&content[..1])?;
            (key, rest.strip_prefix(':')?)
        }
        None => content.split_once(':').filter(|(key, _)| {
            let text = key.starts_with(|first: char| first.is_ascii_alphabetic());
            text && !key.eq_ignore_ascii_case("null")
        })?,
    };
    let plain = (1..=LONGEST_KEY).contains(&key.len())
        && key.bytes().all(in_key)
        && (rest.is_empty() || rest.starts_with(' '));
    plain.then_some((key, rest.trim_start_matches(' ')))
}

/// What stands behind a key or a dash.
enum Scalar<'t> {
    /// Text in quotes.
    Quoted(&'t str),
    /// Text without quotes, and whether nobody takes it for anything else.
    Plain { text: &'t str, is_text: bool },
    /// `{}`.
    EmptyMap,
    /// `[]`.
    EmptyList,
    /// A block of text.
    Block,
    /// A collection in brackets.
    Flow,
}

/// Reads a value that is complete in its line, or that is a block of text below a collection at a column.
fn scalar<'t>(value: &'t str, parent: usize, lines: &mut Lines<'_>) -> Option<Scalar<'t>> {
    let (first, rest) = value.split_at_checked(1)?;
    match first {
        "\"" | "'" => {
            let text = rest.strip_suffix(first)?;
            (!text.contains(['\\', '"', '\''])).then_some(Scalar::Quoted(text))
        }
        "|" | ">" => {
            if !matches!(rest, "" | "-" | "+") {
                return None;
            }
            lines.skip_block(parent)?;
            Some(Scalar::Block)
        }
        _ if value == "{}" => Some(Scalar::EmptyMap),
        _ if value == "[]" => Some(Scalar::EmptyList),
        "{" | "[" => flow(value, MOST_FLOW)?.is_empty().then_some(Scalar::Flow),
        _ => plain(value),
    }
}

/// Passes a collection in brackets that is complete in its line, or a scalar in one.
fn flow(text: &str, deeper: usize) -> Option<&str> {
    let (first, mut rest) = text.split_at_checked(1)?;
    let close = match first {
        "[" => ']',
        "{" => '}',
        quote @ ("'" | "\"") => {
            let (text, rest) = rest.split_once(quote)?;
            // Two quotes are one, and a key in quotes may have its colon at once.
            let plain = !text.contains(['\\', '"', '\'']) && rest.starts_with([',', ']', '}']);
            return plain.then_some(rest);
        }
        _ => {
            let (word, rest) = text.split_at_checked(text.find([',', ']', '}'])?)?;
            let in_words = |byte: u8| byte.is_ascii_alphanumeric() || b"_./=- ".contains(&byte);
            let plain = word.bytes().all(in_words) && !word.ends_with(' ') && plain(word).is_some();
            return plain.then_some(rest);
        }
    };
    let deeper = deeper.checked_sub(1)?;
    loop {
        if close == '}' {
            (_, rest) = key_of(rest)?;
        }
        rest = flow(rest, deeper)?;
        if let Some(after) = rest.strip_prefix(close) {
            return Some(after);
        }
        rest = rest.strip_prefix(',')?.trim_start_matches(' ');
    }
}

/// Words that are no text.
const WORDS: &[&str] = &["y", "n", "yes", "no", "on", "off", "true", "false", "null"];

fn plain(value: &str) -> Option<Scalar<'_>> {
    let bytes = value.as_bytes();
    // A dot may begin what JSON has no number for.
    let begins = match bytes {
        [b'-', next, ..] => next.is_ascii_alphanumeric() || matches!(next, b'-' | b'/'),
        [b'.', b'/', ..] => true,
        [first, ..] => first.is_ascii_alphanumeric() || matches!(first, b'/' | b'_' | b'$' | b'('),
        [] => false,
    };
    if !begins || ends_plain(value) {
        return None;
    }
    let is_text = bytes[0].is_ascii_alphabetic()
        && !WORDS.iter().any(|word| value.eq_ignore_ascii_case(word));
    let text = value;
    Some(Scalar::Plain { text, is_text })
}

/// Whether there is something that a scalar without quotes ends at.
fn ends_plain(content: &str) -> bool {
    let bytes = content.as_bytes();
    bytes.last() == Some(&b':')
        || bytes
            .windows(2)
            .any(|pair| matches!(pair, [b':', b' '] | [b' ', b'#']))
}

#[cfg(test)]
mod tests;
