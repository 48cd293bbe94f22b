//! Arguments: which value stands for a parameter of a type.

use super::field::Given;
use super::{Outcome, State, Val};
use crate::node::{Id, NodeKind};
use crate::number::Number;
use crate::{Type, Value};

impl State<'_> {
    /// An argument where any value will do, even none.
    pub(super) fn untyped_argument(&mut self, dot: &Val, node: Id) -> Outcome<Val> {
        self.at(node);
        match self.kind(node) {
            NodeKind::Dot => Ok(dot.clone()),
            NodeKind::Field(names) => self.fields(dot.clone(), node, names, Given::nothing(dot)),
            NodeKind::Variable(_) => self.variable_node(dot, node, &[], None),
            NodeKind::Pipe(_) => crate::parse::deeper(|| self.pipeline(dot, node)),
            NodeKind::Identifier(name) => self.function(name, node, Given::nothing(dot)),
            NodeKind::Chain(..) => crate::parse::deeper(|| self.chain(dot, node, &[], None)),
            NodeKind::Bool(value) => Ok(Val::known(Value::Bool(*value))),
            NodeKind::Number(..) => self.ideal_constant(node),
            NodeKind::String(text, _) => Ok(Val::known(Value::clone(text))),
            _ => {
                let node = self.printed(node);
                self.error(format_args!(
                    "can't handle assignment of {node} to empty interface argument"
                ))
            }
        }
    }

    /// An argument for a parameter of a type.
    pub(super) fn argument(&mut self, dot: &Val, ty: &'static Type, node: Id) -> Outcome<Val> {
        self.at(node);
        match self.kind(node) {
            NodeKind::Nil => {
                if !ty.can_be_nil() {
                    return self.error(format_args!("cannot assign nil to {ty}"));
                }
                Ok(zero(ty))
            }
            NodeKind::Dot
            | NodeKind::Field(_)
            | NodeKind::Variable(_)
            | NodeKind::Pipe(_)
            | NodeKind::Identifier(_)
            | NodeKind::Chain(..) => {
                let value = self.untyped_argument(dot, node)?;
                self.validated(value, ty)
            }
            constant => self.constant(constant, ty, node),
        }
    }

    fn constant(&mut self, constant: &NodeKind, ty: &'static Type, node: Id) -> Outcome<Val> {
        let number = match constant {
            NodeKind::Number(number, _) => number,
            _ => &Number::default(),
        };
        let (value, expected) = match ty.under() {
            Type::Any | Type::Reflect => return self.untyped_argument_of(node, ty),
            Type::Bool => match constant {
                NodeKind::Bool(value) => (Some(Value::Bool(*value)), "bool"),
                _ => (None, "bool"),
            },
            Type::String => match constant {
                NodeKind::String(text, _) => (Some(Value::clone(text)), "string"),
                _ => (None, "string"),
            },
            Type::Int(kind) => (number.int.map(|it| Value::Int(kind, it)), "integer"),
            Type::Uint(kind) => (
                number.uint.map(|it| Value::Uint(kind, it)),
                "unsigned integer",
            ),
            Type::Float64 => (number.float.map(Value::Float), "float"),
            Type::Complex128 => {
                let value = number
                    .complex
                    .map(|(real, imag)| Value::Complex(real, imag));
                (value, "complex")
            }
            _ => {
                let node = self.printed(node);
                return self.error(format_args!("can't handle {node} for arg of type {ty}"));
            }
        };
        match value {
            Some(value) => Ok(Val::known(value)),
            None => {
                let found = self.printed(node);
                self.error(format_args!("expected {expected}; found {found}"))
            }
        }
    }

    /// A constant for a parameter that takes any value.
    fn untyped_argument_of(&mut self, node: Id, ty: &Type) -> Outcome<Val> {
        let mut value = self.untyped_argument(&Val::INVALID, node)?;
        value.interface = matches!(ty, Type::Any);
        Ok(value)
    }

    /// A value as one of a type, if it may be one.
    pub(super) fn validated(&self, value: Val, ty: &'static Type) -> Outcome<Val> {
        if !value.is_valid() {
            if ty.can_be_nil() {
                return Ok(zero(ty));
            }
            return self.error(format_args!("invalid value; expected {ty}"));
        }
        if matches!(ty, Type::Reflect | Type::Any) {
            let interface = value.interface || matches!(ty, Type::Any);
            return Ok(Val {
                value: value.value,
                interface,
            });
        }
        let Some(found) = value.value.ty() else {
            return self.error(format_args!(
                "wrong type for value; expected {ty}; got interface {{}}"
            ));
        };
        if found.assignable_to(*ty) {
            return Ok(Val::known(value.value.retyped(ty)));
        }
        if let Type::Pointer(element) = found
            && element.assignable_to(*ty)
        {
            return Ok(Val::known(value.value));
        }
        self.error(format_args!(
            "wrong type for value; expected {ty}; got {found}"
        ))
    }

    /// A number constant where nothing says which kind is wanted.
    pub(super) fn ideal_constant(&mut self, node: Id) -> Outcome<Val> {
        self.at(node);
        let NodeKind::Number(number, literal) = self.kind(node) else {
            return Ok(Val::INVALID);
        };
        if let Some((real, imag)) = number.complex {
            return Ok(Val::known(Value::Complex(real, imag)));
        }
        let lower = literal.to_ascii_lowercase();
        let hex_int = lower.len() > 2 && lower.starts_with("0x") && !lower.contains('p');
        let fraction = lower.contains(['.', 'e', 'p']);
        if let Some(float) = number.float
            && !hex_int
            && !lower.starts_with('\'')
            && fraction
        {
            return Ok(Val::known(Value::Float(float)));
        }
        if let Some(int) = number.int {
            return Ok(Val::known(Value::int(int)));
        }
        if number.uint.is_some() {
            return self.error(format_args!("{literal} overflows int"));
        }
        Ok(Val::INVALID)
    }

    pub(super) fn printed(&self, node: Id) -> String {
        crate::unicode::lossy(&self.source.print(node, 1 << 20)).into_owned()
    }
}

/// The zero value of a type, as an argument.
fn zero(ty: &'static Type) -> Val {
    Val {
        value: Value::zero(ty),
        interface: matches!(ty, Type::Any),
    }
}
