//! Times substitution: `cargo run --release -p envsubst --example speed`. `cargo xtask bench build` runs it too.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a benchmark needs a clock and reports"
)]

use std::fmt::Write as _;
use std::time::Instant;

use envsubst::{Mode, Variables, substitute};

/// A Deployment as a build prints it, with `PLACE` where variables may stand.
const OBJECT: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  labels:\n    app: web\n    region: PLACE\n  name: web-PLACE\n  namespace: team\nspec:\n  replicas: 3\n  selector:\n    matchLabels:\n      app: web\n  template:\n    metadata:\n      labels:\n        app: web\n    spec:\n      containers:\n      - args:\n        - --port=8080\n        - --level=PLACE\n        env:\n        - name: HOST\n          value: web.PLACE.example.com\n        image: registry.example.com/shop/web:1.2.3\n        name: main\n        ports:\n        - containerPort: 8080\n          protocol: TCP\n        resources:\n          limits:\n            cpu: 500m\n            memory: 128Mi\n";

/// Processor time of this thread where the system tells it (the machine may be busy), else wall time.
fn seconds() -> f64 {
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = stat.split(' ').next().and_then(|it| it.parse::<f64>().ok());
    match nanos {
        Some(nanos) => nanos / 1e9,
        None => START.get_or_init(Instant::now).elapsed().as_secs_f64(),
    }
}

#[expect(clippy::cast_precision_loss, reason = "for show")]
fn time(name: &str, texts: &[String], variables: &Variables) {
    let bytes: usize = texts.iter().map(String::len).sum();
    let mut times: Vec<f64> = (0..9)
        .map(|_| {
            let begin = seconds();
            for text in texts {
                let expanded = substitute(text, variables, Mode::Strict).expect("expands");
                assert!(!expanded.contains("${"));
            }
            seconds() - begin
        })
        .collect();
    times.sort_by(f64::total_cmp);
    let median = times[times.len() / 2];
    println!(
        "| {name} | {:.2} / {:.2} | {:.2} | {:.0} |",
        times[0] * 1e3,
        median * 1e3,
        median * 1e6 / texts.len() as f64,
        bytes as f64 / median / 1e6
    );
}

fn main() {
    let variables: Variables = (0..50)
        .map(|number| (format!("v{number}"), format!("value-{number}")))
        .collect();
    let objects = |place: &str| vec![OBJECT.replace("PLACE", place); 4_000];
    println!(
        "| substitution in 4,000 objects | CPU ms, min / median | µs per object | MB/s |\n|---|---|---|---|"
    );
    time("no expression", &objects("here"), &variables);
    time("four variables", &objects("${v17}"), &variables);
    time(
        "four defaults and functions",
        &objects("${none:=${v3/val/x}}"),
        &variables,
    );
    let mut text = String::new();
    for number in 0..40_000 {
        let _ = writeln!(text, "key-{number}: ${{v{}}}", number % 50);
    }
    time("one text of 40,000 variables", &[text], &variables);
}
