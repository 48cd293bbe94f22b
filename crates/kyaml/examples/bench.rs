//! Times reading and printing: `cargo run --release -p kyaml --example bench -- [FILE]`. Without a file,
//! 5 MB of small Deployments are made up.
#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a benchmark needs a clock and reports"
)]

use std::fmt::Write as _;
use std::time::Instant;

use kyaml::{Limits, merge};

fn deployments() -> String {
    let mut text = String::new();
    let mut number = 0;
    while text.len() < 5 << 20 {
        number += 1;
        let _ = write!(
            text,
            "---\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: app-{number}\n  namespace: team-{}\n  labels:\n    app.kubernetes.io/name: app-{number}\n    app.kubernetes.io/part-of: shop\nspec:\n  replicas: {}\n  selector:\n    matchLabels:\n      app: app-{number}\n  template:\n    metadata:\n      labels:\n        app: app-{number}\n    spec:\n      containers:\n      - name: main\n        image: \"registry.example.com/shop/app:{number}.1.2\"\n        args: [\"--port=8080\", --verbose]\n        ports:\n        - containerPort: 8080\n          protocol: TCP\n        env:\n        - name: LEVEL # how loud\n          value: \"3\"\n        - name: MODE\n          value: standard\n        resources:\n          limits: {{cpu: 500m, memory: 128Mi}}\n",
            number % 17,
            number % 5
        );
    }
    text
}

/// Processor time of this thread where the system tells it (the machine may be busy), else wall time.
fn seconds() -> f64 {
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    match stat
        .split(' ')
        .next()
        .and_then(|nanos| nanos.parse::<f64>().ok())
    {
        Some(nanos) => nanos / 1e9,
        None => START.get_or_init(Instant::now).elapsed().as_secs_f64(),
    }
}

#[expect(clippy::cast_precision_loss, reason = "for show")]
fn time<T>(name: &str, bytes: usize, mut work: impl FnMut() -> T) {
    let mut best = f64::MAX;
    for _ in 0..9 {
        let start = seconds();
        let result = work();
        best = best.min(seconds() - start);
        drop(result);
    }
    println!(
        "{name}: {:.1} ms, {:.0} MB/s",
        best * 1e3,
        bytes as f64 / best / 1e6
    );
}

fn main() {
    let text = match std::env::args().nth(1) {
        Some(path) => std::fs::read_to_string(path).expect("the file is readable"),
        None => deployments(),
    };
    let size = text.len();
    let limits = Limits::default();
    let objects = kyaml::read_objects(&text, &limits).expect("the text is YAML");
    println!(
        "{size} bytes, {} objects, {} bytes per node",
        objects.len(),
        size_of::<kyaml::Node>()
    );
    time("read", size, || kyaml::read_objects(&text, &limits));
    time("print as kustomize", size, || {
        let mut out = String::with_capacity(size);
        objects
            .iter()
            .try_for_each(|object| object.to_output(&mut out))
            .map(|()| out)
    });
    time("print styled", size, || {
        objects
            .iter()
            .map(|object| object.to_styled().map_or(0, |text| text.len()))
            .sum::<usize>()
    });
    time("read and print", size, || {
        let objects = kyaml::read_objects(&text, &limits)?;
        let mut out = String::with_capacity(size);
        objects
            .iter()
            .try_for_each(|object| object.to_output(&mut out))?;
        Ok::<_, kyaml::Error>(out)
    });
    time("copy and drop", size, || objects.clone());
    time("to JSON", size, || {
        objects.iter().map(kyaml::Node::to_json).collect::<Vec<_>>()
    });
    let patch = "spec: {template: {spec: {containers: [{name: main, image: new}]}}}";
    let patch = kyaml::parse(patch)
        .ok()
        .flatten()
        .expect("the patch is YAML")
        .root;
    let options = merge::Options::default();
    time("copy and merge", size, || {
        let merged = objects
            .iter()
            .map(|object| merge::merge(&patch, object.clone(), &options));
        merged.collect::<Result<Vec<_>, _>>()
    });
}
