//! Prints what is read from each text, for comparing with the Go libraries: JSON strings come in on
//! standard input, one per line, and one object per line goes out. a Go program beside it does the same.

use std::fmt::Write as _;
use std::io::{BufRead as _, Write as _};

use kyaml::{Content, Document, Limits, Node, SequenceIndent, Style};

fn quote(text: &str) -> String {
    let mut out = String::from("\"");
    for char in text.chars() {
        if (' '..'\u{7f}').contains(&char) && char != '"' && char != '\\' {
            out.push(char);
        } else {
            let _ = write!(out, "{{{:x}}}", u32::from(char));
        }
    }
    out.push('"');
    out
}

fn style(node: &Node) -> u32 {
    let flags = [
        Style::TAGGED,
        Style::DOUBLE_QUOTED,
        Style::SINGLE_QUOTED,
        Style::LITERAL,
        Style::FOLDED,
        Style::FLOW,
    ];
    flags
        .iter()
        .enumerate()
        .map(|(bit, flag)| u32::from(node.style().has(*flag)) << bit)
        .sum()
}

fn dump(out: &mut String, node: &Node, depth: usize) {
    let kind = match node.content() {
        Content::Mapping(_) => "map",
        Content::Sequence(_) => "seq",
        Content::Scalar(_) => "str",
        Content::Alias(_) => "ali",
    };
    let (tag, anchor) = (node.tag_text(), node.anchor().unwrap_or_default());
    let (line, column) = (node.line(), node.column());
    let value = quote(node.text());
    let _ = write!(
        out,
        "{:depth$}{kind} tag={tag} style={} value={value} anchor={anchor} @{line}:{column}",
        "",
        style(node)
    );
    let comments = node.comments();
    if *comments != kyaml::Comments::default() {
        let (head, line, foot) = (
            quote(&comments.head),
            quote(&comments.line),
            quote(&comments.foot),
        );
        let _ = write!(out, " head={head} line={line} foot={foot}");
    }
    out.push('\n');
    for item in node.items() {
        dump(out, item, depth + 1);
    }
    for entry in node.entries() {
        dump(out, &entry.key, depth + 1);
        dump(out, &entry.value, depth + 1);
    }
}

fn dumped(text: &str) -> String {
    let documents = match kyaml::parse_all(text, &Limits::default()) {
        Ok(documents) => documents,
        Err(err) => return format!("ERR {err}"),
    };
    let mut out = String::new();
    for document in &documents {
        let (head, foot) = (quote(&document.head_comment), quote(&document.foot_comment));
        let _ = writeln!(out, "doc head={head} foot={foot}");
        dump(&mut out, &document.root, 1);
    }
    out
}

fn styled(text: &str, indent: SequenceIndent) -> String {
    let printed = kyaml::parse(text).and_then(|document: Option<Document>| match document {
        Some(document) => document.to_styled_with(indent),
        None => Ok("ERR EOF".into()),
    });
    printed.unwrap_or_else(|err| format!("ERR {err}"))
}

fn output(text: &str) -> String {
    let objects = match kyaml::read_objects(text, &Limits::default()) {
        Ok(objects) => objects,
        Err(err) => return format!("ERR {err}"),
    };
    let mut out = String::new();
    for object in objects {
        let mut one = String::from("---\n");
        if let Err(err) = object.to_output(&mut one) {
            let _ = write!(out, "ERR {err}");
            return out;
        }
        out.push_str(&one);
    }
    out
}

fn legacy(text: &str) -> String {
    let value = kyaml::parse(text).and_then(|document| match document {
        Some(document) => document.root.to_json_1_1(),
        None => Ok(serde_json::Value::Null),
    });
    value.map_or_else(|_| "ERR".into(), |value| kyaml::to_go_json(&value))
}

fn main() {
    let stdout = std::io::stdout();
    let mut out = std::io::BufWriter::new(stdout.lock());
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("standard input is readable");
        let text: String = serde_json::from_str(&line).expect("a JSON string per line");
        let row = serde_json::json!({
            "Dump": dumped(&text),
            "Styled": styled(&text, SequenceIndent::Compact),
            "Wide": styled(&text, SequenceIndent::Wide),
            "Output": output(&text),
            "Legacy": legacy(&text),
            "NonStr": kyaml::resolve::is_not_string_in_1_1(&text),
        });
        writeln!(out, "{row}").expect("standard output is writable");
    }
}
