//! Text to nodes: the grammar.

use crate::Error;

/// A piece of a text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Node {
    Text(String),
    Expansion(Expansion),
}

/// One `${…}`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Expansion {
    pub(crate) name: String,
    pub(crate) operator: Operator,
    pub(crate) arguments: Vec<Node>,
}

/// What is done with the value of a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    Value,
    Length,
    UpperFirst,
    Upper,
    LowerFirst,
    Lower,
    Substring,
    ShortestPrefix,
    LongestPrefix,
    ShortestSuffix,
    LongestSuffix,
    ReplaceFirst,
    ReplaceAll,
    ReplacePrefix,
    ReplaceSuffix,
    Default,
}

/// Parses `text`, with at most `depth` expansions inside one another.
pub(crate) fn parse(text: &str, depth: usize) -> Result<Vec<Node>, Error> {
    let mut parser = Parser {
        text,
        at: 0,
        depth,
        open: 0,
    };
    let mut nodes = Vec::new();
    let mut literal = String::new();
    while let Some(dollar) = parser.rest().find('$') {
        literal.push_str(&parser.rest()[..dollar]);
        parser.at += dollar;
        if parser.skip("${") {
            if !literal.is_empty() {
                nodes.push(Node::Text(std::mem::take(&mut literal)));
            }
            nodes.push(Node::Expansion(parser.expansion()?));
        } else {
            literal.push('$');
            parser.at += if parser.rest().starts_with("$$") {
                2
            } else {
                1
            };
        }
    }
    literal.push_str(parser.rest());
    if !literal.is_empty() {
        nodes.push(Node::Text(literal));
    }
    Ok(nodes)
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    open: usize,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn skip(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    /// Letters, digits and `_`; empty where there are none.
    fn name(&mut self) -> &'a str {
        let rest = self.rest();
        let end = rest
            .find(|c: char| !(c.is_alphanumeric() || c == '_'))
            .unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    fn close(&mut self) -> Result<(), Error> {
        if self.skip("}") {
            Ok(())
        } else {
            Err(Error::BadSubstitution)
        }
    }

    /// What follows `${`, its `}` included.
    fn expansion(&mut self) -> Result<Expansion, Error> {
        if self.open == self.depth {
            return Err(Error::TooDeep(self.depth));
        }
        self.open += 1;
        let result = self.expansion_inside();
        self.open -= 1;
        result
    }

    fn expansion_inside(&mut self) -> Result<Expansion, Error> {
        if self.skip("#") {
            let name = self.name();
            if name.is_empty() {
                return Err(Error::BadSubstitution);
            }
            self.close()?;
            return Ok(expansion(name, Operator::Length, Vec::new()));
        }
        let name = self.name();
        if name.is_empty() {
            return Err(Error::ParseVariableName);
        }
        match self.peek() {
            Some('}') => {
                self.at += 1;
                Ok(expansion(name, Operator::Value, Vec::new()))
            }
            Some(':' | '=') => self.default_or_substring(name),
            Some(',' | '^') => self.casing(name),
            Some('/') => self.replace(name),
            Some('#' | '%') => self.trim(name),
            _ => Err(Error::MissingClosingBrace),
        }
    }

    fn default_or_substring(&mut self, name: &str) -> Result<Expansion, Error> {
        for token in ["=", ":=", ":-", ":?", ":+"] {
            if self.skip(token) {
                let mut arguments = Vec::new();
                while !self.skip("}") {
                    arguments.push(self.argument(|c| c == '}', Escapes::None)?);
                }
                return Ok(expansion(name, Operator::Default, arguments));
            }
        }
        self.at += 1;
        let mut arguments = vec![self.argument(|c| c == ':' || c == '}', Escapes::None)?];
        if !self.skip("}") {
            if !self.skip(":") {
                return Err(Error::BadSubstitution);
            }
            arguments.push(self.argument(|c| c == '}', Escapes::None)?);
            self.close()?;
        }
        Ok(expansion(name, Operator::Substring, arguments))
    }

    fn casing(&mut self, name: &str) -> Result<Expansion, Error> {
        let operators = [
            ("^^", Operator::Upper),
            ("^", Operator::UpperFirst),
            (",,", Operator::Lower),
            (",", Operator::LowerFirst),
        ];
        let operator = self.operator(&operators);
        self.close()?;
        Ok(expansion(name, operator, Vec::new()))
    }

    fn trim(&mut self, name: &str) -> Result<Expansion, Error> {
        let operators = [
            ("##", Operator::LongestPrefix),
            ("#", Operator::ShortestPrefix),
            ("%%", Operator::LongestSuffix),
            ("%", Operator::ShortestSuffix),
        ];
        let operator = self.operator(&operators);
        let pattern = self.argument(|c| c == '}', Escapes::None)?;
        self.close()?;
        Ok(expansion(name, operator, vec![pattern]))
    }

    fn replace(&mut self, name: &str) -> Result<Expansion, Error> {
        let operators = [
            ("//", Operator::ReplaceAll),
            ("/#", Operator::ReplacePrefix),
            ("/%", Operator::ReplaceSuffix),
            ("/", Operator::ReplaceFirst),
        ];
        let operator = self.operator(&operators);
        let mut arguments = vec![self.argument(|c| c == '/', Escapes::Some)?];
        if !self.skip("/") {
            return Err(Error::BadSubstitution);
        }
        if !self.skip("}") {
            arguments.push(self.argument(|c| c == '}', Escapes::Some)?);
            self.close()?;
        }
        Ok(expansion(name, operator, arguments))
    }

    /// The first of `operators` that comes next; the caller has seen that one of them does.
    fn operator(&mut self, operators: &[(&str, Operator)]) -> Operator {
        operators
            .iter()
            .find(|(token, _)| self.skip(token))
            .map_or(Operator::Value, |(_, operator)| *operator)
    }

    /// A nested expansion, or text up to one, up to a character that ends the argument, or to the end.
    fn argument(&mut self, ends: fn(char) -> bool, escapes: Escapes) -> Result<Node, Error> {
        if self.skip("${") {
            return Ok(Node::Expansion(self.expansion()?));
        }
        let mut text = String::new();
        while let Some(mut next) = self.peek() {
            if self.rest().starts_with("${") {
                break;
            }
            let escaped = self.rest()[next.len_utf8()..].chars().next();
            match (escapes, next, escaped) {
                (Escapes::Some, '\\', Some(escaped @ ('/' | '\\')))
                | (Escapes::Some, '$', Some(escaped @ '$')) => {
                    self.at += 1;
                    next = escaped;
                }
                _ if ends(next) => break,
                _ => {}
            }
            text.push(next);
            self.at += next.len_utf8();
        }
        if text.is_empty() {
            return Err(Error::ParseArgument);
        }
        Ok(Node::Text(text))
    }
}

/// Whether `\/`, `\\` and `$$` stand for `/`, `\` and `$`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Escapes {
    None,
    Some,
}

fn expansion(name: &str, operator: Operator, arguments: Vec<Node>) -> Expansion {
    Expansion {
        name: name.to_owned(),
        operator,
        arguments,
    }
}
