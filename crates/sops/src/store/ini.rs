//! INI sections.
//!
//! Source: sops v3.13 `stores/ini/store.go`; gopkg.in/ini.v1 v1.67.3 `parser.go`, `file.go`.

mod parse;
mod write;

pub(crate) use write::write;

use super::VALUES;
use crate::tree::{Branch, Item, Value};

/// The section of what stands before the first header.
pub(super) const DEFAULT: &str = "DEFAULT";

/// Reads the sections in order; those of one name stay apart.
pub(crate) fn read(bytes: &[u8]) -> Result<Branch, String> {
    let sections =
        parse::sections(bytes).map_err(|why| format!("Could not unmarshal input data: {why}"))?;
    let count: usize = sections.iter().map(|section| 1 + section.keys.len()).sum();
    if count > VALUES {
        return Err("file has too many values".to_owned());
    }
    Ok(sections.into_iter().map(section).collect())
}

fn section(section: parse::Section) -> Item {
    let mut items = Branch::new();
    if !section.comment.is_empty() {
        items.push(Item::comment(without_mark(&section.comment), false));
    }
    for key in section.keys {
        items.push(Item::new(key.name, Value::text(key.value)));
        if !key.comment.is_empty() {
            items.push(Item::comment(without_mark(&key.comment), false));
        }
    }
    Item::new(section.name, Value::Branch(items))
}

fn without_mark(comment: &str) -> &str {
    match comment.as_bytes().first() {
        Some(b';') => comment.trim_start_matches([';', ' ']),
        Some(b'#') => comment.trim_start_matches(['#', ' ']),
        _ => comment,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &str) {
        let branch = read(text.as_bytes()).expect("reads");
        let written = write(&[branch]).expect("writes");
        assert_eq!(String::from_utf8(written).expect("text"), expect);
    }

    #[test]
    fn sections_come_back() {
        check(
            "[a]\nx=1\ny = two words ; note\n\n[b]\n",
            "[a]\nx = 1\n; note\ny = two words\n\n[b]\n",
        );
    }

    #[test]
    fn quoting_follows_what_reads_back() {
        check(
            "[a]\nx=`a#b`\ny='q'\nz=\"\"\"l1\nl2\"\"\"\n",
            "[a]\nx = `a#b`\ny = q\nz = \"\"\"l1\nl2\"\"\"\n",
        );
    }

    #[test]
    fn broken_lines_are_errors_without_their_text() {
        for text in [
            "[a\n",
            "[a]\nsecret\n",
            "[]\n",
            "[a]\n=secret\n",
            "[a]\nx=`secret\n",
            "\"secret=1",
        ] {
            let error = read(text.as_bytes()).expect_err(text);
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
