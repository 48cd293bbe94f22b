//! Go's types, as far as templates can see them: in error texts, `%T`, and in what may be passed to what.

use std::fmt;

use crate::{Function, Str, Value};
use std::sync::Arc;

/// The signed integer types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IntKind {
    /// `int`, 64 bits.
    Int,
    /// `int8`.
    Int8,
    /// `int16`.
    Int16,
    /// `int32`, which runes are.
    Int32,
    /// `int64`.
    Int64,
}

/// The unsigned integer types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UintKind {
    /// `uint`, 64 bits.
    Uint,
    /// `uint8`, which bytes are.
    Uint8,
    /// `uint16`.
    Uint16,
    /// `uint32`.
    Uint32,
    /// `uint64`.
    Uint64,
}

/// A type. Types that refer to others do so for ever: there is no type that a template could make.
#[derive(Clone, Copy, Debug)]
pub enum Type {
    /// `interface {}`.
    Any,
    /// `reflect.Value`: a parameter that takes all, even nothing.
    Reflect,
    /// `bool`.
    Bool,
    /// A signed integer.
    Int(IntKind),
    /// An unsigned integer.
    Uint(UintKind),
    /// `float64`.
    Float64,
    /// `complex128`.
    Complex128,
    /// `string`.
    String,
    /// A slice of a type.
    List(&'static Self),
    /// A map from strings to a type.
    Map(&'static Self),
    /// A function, by its whole text.
    Func(&'static str),
    /// A struct; only ever under a [`Named`].
    Struct,
    /// A pointer.
    Pointer(&'static Self),
    /// A type with a name, and perhaps methods.
    Named(&'static Named),
}

/// A named type that is no object of its own: a map, a slice or a number with methods.
#[derive(Debug)]
pub struct Named {
    /// The name with its package.
    pub name: &'static str,
    /// What it is underneath.
    pub under: Type,
    /// Its methods.
    pub methods: Methods,
}

/// The methods of a [`Named`] type.
#[derive(Clone, Copy)]
pub struct Methods {
    /// A method, bound to a receiver.
    pub find: fn(&Value, &str) -> Option<Arc<dyn Function>>,
    /// What `String()` or `Error()` returns, for types that have one.
    pub text: fn(&Value) -> Option<Str>,
}

impl Methods {
    /// No methods at all.
    pub const NONE: Self = Self {
        find: |_, _| None,
        text: |_| None,
    };
}

impl fmt::Debug for Methods {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Methods")
    }
}

impl Type {
    /// `int`.
    pub const INT: Self = Self::Int(IntKind::Int);
    /// `int64`.
    pub const INT64: Self = Self::Int(IntKind::Int64);
    /// `[]interface {}`.
    pub const LIST: Self = Self::List(&Self::Any);
    /// `[]string`.
    pub const STRINGS: Self = Self::List(&Self::String);
    /// `[]uint8`.
    pub const BYTES: Self = Self::List(&Self::Uint(UintKind::Uint8));
    /// `map[string]interface {}`.
    pub const MAP: Self = Self::Map(&Self::Any);

    /// The type without its name.
    pub fn under(self) -> Self {
        match self {
            Self::Named(named) => named.under,
            other => other,
        }
    }

    /// What a slice's or map's elements are; `Any` for other types.
    pub fn element(self) -> Self {
        match self.under() {
            Self::List(element) | Self::Map(element) | Self::Pointer(element) => *element,
            _ => Self::Any,
        }
    }

    /// Whether an untyped nil may stand for a value of the type.
    pub fn can_be_nil(self) -> bool {
        matches!(
            self.under(),
            Self::Any
                | Self::Reflect
                | Self::List(_)
                | Self::Map(_)
                | Self::Func(_)
                | Self::Pointer(_)
        )
    }

    /// Whether a value of this type may be assigned to a variable of another.
    pub fn assignable_to(self, other: Self) -> bool {
        if self == other || matches!(other, Self::Any) {
            return true;
        }
        let one_unnamed = !matches!((self, other), (Self::Named(_), Self::Named(_)));
        let composite = matches!(self.under(), Self::List(_) | Self::Map(_));
        one_unnamed && composite && self.under() == other.under()
    }
}

impl PartialEq for Type {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Any, Self::Any)
            | (Self::Reflect, Self::Reflect)
            | (Self::Bool, Self::Bool)
            | (Self::Float64, Self::Float64)
            | (Self::Complex128, Self::Complex128)
            | (Self::String, Self::String)
            | (Self::Struct, Self::Struct) => true,
            (Self::Int(a), Self::Int(b)) => a == b,
            (Self::Uint(a), Self::Uint(b)) => a == b,
            (Self::List(a), Self::List(b))
            | (Self::Map(a), Self::Map(b))
            | (Self::Pointer(a), Self::Pointer(b)) => std::ptr::eq(*a, *b) || a == b,
            (Self::Func(a), Self::Func(b)) => a == b,
            (Self::Named(a), Self::Named(b)) => std::ptr::eq(*a, *b) || a.name == b.name,
            _ => false,
        }
    }
}

impl Eq for Type {}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Any => "interface {}",
            Self::Reflect => "reflect.Value",
            Self::Bool => "bool",
            Self::Int(IntKind::Int) => "int",
            Self::Int(IntKind::Int8) => "int8",
            Self::Int(IntKind::Int16) => "int16",
            Self::Int(IntKind::Int32) => "int32",
            Self::Int(IntKind::Int64) => "int64",
            Self::Uint(UintKind::Uint) => "uint",
            Self::Uint(UintKind::Uint8) => "uint8",
            Self::Uint(UintKind::Uint16) => "uint16",
            Self::Uint(UintKind::Uint32) => "uint32",
            Self::Uint(UintKind::Uint64) => "uint64",
            Self::Float64 => "float64",
            Self::Complex128 => "complex128",
            Self::String => "string",
            Self::Struct => "struct",
            Self::Func(text) => text,
            Self::Named(named) => named.name,
            Self::List(element) => return write!(f, "[]{element}"),
            Self::Map(element) => return write!(f, "map[string]{element}"),
            Self::Pointer(element) => return write!(f, "*{element}"),
        };
        f.write_str(name)
    }
}
