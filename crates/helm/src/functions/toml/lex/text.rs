//! Strings and comments.

use super::{Lexer, Outcome, State, Token, is_line_end};

impl Lexer<'_> {
    pub(super) fn text_step(&mut self, state: State) -> Outcome {
        match state {
            State::String => self.string(),
            State::MultilineString => self.multiline_string(),
            State::RawString => self.raw_string(),
            State::RawMultilineString => self.raw_multiline_string(),
            State::MultilineEscape => self.multiline_escape(),
            State::Escape => self.escape(),
            _ => self.comment_text(),
        }
    }

    fn comment_text(&mut self) -> Outcome {
        loop {
            let c = self.next()?;
            if c.is_none() || is_line_end(c) {
                break;
            }
        }
        self.backup();
        self.finish(Token::Text)
    }

    /// Emits a string without its closing quotes.
    fn close_string(&mut self, token: Token, quotes: usize) -> Outcome {
        for _ in 0..quotes {
            self.backup();
        }
        self.emit(token);
        for _ in 0..quotes {
            self.next()?;
        }
        self.ignore();
        Ok(self.pop())
    }

    fn string(&mut self) -> Outcome {
        loop {
            match self.next()? {
                None => return self.errorf("unexpected EOF; expected '\"'"),
                c if is_line_end(c) => return self.error_before("strings cannot contain newlines"),
                Some('\\') => {
                    self.stack.push(State::String);
                    return Ok(State::Escape);
                }
                Some('"') => {
                    let escaped = std::mem::take(&mut self.escaped);
                    let token = if escaped {
                        Token::StringEscaped
                    } else {
                        Token::String
                    };
                    return self.close_string(token, 1);
                }
                Some(_) => {}
            }
        }
    }

    fn raw_string(&mut self) -> Outcome {
        loop {
            match self.next()? {
                None => return self.errorf("unexpected EOF; expected \"'\""),
                c if is_line_end(c) => return self.error_before("strings cannot contain newlines"),
                Some('\'') => return self.close_string(Token::RawString, 1),
                Some(_) => {}
            }
        }
    }

    fn multiline_string(&mut self) -> Outcome {
        loop {
            match self.next()? {
                None => return self.errorf("unexpected EOF; expected '\"\"\"'"),
                Some('\\') => return Ok(State::MultilineEscape),
                Some('"') => {
                    if let Some(state) = self.triple('"')? {
                        return Ok(state);
                    }
                }
                Some(_) => {}
            }
        }
    }

    fn raw_multiline_string(&mut self) -> Outcome {
        loop {
            match self.next()? {
                None => return self.errorf("unexpected EOF; expected \"'''\""),
                Some('\'') => {
                    if let Some(state) = self.triple('\'')? {
                        return Ok(state);
                    }
                }
                Some(_) => {}
            }
        }
    }

    /// After a quote: the end of the string, if two more follow and those are the last.
    fn triple(&mut self, quote: char) -> Outcome<Option<State>> {
        if !self.accept(quote)? {
            return Ok(None);
        }
        if !self.accept(quote)? {
            self.backup();
            return Ok(None);
        }
        if self.peek()? != Some(quote) {
            let double = quote == '"';
            let token = if double {
                Token::MultilineString
            } else {
                Token::RawMultilineString
            };
            if double {
                self.escaped = false;
            }
            return self.close_string(token, 3).map(Some);
        }
        let five = [quote as u8; 5];
        let text = self.current();
        let escaped = quote == '"'
            && text
                .strip_suffix(&five)
                .is_some_and(|it| it.ends_with(b"\\"));
        if text.ends_with(&five) && !escaped {
            let six = String::from(quote).repeat(6);
            let outer = if quote == '"' { '\'' } else { '"' };
            return self.errorf(&format!("unexpected {outer}{six}{outer}"));
        }
        self.backup();
        self.backup();
        Ok(None)
    }

    fn multiline_escape(&mut self) -> Outcome {
        if is_line_end(self.next()?) {
            return Ok(State::MultilineString);
        }
        self.backup();
        self.stack.push(State::MultilineString);
        self.escape()
    }

    fn escape(&mut self) -> Outcome {
        self.escaped = true;
        let (count, name, letter) = match self.next()? {
            Some('e' | 'b' | 't' | 'n' | 'f' | 'r' | '"' | ' ' | '\t' | '\\') => {
                return Ok(self.pop());
            }
            Some('x') => (2, "two", 'x'),
            Some('u') => (4, "four", 'u'),
            Some('U') => (8, "eight", 'U'),
            c => {
                let c = c.unwrap_or('\0');
                return self.error(&format!("invalid escape in string '\\{c}'"));
            }
        };
        for _ in 0..count {
            let c = self.next()?;
            if !c.is_some_and(|it| it.is_ascii_hexdigit()) {
                let text = go_template::quote::quoted(self.current());
                return self.errorf(&format!(
                    "expected {name} hexadecimal digits after '\\{letter}', but got {text} instead"
                ));
            }
        }
        Ok(self.pop())
    }
}
