//! The tree of an expression, with macros expanded.

use crate::value::Value;

/// A node and the character where messages point.
#[derive(Debug, Clone)]
pub(crate) struct Expr {
    pub(crate) at: usize,
    pub(crate) kind: Kind,
}

#[derive(Debug, Clone)]
pub(crate) enum Kind {
    Literal(Value),
    Ident(String),
    Select(Box<Select>),
    /// A call of a function by its name; `target` stands before the dot.
    Call(Box<Call>),
    List(Vec<Item>),
    Map(Vec<Entry>),
    /// A message: its name, and its fields with their values.
    Message(String, Vec<(String, Expr)>),
    Fold(Box<Fold>),
    OptionalMap(Box<OptionalMap>),
}

#[derive(Debug, Clone)]
pub(crate) struct Select {
    pub(crate) operand: Expr,
    pub(crate) field: String,
    /// `has()`: ask only whether it is there.
    pub(crate) test: bool,
    /// `.?field`
    pub(crate) optional: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) function: String,
    pub(crate) target: Option<Expr>,
    pub(crate) args: Vec<Expr>,
}

#[derive(Debug, Clone)]
pub(crate) struct Item {
    pub(crate) value: Expr,
    pub(crate) optional: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) key: Expr,
    pub(crate) value: Expr,
    pub(crate) optional: bool,
}

/// A loop over a range that carries one value along.
#[derive(Debug, Clone)]
pub(crate) struct Fold {
    pub(crate) range: Expr,
    pub(crate) variable: String,
    pub(crate) accumulator: String,
    pub(crate) init: Expr,
    pub(crate) condition: Expr,
    pub(crate) step: Expr,
    pub(crate) result: Expr,
}

/// `optMap` and `optFlatMap`: something computed from an optional value where it is there.
#[derive(Debug, Clone)]
pub(crate) struct OptionalMap {
    pub(crate) target: Expr,
    pub(crate) variable: String,
    pub(crate) body: Expr,
    /// The body gives an optional value itself.
    pub(crate) flat: bool,
}

impl Expr {
    pub(crate) fn new(at: usize, kind: Kind) -> Self {
        Self { at, kind }
    }

    pub(crate) fn literal(at: usize, value: Value) -> Self {
        Self::new(at, Kind::Literal(value))
    }

    pub(crate) fn ident(at: usize, name: &str) -> Self {
        Self::new(at, Kind::Ident(name.to_owned()))
    }

    pub(crate) fn call(at: usize, function: &str, args: Vec<Self>) -> Self {
        let call = Call {
            function: function.to_owned(),
            target: None,
            args,
        };
        Self::new(at, Kind::Call(Box::new(call)))
    }

    pub(crate) fn method(at: usize, function: &str, target: Self, args: Vec<Self>) -> Self {
        let call = Call {
            function: function.to_owned(),
            target: Some(target),
            args,
        };
        Self::new(at, Kind::Call(Box::new(call)))
    }

    /// `a.b.c`, where the expression is only that.
    pub(crate) fn qualified_name(&self) -> Option<String> {
        match &self.kind {
            Kind::Ident(name) => Some(name.clone()),
            Kind::Select(select) if !select.test && !select.optional => {
                let before = select.operand.qualified_name()?;
                Some(format!("{before}.{}", select.field))
            }
            _ => None,
        }
    }
}

/// The names of operators as functions.
pub(crate) mod operator {
    pub(crate) const AND: &str = "_&&_";
    pub(crate) const OR: &str = "_||_";
    pub(crate) const NOT: &str = "!_";
    pub(crate) const NEGATE: &str = "-_";
    pub(crate) const CONDITIONAL: &str = "_?_:_";
    pub(crate) const EQUALS: &str = "_==_";
    pub(crate) const NOT_EQUALS: &str = "_!=_";
    pub(crate) const LESS: &str = "_<_";
    pub(crate) const LESS_EQUALS: &str = "_<=_";
    pub(crate) const GREATER: &str = "_>_";
    pub(crate) const GREATER_EQUALS: &str = "_>=_";
    pub(crate) const IN: &str = "@in";
    pub(crate) const ADD: &str = "_+_";
    pub(crate) const SUBTRACT: &str = "_-_";
    pub(crate) const MULTIPLY: &str = "_*_";
    pub(crate) const DIVIDE: &str = "_/_";
    pub(crate) const MODULO: &str = "_%_";
    pub(crate) const INDEX: &str = "_[_]";
    pub(crate) const OPTIONAL_INDEX: &str = "_[?_]";
    pub(crate) const NOT_STRICTLY_FALSE: &str = "@not_strictly_false";
}
