//! The `--set` family: `a.b[0]=x,c={y,z}` put into values.
//!
//! Source: Helm 4.2.4 `pkg/strvals/parser.go`, `literal_parser.go`

mod item;
mod scan;

use go_template::{List, Map, Type, Value};

use scan::{Stop, Text};

/// The largest index of a list.
pub const MAX_INDEX: i64 = 65_536;
/// The most names that a path may have.
pub const MAX_NAMES: usize = 30;
/// The most names and indexes together; upstream has no bound on indexes.
const MAX_DEPTH: usize = 256;

/// The most elements that one text may add to lists; upstream has no bound.
const MAX_ADDED: usize = 1_000_000;
/// The most elements that may be passed over while lists change; upstream has no bound.
const MAX_PASSED: usize = 20_000_000;

/// Reads what stands behind the `=` of `--set-file`: a path as it was given.
pub type Reader<'a> = &'a mut dyn FnMut(&str) -> Result<Value, String>;

/// What values become.
pub enum Mode<'a> {
    /// Booleans, null and integers where they look so, else strings: `--set`.
    Typed,
    /// Strings: `--set-string`.
    Strings,
    /// JSON: `--set-json`.
    Json,
    /// Strings without lists and escapes: `--set-literal`.
    Literal,
    /// What a reader makes of them: `--set-file`.
    Files(Reader<'a>),
}

/// Why a text could not be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The text ended where nothing was open: no error to the user.
    #[error("EOF")]
    End,
    /// The text ended within an index: none either.
    #[error("error parsing index: EOF")]
    EndOfIndex,
    /// A name without a value.
    #[error("key {0} has no value")]
    NoValue(String),
    /// A name before a comma.
    #[error("key {0} has no value (cannot end with ,)")]
    Comma(String),
    /// A name with a dot and nothing behind it.
    #[error("key map {0} has no value")]
    NoMap(String),
    /// An index that is no number.
    #[error("error parsing index: {0}")]
    Index(String),
    /// An index below zero.
    #[error("negative {0} index not allowed")]
    Negative(i64),
    /// An index beyond [`MAX_INDEX`].
    #[error("index of {0} is greater than maximum supported index of {MAX_INDEX}")]
    TooLarge(i64),
    /// More names than [`MAX_NAMES`].
    #[error(
        "value name nested level is greater than maximum supported nested level of {MAX_NAMES}"
    )]
    TooDeep,
    /// Lists that are too long together, or changed too often.
    #[error("lists need more than {MAX_ADDED} elements, or too many changes")]
    TooMany,
    /// A value of another kind stands where a map or list is needed.
    #[error("unable to parse key: interface conversion: interface {{}} is {found}, not {wanted}")]
    Kind {
        /// The type that is there.
        found: String,
        /// The type that the path needs.
        wanted: &'static str,
    },
    /// Something between `]` and what may follow it.
    #[error("unexpected data at end of array index: {0}")]
    AfterIndex(String),
    /// A list in braces that does not end.
    #[error("list must terminate with '}}'")]
    OpenList,
    /// What is no JSON.
    #[error("{0}")]
    Json(String),
    /// What the reader says.
    #[error("{0}")]
    Read(String),
}

impl Error {
    /// Whether the text was merely over.
    fn is_end(&self) -> bool {
        matches!(self, Self::End | Self::EndOfIndex)
    }
}

/// Puts what a text says into values. What came before an error stays.
///
/// # Errors
/// [`Error`].
pub fn set(text: &str, values: &Map, mode: Mode<'_>) -> Result<(), Error> {
    let mut parser = Parser {
        text: Text::new(text),
        mode,
        depth: 0,
        added: 0,
        passed: 0,
    };
    loop {
        match parser.key(values, 0) {
            Ok(()) => {}
            Err(error) if error.is_end() => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

struct Parser<'t, 'm> {
    text: Text<'t>,
    mode: Mode<'m>,
    depth: usize,
    /// Elements that were added to lists.
    added: usize,
    /// Elements of the lists that were changed.
    passed: usize,
}

fn quoted(text: &str) -> String {
    go_template::quote::quoted(text.as_bytes())
}

fn put(map: &Map, key: String, value: Value) {
    if !key.is_empty() {
        map.insert(key.into(), value);
    }
}

/// The list that is under a key, or an empty one.
fn list_at(map: &Map, key: &str) -> Result<Vec<Value>, Error> {
    match map.get(key.as_bytes()) {
        None => Ok(Vec::new()),
        Some(value) => as_list(&value),
    }
}

fn as_list(value: &Value) -> Result<Vec<Value>, Error> {
    match value {
        Value::List(list) if *list.ty() == Type::LIST => Ok(list.iter().collect()),
        other => Err(kind_error(other, "[]interface {}")),
    }
}

fn kind_error(found: &Value, wanted: &'static str) -> Error {
    let found = match found {
        Value::Nil => String::from("nil"),
        other => other.type_name(),
    };
    Error::Kind { found, wanted }
}

fn listed(items: Vec<Value>) -> Value {
    Value::List(List::new(&Type::LIST, items))
}

impl Parser<'_, '_> {
    fn is_literal(&self) -> bool {
        matches!(self.mode, Mode::Literal)
    }

    fn until(&mut self, stops: &[char]) -> (String, Stop) {
        let literal = self.is_literal();
        self.text.until(stops, !literal)
    }

    fn put_at(
        &mut self,
        mut list: Vec<Value>,
        index: i64,
        value: Value,
    ) -> Result<Vec<Value>, Error> {
        if index > MAX_INDEX {
            return Err(Error::TooLarge(index));
        }
        let index = usize::try_from(index).map_err(|_| Error::Negative(index))?;
        if list.len() <= index {
            self.added += index + 1 - list.len();
            if self.added > MAX_ADDED {
                return Err(Error::TooMany);
            }
            list.resize(index + 1, Value::Nil);
        }
        list[index] = value;
        Ok(list)
    }

    /// One more name or index below the others.
    fn enter(&mut self) -> Result<(), Error> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Error::TooDeep);
        }
        Ok(())
    }

    fn key(&mut self, data: &Map, names: usize) -> Result<(), Error> {
        self.enter()?;
        let done = self.key_inside(data, names);
        self.depth -= 1;
        done
    }

    fn key_inside(&mut self, data: &Map, names: usize) -> Result<(), Error> {
        let stops: &[char] = match self.mode {
            Mode::Literal => &['=', '[', '.'],
            _ => &['=', '[', ',', '.'],
        };
        let (key, stop) = self.until(stops);
        match stop {
            Stop::End if key.is_empty() => Err(Error::End),
            Stop::End => Err(Error::NoValue(quoted(&key))),
            Stop::At('[') => {
                let index = self.index()?;
                let list = list_at(data, &key)?;
                let (list, done) = self.item(list, index, names);
                put(data, key, listed(list));
                done
            }
            Stop::At('=') => self.value(data, key),
            Stop::At(',') => {
                let name = quoted(&key);
                put(data, key, Value::str(""));
                Err(Error::Comma(name))
            }
            Stop::At(_) => self.inner(data, key, names + 1),
        }
    }

    /// What stands behind a name and its dot.
    fn inner(&mut self, data: &Map, key: String, names: usize) -> Result<(), Error> {
        if names > MAX_NAMES {
            return Err(Error::TooDeep);
        }
        let inner = match data.get(key.as_bytes()) {
            None => Map::new(&Type::MAP),
            Some(Value::Map(map)) => map,
            Some(other) => return Err(kind_error(&other, "map[string]interface {}")),
        };
        let done = self.key(&inner, names);
        if done.is_ok() && inner.is_empty() {
            return Err(Error::NoMap(quoted(&key)));
        }
        if !inner.is_empty() {
            put(data, key, Value::Map(inner));
        }
        done
    }

    fn value(&mut self, data: &Map, key: String) -> Result<(), Error> {
        match self.mode {
            Mode::Literal => {
                let (text, _) = self.until(&[]);
                put(data, key, text.into());
                Ok(())
            }
            Mode::Json => {
                let (value, rest) = self.json()?;
                put(data, key, value);
                self.text.skip(rest);
                self.text.is_empty_value();
                Ok(())
            }
            _ => match self.braces() {
                Braces::List(list) => {
                    put(data, key, listed(list));
                    Ok(())
                }
                Braces::End => {
                    put(data, key, Value::str(""));
                    Err(Error::End)
                }
                Braces::Failed(error) => Err(error),
                Braces::None => {
                    let (text, _) = self.until(&[',']);
                    let (value, done) = self.read(text);
                    put(data, key, value);
                    done
                }
            },
        }
    }

    /// A value of JSON and the bytes it takes; null where there is none.
    fn json(&mut self) -> Result<(Value, usize), Error> {
        if self.text.is_empty_value() {
            return Ok((Value::Nil, 0));
        }
        match crate::json::read_prefix(self.text.rest().as_bytes()) {
            Ok(found) => Ok(found),
            Err(error) if self.text.rest().trim().is_empty() => {
                let _ = error;
                Err(Error::End)
            }
            Err(error) => Err(Error::Json(error.to_string())),
        }
    }

    /// What the mode makes of a text.
    fn read(&mut self, text: String) -> (Value, Result<(), Error>) {
        match &mut self.mode {
            Mode::Typed => (typed(text), Ok(())),
            Mode::Files(read) => match read(&text) {
                Ok(value) => (value, Ok(())),
                Err(error) => (Value::Nil, Err(Error::Read(error))),
            },
            _ => (text.into(), Ok(())),
        }
    }

    /// An index, behind its `[`.
    fn index(&mut self) -> Result<i64, Error> {
        let (text, stop) = self.until(&[']']);
        if stop == Stop::End {
            return Err(Error::EndOfIndex);
        }
        scan::atoi(&text).map_err(Error::Index)
    }

    /// A list in braces, if there is one.
    fn braces(&mut self) -> Braces {
        match self.text.peek() {
            None => return Braces::End,
            Some('{') => self.text.next(),
            Some(_) => return Braces::None,
        };
        let mut list = Vec::new();
        loop {
            let (text, stop) = self.until(&[',', '}']);
            if stop == Stop::End {
                return Braces::Failed(Error::OpenList);
            }
            if stop == Stop::At('}') && self.text.peek() == Some(',') {
                self.text.next();
            }
            let (value, done) = self.read(text);
            if let Err(error) = done {
                return Braces::Failed(error);
            }
            list.push(value);
            if stop == Stop::At('}') {
                return Braces::List(list);
            }
        }
    }
}

/// What a value in braces turned out to be.
enum Braces {
    /// No braces.
    None,
    /// Nothing at all.
    End,
    List(Vec<Value>),
    Failed(Error),
}

/// What `--set` takes a text for.
fn typed(text: String) -> Value {
    if text.eq_ignore_ascii_case("true") {
        return Value::Bool(true);
    }
    if text.eq_ignore_ascii_case("false") || text.eq_ignore_ascii_case("fal\u{17f}e") {
        return Value::Bool(false);
    }
    if text.eq_ignore_ascii_case("null") {
        return Value::Nil;
    }
    if text == "0" {
        return Value::int64(0);
    }
    if !text.starts_with('0')
        && let Ok(value) = scan::atoi(&text)
    {
        return Value::int64(value);
    }
    text.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set_all(text: &str) -> Result<String, String> {
        let values = Map::new(&Type::MAP);
        set(text, &values, Mode::Typed).map_err(|error| error.to_string())?;
        crate::yaml::to_yaml(&Value::Map(values)).map_err(|error| error.to_string())
    }

    #[test]
    fn takes_names_indexes_and_lists() {
        for (text, expected) in [
            ("a.b=1,c=x", "a:\n  b: 1\nc: x\n"),
            ("a[1]=x", "a:\n- null\n- x\n"),
            ("a[0].b=1,a[0].c=2", "a:\n- b: 1\n  c: 2\n"),
            ("a={x,y},b=", "a:\n- x\n- \"y\"\nb: \"\"\n"),
            (r"a\.b=1\,2", "a.b: 1,2\n"),
            (
                "a=007,b=TRUE,c=null,d=1.5",
                "a: \"007\"\nb: true\nc: null\nd: \"1.5\"\n",
            ),
            ("a[0", "{}\n"),
        ] {
            assert_eq!(set_all(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn fails_in_helms_words() {
        for (text, expected) in [
            ("a", "key \"a\" has no value"),
            ("a,b=1", "key \"a\" has no value (cannot end with ,)"),
            ("a.=x", "key map \"a\" has no value"),
            (
                "a[x]=1",
                "error parsing index: strconv.Atoi: parsing \"x\": invalid syntax",
            ),
            ("a[-1]=1", "negative -1 index not allowed"),
            ("a={x", "list must terminate with '}'"),
            (
                "a=1,a.b=2",
                "unable to parse key: interface conversion: interface {} is int64, not map[string]interface {}",
            ),
        ] {
            assert_eq!(set_all(text).unwrap_err(), expected, "{text}");
        }
    }

    #[test]
    fn indexes_and_names_are_bounded() {
        assert!(set_all(&format!("a[{MAX_INDEX}]=1")).is_ok());
        let error = set_all(&format!("a[{}]=1", MAX_INDEX + 1)).unwrap_err();
        assert_eq!(
            error,
            "index of 65537 is greater than maximum supported index of 65536"
        );
        let path = |names: usize| format!("{}=1", vec!["a"; names].join("."));
        assert!(set_all(&path(MAX_NAMES + 1)).is_ok());
        assert!(set_all(&path(MAX_NAMES + 2)).is_err());
        assert!(set_all(&format!("a{}=1", "[0]".repeat(100_000))).is_err());
        assert!(set_all(&format!("a{}=1", "[0].a".repeat(100_000))).is_err());
    }
}
