//! Runs recorded template rows with the builtins, `include` and Helm's error texts, and counts what comes out as
//! recorded: per file, and for functions that are not there yet by their names.
//!
//! `cargo run -p go-template --example template_rows -- DIR [--filter TEXT] [--verbose]`, where DIR holds `*.jsonl`.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a test program reads files and prints what it counts"
)]

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};

use go_template::{
    Budget, Failure, Functions, Limits, Methods, MissingKey, Named, Origin, Session, Set,
    Signature, Str, Template, Type, Value,
};
use serde_json::Value as Json;

static VALUES: Type = Type::Named(&Named {
    name: "common.Values",
    under: Type::MAP,
    methods: Methods::NONE,
});

const FILE: &str = "chart/templates/t.yaml";

fn main() -> ExitCode {
    let mut folder = PathBuf::new();
    let (mut filter, mut verbose) = (None, false);
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--filter" => filter = args.next(),
            "--verbose" => verbose = true,
            _ => folder = arg.into(),
        }
    }
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .map(|it| it.filter_map(|it| Some(it.ok()?.path())).collect())
        .unwrap_or_default();
    files.sort();
    let mut total = Tally::default();
    for file in &files {
        let name = file.file_stem().unwrap_or_default().to_string_lossy();
        if filter
            .as_ref()
            .is_some_and(|it| !name.contains(it.as_str()))
        {
            continue;
        }
        let tally = Tally::of(&std::fs::read_to_string(file).unwrap_or_default(), verbose);
        println!("{name}: {tally}");
        total.add(tally);
    }
    println!("all: {total}");
    let mut missing: Vec<_> = total.missing.iter().collect();
    missing.sort_by_key(|it| std::cmp::Reverse(it.1));
    for (name, rows) in missing {
        println!("  missing {name}: {rows}");
    }
    ExitCode::from(u8::from(total.equal < total.rows))
}

#[derive(Default)]
struct Tally {
    rows: usize,
    equal: usize,
    /// Rows that need a function which is not there, by its name.
    missing: BTreeMap<String, usize>,
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let missing: usize = self.missing.values().sum();
        let differ = self.rows - self.equal - missing;
        let (equal, rows) = (self.equal, self.rows);
        write!(
            f,
            "{equal} of {rows}; {missing} need missing functions, {differ} differ"
        )
    }
}

impl Tally {
    fn of(text: &str, verbose: bool) -> Self {
        let mut tally = Self::default();
        for line in text.lines() {
            let Ok(row) = serde_json::from_str::<Json>(line) else {
                continue;
            };
            tally.rows += 1;
            let got = render(&row);
            let wanted = match (&row["expected"], &row["error"]) {
                (Json::String(text), _) => Ok(text.clone()),
                (_, error) => Err(error.as_str().unwrap_or_default().to_owned()),
            };
            if got == wanted {
                tally.equal += 1;
                continue;
            }
            let name = got.as_ref().err().and_then(|it| missing(it));
            if let Some(name) = name {
                *tally.missing.entry(name.to_owned()).or_default() += 1;
            } else if verbose {
                println!("{}\n  wanted {wanted:?}\n  got    {got:?}", row["template"]);
            }
        }
        tally
    }

    fn add(&mut self, other: Self) {
        self.rows += other.rows;
        self.equal += other.equal;
        for (name, rows) in other.missing {
            *self.missing.entry(name).or_default() += rows;
        }
    }
}

fn missing(error: &str) -> Option<&str> {
    let (_, rest) = error.split_once("function \"")?;
    rest.strip_suffix("\" not defined")
}

fn value(json: &Json) -> Value {
    match json {
        Json::Null => Value::Nil,
        Json::Bool(it) => Value::Bool(*it),
        Json::Number(it) => Value::Float(it.as_f64().unwrap_or_default()),
        Json::String(it) => Value::str(it.as_str()),
        Json::Array(items) => Value::list(items.iter().map(value).collect()),
        Json::Object(map) => Value::map(map.iter().map(|(key, it)| (key.as_str(), value(it)))),
    }
}

fn named(value: Value) -> Value {
    match value {
        Value::Map(map) => Value::Map(map.retyped(&VALUES)),
        other => other,
    }
}

fn functions() -> Functions {
    let mut functions = Functions::new();
    let names: Mutex<HashMap<Str, usize>> = Mutex::default();
    let signature = Signature::new(&[Type::String, Type::Any], &Type::String);
    functions.add("include", signature, move |call, args| {
        let name = args[0].as_str().cloned().unwrap_or_default();
        let count = |by: isize| {
            let mut names = names.lock().expect("no row panics");
            let count = names.entry(name.clone()).or_default();
            let before = *count;
            *count = count.saturating_add_signed(by);
            before
        };
        if count(1) > 1000 {
            count(-1);
            return Err(Failure::new(format!(
                "rendering template has a nested reference name: {name}: unable to execute template"
            )));
        }
        let result = call.execute(call.set(), &name, &args[1]);
        count(-1);
        result.map(Value::Str)
    });
    // Helm's own `slice` is not the builtin; it is not there yet.
    let signature = Signature::variadic(&[Type::Any, Type::Any], &Type::Any);
    functions.add("slice", signature, |_, _| {
        Err(Failure::new("function \"slice\" not defined"))
    });
    functions
}

fn render(row: &Json) -> Result<String, String> {
    let functions = functions();
    let mut set = Set::new("gotpl");
    let mut texts: BTreeMap<String, String> = BTreeMap::new();
    for (path, text) in row["templates"].as_object().into_iter().flatten() {
        texts.insert(
            format!("chart/{path}"),
            text.as_str().unwrap_or_default().into(),
        );
    }
    texts.insert(
        FILE.into(),
        row["template"].as_str().unwrap_or_default().into(),
    );
    for (name, text) in texts.iter().rev() {
        let parsed = Template::parse(name, &text.as_str().into(), &functions);
        set.add(parsed.map_err(|it| parse_error(&it.to_string()))?);
    }
    let values = match &row["values"] {
        Json::Null => Value::map::<Str>([]),
        json => value(json),
    };
    let release = [("Name", "rel"), ("Namespace", "ns"), ("Service", "Helm")];
    let release = Value::map(release.map(|(key, it)| (key, Value::str(it))));
    let dot = named(Value::map([
        ("Values", named(values)),
        ("Release", release),
        ("Subcharts", Value::map::<Str>([])),
    ]));
    let budget = Budget::untimed(Limits::default());
    let session = Session {
        functions: &functions,
        budget: &budget,
        missing_key: MissingKey::Zero,
    };
    match session.execute(&Arc::new(set), FILE.as_bytes(), &dot) {
        Ok(text) => Ok(text.lossy().replace("<no value>", "")),
        Err(failure) => Err(execution_error(&failure)),
    }
}

/// A parse error as Helm words it. Source: helm v4.2.4 `pkg/engine/engine.go` `cleanupParseError`
fn parse_error(text: &str) -> String {
    let parts: Vec<&str> = text.split(": ").collect();
    let location = parts.get(1).unwrap_or(&"");
    format!("parse error at ({location}): {}", parts[parts.len() - 1])
}

/// An execution error as Helm words it. Source: helm v4.2.4 `pkg/engine/engine.go` `reformatExecErrorMsg`
fn execution_error(failure: &Failure) -> String {
    let whole = failure.to_string();
    if failure.origin() != Origin::Execution {
        return whole;
    }
    let mut lines: Vec<String> = Vec::new();
    for level in failure.chain() {
        let Some(trace) = trace(&level.to_string()) else {
            return whole;
        };
        if lines.last() != Some(&trace) {
            lines.push(trace);
        }
    }
    lines.concat().trim().to_owned()
}

fn trace(text: &str) -> Option<String> {
    let rest = text.strip_prefix("template: ")?;
    if rest.starts_with("no template ") {
        return Some(format!("{text}\n"));
    }
    let short = |message: &str| message.split(" template:").next().unwrap_or("").to_owned();
    if let Some((location, after)) = rest.split_once(": executing ")
        && let Some((name, after)) = after.strip_prefix('"').and_then(|it| it.split_once('"'))
        && let Some((at, message)) = after
            .strip_prefix(" at <")
            .and_then(|it| it.split_once(">: "))
    {
        let message = short(message);
        return Some(format!(
            "{location}\n  executing \"{name}\" at <{at}>:\n    {message}\n"
        ));
    }
    let (location, message) = rest.rsplit_once(": ")?;
    Some(format!("{location}\n  {}\n", short(message)))
}
