//! A value held against a compiled schema.
//!
//! Where upstream looks at properties in no order, they are looked at by name here.

mod applied;
mod array;
mod object;
mod scalar;

use std::cell::Cell;
use std::collections::BTreeSet;

use go_template::Value;
use serde_json::Value as Json;

use super::draft::Draft;
use super::node::{Id, Node};
use super::number::Number;
use super::problem::{Kind, Problem, shown};
use crate::values::deeper;

/// Steps that one value may take: schemas can be made to try more combinations than there is time for.
const MOST_STEPS: usize = 1_000_000;
/// Schemas inside of one another, references included.
const MAX_DEPTH: usize = 2_000;

/// Holds a value against a schema. What is wrong, if something is.
///
/// # Errors
/// The bounds are crossed.
pub(super) fn run(schemas: &[Node], id: Id, value: &Value) -> Result<Option<Problem>, String> {
    let run = Run {
        schemas,
        steps: Cell::new(0),
    };
    run.whole(id, value, 0)
}

/// Why a check ended without a result.
pub(super) enum Stop {
    /// The value is not valid.
    Invalid(Problem),
    /// There are no steps left.
    Over(String),
}

/// What a schema has not looked at.
#[derive(Clone, Debug, Default)]
pub(super) struct Unseen {
    pub(super) properties: BTreeSet<String>,
    pub(super) items: BTreeSet<usize>,
}

impl Unseen {
    fn is_empty(&self) -> bool {
        self.properties.is_empty() && self.items.is_empty()
    }

    /// Keeps what the other has not looked at either.
    fn keep(&mut self, other: &Self) {
        self.properties.retain(|it| other.properties.contains(it));
        self.items.retain(|it| other.items.contains(it));
    }
}

/// The schemas on the way here.
#[derive(Clone, Copy)]
struct Scope<'p> {
    id: Id,
    /// The keyword of a reference that led here.
    keyword: &'static str,
    /// Tells values apart.
    value: usize,
    /// Where in the value above this one is, if it is another.
    token: Option<&'p str>,
    depth: usize,
    parent: Option<&'p Self>,
}

impl Scope<'_> {
    /// Where in the whole value this one is.
    fn place(&self) -> Vec<String> {
        let scopes = std::iter::successors(Some(self), |it| it.parent);
        let tokens = scopes.filter_map(|it| it.token);
        let mut place: Vec<String> = tokens.map(str::to_owned).collect();
        place.reverse();
        place
    }
}

struct Run<'s> {
    schemas: &'s [Node],
    steps: Cell<usize>,
}

/// One schema and one value.
pub(super) struct Check<'r> {
    run: &'r Run<'r>,
    node: &'r Node,
    value: &'r Value,
    scope: Scope<'r>,
    /// Only whether it is valid matters.
    quick: bool,
    unseen: Unseen,
    problems: Vec<Problem>,
}

/// The name of a value's type.
fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Bool(_) => "boolean",
        Value::Int(..) | Value::Uint(..) | Value::Float(_) => "number",
        Value::Str(_) => "string",
        Value::List(list) if !list.is_nil() => "array",
        Value::Map(map) if !map.is_nil() => "object",
        _ => "null",
    }
}

/// The number that a value is.
#[expect(clippy::cast_precision_loss, reason = "exact below 2^53")]
fn number_of(value: &Value) -> Option<Number> {
    Some(match value {
        Value::Int(_, value) => {
            Number::of_text(&value.to_string()).unwrap_or_else(|| Number::of_float(*value as f64))
        }
        Value::Uint(_, value) => {
            Number::of_text(&value.to_string()).unwrap_or_else(|| Number::of_float(*value as f64))
        }
        Value::Float(value) => Number::of_float(*value),
        _ => return None,
    })
}

/// Whether a value is what a schema says.
fn equals(value: &Value, json: &Json) -> bool {
    match (value, json) {
        (Value::Bool(a), Json::Bool(b)) => a == b,
        (Value::Str(a), Json::String(b)) => *a == **b,
        (Value::List(list), Json::Array(items)) => {
            list.len() == items.len()
                && list
                    .iter()
                    .zip(items)
                    .all(|(a, b)| deeper(|| equals(&a, b)))
        }
        (Value::Map(map), Json::Object(object)) => {
            map.len() == object.len()
                && map.entries().iter().all(|(key, value)| {
                    let other = object.get(&*key.lossy());
                    other.is_some_and(|other| deeper(|| equals(value, other)))
                })
        }
        (value, Json::Number(number)) => {
            let other = Number::of_text(&number.to_string());
            number_of(value)
                .zip(other)
                .is_some_and(|(a, b)| a.compare(b).is_eq())
        }
        (value, Json::Null) => value.is_nil(),
        _ => false,
    }
}

impl Run<'_> {
    /// Holds a value against a schema for itself: what is around it does not matter.
    fn whole(&self, id: Id, value: &Value, depth: usize) -> Result<Option<Problem>, String> {
        let scope = Scope {
            id,
            keyword: "",
            value: 0,
            token: None,
            depth,
            parent: None,
        };
        match self.check(value, scope, (false, false)) {
            Ok(_) => Ok(None),
            Err(Stop::Over(text)) => Err(text),
            Err(Stop::Invalid(problem)) => {
                let causes = match problem.kind {
                    Kind::Group => problem.causes,
                    _ => vec![problem],
                };
                Ok(Some(Problem {
                    place: Vec::new(),
                    kind: Kind::Schema(self.schemas[id].location.clone()),
                    causes,
                }))
            }
        }
    }

    /// One schema and one value; `quick` if only validity matters, `asked` if the caller wants to know what was
    /// not looked at.
    fn check(
        &self,
        value: &Value,
        scope: Scope<'_>,
        (quick, asked): (bool, bool),
    ) -> Result<Unseen, Stop> {
        self.steps.set(self.steps.get() + 1);
        if self.steps.get() > MOST_STEPS {
            let text =
                format!("values need more than {MOST_STEPS} steps to be held against the schema\n");
            return Err(Stop::Over(text));
        }
        if scope.depth > MAX_DEPTH {
            return Err(Stop::Over(String::from("schema is nested too deep\n")));
        }
        let node = &self.schemas[scope.id];
        let check = Check {
            run: self,
            node,
            value,
            scope,
            quick,
            unseen: unseen(node, value, asked),
            problems: Vec::new(),
        };
        deeper(|| check.run())
    }
}

/// What a schema starts with.
fn unseen(node: &Node, value: &Value, asked: bool) -> Unseen {
    let mut unseen = Unseen::default();
    match value {
        Value::Map(map) => {
            let wanted = asked || node.unevaluated_properties.is_some();
            if wanted && !node.evaluates_properties() {
                let keys = map.keys().into_iter();
                unseen.properties = keys.map(|key| key.lossy().into_owned()).collect();
            }
        }
        Value::List(list) => {
            let (all, first) = node.evaluates_items();
            if !all && (asked || node.unevaluated_items.is_some()) {
                unseen.items = (first..list.len()).collect();
            }
        }
        _ => {}
    }
    unseen
}

impl<'r> Check<'r> {
    fn run(mut self) -> Result<Unseen, Stop> {
        match self.node.always {
            Some(true) => return Ok(self.unseen),
            Some(false) => return Err(self.invalid(Kind::Text("false schema"))),
            None => {}
        }
        if let Some(other) = self.cycle() {
            let (url, here) = (&self.node.location, self.keywords(&self.scope));
            let there = self.keywords(other);
            let url = go_template::quote::quoted(url.as_bytes());
            let text = format!("both {here} and {there} resolve to {url} causing reference cycle");
            return Err(self.invalid(Kind::Other(text)));
        }
        if let Some(kind) = self.mismatch() {
            return Err(self.invalid(kind));
        }
        if let Some(id) = self.node.reference {
            let valid = self.reference(id, "$ref")?;
            if self.node.draft < Draft::D2019 {
                return match (valid, self.problems.pop()) {
                    (false, Some(problem)) => Err(Stop::Invalid(problem)),
                    _ => Ok(self.unseen),
                };
            }
        }
        match self.value {
            Value::Map(map) => self.object(map)?,
            Value::List(list) => self.array(list)?,
            Value::Str(text) => self.string(text),
            _ => self.number(),
        }
        if self.problems.is_empty() || !self.quick {
            if self.node.draft >= Draft::D2019 {
                self.references()?;
            }
            self.conditions()?;
            if self.node.draft >= Draft::D2019 {
                self.unevaluated()?;
            }
        }
        match self.problems.len() {
            0 => Ok(self.unseen),
            1 => match self.problems.pop() {
                Some(problem) => Err(Stop::Invalid(problem)),
                None => Ok(self.unseen),
            },
            _ => {
                let causes = std::mem::take(&mut self.problems);
                let mut problem = self.problem(Kind::Group);
                problem.causes = causes;
                Err(Stop::Invalid(problem))
            }
        }
    }

    /// What decides before anything else: type, constant, choices, format.
    fn mismatch(&self) -> Option<Kind> {
        let node = self.node;
        let got = type_of(self.value);
        let whole = || number_of(self.value).is_some_and(Number::is_integer);
        let fits = node.types.is_empty()
            || node.types.contains(&got)
            || node.types.contains(&"integer") && whole();
        if !fits {
            let want = node.types.join(" or ");
            return Some(Kind::Other(format!("got {got}, want {want}")));
        }
        if let Some(constant) = &node.constant
            && !equals(self.value, constant)
        {
            return Some(match constant {
                Json::Array(_) | Json::Object(_) => Kind::Text("'const' failed"),
                other => Kind::Other(format!("value must be {}", shown(other))),
            });
        }
        if let Some(choices) = &node.choices
            && !choices.iter().any(|it| equals(self.value, it))
        {
            let nested = choices.iter().any(|it| it.is_array() || it.is_object());
            let texts: Vec<String> = choices.iter().map(shown).collect();
            return Some(match texts.as_slice() {
                _ if nested => Kind::Text("'enum' failed"),
                [one] => Kind::Other(format!("value must be {one}")),
                many => Kind::Other(format!("value must be one of {}", many.join(", "))),
            });
        }
        let format = node.format?;
        let text = self.value.as_str()?.lossy().into_owned();
        let error = format.check(&text).err()?;
        let name = format.name();
        let got = super::problem::single(&text);
        Some(Kind::Other(format!("{got} is not valid {name}: {error}")))
    }

    fn problem(&self, kind: Kind) -> Problem {
        Problem {
            place: match self.quick {
                true => Vec::new(),
                false => self.scope.place(),
            },
            kind,
            causes: Vec::new(),
        }
    }

    fn invalid(&self, kind: Kind) -> Stop {
        Stop::Invalid(self.problem(kind))
    }

    fn add(&mut self, kind: Kind) {
        let problem = self.problem(kind);
        self.problems.push(problem);
    }

    fn add_with(&mut self, causes: Vec<Problem>, kind: Kind) {
        let mut problem = self.problem(kind);
        problem.causes = causes;
        self.problems.push(problem);
    }

    /// Whether the problems so far are all that matters.
    fn is_decided(&self) -> bool {
        self.quick && !self.problems.is_empty()
    }

    /// Holds the same value against another schema.
    fn same(
        &mut self,
        id: Id,
        keyword: &'static str,
        quick: bool,
    ) -> Result<Option<Problem>, Stop> {
        let scope = Scope {
            id,
            keyword,
            value: self.scope.value,
            token: None,
            depth: self.scope.depth + 1,
            parent: Some(&self.scope),
        };
        let asked = !self.unseen.is_empty();
        let found = self
            .run
            .check(self.value, scope, (self.quick || quick, asked));
        match found {
            Ok(unseen) => {
                self.unseen.keep(&unseen);
                Ok(None)
            }
            Err(Stop::Invalid(problem)) => Ok(Some(problem)),
            Err(over) => Err(over),
        }
    }

    /// Holds a part of the value against a schema.
    fn part(&self, id: Id, value: &Value, token: &str) -> Result<Option<Problem>, Stop> {
        let scope = Scope {
            id,
            keyword: "",
            value: self.scope.value + 1,
            token: Some(token),
            depth: self.scope.depth + 1,
            parent: Some(&self.scope),
        };
        match self.run.check(value, scope, (self.quick, false)) {
            Ok(_) => Ok(None),
            Err(Stop::Invalid(problem)) => Ok(Some(problem)),
            Err(over) => Err(over),
        }
    }

    /// Follows a reference; whether what it leads to is met.
    fn reference(&mut self, id: Id, keyword: &'static str) -> Result<bool, Stop> {
        let Some(problem) = self.same(id, keyword, false)? else {
            return Ok(true);
        };
        let causes = match problem.kind {
            Kind::Group => problem.causes,
            _ => vec![problem],
        };
        self.add_with(causes, Kind::Reference);
        Ok(false)
    }

    /// The same schema for the same value, further up.
    fn cycle(&self) -> Option<&'r Scope<'r>> {
        let mut scope = self.scope.parent;
        while let Some(found) = scope.filter(|it| it.value == self.scope.value) {
            if found.id == self.scope.id {
                return Some(found);
            }
            scope = found.parent;
        }
        None
    }

    /// The keywords on the way to a scope.
    fn keywords(&self, scope: &Scope<'_>) -> String {
        let mut parts = Vec::new();
        let mut scope = Some(scope);
        while let Some(found) = scope {
            let Some(parent) = found.parent else {
                break;
            };
            if found.keyword.is_empty() {
                let here = &self.run.schemas[found.id].location;
                let above = &self.run.schemas[parent.id].location;
                parts.push(here.get(above.len()..).unwrap_or_default().to_owned());
            } else {
                parts.push(format!("/{}", found.keyword));
            }
            scope = Some(parent);
        }
        parts.reverse();
        parts.concat()
    }
}
