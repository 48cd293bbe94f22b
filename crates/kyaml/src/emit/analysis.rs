//! Which styles a scalar's text allows.
//!
//! Source: go.yaml.in/yaml v2.4 and v3.0 `emitterc.go`.

use crate::resolve::Rules;

/// What a text allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts about one text"
)]
pub(super) struct Analysis {
    /// Has line breaks.
    pub(super) multiline: bool,
    /// May be plain inside `{}` and `[]`.
    pub(super) flow_plain: bool,
    /// May be plain elsewhere.
    pub(super) block_plain: bool,
    /// May be single quoted.
    pub(super) single_quoted: bool,
    /// May be a block scalar.
    pub(super) block: bool,
}

/// The length in bytes of a line break at the start of `bytes`; 0 if there is none.
/// Next line and the two Unicode separators count.
pub(super) fn break_length(bytes: &[u8]) -> usize {
    match bytes {
        [b'\r' | b'\n', ..] => 1,
        [0xC2, 0x85, ..] => 2,
        [0xE2, 0x80, 0xA8 | 0xA9, ..] => 3,
        _ => 0,
    }
}

/// The length in bytes of the character that starts with this byte.
pub(crate) const fn width(lead: u8) -> usize {
    match lead {
        0..=0x7F => 1,
        0x80..=0xDF => 2,
        0xE0..=0xEF => 3,
        _ => 4,
    }
}

/// Whether the emitter writes the character as it is. Characters beyond the basic plane are not.
pub(super) fn is_printable(bytes: &[u8]) -> bool {
    match bytes {
        [b'\n' | 0x20..=0x7E, ..] => true,
        [0xC2, second, ..] => *second >= 0xA0,
        [0xED, second, ..] => *second < 0xA0,
        [0xEF, 0xBB, 0xBF, ..] | [0xEF, 0xBF, 0xBE | 0xBF, ..] => false,
        [0xC3..=0xEF, ..] => true,
        _ => false,
    }
}

#[derive(Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts about one text"
)]
struct Seen {
    block_indicator: bool,
    flow_indicator: bool,
    line_break: bool,
    special: bool,
    tab: bool,
    outer_space: bool,
    trailing_space: bool,
    break_space: bool,
    space_break: bool,
}

const fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

impl Analysis {
    /// Analyses a text by the rules of one library.
    pub(super) fn of(text: &str, rules: Rules) -> Self {
        if text.is_empty() {
            return Self {
                multiline: false,
                flow_plain: false,
                block_plain: true,
                single_quoted: true,
                block: false,
            };
        }
        let mut seen = Seen::default();
        if text.starts_with("---") || text.starts_with("...") {
            seen.block_indicator = true;
            seen.flow_indicator = true;
        }
        seen.scan(text.as_bytes());
        if rules == Rules::V2 && seen.tab {
            seen.special = true;
        }
        let outer = seen.outer_space || seen.line_break;
        let odd = seen.space_break || seen.tab || seen.special;
        let plain = !(outer || seen.break_space || odd);
        Self {
            multiline: seen.line_break,
            flow_plain: plain && !seen.flow_indicator,
            block_plain: plain && !seen.block_indicator,
            single_quoted: !(seen.break_space || odd),
            block: !(seen.trailing_space || seen.space_break || seen.special),
        }
    }
}

impl Seen {
    fn scan(&mut self, bytes: &[u8]) {
        let mut previous_space = false;
        let mut previous_break = false;
        let mut after_blank = true;
        let mut at = 0;
        while at < bytes.len() {
            let byte = bytes[at];
            if at > 0 && (byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'/' | b'_'))
            {
                previous_space = false;
                previous_break = false;
                after_blank = false;
                at += 1;
                continue;
            }
            let next = at + width(byte);
            let before_blank = bytes.get(next).is_none_or(|b| is_blank(*b));
            self.indicators(byte, at == 0, after_blank, before_blank);
            let rest = &bytes[at..];
            if byte == b'\t' {
                self.tab = true;
            } else if !is_printable(rest) {
                self.special = true;
            }
            let outer = at == 0 || next >= bytes.len();
            let broken = break_length(rest) > 0;
            if byte == b' ' {
                self.outer_space |= outer;
                self.trailing_space |= next >= bytes.len();
                self.break_space |= previous_break;
            } else if broken {
                self.line_break = true;
                self.space_break |= previous_space;
            }
            previous_space = byte == b' ';
            previous_break = broken;
            after_blank = is_blank(byte) || broken;
            at = next;
        }
    }

    fn indicators(&mut self, byte: u8, first: bool, after_blank: bool, before_blank: bool) {
        match byte {
            b'#' | b',' | b'[' | b']' | b'{' | b'}' | b'&' | b'*' | b'!' | b'|' | b'>' | b'\''
            | b'"' | b'%' | b'@' | b'`'
                if first =>
            {
                self.flow_indicator = true;
                self.block_indicator = true;
            }
            b'?' if first => {
                self.flow_indicator = true;
                self.block_indicator |= before_blank;
            }
            b'-' if first && before_blank => {
                self.flow_indicator = true;
                self.block_indicator = true;
            }
            b',' | b'?' | b'[' | b']' | b'{' | b'}' => self.flow_indicator = true,
            b':' => {
                self.flow_indicator = true;
                self.block_indicator |= before_blank;
            }
            b'#' if after_blank => {
                self.flow_indicator = true;
                self.block_indicator = true;
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indicators_forbid_plain_text() {
        for text in [
            "*x", "a: b", "a #b", "- a", "-", "? a", "---", "a:", " a", "a ",
        ] {
            assert!(!Analysis::of(text, Rules::V2).block_plain, "{text}");
        }
        for text in ["a:b", "a#b", "-a", "?a", "http://x", "a, b", "a[0]"] {
            assert!(Analysis::of(text, Rules::V2).block_plain, "{text}");
        }
    }

    #[test]
    fn tabs_are_special_only_in_v2() {
        assert!(!Analysis::of("a\tb\n", Rules::V2).block);
        assert!(Analysis::of("a\tb\n", Rules::V3).block);
        assert!(!Analysis::of("a\tb", Rules::V3).single_quoted);
    }

    #[test]
    fn emoji_are_not_printable() {
        assert!(!Analysis::of("\u{1F600}", Rules::V3).block_plain);
        assert!(Analysis::of("ü", Rules::V3).block_plain);
    }
}
