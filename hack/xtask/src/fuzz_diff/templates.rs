//! `cargo xtask fuzz-diff go-template`: random snippets, rendered by Helm's own engine and by ours.

mod language;
mod snippets;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use go_template::{
    Budget, Functions, Limits, Map, Methods, MissingKey, Named, Session, Str, Type, Value, unicode,
};
use helm::Env;
use helm::engine::Templates;
use serde_json::{Value as Json, json};

use super::Options;
use super::rng::Rng;
use crate::conformance::Oracle;

static VALUES: Type = Type::Named(&Named {
    name: "common.Values",
    under: Type::MAP,
    methods: Methods::NONE,
});

const FILE: &str = "chart/templates/t.yaml";

/// A snippet that takes longer hangs.
const LONGEST: Duration = Duration::from_secs(20);

/// Compares the two on random snippets; those that differ are printed.
///
/// # Errors
/// A snippet differs, or the program cannot be had.
pub(super) fn run(options: &Options) -> Result<()> {
    let mut oracle = Oracle::start(options.binary.clone())?;
    let functions = helm::functions::all(&env());
    let values = snippets::values();
    let start = Instant::now();
    let [mut equal, mut failing, mut unstable, mut differ, mut dead] = [0_u64; 5];
    for number in options.first..options.first + options.n {
        let template = snippets::snippet(&mut Rng::of_case(options.seed, number), &functions);
        let row = json!({"template": template, "values": values});
        let Ok(theirs) = oracle.ask(&row) else {
            // A map within itself ends Go's stack, and with it the program.
            dead += 1;
            oracle = Oracle::start(options.binary.clone())?;
            continue;
        };
        let ours = ours(&template, &values, &functions);
        if theirs == ours {
            equal += 1;
            failing += u64::from(theirs.get("error").is_some());
            continue;
        }
        if (0..3).any(|_| !matches!(oracle.ask(&row), Ok(again) if again == theirs)) {
            unstable += 1;
            continue;
        }
        differ += 1;
        println!("case {number}: {template:?}\n  theirs {theirs}\n  ours   {ours}");
    }
    println!(
        "{} snippets, {equal} equal ({failing} of them fail on both sides), {differ} differ, {unstable} left out \
         because Helm says something else each time, {dead} because it dies (seed {}, {} s)",
        options.n,
        options.seed,
        start.elapsed().as_secs()
    );
    if differ > 0 {
        bail!("{differ} snippets differ");
    }
    Ok(())
}

/// What our engine makes of a snippet, as the other side would say it.
fn ours(template: &str, values: &Json, functions: &Functions) -> Json {
    let outcome = catch_unwind(AssertUnwindSafe(|| render(template, values, functions)));
    match outcome {
        Ok(Ok(text)) => json!({"expected": text}),
        Ok(Err(text)) => json!({"error": text}),
        Err(_) => json!({"panic": true}),
    }
}

fn render(template: &str, values: &Json, functions: &Functions) -> Result<String, String> {
    let text = Str::from(template);
    let templates = Templates::parse([(FILE, &text)], functions).map_err(|it| it.to_string())?;
    let Value::Map(values) = value(values) else {
        return Err(String::from("values are no map"));
    };
    let dot = Map::new(&VALUES);
    dot.insert("Values".into(), Value::Map(values.retyped(&VALUES)));
    let dot = Value::Map(dot);
    let begin = Instant::now();
    let over = || begin.elapsed() > LONGEST;
    let budget = Budget::new(Limits::default(), &over);
    let session = Session {
        functions,
        budget: &budget,
        missing_key: MissingKey::Zero,
    };
    let out = templates.render_one(&session, FILE, &dot);
    // JSON of Go replaces broken bytes one by one.
    let text = |it: Str| unicode::lossy(&it).into_owned();
    out.map(text).map_err(|it| it.to_string())
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

/// No snippet asks for the time or for chance.
fn env() -> Env {
    Env {
        now: Arc::new(|| (0, 0)),
        random: Arc::new(|bytes| bytes.fill(0)),
        lookup: None,
        resolve: None,
    }
}
