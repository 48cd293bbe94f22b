//! Types of an expression, before it is evaluated.
//!
//! Source: cel-go v0.26 `checker/checker.go`

mod unify;

use crate::ast::{Call, Entry, Expr, Fold, Item, Kind, OptionalMap, Select, operator};
use crate::declare::{self, Function, Overload};
use crate::error::Issue;
use crate::types::Type;
use crate::value::Value;

use unify::Solver;

/// Parts of one type; no real one has as many.
const NODES: usize = 300;

/// The type of an expression over the variables, which are maps of text to anything.
///
/// # Errors
/// All that does not fit.
pub(crate) fn check(expr: &Expr, variables: &[&str]) -> Result<Type, Vec<Issue>> {
    let object = Type::map(Type::String, Type::Dyn);
    let mut checker = Checker {
        scope: variables
            .iter()
            .map(|name| ((*name).to_owned(), object.clone()))
            .collect(),
        solver: Solver::default(),
        issues: Vec::new(),
        rows: Vec::new(),
        exempt: 0,
    };
    let found = checker.expr(expr);
    if checker.issues.is_empty() {
        checker.uniform();
    }
    let found = checker.solver.resolve(&found, true);
    if checker.solver.is_exhausted() {
        checker.issue(expr, "the types of the expression are too complex");
    }
    if checker.issues.is_empty() {
        Ok(found)
    } else {
        Err(checker.issues)
    }
}

struct Checker {
    /// Variables; the last of a name counts.
    scope: Vec<(String, Type)>,
    solver: Solver,
    issues: Vec<Issue>,
    /// Elements that have to be of one type, with their places.
    rows: Vec<Row>,
    /// Calls around that take elements of any type.
    exempt: usize,
}

/// A function, and how it is called.
struct Callee<'a> {
    name: &'a str,
    function: &'a Function,
    /// With a target before the dot, which is the first argument.
    member: bool,
}

impl<'a> Callee<'a> {
    fn new(name: &'a str, function: &'a Function, member: bool) -> Self {
        Self {
            name,
            function,
            member,
        }
    }
}

/// Elements of one literal, or its keys, or its values.
struct Row {
    elements: Vec<(usize, Type)>,
    /// Whether one mismatch is enough to tell.
    once: bool,
}

/// The function whose lists may hold anything.
const FORMAT: &str = "format";

impl Checker {
    fn issue(&mut self, expr: &Expr, message: impl Into<String>) {
        self.issues.push(Issue {
            at: Some(expr.at),
            message: message.into(),
        });
    }

    fn undeclared(&mut self, expr: &Expr, name: &str) -> Type {
        self.issue(
            expr,
            format!("undeclared reference to '{name}' (in container '')"),
        );
        Type::Error
    }

    fn mismatch(&mut self, expr: &Expr, expected: &Type, actual: &Type) {
        self.issue(
            expr,
            format!("expected type '{expected}' but found '{actual}'"),
        );
    }

    fn expr(&mut self, expr: &Expr) -> Type {
        crate::with_stack(|| self.any(expr))
    }

    fn any(&mut self, expr: &Expr) -> Type {
        match &expr.kind {
            Kind::Literal(value) => literal(value),
            Kind::Ident(name) => match self.name(name) {
                Some(found) => found,
                None => self.undeclared(expr, name),
            },
            Kind::Select(select) => self.select(expr, select),
            Kind::Call(call) => self.call(expr, call),
            Kind::List(items) => self.list(expr, items),
            Kind::Map(entries) => self.map(expr, entries),
            Kind::Message(name, fields) => {
                let found = self.undeclared(expr, name);
                for (_, value) in fields {
                    self.expr(value);
                }
                found
            }
            Kind::Fold(fold) => self.fold(fold),
            Kind::OptionalMap(map) => self.optional_map(expr, map),
        }
    }

    fn name(&self, name: &str) -> Option<Type> {
        let variable = self.scope.iter().rev().find(|(known, _)| known == name);
        let variable = variable.map(|(_, found)| found.clone());
        variable.or_else(|| declare::type_named(name).map(|of| Type::Kind(Some(of.into()))))
    }

    fn select(&mut self, expr: &Expr, select: &Select) -> Type {
        if let Some(found) = expr.qualified_name().and_then(|name| self.name(&name)) {
            return found;
        }
        let operand = self.expr(&select.operand);
        let operand = self.solver.resolve(&operand, false);
        let (target, was_optional) = operand.unwrapped();
        let field = match target {
            Type::Map(of) => of.1.clone(),
            Type::Var(_) => {
                self.solver.assign(&Type::Dyn, target);
                Type::Dyn
            }
            other => {
                if !other.is_dyn_or_error() {
                    let message = format!("type '{other}' does not support field selection");
                    self.issue(expr, message);
                }
                Type::Dyn
            }
        };
        if select.test {
            return Type::Bool;
        }
        if was_optional || select.optional {
            return Type::optional(field);
        }
        field
    }

    fn call(&mut self, expr: &Expr, call: &Call) -> Type {
        let exempts = usize::from(call.function == FORMAT);
        self.exempt += exempts;
        let found = self.any_call(expr, call);
        self.exempt -= exempts;
        found
    }

    fn any_call(&mut self, expr: &Expr, call: &Call) -> Type {
        let mut args: Vec<Type> = call.args.iter().map(|arg| self.expr(arg)).collect();
        let name = &call.function;
        let Some(target) = &call.target else {
            if name == operator::AND || name == operator::OR {
                return self.logical(call, &args);
            }
            return match declare::function(name) {
                Some(function) => self.resolve(expr, &Callee::new(name, function, false), &args),
                None => self.undeclared(expr, name),
            };
        };
        if let Some(prefix) = target.qualified_name() {
            let name = format!("{prefix}.{name}");
            if let Some(function) = declare::function(&name) {
                return self.resolve(expr, &Callee::new(&name, function, false), &args);
            }
        }
        args.insert(0, self.expr(target));
        match declare::function(name) {
            Some(function) => self.resolve(expr, &Callee::new(name, function, true), &args),
            None => self.undeclared(expr, name),
        }
    }

    fn logical(&mut self, call: &Call, args: &[Type]) -> Type {
        let mut found = Type::Bool;
        for (expr, arg) in call.args.iter().zip(args) {
            if !self.solver.assign(arg, &Type::Bool) {
                self.mismatch(expr, &Type::Bool, arg);
                found = Type::Error;
            }
        }
        found
    }

    fn resolve(&mut self, expr: &Expr, callee: &Callee<'_>, args: &[Type]) -> Type {
        let Callee {
            name,
            function,
            member,
        } = *callee;
        let mut found: Option<Type> = None;
        for overload in &function.overloads {
            if overload.member != member || overload.args.len() != args.len() {
                continue;
            }
            let Some(result) = self.fits(overload, args) else {
                continue;
            };
            found = Some(match found {
                None => result,
                Some(before) if before == Type::Dyn || before == result => before,
                Some(_) => Type::Dyn,
            });
        }
        found.unwrap_or_else(|| {
            let mut args: Vec<String> = args
                .iter()
                .map(|arg| self.solver.resolve(arg, true).to_string())
                .collect();
            let target = if member {
                format!("{}.", args.remove(0))
            } else {
                String::new()
            };
            let args = args.join(", ");
            let message =
                format!("found no matching overload for '{name}' applied to '{target}({args})'");
            self.issue(expr, message);
            Type::Error
        })
    }

    fn fits(&mut self, overload: &Overload, args: &[Type]) -> Option<Type> {
        let fresh = self.solver.instantiate(overload);
        if !self.solver.assign_all(args, &fresh.args) {
            return None;
        }
        Some(self.solver.resolve(&fresh.result, false))
    }

    fn list(&mut self, expr: &Expr, items: &[Item]) -> Type {
        let (mut element, mut row) = (None, Vec::new());
        for item in items {
            let mut found = self.expr(&item.value);
            if item.optional {
                found = self.optional_element(&item.value, found);
            }
            row.push((item.value.at, found.clone()));
            element = Some(self.join(element, found));
        }
        self.same(row, true);
        let element = element.unwrap_or_else(|| self.solver.variable());
        self.bounded(expr, Type::list(element))
    }

    /// Types that grow with every macro end here.
    fn bounded(&mut self, expr: &Expr, found: Type) -> Type {
        if found.is_within(NODES) {
            return found;
        }
        self.issue(expr, "the type is too complex");
        Type::Error
    }

    fn map(&mut self, expr: &Expr, entries: &[Entry]) -> Type {
        let (mut key, mut value) = (None, None);
        let (mut keys, mut values) = (Vec::new(), Vec::new());
        for entry in entries {
            let found = self.expr(&entry.key);
            keys.push((entry.key.at, found.clone()));
            key = Some(self.join(key, found));
            let mut found = self.expr(&entry.value);
            if entry.optional {
                found = self.optional_element(&entry.value, found);
            }
            values.push((entry.value.at, found.clone()));
            value = Some(self.join(value, found));
        }
        self.same(keys, false);
        self.same(values, false);
        let key = key.unwrap_or_else(|| self.solver.variable());
        let value = value.unwrap_or_else(|| self.solver.variable());
        self.bounded(expr, Type::map(key, value))
    }

    fn optional_element(&mut self, expr: &Expr, found: Type) -> Type {
        let (inner, is_optional) = found.unwrapped();
        if !is_optional && found != Type::Dyn {
            self.mismatch(expr, &Type::optional(found.clone()), &found);
        }
        inner.clone()
    }

    /// The type of elements so far with one more.
    fn join(&mut self, before: Option<Type>, found: Type) -> Type {
        let Some(before) = before else {
            return found;
        };
        if self.solver.assign(&before, &found) {
            return unify::most_general(before, found);
        }
        Type::Dyn
    }

    /// Elements of a literal are of one type, except where anything is taken.
    fn same(&mut self, elements: Vec<(usize, Type)>, once: bool) {
        if self.exempt == 0 && elements.len() > 1 {
            self.rows.push(Row { elements, once });
        }
    }

    /// Looks at all literals once the types are known.
    fn uniform(&mut self) {
        for row in std::mem::take(&mut self.rows) {
            let mut first = None;
            for (at, found) in row.elements {
                let found = self.solver.resolve(&found, true);
                let first = first.get_or_insert_with(|| found.clone());
                if *first != found {
                    self.issues.push(Issue {
                        at: Some(at),
                        message: format!("expected type '{first}' but found '{found}'"),
                    });
                    if row.once {
                        break;
                    }
                }
            }
        }
    }

    fn fold(&mut self, fold: &Fold) -> Type {
        let range = self.expr(&fold.range);
        let carried = self.expr(&fold.init);
        let range = self.solver.resolve(&range, false);
        let depth = self.scope.len();
        self.scope.push((fold.accumulator.clone(), carried.clone()));
        let element = match &range {
            Type::List(of) => (**of).clone(),
            Type::Map(of) => of.0.clone(),
            Type::Dyn | Type::Error | Type::Var(_) => {
                self.solver.assign(&Type::Dyn, &range);
                Type::Dyn
            }
            other => {
                let message = format!(
                    "expression of type '{other}' cannot be range of a comprehension (must be list, map, or dynamic)"
                );
                self.issue(&fold.range, message);
                Type::Error
            }
        };
        self.scope.push((fold.variable.clone(), element));
        let condition = self.expr(&fold.condition);
        self.assert(&fold.condition, &Type::Bool, &condition);
        let step = self.expr(&fold.step);
        self.assert(&fold.step, &carried, &step);
        self.scope.pop();
        let result = self.expr(&fold.result);
        self.scope.truncate(depth);
        self.solver.resolve(&result, false)
    }

    fn assert(&mut self, expr: &Expr, wanted: &Type, found: &Type) {
        if !self.solver.assign(wanted, found) {
            self.mismatch(expr, wanted, found);
        }
    }

    fn optional_map(&mut self, expr: &Expr, map: &OptionalMap) -> Type {
        let target = self.expr(&map.target);
        let call = |checker: &mut Self, name: &str, args: &[Type], member| {
            let function = declare::function(name).expect("the function is declared");
            checker.resolve(expr, &Callee::new(name, function, member), args)
        };
        let present = call(self, "hasValue", std::slice::from_ref(&target), true);
        let value = call(self, "value", &[target], true);
        self.scope.push((map.variable.clone(), value));
        let body = self.expr(&map.body);
        self.scope.pop();
        let some = if map.flat {
            body
        } else {
            call(self, "optional.of", &[body], false)
        };
        let none = call(self, "optional.none", &[], false);
        call(self, operator::CONDITIONAL, &[present, some, none], false)
    }
}

fn literal(value: &Value) -> Type {
    match value {
        Value::Null => Type::Null,
        Value::Bool(_) => Type::Bool,
        Value::Int(_) => Type::Int,
        Value::Uint(_) => Type::Uint,
        Value::Double(_) => Type::Double,
        Value::String(_) => Type::String,
        Value::Bytes(_) => Type::Bytes,
        _ => Type::Dyn,
    }
}
