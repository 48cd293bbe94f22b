//! Messages beside the result, on stderr, as Helm's logger prints them.
//!
//! Source: Helm 4.2.4 `internal/logging/logging.go`; Go 1.26 `log/slog/text_handler.go`

use go_template::quote::quoted;
use helm::values::{Level, Warning};

/// Prints a message; `debug` says whether the least of them are printed, too.
pub(super) fn tell(debug: bool, warning: &Warning) {
    if debug || warning.level != Level::Debug {
        crate::complain(&line(warning));
    }
}

/// A message without fields from elsewhere.
pub(super) fn say(debug: bool, level: Level, message: &str, fields: &[(&'static str, &str)]) {
    let fields = fields.iter().map(|(key, value)| (*key, (*value).into()));
    let warning = Warning {
        level,
        message: message.to_owned(),
        fields: fields.collect(),
    };
    tell(debug, &warning);
}

/// An error that is also printed for itself.
pub(super) fn error(message: &str, error: &str) {
    let (message, error) = (shown(message.as_bytes()), shown(error.as_bytes()));
    crate::complain(&format!("level=ERROR msg={message} error={error}"));
}

fn line(warning: &Warning) -> String {
    let level = match warning.level {
        Level::Debug => "DEBUG",
        Level::Info => "INFO",
        Level::Warn => "WARN",
    };
    let mut line = format!("level={level} msg={}", shown(warning.message.as_bytes()));
    for (key, value) in &warning.fields {
        line.push_str(&format!(" {key}={}", shown(value)));
    }
    line
}

/// A text, in quotes if it would not stand for itself.
fn shown(text: &[u8]) -> String {
    let plain = std::str::from_utf8(text).ok().filter(|text| {
        let odd = |c: char| c.is_whitespace() || c.is_control() || "\"=\u{fffd}".contains(c);
        !text.is_empty() && !text.contains(odd)
    });
    plain.map_or_else(|| quoted(text), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_those_of_the_logger() {
        let warning = Warning {
            level: Level::Warn,
            message: String::from("returned non-bool value"),
            fields: vec![("path", "a.b".into()), ("chart", "".into())],
        };
        let text = "level=WARN msg=\"returned non-bool value\" path=a.b chart=\"\"";
        assert_eq!(line(&warning), text);
        assert_eq!(shown(b"a=b"), "\"a=b\"");
    }
}
