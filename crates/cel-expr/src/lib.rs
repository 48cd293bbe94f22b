//! CEL expressions over Kubernetes objects, with the environment that Flux builds: optional types, numbers that
//! compare across their types, and the extensions for strings, sets and encoders.
//!
//! An [`Expression`] is either only parsed, and its names are looked up when it is evaluated, or compiled, and then
//! its names and types are checked first. Either way it is bounded: in length and nesting when it is read, in the
//! size of its types when they are checked, in steps when it is evaluated. Nothing here reads a clock.
//!
//! Source: fluxcd/pkg v1 `runtime/cel/expression.go`; cel-go v0.26

mod ast;
mod check;
mod declare;
mod error;
mod eval;
mod functions;
mod literal;
mod parse;
mod plan;
mod time;
mod token;
mod types;
mod value;

use std::collections::BTreeMap;

pub use error::{CompileError, EvaluateError};
pub use value::{Key, Value};

use ast::Expr;

/// Runs `work` with stack to spare: what is nested as deeply as is allowed must not depend on the thread.
fn with_stack<T>(work: impl FnOnce() -> T) -> T {
    const LEFT: usize = 128 << 10;
    const MORE: usize = 1 << 20;
    stacker::maybe_grow(LEFT, MORE, work)
}

/// An expression that can be evaluated.
#[derive(Debug, Clone)]
pub struct Expression {
    text: String,
    tree: Expr,
}

impl Expression {
    /// Parses an expression; its names are whatever the objects have.
    ///
    /// # Errors
    /// It is not CEL, or has no value for any object.
    pub fn parse(text: &str) -> Result<Self, CompileError> {
        let source: Vec<char> = text.chars().collect();
        let tree = parse::parse(&source).map_err(|issues| CompileError::Parse {
            expression: text.to_owned(),
            issues: error::display(&source, issues),
        })?;
        Self::planned(text, tree)
    }

    /// Parses an expression over objects of these names, and checks its types. It has to give true or false.
    ///
    /// # Errors
    /// It is not CEL, its types do not fit, or it has no value for any object.
    pub fn compile_bool(text: &str, variables: &[&str]) -> Result<Self, CompileError> {
        let (tree, found) = Self::compiled(text, variables)?;
        if found != types::Type::Bool {
            return Err(CompileError::OutputType {
                expected: "bool",
                got: found.output_text(),
            });
        }
        Self::planned(text, tree)
    }

    /// Parses an expression over objects of these names, and checks its types. It may give anything.
    ///
    /// # Errors
    /// It is not CEL, its types do not fit, or it has no value for any object.
    pub fn compile(text: &str, variables: &[&str]) -> Result<Self, CompileError> {
        let (tree, _) = Self::compiled(text, variables)?;
        Self::planned(text, tree)
    }

    fn compiled(text: &str, variables: &[&str]) -> Result<(Expr, types::Type), CompileError> {
        let source: Vec<char> = text.chars().collect();
        let failed = |issues| CompileError::Parse {
            expression: text.to_owned(),
            issues: error::display(&source, issues),
        };
        let tree = parse::parse(&source).map_err(failed)?;
        let found = check::check(&tree, variables).map_err(failed)?;
        Ok((tree, found))
    }

    fn planned(text: &str, tree: Expr) -> Result<Self, CompileError> {
        plan::check(&tree).map_err(CompileError::Program)?;
        Ok(Self {
            text: text.to_owned(),
            tree,
        })
    }

    /// The value for the objects.
    ///
    /// # Errors
    /// There is none, or it takes too many steps.
    pub fn evaluate(&self, variables: &Variables) -> Result<Value, EvaluateError> {
        let mut evaluator = eval::Evaluator::new(&variables.0);
        evaluator
            .expr(&self.tree)
            .map_err(|fault| EvaluateError::Failed {
                expression: self.text.clone(),
                cause: fault.text(),
            })
    }

    /// The value for the objects, which has to be true or false.
    ///
    /// # Errors
    /// It has none, or another.
    pub fn evaluate_bool(&self, variables: &Variables) -> Result<bool, EvaluateError> {
        match self.evaluate(variables)? {
            Value::Bool(value) => Ok(value),
            _ => Err(EvaluateError::NotA {
                expression: self.text.clone(),
                wanted: "boolean",
            }),
        }
    }

    /// The value for the objects, which has to be text.
    ///
    /// # Errors
    /// It has none, or another.
    pub fn evaluate_string(&self, variables: &Variables) -> Result<String, EvaluateError> {
        match self.evaluate(variables)? {
            Value::String(value) => Ok(value.to_string()),
            _ => Err(EvaluateError::NotA {
                expression: self.text.clone(),
                wanted: "string",
            }),
        }
    }
}

/// What the names of an expression stand for.
#[derive(Debug, Clone, Default)]
pub struct Variables(BTreeMap<String, Value>);

impl Variables {
    /// The top-level fields of an object, each by its name.
    #[must_use]
    pub fn fields(object: &serde_json::Value) -> Self {
        let fields = object.as_object().into_iter().flatten();
        Self(
            fields
                .map(|(name, value)| (name.clone(), Value::from_json(value)))
                .collect(),
        )
    }

    /// Whole objects by the names given to them.
    #[must_use]
    pub fn objects<'a>(
        objects: impl IntoIterator<Item = (&'a str, &'a serde_json::Value)>,
    ) -> Self {
        let named = |(name, object): (&str, &serde_json::Value)| {
            (name.to_owned(), Value::from_json(object))
        };
        Self(objects.into_iter().map(named).collect())
    }
}
