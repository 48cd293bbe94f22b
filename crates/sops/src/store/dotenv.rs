//! `KEY=value` lines.
//!
//! Source: sops v3.13 `stores/dotenv/store.go`.

use super::{VALUES, unescape_breaks};
use crate::tree::{Branch, Item, Key, Value};

pub(crate) fn read(bytes: &[u8]) -> Result<Branch, String> {
    let mut branch = Branch::new();
    for (number, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        if branch.len() >= VALUES {
            return Err("file has too many values".to_owned());
        }
        match line {
            [] => {}
            [b'#', comment @ ..] => branch.push(Item::comment(comment, false)),
            _ => {
                let at = line.iter().position(|byte| *byte == b'=');
                // Upstream prints the line, which may be a secret.
                let at = at.ok_or_else(|| format!("invalid dotenv input line: {}", number + 1))?;
                let key = String::from_utf8_lossy(&line[..at]);
                branch.push(Item::new(
                    key,
                    Value::Text(unescape_breaks(&line[at + 1..])),
                ));
            }
        }
    }
    Ok(branch)
}

pub(crate) fn write(branch: &Branch) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    for item in branch {
        let key = match &item.key {
            Key::Comment(comment) => {
                out.push(b'#');
                out.extend_from_slice(&comment.text);
                out.push(b'\n');
                continue;
            }
            Key::Text(key) | Key::Other(_, key) => key,
        };
        if matches!(item.value, Value::List(_) | Value::Branch(_)) {
            return Err(format!(
                "cannot use complex value in dotenv file; offending key {key}"
            ));
        }
        out.extend_from_slice(key.as_bytes());
        out.push(b'=');
        match &item.value {
            Value::Text(text) => {
                for byte in text {
                    match byte {
                        b'\n' => out.extend_from_slice(b"\\n"),
                        other => out.push(*other),
                    }
                }
            }
            other => out.extend(other.to_text()),
        }
        out.push(b'\n');
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_back() {
        let text = b"# note\nA=1\nB=a=b # no comment\n\nC=x\\ny\nD=\n";
        let branch = read(text).expect("reads");
        assert_eq!(branch[3].value, Value::text("x\ny"));
        assert_eq!(
            write(&branch).expect("writes"),
            b"# note\nA=1\nB=a=b # no comment\nC=x\\ny\nD=\n"
        );
    }

    #[test]
    fn a_line_without_a_value_is_not_quoted_in_the_error() {
        assert_eq!(
            read(b"A=1\nsecret"),
            Err("invalid dotenv input line: 2".to_owned())
        );
        assert!(write(&vec![Item::new("a", Value::List(vec![]))]).is_err());
    }
}
