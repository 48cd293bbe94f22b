//! Any bytes as a chart's template: executed with all functions, within bounds.
#![no_main]

use std::cell::Cell;
use std::sync::Arc;

use go_template::{Budget, Limits, MissingKey, Session, Str, Value};
use helm::Env;
use helm::engine::Templates;
use libfuzzer_sys::fuzz_target;

const LIMITS: Limits = Limits {
    fuel: 200_000,
    bytes: 1 << 20,
    depth: 500,
};

/// So often is the clock asked before the time is over.
const LOOKS: u32 = 10_000;

fn values() -> Value {
    let list = Value::list(vec![Value::from("b"), Value::Float(1.5), Value::Nil]);
    let map = Value::map([
        ("x", Value::map([("y", Value::from("z"))])),
        ("n", Value::Float(3.0)),
    ]);
    Value::map([
        ("s", Value::from("text here")),
        ("n", Value::Float(3.0)),
        ("list", list),
        ("map", map),
        ("yes", Value::Bool(true)),
    ])
}

fuzz_target!(|bytes: &[u8]| {
    let env = Env {
        now: Arc::new(|| (1_700_000_000, 0)),
        random: Arc::new(|bytes| bytes.fill(7)),
        lookup: None,
        resolve: None,
    };
    let functions = helm::functions::all(&env);
    let text = Str::from(bytes);
    let Ok(templates) = Templates::parse([("c/templates/t.yaml", &text)], &functions) else {
        return;
    };
    let looks = Cell::new(0);
    let over = || {
        looks.set(looks.get() + 1);
        looks.get() > LOOKS
    };
    let budget = Budget::new(LIMITS, &over);
    let session = Session {
        functions: &functions,
        budget: &budget,
        missing_key: MissingKey::Zero,
    };
    let dot = Value::map([("Values", values())]);
    if let Ok(out) = templates.render_one(&session, "c/templates/t.yaml", &dot) {
        assert!(out.len() as u64 <= LIMITS.bytes);
    }
});
