//! Keys, tables and arrays.

use go_template::unicode;

use super::{Char, Lexer, Outcome, State, Token, is_blank, is_line_end, quoted, shown};
use crate::functions::toml::key::is_bare;

impl Lexer<'_> {
    pub(super) fn step(&mut self, state: State) -> Outcome {
        match state {
            State::Top => self.top(),
            State::TopEnd => self.top_end(),
            State::TableStart => self.table_start(),
            State::TableEnd => {
                self.emit(Token::TableEnd);
                Ok(State::TopEnd)
            }
            State::ArrayTableEnd => self.array_table_end(),
            State::TableNameStart => self.table_name_start(),
            State::TableNameEnd => self.table_name_end(),
            State::BareName => self.bare_name(),
            State::QuotedName => self.quoted_name(),
            State::KeyStart => self.key_start(),
            State::KeyNameStart => self.key_name_start(),
            State::KeyEnd => self.key_end(),
            State::Value => self.value(),
            State::ArrayValue => self.array_value(),
            State::ArrayValueEnd => self.array_value_end(),
            State::InlineTableValue => self.inline_value(),
            State::InlineTableValueEnd => self.inline_value_end(),
            State::NumberOrDateStart => self.number_or_date(),
            State::Bool => self.boolean(),
            other => self.text_step(other),
        }
    }

    fn skipping(&mut self, state: State) -> Outcome {
        self.ignore();
        Ok(state)
    }

    fn comment(&mut self, after: State) -> Outcome {
        self.stack.push(after);
        self.ignore();
        self.emit(Token::CommentStart);
        Ok(State::Comment)
    }

    fn top(&mut self) -> Outcome {
        match self.next()? {
            c if is_blank(c) || is_line_end(c) => self.skipping(State::Top),
            Some('#') => self.comment(State::Top),
            Some('[') => Ok(State::TableStart),
            None if self.at > self.start => self.errorf("unexpected EOF"),
            None => {
                self.emit(Token::End);
                Ok(State::Done)
            }
            Some(_) => {
                self.backup();
                self.stack.push(State::TopEnd);
                Ok(State::KeyStart)
            }
        }
    }

    fn top_end(&mut self) -> Outcome {
        match self.next()? {
            Some('#') => self.comment(State::Top),
            c if is_blank(c) => Ok(State::TopEnd),
            c if is_line_end(c) => self.skipping(State::Top),
            None => {
                self.emit(Token::End);
                Ok(State::Done)
            }
            c => self.errorf(&format!(
                "expected a top-level item to end with a newline, comment, or EOF, but got {} instead",
                quoted(c)
            )),
        }
    }

    fn table_start(&mut self) -> Outcome {
        if self.peek()? == Some('[') {
            self.next()?;
            self.emit(Token::ArrayTableStart);
            self.stack.push(State::ArrayTableEnd);
        } else {
            self.emit(Token::TableStart);
            self.stack.push(State::TableEnd);
        }
        Ok(State::TableNameStart)
    }

    fn array_table_end(&mut self) -> Outcome {
        let c = self.next()?;
        if c != Some(']') {
            return self.errorf(&format!(
                "expected end of table array name delimiter ']', but got {} instead",
                quoted(c)
            ));
        }
        self.emit(Token::ArrayTableEnd);
        Ok(State::TopEnd)
    }

    fn table_name_start(&mut self) -> Outcome {
        self.skip_blanks()?;
        match self.peek()? {
            Some(']') | None => {
                self.errorf("unexpected end of table name (table names cannot be empty)")
            }
            Some('.') => self.errorf("unexpected table separator (table names cannot be empty)"),
            c => {
                self.stack.push(State::TableNameEnd);
                Ok(name_state(c))
            }
        }
    }

    fn table_name_end(&mut self) -> Outcome {
        self.skip_blanks()?;
        match self.next()? {
            Some('.') => self.skipping(State::TableNameStart),
            Some(']') => Ok(self.pop()),
            c => self.errorf(&format!(
                "expected '.' or ']' to end table name, but got {} instead",
                quoted(c)
            )),
        }
    }

    fn bare_name(&mut self) -> Outcome {
        while let Some(c) = self.next()?
            && u8::try_from(c).is_ok_and(is_bare)
        {}
        self.backup();
        self.finish(Token::Text)
    }

    fn quoted_name(&mut self) -> Outcome {
        let c = self.next()?;
        self.ignore();
        Ok(if c == Some('"') {
            State::String
        } else {
            State::RawString
        })
    }

    fn key_start(&mut self) -> Outcome {
        self.skip_blanks()?;
        match self.peek()? {
            Some('=') | None => self.errorf("unexpected '=': key name appears blank"),
            Some('.') => self.errorf("unexpected '.': keys cannot start with a '.'"),
            Some(_) => {
                self.emit(Token::KeyStart);
                Ok(State::KeyNameStart)
            }
        }
    }

    fn key_name_start(&mut self) -> Outcome {
        self.skip_blanks()?;
        match self.peek()? {
            Some('=') | None => self.errorf("unexpected '='"),
            Some('.') => self.errorf("unexpected '.'"),
            c => {
                self.stack.push(State::KeyEnd);
                Ok(name_state(c))
            }
        }
    }

    fn key_end(&mut self) -> Outcome {
        self.skip_blanks()?;
        match self.next()? {
            None => self.errorf("unexpected EOF; expected key separator '='"),
            Some('.') => self.skipping(State::KeyNameStart),
            Some('=') => {
                self.emit(Token::KeyEnd);
                self.skipping(State::Value)
            }
            c => {
                let text = format!("expected '.' or '=', but got {} instead", quoted(c));
                if c == Some('\n') {
                    return self.error_before(&text);
                }
                self.errorf(&text)
            }
        }
    }

    fn value(&mut self) -> Outcome {
        let c = self.next()?;
        match c {
            _ if is_blank(c) => return self.skipping(State::Value),
            Some('0'..='9') => {
                self.backup();
                return Ok(State::NumberOrDateStart);
            }
            Some('[') => {
                self.ignore();
                self.emit(Token::Array);
                return Ok(State::ArrayValue);
            }
            Some('{') => {
                self.ignore();
                self.emit(Token::InlineTableStart);
                return Ok(State::InlineTableValue);
            }
            Some('"') => return self.open_string('"', State::String, State::MultilineString),
            Some('\'') => {
                return self.open_string('\'', State::RawString, State::RawMultilineString);
            }
            Some('.') => return self.errorf("floats must start with a digit, not '.'"),
            Some('i' | 'n') => {
                let infinity = self.accept('n')? && self.accept('f')?;
                if infinity || self.accept('a')? && self.accept('n')? {
                    return self.finish(Token::Float);
                }
            }
            Some('-' | '+') => return self.signed(),
            _ => {}
        }
        if c.is_some_and(unicode::is_letter) {
            self.backup();
            return Ok(State::Bool);
        }
        let text = format!("expected value but found {} instead", quoted(c));
        match c {
            None => self.errorf("unexpected EOF; expected value"),
            Some('\n') => self.error_before(&text),
            _ => self.errorf(&text),
        }
    }

    fn open_string(&mut self, quote: char, single: State, triple: State) -> Outcome {
        if self.accept(quote)? {
            if self.accept(quote)? {
                return self.skipping(triple);
            }
            self.backup();
        }
        self.skipping(single)
    }

    fn array_value(&mut self) -> Outcome {
        match self.next()? {
            c if is_blank(c) || is_line_end(c) => self.skipping(State::ArrayValue),
            Some('#') => self.comment(State::ArrayValue),
            Some(',') => self.errorf("unexpected comma"),
            Some(']') => self.close(Token::ArrayEnd),
            _ => {
                self.backup();
                self.stack.push(State::ArrayValueEnd);
                Ok(State::Value)
            }
        }
    }

    fn close(&mut self, token: Token) -> Outcome {
        self.ignore();
        self.finish(token)
    }

    fn array_value_end(&mut self) -> Outcome {
        match self.next()? {
            c if is_blank(c) || is_line_end(c) => self.skipping(State::ArrayValueEnd),
            Some('#') => self.comment(State::ArrayValueEnd),
            Some(',') => self.skipping(State::ArrayValue),
            Some(']') => self.close(Token::ArrayEnd),
            c => self.errorf(&format!(
                "expected a comma (',') or array terminator (']'), but got {}",
                shown(c)
            )),
        }
    }

    fn inline_value(&mut self) -> Outcome {
        match self.next()? {
            c if is_blank(c) || is_line_end(c) => self.skipping(State::InlineTableValue),
            Some('#') => self.comment(State::InlineTableValue),
            Some(',') => self.errorf("unexpected comma"),
            Some('}') => self.close(Token::InlineTableEnd),
            _ => {
                self.backup();
                self.stack.push(State::InlineTableValueEnd);
                Ok(State::KeyStart)
            }
        }
    }

    fn inline_value_end(&mut self) -> Outcome {
        match self.next()? {
            c if is_blank(c) || is_line_end(c) => self.skipping(State::InlineTableValueEnd),
            Some('#') => self.comment(State::InlineTableValueEnd),
            Some(',') => {
                self.ignore();
                self.skip_blanks()?;
                if self.peek()? == Some('}') {
                    return Ok(State::InlineTableValueEnd);
                }
                Ok(State::InlineTableValue)
            }
            Some('}') => self.close(Token::InlineTableEnd),
            c => self.errorf(&format!(
                "expected a comma or an inline table terminator '}}', but got {} instead",
                shown(c)
            )),
        }
    }

    fn boolean(&mut self) -> Outcome {
        let start = self.at;
        while self.next()?.is_some_and(unicode::is_letter) {}
        self.backup();
        let word = &self.input[start..self.at];
        if matches!(word, b"true" | b"false") {
            return self.finish(Token::Bool);
        }
        let text = go_template::quote::quoted(word);
        self.errorf(&format!("expected value but found {text} instead"))
    }
}

fn name_state(c: Char) -> State {
    match c {
        Some('"' | '\'') => State::QuotedName,
        _ => State::BareName,
    }
}
