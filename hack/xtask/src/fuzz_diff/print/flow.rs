//! What stands in one line: collections in braces, scalars with and without quotes.

use serde_json::Value;

use super::super::scalars::RAW;
use super::Printer;

impl Printer<'_> {
    /// Anything on one line, or on lines indented to `columns`.
    pub(super) fn flow(&mut self, value: &Value, columns: usize) {
        match value {
            Value::Object(map) => {
                self.note("yaml: flow maps");
                self.out.push('{');
                let entries = self.order(map);
                for (at, (key, value)) in entries.into_iter().enumerate() {
                    self.separate(at, columns);
                    self.key(key);
                    self.out += ": ";
                    self.flow(value, columns);
                }
                self.out.push('}');
            }
            Value::Array(items) => {
                self.note("yaml: flow lists");
                self.out.push('[');
                for (at, item) in items.iter().enumerate() {
                    self.separate(at, columns);
                    self.flow(item, columns);
                }
                if !items.is_empty() && self.rng.chance(10) {
                    self.out.push(',');
                }
                self.out.push(']');
            }
            Value::String(text) => self.text(text, columns),
            other => self.out += &other.to_string(),
        }
    }

    fn separate(&mut self, at: usize, columns: usize) {
        if at == 0 {
            return;
        }
        self.out.push(',');
        if self.rng.chance(10) {
            self.note("yaml: flow collections over several lines");
            self.comment_end();
            self.indent(columns.max(1));
        } else {
            self.out.push(' ');
        }
    }

    fn text(&mut self, text: &str, columns: usize) {
        if let Some(raw) = text.strip_prefix(RAW) {
            // Inside of braces and at the end of a line nothing stands for null.
            self.out += if raw.is_empty() { "~" } else { raw };
            return;
        }
        if !plain_text(text) || self.rng.chance(self.manner.quotes) {
            return self.quoted(text, columns);
        }
        if text.contains(' ') && columns > 0 && self.rng.chance(20) {
            self.note("yaml: plain scalars over several lines");
            let lines: Vec<&str> = text.split(' ').collect();
            if lines.iter().all(|line| plain_text(line)) {
                let gap = format!("\n{}", " ".repeat(columns));
                self.out += &lines.join(&gap);
                return;
            }
        }
        self.out += text;
    }

    /// A text in quotes. With `columns` it may go on in further lines, indented so.
    pub(super) fn quoted(&mut self, text: &str, columns: usize) {
        let fold = |from: &str| {
            let words: Vec<&str> = from.split(' ').collect();
            words.join(&format!("\n{}", " ".repeat(columns)))
        };
        let lone = text
            .split(' ')
            .all(|word| !word.is_empty() && !word.contains(['\t', '\n']));
        let folds = columns > 0 && text.contains(' ') && lone && self.rng.chance(20);
        if folds {
            self.note("yaml: quoted scalars over several lines");
        }
        let printable = |c: char| !c.is_control() && !"\u{2028}\u{feff}\u{a0}".contains(c);
        if text.chars().all(printable) && self.rng.chance(50) {
            self.note("yaml: single quotes");
            let text = if folds { fold(text) } else { text.to_owned() };
            self.out += &format!("'{}'", text.replace('\'', "''"));
            return;
        }
        self.note("yaml: double quotes");
        self.out.push('"');
        for c in text.chars() {
            match c {
                ' ' if folds => {
                    self.out += self.rng.pick(&["\n", "\n", " \\\n"]);
                    self.indent(columns);
                }
                '"' => self.out += "\\\"",
                '\\' => self.out += "\\\\",
                '\n' => self.out += "\\n",
                '\t' => self.out += "\\t",
                '\r' => self.out += "\\r",
                c if !printable(c) && u32::from(c) < 256 => {
                    self.out += &format!("\\x{:02x}", u32::from(c))
                }
                c if !printable(c) => self.out += &format!("\\u{:04X}", u32::from(c)),
                c if c.is_alphabetic() && u32::from(c) < 256 && self.rng.chance(2) => {
                    self.out += &format!("\\u{:04x}", u32::from(c));
                }
                c => self.out.push(c),
            }
        }
        self.out.push('"');
    }
}

pub(super) fn plain_key(key: &str) -> bool {
    plain_text(key) && !key.contains(' ') || key == "$patch"
}

/// Whether the text, without quotes, is that text.
fn plain_text(text: &str) -> bool {
    let safe = |c: char| c.is_alphanumeric() || "-_./ ()+%$=".contains(c);
    let Some(first) = text.chars().next() else {
        return false;
    };
    (first.is_alphabetic() || first == '/' || first == '$')
        && !text.ends_with(' ')
        && !text.contains("  ")
        && text.chars().all(safe)
        && !SPECIAL.contains(&text.to_ascii_lowercase().as_str())
}

/// What is no text without quotes.
const SPECIAL: [&str; 9] = ["yes", "no", "on", "off", "y", "n", "true", "false", "null"];
