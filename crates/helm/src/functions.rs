//! All that templates may call besides Go's builtins: a family of functions per file.
//!
//! A family gives its functions as [`Row`]s of a table, or adds closures where they hold a part of the [`Env`].
//!
//! Source: Helm 4.2.4 `pkg/engine/funcs.go`, sprig v3.3.0 `functions.go`

mod cast;
mod crypto;
mod dates;
mod defaults;
mod dicts;
mod encoding;
mod flow;
mod given;
mod include;
pub(crate) mod json;
mod lists;
mod math;
mod paths;
mod regex;
mod semver;
mod strings;
mod toml;
mod types;
mod url;
mod yaml;

pub(crate) use regex::compile as compile_regex;

use std::sync::Arc;

use go_template::{Call, Closure, Failure, Functions, Signature, Value};

use crate::Env;

/// About as many as there are.
const COUNT: usize = 240;

/// All functions.
pub fn all(env: &Env) -> Functions {
    let mut functions = Functions::with_capacity(COUNT);
    for register in FAMILIES {
        register(&mut functions, env);
    }
    functions
}

/// Those that Helm adds to sprig's, which other templates of Helm do not have.
const HELMS: &[&str] = &[
    "fromJsonArray",
    "fromToml",
    "fromYaml",
    "fromYamlArray",
    "include",
    "lookup",
    "mustFromToml",
    "mustToToml",
    "mustToYaml",
    "required",
    "toToml",
    "toYaml",
    "toYamlPretty",
    "tpl",
];

/// Sprig's functions alone.
pub(crate) fn sprig(env: &Env) -> Functions {
    let all = all(env);
    let mut functions = Functions::new();
    for name in all.names().filter(|it| !HELMS.contains(it)) {
        if let Some(function) = all.get(name) {
            functions.insert(name, Arc::clone(function));
        }
    }
    flow::register_plain(&mut functions);
    functions
}

/// Says whether a text is a duration as Go reads it.
///
/// # Errors
/// Go's text.
pub fn check_duration(text: &str) -> Result<(), String> {
    dates::check_duration(text.as_bytes())
}

/// The families. A later one replaces what an earlier one gave under the same name.
const FAMILIES: &[fn(&mut Functions, &Env)] = &[
    crypto::register,
    dates::register,
    |functions, _| defaults::register(functions),
    |functions, _| dicts::register(functions),
    |functions, _| encoding::register(functions),
    |functions, _| flow::register(functions),
    include::register,
    |functions, _| json::register(functions),
    |functions, _| lists::register(functions),
    |functions, _| math::register(functions),
    |functions, _| paths::register(functions),
    |functions, _| regex::register(functions),
    |functions, _| semver::register(functions),
    strings::register,
    |functions, _| toml::register(functions),
    |functions, _| types::register(functions),
    url::register,
    |functions, _| yaml::register(functions),
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
