//! Anchors, aliases, tags and directives.

use super::{Mark, Scanner, Token, TokenKind, is_blank, is_word};
use crate::Error;
use crate::node::Text;

impl Scanner<'_> {
    pub(super) fn fetch_anchor(&mut self, kind: TokenKind) -> Result<(), Error> {
        self.save_key()?;
        self.simple_key_allowed = false;
        let start = self.mark;
        self.skip(1);
        let name = self.word();
        let ends = self.is_blank_or_end(0)
            || matches!(
                self.byte(0),
                b'?' | b':' | b',' | b']' | b'}' | b'%' | b'@' | b'`'
            );
        if name.is_empty() || !ends {
            return self.error(
                start,
                "did not find expected alphabetic or numeric character",
            );
        }
        let mut token = Token::new(kind, start, self.mark);
        token.text = name;
        self.push(token);
        Ok(())
    }

    fn word(&mut self) -> Text {
        let start = self.at;
        let length = self.bytes[start..]
            .iter()
            .take_while(|b| is_word(**b))
            .count();
        if length > 0 {
            self.skip(length);
        }
        Text::from(&self.text[start..start + length])
    }

    pub(super) fn fetch_tag(&mut self) -> Result<(), Error> {
        self.save_key()?;
        self.simple_key_allowed = false;
        let start = self.mark;
        let (handle, suffix) = if self.byte(1) == b'<' {
            self.skip(2);
            let uri = self.uri("", start)?;
            if self.byte(0) != b'>' {
                return self.error(start, "did not find the expected '>'");
            }
            self.skip(1);
            (String::new(), uri)
        } else {
            let handle = self.handle(false, start)?;
            if handle.len() > 1 && handle.ends_with('!') {
                let suffix = self.uri("", start)?;
                (handle, suffix)
            } else {
                let suffix = self.uri(&handle, start)?;
                match suffix.is_empty() {
                    true => (String::new(), "!".to_owned()),
                    false => ("!".to_owned(), suffix),
                }
            }
        };
        if !self.is_blank_or_end(0) {
            return self.error(start, "did not find expected whitespace or line break");
        }
        let mut token = Token::new(TokenKind::Tag, start, self.mark);
        token.text = Text::from(format!("{handle}\0{suffix}"));
        self.push(token);
        Ok(())
    }

    fn handle(&mut self, directive: bool, start: Mark) -> Result<String, Error> {
        if self.byte(0) != b'!' {
            return self.error(start, "did not find expected '!'");
        }
        self.skip(1);
        let mut handle = format!("!{}", self.word());
        if self.byte(0) == b'!' {
            self.skip(1);
            handle.push('!');
        } else if directive && handle != "!" {
            return self.error(start, "did not find expected '!'");
        }
        Ok(handle)
    }

    /// A tag's URI; a head that was read before loses its `!`.
    fn uri(&mut self, head: &str, start: Mark) -> Result<String, Error> {
        let mut uri = head.get(1..).unwrap_or_default().to_owned().into_bytes();
        let mut found = !head.is_empty();
        while is_word(self.byte(0)) || b";/?:@&=+$,.!~*'()[]%".contains(&self.byte(0)) {
            if self.byte(0) == b'%' {
                self.escaped(start, &mut uri)?;
            } else {
                uri.push(self.byte(0));
                self.skip(1);
            }
            found = true;
        }
        if !found {
            return self.error(start, "did not find expected tag URI");
        }
        String::from_utf8(uri)
            .or_else(|_| self.error(start, "found an incorrect trailing UTF-8 octet"))
    }

    /// The escaped octets of one character.
    fn escaped(&mut self, start: Mark, uri: &mut Vec<u8>) -> Result<(), Error> {
        let mut left = None;
        while left != Some(0) {
            let digits =
                std::str::from_utf8(self.bytes.get(self.at + 1..self.at + 3).unwrap_or_default());
            let octet = digits
                .ok()
                .filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()));
            let octet = octet.and_then(|digits| u8::from_str_radix(digits, 16).ok());
            let (b'%', Some(octet)) = (self.byte(0), octet) else {
                return self.error(start, "did not find URI escaped octet");
            };
            left = match left {
                Some(_) if octet & 0xC0 != 0x80 => {
                    return self.error(start, "found an incorrect trailing UTF-8 octet");
                }
                Some(more) => Some(more - 1),
                None => match octet {
                    0..=0x7F => Some(0),
                    0xC0..=0xDF => Some(1),
                    0xE0..=0xEF => Some(2),
                    0xF0..=0xF7 => Some(3),
                    _ => return self.error(start, "found an incorrect leading UTF-8 octet"),
                },
            };
            uri.push(octet);
            self.skip(3);
        }
        Ok(())
    }

    pub(super) fn fetch_directive(&mut self) -> Result<(), Error> {
        self.unroll(-1, self.mark);
        self.remove_key()?;
        self.simple_key_allowed = false;
        let start = self.mark;
        self.skip(1);
        let name = self.word();
        if name.is_empty() {
            return self.error(start, "could not find expected directive name");
        }
        if !self.is_blank_or_end(0) {
            return self.error(start, "found unexpected non-alphabetical character");
        }
        self.skip_blanks();
        let token = match name.as_str() {
            "YAML" => self.version(start)?,
            "TAG" => self.tag_directive(start)?,
            _ => return self.error(start, "found unknown directive name"),
        };
        self.skip_blanks();
        if self.byte(0) == b'#' {
            while !self.is_break_or_end(0) {
                self.skip_char();
            }
        }
        if !self.is_break_or_end(0) {
            return self.error(start, "did not find expected comment or line break");
        }
        if self.break_here(0) > 0 {
            self.skip_break();
        }
        self.push(token);
        Ok(())
    }

    pub(super) fn skip_blanks(&mut self) {
        while is_blank(self.byte(0)) {
            self.skip(1);
        }
    }

    fn version(&mut self, start: Mark) -> Result<Token, Error> {
        let major = self.version_number(start)?;
        if self.byte(0) != b'.' {
            return self.error(start, "did not find expected digit or '.' character");
        }
        self.skip(1);
        let minor = self.version_number(start)?;
        let mut token = Token::new(TokenKind::Version, start, self.mark);
        token.text = Text::from(format!("{major}.{minor}"));
        Ok(token)
    }

    fn version_number(&mut self, start: Mark) -> Result<u8, Error> {
        let mut value = 0;
        let mut length = 0;
        while self.byte(0).is_ascii_digit() {
            length += 1;
            if length > 2 {
                return self.error(start, "found extremely long version number");
            }
            value = value * 10 + (self.byte(0) - b'0');
            self.skip(1);
        }
        if length == 0 {
            return self.error(start, "did not find expected version number");
        }
        Ok(value)
    }

    fn tag_directive(&mut self, start: Mark) -> Result<Token, Error> {
        let handle = self.handle(true, start)?;
        if !is_blank(self.byte(0)) {
            return self.error(start, "did not find expected whitespace");
        }
        self.skip_blanks();
        let prefix = self.uri("", start)?;
        if !self.is_blank_or_end(0) {
            return self.error(start, "did not find expected whitespace or line break");
        }
        let mut token = Token::new(TokenKind::TagDirective, start, self.mark);
        token.text = Text::from(format!("{handle}\0{prefix}"));
        Ok(token)
    }
}
