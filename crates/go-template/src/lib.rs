//! Go's text/template: parsed once, executed within budgets, errors as Go words them.
//!
//! ```
//! use std::sync::Arc;
//! use go_template::{Budget, Functions, Limits, MissingKey, Session, Set, Template, Value};
//!
//! let functions = Functions::new();
//! let mut set = Set::new("page");
//! set.add(Template::parse("page", &"{{range .}}<{{.}}>{{end}}".into(), &functions).unwrap());
//! let budget = Budget::untimed(Limits::default());
//! let session = Session { functions: &functions, budget: &budget, missing_key: MissingKey::Zero };
//! let out = session.execute(&Arc::new(set), b"page", &Value::strings(["a", "b"])).unwrap();
//! assert_eq!(out.lossy(), "<a><b>");
//! ```
//!
//! # Texts
//! [`Template::parse`] gives immutable templates that share one flat list of nodes: parse a chart once, keep the
//! result, execute it from any number of threads. A [`Set`] holds templates by name and may lie over another set
//! ([`Set::over`]), which is how `tpl` adds definitions that only its own text sees.
//!
//! # Values
//! [`Value`] is what Go's `interface{}` holds: a kind and a content. It is made so that chart values, templates
//! and YAML share one tree without copying:
//!
//! - Copying a value copies a reference. Strings ([`Str`]) are immutable bytes, not always UTF-8.
//! - [`Map`]s are references with Go's aliasing: `set` or `merge` through one copy shows in all others. Keys are
//!   sorted, so `range` and printing need no sorting. A field is looked up without allocation.
//! - [`List`]s are immutable, because no template and no function of sprig can change an element of a slice.
//! - Each [`Map`] and [`List`] carries its Go type ([`Type`]): `[]string` is not `[]interface {}` in an error
//!   text, in `%T`, in `toYaml` of a nil one. The type belongs to the reference, not to the entries: Go's
//!   conversion of a `common.Values` to a `map[string]interface {}` keeps the entries and drops the name.
//! - Structs, and whatever else has fields or methods, are [`Object`]s. A [`Named`] type gives methods to maps and
//!   slices (`.Values.AsMap`, `.Capabilities.APIVersions.Has`).
//! - Numbers of YAML and JSON are [`Value::Float`]; integer literals and most results are `int` or `int64`. The
//!   difference is visible in `eq`, in printing, and in what a function takes.
//!
//! # Functions
//! A [`Function`] tells its [`Signature`]; the executor checks the count of arguments and converts them with Go's
//! rules and texts, so the body may rely on the types of its parameters. A function may hold state, and through
//! [`Call`] it reaches the budget and can execute other templates, which is all that `include` and `tpl` need.
//! An error is a [`Failure`]; [`Failure::wrap`] is Go's `%w`. Put into maps with [`Call::insert`], never directly:
//! it frees maps that were put into themselves when the rendering is over.
//!
//! # Bounds
//! A [`Budget`] counts steps, bytes and depth, and asks the caller's clock. Functions charge for what they make.
//! Parsing, executing, printing and dropping take their stack from the heap or use none, whatever the nesting.
//!
//! Not here: `range` over Go's iterator functions and channels, which no chart can have.
//!
//! Source: Go 1.26 `text/template`, `fmt`

mod budget;
mod builtin;
mod execute;
mod failure;
pub mod format;
mod function;
mod lex;
mod node;
mod number;
mod parse;
pub mod quote;
mod template;
mod text;
mod types;
pub mod unicode;
mod value;

pub use budget::{Budget, Deadline, Limits};
pub use execute::{Call, MissingKey, Session};
pub use failure::{Failure, Origin};
pub use function::{Closure, Field, Function, Functions, Object, Signature};
pub use number::{parse_float, parse_int, parse_uint};
pub use parse::ParseError;
pub use template::{Set, Template};
pub use text::Str;
pub use types::{IntKind, Methods, Named, Type, UintKind};
pub use value::{List, Map, Pairs, Value};

#[cfg(test)]
mod tests;
