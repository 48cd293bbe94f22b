//! Numbers and dates.

use super::{Char, Lexer, Outcome, Token, quoted};

fn is_radix(c: Char, radix: u32) -> bool {
    c.is_some_and(|it| it.is_digit(radix))
}

impl Lexer<'_> {
    pub(super) fn number_or_date(&mut self) -> Outcome {
        if self.next()? == Some('0') {
            return self.base_number_or_date();
        }
        self.decimal_or_date()
    }

    /// Reads on while characters fit, then emits the token.
    fn run(&mut self, token: Token, fits: impl Fn(char) -> bool) -> Outcome {
        while self.next()?.is_some_and(&fits) {}
        self.backup();
        self.finish(token)
    }

    fn decimal_or_date(&mut self) -> Outcome {
        loop {
            match self.next()? {
                Some('0'..='9') => {}
                Some('-' | ':') => {
                    return self.run(Token::Datetime, |c| {
                        c.is_ascii_digit() || "-:Tt .Zz+".contains(c)
                    });
                }
                Some('_') => return self.decimal(),
                Some('.' | 'e' | 'E') => return self.float(),
                _ => break,
            }
        }
        self.backup();
        self.finish(Token::Integer)
    }

    fn base_number_or_date(&mut self) -> Outcome {
        let (radix, name) = match self.next()? {
            Some('0'..='9') => return self.decimal_or_date(),
            Some('_') => return self.decimal(),
            Some('.' | 'e' | 'E') => return self.float(),
            Some('b') => (2, "a binary"),
            Some('o') => (8, "an octal"),
            Some('x') => (16, "a hexadecimal"),
            _ => {
                self.backup();
                return self.finish(Token::Integer);
            }
        };
        let c = self.peek()?;
        if !is_radix(c, radix) {
            let text = go_template::unicode::lossy(self.current());
            let c = c.unwrap_or('\0');
            let text = format!("not {name} number: '{text}{c}'");
            return self.errorf(&text);
        }
        self.run(Token::Integer, |c| c.is_digit(radix) || c == '_')
    }

    fn decimal(&mut self) -> Outcome {
        loop {
            match self.next()? {
                Some('0'..='9' | '_') => {}
                Some('.' | 'e' | 'E') => return self.float(),
                _ => break,
            }
        }
        self.backup();
        self.finish(Token::Integer)
    }

    fn float(&mut self) -> Outcome {
        self.run(Token::Float, |c| c.is_ascii_digit() || "_.-+eE".contains(c))
    }

    /// A number after its sign.
    pub(super) fn signed(&mut self) -> Outcome {
        let c = self.next()?;
        let word = match c {
            Some('i') => Some(['n', 'f']),
            Some('n') => Some(['a', 'n']),
            _ => None,
        };
        if let Some([second, third]) = word {
            if self.accept(second)? && self.accept(third)? {
                return self.finish(Token::Float);
            }
            let text = go_template::unicode::lossy(self.current());
            let text = format!("invalid float: '{text}'");
            return self.errorf(&text);
        }
        if c == Some('0')
            && let Some(base @ ('b' | 'o' | 'x')) = self.peek()?
        {
            let text = go_template::unicode::lossy(self.current());
            let text = format!("cannot use sign with non-decimal numbers: '{text}{base}'");
            return self.errorf(&text);
        }
        match c {
            Some('.') => self.errorf("floats must start with a digit, not '.'"),
            Some('0'..='9') => self.decimal(),
            _ => self.errorf(&format!("expected a digit but got {}", quoted(c))),
        }
    }
}
