//! Helm's wording of errors that text/template words differently.
//!
//! Source: Helm 4.2.4 `pkg/engine/engine.go` `cleanupParseError`, `reformatExecErrorMsg`

use go_template::{Failure, Origin};

/// What `required` and `fail` put around their messages.
pub(crate) const MESSAGE: (&str, &str) = ("HELM_ERR_START", "HELM_ERR_END");

/// A parse error: its location and its last part.
pub(super) fn parse_error(text: &str) -> String {
    let location = text.split(": ").nth(1).unwrap_or_default();
    let message = text.rsplit_once(": ").map_or(text, |it| it.1);
    format!("parse error at ({location}): {message}")
}

/// An execution error: only the message of `required` and `fail`, or a trace with a level per template, or the
/// text as it is if a level is not of a template.
pub(super) fn execution_error(failure: &Failure) -> String {
    let whole = failure.to_string();
    if failure.origin() != Origin::Execution {
        return whole;
    }
    let mut tokens = whole.splitn(3, ": ");
    if let (Some(location), Some(rest)) = (tokens.nth(1), tokens.next())
        && let Some((_, message)) = rest.split_once(MESSAGE.0)
        && let Some((message, _)) = message.rsplit_once(MESSAGE.1)
    {
        return format!("execution error at ({location}): {message}");
    }
    // The text of a level is the end of the whole text, from where its own part begins.
    let mut begins = 0;
    let mut lines: Vec<String> = Vec::new();
    for level in failure.chain() {
        let Some(trace) = whole.get(begins..).and_then(trace) else {
            return whole;
        };
        if lines.last() != Some(&trace) {
            lines.push(trace);
        }
        begins += level.own().len();
    }
    lines.concat().trim().to_owned()
}

/// One level of a trace: where, in what, what.
fn trace(text: &str) -> Option<String> {
    let rest = text.strip_prefix("template: ")?;
    if rest.starts_with("no template ") {
        return Some(format!("{text}\n"));
    }
    let short = |message: &'_ str| message.split(" template:").next().unwrap_or("").to_owned();
    if let Some((location, after)) = rest.split_once(": executing ")
        && let Some((name, after)) = after.strip_prefix('"').and_then(|it| it.split_once('"'))
        && let Some(after) = after.strip_prefix(" at <")
        && let Some((at, message)) = after.split_once(">: ")
    {
        let executing = format!("executing \"{name}\" at <{at}>:");
        return Some(lines(location, &executing, &short(message)));
    }
    let (location, message) = rest.rsplit_once(": ")?;
    Some(lines(location, "", &short(message)))
}

/// The parts that are there, each on a line of its own.
fn lines(location: &str, executing: &str, message: &str) -> String {
    let mut text = String::new();
    for (part, after) in [(location, "\n  "), (executing, "\n    "), (message, "\n")] {
        if !part.is_empty() {
            text.push_str(part);
            text.push_str(after);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parse_error_keeps_its_place_and_its_last_part() {
        let text = "template: a/t.yaml:3: function \"foo\" not defined";
        let expect = "parse error at (a/t.yaml:3): function \"foo\" not defined";
        assert_eq!(parse_error(text), expect);
    }

    #[test]
    fn a_level_is_told_in_three_lines() {
        let text = "template: t:1:2: executing \"t\" at <include \"a\" .>: error calling include: template: a:1: x";
        let expect = "t:1:2\n  executing \"t\" at <include \"a\" .>:\n    error calling include:\n";
        assert_eq!(trace(text).as_deref(), Some(expect));
    }
}
