//! Tables and values of a TOML text.
//!
//! Source: BurntSushi/toml v1.6.0 `parse.go`

mod scalar;
mod tree;

use std::collections::{HashMap, HashSet};

use go_template::quote::quoted;
use go_template::{Budget, Failure, Str, Value};

use super::lex::{Item, Lexer, Token};
use super::{DEPTH, deeper, key, too_deep};
use tree::{Node, Table};

/// Why a text could not be read.
pub(super) enum Error {
    /// An error that stands in the result.
    Text(String),
    /// What ends the rendering.
    Panic(Failure),
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Self::Panic(failure)
    }
}

type Outcome<T = ()> = Result<T, Error>;

/// The whole text as a map.
pub(super) fn decode(text: &[u8], budget: &Budget<'_>) -> Outcome<Value> {
    let text = match text {
        [0xff, 0xfe, rest @ ..] | [0xfe, 0xff, rest @ ..] | [0xef, 0xbb, 0xbf, rest @ ..] => rest,
        _ => text,
    };
    if text.iter().take(6).any(|it| *it == 0) {
        return Err(Error::Text(String::from(
            "toml: line 1: files cannot contain NULL bytes; probably using UTF-16; TOML files must be UTF-8",
        )));
    }
    let mut parser = Parser {
        lexer: Lexer::new(text),
        budget,
        context: Vec::new(),
        current: Str::default(),
        line: 0,
        depth: 0,
        root: Table::default(),
        arrays: HashMap::new(),
        implicits: HashSet::new(),
    };
    loop {
        let item = parser.next()?;
        match item.token {
            Token::End => return Ok(parser.root.into_value()),
            _ => parser.top_level(&item)?,
        }
    }
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    budget: &'a Budget<'a>,
    /// The key of the table that is being read.
    context: Vec<Str>,
    /// The last part of the key whose value is being read.
    current: Str,
    /// The line of the last key.
    line: i64,
    depth: usize,
    root: Table,
    /// Whether what was last set at a key is an array.
    arrays: HashMap<Vec<u8>, bool>,
    /// Tables that came about by keys with dots only.
    implicits: HashSet<Vec<u8>>,
}

impl Parser<'_> {
    fn error<T>(&self, line: i64, text: &str) -> Outcome<T> {
        let mut last = key::joined(&self.context);
        if !self.current.is_empty() {
            if !last.is_empty() {
                last.push(b'.');
            }
            last.extend_from_slice(&self.current);
        }
        Err(Error::Text(if last.is_empty() {
            format!("toml: line {line}: {text}")
        } else {
            format!("toml: line {line} (last key {}): {text}", quoted(&last))
        }))
    }

    fn next(&mut self) -> Outcome<Item> {
        self.budget.steps(1)?;
        let item = self.lexer.next_item();
        if item.token == Token::Error {
            let text = go_template::unicode::lossy(&item.text).into_owned();
            return self.error(item.line, &text);
        }
        Ok(item)
    }

    fn top_level(&mut self, item: &Item) -> Outcome {
        match item.token {
            Token::TableStart | Token::ArrayTableStart => {
                let array = item.token == Token::ArrayTableStart;
                let end = if array {
                    Token::ArrayTableEnd
                } else {
                    Token::TableEnd
                };
                let key = self.key(end)?;
                self.add_context(&key, array)?;
                let path = key::joined(&self.context);
                self.arrays.insert(path, false);
            }
            Token::KeyStart => {
                let outer = self.context.clone();
                self.entry()?;
                self.context = outer;
                self.current = Str::default();
            }
            // A comment.
            _ => {}
        }
        Ok(())
    }

    /// The parts of a key up to its end.
    fn key(&mut self, end: Token) -> Outcome<Vec<Str>> {
        let mut key = Vec::new();
        let mut item = self.next()?;
        self.line = item.line;
        while item.token != end && item.token != Token::End {
            key.push(self.key_part(&item)?);
            item = self.next()?;
        }
        Ok(key)
    }

    fn key_part(&self, item: &Item) -> Outcome<Str> {
        match item.token {
            Token::StringEscaped => self.unescaped(item, &item.text).map(Str::from),
            _ => Ok(Str::from(&*item.text)),
        }
    }

    /// A key and its value, put where they belong. The value.
    fn entry(&mut self) -> Outcome<(Vec<Str>, Value)> {
        let mut key = self.key(Token::KeyEnd)?;
        self.current = key.pop().unwrap_or_default();
        for part in &key {
            let mut path = self.context.clone();
            path.push(part.clone());
            self.implicits.insert(key::joined(&path));
            self.add_context(&path, false)?;
        }
        let item = self.next()?;
        let (value, array) = self.value(&item, false)?;
        let current = self.current.clone();
        self.set_value(&current, Node::Leaf(value.clone()))?;
        self.set_kind(array);
        Ok((key, value))
    }

    fn set_kind(&mut self, array: bool) {
        let mut path = self.context.clone();
        path.push(self.current.clone());
        self.arrays.insert(key::joined(&path), array);
    }

    /// A value, and whether it is an array.
    fn value(&mut self, item: &Item, within_array: bool) -> Outcome<(Value, bool)> {
        match item.token {
            Token::Array => Ok((self.nested(|it| it.array())?, true)),
            Token::InlineTableStart => {
                Ok((self.nested(|it| it.inline_table(within_array))?, false))
            }
            _ => Ok((self.scalar(item)?, false)),
        }
    }

    fn nested(&mut self, work: impl FnOnce(&mut Self) -> Outcome<Value>) -> Outcome<Value> {
        if self.depth == DEPTH {
            return Err(too_deep().into());
        }
        self.depth += 1;
        let value = deeper(|| work(self));
        self.depth -= 1;
        value
    }

    fn array(&mut self) -> Outcome<Value> {
        self.set_kind(true);
        let mut items = Vec::new();
        loop {
            let item = self.next()?;
            match item.token {
                Token::ArrayEnd => return Ok(Value::list(items)),
                Token::CommentStart => {
                    self.next()?;
                }
                _ => items.push(self.value(&item, true)?.0),
            }
        }
    }

    fn inline_table(&mut self, within_array: bool) -> Outcome<Value> {
        let (outer, key) = (self.context.clone(), self.current.clone());
        self.context.push(std::mem::take(&mut self.current));
        let path = self.context.clone();
        self.implicits.insert(key::joined(&path));
        self.add_context(&path, within_array)?;
        let prior = self.context.clone();
        let mut table = Table::default();
        loop {
            let item = self.next()?;
            match item.token {
                Token::InlineTableEnd => break,
                Token::CommentStart => {
                    self.next()?;
                    continue;
                }
                _ => {}
            }
            let (path, value) = self.entry()?;
            let current = self.current.clone();
            if !table.insert_at(&path, current, value) {
                let context = key::joined(&self.context);
                return self.error(self.line, &format!("{} is not a table", quoted(&context)));
            }
            self.context.clone_from(&prior);
        }
        self.context = outer;
        self.current = key;
        Ok(table.into_value())
    }

    /// Goes into a table, which is made if it is not there.
    fn add_context(&mut self, path: &[Str], array: bool) -> Outcome {
        self.budget.steps(path.len() as u64)?;
        let Some((last, parents)) = path.split_last() else {
            return Ok(());
        };
        let mut made = Vec::new();
        let mut wrong = None;
        let mut scrap = Table::default();
        let mut table = &mut self.root;
        for (index, part) in parents.iter().enumerate() {
            if !table.0.contains_key(part) {
                made.push(index);
                table.0.insert(part.clone(), Node::Table(Table::default()));
            }
            let inner = table.0.entry(part.clone());
            match inner.or_insert_with(|| Node::Leaf(Value::Nil)).table() {
                Some(inner) => table = inner,
                None => {
                    wrong = Some(index);
                    table = &mut scrap;
                    break;
                }
            }
        }
        let fits = wrong.is_some() || !array || table.push_table(last);
        for index in made {
            self.implicits.insert(key::joined(&path[..=index]));
        }
        if let Some(index) = wrong {
            let name = go_template::unicode::lossy(&key::joined(&path[..=index])).into_owned();
            let text = format!("Key '{name}' was already created as a hash.");
            return self.error(self.line, &text);
        }
        self.context = parents.to_vec();
        if !fits {
            let name = go_template::unicode::lossy(&key::joined(path)).into_owned();
            let text = format!("Key '{name}' was already created and cannot be used as an array.");
            return self.error(self.line, &text);
        }
        if !array {
            self.set_value(last, Node::Table(Table::default()))?;
        }
        self.context.push(last.clone());
        Ok(())
    }

    /// Puts a value into the table that is being read.
    fn set_value(&mut self, name: &Str, value: Node) -> Outcome {
        self.budget.steps(self.context.len() as u64)?;
        let mut path = self.context.clone();
        path.push(name.clone());
        let whole = key::joined(&path);
        let mut table = &mut self.root;
        for (index, part) in self.context.iter().enumerate() {
            match table.0.get_mut(part).and_then(Node::table) {
                Some(inner) => table = inner,
                None => return self.defined(&key::joined(&path[..=index])),
            }
        }
        if !table.0.contains_key(name) {
            table.0.insert(name.clone(), value);
            return Ok(());
        }
        if !self.implicits.contains(&whole) {
            return self.defined(&whole);
        }
        if self.arrays.get(&whole) == Some(&true) {
            table.0.insert(name.clone(), value);
        }
        self.implicits.remove(&whole);
        Ok(())
    }

    fn defined<T>(&self, path: &[u8]) -> Outcome<T> {
        let name = go_template::unicode::lossy(path);
        self.error(
            self.line,
            &format!("Key '{name}' has already been defined."),
        )
    }
}
