//! Tokens into a tree.
//!
//! Source: cel-go v0.26 `parser/parser.go`, `parser/gen/CEL.g4`

mod macros;
mod primary;

use crate::ast::{Expr, Kind, Select, operator};
use crate::error::Issue;
use crate::token::{Token, TokenKind, tokens};

/// Nesting of an expression, and length of a chain of operators. cel-go has the same limit.
const DEPTH: usize = 250;

/// Characters of an expression. cel-go has the same limit.
const SIZE: usize = 100_000;

/// What may stand where a value is expected, as ANTLR names it; the second part only where it is allowed.
const OPERAND: [(&str, &str); 20] = [
    ("'['", ""),
    ("']'", "]"),
    ("'{'", ""),
    ("'}'", "}"),
    ("'('", ""),
    ("')'", ")"),
    ("'.'", ""),
    ("','", ","),
    ("'-'", ""),
    ("'!'", ""),
    ("'?'", "?"),
    ("'true'", ""),
    ("'false'", ""),
    ("'null'", ""),
    ("NUM_FLOAT", ""),
    ("NUM_INT", ""),
    ("NUM_UINT", ""),
    ("STRING", ""),
    ("BYTES", ""),
    ("IDENTIFIER", ""),
];

/// The issue is noted, and nothing more can be parsed.
struct Stop;

type Parsed<T> = Result<T, Stop>;

/// The tree of an expression.
///
/// # Errors
/// All that was found to be wrong.
pub(crate) fn parse(source: &[char]) -> Result<Expr, Vec<Issue>> {
    if source.len() > SIZE {
        let size = source.len();
        return Err(vec![Issue {
            at: None,
            message: format!(
                "expression code point size exceeds limit: size: {size}, limit {SIZE}"
            ),
        }]);
    }
    let (tokens, issues) = tokens(source);
    let mut parser = Parser {
        source,
        tokens,
        at: 0,
        depth: 0,
        also: "",
        issues,
    };
    let parsed = parser.whole();
    match parsed {
        Ok(expr) if parser.issues.is_empty() => Ok(expr),
        _ => Err(parser.issues),
    }
}

struct Parser<'a> {
    source: &'a [char],
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
    /// What else may stand where the next value is expected.
    also: &'static str,
    issues: Vec<Issue>,
}

/// Binary operators: text, function, and how strongly they bind.
const BINARY: [(&str, &str, u8); 12] = [
    ("==", operator::EQUALS, 0),
    ("!=", operator::NOT_EQUALS, 0),
    ("<", operator::LESS, 0),
    ("<=", operator::LESS_EQUALS, 0),
    (">", operator::GREATER, 0),
    (">=", operator::GREATER_EQUALS, 0),
    ("in", operator::IN, 0),
    ("+", operator::ADD, 1),
    ("-", operator::SUBTRACT, 1),
    ("*", operator::MULTIPLY, 2),
    ("/", operator::DIVIDE, 2),
    ("%", operator::MODULO, 2),
];

impl Parser<'_> {
    fn token(&self) -> Token {
        self.tokens[self.at.min(self.tokens.len() - 1)]
    }

    fn ahead(&self, count: usize) -> Token {
        self.tokens[(self.at + count).min(self.tokens.len() - 1)]
    }

    fn text(&self, token: Token) -> String {
        match token.kind {
            TokenKind::End => "<EOF>".to_owned(),
            _ => self.source[token.start..token.end].iter().collect(),
        }
    }

    fn is(&self, token: Token, text: &str) -> bool {
        matches!(token.kind, TokenKind::Operator | TokenKind::Word)
            && self.source[token.start..token.end]
                .iter()
                .copied()
                .eq(text.chars())
    }

    fn at(&self, text: &str) -> bool {
        self.is(self.token(), text)
    }

    /// Moves past `text` where it is next.
    fn take(&mut self, text: &str) -> bool {
        let found = self.at(text);
        self.at += usize::from(found);
        found
    }

    fn issue(&mut self, at: usize, message: impl Into<String>) {
        self.issues.push(Issue {
            at: Some(at),
            message: message.into(),
        });
    }

    fn syntax_error<T>(&mut self, message: impl std::fmt::Display) -> Parsed<T> {
        let at = self.token().start;
        self.issue(at, format!("Syntax error: {message}"));
        Err(Stop)
    }

    /// Counts levels of nesting; whoever calls it takes them back.
    fn deeper(&mut self, levels: usize) -> Parsed<()> {
        self.within(levels, || {
            format!("expression recursion limit exceeded: {DEPTH}")
        })
    }

    /// The same for a chain of operators.
    fn longer(&mut self) -> Parsed<()> {
        self.within(1, || "max recursion depth exceeded".to_owned())
    }

    fn within(&mut self, levels: usize, message: fn() -> String) -> Parsed<()> {
        self.depth += levels;
        if self.depth <= DEPTH {
            return Ok(());
        }
        self.issues.push(Issue {
            at: None,
            message: message(),
        });
        Err(Stop)
    }

    fn whole(&mut self) -> Parsed<Expr> {
        let expr = self.expr()?;
        if self.token().kind == TokenKind::End {
            return Ok(expr);
        }
        let text = self.text(self.token());
        let last = self.ahead(1).kind == TokenKind::End;
        let what = if last { "extraneous" } else { "mismatched" };
        self.syntax_error(format!("{what} input '{text}' expecting <EOF>"))
    }

    fn expr(&mut self) -> Parsed<Expr> {
        self.deeper(1)?;
        crate::with_stack(|| self.ternary())
    }

    fn ternary(&mut self) -> Parsed<Expr> {
        let condition = self.or()?;
        let at = self.token().start;
        let expr = if self.take("?") {
            let yes = self.or()?;
            self.expect(":")?;
            let no = self.expr()?;
            Expr::call(at, operator::CONDITIONAL, vec![condition, yes, no])
        } else {
            condition
        };
        self.depth -= 1;
        Ok(expr)
    }

    fn or(&mut self) -> Parsed<Expr> {
        let first = self.and()?;
        self.logical(first, "||", operator::OR, Self::and)
    }

    fn and(&mut self) -> Parsed<Expr> {
        let first = self.binary(0)?;
        self.logical(first, "&&", operator::AND, |parser| parser.binary(0))
    }

    /// A chain of one logical operator is one call: it may be long.
    fn logical(
        &mut self,
        first: Expr,
        text: &str,
        function: &str,
        next: fn(&mut Self) -> Parsed<Expr>,
    ) -> Parsed<Expr> {
        let at = self.token().start;
        if !self.at(text) {
            return Ok(first);
        }
        let mut terms = vec![first];
        while self.take(text) {
            terms.push(next(self)?);
        }
        Ok(Expr::call(at, function, terms))
    }

    fn binary(&mut self, weakest: u8) -> Parsed<Expr> {
        let mut left = self.unary()?;
        let mut links = 0;
        loop {
            let token = self.token();
            let found = BINARY.iter().find(|(text, ..)| self.is(token, text));
            let Some((_, function, strength)) = found.filter(|found| found.2 >= weakest) else {
                break;
            };
            self.at += 1;
            self.longer()?;
            links += 1;
            let right = self.binary(strength + 1)?;
            left = Expr::call(token.start, function, vec![left, right]);
        }
        self.depth -= links;
        Ok(left)
    }

    fn unary(&mut self) -> Parsed<Expr> {
        let start = self.token().start;
        for (text, function) in [("!", operator::NOT), ("-", operator::NEGATE)] {
            let mut count = 0;
            if text == "-" && self.at("-") && self.number_follows() {
                return self.member();
            }
            while self.take(text) {
                count += 1;
            }
            if count > 0 {
                if text == "-" && !self.starts_operand(self.token()) {
                    let next = match self.token().kind {
                        TokenKind::End => String::new(),
                        _ => self.text(self.token()),
                    };
                    return self.syntax_error(format!("no viable alternative at input '-{next}'"));
                }
                if self.token().kind == TokenKind::End {
                    let set = self.operands();
                    return self.syntax_error(format!("extraneous input '<EOF>' expecting {set}"));
                }
                let operand = self.member()?;
                if count % 2 == 0 {
                    return Ok(operand);
                }
                return Ok(Expr::call(start, function, vec![operand]));
            }
        }
        self.member()
    }

    /// Whether the next token is a minus that belongs to a number.
    fn number_follows(&self) -> bool {
        matches!(self.ahead(1).kind, TokenKind::Int | TokenKind::Float)
    }

    fn member(&mut self) -> Parsed<Expr> {
        let mut expr = self.primary()?;
        let mut links = 0;
        loop {
            let at = self.token().start;
            if self.take(".") {
                let optional = self.take("?");
                expr = self.selection(expr, at, optional)?;
            } else if self.take("[") {
                let optional = self.take("?");
                self.also = if optional { "" } else { "?" };
                let index = self.expr()?;
                self.expect("]")?;
                let function = if optional {
                    operator::OPTIONAL_INDEX
                } else {
                    operator::INDEX
                };
                expr = Expr::call(at, function, vec![expr, index]);
            } else if self.at("{")
                && let Some(name) = expr.qualified_name()
            {
                self.at += 1;
                expr = Expr::new(at, Kind::Message(name, self.fields()?));
            } else {
                break;
            }
            self.longer()?;
            links += 1;
        }
        self.depth -= links;
        Ok(expr)
    }

    /// What follows a dot.
    fn selection(&mut self, operand: Expr, at: usize, optional: bool) -> Parsed<Expr> {
        let token = self.token();
        match token.kind {
            TokenKind::Identifier => {}
            TokenKind::Escaped => {
                self.issue(token.start, "unsupported syntax: '`'");
            }
            _ if optional => {
                let text = self.text(token);
                return self.syntax_error(format!(
                    "mismatched input '{text}' expecting {{IDENTIFIER, ESC_IDENTIFIER}}"
                ));
            }
            _ => {
                let text = self.text(token);
                let shown = match token.kind {
                    TokenKind::End => ".".to_owned(),
                    _ => format!(".{text}"),
                };
                return match text.as_str() {
                    "true" | "false" | "null" => {
                        self.syntax_error(format!("mismatched input '{text}' expecting IDENTIFIER"))
                    }
                    _ => self.syntax_error(format!("no viable alternative at input '{shown}'")),
                };
            }
        }
        self.at += 1;
        let field = self.text(token);
        let open = self.token().start;
        if !optional && token.kind == TokenKind::Identifier && self.take("(") {
            let args = self.arguments()?;
            return self.method(open, &field, operand, args);
        }
        Ok(Expr::new(
            at,
            Kind::Select(Box::new(Select {
                operand,
                field,
                test: false,
                optional,
            })),
        ))
    }

    fn expect(&mut self, text: &str) -> Parsed<()> {
        if self.take(text) {
            return Ok(());
        }
        self.expected(format!("'{text}'"), &[text])
    }

    /// Tells that one of `texts` is missing, whose description is `set`.
    fn expected<T>(&mut self, set: String, texts: &[&str]) -> Parsed<T> {
        let found = self.text(self.token());
        let end = self.token().kind == TokenKind::End;
        if !end && texts.iter().any(|text| self.is(self.ahead(1), text)) {
            return self.syntax_error(format!("extraneous input '{found}' expecting {set}"));
        }
        let inserts = match texts {
            [")" | "]"] => end,
            [":"] => self.starts_operand(self.token()),
            _ => false,
        };
        if inserts {
            return self.syntax_error(format!("missing {set} at '{found}'"));
        }
        self.syntax_error(format!("mismatched input '{found}' expecting {set}"))
    }

    /// Whether a value may begin with the token.
    fn starts_operand(&self, token: Token) -> bool {
        match token.kind {
            TokenKind::Operator => ["[", "{", "(", ".", "-", "!"]
                .iter()
                .any(|text| self.is(token, text)),
            TokenKind::Word => !self.is(token, "in"),
            TokenKind::End | TokenKind::Escaped => false,
            _ => true,
        }
    }

    /// What may stand here, for messages.
    fn operands(&self) -> String {
        let allowed = |(_, only): &&(&str, &str)| only.is_empty() || self.also.contains(only);
        let names: Vec<&str> = OPERAND
            .iter()
            .filter(allowed)
            .map(|(name, _)| *name)
            .collect();
        format!("{{{}}}", names.join(", "))
    }
}
