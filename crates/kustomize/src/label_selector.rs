//! Kubernetes label selectors, for labels and annotations: `a=b,c!=d,e in (f,g),!h`.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use kyaml::Text;

use crate::error::{Error, bail};
use crate::go_text::quote;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Test {
    Exists,
    Missing,
    In(BTreeSet<String>),
    NotIn(BTreeSet<String>),
    Above(i64),
    Below(i64),
}

/// A parsed selector: all its requirements must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct LabelSelector(Vec<(String, Test)>);

impl LabelSelector {
    /// Whether a set of labels fulfils the selector. An empty selector fits everything.
    pub(crate) fn matches(&self, labels: &BTreeMap<Text, Text>) -> bool {
        self.0.iter().all(|(key, test)| {
            let value = labels.get(key.as_str());
            match test {
                Test::Exists => value.is_some(),
                Test::Missing => value.is_none(),
                Test::In(values) => value.is_some_and(|value| values.contains(value.as_str())),
                Test::NotIn(values) => !value.is_some_and(|value| values.contains(value.as_str())),
                Test::Above(bound) => value.and_then(number).is_some_and(|value| value > *bound),
                Test::Below(bound) => value.and_then(number).is_some_and(|value| value < *bound),
            }
        })
    }

    /// Whether there is no requirement.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Reads a selector.
    ///
    /// # Errors
    /// It breaks the grammar, or a key or value is no label key or value.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let mut parser = Parser {
            tokens: tokens(text),
            at: 0,
        };
        let mut requirements = Vec::new();
        loop {
            match parser.peek(true) {
                Token::End => break,
                Token::Word(_) | Token::Symbol("!") => {}
                other => bail!(
                    "found '{}', expected: !, identifier, or 'end of string'",
                    other.text()
                ),
            }
            let requirement = parser
                .requirement()
                .map_err(|error| error.within("unable to parse requirement"))?;
            requirements.push(requirement);
            match parser.next(true) {
                Token::End => break,
                Token::Symbol(",") => {
                    let next = parser.peek(true);
                    if !matches!(next, Token::Word(_) | Token::Symbol("!")) {
                        bail!("found '{}', expected: identifier after ','", next.text());
                    }
                }
                other => bail!("found '{}', expected: ',' or 'end of string'", other.text()),
            }
        }
        Ok(Self(requirements))
    }
}

fn number(text: &Text) -> Option<i64> {
    text.parse().ok()
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    End,
    Word(String),
    Keyword(&'static str),
    Symbol(&'static str),
    Bad(String),
}

impl Token {
    fn text(&self) -> &str {
        match self {
            Self::End => "",
            Self::Word(text) | Self::Bad(text) => text,
            Self::Keyword(text) | Self::Symbol(text) => text,
        }
    }
}

fn tokens(text: &str) -> Vec<Token> {
    const SPECIAL: &[u8] = b"=!(),><";
    const SYMBOLS: [&str; 9] = ["==", "!=", "=", "!", "(", ")", ",", ">", "<"];
    let bytes = text.as_bytes();
    let mut tokens = Vec::new();
    let mut at = 0;
    // A NUL ends the text, as it does for the original.
    while at < bytes.len() && bytes[at] != 0 {
        if bytes[at].is_ascii_whitespace() && bytes[at] != b'\x0c' {
            at += 1;
        } else if SPECIAL.contains(&bytes[at]) {
            let found = SYMBOLS
                .iter()
                .find(|symbol| text[at..].starts_with(**symbol));
            match found {
                Some(symbol) => {
                    at += symbol.len();
                    tokens.push(Token::Symbol(symbol));
                }
                None => {
                    tokens.push(Token::Bad(text[at..].to_owned()));
                    break;
                }
            }
        } else {
            let end = bytes[at..]
                .iter()
                .position(|byte| SPECIAL.contains(byte) || b" \t\r\n\0".contains(byte))
                .map_or(bytes.len(), |length| at + length);
            tokens.push(match &text[at..end] {
                "in" => Token::Keyword("in"),
                "notin" => Token::Keyword("notin"),
                word => Token::Word(word.to_owned()),
            });
            at = end;
        }
    }
    tokens.push(Token::End);
    tokens
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
}

impl Parser {
    /// The next token; `in` and `notin` are words where values may stand.
    fn peek(&self, as_value: bool) -> Token {
        match self.tokens.get(self.at) {
            Some(Token::Keyword(word)) if as_value => Token::Word((*word).to_owned()),
            Some(token) => token.clone(),
            None => Token::End,
        }
    }

    fn next(&mut self, as_value: bool) -> Token {
        let token = self.peek(as_value);
        self.at += 1;
        token
    }

    fn requirement(&mut self) -> Result<(String, Test), Error> {
        let mut token = self.next(true);
        let negated = token == Token::Symbol("!");
        if negated {
            token = self.next(true);
        }
        let Token::Word(key) = token else {
            bail!("found '{}', expected: identifier", token.text());
        };
        check_key(&key)?;
        if negated {
            return Ok((key, Test::Missing));
        }
        if matches!(self.peek(true), Token::End | Token::Symbol(",")) {
            return Ok((key, Test::Exists));
        }
        let operator = self.next(false);
        let test = match operator.text() {
            "in" | "notin" if matches!(operator, Token::Keyword(_)) => {
                let values = self.values()?;
                check_values(&key, &values)?;
                if operator.text() == "in" {
                    Test::In(values)
                } else {
                    Test::NotIn(values)
                }
            }
            "=" | "==" | "!=" => {
                let values = BTreeSet::from([self.exact()?]);
                check_values(&key, &values)?;
                if operator.text() == "!=" {
                    Test::NotIn(values)
                } else {
                    Test::In(values)
                }
            }
            ">" | "<" => {
                let value = self.exact()?;
                let Ok(bound) = value.parse() else {
                    bail!("for 'Gt', 'Lt' operators, the value must be an integer");
                };
                if operator.text() == ">" {
                    Test::Above(bound)
                } else {
                    Test::Below(bound)
                }
            }
            other => bail!("found '{other}', expected: '=', '!=', '==', 'in', notin'"),
        };
        Ok((key, test))
    }

    fn values(&mut self) -> Result<BTreeSet<String>, Error> {
        let open = self.next(true);
        if open != Token::Symbol("(") {
            bail!("found '{}' expected: '('", open.text());
        }
        let mut values = BTreeSet::new();
        match self.peek(true) {
            Token::Word(_) | Token::Symbol(",") => {}
            Token::Symbol(")") => {
                self.next(true);
                values.insert(String::new());
                return Ok(values);
            }
            other => bail!("found '{}', expected: ',', ')' or identifier", other.text()),
        }
        loop {
            match self.next(true) {
                Token::Word(value) => {
                    values.insert(value);
                    match self.peek(true) {
                        Token::Symbol(",") => {}
                        Token::Symbol(")") => break,
                        other => bail!("found '{}', expected: ',' or ')'", other.text()),
                    }
                }
                Token::Symbol(",") => {
                    if values.is_empty() {
                        values.insert(String::new());
                    }
                    match self.peek(true) {
                        Token::Symbol(")") => {
                            values.insert(String::new());
                            break;
                        }
                        Token::Symbol(",") => {
                            self.next(true);
                            values.insert(String::new());
                        }
                        _ => {}
                    }
                }
                other => bail!("found '{}', expected: ',', or identifier", other.text()),
            }
        }
        let close = self.next(true);
        if close != Token::Symbol(")") {
            bail!("found '{}', expected: ')'", close.text());
        }
        Ok(values)
    }

    fn exact(&mut self) -> Result<String, Error> {
        if matches!(self.peek(true), Token::End | Token::Symbol(",")) {
            return Ok(String::new());
        }
        match self.next(true) {
            Token::Word(value) => Ok(value),
            other => bail!("found '{}', expected: identifier", other.text()),
        }
    }
}

const NAME_RULE: &str = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";

fn is_label_text(text: &str) -> bool {
    let alphanumeric = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    alphanumeric(text.chars().next())
        && alphanumeric(text.chars().last())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
}

fn check_key(key: &str) -> Result<(), Error> {
    let mut problems = Vec::new();
    let name = match key.split_once('/') {
        None => key,
        Some((_, rest)) if rest.contains('/') => {
            bail!(
                "invalid label key {}: a qualified name {NAME_RULE} (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')",
                quote(key)
            );
        }
        Some((prefix, name)) => {
            if prefix.is_empty() {
                problems.push("prefix part must be non-empty".to_owned());
            } else if !is_dns_subdomain(prefix) {
                problems.push("prefix part a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')".to_owned());
            }
            name
        }
    };
    if name.is_empty() {
        problems.push("name part must be non-empty".to_owned());
    } else if name.len() > 63 {
        problems.push("name part must be no more than 63 characters".to_owned());
    }
    if !is_label_text(name) {
        problems.push(format!("name part {NAME_RULE} (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"));
    }
    if problems.is_empty() {
        return Ok(());
    }
    bail!("invalid label key {}: {}", quote(key), problems.join("; "))
}

fn is_dns_subdomain(text: &str) -> bool {
    text.len() <= 253
        && text.split('.').all(|part| {
            let edge =
                |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit() || c.is_ascii_lowercase());
            edge(part.chars().next())
                && edge(part.chars().last())
                && part
                    .chars()
                    .all(|c| c.is_ascii_digit() || c.is_ascii_lowercase() || c == '-')
        })
}

fn check_values(key: &str, values: &BTreeSet<String>) -> Result<(), Error> {
    for value in values {
        let mut problems = Vec::new();
        if value.len() > 63 {
            problems.push("must be no more than 63 characters".to_owned());
        }
        if !value.is_empty() && !is_label_text(value) {
            problems.push("a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')".to_owned());
        }
        if !problems.is_empty() {
            bail!(
                "invalid label value: {}: at key: {}: {}",
                quote(value),
                quote(key),
                problems.join("; ")
            );
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(selector: &str, labels: &[(&str, &str)]) -> bool {
        let labels = labels
            .iter()
            .map(|(key, value)| (Text::from(*key), Text::from(*value)))
            .collect();
        LabelSelector::parse(selector)
            .expect(selector)
            .matches(&labels)
    }

    #[test]
    fn selects_as_kubernetes_does() {
        let labels = [("a", "1"), ("b", "x")];
        for (selector, expected) in [
            ("", true),
            ("a=1", true),
            ("a==1,b!=y", true),
            ("a", true),
            ("!a", false),
            ("b in (x,y)", true),
            ("b notin (x, y)", false),
            ("c!=1", true),
            ("a>0", true),
            ("a<1", false),
            ("in=3", false),
        ] {
            assert_eq!(matches(selector, &labels), expected, "{selector}");
        }
    }

    #[test]
    fn names_the_place_of_a_mistake() {
        for (selector, expected) in [
            (
                "a in b",
                "unable to parse requirement: found 'b' expected: '('",
            ),
            ("a,", "found '', expected: identifier after ','"),
            (
                "=",
                "found '=', expected: !, identifier, or 'end of string'",
            ),
        ] {
            assert_eq!(
                LabelSelector::parse(selector).map_err(|e| e.to_string()),
                Err(expected.to_owned())
            );
        }
    }
}
