//! Texts made to fit: `abbrev`, `abbrevboth`, `wrap`, `wrapWith`.
//!
//! Source: Masterminds/goutils v1.1.1 `stringutils.go`, `wordutils.go`

use go_template::{Budget, Failure};

const DOTS: &[u8] = b"...";

/// The text cut to `most` bytes, with dots where something is missing; `offset` is to stay visible.
pub(super) fn abbreviated(text: &[u8], offset: i64, most: i64) -> Vec<u8> {
    let length = text.len() as i64;
    if text.is_empty() || length <= most {
        return text.to_vec();
    }
    let mut offset = offset.min(length);
    if length.saturating_sub(offset) < most - 3 {
        offset = length - (most - 3);
    }
    if offset <= 4 {
        return [&text[..(most - 3) as usize], DOTS].concat();
    }
    if most < 7 {
        return Vec::new();
    }
    if offset + most - 3 < length {
        let rest = abbreviated(&text[offset as usize..], 0, most - 3);
        return [DOTS, &rest].concat();
    }
    [DOTS, &text[(length - (most - 3)) as usize..]].concat()
}

/// Lines of at most `width` bytes, broken at spaces. With a separator of its own, long words are broken too.
pub(super) fn wrapped(
    budget: &Budget<'_>,
    text: &[u8],
    width: i64,
    with: Option<&[u8]>,
) -> Result<Vec<u8>, Failure> {
    let line_break = with.filter(|it| !it.is_empty()).unwrap_or(b"\n");
    let width = usize::try_from(width.max(1)).unwrap_or(usize::MAX);
    budget.bytes(text.len())?;
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while rest.len() > width {
        if rest[0] == b' ' {
            rest = &rest[1..];
            continue;
        }
        let space = rest[..=width].iter().rposition(|it| *it == b' ');
        let (end, next) = match space {
            Some(at) => (at, at + 1),
            None if with.is_some() => (width, width),
            None => match rest[width..].iter().position(|it| *it == b' ') {
                Some(at) => (width + at, width + at + 1),
                None => break,
            },
        };
        budget.bytes(line_break.len() + 64)?;
        out.extend_from_slice(&rest[..end]);
        out.extend_from_slice(line_break);
        rest = &rest[next..];
    }
    out.extend_from_slice(rest);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use go_template::Limits;

    use super::*;

    #[track_caller]
    fn check(width: i64, with: Option<&str>, text: &str, expect: &str) {
        let budget = Budget::untimed(Limits::default());
        let lines = wrapped(&budget, text.as_bytes(), width, with.map(str::as_bytes)).unwrap();
        assert_eq!(String::from_utf8_lossy(&lines), expect);
    }

    #[test]
    fn lines_break_at_spaces() {
        check(5, None, "Hello World", "Hello\nWorld");
        check(3, None, "abcdef gh ij", "abcdef\ngh\nij");
        check(3, Some("|"), "abcdefgh", "abc|def|gh");
        check(0, Some(""), "ab", "a\nb");
    }

    #[test]
    fn what_is_cut_off_leaves_dots() {
        assert_eq!(abbreviated(b"hello world", 0, 5), b"he...");
        assert_eq!(abbreviated(b"1234 5678 9123", 5, 10), b"...5678...");
        assert_eq!(abbreviated(b"hi", 0, 5), b"hi");
    }
}
