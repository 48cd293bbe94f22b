//! Merges and patches for comparing with the Go libraries: each line of standard input is a JSON list of
//! how (`prepend`, `append` or `json`), target and patch; one JSON string per line goes out.

use std::io::{BufRead as _, Write as _};

use kyaml::merge::{ListOrder, Options, merge};
use kyaml::{Limits, Node, json_patch};

fn single(text: &str) -> Option<Node> {
    let mut objects = kyaml::read_objects(text, &Limits::default()).ok()?;
    (objects.len() == 1).then(|| objects.pop()).flatten()
}

fn run(how: &str, target: &str, patch: &str, options: &mut Options) -> String {
    let Some(mut target) = single(target) else {
        return "BADDEST".into();
    };
    let result = if how == "json" {
        let patched = json_patch::Patch::parse(patch).and_then(|patch| patch.apply_to(&mut target));
        patched.map(|()| Some(target))
    } else {
        let Some(patch) = single(patch) else {
            return "BADPATCH".into();
        };
        options.order = match how {
            "append" => ListOrder::Append,
            _ => ListOrder::Prepend,
        };
        merge(&patch, target, options)
    };
    let printed = result.and_then(|node| match node {
        None => Ok("DELETED".into()),
        Some(node) => {
            let mut out = String::new();
            node.to_output(&mut out).map(|()| out)
        }
    });
    printed.unwrap_or_else(|err| format!("ERR {err}"))
}

fn main() {
    let stdout = std::io::stdout();
    let mut out = std::io::BufWriter::new(stdout.lock());
    let mut options = Options::default();
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("standard input is readable");
        let row: Vec<String> =
            serde_json::from_str(&line).expect("a JSON list of strings per line");
        let [how, target, patch] = row.as_slice() else {
            continue;
        };
        let result = serde_json::Value::from(run(how, target, patch, &mut options));
        writeln!(out, "{result}").expect("standard output is writable");
    }
}
