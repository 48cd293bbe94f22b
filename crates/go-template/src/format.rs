//! Go's `fmt`: `Sprint`, `Sprintln`, `Sprintf`.
//!
//! Source: Go 1.26 `fmt/print.go`, `fmt/format.go`

mod float;
mod scalar;
mod value;

use crate::unicode::{self, encode};
use crate::{Budget, Failure, Str, Value};

pub use float::{Style as FloatStyle, append as append_float};

/// A width or precision beyond this is none.
const WIDEST: usize = 1_000_000;

/// `fmt.Sprint`: a space between two operands when neither is a string.
///
/// # Errors
/// The budget is used up.
pub fn sprint(args: &[Value], budget: &Budget<'_>) -> Result<Str, Failure> {
    let mut printer = Printer::new(budget.bytes_left());
    let mut text_before = true;
    for arg in args {
        let text = matches!(arg, Value::Str(_));
        if !text && !text_before {
            printer.push(b" ");
        }
        printer.argument(arg, 'v');
        text_before = text;
    }
    printer.finish(budget)
}

/// `fmt.Sprintln`: a space between all operands and a line break at the end.
///
/// # Errors
/// The budget is used up.
pub fn sprintln(args: &[Value], budget: &Budget<'_>) -> Result<Str, Failure> {
    let mut printer = Printer::new(budget.bytes_left());
    for (index, arg) in args.iter().enumerate() {
        if index > 0 {
            printer.push(b" ");
        }
        printer.argument(arg, 'v');
    }
    printer.push(b"\n");
    printer.finish(budget)
}

/// `fmt.Sprintf`.
///
/// # Errors
/// The budget is used up.
pub fn sprintf(format: &[u8], args: &[Value], budget: &Budget<'_>) -> Result<Str, Failure> {
    let mut printer = Printer::new(budget.bytes_left());
    Directives {
        printer: &mut printer,
        format,
        args,
        at: 0,
        next: 0,
        reordered: false,
        good: true,
        after_index: false,
    }
    .run();
    printer.finish(budget)
}

/// Appends one value as `%v` prints it.
///
/// # Errors
/// The budget is used up.
pub(crate) fn append(value: &Value, out: &mut Vec<u8>, budget: &Budget<'_>) -> Result<(), Failure> {
    if let Value::Str(text) = value {
        budget.bytes(text.len())?;
        out.extend_from_slice(text);
        return Ok(());
    }
    let mut printer = Printer::new(budget.bytes_left());
    printer.out = std::mem::take(out);
    printer.limit = printer.limit.saturating_add(printer.out.len());
    let before = printer.out.len();
    printer.argument(value, 'v');
    let outcome = printer.check(budget);
    *out = printer.out;
    outcome.and_then(|()| budget.bytes(out.len() - before))
}

/// One value under a verb, cut off where it gets long; for messages.
pub(crate) fn message(value: &Value, verb: char) -> String {
    let mut printer = Printer::new(64 << 10);
    printer.argument(value, verb);
    crate::unicode::lossy(&printer.out).into_owned()
}

/// The flags of a directive. `plus_v` and `sharp_v` are `+` and `#` before a `v`.
#[derive(Clone, Copy, Default)]
struct Flags {
    minus: bool,
    plus: bool,
    sharp: bool,
    space: bool,
    zero: bool,
    plus_v: bool,
    sharp_v: bool,
    width: Option<usize>,
    precision: Option<usize>,
}

/// Prints values into a buffer that does not outgrow its limit.
struct Printer {
    out: Vec<u8>,
    flags: Flags,
    /// A value of the wrong type is being described: its methods stay out of it.
    erroring: bool,
    limit: usize,
    over: bool,
}

impl Printer {
    fn new(limit: usize) -> Self {
        Self {
            out: Vec::new(),
            flags: Flags::default(),
            erroring: false,
            limit,
            over: false,
        }
    }

    fn check(&self, budget: &Budget<'_>) -> Result<(), Failure> {
        if self.over {
            return budget.bytes(usize::MAX);
        }
        Ok(())
    }

    fn finish(self, budget: &Budget<'_>) -> Result<Str, Failure> {
        self.check(budget)?;
        budget.bytes(self.out.len())?;
        Ok(Str::from(self.out))
    }

    fn push(&mut self, bytes: &[u8]) {
        if self.out.len().saturating_add(bytes.len()) > self.limit {
            self.over = true;
            return;
        }
        self.out.extend_from_slice(bytes);
    }

    fn push_char(&mut self, c: char) {
        self.push(c.encode_utf8(&mut [0; 4]).as_bytes());
    }

    fn fill(&mut self, count: usize) {
        if self.out.len().saturating_add(count) > self.limit {
            self.over = true;
            return;
        }
        let with = if self.flags.zero && !self.flags.minus {
            b'0'
        } else {
            b' '
        };
        self.out.resize(self.out.len() + count, with);
    }

    /// Appends a text, filled up to the width.
    fn pad(&mut self, text: &[u8]) {
        let Some(width) = self.flags.width.filter(|it| *it > 0) else {
            return self.push(text);
        };
        let missing = width.saturating_sub(unicode::count(text));
        if self.flags.minus {
            self.push(text);
            self.fill(missing);
        } else {
            self.fill(missing);
            self.push(text);
        }
    }

    /// The same, but never filled with zeros.
    fn pad_with_space(&mut self, text: &[u8]) {
        let zero = std::mem::replace(&mut self.flags.zero, false);
        self.pad(text);
        self.flags.zero = zero;
    }
}

/// One run over a format.
struct Directives<'a> {
    printer: &'a mut Printer,
    format: &'a [u8],
    args: &'a [Value],
    /// Where we are in the format.
    at: usize,
    /// The argument that comes next.
    next: usize,
    /// An explicit index was used, so nothing is said about arguments that are left.
    reordered: bool,
    /// The index was one of an argument.
    good: bool,
    /// An index stands directly before here.
    after_index: bool,
}

impl Directives<'_> {
    fn run(mut self) {
        while self.at < self.format.len() && !self.printer.over {
            let rest = &self.format[self.at..];
            let text = rest.iter().position(|it| *it == b'%').unwrap_or(rest.len());
            self.printer.push(&rest[..text]);
            self.at += text + 1;
            if self.at > self.format.len() {
                break;
            }
            self.good = true;
            self.after_index = false;
            if !self.directive() {
                break;
            }
        }
        if !self.reordered && self.next < self.args.len() {
            self.extra();
        }
    }

    fn here(&self) -> Option<u8> {
        self.format.get(self.at).copied()
    }

    /// What follows a percent sign. Says whether the format goes on.
    fn directive(&mut self) -> bool {
        self.printer.flags = Flags::default();
        self.flags();
        self.index();
        self.width();
        self.precision();
        if !self.after_index {
            self.index();
        }
        let Some((verb, length)) = unicode::decode(&self.format[self.at.min(self.format.len())..])
        else {
            self.printer.push(b"%!(NOVERB)");
            return false;
        };
        self.at += length;
        self.verb(verb);
        true
    }

    fn flags(&mut self) {
        loop {
            let flags = &mut self.printer.flags;
            match self.format.get(self.at) {
                Some(b'#') => flags.sharp = true,
                Some(b'0') => flags.zero = true,
                Some(b'+') => flags.plus = true,
                Some(b'-') => flags.minus = true,
                Some(b' ') => flags.space = true,
                _ => return,
            }
            self.at += 1;
        }
    }

    fn width(&mut self) {
        if self.here() == Some(b'*') {
            self.at += 1;
            match self.number_argument() {
                None => self.printer.push(b"%!(BADWIDTH)"),
                Some(width) => {
                    self.printer.flags.width = Some(width.unsigned_abs() as usize);
                    if width < 0 {
                        self.printer.flags.minus = true;
                        self.printer.flags.zero = false;
                    }
                }
            }
            self.after_index = false;
        } else {
            self.printer.flags.width = self.digits();
            if self.after_index && self.printer.flags.width.is_some() {
                self.good = false;
            }
        }
    }

    fn precision(&mut self) {
        if self.here() != Some(b'.') || self.at + 1 >= self.format.len() {
            return;
        }
        self.at += 1;
        if self.after_index {
            self.good = false;
        }
        self.index();
        if self.here() == Some(b'*') {
            self.at += 1;
            let precision = self.number_argument().filter(|it| *it >= 0);
            match precision {
                None => self.printer.push(b"%!(BADPREC)"),
                Some(it) => self.printer.flags.precision = Some(it.unsigned_abs() as usize),
            }
            self.after_index = false;
        } else {
            self.printer.flags.precision = Some(self.digits().unwrap_or(0));
        }
    }

    /// A number in the format. One that is far too long swallows the rest of the format.
    fn digits(&mut self) -> Option<usize> {
        if self.at >= self.format.len() {
            return None;
        }
        let (number, at) = parse_digits(self.format, self.at, self.format.len());
        self.at = at;
        number
    }

    /// An argument as a width or precision.
    fn number_argument(&mut self) -> Option<i64> {
        let arg = self.args.get(self.next)?;
        self.next += 1;
        let number = match arg {
            Value::Int(_, number) => *number,
            Value::Uint(_, number) => i64::try_from(*number).ok()?,
            _ => return None,
        };
        (number.unsigned_abs() <= WIDEST as u64).then_some(number)
    }

    /// An explicit argument index, `[3]`.
    fn index(&mut self) {
        if self.here() != Some(b'[') {
            self.after_index = false;
            return;
        }
        self.reordered = true;
        let rest = &self.format[self.at..];
        let closing = rest.iter().position(|it| *it == b']');
        let Some(closing) = closing.filter(|_| rest.len() >= 3) else {
            self.at += 1;
            self.good = false;
            self.after_index = false;
            return;
        };
        let (number, end) = parse_digits(rest, 1, closing);
        self.at += closing + 1;
        let number = number.filter(|_| end == closing);
        self.after_index = number.is_some();
        match number.and_then(|it| it.checked_sub(1)) {
            Some(index) if index < self.args.len() => self.next = index,
            _ => self.good = false,
        }
    }

    fn verb(&mut self, verb: char) {
        if verb == '%' {
            return self.printer.push(b"%");
        }
        let problem: &[u8] = if !self.good {
            b"(BADINDEX)"
        } else if self.next >= self.args.len() {
            b"(MISSING)"
        } else {
            if matches!(verb, 'v' | 'w') {
                let flags = &mut self.printer.flags;
                flags.sharp_v = std::mem::take(&mut flags.sharp);
                flags.plus_v = std::mem::take(&mut flags.plus);
            }
            self.printer.argument(&self.args[self.next], verb);
            self.next += 1;
            return;
        };
        self.printer.push(b"%!");
        self.printer.push_char(verb);
        self.printer.push(problem);
    }

    /// Names the arguments that no directive used.
    fn extra(&mut self) {
        self.printer.flags = Flags::default();
        self.printer.push(b"%!(EXTRA ");
        for (index, arg) in self.args[self.next..].iter().enumerate() {
            if index > 0 {
                self.printer.push(b", ");
            }
            if matches!(arg, Value::Nil) {
                self.printer.push(b"<nil>");
            } else {
                self.printer.push(arg.type_name().as_bytes());
                self.printer.push(b"=");
                self.printer.argument(arg, 'v');
            }
        }
        self.printer.push(b")");
    }
}

/// Decimal digits from `start` and where they end; too large a number ends at `end`.
fn parse_digits(text: &[u8], start: usize, end: usize) -> (Option<usize>, usize) {
    let mut number = None;
    let mut at = start;
    while at < end && text[at].is_ascii_digit() {
        let so_far = number.unwrap_or(0);
        if so_far > WIDEST {
            return (None, end);
        }
        number = Some(so_far * 10 + usize::from(text[at] - b'0'));
        at += 1;
    }
    (number, at)
}

/// A text cut after a number of characters.
fn truncated(text: &[u8], precision: Option<usize>) -> &[u8] {
    let Some(precision) = precision else {
        return text;
    };
    let lengths = unicode::Runes(text)
        .take(precision)
        .map(|(_, length)| length);
    &text[..lengths.sum()]
}

/// A character from a number, as `%c` takes it.
fn character(code: u64) -> char {
    u32::try_from(code)
        .ok()
        .and_then(char::from_u32)
        .unwrap_or(unicode::REPLACEMENT)
}

/// A character as bytes.
fn encoded(c: char) -> Vec<u8> {
    let mut out = Vec::new();
    encode(c, &mut out);
    out
}
