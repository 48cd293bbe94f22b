//! The functions that every template has.
//!
//! Source: Go 1.26 `text/template/funcs.go`

mod compare;
mod escape;
mod index;

use crate::execute::Val;
use crate::function::Signature;
use crate::{Call, Failure, Str, Type, Value, format};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Builtin {
    And,
    Call,
    Html,
    Index,
    Slice,
    Js,
    Len,
    Not,
    Or,
    Print,
    Printf,
    Println,
    UrlQuery,
    Eq,
    Ge,
    Gt,
    Le,
    Lt,
    Ne,
}

impl Builtin {
    pub(crate) fn of(name: &str) -> Option<Self> {
        Some(match name {
            "and" => Self::And,
            "call" => Self::Call,
            "html" => Self::Html,
            "index" => Self::Index,
            "slice" => Self::Slice,
            "js" => Self::Js,
            "len" => Self::Len,
            "not" => Self::Not,
            "or" => Self::Or,
            "print" => Self::Print,
            "printf" => Self::Printf,
            "println" => Self::Println,
            "urlquery" => Self::UrlQuery,
            "eq" => Self::Eq,
            "ge" => Self::Ge,
            "gt" => Self::Gt,
            "le" => Self::Le,
            "lt" => Self::Lt,
            "ne" => Self::Ne,
            _ => return None,
        })
    }

    pub(crate) fn signature(self) -> Signature {
        const ONE: &[Type] = &[Type::Reflect];
        const TWO: &[Type] = &[Type::Reflect, Type::Reflect];
        let any = &Type::Any;
        match self {
            Self::Len | Self::Not => Signature::new(ONE, any),
            Self::Ne | Self::Lt | Self::Le | Self::Gt | Self::Ge => Signature::new(TWO, any),
            Self::And | Self::Or | Self::Call | Self::Index | Self::Slice | Self::Eq => {
                Signature::variadic(TWO, any)
            }
            Self::Printf => Signature::variadic(&[Type::String, Type::Any], any),
            Self::Html | Self::Js | Self::UrlQuery | Self::Print | Self::Println => {
                Signature::variadic(&[Type::Any], any)
            }
        }
    }

    /// The result; `callee` is how the text names what `call` calls.
    pub(crate) fn call(
        self,
        call: &mut Call<'_>,
        args: Vec<Val>,
        callee: &str,
    ) -> Result<Val, Failure> {
        let text = |text: Str| Val::known(Value::Str(text));
        let truth = |it: bool| Val::known(Value::Bool(it));
        let budget = call.budget();
        match self {
            Self::Index => return index::index(&args),
            Self::Slice => return index::slice(&args),
            Self::Len => return index::length(&args[0]),
            Self::Call => return dynamic(call, &args, callee),
            Self::Not => return Ok(truth(!args[0].value.truth())),
            Self::Eq => return compare::equal(&args).map(truth),
            Self::Ne => return compare::equal(&args).map(|it| truth(!it)),
            Self::Lt => return compare::less(&args).map(truth),
            Self::Le => return compare::less_or_equal(&args).map(truth),
            Self::Gt => return compare::less_or_equal(&args).map(|it| truth(!it)),
            Self::Ge => return compare::less(&args).map(|it| truth(!it)),
            _ => {}
        }
        let args: Vec<Value> = args.into_iter().map(|it| it.value).collect();
        match self {
            Self::Print => format::sprint(&args, budget).map(text),
            Self::Println => format::sprintln(&args, budget).map(text),
            Self::Printf => {
                let format = args[0].as_str().cloned().unwrap_or_default();
                format::sprintf(&format, &args[1..], budget).map(text)
            }
            Self::Html => escape::html(&escape::joined(args, budget)?, budget).map(text),
            Self::Js => escape::js(&escape::joined(args, budget)?, budget).map(text),
            _ => escape::url_query(&escape::joined(args, budget)?, budget).map(text),
        }
    }
}

/// `call`: a function that is a value.
fn dynamic(call: &mut Call<'_>, args: &[Val], name: &str) -> Result<Val, Failure> {
    let function = match &args[0].value {
        Value::Nil => return Err(Failure::new("call of nil")),
        Value::Func(function) => function,
        other => {
            let ty = other.type_name();
            return Err(Failure::new(format!("non-function {name} of type {ty}")));
        }
    };
    let signature = function.signature();
    let (got, params) = (args.len() - 1, signature.params);
    if signature.variadic && got + 1 < params.len() {
        let want = params.len() - 1;
        return Err(Failure::new(format!(
            "wrong number of args for {name}: got {got} want at least {want}"
        )));
    }
    if !signature.variadic && got != params.len() {
        let want = params.len();
        return Err(Failure::new(format!(
            "wrong number of args for {name}: got {got} want {want}"
        )));
    }
    let mut prepared = Vec::with_capacity(got);
    for (index, arg) in args[1..].iter().enumerate() {
        let ty = &params[index.min(params.len() - 1)];
        let arg = prepare(&arg.value, ty);
        prepared.push(arg.map_err(|it| Failure::wrap(format!("arg {index}: "), it))?);
    }
    let value = function.call(call, &prepared)?;
    let interface = matches!(signature.result, Type::Any);
    Ok(Val { value, interface })
}

/// A value as an argument of a type; integers are converted.
fn prepare(value: &Value, ty: &'static Type) -> Result<Value, Failure> {
    let Some(found) = value.ty() else {
        if ty.can_be_nil() {
            return Ok(Value::zero(ty));
        }
        return Err(Failure::new(format!(
            "value is nil; should be of type {ty}"
        )));
    };
    if found.assignable_to(*ty) {
        return Ok(value.clone().retyped(ty));
    }
    match (value, ty) {
        (Value::Int(_, it), Type::Int(kind)) => Ok(Value::Int(*kind, *it)),
        (Value::Int(_, it), Type::Uint(kind)) => Ok(Value::Uint(*kind, *it as u64)),
        (Value::Uint(_, it), Type::Int(kind)) => Ok(Value::Int(*kind, *it as i64)),
        (Value::Uint(_, it), Type::Uint(kind)) => Ok(Value::Uint(*kind, *it)),
        _ => Err(Failure::new(format!(
            "value has type {found}; should be {ty}"
        ))),
    }
}
