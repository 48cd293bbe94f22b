//! Floating-point numbers: `strconv.AppendFloat`, and what `fmt` adds to it.
//!
//! Source: Go 1.26 `strconv/ftoa.go`, `fmt/format.go` `fmtFloat`

use super::Printer;
use crate::Value;

/// More digits than these after the point of a `float64` are zeros.
const DIGITS: usize = 1100;

/// How a number is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// `%e`: with an exponent.
    Exponent,
    /// `%f`: without one.
    Fixed,
    /// `%g`: with one where it is large.
    General,
    /// `%x`: hexadecimal, with a binary exponent.
    Hexadecimal,
    /// `%b`: a whole mantissa and a binary exponent.
    Binary,
}

/// Decimal digits without trailing zeros, and where the point stands among them.
struct Decimal {
    digits: Vec<u8>,
    point: i32,
}

impl Decimal {
    /// The fewest digits that tell the number apart, or as many as asked for.
    fn of(value: f64, significant: Option<usize>) -> Self {
        if value == 0.0 {
            let digits = Vec::new();
            return Self { digits, point: 0 };
        }
        let text = match significant {
            None => format!("{:e}", value.abs()),
            Some(count) => format!("{:.*e}", count.clamp(1, DIGITS) - 1, value.abs()),
        };
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let mut digits: Vec<u8> = mantissa.bytes().filter(u8::is_ascii_digit).collect();
        while digits.last() == Some(&b'0') {
            digits.pop();
        }
        let point = exponent.parse::<i32>().unwrap_or(0) + 1;
        Self { digits, point }
    }

    fn exponent(&self, precision: usize, letter: u8, out: &mut Vec<u8>) {
        out.push(self.digits.first().copied().unwrap_or(b'0'));
        if precision > 0 {
            out.push(b'.');
            let rest = self.digits.get(1..).unwrap_or(&[]);
            let kept = rest.len().min(precision);
            out.extend_from_slice(&rest[..kept]);
            out.resize(out.len() + precision - kept, b'0');
        }
        let exponent = if self.digits.is_empty() {
            0
        } else {
            self.point - 1
        };
        power(exponent, letter, out);
    }

    fn fixed(&self, precision: usize, out: &mut Vec<u8>) {
        let point = self.point.max(0) as usize;
        if point == 0 {
            out.push(b'0');
        }
        for index in 0..point {
            out.push(self.digits.get(index).copied().unwrap_or(b'0'));
        }
        if precision > 0 {
            out.push(b'.');
            for index in 0..precision as i64 {
                let at = usize::try_from(i64::from(self.point) + index).ok();
                let digit = at.and_then(|it| self.digits.get(it)).copied();
                out.push(digit.unwrap_or(b'0'));
            }
        }
    }
}

/// An exponent: its letter, a sign, and two digits at least.
fn power(exponent: i32, letter: u8, out: &mut Vec<u8>) {
    out.push(letter);
    out.push(if exponent < 0 { b'-' } else { b'+' });
    out.extend_from_slice(format!("{:02}", exponent.unsigned_abs()).as_bytes());
}

/// Appends a number, without a precision in as few digits as tell it apart. `upper` is for letters.
pub fn append(value: f64, style: Style, precision: Option<usize>, upper: bool, out: &mut Vec<u8>) {
    if value.is_nan() {
        return out.extend_from_slice(b"NaN");
    }
    if value.is_infinite() {
        return out.extend_from_slice(if value < 0.0 { b"-Inf" } else { b"+Inf" });
    }
    if value.is_sign_negative() {
        out.push(b'-');
    }
    let letter = |lower: u8| {
        if upper {
            lower.to_ascii_uppercase()
        } else {
            lower
        }
    };
    match style {
        Style::Exponent => {
            let decimal = Decimal::of(value, precision.map(|it| it.saturating_add(1)));
            let shortest = decimal.digits.len().saturating_sub(1);
            decimal.exponent(precision.unwrap_or(shortest), letter(b'e'), out);
        }
        Style::Fixed => fixed(value, precision, out),
        Style::General => general(value, precision, letter(b'e'), out),
        Style::Hexadecimal => hexadecimal(value, precision, upper, out),
        Style::Binary => {
            let (mantissa, exponent) = parts(value);
            out.extend_from_slice(mantissa.to_string().as_bytes());
            let exponent = exponent - 52;
            out.extend_from_slice(format!("p{exponent:+}").as_bytes());
        }
    }
}

fn fixed(value: f64, precision: Option<usize>, out: &mut Vec<u8>) {
    let Some(precision) = precision else {
        let decimal = Decimal::of(value, None);
        let digits = decimal.digits.len() as i32;
        return decimal.fixed((digits - decimal.point).max(0) as usize, out);
    };
    let exact = precision.min(DIGITS);
    out.extend_from_slice(format!("{:.exact$}", value.abs()).as_bytes());
    out.resize(out.len() + precision - exact, b'0');
}

fn general(value: f64, precision: Option<usize>, letter: u8, out: &mut Vec<u8>) {
    let precision = precision.map(|it| it.max(1));
    let decimal = Decimal::of(value, precision);
    let (count, point) = (decimal.digits.len(), decimal.point);
    let threshold = match precision {
        None => 6,
        Some(precision) if precision > count && count as i64 >= i64::from(point) => count,
        Some(precision) => precision,
    };
    let exponent = point - 1;
    if exponent < -4 || i64::from(exponent) >= threshold as i64 {
        let precision = precision.unwrap_or(count).min(count);
        return decimal.exponent(precision.saturating_sub(1), letter, out);
    }
    let precision = match precision {
        Some(precision) if precision as i64 <= i64::from(point) => precision,
        _ => count,
    };
    decimal.fixed((precision as i64 - i64::from(point)).max(0) as usize, out);
}

/// Mantissa and exponent, the exponent being that of the mantissa's top bit.
fn parts(value: f64) -> (u64, i32) {
    let bits = value.to_bits();
    let mantissa = bits & ((1 << 52) - 1);
    match (bits >> 52 & 0x7ff) as i32 {
        0 => (mantissa, -1022),
        exponent => (mantissa | 1 << 52, exponent - 1023),
    }
}

fn hexadecimal(value: f64, precision: Option<usize>, upper: bool, out: &mut Vec<u8>) {
    let (mut mantissa, mut exponent) = parts(value);
    if mantissa == 0 {
        exponent = 0;
    }
    mantissa <<= 8;
    while mantissa != 0 && mantissa & 1 << 60 == 0 {
        mantissa <<= 1;
        exponent -= 1;
    }
    if let Some(precision) = precision.filter(|it| *it < 15) {
        let shift = precision as u32 * 4;
        let extra = mantissa << shift & ((1 << 60) - 1);
        mantissa >>= 60 - shift;
        if extra | mantissa & 1 > 1 << 59 {
            mantissa += 1;
        }
        mantissa <<= 60 - shift;
        if mantissa & 1 << 61 != 0 {
            mantissa >>= 1;
            exponent += 1;
        }
    }
    let digits = if upper {
        b"0123456789ABCDEF"
    } else {
        b"0123456789abcdef"
    };
    out.extend([b'0', if upper { b'X' } else { b'x' }]);
    out.push(b'0' + (mantissa >> 60 & 1) as u8);
    mantissa <<= 4;
    if precision.map_or(mantissa != 0, |it| it > 0) {
        out.push(b'.');
        let mut left = precision.unwrap_or(usize::MAX);
        while left > 0 && (precision.is_some() || mantissa != 0) {
            out.push(digits[(mantissa >> 60 & 15) as usize]);
            mantissa <<= 4;
            left -= 1;
        }
    }
    power(exponent, if upper { b'P' } else { b'p' }, out);
}

impl Printer {
    pub(super) fn float(&mut self, value: f64, verb: char, whole: &Value) {
        let (style, default) = match verb {
            'v' | 'g' | 'G' => (Style::General, None),
            'b' => (Style::Binary, None),
            'x' | 'X' => (Style::Hexadecimal, None),
            'e' | 'E' => (Style::Exponent, Some(6)),
            'f' | 'F' => (Style::Fixed, Some(6)),
            _ => return self.bad_verb(whole, verb),
        };
        let precision = self.flags.precision.or(default);
        if precision.is_some_and(|it| it > self.limit) {
            self.over = true;
            return;
        }
        let mut number = vec![b'+'];
        append(
            value,
            style,
            precision,
            verb.is_ascii_uppercase(),
            &mut number,
        );
        if matches!(number.get(1), Some(b'-' | b'+')) {
            number.remove(0);
        }
        self.signed(number, verb, precision);
    }

    /// A number with its sign in front: what flags do to it.
    fn signed(&mut self, mut number: Vec<u8>, verb: char, precision: Option<usize>) {
        let flags = self.flags;
        if flags.space && number[0] == b'+' && !flags.plus {
            number[0] = b' ';
        }
        if matches!(number[1], b'I' | b'N') {
            let bare = number[1] == b'N' && !flags.space && !flags.plus;
            return self.pad_with_space(&number[usize::from(bare)..]);
        }
        if flags.sharp && verb != 'b' {
            keep_point(&mut number, verb, precision);
        }
        if !flags.plus && number[0] == b'+' {
            return self.pad(&number[1..]);
        }
        match flags.width {
            Some(width) if flags.zero && !flags.minus && width > number.len() => {
                self.push(&number[..1]);
                self.fill(width - number.len());
                self.push(&number[1..]);
            }
            _ => self.pad(&number),
        }
    }

    pub(super) fn complex(&mut self, real: f64, imag: f64, verb: char) {
        let whole = Value::Complex(real, imag);
        if !"vbgGxXfFeE".contains(verb) {
            return self.bad_verb(&whole, verb);
        }
        self.push(b"(");
        self.float(real, verb, &whole);
        let plus = std::mem::replace(&mut self.flags.plus, true);
        self.float(imag, verb, &whole);
        self.push(b"i)");
        self.flags.plus = plus;
    }
}

/// The sharp flag: a point in any case, and the zeros behind it.
fn keep_point(number: &mut Vec<u8>, verb: char, precision: Option<usize>) {
    let mut digits = match verb {
        'v' | 'g' | 'G' | 'x' => precision.map_or(6, |it| it as i64),
        _ => 0,
    };
    let hex = matches!(verb, 'x' | 'X');
    let is_tail = |byte: &u8| matches!(byte, b'p' | b'P') || !hex && matches!(byte, b'e' | b'E');
    let end = number.iter().position(is_tail).unwrap_or(number.len());
    let tail = number.split_off(end);
    let (mut point, mut nonzero) = (false, false);
    for byte in &number[1..] {
        if *byte == b'.' {
            point = true;
            continue;
        }
        nonzero |= *byte != b'0';
        if nonzero {
            digits -= 1;
        }
    }
    if !point {
        if number.len() == 2 && number[1] == b'0' {
            digits -= 1;
        }
        number.push(b'.');
    }
    let zeros = usize::try_from(digits).unwrap_or(0);
    number.resize(number.len() + zeros, b'0');
    number.extend(tail);
}
