//! Text in lines of bounded width, each behind a prefix.
//!
//! Source: mitchellh/go-wordwrap v1.0 `WrapString`, goware/prefixer.

const NO_BREAK_SPACE: char = '\u{A0}';

/// Breaks lines at spaces so that they have at most `limit` characters, except for words longer than that.
pub(super) fn wrap(text: &str, limit: usize) -> String {
    let mut out = String::with_capacity(text.len());
    let (mut word, mut space) = (String::new(), String::new());
    let (mut current, mut word_length, mut space_length) = (0, 0, 0);
    for char in text.chars() {
        let is_space = char.is_whitespace() && char != NO_BREAK_SPACE;
        if char == '\n' {
            if word_length > 0 || current + space_length <= limit {
                out.push_str(&space);
            }
            out.push_str(&word);
            out.push(char);
            word.clear();
            space.clear();
            (current, word_length, space_length) = (0, 0, 0);
        } else if is_space {
            if space_length == 0 || word_length > 0 {
                current += space_length + word_length;
                out.push_str(&space);
                out.push_str(&word);
                space.clear();
                word.clear();
                (word_length, space_length) = (0, 0);
            }
            space.push(char);
            space_length += 1;
        } else {
            word.push(char);
            word_length += 1;
            if current + word_length + space_length > limit && word_length < limit {
                out.push('\n');
                current = 0;
                space.clear();
                space_length = 0;
            }
        }
    }
    if word_length > 0 || current + space_length <= limit {
        out.push_str(&space);
    }
    out.push_str(&word);
    out
}

/// Puts `prefix` before every line.
pub(super) fn prefix_lines(text: &str, prefix: &str) -> String {
    text.split_inclusive('\n')
        .flat_map(|line| [prefix, line])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn breaks_at_spaces_only() {
        assert_eq!(wrap("aa bb cc", 5), "aa bb\ncc");
        assert_eq!(wrap("aaaaaaaa bb", 5), "aaaaaaaa\nbb");
        assert_eq!(wrap("a\nb  c", 20), "a\nb  c");
    }

    #[test]
    fn every_line_gets_the_prefix() {
        assert_eq!(prefix_lines("a\n\nb", "  "), "  a\n  \n  b");
    }
}
