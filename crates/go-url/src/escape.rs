//! Percent escapes, and which bytes need them in which part of a URL.

use go_template::quote::quoted;

/// A part of a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The path.
    Path,
    /// The host, its port included.
    Host,
    /// The zone of an IPv6 address.
    Zone,
    /// The user, and the password.
    User,
    /// What follows `#`.
    Fragment,
}

fn must_escape(byte: u8, part: Part) -> bool {
    if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
        return false;
    }
    if matches!(part, Part::Host | Part::Zone) {
        return !b"!$&'()*+,;=:[]<>\"".contains(&byte);
    }
    if b"$&+,/:;=?@".contains(&byte) {
        return match part {
            Part::Path => byte == b'?',
            Part::User => matches!(byte, b'@' | b'/' | b'?' | b':'),
            _ => false,
        };
    }
    !(part == Part::Fragment && b"!()*".contains(&byte))
}

/// The text with its escapes.
#[must_use]
pub fn escape(text: &[u8], part: Part) -> Vec<u8> {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let mut out = Vec::with_capacity(text.len());
    for byte in text {
        if must_escape(*byte, part) {
            let digits = [byte >> 4, byte & 15].map(|it| DIGITS[usize::from(it)]);
            out.push(b'%');
            out.extend_from_slice(&digits);
        } else {
            out.push(*byte);
        }
    }
    out
}

/// The text without its escapes, or Go's error.
pub(crate) fn unescape(text: &[u8], part: Part) -> Result<Vec<u8>, String> {
    let refused = |at: usize| {
        let end = text.len().min(at + 3);
        format!("invalid URL escape {}", quoted(&text[at..end]))
    };
    let host = matches!(part, Part::Host | Part::Zone);
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        if *byte != b'%' {
            if host && *byte < 0x80 && must_escape(*byte, part) {
                let byte = quoted(&[*byte]);
                return Err(format!("invalid character {byte} in host name"));
            }
            out.push(*byte);
            at += 1;
            continue;
        }
        let digit = |index: usize| {
            let byte = text.get(index).copied();
            byte.and_then(|it| char::from(it).to_digit(16))
        };
        let (Some(high), Some(low)) = (digit(at + 1), digit(at + 2)) else {
            return Err(refused(at));
        };
        let value = (high << 4 | low) as u8;
        let percent = value == b'%';
        if part == Part::Host && high < 8 && !percent {
            return Err(refused(at));
        }
        if part == Part::Zone && !percent && value != b' ' && must_escape(value, Part::Host) {
            return Err(refused(at));
        }
        out.push(value);
        at += 3;
    }
    Ok(out)
}
