//! Renders recorded template rows and counts what comes out as recorded: per file, overall, and for rows that are
//! errors.
//!
//! `cargo run -p helm --example template_rows -- DIR [--filter TEXT] [--verbose]`, where DIR holds `*.jsonl`.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a test program reads files and prints what it counts"
)]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use go_template::{Budget, Limits, Methods, MissingKey, Named, Session, Str, Type, Value};
use helm::Env;
use helm::engine::Templates;
use serde_json::Value as Json;

static VALUES: Type = Type::Named(&Named {
    name: "common.Values",
    under: Type::MAP,
    methods: Methods::NONE,
});

const FILE: &str = "chart/templates/t.yaml";

/// A row that takes longer is one that hangs.
const LONGEST: Duration = Duration::from_secs(20);

fn main() -> ExitCode {
    let mut folder = PathBuf::new();
    let (mut filter, mut verbose) = (String::new(), false);
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--filter" => filter = args.next().unwrap_or_default(),
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
        if !name.contains(&filter) {
            continue;
        }
        let text = std::fs::read_to_string(file).unwrap_or_default();
        let tally = Tally::of(&text, verbose);
        println!("{name}: {tally}");
        total.add(&tally);
    }
    println!("all: {total}");
    for (name, rows) in &total.missing {
        println!("  missing {name}: {rows}");
    }
    ExitCode::from(u8::from(total.equal < total.rows))
}

#[derive(Default)]
struct Tally {
    rows: usize,
    equal: usize,
    errors: usize,
    equal_errors: usize,
    /// Rows that need a function which is not there, by its name.
    missing: BTreeMap<String, usize>,
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let percent = |part: usize, all: usize| 100.0 * part as f64 / all.max(1) as f64;
        let (equal, rows) = (self.equal, self.rows);
        write!(f, "{equal} of {rows} ({:.2} %)", percent(equal, rows))?;
        if self.errors > 0 {
            let (equal, errors) = (self.equal_errors, self.errors);
            let percent = percent(equal, errors);
            write!(f, ", of them errors {equal} of {errors} ({percent:.2} %)")?;
        }
        Ok(())
    }
}

impl Tally {
    fn of(text: &str, verbose: bool) -> Self {
        let mut tally = Self::default();
        for line in text.lines() {
            let Ok(row) = serde_json::from_str::<Json>(line) else {
                continue;
            };
            let got = render(&row);
            let wanted = match (&row["expected"], &row["error"]) {
                (Json::String(text), _) => Ok(text.clone()),
                (_, error) => Err(error.as_str().unwrap_or_default().to_owned()),
            };
            let equal = usize::from(got == wanted);
            tally.rows += 1;
            tally.equal += equal;
            tally.errors += usize::from(wanted.is_err());
            tally.equal_errors += equal & usize::from(wanted.is_err());
            if equal == 1 {
                continue;
            }
            if let Some(name) = got.as_ref().err().and_then(|it| missing(it)) {
                *tally.missing.entry(name.to_owned()).or_default() += 1;
            } else if verbose {
                println!("{}\n  wanted {wanted:?}\n  got    {got:?}", row["template"]);
            }
        }
        tally
    }

    fn add(&mut self, other: &Self) {
        self.rows += other.rows;
        self.equal += other.equal;
        self.errors += other.errors;
        self.equal_errors += other.equal_errors;
        for (name, rows) in &other.missing {
            *self.missing.entry(name.clone()).or_default() += rows;
        }
    }
}

fn missing(error: &str) -> Option<&str> {
    let (_, rest) = error.split_once("function \"")?;
    rest.strip_suffix("\" not defined")
}

/// A clock that tells the machine's time, and bytes that need not be good ones.
fn env() -> Env {
    let state = AtomicU64::new(0x9e37_79b9_7f4a_7c15);
    let random = move |bytes: &mut [u8]| {
        for byte in bytes {
            let mut next = state.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
            next = (next ^ next >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            *byte = (next >> 56) as u8;
        }
    };
    let now = || {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let since = since.unwrap_or_default();
        (since.as_secs() as i64, since.subsec_nanos())
    };
    Env {
        now: Arc::new(now),
        random: Arc::new(random),
        lookup: None,
        resolve: None,
    }
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

fn render(row: &Json) -> Result<String, String> {
    let functions = helm::functions::all(&env());
    let mut texts: BTreeMap<String, Str> = BTreeMap::new();
    let more = [&row["templates"], &row["files"]];
    for (path, text) in more.into_iter().filter_map(Json::as_object).flatten() {
        if path.starts_with("templates/") {
            let text = text.as_str().unwrap_or_default();
            texts.insert(format!("chart/{path}"), text.into());
        }
    }
    let text = row["template"].as_str().unwrap_or_default();
    texts.insert(FILE.into(), text.into());
    let pairs = texts.iter().map(|(name, text)| (name.as_str(), text));
    let templates = Templates::parse(pairs, &functions).map_err(|it| it.to_string())?;
    let values = match &row["values"] {
        Json::Null => Value::map::<Str>([]),
        json => value(json),
    };
    let text = |key: &str, default: &str| Value::from(row[key].as_str().unwrap_or(default));
    let upgrade = row["isUpgrade"] == true;
    let release = Value::map([
        ("Name", text("release", "rel")),
        ("Namespace", text("namespace", "ns")),
        ("Service", Value::from("Helm")),
        ("IsUpgrade", Value::Bool(upgrade)),
        ("IsInstall", Value::Bool(!upgrade)),
        ("Revision", Value::int(1)),
    ]);
    let values = named(values);
    let dot = |name: &str| {
        let template = [("Name", name), ("BasePath", "chart/templates")];
        let template = Value::map(template.map(|(key, it)| (key, Value::from(it))));
        named(Value::map([
            ("Values", values.clone()),
            ("Release", release.clone()),
            ("Template", named(template)),
            ("Subcharts", Value::map::<Str>([])),
        ]))
    };
    let begin = Instant::now();
    let over = || begin.elapsed() > LONGEST;
    let budget = Budget::new(Limits::default(), &over);
    let session = Session {
        functions: &functions,
        budget: &budget,
        missing_key: MissingKey::Zero,
    };
    let out = templates
        .render(&session, dot)
        .map_err(|it| it.to_string())?;
    Ok(out
        .get(FILE)
        .map(|it| it.lossy().into_owned())
        .unwrap_or_default())
}
