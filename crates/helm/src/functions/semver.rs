//! `semver` and `semverCompare`.
//!
//! Source: sprig v3.3.0 `semver.go`, Masterminds/semver v3.5.0 `version.go`

use std::any::Any;
use std::sync::Arc;

use go_template::{
    Call, Closure, Failure, Function, Functions, List, Methods, Named, Object, Signature, Str,
    Type, UintKind, Value, unicode,
};
use semver_range::{Constraint, ConstraintError, Version};

use super::given;

static VERSION: Type = Type::Named(&Named {
    name: "semver.Version",
    under: Type::Struct,
    methods: Methods::NONE,
});
static POINTER: Type = Type::Pointer(&VERSION);

const NOTHING: &[Type] = &[];
const OTHER: &[Type] = &[Type::Pointer(&VERSION)];

pub(super) fn register(functions: &mut Functions) {
    let signature = Signature::new(&[Type::String, Type::String], &Type::Bool);
    functions.add("semverCompare", signature, |_, args| {
        let constraint = constraint(given::bytes(args, 0))?;
        let version = parse(&given::text(args, 1))?;
        Ok(Value::Bool(constraint.matches(&version)))
    });
    let signature = Signature::new(&[Type::String], &POINTER);
    functions.add("semver", signature, |_, args| {
        let version = Arc::new(parse(&given::text(args, 0))?);
        Ok(Value::Object(Arc::new(Semver {
            version,
            pointer: true,
        })))
    });
}

fn parse(text: &str) -> Result<Version, Failure> {
    Version::parse(text).map_err(|it| Failure::new(it.to_string()))
}

/// Reads a range. Bytes that are no UTF-8 are kept for the error text as characters that no range has.
fn constraint(text: &[u8]) -> Result<Constraint, Failure> {
    const KEPT: u32 = 0x10_F700;
    let mut shown = String::new();
    let mut rest = text;
    while let Some((c, length)) = unicode::decode(rest) {
        let broken = c == char::REPLACEMENT_CHARACTER && length == 1;
        let kept = char::from_u32(KEPT + u32::from(rest[0]));
        shown.push(kept.filter(|_| broken).unwrap_or(c));
        rest = &rest[length..];
    }
    let error = match Constraint::parse(&shown) {
        Ok(constraint) => return Ok(constraint),
        Err(ConstraintError::Improper(part)) => part,
        Err(other) => return Err(Failure::new(other.to_string())),
    };
    let mut part = Vec::new();
    for c in error.chars() {
        match u32::from(c).checked_sub(KEPT) {
            Some(byte @ 0..0x100) => part.push(byte as u8),
            _ => unicode::encode(c, &mut part),
        }
    }
    let part = go_template::quote::quoted(&part);
    Err(Failure::new(format!("improper constraint: {part}")))
}

/// A `*semver.Version`, or what its methods return: a `semver.Version`.
#[derive(Debug)]
struct Semver {
    version: Arc<Version>,
    pointer: bool,
}

/// A copy as reflection makes it: fields that no other package sees are left out, and a version has no others.
pub(super) fn without_hidden(object: &Arc<dyn Object>) -> Value {
    match object.as_any().downcast_ref::<Semver>() {
        Some(it) => Value::Object(Arc::new(Semver {
            version: Arc::default(),
            pointer: it.pointer,
        })),
        None => Value::Object(object.clone()),
    }
}

impl Object for Semver {
    fn ty(&self) -> &'static Type {
        if self.pointer { &POINTER } else { &VERSION }
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        let number = |it| Value::Uint(UintKind::Uint64, it);
        vec![
            ("major", number(self.version.major)),
            ("minor", number(self.version.minor)),
            ("patch", number(self.version.patch)),
            ("pre", Value::str(self.version.pre())),
            ("metadata", Value::str(self.version.metadata())),
            ("original", Value::str(self.version.original())),
        ]
    }

    fn method(&self, name: &str) -> Option<Arc<dyn Function>> {
        let pointer = self.pointer.then(|| comparison(&self.version, name));
        pointer.flatten().or_else(|| method(&self.version, name))
    }

    fn text(&self) -> Option<Str> {
        Some(self.version.to_string().into())
    }

    fn marshal(&self) -> Option<Result<Str, Failure>> {
        self.text().map(Ok)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// The methods that only a pointer has.
fn comparison(version: &Arc<Version>, name: &str) -> Option<Arc<dyn Function>> {
    let version = Arc::clone(version);
    if name == "Original" {
        return Some(Closure::shared(
            Signature::new(NOTHING, &Type::String),
            move |_, _| Ok(Value::str(version.original())),
        ));
    }
    let result: fn(i64) -> Value = match name {
        "Compare" => Value::int,
        "LessThan" => |order| Value::Bool(order < 0),
        "LessThanEqual" => |order| Value::Bool(order <= 0),
        "GreaterThan" => |order| Value::Bool(order > 0),
        "GreaterThanEqual" => |order| Value::Bool(order >= 0),
        "Equal" => |order| Value::Bool(order == 0),
        _ => return None,
    };
    let ty = if name == "Compare" {
        &Type::INT
    } else {
        &Type::Bool
    };
    let equal = name == "Equal";
    Some(Closure::shared(
        Signature::new(OTHER, ty),
        move |_, args| {
            let other = match &args[0] {
                Value::Object(object) => object.as_any().downcast_ref::<Semver>(),
                _ => None,
            };
            match other {
                Some(other) => Ok(result(version.cmp(&other.version) as i64)),
                None if equal => Ok(Value::Bool(false)),
                None => Err(Failure::new(
                    "runtime error: invalid memory address or nil pointer dereference",
                )),
            }
        },
    ))
}

type Body = fn(&Version, &mut Call<'_>, &[Value]) -> Result<Value, Failure>;

fn value(version: Version) -> Value {
    Value::Object(Arc::new(Semver {
        version: Arc::new(version),
        pointer: false,
    }))
}

fn uint(number: u64) -> Result<Value, Failure> {
    Ok(Value::Uint(UintKind::Uint64, number))
}

/// What did not work, as Go reports it.
fn failed(error: impl std::error::Error) -> Failure {
    Failure::new(error.to_string())
}

fn method(version: &Arc<Version>, name: &str) -> Option<Arc<dyn Function>> {
    const TEXT: &[Type] = &[Type::String];
    const UINT: Type = Type::Uint(UintKind::Uint64);
    let (params, result, body): (_, &'static Type, Body) = match name {
        "String" => (NOTHING, &Type::String, |it, _, _| {
            Ok(Value::str(it.to_string()))
        }),
        "Major" => (NOTHING, &UINT, |it, _, _| uint(it.major)),
        "Minor" => (NOTHING, &UINT, |it, _, _| uint(it.minor)),
        "Patch" => (NOTHING, &UINT, |it, _, _| uint(it.patch)),
        "Prerelease" => (NOTHING, &Type::String, |it, _, _| Ok(Value::str(it.pre()))),
        "Metadata" => (NOTHING, &Type::String, |it, _, _| {
            Ok(Value::str(it.metadata()))
        }),
        "IncPatch" => (NOTHING, &VERSION, |it, _, _| {
            it.next_patch().map(value).map_err(failed)
        }),
        "IncMinor" => (NOTHING, &VERSION, |it, _, _| {
            it.next_minor().map(value).map_err(failed)
        }),
        "IncMajor" => (NOTHING, &VERSION, |it, _, _| {
            it.next_major().map(value).map_err(failed)
        }),
        "SetPrerelease" => (TEXT, &VERSION, |it, _, args| {
            it.with_pre(&given::text(args, 0))
                .map(value)
                .map_err(failed)
        }),
        "SetMetadata" => (TEXT, &VERSION, |it, _, args| {
            it.with_metadata(&given::text(args, 0))
                .map(value)
                .map_err(failed)
        }),
        "Value" => (NOTHING, &Type::Any, |it, _, _| {
            Ok(Value::str(it.to_string()))
        }),
        "MarshalText" => (NOTHING, &Type::BYTES, |it, _, _| {
            Ok(Value::List(List::bytes(it.to_string().into())))
        }),
        "MarshalJSON" => (NOTHING, &Type::BYTES, |it, _, _| {
            Ok(Value::List(List::bytes(format!("\"{it}\"").into())))
        }),
        _ => return None,
    };
    let version = Arc::clone(version);
    let signature = Signature::new(params, result);
    Some(Closure::shared(signature, move |call, args| {
        body(&version, call, args)
    }))
}
