//! Fields, methods and map keys.

use super::{MissingKey, Outcome, State, Val};
use crate::node::{Id, NodeKind};
use crate::{Str, Type, Value};

/// What a command gives to what it calls.
pub(super) struct Given<'a> {
    /// The dot, for evaluating the arguments.
    pub(super) dot: &'a Val,
    /// The arguments, the command's own name first.
    pub(super) arguments: &'a [Id],
    /// What the pipeline hands on.
    pub(super) last: Option<Val>,
}

impl<'a> Given<'a> {
    /// No arguments.
    pub(super) fn nothing(dot: &'a Val) -> Self {
        Self {
            dot,
            arguments: &[],
            last: None,
        }
    }
}

impl State<'_> {
    pub(super) fn chain(
        &mut self,
        dot: &Val,
        node: Id,
        arguments: &[Id],
        last: Option<Val>,
    ) -> Outcome<Val> {
        self.at(node);
        let NodeKind::Chain(inner, names) = self.kind(node) else {
            return Ok(Val::INVALID);
        };
        if matches!(self.kind(*inner), NodeKind::Nil) {
            let node = self.source.print(node, 1 << 20);
            let node = crate::unicode::lossy(&node);
            return self.error(format_args!("indirection through explicit nil in {node}"));
        }
        let receiver = self.untyped_argument(dot, *inner)?;
        let given = Given {
            dot,
            arguments,
            last,
        };
        self.fields(receiver, node, names, given)
    }

    pub(super) fn variable_node(
        &mut self,
        dot: &Val,
        node: Id,
        arguments: &[Id],
        last: Option<Val>,
    ) -> Outcome<Val> {
        self.at(node);
        let NodeKind::Variable(names) = self.kind(node) else {
            return Ok(Val::INVALID);
        };
        let value = self.variable(&names[0])?;
        if names.len() == 1 {
            if !arguments.is_empty() {
                self.not_a_function(arguments, last.is_some())?;
            }
            return Ok(value);
        }
        let given = Given {
            dot,
            arguments,
            last,
        };
        self.fields(value, node, &names[1..], given)
    }

    /// `.X.Y.Z`, the last one perhaps with arguments.
    pub(super) fn fields(
        &mut self,
        mut receiver: Val,
        node: Id,
        names: &[Str],
        given: Given<'_>,
    ) -> Outcome<Val> {
        let Some((last, before)) = names.split_last() else {
            return Ok(receiver);
        };
        for name in before {
            receiver = self.field(receiver, node, name, Given::nothing(given.dot))?;
        }
        self.field(receiver, node, last, given)
    }

    fn field(&mut self, receiver: Val, node: Id, name: &Str, given: Given<'_>) -> Outcome<Val> {
        self.session.budget.steps(1)?;
        if !receiver.is_valid() {
            if self.session.missing_key == MissingKey::Error {
                return self.error(format_args!("nil data; no entry for key {}", quoted(name)));
            }
            return Ok(Val::INVALID);
        }
        if receiver.is_nil_interface() {
            return self.error(format_args!("nil pointer evaluating interface {{}}.{name}"));
        }
        if let Some(method) = receiver.value.method(&name.lossy()) {
            return self.call(&*method, node, &name.lossy(), given);
        }
        let has_arguments = given.arguments.len() > 1 || given.last.is_some();
        match &receiver.value {
            Value::Map(map) => {
                if has_arguments {
                    return self.error(format_args!("{name} is not a method but has arguments"));
                }
                let interface = matches!(map.ty().element(), Type::Any);
                if let Some(value) = map.get(name) {
                    return Ok(Val { value, interface });
                }
                match self.session.missing_key {
                    MissingKey::Invalid => return Ok(Val::INVALID),
                    MissingKey::Zero => {
                        let value = zero_element(map.ty());
                        return Ok(Val { value, interface });
                    }
                    MissingKey::Error => {
                        let name = quoted(name);
                        return self.error(format_args!("map has no entry for key {name}"));
                    }
                }
            }
            Value::Object(object) => {
                if let Some(field) = object.field(&name.lossy()) {
                    if object.is_nil() {
                        let ty = receiver.type_name();
                        return self.error(format_args!("nil pointer evaluating {ty}.{name}"));
                    }
                    if has_arguments {
                        return self.error(format_args!(
                            "{name} has arguments but cannot be invoked as function"
                        ));
                    }
                    let interface = field.interface;
                    return Ok(Val {
                        value: field.value,
                        interface,
                    });
                }
            }
            _ => {}
        }
        let ty = receiver.type_name();
        self.error(format_args!("can't evaluate field {name} in type {ty}"))
    }
}

/// What a map of a type gives for a key it does not have.
pub(crate) fn zero_element(ty: &'static Type) -> Value {
    match ty {
        Type::Map(element) | Type::List(element) => Value::zero(element),
        Type::Named(named) => zero_element(&named.under),
        _ => Value::Nil,
    }
}

fn quoted(name: &Str) -> String {
    crate::quote::quoted(name)
}
