//! YAML 1.1 files as JSON values: kustomization files and configurations.

use std::borrow::Cow;

use kyaml::v2::BuildJson;
use serde_json::Value;

use crate::error::Error;

/// The first document of a file; null if there is none.
///
/// # Errors
/// It is not YAML, or holds what JSON cannot.
pub(crate) fn to_json(bytes: &[u8]) -> Result<Value, Error> {
    let limits = kyaml::Limits::default();
    Ok(kyaml::v2::read(bytes, &limits, &mut BuildJson)?)
}

/// A string as it comes out after it was printed as JSON and read as YAML, as the original does with
/// every configuration: a next-line character counts as a line break and is folded.
pub(crate) fn after_text(text: &str) -> Cow<'_, str> {
    const BREAK: char = '\u{85}';
    if !text.contains(BREAK) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut breaks = 0;
    for (at, part) in text.split(BREAK).enumerate() {
        let first = at == 0;
        let part = if first {
            part
        } else {
            part.trim_start_matches([' ', '\t'])
        };
        breaks += usize::from(!first);
        if part.is_empty() && !first {
            continue;
        }
        if !first {
            out.truncate(out.trim_end_matches([' ', '\t']).len());
            out.push_str(&fold(breaks));
        }
        breaks = 0;
        out.push_str(part);
    }
    if breaks > 0 {
        out.truncate(out.trim_end_matches([' ', '\t']).len());
        out.push_str(&fold(breaks));
    }
    Cow::Owned(out)
}

fn fold(breaks: usize) -> String {
    if breaks == 1 {
        " ".to_owned()
    } else {
        "\n".repeat(breaks - 1)
    }
}

/// The same with the words that precede a problem where it is not said otherwise.
///
/// # Errors
/// As [`to_json`].
pub(crate) fn converted(bytes: &[u8]) -> Result<Value, Error> {
    to_json(bytes).map_err(|error| error.within("error converting YAML to JSON"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn next_line_characters_are_folded() {
        for (text, expected) in [
            ("a b", "a b"),
            ("a \u{85} b", "a b"),
            ("a\u{85}\u{85}b", "a\nb"),
            ("a\u{85}", "a "),
            ("\u{85}a", " a"),
        ] {
            assert_eq!(after_text(text), expected, "{text:?}");
        }
    }
}
