//! Regular expressions in Go's dialect, run by the `regex` crate.

pub use regex::Regex;
use regex::RegexBuilder;

/// An expression that Go would not compile; the text is Go's for the usual mistakes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Error(String);

macro_rules! bail {
    ($($text:tt)*) => {
        return Err(Error(format!($($text)*)))
    };
}

/// Bytes that one compiled expression may take: selectors are short.
const SIZE_LIMIT: usize = 4 << 20;

/// Repetitions that Go allows.
const MOST_REPEATS: u32 = 1000;

/// Compiles an expression of Go's syntax.
///
/// # Errors
/// It is not valid; the text is Go's for the usual mistakes.
pub fn compile(pattern: &str) -> Result<Regex, Error> {
    check(pattern)?;
    RegexBuilder::new(&translate(pattern))
        .size_limit(SIZE_LIMIT)
        .nest_limit(100)
        .build()
        .map_err(|error| Error(format!("error parsing regexp: {error}: `{pattern}`")))
}

/// Compiles a selector's expression, which must match all of a value; empty matches anything.
pub fn compile_anchored(pattern: &str) -> Result<Regex, Error> {
    if pattern.is_empty() {
        return compile(pattern);
    }
    compile(&format!("^(?:{pattern})$"))
}

/// Finds the mistakes that Go has its own words for.
fn check(pattern: &str) -> Result<(), Error> {
    let bytes = pattern.as_bytes();
    let mut at = 0;
    // Whether something stands before, that `*`, `+` and `?` can repeat.
    let mut repeatable = false;
    let mut open = 0usize;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if at + 1 == bytes.len() => {
                bail!("error parsing regexp: trailing backslash at end of expression: ``")
            }
            b'\\' => (at, repeatable) = (at + 1, true),
            b'[' => match class_end(bytes, at) {
                Some(end) => (at, repeatable) = (end, true),
                None => bail!(
                    "error parsing regexp: missing closing ]: `{}`",
                    &pattern[at..]
                ),
            },
            b'(' => {
                open += 1;
                repeatable = false;
                if bytes.get(at + 1) == Some(&b'?') {
                    let flags = bytes[at..].iter().take_while(|b| !b":>)".contains(b));
                    at += flags.count();
                    if bytes.get(at) == Some(&b')') {
                        // Flags for what follows: no group.
                        open -= 1;
                    }
                }
            }
            b')' => {
                let Some(less) = open.checked_sub(1) else {
                    bail!("error parsing regexp: unexpected ): `{pattern}`");
                };
                open = less;
                repeatable = true;
            }
            b'|' => repeatable = false,
            b'{' if repeatable && is_repetition(&pattern[at..]) => {
                let end = at + pattern[at..].find('}').unwrap_or_default();
                let counts = &pattern[at + 1..end];
                let (low, high) = counts.split_once(',').unwrap_or((counts, counts));
                let count = |text: &str| text.parse::<u32>().unwrap_or(u32::MAX);
                let high = if high.is_empty() {
                    count(low)
                } else {
                    count(high)
                };
                if high > MOST_REPEATS || count(low) > high {
                    bail!(
                        "error parsing regexp: invalid repeat count: `{}`",
                        &pattern[at..=end]
                    );
                }
                at = end;
            }
            operator @ (b'*' | b'+' | b'?') if !repeatable => bail!(
                "error parsing regexp: missing argument to repetition operator: `{}`",
                char::from(operator)
            ),
            b'*' | b'+' | b'?' => {}
            b'^' => repeatable = true,
            _ => repeatable = true,
        }
        at += 1;
    }
    if open > 0 {
        bail!("error parsing regexp: missing closing ): `{pattern}`");
    }
    Ok(())
}

/// The index of the `]` that closes the class opened at `start`.
fn class_end(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 1;
    if bytes.get(at) == Some(&b'^') {
        at += 1;
    }
    let first = at;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 1,
            b'[' if bytes.get(at + 1) == Some(&b':') => {
                let close = bytes[at..].windows(2).position(|pair| pair == b":]");
                if let Some(close) = close {
                    at += close + 1;
                }
            }
            b']' if at > first => return Some(at),
            _ => {}
        }
        at += 1;
    }
    None
}

/// Rewrites what means something else to the `regex` crate: ASCII classes, literal braces, and
/// brackets and set operators inside classes.
fn translate(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 8);
    let mut rest = pattern;
    let mut in_class = false;
    let mut class_start = false;
    while let Some(c) = rest.chars().next() {
        let next = &rest[c.len_utf8()..];
        let at_start = std::mem::take(&mut class_start);
        match c {
            '\\' => {
                let Some(escaped) = next.chars().next() else {
                    out.push('\\');
                    break;
                };
                rest = &next[escaped.len_utf8()..];
                if matches!(escaped, 'p' | 'P' | 'x')
                    && let Some(name) = rest.strip_prefix('{').and_then(|rest| rest.split_once('}'))
                {
                    out.push('\\');
                    out.push(escaped);
                    out.push('{');
                    out.push_str(name.0);
                    out.push('}');
                    rest = name.1;
                    continue;
                }
                push_escape(&mut out, escaped, in_class);
                continue;
            }
            '[' if !in_class => {
                (in_class, class_start) = (true, true);
                out.push('[');
            }
            '[' if next.starts_with(':') && next.contains(":]") => {
                let end = next.find(":]").map_or(0, |at| at + 2);
                out.push('[');
                out.push_str(&next[..end]);
                rest = &next[end..];
                continue;
            }
            '[' => out.push_str("\\["),
            '^' if at_start => {
                class_start = true;
                out.push('^');
            }
            ']' if in_class && !at_start => {
                in_class = false;
                out.push(']');
            }
            ']' => out.push_str("\\]"),
            '&' | '~' if in_class => {
                out.push('\\');
                out.push(c);
            }
            '-' if in_class && next.starts_with('-') => out.push_str("\\-"),
            '{' if !in_class && !is_repetition(rest) => out.push_str("\\{"),
            '}' if !in_class && !out_is_repetition(&out) => out.push_str("\\}"),
            c => out.push(c),
        }
        rest = next;
    }
    out
}

fn push_escape(out: &mut String, escaped: char, in_class: bool) {
    let class = match escaped {
        'd' => "0-9",
        'w' => "0-9A-Za-z_",
        's' => "\\t\\n\\f\\r ",
        _ => {
            match escaped {
                'D' => out.push_str("[^0-9]"),
                'W' => out.push_str("[^0-9A-Za-z_]"),
                'S' => out.push_str("[^\\t\\n\\f\\r ]"),
                'b' | 'B' if !in_class => {
                    out.push_str("(?-u:\\");
                    out.push(escaped);
                    out.push(')');
                }
                'A' => out.push('^'),
                c => {
                    out.push('\\');
                    out.push(c);
                }
            }
            return;
        }
    };
    if in_class {
        out.push_str(class);
    } else {
        out.push('[');
        out.push_str(class);
        out.push(']');
    }
}

/// Whether the text starts with `{n}`, `{n,}` or `{n,m}`.
fn is_repetition(text: &str) -> bool {
    let Some(end) = text.find('}') else {
        return false;
    };
    let inner = &text[1..end];
    let (low, high) = inner.split_once(',').unwrap_or((inner, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    !low.is_empty() && digits(low) && digits(high)
}

/// Whether a `}` now would close a repetition that was passed through.
fn out_is_repetition(out: &str) -> bool {
    out.rfind('{')
        .is_some_and(|at| !out[..at].ends_with('\\') && is_repetition(&format!("{}}}", &out[at..])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_go_says() {
        for (pattern, expected) in [
            ("^(?:[)$", "error parsing regexp: missing closing ]: `[)$`"),
            (
                "^(?:*)$",
                "error parsing regexp: missing argument to repetition operator: `*`",
            ),
            ("(a", "error parsing regexp: missing closing ): `(a`"),
            (
                "a{1001}",
                "error parsing regexp: invalid repeat count: `{1001}`",
            ),
            (
                "a{3,2}",
                "error parsing regexp: invalid repeat count: `{3,2}`",
            ),
            ("a)", "error parsing regexp: unexpected ): `a)`"),
        ] {
            assert_eq!(
                compile(pattern).map_err(|e| e.to_string()).map(|_| ()),
                Err(expected.to_owned()),
                "{pattern}"
            );
        }
    }

    #[test]
    fn matches_what_go_matches() {
        for (pattern, text, expected) in [
            (r"^\d+$", "٣", false),
            (r"^a{2}$", "aa", true),
            (r"^{x}$", "{x}", true),
            (r"^[a[b]$", "[", true),
            (r"^[a&&b]$", "&", true),
            (r"^[]a]$", "]", true),
            (r"^[\w-]+$", "a-b", true),
            (r"^[[:alpha:]]+$", "ab", true),
            (r"(?i)^ABC$", "abc", true),
            (r"^\p{Greek}+$", "αβγ", true),
            (r"^[\P{Greek}]$", "a", true),
            (r"^\x{41}$", "A", true),
        ] {
            let regex = compile(pattern).expect(pattern);
            assert_eq!(regex.is_match(text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn huge_expressions_are_refused() {
        assert!(compile("((a{1000}){1000}){1000}").is_err());
    }
}
