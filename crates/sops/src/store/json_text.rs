//! From JSON text to values, in order, as Go's token reader takes it.
//!
//! Source: Go 1.26 `encoding/json` `Decoder.Token`, `unquote`.

use super::{DEPTH, VALUES};
use crate::tree::{Item, Value};

pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    depth: usize,
    values: usize,
}

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            at: 0,
            depth: 0,
            values: 0,
        }
    }

    /// Reads a value; recursion is bounded by [`DEPTH`].
    pub(super) fn value(&mut self) -> Result<Value, String> {
        self.values += 1;
        if self.values > VALUES {
            return Err("file has too many values".to_owned());
        }
        match self.peek()? {
            b'{' => self.nested(Self::object),
            b'[' => self.nested(Self::list),
            b'"' => Ok(Value::Text(self.string()?.into_bytes())),
            b't' => self.word(b"true", Value::Bool(true)),
            b'f' => self.word(b"false", Value::Bool(false)),
            b'n' => self.word(b"null", Value::Null),
            b'-' | b'0'..=b'9' => self.number(),
            other => Err(unexpected(other, "looking for beginning of value")),
        }
    }

    fn nested(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<Value, String>,
    ) -> Result<Value, String> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err("exceeded max depth".to_owned());
        }
        self.at += 1;
        let value = read(self)?;
        self.depth -= 1;
        Ok(value)
    }

    /// The next byte that is no white space.
    fn peek(&mut self) -> Result<u8, String> {
        while let Some(b' ' | b'\t' | b'\r' | b'\n') = self.bytes.get(self.at) {
            self.at += 1;
        }
        self.bytes
            .get(self.at)
            .copied()
            .ok_or_else(|| "unexpected EOF".to_owned())
    }

    fn object(&mut self) -> Result<Value, String> {
        let mut branch = Vec::new();
        if self.peek()? == b'}' {
            self.at += 1;
            return Ok(Value::Branch(branch));
        }
        loop {
            if self.peek()? != b'"' {
                return Err(unexpected(
                    self.peek()?,
                    "looking for beginning of object key string",
                ));
            }
            let key = self.string()?;
            if self.peek()? != b':' {
                return Err(unexpected(self.peek()?, "after object key"));
            }
            self.at += 1;
            let value = self.value()?;
            branch.push(Item::new(key, value));
            match self.peek()? {
                b',' => self.at += 1,
                b'}' => break,
                other => return Err(unexpected(other, "after object key:value pair")),
            }
        }
        self.at += 1;
        Ok(Value::Branch(branch))
    }

    fn list(&mut self) -> Result<Value, String> {
        let mut items = Vec::new();
        if self.peek()? == b']' {
            self.at += 1;
            return Ok(Value::List(items));
        }
        loop {
            items.push(self.value()?);
            match self.peek()? {
                b',' => self.at += 1,
                b']' => break,
                other => return Err(unexpected(other, "after array element")),
            }
        }
        self.at += 1;
        Ok(Value::List(items))
    }

    fn word(&mut self, word: &[u8], value: Value) -> Result<Value, String> {
        if !self.bytes[self.at..].starts_with(word) {
            return Err("invalid character in literal".to_owned());
        }
        self.at += word.len();
        Ok(value)
    }

    fn number(&mut self) -> Result<Value, String> {
        let start = self.at;
        self.skip(|byte| byte == b'-', 1);
        let zero = self.bytes.get(self.at) == Some(&b'0');
        let whole = self.skip(
            |byte| byte.is_ascii_digit(),
            if zero { 1 } else { usize::MAX },
        );
        let mut valid = whole > 0;
        if self.skip(|byte| byte == b'.', 1) == 1 {
            valid &= self.skip(|byte| byte.is_ascii_digit(), usize::MAX) > 0;
        }
        if self.skip(|byte| matches!(byte, b'e' | b'E'), 1) == 1 {
            self.skip(|byte| matches!(byte, b'+' | b'-'), 1);
            valid &= self.skip(|byte| byte.is_ascii_digit(), usize::MAX) > 0;
        }
        let text = std::str::from_utf8(&self.bytes[start..self.at]).unwrap_or_default();
        if !valid {
            return Err("invalid character in numeric literal".to_owned());
        }
        if let Ok(number) = text.parse() {
            return Ok(Value::Int(number));
        }
        let number: f64 = text.parse().map_err(|_| "invalid number".to_owned())?;
        if number.is_infinite() {
            return Err("strconv.ParseFloat: value out of range".to_owned());
        }
        Ok(Value::Float(number))
    }

    fn skip(&mut self, wanted: impl Fn(u8) -> bool, most: usize) -> usize {
        let rest = &self.bytes[self.at..];
        let count = rest
            .iter()
            .take(most)
            .take_while(|byte| wanted(**byte))
            .count();
        self.at += count;
        count
    }

    /// Reads a string; what is no UTF-8 and lone surrogates become replacement characters.
    fn string(&mut self) -> Result<String, String> {
        self.at += 1;
        let mut out = String::new();
        loop {
            let rest = &self.bytes[self.at..];
            let plain = rest
                .iter()
                .position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f));
            let plain = plain.ok_or("unexpected EOF")?;
            for chunk in rest[..plain].utf8_chunks() {
                out.push_str(chunk.valid());
                out.extend(std::iter::repeat_n('\u{FFFD}', chunk.invalid().len()));
            }
            self.at += plain + 1;
            match rest[plain] {
                b'"' => return Ok(out),
                b'\\' => out.push(self.escape()?),
                other => return Err(unexpected(other, "in string literal")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, String> {
        let byte = *self.bytes.get(self.at).ok_or("unexpected EOF")?;
        self.at += 1;
        Ok(match byte {
            b'"' | b'\\' | b'/' => char::from(byte),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let unit = self.unit()?;
                self.surrogate(unit)
            }
            other => return Err(unexpected(other, "in string escape code")),
        })
    }

    fn unit(&mut self) -> Result<u32, String> {
        let digits = self
            .bytes
            .get(self.at..self.at + 4)
            .ok_or("unexpected EOF")?;
        let hexadecimal = digits.iter().all(u8::is_ascii_hexdigit);
        let text = std::str::from_utf8(digits).ok().filter(|_| hexadecimal);
        let unit = text.and_then(|text| u32::from_str_radix(text, 16).ok());
        self.at += 4;
        unit.ok_or_else(|| "invalid character in \\u hexadecimal character escape".to_owned())
    }

    fn surrogate(&mut self, unit: u32) -> char {
        if let 0xD800..0xDC00 = unit
            && self.bytes[self.at..].starts_with(b"\\u")
        {
            let before = self.at;
            self.at += 2;
            if let Ok(low @ 0xDC00..0xE000) = self.unit() {
                let code = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
                return char::from_u32(code).unwrap_or('\u{FFFD}');
            }
            self.at = before;
        }
        char::from_u32(unit).unwrap_or('\u{FFFD}')
    }
}

fn unexpected(byte: u8, place: &str) -> String {
    format!(
        "invalid character '{}' {place}",
        char::from(byte).escape_default()
    )
}
