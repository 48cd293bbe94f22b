//! The value of an expression.
//!
//! Source: cel-go v0.26 `interpreter/interpretable.go`, `interpreter/attributes.go`

mod fold;
mod index;
mod operators;

use std::collections::{BTreeMap, HashMap};

use go_regex::Regex;

use crate::ast::{Call, Entry, Expr, Item, Kind, OptionalMap, operator};
use crate::declare::{self, Binding};
use crate::error::Fault;
use crate::functions;
use crate::value::{Key, Value};

/// Steps of one evaluation; a step is a node, an element, or eight bytes of text.
const COST: usize = 2_000_000;

/// What the compilation of a regular expression costs.
const REGEX_COST: usize = 20_000;

/// The message where the steps are used up, which is cel-go's for a limit of cost.
const EXHAUSTED: &str = "operation cancelled: actual cost limit exceeded";

pub(crate) use operators::negate;

pub(crate) type Evaluated = Result<Value, Fault>;

/// One evaluation.
pub(crate) struct Evaluator<'a> {
    variables: &'a BTreeMap<String, Value>,
    /// Variables of loops, the innermost last. A loop may carry a fault along.
    locals: Vec<(&'a str, Evaluated)>,
    left: usize,
    patterns: HashMap<String, Regex>,
}

impl<'a> Evaluator<'a> {
    pub(crate) fn new(variables: &'a BTreeMap<String, Value>) -> Self {
        Self {
            variables,
            locals: Vec::new(),
            left: COST,
            patterns: HashMap::new(),
        }
    }

    /// Takes steps from the budget.
    pub(crate) fn spend(&mut self, steps: usize) -> Result<(), Fault> {
        self.left = self
            .left
            .checked_sub(steps)
            .ok_or(Fault::Exhausted(EXHAUSTED))?;
        Ok(())
    }

    /// A regular expression, compiled once per evaluation.
    pub(crate) fn pattern(&mut self, pattern: &str) -> Result<Regex, Fault> {
        if let Some(known) = self.patterns.get(pattern) {
            return Ok(known.clone());
        }
        self.spend(REGEX_COST)?;
        let regex = go_regex::compile(pattern).map_err(|error| Fault::new(error.to_string()))?;
        self.patterns.insert(pattern.to_owned(), regex.clone());
        Ok(regex)
    }

    pub(crate) fn expr(&mut self, expr: &'a Expr) -> Evaluated {
        self.spend(1)?;
        crate::with_stack(|| self.any(expr))
    }

    fn any(&mut self, expr: &'a Expr) -> Evaluated {
        match &expr.kind {
            Kind::Literal(value) => Ok(value.clone()),
            Kind::Ident(name) => self.name(name),
            Kind::Select(select) => {
                let operand = self.expr(&select.operand);
                match index::named(operand, &select.operand, &select.field) {
                    Ok(operand) => index::select(&operand, select),
                    Err(Fault::Missing(name)) if declare::type_named(&name).is_some() => {
                        Ok(Value::Type(name.into()))
                    }
                    Err(fault) => Err(fault),
                }
            }
            Kind::Call(call) => self.call(call),
            Kind::List(items) => self.list(items),
            Kind::Map(entries) => self.map(entries),
            Kind::Message(name, _) => Err(Fault::new(format!("unknown type: {name}"))),
            Kind::Fold(fold) => self.fold(fold),
            Kind::OptionalMap(map) => self.optional_map(map),
        }
    }

    fn name(&self, name: &str) -> Evaluated {
        if let Some((_, value)) = self.locals.iter().rev().find(|(known, _)| *known == name) {
            return value.clone();
        }
        if let Some(value) = self.variables.get(name) {
            return Ok(value.clone());
        }
        match declare::type_named(name) {
            Some(_) => Ok(Value::Type(name.into())),
            None => Err(Fault::Missing(name.to_owned())),
        }
    }

    fn call(&mut self, call: &'a Call) -> Evaluated {
        match (call.function.as_str(), call.args.as_slice()) {
            (operator::AND, terms) => return self.logical(terms, false),
            (operator::OR, terms) => return self.logical(terms, true),
            (operator::CONDITIONAL, [condition, yes, no]) => {
                return match self.expr(condition)? {
                    Value::Bool(true) => self.expr(yes),
                    Value::Bool(false) => self.expr(no),
                    _ => Err(Fault::no_such_overload()),
                };
            }
            (operator::NOT_STRICTLY_FALSE, [value]) => {
                return match self.expr(value) {
                    Err(fault @ Fault::Exhausted(_)) => Err(fault),
                    Ok(Value::Bool(false)) => Ok(Value::Bool(false)),
                    _ => Ok(Value::Bool(true)),
                };
            }
            (operator::INDEX | operator::OPTIONAL_INDEX, [operand, at]) => {
                return self.index(operand, at, call.function == operator::OPTIONAL_INDEX);
            }
            ("or" | "orValue", [other]) if call.target.is_some() => {
                return self.or_else(call, other);
            }
            _ => {}
        }
        let (name, target) = resolved(call);
        let mut args = Vec::with_capacity(call.args.len() + 1);
        for arg in target.into_iter().chain(&call.args) {
            args.push(self.expr(arg)?);
        }
        self.apply(&name, &args)
    }

    /// Calls a function with values.
    fn apply(&mut self, name: &str, args: &[Value]) -> Evaluated {
        let Some(function) = declare::function(name) else {
            return Err(functions::not_for(name, args));
        };
        match function.binding {
            Binding::Shared(_) | Binding::Unguarded(_) => {}
            Binding::Special if matches!(name, "or" | "orValue") => {
                return Err(functions::not_for(name, args));
            }
            _ if !function.accepts(args) => {
                let types: Vec<&str> = args.iter().map(Value::type_name).collect();
                let types = types.join(", ");
                return Err(Fault::new(format!("no such overload: {name}({types})")));
            }
            _ => {}
        }
        self.spend(args.iter().map(Value::weight).sum())?;
        functions::call(self, name, args)
    }

    /// `&&` and `||`: what decides wins over what fails.
    fn logical(&mut self, terms: &'a [Expr], deciding: bool) -> Evaluated {
        let mut fault = None;
        for term in terms {
            match self.expr(term) {
                Ok(Value::Bool(value)) if value == deciding => return Ok(Value::Bool(deciding)),
                Ok(Value::Bool(_)) => {}
                Err(exhausted @ Fault::Exhausted(_)) => return Err(exhausted),
                Ok(_) => fault = fault.or_else(|| Some(Fault::no_such_overload())),
                Err(found) => fault = fault.or(Some(found)),
            }
        }
        fault.map_or(Ok(Value::Bool(!deciding)), Err)
    }

    /// `a.or(b)` and `a.orValue(b)`, where `b` is not looked at if `a` is there.
    fn or_else(&mut self, call: &'a Call, other: &'a Expr) -> Evaluated {
        let target = call
            .target
            .as_ref()
            .expect("the caller has seen the target");
        match self.expr(target)? {
            Value::Optional(None) => self.expr(other),
            Value::Optional(Some(value)) if call.function == "orValue" => Ok((*value).clone()),
            value => Ok(value),
        }
    }

    fn list(&mut self, items: &'a [Item]) -> Evaluated {
        let mut values = Vec::with_capacity(items.len());
        for item in items {
            let value = self.expr(&item.value)?;
            if !item.optional {
                values.push(value);
                continue;
            }
            match value {
                Value::Optional(value) => values.extend(value.map(|value| (*value).clone())),
                other => {
                    return Err(Fault::new(format!(
                        "cannot initialize optional list element from non-optional value {}",
                        other.shown()
                    )));
                }
            }
        }
        Ok(Value::list(values))
    }

    fn map(&mut self, entries: &'a [Entry]) -> Evaluated {
        let mut values = BTreeMap::new();
        for entry in entries {
            let name = self.expr(&entry.key)?;
            let value = self.expr(&entry.value)?;
            let Some(key) = Key::of(&name) else {
                let kind = name.type_name();
                return Err(Fault::new(format!("unsupported key type: {kind}")));
            };
            match value {
                value if !entry.optional => {
                    values.insert(key, value);
                }
                Value::Optional(Some(value)) => {
                    values.insert(key, (*value).clone());
                }
                Value::Optional(None) => {
                    values.remove(&key);
                }
                other => {
                    return Err(Fault::new(format!(
                        "cannot initialize optional entry '{}' from non-optional value {}",
                        name.shown(),
                        other.shown()
                    )));
                }
            }
        }
        Ok(Value::Map(values.into()))
    }

    fn optional_map(&mut self, map: &'a OptionalMap) -> Evaluated {
        let value = match self.expr(&map.target)? {
            Value::Optional(Some(value)) => (*value).clone(),
            Value::Optional(None) => return Ok(Value::NONE),
            other => {
                let kind = other.type_name();
                return Err(Fault::new(format!("no such overload: hasValue({kind})")));
            }
        };
        self.locals.push((&map.variable, Ok(value)));
        let body = self.expr(&map.body);
        self.locals.pop();
        body.map(|body| if map.flat { body } else { Value::some(body) })
    }
}

/// The function that is called, and its target: `sets.contains` is a name, not a target.
pub(crate) fn resolved(call: &Call) -> (std::borrow::Cow<'_, str>, Option<&Expr>) {
    let Some(target) = &call.target else {
        return (call.function.as_str().into(), None);
    };
    if let Some(prefix) = target.qualified_name() {
        let name = format!("{prefix}.{}", call.function);
        if declare::function(&name).is_some() {
            return (name.into(), None);
        }
    }
    (call.function.as_str().into(), Some(target))
}
