//! JSON as `encoding/json` reads it: the same texts are refused, with the same words.
//!
//! Source: Go 1.26 `encoding/json/scanner.go`, `decode.go`

use go_template::{Map, Pairs, Str, Type, Value, unicode};

/// Arrays and objects within one another.
const DEPTH: usize = 10_000;

/// What is open around a value.
enum Open {
    List(Vec<Value>),
    Map(Pairs, Str),
}

/// Reads a text: its value, and the first number that does not fit, for which nil stands in the value.
///
/// # Errors
/// Go's words on what is no JSON.
pub(crate) fn decode(text: &[u8]) -> Result<(Value, Option<String>), String> {
    let mut reader = Reader {
        text,
        at: 0,
        unfit: None,
    };
    let value = reader.value()?;
    if let Some(byte) = reader.next() {
        return Err(refused(byte, "after top-level value"));
    }
    Ok((value, reader.unfit))
}

fn refused(byte: u8, place: &str) -> String {
    let shown = match byte {
        b'\'' => String::from("'\\''"),
        b'"' => String::from("'\"'"),
        _ => {
            let mut text = Vec::new();
            unicode::encode(char::from(byte), &mut text);
            let quoted = go_template::quote::quoted(&text);
            format!("'{}'", &quoted[1..quoted.len() - 1])
        }
    };
    format!("invalid character {shown} {place}")
}

fn ended() -> String {
    String::from("unexpected end of JSON input")
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    unfit: Option<String>,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    /// The next byte that is no blank; it is passed over.
    fn next(&mut self) -> Option<u8> {
        while let Some(byte) = self.peek() {
            self.at += 1;
            if !matches!(byte, b' ' | b'\t' | b'\r' | b'\n') {
                return Some(byte);
            }
        }
        None
    }

    fn value(&mut self) -> Result<Value, String> {
        let mut open: Vec<Open> = Vec::new();
        loop {
            let byte = self.next().ok_or_else(ended)?;
            let value = match byte {
                b'[' | b'{' if open.len() == DEPTH => {
                    return Err(refused(byte, "exceeded max depth"));
                }
                b'[' => {
                    open.push(Open::List(Vec::new()));
                    continue;
                }
                b'{' => {
                    let Some(key) = self.first_key()? else {
                        let map = Value::Map(Map::new(&Type::MAP));
                        match self.close(map, &mut open)? {
                            Some(value) => return Ok(value),
                            None => continue,
                        }
                    };
                    open.push(Open::Map(Pairs::new(), key));
                    continue;
                }
                b']' if matches!(open.last(), Some(Open::List(items)) if items.is_empty()) => {
                    open.pop();
                    Value::list(Vec::new())
                }
                _ => self.scalar(byte)?,
            };
            if let Some(whole) = self.close(value, &mut open)? {
                return Ok(whole);
            }
        }
    }

    /// Puts a value where it belongs, and closes what ends after it. The whole value, if nothing is open any more.
    fn close(&mut self, mut value: Value, open: &mut Vec<Open>) -> Result<Option<Value>, String> {
        loop {
            let Some(around) = open.last_mut() else {
                return Ok(Some(value));
            };
            let next = self.next().ok_or_else(ended)?;
            match around {
                Open::List(items) => {
                    items.push(value);
                    match next {
                        b',' => {
                            self.element()?;
                            return Ok(None);
                        }
                        b']' => value = Value::list(std::mem::take(items)),
                        _ => return Err(refused(next, "after array element")),
                    }
                }
                Open::Map(pairs, key) => {
                    pairs.insert(std::mem::take(key), value);
                    match next {
                        b',' => {
                            let byte = self.next().ok_or_else(ended)?;
                            *key = self.key(byte)?;
                            return Ok(None);
                        }
                        b'}' => {
                            let pairs = std::mem::take(pairs);
                            value = Value::Map(Map::from_pairs(&Type::MAP, pairs));
                        }
                        _ => return Err(refused(next, "after object key:value pair")),
                    }
                }
            }
            open.pop();
        }
    }

    /// After a comma in an array no bracket may follow.
    fn element(&mut self) -> Result<(), String> {
        let byte = self.next().ok_or_else(ended)?;
        if byte == b']' {
            return Err(refused(byte, "looking for beginning of value"));
        }
        self.at -= 1;
        Ok(())
    }

    fn first_key(&mut self) -> Result<Option<Str>, String> {
        match self.next().ok_or_else(ended)? {
            b'}' => Ok(None),
            byte => self.key(byte).map(Some),
        }
    }

    /// A key and its colon.
    fn key(&mut self, byte: u8) -> Result<Str, String> {
        if byte != b'"' {
            return Err(refused(byte, "looking for beginning of object key string"));
        }
        let key = self.string()?;
        match self.next().ok_or_else(ended)? {
            b':' => Ok(key),
            byte => Err(refused(byte, "after object key")),
        }
    }

    fn scalar(&mut self, byte: u8) -> Result<Value, String> {
        match byte {
            b'"' => self.string().map(Value::Str),
            b'-' | b'0'..=b'9' => self.number(),
            b't' => self.literal("true").map(|()| Value::Bool(true)),
            b'f' => self.literal("false").map(|()| Value::Bool(false)),
            b'n' => self.literal("null").map(|()| Value::Nil),
            _ => Err(refused(byte, "looking for beginning of value")),
        }
    }

    /// The next byte within a token; a token cut short meets a blank.
    fn inner(&mut self) -> u8 {
        let byte = self.peek().unwrap_or(b' ');
        self.at += 1;
        byte
    }

    fn literal(&mut self, word: &str) -> Result<(), String> {
        for expected in word.chars().skip(1) {
            let byte = self.inner();
            if char::from(byte) != expected {
                let place = format!("in literal {word} (expecting '{expected}')");
                return Err(refused(byte, &place));
            }
        }
        Ok(())
    }

    fn number(&mut self) -> Result<Value, String> {
        let start = self.at - 1;
        if self.text[start] == b'-' {
            let byte = self.inner();
            if !byte.is_ascii_digit() {
                return Err(refused(byte, "in numeric literal"));
            }
        }
        if self.text[self.at - 1] != b'0' {
            self.digits();
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.some_digits("after decimal point in numeric literal")?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.some_digits("in exponent of numeric literal")?;
        }
        let text = std::str::from_utf8(&self.text[start..self.at]).unwrap_or_default();
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Value::Float(number)),
            _ => {
                let error = || {
                    format!("json: cannot unmarshal number {text} into Go value of type float64")
                };
                self.unfit.get_or_insert_with(error);
                Ok(Value::Nil)
            }
        }
    }

    fn digits(&mut self) {
        while self.peek().is_some_and(|it| it.is_ascii_digit()) {
            self.at += 1;
        }
    }

    fn some_digits(&mut self, place: &str) -> Result<(), String> {
        let byte = self.inner();
        if !byte.is_ascii_digit() {
            return Err(refused(byte, place));
        }
        self.digits();
        Ok(())
    }

    /// The rest of a string, up to and with its quote.
    fn string(&mut self) -> Result<Str, String> {
        let mut out = Vec::new();
        loop {
            let rest = &self.text[self.at..];
            let (c, length) = unicode::decode(rest).ok_or_else(ended)?;
            self.at += length;
            match c {
                '"' => return Ok(Str::from(out)),
                '\\' => self.escape(&mut out)?,
                '\0'..' ' => return Err(refused(rest[0], "in string literal")),
                _ => unicode::encode(c, &mut out),
            }
        }
    }

    fn escape(&mut self, out: &mut Vec<u8>) -> Result<(), String> {
        let byte = self.peek().ok_or_else(ended_in_escape)?;
        self.at += 1;
        out.push(match byte {
            b'"' | b'\\' | b'/' => byte,
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => return self.unicode(out),
            _ => return Err(refused(byte, "in string escape code")),
        });
        Ok(())
    }

    fn unicode(&mut self, out: &mut Vec<u8>) -> Result<(), String> {
        let mut unit = 0;
        for _ in 0..4 {
            let byte = self.inner();
            let digit = char::from(byte).to_digit(16);
            let place = "in \\u hexadecimal character escape";
            unit = unit << 4 | digit.ok_or_else(|| refused(byte, place))?;
        }
        let low = match unit {
            0xD800..0xDC00 => self.low_half(),
            _ => None,
        };
        if let Some(low) = low {
            self.at += 6;
            unit = 0x1_0000 + ((unit - 0xD800) << 10 | (low - 0xDC00));
        }
        let c = char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER);
        unicode::encode(c, out);
        Ok(())
    }

    /// The second half of a surrogate pair, if that is what follows.
    fn low_half(&self) -> Option<u32> {
        let digits = self.text.get(self.at..self.at + 6)?.strip_prefix(b"\\u")?;
        let unit = digits.iter().try_fold(0, |unit, byte| {
            Some(unit << 4 | char::from(*byte).to_digit(16)?)
        })?;
        (0xDC00..0xE000).contains(&unit).then_some(unit)
    }
}

fn ended_in_escape() -> String {
    refused(b' ', "in string escape code")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refuses(text: &str, expect: &str) {
        assert_eq!(
            decode(text.as_bytes()).map(|_| ()),
            Err(String::from(expect)),
            "{text}"
        );
    }

    #[test]
    fn refusals_read_as_in_go() {
        refuses("", "unexpected end of JSON input");
        refuses(
            "nul",
            "invalid character ' ' in literal null (expecting 'l')",
        );
        refuses(
            "[1,]",
            "invalid character ']' looking for beginning of value",
        );
        refuses(
            "{\"a\":1,}",
            "invalid character '}' looking for beginning of object key string",
        );
        refuses("01", "invalid character '1' after top-level value");
        refuses("-", "invalid character ' ' in numeric literal");
        refuses(
            "1.",
            "invalid character ' ' after decimal point in numeric literal",
        );
        refuses(
            "1e+",
            "invalid character ' ' in exponent of numeric literal",
        );
        refuses("\"a\n\"", "invalid character '\\n' in string literal");
        refuses("\"\\x\"", "invalid character 'x' in string escape code");
        refuses(
            "\"\\u12g4\"",
            "invalid character 'g' in \\u hexadecimal character escape",
        );
        refuses(
            "\u{e9}",
            "invalid character '\u{c3}' looking for beginning of value",
        );
        refuses("{\"a\" 1}", "invalid character '1' after object key");
        refuses(
            &"[".repeat(10_001),
            "invalid character '[' exceeded max depth",
        );
    }

    #[test]
    fn surrogates_without_their_half_are_replaced() {
        let (value, _) = decode(br#""\ud83d\ude00\ud83dx""#).expect("is JSON");
        assert_eq!(
            value.as_str().map(ToString::to_string),
            Some("😀\u{fffd}x".into())
        );
    }

    #[test]
    fn numbers_that_do_not_fit_are_named() {
        let (value, error) = decode(b"[1e999, 2]").expect("is JSON");
        assert_eq!(value.as_list().map(|it| it.len()), Some(2));
        let expect = "json: cannot unmarshal number 1e999 into Go value of type float64";
        assert_eq!(error.as_deref(), Some(expect));
    }
}
