//! YAML as people write it: every style, comments everywhere, anchors, odd indentation.

mod flow;

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::rng::Rng;
use super::scalars::RAW;
use flow::plain_key;

/// How one document is written.
#[derive(Clone, Debug)]
struct Manner {
    /// Columns per level.
    step: usize,
    /// Columns that lists are set off from their key.
    list_step: usize,
    /// Percent of collections in flow style.
    flow: usize,
    /// Percent of places that have a comment.
    comments: usize,
    /// Percent of collections that may be named, and named again.
    anchors: usize,
    /// Percent of texts in quotes that need none.
    quotes: usize,
    /// Whether keys come in any order.
    shuffled: bool,
}

impl Manner {
    fn any(rng: &mut Rng) -> Self {
        if rng.chance(25) {
            return Self::plain();
        }
        Self {
            step: rng.pick(&[2, 2, 2, 4, 3, 1]),
            list_step: rng.pick(&[0, 0, 2, 2, 1, 4]),
            flow: rng.pick(&[0, 0, 5, 25]),
            comments: rng.pick(&[0, 0, 4, 15]),
            anchors: rng.pick(&[0, 0, 10, 40]),
            quotes: rng.pick(&[0, 5, 40]),
            shuffled: rng.chance(50),
        }
    }

    fn plain() -> Self {
        Self {
            step: 2,
            list_step: 0,
            flow: 0,
            comments: 0,
            anchors: 0,
            quotes: 0,
            shuffled: false,
        }
    }
}

/// Writes one document.
pub(super) struct Printer<'a> {
    rng: &'a mut Rng,
    manner: Manner,
    out: String,
    anchors: Vec<(String, Value)>,
    /// How many anchors have a name.
    named: usize,
    used: BTreeSet<&'static str>,
}

/// A document as YAML text that ends with a line break, and the styles in it.
pub(super) fn document(rng: &mut Rng, value: &Value) -> (String, BTreeSet<&'static str>) {
    let manner = Manner::any(rng);
    let mut printer = Printer {
        rng,
        manner,
        out: String::new(),
        anchors: Vec::new(),
        named: 0,
        used: BTreeSet::new(),
    };
    if printer.rng.chance(3) && value.is_object() {
        printer.note("yaml: whole document in flow style");
        printer.flow(value, 0);
        printer.out.push('\n');
    } else {
        printer.block(value, 0, false);
    }
    (printer.out, printer.used)
}

impl Printer<'_> {
    fn note(&mut self, feature: &'static str) {
        self.used.insert(feature);
    }

    fn indent(&mut self, columns: usize) {
        self.out.extend(std::iter::repeat_n(' ', columns));
    }

    fn comment_line(&mut self, columns: usize) {
        if self.rng.chance(self.manner.comments) {
            self.note("yaml: comment lines");
            let columns = self.rng.pick(&[columns, columns, 0, columns + 3]);
            self.indent(columns);
            self.out +=
                self.rng
                    .pick(&["# note\n", "#\n", "# a: b # c\n", "\n", "   \n", "#- x\n\n"]);
        }
    }

    fn comment_end(&mut self) {
        if self.rng.chance(self.manner.comments) {
            self.note("yaml: comments behind values");
            self.out += self
                .rng
                .pick(&[" # why", "  #", " # {\"a\": 1}", "\t# tab"]);
        }
        self.out.push('\n');
    }

    fn order<'v>(&mut self, map: &'v Map<String, Value>) -> Vec<(&'v String, &'v Value)> {
        let mut entries: Vec<_> = map.iter().collect();
        if self.manner.shuffled {
            self.rng.shuffle(&mut entries);
        }
        entries
    }

    /// A collection in block style, or a scalar on a line of its own. `begun`: the cursor is where the
    /// first line starts.
    fn block(&mut self, value: &Value, columns: usize, mut begun: bool) {
        match value {
            Value::Object(map) if !map.is_empty() => {
                for (key, value) in self.merged(map, columns, &mut begun) {
                    if !begun {
                        self.comment_line(columns);
                        self.indent(columns);
                    }
                    begun = false;
                    self.field(&key, columns);
                    self.below(&value, columns, self.manner.list_step);
                }
            }
            Value::Array(items) if !items.is_empty() => {
                for item in items {
                    if !begun {
                        self.comment_line(columns);
                        self.indent(columns);
                    }
                    begun = false;
                    self.out.push('-');
                    self.item(item, columns);
                }
            }
            other => {
                if !begun {
                    self.indent(columns);
                }
                self.flow(other, columns);
                self.comment_end();
            }
        }
    }

    /// A key with its colon, sometimes on lines of their own.
    fn field(&mut self, key: &str, columns: usize) {
        let apart = self.manner.flow > 0 && self.rng.chance(1);
        if apart {
            self.note("yaml: keys with a question mark");
            self.out += "? ";
        }
        self.key(key);
        if apart {
            self.out.push('\n');
            self.indent(columns);
        }
        self.out.push(':');
    }

    /// The entries, some of them left to a merge key.
    fn merged(
        &mut self,
        map: &Map<String, Value>,
        columns: usize,
        begun: &mut bool,
    ) -> Vec<(String, Value)> {
        let within = |part: &Value| {
            part.as_object().is_some_and(|part| {
                !part.is_empty() && part.iter().all(|(key, value)| map.get(key) == Some(value))
            })
        };
        let found = self.anchors.iter().find(|(_, part)| within(part)).cloned();
        let entries = self.order(map);
        let mut entries: Vec<_> = entries
            .into_iter()
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        let Some((name, Value::Object(part))) = found else {
            return entries;
        };
        if !self.rng.chance(self.manner.anchors) {
            return entries;
        }
        self.note("yaml: merge keys");
        entries.retain(|(key, _)| !part.contains_key(key));
        if !*begun {
            self.indent(columns);
        }
        *begun = false;
        self.out += &match self.rng.below(3) {
            0 => format!("<<: [*{name}]\n"),
            _ => format!("<<: *{name}\n"),
        };
        entries
    }

    /// What follows `key:`.
    fn below(&mut self, value: &Value, columns: usize, list_step: usize) {
        let (empty, list) = match value {
            Value::Object(map) => (map.is_empty(), false),
            Value::Array(items) => (items.is_empty(), true),
            _ => return self.scalar_below(value, columns),
        };
        self.out.push(' ');
        if self.alias(value) {
            self.comment_end();
            return;
        }
        let anchor = self.anchor(value);
        if self.manner.flow > 0 && self.rng.chance(1) {
            self.note("yaml: tagged collections");
            self.out += if list { "!!seq " } else { "!!map " };
        }
        if empty || self.rng.chance(self.manner.flow) {
            self.flow(value, columns + self.manner.step);
            self.comment_end();
        } else {
            self.out.truncate(self.out.trim_end_matches(' ').len());
            self.comment_end();
            let step = if list { list_step } else { self.manner.step };
            self.block(value, columns + step, false);
        }
        self.close(anchor, value);
    }

    fn scalar_below(&mut self, value: &Value, columns: usize) {
        let text = value.as_str().unwrap_or_default();
        if value.is_string() && text.contains('\n') && self.block_scalar(text, columns) {
            return;
        }
        if text == format!("{RAW}") {
            self.comment_end();
            return;
        }
        self.out.push(' ');
        if self.alias(value) {
            self.comment_end();
            return;
        }
        let anchor = self.anchor(value);
        self.flow(value, columns + self.manner.step);
        self.close(anchor, value);
        self.comment_end();
    }

    /// What follows `-`.
    fn item(&mut self, value: &Value, columns: usize) {
        let gap = self.rng.pick(&[1, 1, 1, 1, 3]);
        match value {
            Value::Object(map) if !map.is_empty() && !self.rng.chance(self.manner.flow) => {
                if self.rng.chance(self.manner.comments) {
                    self.note("yaml: list items on the next line");
                    self.out += " # item\n";
                    self.block(value, columns + 2, false);
                } else {
                    self.indent(gap);
                    self.block(value, columns + 1 + gap, true);
                }
            }
            Value::Array(items) if !items.is_empty() && !self.rng.chance(self.manner.flow) => {
                self.indent(gap);
                self.block(value, columns + 1 + gap, true);
            }
            _ => self.below(value, columns, self.manner.list_step),
        }
    }

    fn alias(&mut self, value: &Value) -> bool {
        let found = self.anchors.iter().find(|(_, known)| known == value);
        let Some((name, _)) = found.cloned() else {
            return false;
        };
        if !self.rng.chance(self.manner.anchors) {
            return false;
        }
        self.note("yaml: aliases");
        self.out += &format!("*{name}");
        true
    }

    /// Names what comes now. The name is used only where the value is written already.
    fn anchor(&mut self, value: &Value) -> Option<String> {
        let known = self.anchors.iter().any(|(_, other)| other == value);
        if !known && self.rng.chance(self.manner.anchors / 2) {
            self.note("yaml: anchors");
            let name = format!("{}{}", self.rng.pick(&["a", "x-", "Base_"]), self.named);
            self.out += &format!("&{name} ");
            self.named += 1;
            return Some(name);
        }
        None
    }

    fn close(&mut self, anchor: Option<String>, value: &Value) {
        self.anchors
            .extend(anchor.map(|name| (name, value.clone())));
    }

    fn key(&mut self, key: &str) {
        if plain_key(key) && !self.rng.chance(self.manner.quotes / 4) {
            self.out += key;
        } else {
            self.note("yaml: quoted keys");
            self.quoted(key, 0);
        }
    }

    /// A literal or folded scalar, if the text can be one.
    fn block_scalar(&mut self, text: &str, columns: usize) -> bool {
        let odd = |c: char| {
            c.is_control() && c != '\n' && c != '\t' || "\u{2028}\u{feff}\u{85}".contains(c)
        };
        if text.contains(odd) || text.trim_matches('\n').is_empty() || self.rng.chance(20) {
            return false;
        }
        let folded = self.rng.chance(25);
        self.note(if folded {
            "yaml: folded scalars"
        } else {
            "yaml: literal scalars"
        });
        let step = self.manner.step;
        self.out += if folded { " >" } else { " |" };
        let first = text.trim_start_matches('\n');
        if first.starts_with([' ', '\t']) || self.rng.chance(5) {
            self.out += &step.to_string();
        }
        let breaks = text.len() - text.trim_end_matches('\n').len();
        self.out += match breaks {
            0 => "-",
            1 => "",
            _ => "+",
        };
        self.comment_end_strict();
        for line in text
            .trim_end_matches('\n')
            .split('\n')
            .chain(std::iter::repeat_n("", breaks.saturating_sub(1)))
        {
            if !line.is_empty() {
                self.indent(columns + step);
                self.out += line;
            }
            self.out.push('\n');
        }
        true
    }

    fn comment_end_strict(&mut self) {
        let comment = self.rng.chance(self.manner.comments);
        self.out += if comment { " # text\n" } else { "\n" };
    }
}
