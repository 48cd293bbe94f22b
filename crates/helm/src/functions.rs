//! All that templates may call besides Go's builtins: a family of functions per file.
//!
//! A family gives its functions as [`Row`]s of a table, or adds closures where they hold a part of the [`Env`].
//!
//! Source: Helm 4.2.4 `pkg/engine/funcs.go`, sprig v3.3.0 `functions.go`

mod cast;
mod defaults;
mod dicts;
mod flow;
mod given;
mod include;
mod lists;
mod math;
mod strings;
mod types;

use go_template::{Call, Closure, Failure, Functions, Signature, Value};

use crate::Env;

/// All functions.
pub fn all(env: &Env) -> Functions {
    let mut functions = Functions::new();
    for register in FAMILIES {
        register(&mut functions, env);
    }
    functions
}

/// The families. A later one replaces what an earlier one gave under the same name.
const FAMILIES: &[fn(&mut Functions, &Env)] = &[
    |functions, _| defaults::register(functions),
    |functions, _| dicts::register(functions),
    |functions, _| flow::register(functions),
    include::register,
    |functions, _| lists::register(functions),
    |functions, _| math::register(functions),
    strings::register,
    |functions, _| types::register(functions),
];

/// A function without state: its names, its type, its body.
type Row = (&'static str, Signature, Body);
type Body = fn(&mut Call<'_>, &[Value]) -> Result<Value, Failure>;

/// Adds a table; names of the same function are parted by spaces.
fn add(functions: &mut Functions, rows: &[Row]) {
    for (names, signature, body) in rows {
        for name in names.split(' ') {
            functions.insert(name, Closure::shared(*signature, *body));
        }
    }
}
