//! `{{range}}`.

use super::{Flow, Outcome, State, Val};
use crate::node::{Id, NodeKind, Pipe};
use crate::{Type, Value, format};

impl State<'_> {
    pub(super) fn range(
        &mut self,
        dot: &Val,
        pipe: Id,
        list: Id,
        otherwise: Option<Id>,
    ) -> Outcome<Flow> {
        let value = self.pipeline(dot, pipe)?;
        let NodeKind::Pipe(pipe) = self.kind(pipe) else {
            return Ok(Flow::Next);
        };
        let mut iterations = Iterations {
            pipe,
            list,
            mark: self.variables.len(),
        };
        let ran = match value.value {
            Value::Nil => false,
            Value::Int(kind, count) => {
                self.one_variable(pipe, &Value::Int(kind, count))?;
                let values = (0..count.max(0)).map(|it| Value::Int(kind, it));
                let values = values.map(|it| (Val::INVALID, Val::known(it)));
                self.iterate(&mut iterations, values)?
            }
            Value::Uint(kind, count) => {
                self.one_variable(pipe, &Value::Uint(kind, count))?;
                let values = (0..count).map(|it| (Val::INVALID, Val::known(Value::Uint(kind, it))));
                self.iterate(&mut iterations, values)?
            }
            Value::List(list) => {
                let interface = matches!(list.ty().element(), Type::Any);
                let elements = list.iter().enumerate().map(|(index, value)| {
                    let index = Val::known(Value::int(index as i64));
                    (index, Val { value, interface })
                });
                self.iterate(&mut iterations, elements)?
            }
            Value::Map(map) => {
                let interface = matches!(map.ty().element(), Type::Any);
                let entries = map
                    .entries()
                    .into_iter()
                    .map(|(key, value)| (Val::known(Value::Str(key)), Val { value, interface }));
                self.iterate(&mut iterations, entries)?
            }
            other => {
                let text = format::message(&other, 'v');
                return self.error(format_args!("range can't iterate over {text}"));
            }
        };
        match otherwise {
            Some(otherwise) if !ran => self.walk(dot, otherwise),
            _ => Ok(Flow::Next),
        }
    }

    fn one_variable(&self, pipe: &Pipe, value: &Value) -> Outcome<()> {
        if pipe.declares.len() > 1 {
            let value = format::message(value, 'v');
            return self.error(format_args!(
                "can't use {value} to iterate over more than one variable"
            ));
        }
        Ok(())
    }

    /// Runs the body for each. Says whether there was any.
    fn iterate(
        &mut self,
        iterations: &mut Iterations<'_>,
        elements: impl Iterator<Item = (Val, Val)>,
    ) -> Outcome<bool> {
        let mut ran = false;
        for (index, element) in elements {
            ran = true;
            self.bind(iterations.pipe, index, &element)?;
            let flow = self.walk(&element, iterations.list)?;
            self.variables.truncate(iterations.mark);
            if flow == Flow::Break {
                break;
            }
        }
        Ok(ran)
    }

    fn bind(&mut self, pipe: &Pipe, index: Val, element: &Val) -> Outcome<()> {
        let top = self.variables.len();
        match (pipe.declares.as_slice(), pipe.assigns) {
            ([], _) => {}
            ([name], true) => self.set_variable(name, element.clone())?,
            ([_], false) => self.variables[top - 1].1 = element.clone(),
            ([first, second, ..], true) => {
                self.set_variable(first, index)?;
                self.set_variable(second, element.clone())?;
            }
            (_, false) => {
                self.variables[top - 1].1 = element.clone();
                self.variables[top - 2].1 = index;
            }
        }
        Ok(())
    }
}

/// What is the same for each run of a body.
struct Iterations<'a> {
    pipe: &'a Pipe,
    list: Id,
    /// How many variables there are outside of it.
    mark: usize,
}
