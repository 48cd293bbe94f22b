//! Booleans, integers, strings and bytes under their verbs.

use super::{Printer, character, encoded, truncated};
use crate::Value;
use crate::quote::{self, Escapes};
use crate::unicode::is_print;

const LOWER: &[u8; 17] = b"0123456789abcdefx";
const UPPER: &[u8; 17] = b"0123456789ABCDEFX";

impl Printer {
    /// Says that a verb does not fit a value, and what the value is.
    pub(super) fn bad_verb(&mut self, value: &Value, verb: char) {
        self.erroring = true;
        self.push(b"%!");
        self.push_char(verb);
        self.push(b"(");
        if matches!(value, Value::Nil) {
            self.push(b"<nil>");
        } else {
            self.push(value.type_name().as_bytes());
            self.push(b"=");
            self.scalar(value, 'v');
        }
        self.push(b")");
        self.erroring = false;
    }

    pub(super) fn boolean(&mut self, value: bool, verb: char) {
        match verb {
            't' | 'v' => self.pad(if value { b"true" } else { b"false" }),
            _ => self.bad_verb(&Value::Bool(value), verb),
        }
    }

    /// A signed or an unsigned integer; `value` is only for saying that the verb is wrong.
    pub(super) fn integer(&mut self, number: u64, signed: bool, verb: char, value: &Value) {
        match verb {
            'v' if self.flags.sharp_v && !signed => self.hexadecimal(number, true),
            'v' | 'd' => self.in_base(number, 10, signed, verb),
            'b' => self.in_base(number, 2, signed, verb),
            'o' | 'O' => self.in_base(number, 8, signed, verb),
            'x' | 'X' => self.in_base(number, 16, signed, verb),
            'c' => self.pad(&encoded(character(number))),
            'q' => {
                let mut out = Vec::new();
                quote::quote_char(character(number), self.escapes(), &mut out);
                self.pad(&out);
            }
            'U' => self.code_point(number),
            _ => self.bad_verb(value, verb),
        }
    }

    pub(super) fn hexadecimal(&mut self, number: u64, prefixed: bool) {
        let sharp = std::mem::replace(&mut self.flags.sharp, prefixed);
        self.in_base(number, 16, false, 'v');
        self.flags.sharp = sharp;
    }

    fn escapes(&self) -> Escapes {
        if self.flags.plus {
            Escapes::NonAscii
        } else {
            Escapes::Unprintable
        }
    }

    fn in_base(&mut self, number: u64, base: u64, signed: bool, verb: char) {
        let negative = signed && (number as i64) < 0;
        let mut rest = if negative {
            number.wrapping_neg()
        } else {
            number
        };
        let flags = self.flags;
        let mut least = 0;
        if let Some(precision) = flags.precision {
            least = precision;
            if precision == 0 && number == 0 {
                // Nothing but the padding.
                let zero = std::mem::replace(&mut self.flags.zero, false);
                self.fill(flags.width.unwrap_or(0));
                self.flags.zero = zero;
                return;
            }
        } else if let Some(width) = flags.width
            && flags.zero
            && !flags.minus
        {
            least = width;
            if negative || flags.plus || flags.space {
                least = least.saturating_sub(1);
            }
        }
        let digits = if verb == 'X' { UPPER } else { LOWER };
        // From the last digit to the first.
        let mut out = Vec::with_capacity(24);
        while rest >= base {
            out.push(digits[(rest % base) as usize]);
            rest /= base;
        }
        out.push(digits[rest as usize]);
        if least > out.len() {
            out.resize(least.min(self.limit), b'0');
        }
        if flags.sharp {
            match base {
                2 => out.extend(b"b0"),
                8 if out.last() != Some(&b'0') => out.push(b'0'),
                16 => out.extend([digits[16], b'0']),
                _ => {}
            }
        }
        if verb == 'O' {
            out.extend(b"o0");
        }
        if negative {
            out.push(b'-');
        } else if flags.plus {
            out.push(b'+');
        } else if flags.space {
            out.push(b' ');
        }
        out.reverse();
        self.pad_with_space(&out);
    }

    /// `U+0041`, and with a sharp the character behind it.
    fn code_point(&mut self, code: u64) {
        let least = self.flags.precision.unwrap_or(4).max(4).min(self.limit);
        let mut text = format!("U+{code:0least$X}");
        if self.flags.sharp
            && let Some(c) = u32::try_from(code).ok().and_then(char::from_u32)
            && is_print(c)
        {
            text.push_str(&format!(" '{c}'"));
        }
        self.pad_with_space(text.as_bytes());
    }

    pub(super) fn string(&mut self, text: &[u8], verb: char, value: &Value) {
        match verb {
            'v' if self.flags.sharp_v => self.quoted(text),
            'v' | 's' => self.pad(truncated(text, self.flags.precision)),
            'x' | 'X' => self.hex_dump(text, verb),
            'q' => self.quoted(text),
            _ => self.bad_verb(value, verb),
        }
    }

    pub(super) fn quoted(&mut self, text: &[u8]) {
        let text = truncated(text, self.flags.precision);
        let mut out = Vec::with_capacity(text.len() + 2);
        if self.flags.sharp && quote::can_backquote(text) {
            out.push(b'`');
            out.extend_from_slice(text);
            out.push(b'`');
        } else {
            quote::quote(text, self.escapes(), &mut out);
        }
        self.pad(&out);
    }

    /// Each byte in two digits.
    pub(super) fn hex_dump(&mut self, text: &[u8], verb: char) {
        let digits = if verb == 'X' { UPPER } else { LOWER };
        let flags = self.flags;
        let length = text.len().min(flags.precision.unwrap_or(usize::MAX));
        if length == 0 {
            return self.fill(flags.width.unwrap_or(0));
        }
        let prefix = [b'0', digits[16]];
        let mut out = Vec::with_capacity(length * 2 + 2);
        for (index, byte) in text[..length].iter().enumerate() {
            if index > 0 && flags.space {
                out.push(b' ');
            }
            if flags.sharp && (index == 0 || flags.space) {
                out.extend(prefix);
            }
            out.push(digits[usize::from(byte >> 4)]);
            out.push(digits[usize::from(byte & 15)]);
        }
        let missing = flags.width.unwrap_or(0).saturating_sub(out.len());
        if !flags.minus {
            self.fill(missing);
        }
        self.push(&out);
        if flags.minus {
            self.fill(missing);
        }
    }

    /// A `[]byte`.
    pub(super) fn bytes(&mut self, bytes: &[u8], verb: char, type_name: &str) {
        match verb {
            'v' | 'd' if self.flags.sharp_v => {
                self.push(type_name.as_bytes());
                self.push(b"{");
                for (index, byte) in bytes.iter().enumerate() {
                    if index > 0 {
                        self.push(b", ");
                    }
                    self.hexadecimal((*byte).into(), true);
                }
                self.push(b"}");
            }
            'v' | 'd' => {
                self.push(b"[");
                for (index, byte) in bytes.iter().enumerate() {
                    if index > 0 {
                        self.push(b" ");
                    }
                    self.in_base((*byte).into(), 10, false, verb);
                }
                self.push(b"]");
            }
            's' => self.pad(truncated(bytes, self.flags.precision)),
            'x' | 'X' => self.hex_dump(bytes, verb),
            'q' => self.quoted(bytes),
            _ => {}
        }
    }
}
