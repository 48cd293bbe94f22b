//! The Go types of the built-in kinds, read from a generated table.

use std::collections::HashMap;
use std::sync::OnceLock;

/// How `hack/gen/gotypes` writes them down; it documents the format.
const TABLE: &str = include_str!("gotypes.txt");

/// Structs by number, and the numbers of kinds.
pub(crate) struct Table {
    kinds: HashMap<(&'static str, &'static str), usize>,
    structs: Vec<Vec<Field>>,
}

/// One field of a struct.
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) kind: Type,
    pub(crate) omit: Omit,
}

/// When a field is not printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Omit {
    Never,
    /// Go's `omitempty`: false, 0, "", nothing in it; never a struct.
    Empty,
    /// Go's `omitzero`.
    Zero,
}

/// The type of a value.
#[derive(Debug)]
pub(crate) enum Type {
    Text,
    Bool,
    Int32,
    Int64,
    Float,
    Bytes,
    Quantity,
    IntOrString,
    Time,
    MicroTime,
    /// Any JSON, but a struct to Go.
    Raw,
    Any,
    List(Box<Self>),
    Map(Box<Self>),
    Pointer(Box<Self>),
    Struct(usize),
}

impl Table {
    /// The table, read once.
    pub(crate) fn get() -> &'static Self {
        static PARSED: OnceLock<Table> = OnceLock::new();
        PARSED.get_or_init(|| parse(TABLE).expect("the generated table is well-formed"))
    }

    /// The type of a kind; None for kinds that are not built in.
    pub(crate) fn kind(&self, api_version: &str, kind: &str) -> Option<Type> {
        self.kinds
            .get(&(api_version, kind))
            .copied()
            .map(Type::Struct)
    }

    /// The fields of a struct.
    pub(crate) fn fields(&self, number: usize) -> &[Field] {
        self.structs.get(number).map_or(&[], Vec::as_slice)
    }
}

fn parse(text: &'static str) -> Option<Table> {
    let mut table = Table {
        kinds: HashMap::new(),
        structs: Vec::new(),
    };
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let mut words = line.split(' ');
        match words.next()? {
            "K" => {
                let key = (words.next()?, words.next()?);
                table.kinds.insert(key, words.next()?.parse().ok()?);
            }
            "S" => {
                let number: usize = words.next()?.parse().ok()?;
                if number != table.structs.len() {
                    return None;
                }
                table.structs.push(words.map(field).collect::<Option<_>>()?);
            }
            _ => return None,
        }
    }
    Some(table)
}

fn field(word: &'static str) -> Option<Field> {
    let (name, code) = word.split_once(':')?;
    let (code, omit) = match code.strip_suffix('?') {
        Some(code) => (code, Omit::Empty),
        None => match code.strip_suffix('!') {
            Some(code) => (code, Omit::Zero),
            None => (code, Omit::Never),
        },
    };
    Some(Field {
        name,
        kind: type_of(code)?,
        omit,
    })
}

fn type_of(code: &str) -> Option<Type> {
    let (first, rest) = code.split_at_checked(1)?;
    Some(match first {
        "s" => Type::Text,
        "b" => Type::Bool,
        "i" => Type::Int32,
        "l" => Type::Int64,
        "f" => Type::Float,
        "y" => Type::Bytes,
        "q" => Type::Quantity,
        "p" => Type::IntOrString,
        "t" => Type::Time,
        "u" => Type::MicroTime,
        "r" => Type::Raw,
        "j" | "x" => Type::Any,
        "[" => Type::List(Box::new(type_of(rest)?)),
        "{" => Type::Map(Box::new(type_of(rest)?)),
        "*" => Type::Pointer(Box::new(type_of(rest)?)),
        "#" => Type::Struct(rest.parse().ok()?),
        _ => return None,
    })
}
