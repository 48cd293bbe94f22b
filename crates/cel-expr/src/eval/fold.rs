//! Loops.

use super::{Evaluated, Evaluator};
use crate::ast::{Expr, Fold, Kind, operator};
use crate::error::Fault;
use crate::value::{Key, Value};

impl<'a> Evaluator<'a> {
    pub(super) fn fold(&mut self, fold: &'a Fold) -> Evaluated {
        let elements: Vec<Value> = match self.expr(&fold.range)? {
            Value::List(items) => items.to_vec(),
            Value::Map(entries) => entries.keys().map(Key::value).collect(),
            other => {
                let kind = go_type(&other);
                return Err(Fault::new(format!("got '{kind}', expected iterable type")));
            }
        };
        self.spend(elements.len())?;
        if let Some(push) = Push::of(fold) {
            return self.collect(fold, &push, elements);
        }
        let init = self.expr(&fold.init);
        let depth = self.locals.len();
        self.locals.push((&fold.accumulator, init));
        let outcome = self.turns(fold, elements, depth);
        let result = outcome.and_then(|()| self.expr(&fold.result));
        self.locals.truncate(depth);
        result
    }

    fn turns(&mut self, fold: &'a Fold, elements: Vec<Value>, depth: usize) -> Result<(), Fault> {
        for element in elements {
            self.locals.push((&fold.variable, Ok(element)));
            let goes_on = !matches!(self.expr(&fold.condition), Ok(Value::Bool(false)));
            if !goes_on {
                self.locals.pop();
                return Ok(());
            }
            let step = self.expr(&fold.step);
            self.locals.pop();
            if let Err(exhausted @ Fault::Exhausted(_)) = step {
                return Err(exhausted);
            }
            self.locals[depth].1 = step;
        }
        Ok(())
    }

    /// A loop that only appends, without copying what it has at each turn.
    fn collect(&mut self, fold: &'a Fold, push: &Push<'a>, elements: Vec<Value>) -> Evaluated {
        let mut collected = Ok(Vec::new());
        for element in elements {
            self.locals.push((&fold.variable, Ok(element)));
            let next = match push.filter.map(|filter| self.expr(filter)) {
                Some(Ok(Value::Bool(false))) => Ok(None),
                Some(Ok(Value::Bool(true))) | None if collected.is_err() => Ok(None),
                Some(Ok(Value::Bool(true))) | None => self.expr(push.item).map(Some),
                Some(Ok(_)) => Err(Fault::no_such_overload()),
                Some(Err(fault)) => Err(fault),
            };
            self.locals.pop();
            match (next, &mut collected) {
                (Err(exhausted @ Fault::Exhausted(_)), _) => return Err(exhausted),
                (Err(fault), _) => collected = Err(fault),
                (Ok(Some(value)), Ok(values)) => values.push(value),
                (Ok(_), _) => {}
            }
        }
        collected.map(Value::list)
    }
}

/// The parts of a loop that only appends.
struct Push<'a> {
    filter: Option<&'a Expr>,
    item: &'a Expr,
}

impl<'a> Push<'a> {
    fn of(fold: &'a Fold) -> Option<Self> {
        let Kind::Call(step) = &fold.step.kind else {
            return None;
        };
        let (filter, append) = match (step.function.as_str(), step.args.as_slice()) {
            (operator::CONDITIONAL, [filter, append, _]) => match &append.kind {
                Kind::Call(append) => (Some(filter), append),
                _ => return None,
            },
            _ => (None, step),
        };
        match (append.function.as_str(), append.args.as_slice()) {
            (operator::ADD, [_, list]) => match &list.kind {
                Kind::List(items) => {
                    let item = &items.first()?.value;
                    Some(Self { filter, item })
                }
                _ => None,
            },
            _ => None,
        }
    }
}

/// What Go calls the type of the value.
fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "types.Null",
        Value::Bool(_) => "types.Bool",
        Value::Int(_) => "types.Int",
        Value::Uint(_) => "types.Uint",
        Value::Double(_) => "types.Double",
        Value::String(_) => "types.String",
        Value::Bytes(_) => "types.Bytes",
        Value::Timestamp(_) => "types.Timestamp",
        Value::Duration(_) => "types.Duration",
        Value::Type(_) => "*types.Type",
        Value::Optional(_) => "*types.Optional",
        Value::List(_) => "*types.baseList",
        Value::Map(_) => "*types.baseMap",
    }
}
