//! Walking a template: what is written, with which value as the dot, and where an error is said to be.
//!
//! Source: Go 1.26 `text/template/exec.go`

mod argument;
mod call;
mod field;
mod range;

use std::sync::{Arc, LazyLock};

use crate::node::{Branch, Id, NodeKind, Pipe, Source};
use crate::parse::deeper;
use crate::template::Set;
use crate::{Budget, Failure, Functions, Str, Template, Value, format, quote};

pub use call::Call;
use field::Given;
pub(crate) use field::zero_element;

/// The variable that holds what a template was called with.
static ROOT: LazyLock<Str> = LazyLock::new(|| Str::from("$"));

/// What a missing map key gives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissingKey {
    /// Nothing at all, printed as `<no value>`.
    #[default]
    Invalid,
    /// The zero value of the map's element type.
    Zero,
    /// An error.
    Error,
}

/// All that the templates of one rendering share.
pub struct Session<'a> {
    /// The functions.
    pub functions: &'a Functions,
    /// What it may cost.
    pub budget: &'a Budget<'a>,
    /// What a missing key gives.
    pub missing_key: MissingKey,
}

impl Session<'_> {
    /// Executes the template of a name in a set, with `dot` as its data.
    ///
    /// # Errors
    /// There is no such template, or the [`Failure`] that ended the execution.
    pub fn execute(&self, set: &Arc<Set>, name: &[u8], dot: &Value) -> Result<Str, Failure> {
        let Some(template) = set.get(name) else {
            let (name, set) = (quote::quoted(name), quote::quoted(set.name()));
            return Err(Failure::new(format!(
                "template: no template {name} associated with template {set}"
            )));
        };
        self.execute_template(set, template, dot)
    }

    /// Executes a template that need not be in the set.
    ///
    /// # Errors
    /// As [`Self::execute`].
    pub fn execute_template(
        &self,
        set: &Arc<Set>,
        template: &Template,
        dot: &Value,
    ) -> Result<Str, Failure> {
        if !self.budget.enter() {
            return Err(self.too_deep());
        }
        let mut out = Vec::new();
        let dot = Val::known(dot.clone());
        let outcome = deeper(|| {
            let mut state = State {
                session: self,
                set,
                template,
                source: template.source(),
                node: None,
                variables: vec![(ROOT.clone(), dot.clone())],
                depth: 0,
                out: &mut out,
            };
            state.walk(&dot, template.root())
        });
        self.budget.leave();
        outcome?;
        Ok(Str::from(out))
    }

    fn too_deep(&self) -> Failure {
        let depth = self.budget.limits().depth;
        Failure::budget(format!("templates are nested deeper than {depth}"))
    }
}

/// A value in the hands of the executor: also whether Go would hold it in an interface, which shows in messages
/// and in what a nil means.
#[derive(Clone, Debug)]
pub(crate) struct Val {
    pub(crate) value: Value,
    pub(crate) interface: bool,
}

impl Val {
    /// Nothing: Go's zero `reflect.Value`.
    pub(crate) const INVALID: Self = Self {
        value: Value::Nil,
        interface: false,
    };

    /// A value of its own type.
    pub(crate) fn known(value: Value) -> Self {
        let interface = false;
        Self { value, interface }
    }

    pub(crate) fn is_valid(&self) -> bool {
        self.interface || !matches!(self.value, Value::Nil)
    }

    /// Whether it is an interface that holds nothing.
    pub(crate) fn is_nil_interface(&self) -> bool {
        self.interface && matches!(self.value, Value::Nil)
    }

    /// The name of the static type.
    pub(crate) fn type_name(&self) -> String {
        if self.interface {
            return String::from("interface {}");
        }
        self.value.type_name()
    }
}

/// How a node left off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    Next,
    Break,
    Continue,
}

type Outcome<T> = Result<T, Failure>;

/// One template that is being executed.
struct State<'s> {
    session: &'s Session<'s>,
    set: &'s Arc<Set>,
    template: &'s Template,
    source: &'s Arc<Source>,
    /// The node that an error would be at.
    node: Option<Id>,
    variables: Vec<(Str, Val)>,
    /// Templates called by `{{template}}` above this one.
    depth: usize,
    out: &'s mut Vec<u8>,
}

impl<'s> State<'s> {
    fn at(&mut self, node: Id) {
        self.node = Some(node);
    }

    fn error<T>(&self, message: impl std::fmt::Display) -> Outcome<T> {
        Err(self.failure(message, None))
    }

    fn failure(&self, message: impl std::fmt::Display, cause: Option<Failure>) -> Failure {
        let name = self.template.name();
        let text = match self.node {
            None => format!("template: {name}: {message}"),
            Some(node) => {
                let location = self.source.location(node);
                let context = self.source.print(node, 1 << 20);
                let context = crate::unicode::lossy(&context);
                let name = quote::quoted(name);
                format!("template: {location}: executing {name} at <{context}>: {message}")
            }
        };
        Failure::execution(text, cause)
    }

    fn kind(&self, id: Id) -> &'s NodeKind {
        let source: &'s Source = self.source;
        source.kind(id)
    }

    fn set_variable(&mut self, name: &Str, value: Val) -> Outcome<()> {
        let found = self.variables.iter_mut().rev().find(|(it, _)| it == name);
        match found {
            Some((_, old)) => *old = value,
            None => return self.error(format_args!("undefined variable: {name}")),
        }
        Ok(())
    }

    fn variable(&self, name: &Str) -> Outcome<Val> {
        match self.variables.iter().rev().find(|(it, _)| it == name) {
            Some((_, value)) => Ok(value.clone()),
            None => self.error(format_args!("undefined variable: {name}")),
        }
    }

    fn walk(&mut self, dot: &Val, node: Id) -> Outcome<Flow> {
        self.session.budget.steps(1)?;
        self.at(node);
        match self.kind(node) {
            NodeKind::Text { end } => {
                let text = self.source.nodes[node as usize].text(&self.source.text, *end);
                self.session.budget.bytes(text.len())?;
                self.out.extend_from_slice(text);
            }
            NodeKind::Action(pipe) => {
                let value = self.pipeline(dot, *pipe)?;
                if let NodeKind::Pipe(pipe) = self.kind(*pipe)
                    && pipe.declares.is_empty()
                {
                    self.print(node, &value)?;
                }
            }
            NodeKind::List(nodes) => {
                for node in nodes {
                    let flow = self.walk(dot, *node)?;
                    if flow != Flow::Next {
                        return Ok(flow);
                    }
                }
            }
            NodeKind::Branch {
                how,
                pipe,
                list,
                otherwise,
            } => {
                let (pipe, list, otherwise) = (*pipe, *list, *otherwise);
                let mark = self.variables.len();
                let flow = deeper(|| match how {
                    Branch::Range => self.range(dot, pipe, list, otherwise),
                    _ => self.if_or_with(dot, *how == Branch::With, pipe, (list, otherwise)),
                });
                self.variables.truncate(mark);
                return flow;
            }
            NodeKind::Template { name, pipe } => self.template(dot, name, *pipe)?,
            NodeKind::Break => return Ok(Flow::Break),
            NodeKind::Continue => return Ok(Flow::Continue),
            _ => {
                let node = self.source.print(node, 1 << 10);
                let node = crate::unicode::lossy(&node);
                return self.error(format_args!("unknown node: {node}"));
            }
        }
        Ok(Flow::Next)
    }

    fn if_or_with(
        &mut self,
        dot: &Val,
        with: bool,
        pipe: Id,
        (list, otherwise): (Id, Option<Id>),
    ) -> Outcome<Flow> {
        let value = self.pipeline(dot, pipe)?;
        if value.value.truth() {
            return self.walk(if with { &value } else { dot }, list);
        }
        match otherwise {
            Some(otherwise) => self.walk(dot, otherwise),
            None => Ok(Flow::Next),
        }
    }

    fn template(&mut self, dot: &Val, name: &Str, pipe: Option<Id>) -> Outcome<()> {
        let set = self.set;
        let Some(template) = set.get(name) else {
            let name = quote::quoted(name);
            return self.error(format_args!("template {name} not defined"));
        };
        if !self.session.budget.enter() {
            // Go's own bound is the same text; ours comes earlier.
            return self.error("exceeded maximum template depth (100000)");
        }
        let dot = match pipe {
            Some(pipe) => self.pipeline(dot, pipe),
            None => Ok(Val::INVALID),
        };
        let outcome = dot.and_then(|dot| {
            let mut inner = State {
                session: self.session,
                set,
                template,
                source: template.source(),
                node: self.node,
                variables: vec![(ROOT.clone(), dot.clone())],
                depth: self.depth + 1,
                out: self.out,
            };
            deeper(|| inner.walk(&dot, template.root()))
        });
        self.session.budget.leave();
        outcome.map(drop)
    }

    /// The value of a pipeline; what it declares is pushed, and stays until the caller takes it off.
    fn pipeline(&mut self, dot: &Val, node: Id) -> Outcome<Val> {
        self.at(node);
        let NodeKind::Pipe(pipe) = self.kind(node) else {
            return Ok(Val::INVALID);
        };
        let mut value: Option<Val> = None;
        for command in &pipe.commands {
            let mut result = self.command(dot, *command, value)?;
            result.interface = false;
            value = Some(result);
        }
        let value = value.unwrap_or(Val::INVALID);
        self.declare(pipe, &value)?;
        Ok(value)
    }

    fn declare(&mut self, pipe: &Pipe, value: &Val) -> Outcome<()> {
        for name in &pipe.declares {
            if pipe.assigns {
                self.set_variable(name, value.clone())?;
            } else {
                self.variables.push((name.clone(), value.clone()));
            }
        }
        Ok(())
    }

    fn command(&mut self, dot: &Val, node: Id, last: Option<Val>) -> Outcome<Val> {
        self.session.budget.steps(1)?;
        let NodeKind::Command(arguments) = self.kind(node) else {
            return Ok(Val::INVALID);
        };
        let first = arguments[0];
        match self.kind(first) {
            NodeKind::Field(names) => {
                self.at(first);
                let given = Given {
                    dot,
                    arguments,
                    last,
                };
                return self.fields(dot.clone(), first, names, given);
            }
            NodeKind::Chain(..) => return self.chain(dot, first, arguments, last),
            NodeKind::Identifier(name) => {
                self.at(first);
                return self.function(
                    name,
                    node,
                    Given {
                        dot,
                        arguments,
                        last,
                    },
                );
            }
            NodeKind::Pipe(_) => {
                self.not_a_function(arguments, last.is_some())?;
                return deeper(|| self.pipeline(dot, first));
            }
            NodeKind::Variable(_) => return self.variable_node(dot, first, arguments, last),
            _ => {}
        }
        self.at(first);
        self.not_a_function(arguments, last.is_some())?;
        match self.kind(first) {
            NodeKind::Bool(value) => Ok(Val::known(Value::Bool(*value))),
            NodeKind::Dot => Ok(dot.clone()),
            NodeKind::Nil => self.error("nil is not a command"),
            NodeKind::Number(..) => self.ideal_constant(first),
            NodeKind::String(text, _) => Ok(Val::known(Value::clone(text))),
            _ => {
                let node = quote::quoted(&self.source.print(first, 1 << 10));
                self.error(format_args!("can't evaluate command {node}"))
            }
        }
    }

    fn not_a_function(&self, arguments: &[Id], piped: bool) -> Outcome<()> {
        if arguments.len() > 1 || piped {
            let node = self.source.print(arguments[0], 1 << 20);
            let node = crate::unicode::lossy(&node);
            return self.error(format_args!("can't give argument to non-function {node}"));
        }
        Ok(())
    }

    fn print(&mut self, node: Id, value: &Val) -> Outcome<()> {
        self.at(node);
        match &value.value {
            Value::Nil => {
                self.session.budget.bytes(10)?;
                self.out.extend_from_slice(b"<no value>");
                Ok(())
            }
            Value::Func(_) => {
                let node = self.source.print(node, 1 << 20);
                let node = crate::unicode::lossy(&node);
                let name = value.type_name();
                self.error(format_args!("can't print {node} of type {name}"))
            }
            other => {
                let by_address = match other {
                    Value::Object(object) => object.text_by_address(),
                    _ => None,
                };
                let text = by_address.map(Value::Str);
                let printed = text.as_ref().unwrap_or(other);
                format::append(printed, self.out, self.session.budget)
            }
        }
    }
}
