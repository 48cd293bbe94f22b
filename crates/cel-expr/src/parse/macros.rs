//! Calls that stand for loops and tests.
//!
//! Source: cel-go v0.26 `parser/macro.go`, `cel/library.go`

use super::{Parsed, Parser};
use crate::ast::{Expr, Fold, Item, Kind, OptionalMap, operator};
use crate::value::Value;

/// The name that carries a loop's result; people cannot write it.
const RESULT: &str = "@result";

/// Nodes that a macro puts above what it is applied to.
const LEVELS: usize = 4;

impl Parser<'_> {
    /// A call without a target.
    pub(super) fn function(&mut self, at: usize, name: &str, args: Vec<Expr>) -> Parsed<Expr> {
        if name != "has" || args.len() != 1 {
            return Ok(Expr::call(at, name, args));
        }
        let mut args = args;
        let arg = args.remove(0);
        match arg.kind {
            Kind::Select(mut select) if !select.optional && !select.test => {
                select.test = true;
                Ok(Expr::new(at, Kind::Select(select)))
            }
            _ => {
                self.issue(arg.at, "invalid argument to has() macro");
                Ok(Expr::literal(at, Value::Null))
            }
        }
    }

    /// A call with a target.
    pub(super) fn method(
        &mut self,
        at: usize,
        name: &str,
        target: Expr,
        args: Vec<Expr>,
    ) -> Parsed<Expr> {
        let macros = matches!(
            (name, args.len()),
            ("all" | "exists" | "exists_one" | "filter" | "map", 2)
                | ("optMap" | "optFlatMap", 2)
                | ("map", 3)
        );
        if !macros {
            return Ok(Expr::method(at, name, target, args));
        }
        // What the macro puts above its arguments counts for what is around it.
        self.deeper(LEVELS)?;
        self.depth -= LEVELS;
        let Some(variable) = self.variable(name, &args[0]) else {
            return Ok(Expr::literal(at, Value::Null));
        };
        let mut args = args.into_iter().skip(1);
        let first = args.next().expect("macros have two arguments or more");
        let second = args.next();
        Ok(match name {
            "optMap" | "optFlatMap" => Expr::new(
                at,
                Kind::OptionalMap(Box::new(OptionalMap {
                    target,
                    variable,
                    body: first,
                    flat: name == "optFlatMap",
                })),
            ),
            "map" => {
                let (filter, item) = match second {
                    Some(item) => (Some(first), item),
                    None => (None, first),
                };
                Loop {
                    at,
                    target,
                    variable,
                }
                .collect(filter, item)
            }
            "filter" => {
                let item = Expr::ident(at, &variable);
                Loop {
                    at,
                    target,
                    variable,
                }
                .collect(Some(first), item)
            }
            _ => Loop {
                at,
                target,
                variable,
            }
            .quantify(name, first),
        })
    }

    /// The name that a macro's first argument introduces.
    fn variable(&mut self, name: &str, arg: &Expr) -> Option<String> {
        let message = match (&arg.kind, name) {
            (Kind::Ident(variable), _) if variable == "__result__" => {
                "iteration variable overwrites accumulator variable"
            }
            (Kind::Ident(variable), _) => return Some(variable.clone()),
            (_, "map" | "filter") => "argument is not an identifier",
            (_, "optMap") => "optMap() variable name must be a simple identifier",
            (_, "optFlatMap") => "optFlatMap() variable name must be a simple identifier",
            _ => "argument must be a simple name",
        };
        self.issue(arg.at, message);
        None
    }
}

/// What all loops have.
struct Loop {
    at: usize,
    target: Expr,
    variable: String,
}

impl Loop {
    fn result(&self) -> Expr {
        Expr::ident(self.at, RESULT)
    }

    fn call(&self, function: &str, args: Vec<Expr>) -> Expr {
        Expr::call(self.at, function, args)
    }

    fn value(&self, value: Value) -> Expr {
        Expr::literal(self.at, value)
    }

    fn fold(self, init: Expr, condition: Expr, step: Expr, result: Expr) -> Expr {
        let fold = Fold {
            range: self.target,
            variable: self.variable,
            accumulator: RESULT.to_owned(),
            init,
            condition,
            step,
            result,
        };
        Expr::new(self.at, Kind::Fold(Box::new(fold)))
    }

    fn quantify(self, name: &str, predicate: Expr) -> Expr {
        let result = self.result();
        let still = |expr| self.call(operator::NOT_STRICTLY_FALSE, vec![expr]);
        let (init, condition, step, result) = match name {
            "all" => (
                self.value(Value::Bool(true)),
                still(self.result()),
                self.call(operator::AND, vec![self.result(), predicate]),
                result,
            ),
            "exists" => (
                self.value(Value::Bool(false)),
                still(self.call(operator::NOT, vec![self.result()])),
                self.call(operator::OR, vec![self.result(), predicate]),
                result,
            ),
            _ => {
                let one = self.value(Value::Int(1));
                let more = self.call(operator::ADD, vec![self.result(), one.clone()]);
                let step = vec![predicate, more, self.result()];
                (
                    self.value(Value::Int(0)),
                    self.value(Value::Bool(true)),
                    self.call(operator::CONDITIONAL, step),
                    self.call(operator::EQUALS, vec![result, one]),
                )
            }
        };
        self.fold(init, condition, step, result)
    }

    /// A list of `item` for all elements that pass `filter`.
    fn collect(self, filter: Option<Expr>, item: Expr) -> Expr {
        let list = |items| Expr::new(self.at, Kind::List(items));
        let item = Item {
            value: item,
            optional: false,
        };
        let more = self.call(operator::ADD, vec![self.result(), list(vec![item])]);
        let step = match filter {
            Some(filter) => self.call(operator::CONDITIONAL, vec![filter, more, self.result()]),
            None => more,
        };
        let (init, condition) = (list(Vec::new()), self.value(Value::Bool(true)));
        let result = self.result();
        self.fold(init, condition, step, result)
    }
}
