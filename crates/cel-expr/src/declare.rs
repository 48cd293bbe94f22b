//! The functions that expressions can call, with their signatures.
//!
//! Source: cel-go v0.26 `common/stdlib/standard.go`, `cel/library.go`, `ext/strings.go`, `ext/sets.go`,
//! `ext/encoders.go`

mod table;

use std::collections::HashMap;
use std::sync::OnceLock;

use crate::types::Type;
use crate::value::Value;

/// One signature of a function.
#[derive(Debug)]
pub(crate) struct Overload {
    /// Called with a target before the dot, which is the first argument.
    pub(crate) member: bool,
    pub(crate) args: Vec<Type>,
    pub(crate) result: Type,
    /// Type parameters that the signature has.
    pub(crate) params: Vec<char>,
}

/// How cel-go binds a function, which decides where a wrong call is noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Binding {
    /// One implementation for all signatures; wrong types are told without naming them.
    Shared(usize),
    /// One implementation that tells of wrong types itself.
    Unguarded(usize),
    /// One signature, with this many arguments.
    Single(usize),
    /// The signature is chosen when it is called.
    Dispatched,
    /// The evaluator knows it.
    Special,
}

/// A function.
#[derive(Debug)]
pub(crate) struct Function {
    pub(crate) overloads: Vec<Overload>,
    pub(crate) binding: Binding,
}

/// The function of that name.
pub(crate) fn function(name: &str) -> Option<&'static Function> {
    static FUNCTIONS: OnceLock<HashMap<&'static str, Function>> = OnceLock::new();
    FUNCTIONS.get_or_init(load).get(name)
}

/// The type that a name stands for.
pub(crate) fn type_named(name: &str) -> Option<Type> {
    Some(match name {
        "bool" => Type::Bool,
        "bytes" => Type::Bytes,
        "double" => Type::Double,
        "int" => Type::Int,
        "uint" => Type::Uint,
        "string" => Type::String,
        "null_type" => Type::Null,
        "list" => Type::list(Type::Dyn),
        "map" => Type::map(Type::Dyn, Type::Dyn),
        "type" => Type::Kind(None),
        "optional_type" => Type::optional(Type::Dyn),
        "google.protobuf.Duration" => Type::Duration,
        "google.protobuf.Timestamp" => Type::Timestamp,
        _ => return None,
    })
}

impl Function {
    /// Whether values may be given to it at run time, by the names of their types.
    pub(crate) fn accepts(&self, args: &[Value]) -> bool {
        self.overloads.iter().any(|overload| {
            overload.args.len() == args.len()
                && overload
                    .args
                    .iter()
                    .zip(args)
                    .all(|(wanted, value)| is_one(wanted, value))
        })
    }
}

/// Whether a value has a type, as far as cel-go looks: at the first element of a list or map.
fn is_one(wanted: &Type, value: &Value) -> bool {
    match (wanted, value) {
        (Type::List(of), Value::List(items)) => items.first().is_none_or(|item| is_one(of, item)),
        (Type::Map(of), Value::Map(entries)) => {
            let first = entries.first_key_value();
            first.is_none_or(|(key, value)| is_one(&of.0, &key.value()) && is_one(&of.1, value))
        }
        (wanted, value) => {
            let name = wanted.runtime_name();
            name == "dyn" || name == value.type_name()
        }
    }
}

fn load() -> HashMap<&'static str, Function> {
    let mut functions: HashMap<&'static str, Function> = HashMap::new();
    for line in table::SIGNATURES.lines() {
        let Some((name, signature)) = line.split_once(' ') else {
            continue;
        };
        let (member, name) = match name.strip_prefix('.') {
            Some(name) => (true, name),
            None => (false, name),
        };
        let (args, result) = signature
            .split_once(" -> ")
            .expect("a signature has a result");
        let mut params = Vec::new();
        let mut reader = Reader {
            text: args,
            params: &mut params,
        };
        let args = reader.list();
        reader.text = result;
        let result = reader.one();
        let function = functions.entry(name).or_insert_with(|| Function {
            overloads: Vec::new(),
            binding: Binding::Special,
        });
        function.overloads.push(Overload {
            member,
            args,
            result,
            params,
        });
    }
    for (name, function) in &mut functions {
        function.binding = binding(name, &function.overloads);
    }
    functions
}

fn binding(name: &str, overloads: &[Overload]) -> Binding {
    match name {
        "size" | "-_" | "!_" => Binding::Shared(1),
        "contains" | "endsWith" | "startsWith" => Binding::Unguarded(2),
        "matches" | "_+_" | "_-_" | "_*_" | "_/_" | "_%_" | "_<_" | "_<=_" | "_>_" | "_>=_"
        | "@in" => Binding::Shared(2),
        "or" | "orValue" => Binding::Special,
        "format" => Binding::Dispatched,
        _ if name.starts_with(['_', '@']) => Binding::Special,
        _ => match overloads {
            [one] if one.args.len() <= 2 => Binding::Single(one.args.len()),
            _ => Binding::Dispatched,
        },
    }
}

/// Reads types of the table.
struct Reader<'a> {
    text: &'a str,
    params: &'a mut Vec<char>,
}

impl Reader<'_> {
    /// `(A, B)`
    fn list(&mut self) -> Vec<Type> {
        let mut types = Vec::new();
        self.take("(");
        while !self.take(")") {
            types.push(self.one());
            self.take(", ");
        }
        types
    }

    fn take(&mut self, text: &str) -> bool {
        let rest = self.text.strip_prefix(text);
        self.text = rest.unwrap_or(self.text);
        rest.is_some()
    }

    fn one(&mut self) -> Type {
        let end = self.text.find([',', '(', ')']).unwrap_or(self.text.len());
        let (name, rest) = self.text.split_at(end);
        self.text = rest;
        let mut inner = match name {
            "list" | "map" | "optional_type" | "type" if rest.starts_with('(') => self.list(),
            _ => Vec::new(),
        }
        .into_iter();
        let mut next = || inner.next().unwrap_or(Type::Dyn);
        match name {
            "list" => Type::list(next()),
            "map" => {
                let key = next();
                Type::map(key, next())
            }
            "optional_type" => Type::optional(next()),
            "type" => Type::Kind(Some(next().into())),
            "timestamp" => Type::Timestamp,
            "duration" => Type::Duration,
            "null" => Type::Null,
            "dyn" => Type::Dyn,
            param if param.len() == 1 => {
                let param = param.chars().next().expect("one character");
                if !self.params.contains(&param) {
                    self.params.push(param);
                }
                Type::Param(param)
            }
            other => type_named(other).expect("the table names types"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_read() {
        let index = function("_[_]").expect("indexing");
        assert_eq!(index.overloads.len(), 4);
        let map = &index.overloads[1];
        let key_and_value = Type::map(Type::Param('A'), Type::Param('B'));
        assert_eq!(map.args, [key_and_value, Type::Param('A')]);
        assert_eq!(
            (&map.result, map.params.as_slice()),
            (&Type::Param('B'), &['A', 'B'][..])
        );
        assert_eq!(function("trim").expect("trim").binding, Binding::Single(1));
        assert_eq!(
            function("indexOf").expect("it").binding,
            Binding::Dispatched
        );
        assert!(function("nope").is_none());
    }
}
