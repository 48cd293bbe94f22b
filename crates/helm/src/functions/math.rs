//! Numbers: whole ones wrap around, decimal ones are exact, sequences are lists.
//!
//! Source: sprig v3.3.0 `numeric.go`, `functions.go`; spf13/cast v1.7.0

mod decimal;

use go_template::{Call, Failure, Functions, Signature, Str, Type, Value, format};

use super::{Row, cast, given};
use decimal::Decimal;

const INT: Signature = Signature::new(&[Type::Any], &Type::INT);
const INT64: Signature = Signature::new(&[Type::Any], &Type::INT64);
const TWO: Signature = Signature::new(&[Type::Any, Type::Any], &Type::INT64);
const SUM: Signature = Signature::variadic(&[Type::Any], &Type::INT64);
const FOLD: Signature = Signature::variadic(&[Type::Any, Type::Any], &Type::INT64);
const FLOAT: Signature = Signature::new(&[Type::Any], &Type::Float64);
const FLOATS: Signature = Signature::variadic(&[Type::Any], &Type::Float64);
const FLOAT_FOLD: Signature = Signature::variadic(&[Type::Any, Type::Any], &Type::Float64);
const ROUND: Signature =
    Signature::variadic(&[Type::Any, Type::INT, Type::Float64], &Type::Float64);
const ATOI: Signature = Signature::new(&[Type::String], &Type::INT);
const UNTIL: Signature = Signature::new(&[Type::INT], &INTS);
const UNTIL_STEP: Signature = Signature::new(&[Type::INT, Type::INT, Type::INT], &INTS);
const SEQ: Signature = Signature::variadic(&[Type::INT], &Type::String);
/// `[]int`.
static INTS: Type = Type::List(&Type::INT);

pub(super) fn register(functions: &mut Functions) {
    super::add(functions, ROWS);
}

const ROWS: &[Row] = &[
    ("int", INT, |_, args| Ok(Value::int(number(args, 0)))),
    ("int64", INT64, |_, args| Ok(Value::int64(number(args, 0)))),
    ("float64", FLOAT, |_, args| Ok(Value::Float(float(args, 0)))),
    ("atoi", ATOI, |_, args| {
        Ok(Value::int(atoi(given::bytes(args, 0))))
    }),
    ("toDecimal", INT64, to_decimal),
    ("add1", INT64, |_, args| {
        Ok(Value::int64(number(args, 0).wrapping_add(1)))
    }),
    ("add", SUM, |_, args| {
        let numbers = args.iter().map(cast::int64);
        Ok(Value::int64(numbers.fold(0, i64::wrapping_add)))
    }),
    ("sub", TWO, |_, args| {
        Ok(Value::int64(number(args, 0).wrapping_sub(number(args, 1))))
    }),
    ("mul", FOLD, |_, args| {
        let numbers = args.iter().map(cast::int64);
        Ok(Value::int64(numbers.fold(1, i64::wrapping_mul)))
    }),
    ("div", TWO, |_, args| divided(args, i64::wrapping_div)),
    ("mod", TWO, |_, args| divided(args, i64::wrapping_rem)),
    ("max biggest", FOLD, |_, args| {
        Ok(Value::int64(
            args.iter().map(cast::int64).max().unwrap_or(0),
        ))
    }),
    ("min", FOLD, |_, args| {
        Ok(Value::int64(
            args.iter().map(cast::int64).min().unwrap_or(0),
        ))
    }),
    ("maxf", FLOAT_FOLD, |_, args| Ok(extreme(args, 1.0))),
    ("minf", FLOAT_FOLD, |_, args| Ok(extreme(args, -1.0))),
    ("floor", FLOAT, |_, args| {
        Ok(Value::Float(float(args, 0).floor()))
    }),
    ("ceil", FLOAT, |_, args| {
        Ok(Value::Float(float(args, 0).ceil()))
    }),
    ("round", ROUND, |_, args| {
        let on = args.get(2).map_or(0.5, cast::float64);
        Ok(Value::Float(rounded(
            float(args, 0),
            given::int(args, 1),
            on,
        )))
    }),
    ("add1f", FLOAT, |call, args| {
        fold(call, &[args[0].clone(), Value::int(1)], |a, b| {
            Some(a.add(b))
        })
    }),
    ("addf", FLOATS, |call, args| {
        let args: Vec<Value> = [Value::Float(0.0)]
            .into_iter()
            .chain(args.iter().cloned())
            .collect();
        fold(call, &args, |a, b| Some(a.add(b)))
    }),
    ("subf", FLOAT_FOLD, |call, args| {
        fold(call, args, |a, b| Some(a.subtract(b)))
    }),
    ("mulf", FLOAT_FOLD, |call, args| {
        fold(call, args, |a, b| Some(a.multiply(b)))
    }),
    ("divf", FLOAT_FOLD, |call, args| {
        fold(call, args, Decimal::divide)
    }),
    ("until", UNTIL, |call, args| {
        let count = given::int(args, 0);
        steps(call, 0, count, if count < 0 { -1 } else { 1 })
    }),
    ("untilStep", UNTIL_STEP, |call, args| {
        steps(
            call,
            given::int(args, 0),
            given::int(args, 1),
            given::int(args, 2),
        )
    }),
    ("seq", SEQ, seq),
];

fn number(args: &[Value], index: usize) -> i64 {
    args.get(index).map_or(0, cast::int64)
}

fn float(args: &[Value], index: usize) -> f64 {
    args.get(index).map_or(0.0, cast::float64)
}

fn divided(args: &[Value], by: fn(i64, i64) -> i64) -> Result<Value, Failure> {
    match number(args, 1) {
        0 => Err(Failure::new("runtime error: integer divide by zero")),
        divisor => Ok(Value::int64(by(number(args, 0), divisor))),
    }
}

/// The largest number, or with a sign of -1 the smallest; what is no number wins, and 0 counts more than -0.
fn extreme(args: &[Value], sign: f64) -> Value {
    let numbers = args.iter().map(|it| cast::float64(it) * sign);
    let largest = numbers.reduce(|a, b| {
        if a.is_infinite() && a > 0.0 || b.is_infinite() && b > 0.0 {
            f64::INFINITY
        } else if a.is_nan() || b.is_nan() {
            f64::NAN
        } else if a == b {
            if a.is_sign_negative() { b } else { a }
        } else {
            a.max(b)
        }
    });
    Value::Float(largest.unwrap_or(0.0) * sign)
}

/// `strconv.Atoi` without its error: 0 for what is no number, the nearest one for what does not fit.
fn atoi(text: &[u8]) -> i64 {
    let digits = match text {
        [b'-' | b'+', digits @ ..] => digits,
        digits => digits,
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return 0;
    }
    let negative = text[0] == b'-';
    digits.iter().fold(0, |sum: i64, digit| {
        let digit = i64::from(digit - b'0');
        let sum = sum.saturating_mul(10);
        if negative {
            sum.saturating_sub(digit)
        } else {
            sum.saturating_add(digit)
        }
    })
}

/// The printed value read as an octal number.
fn to_decimal(call: &mut Call<'_>, args: &[Value]) -> Result<Value, Failure> {
    let text = format::sprint(&args[..1], call.budget())?;
    let octal = |text: &str| {
        let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
        let plain = digits.bytes().all(|it| it.is_ascii_digit());
        i64::from_str_radix(text, 8).ok().filter(|_| plain)
    };
    Ok(Value::int64(text.utf8().and_then(octal).unwrap_or(0)))
}

/// To a number of places: up from where the rest is `on` at least, and always down for negative rests.
fn rounded(value: f64, places: i64, on: f64) -> f64 {
    let power = power_of_ten(places);
    let digit = power * value;
    let whole = if digit.fract() >= on {
        digit.ceil()
    } else {
        digit.floor()
    };
    whole / power
}

/// `math.Pow(10, n)`, with Go's rounding on the way.
fn power_of_ten(exponent: i64) -> f64 {
    // Beyond these all is infinite or zero.
    if exponent.abs() > 400 {
        return if exponent < 0 { 0.0 } else { f64::INFINITY };
    }
    let (mut result, mut result_exponent) = (1.0_f64, 0_i32);
    let (mut base, mut base_exponent) = (0.625_f64, 4_i32);
    let mut rest = exponent.unsigned_abs();
    while rest != 0 {
        if rest & 1 == 1 {
            result *= base;
            result_exponent += base_exponent;
        }
        base *= base;
        base_exponent <<= 1;
        if base < 0.5 {
            base += base;
            base_exponent -= 1;
        }
        rest >>= 1;
    }
    if exponent < 0 {
        result = 1.0 / result;
        result_exponent = -result_exponent;
    }
    // In two steps, for powers of two that are no `f64` themselves.
    let half = result_exponent / 2;
    result * 2.0_f64.powi(half) * 2.0_f64.powi(result_exponent - half)
}

/// Decimal arithmetic from the first number on.
fn fold(
    call: &Call<'_>,
    args: &[Value],
    operation: impl Fn(&Decimal, &Decimal) -> Option<Decimal>,
) -> Result<Value, Failure> {
    let mut numbers = args.iter().map(|it| {
        let number = cast::float64(it);
        let text = || {
            let mut text = Vec::new();
            format::append_float(number, format::FloatStyle::General, None, false, &mut text);
            go_template::unicode::lossy(&text).into_owned()
        };
        let decimal = Decimal::of(number);
        decimal.ok_or_else(|| Failure::new(format!("Cannot create a Decimal from {}", text())))
    });
    let mut result = numbers.next().unwrap_or_else(|| Ok(Decimal::default()))?;
    for number in numbers {
        let number = number?;
        call.budget().steps(result.cost() * number.cost())?;
        let next = operation(&result, &number);
        result = next.ok_or_else(|| Failure::new("decimal division by 0"))?;
    }
    Ok(Value::Float(result.to_f64()))
}

/// How many steps there are before the end.
fn count(start: i64, stop: i64, step: i64) -> usize {
    let (distance, step) = (i128::from(stop) - i128::from(start), i128::from(step));
    if step == 0 || distance.signum() != step.signum() {
        return 0;
    }
    let count = (distance.abs() + step.abs() - 1) / step.abs();
    usize::try_from(count).unwrap_or(usize::MAX)
}

fn numbers(start: i64, stop: i64, step: i64) -> impl Iterator<Item = i64> {
    (0..count(start, stop, step) as i64).map(move |it| start.wrapping_add(it.wrapping_mul(step)))
}

fn steps(call: &Call<'_>, start: i64, stop: i64, step: i64) -> Result<Value, Failure> {
    let size = count(start, stop, step).saturating_mul(size_of::<Value>());
    call.budget().bytes(size)?;
    let items = numbers(start, stop, step).map(Value::int).collect();
    Ok(Value::List(go_template::List::new(&INTS, items)))
}

/// The numbers up to and with the last one, as a text.
fn seq(call: &mut Call<'_>, args: &[Value]) -> Result<Value, Failure> {
    let at = |index| given::int(args, index);
    let (start, step, end) = match args.len() {
        1 => (1, None, at(0)),
        2 => (at(0), None, at(1)),
        3 => (at(0), Some(at(1)), at(2)),
        _ => return Ok(Value::from("")),
    };
    let towards = if end < start { -1 } else { 1 };
    if towards < 0 && step.is_some_and(|it| it > 0) {
        return Ok(Value::from(""));
    }
    let (stop, step) = (end.wrapping_add(towards), step.unwrap_or(towards));
    let mut out = String::new();
    // Twenty digits at most, and a space.
    let size = count(start, stop, step).saturating_mul(8);
    call.budget().bytes(size)?;
    for number in numbers(start, stop, step) {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(&number.to_string());
    }
    call.budget().bytes(out.len())?;
    Ok(Value::Str(Str::from(out)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_does_not_fit_is_the_nearest() {
        assert_eq!(
            [atoi(b"010"), atoi(b"-7"), atoi(b"1.5"), atoi(b"")],
            [10, -7, 0, 0]
        );
        assert_eq!(atoi(b"99999999999999999999"), i64::MAX);
        assert_eq!(atoi(b"-99999999999999999999"), i64::MIN);
    }

    #[test]
    fn halves_are_rounded_up_but_negative_ones_down() {
        assert_eq!([rounded(2.5, 0, 0.5), rounded(-2.5, 0, 0.5)], [3.0, -3.0]);
        assert_eq!(rounded(123.5555, 3, 0.5), 123.556);
        assert_eq!(rounded(123.5, -2, 0.5), 100.0);
        assert!(rounded(1.0, 400, 0.5).is_nan());
    }

    #[test]
    fn steps_end_before_the_stop() {
        let list = |start, stop, step| numbers(start, stop, step).collect::<Vec<_>>();
        assert_eq!(list(0, 6, 4), [0, 4]);
        assert_eq!(list(3, 0, -1), [3, 2, 1]);
        assert!(list(0, 3, -1).is_empty() && list(0, 3, 0).is_empty());
        assert_eq!(count(i64::MIN, i64::MAX, 1), usize::MAX);
    }
}
