//! Calling functions, methods and builtins.

use std::sync::Arc;

use super::field::Given;
use super::{Outcome, Session, State, Val};
use crate::builtin::Builtin;
use crate::function::Signature;
use crate::node::Id;
use crate::template::Set;
use crate::{Budget, Failure, Function, Map, Str, Template, Type, Value};

/// What a function may use besides its arguments.
pub struct Call<'s> {
    session: &'s Session<'s>,
    set: &'s Arc<Set>,
}

impl<'s> Call<'s> {
    /// What is left of the budget.
    pub fn budget(&self) -> &'s Budget<'s> {
        self.session.budget
    }

    /// The set of the template that calls.
    pub fn set(&self) -> &'s Arc<Set> {
        self.set
    }

    /// The functions of this rendering.
    pub fn functions(&self) -> &'s crate::Functions {
        self.session.functions
    }

    /// Executes a template of a set.
    ///
    /// # Errors
    /// As [`Session::execute`].
    pub fn execute(&self, set: &Arc<Set>, name: &[u8], dot: &Value) -> Result<Str, Failure> {
        self.session.execute(set, name, dot)
    }

    /// Executes a template that need not be in the set.
    ///
    /// # Errors
    /// As [`Session::execute`].
    pub fn execute_template(
        &self,
        set: &Arc<Set>,
        template: &Template,
        dot: &Value,
    ) -> Result<Str, Failure> {
        self.session.execute_template(set, template, dot)
    }

    /// Puts a value into a map. A map put into itself is freed when the rendering is over.
    ///
    /// # Errors
    /// The map is nil, in Go's words.
    pub fn insert(&self, map: &Map, key: Str, value: Value) -> Result<(), Failure> {
        if matches!(value, Value::Map(_) | Value::List(_)) {
            self.session.budget.changed(map);
        }
        if map.insert(key, value) {
            return Ok(());
        }
        Err(Failure::new("assignment to entry in nil map"))
    }
}

impl State<'_> {
    pub(super) fn function(&mut self, name: &str, node: Id, given: Given<'_>) -> Outcome<Val> {
        if let Some(function) = self.session.functions.get(name) {
            return self.call(&**function, node, name, given);
        }
        match Builtin::of(name) {
            Some(builtin) => self.builtin(builtin, node, name, given),
            None => {
                let name = crate::quote::quoted(name.as_bytes());
                self.error(format_args!("{name} is not a defined function"))
            }
        }
    }

    /// Calls a function or a method with what a command gives it.
    pub(super) fn call(
        &mut self,
        function: &dyn Function,
        node: Id,
        name: &str,
        given: Given<'_>,
    ) -> Outcome<Val> {
        let signature = function.signature();
        let args = self.arguments(&signature, name, given)?;
        let args: Vec<Value> = args.into_iter().map(|it| it.value).collect();
        let mut call = Call {
            session: self.session,
            set: self.set,
        };
        match function.call(&mut call, &args) {
            Ok(value) => Ok(Val {
                value,
                interface: matches!(signature.result, Type::Any),
            }),
            Err(cause) => self.failed(node, name, cause),
        }
    }

    fn failed<T>(&mut self, node: Id, name: &str, cause: Failure) -> Outcome<T> {
        if cause.origin() == crate::Origin::Budget {
            return Err(cause);
        }
        self.at(node);
        Err(self.failure(format_args!("error calling {name}: "), Some(cause)))
    }

    fn arguments(
        &mut self,
        signature: &Signature,
        name: &str,
        given: Given<'_>,
    ) -> Outcome<Vec<Val>> {
        let Given {
            dot,
            arguments,
            last,
        } = given;
        let arguments = arguments.get(1..).unwrap_or(&[]);
        let count = arguments.len() + usize::from(last.is_some());
        let params = signature.params;
        if signature.variadic {
            let fixed = params.len() - 1;
            if count < fixed {
                let given = arguments.len();
                return self.error(format_args!(
                    "wrong number of args for {name}: want at least {fixed} got {given}"
                ));
            }
        } else if count != params.len() {
            let want = params.len();
            return self.error(format_args!(
                "wrong number of args for {name}: want {want} got {count}"
            ));
        }
        let param = |index: usize| &params[index.min(params.len() - 1)];
        let mut args = Vec::with_capacity(count);
        for (index, argument) in arguments.iter().enumerate() {
            args.push(self.argument(dot, param(index), *argument)?);
        }
        if let Some(last) = last {
            args.push(self.validated(last, param(args.len()))?);
        }
        Ok(args)
    }

    fn builtin(
        &mut self,
        builtin: Builtin,
        node: Id,
        name: &str,
        given: Given<'_>,
    ) -> Outcome<Val> {
        if matches!(builtin, Builtin::And | Builtin::Or) {
            return self.and_or(builtin, name, given);
        }
        let callee = match builtin {
            Builtin::Call => self.callee(&given),
            _ => String::new(),
        };
        let args = self.arguments(&builtin.signature(), name, given)?;
        let mut call = Call {
            session: self.session,
            set: self.set,
        };
        match builtin.call(&mut call, args, &callee) {
            Ok(value) => Ok(value),
            Err(cause) => self.failed(node, name, cause),
        }
    }

    /// How the text names what `call` calls.
    fn callee(&self, given: &Given<'_>) -> String {
        match (given.arguments.get(1), &given.last) {
            (Some(argument), _) => self.printed(*argument),
            (None, Some(last)) => match &last.value {
                Value::Str(text) => text.to_string(),
                Value::Nil => String::from("<invalid Value>"),
                other => format!("<{} Value>", other.type_name()),
            },
            (None, None) => String::new(),
        }
    }

    /// `and` and `or` evaluate only as many arguments as they need, and return one of them.
    fn and_or(&mut self, builtin: Builtin, name: &str, given: Given<'_>) -> Outcome<Val> {
        let Given {
            dot,
            arguments,
            last,
        } = given;
        let arguments = arguments.get(1..).unwrap_or(&[]);
        if arguments.is_empty() && last.is_none() {
            return self.error(format_args!(
                "wrong number of args for {name}: want at least 1 got 0"
            ));
        }
        let mut value = Val::INVALID;
        for argument in arguments {
            value = self.argument(dot, &Type::Reflect, *argument)?;
            if value.value.truth() == (builtin == Builtin::Or) {
                return Ok(value);
            }
        }
        match last {
            Some(last) => self.validated(last, &Type::Reflect),
            None => Ok(value),
        }
    }
}
