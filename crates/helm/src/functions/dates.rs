//! Dates, moments and durations.
//!
//! Source: sprig v3.3.0 `date.go`

mod duration;
mod format;
mod layout;
mod object;
mod parse;
mod time;
mod zone;

use go_template::{Call, Failure, Functions, Signature, Str, Type, Value, parse_int};

use super::given;
use crate::Env;
use object::{TIME, value};
use time::Time;
use zone::Zone;

/// Says whether a text is a duration.
pub(super) fn check_duration(text: &[u8]) -> Result<(), String> {
    duration::parse(text).map(drop)
}

const SECOND: i64 = 1_000_000_000;

pub(super) fn register(functions: &mut Functions, env: &Env) {
    with_clock(functions, env);
    let signature = Signature::new(&[Type::Any], &Type::String);
    functions.add("duration", signature, |_, args| {
        let seconds = match &args[0] {
            Value::Str(text) => decimal(text),
            Value::Int(go_template::IntKind::Int64, seconds) => *seconds,
            _ => 0,
        };
        Ok(Value::from(duration::text(seconds.wrapping_mul(SECOND))))
    });
    const MODIFY: Signature = Signature::new(&[Type::String, TIME], &TIME);
    for name in ["dateModify", "date_modify"] {
        functions.add(name, MODIFY, |_, args| {
            Ok(modify(args).unwrap_or_else(|_| args[1].clone()))
        });
    }
    for name in ["mustDateModify", "must_date_modify"] {
        functions.add(name, MODIFY, |_, args| modify(args));
    }
    const READ: Signature = Signature::new(&[Type::String, Type::String], &TIME);
    functions.add("toDate", READ, |call, args| {
        let time = read(call, args)?;
        Ok(value(time.unwrap_or(Time::ZERO)))
    });
    functions.add("mustToDate", READ, |call, args| {
        let time = read(call, args)?;
        time.map(value).map_err(Failure::new)
    });
    let signature = Signature::new(&[TIME], &Type::String);
    functions.add("unixEpoch", signature, |_, args| {
        let seconds = object::time(&args[0]).map_or(0, |it| it.seconds);
        Ok(Value::from(seconds.to_string()))
    });
}

/// A function's name, its parameters, and its layout if it is not the first of them.
type Form = (&'static str, &'static [Type], Option<&'static [u8]>);

/// The functions that may look at the clock.
fn with_clock(functions: &mut Functions, env: &Env) {
    let clock = env.now.clone();
    let now = move || {
        let (seconds, nanos) = clock();
        let mut time = Time::unix(seconds);
        (time.nanos, time.clock) = (nanos, true);
        time
    };
    let of = now.clone();
    functions.add("now", Signature::new(&[], &TIME), move |_, _| {
        Ok(value(of()))
    });
    const WITHIN: &[Type] = &[Type::String, Type::Any, Type::String];
    const TEXT: &Type = &Type::String;
    let forms: [Form; 5] = [
        ("date", &[Type::String, Type::Any], None),
        ("dateInZone", WITHIN, None),
        ("date_in_zone", WITHIN, None),
        ("htmlDate", &[Type::Any], Some(b"2006-01-02")),
        (
            "htmlDateInZone",
            &[Type::Any, Type::String],
            Some(b"2006-01-02"),
        ),
    ];
    for (name, params, layout) in forms {
        let of = now.clone();
        functions.add(name, Signature::new(params, TEXT), move |call, args| {
            let first = usize::from(layout.is_none());
            let layout = layout.unwrap_or_else(|| given::bytes(args, 0));
            let zone = args.get(first + 1).map(|_| given::text(args, first + 1));
            let zone = Zone::load(&zone.unwrap_or_default()).unwrap_or(Zone::Utc);
            let time = moment(&args[first], true).unwrap_or_else(&of);
            call.budget().bytes(layout.len() * 2)?;
            call.budget().steps(layout.len() as u64)?;
            let text = format::format(&time.within(zone), layout);
            Ok(Value::Str(Str::from(text)))
        });
    }
    let of = now.clone();
    functions.add("ago", Signature::new(&[Type::Any], TEXT), move |_, args| {
        let now = of();
        let since = now.since(&moment(&args[0], false).unwrap_or_else(|| now.clone()));
        Ok(Value::from(duration::text(duration::round(since, SECOND))))
    });
    functions.add(
        "durationRound",
        Signature::new(&[Type::Any], TEXT),
        move |_, args| {
            let nanos = match &args[0] {
                Value::Str(text) => duration::parse(text).unwrap_or(0),
                Value::Int(go_template::IntKind::Int64, nanos) => *nanos,
                other => object::time(other).map_or(0, |it| now().since(it)),
            };
            Ok(Value::from(rounded(nanos)))
        },
    );
}

/// What an argument means as a moment; `int32` only does for some functions.
fn moment(value: &Value, int32: bool) -> Option<Time> {
    use go_template::IntKind::{Int, Int32, Int64};
    match value {
        Value::Int(Int | Int64, seconds) => Some(Time::unix(*seconds)),
        Value::Int(Int32, seconds) if int32 => Some(Time::unix(*seconds)),
        other => object::time(other).cloned(),
    }
}

fn modify(args: &[Value]) -> Result<Value, Failure> {
    let nanos = duration::parse(given::bytes(args, 0))?;
    let time = object::time(&args[1]).cloned().unwrap_or(Time::ZERO);
    Ok(value(time.add(nanos)))
}

fn read(call: &Call<'_>, args: &[Value]) -> Result<Result<Time, String>, Failure> {
    let (layout, text) = (given::bytes(args, 0), given::bytes(args, 1));
    call.budget().bytes(layout.len() + text.len())?;
    Ok(parse::parse(layout, text))
}

/// `strconv.ParseInt` in base 10, its error overlooked: what does not fit is the nearest number that does.
fn decimal(text: &Str) -> i64 {
    let digits = text
        .utf8()
        .map(|it| it.strip_prefix(['-', '+']).unwrap_or(it));
    match digits {
        Some(digits) if !digits.is_empty() && digits.bytes().all(|it| it.is_ascii_digit()) => {
            let negative = text.starts_with(b"-");
            let zeros = digits.trim_start_matches('0');
            let value = if zeros.is_empty() {
                Some(0)
            } else {
                parse_int(zeros)
            };
            match value {
                Some(value) if negative => -value,
                Some(value) => value,
                None if negative => i64::MIN,
                None => i64::MAX,
            }
        }
        _ => 0,
    }
}

/// The largest unit of which there is more than one.
fn rounded(nanos: i64) -> String {
    const HOUR: u64 = 3_600_000_000_000;
    let units = [
        (HOUR * 24 * 365, "y"),
        (HOUR * 24 * 30, "mo"),
        (HOUR * 24, "d"),
        (HOUR, "h"),
        (60_000_000_000, "m"),
        (1_000_000_000, "s"),
    ];
    let value = nanos.unsigned_abs();
    let unit = units.into_iter().find(|(unit, _)| value > *unit);
    unit.map_or_else(
        || String::from("0s"),
        |(unit, name)| format!("{}{name}", value / unit),
    )
}

/// The layouts in which TOML has moments, and the names of the zones of those without one.
const TOML: [(&[u8], Option<&str>); 7] = [
    (b"2006-01-02T15:04:05.999999999Z07:00", None),
    (b"2006-01-02T15:04:05.999999999", Some("datetime-local")),
    (b"2006-01-02", Some("date-local")),
    (b"15:04:05.999999999", Some("time-local")),
    (b"2006-01-02T15:04Z07:00", None),
    (b"2006-01-02T15:04", Some("datetime-local")),
    (b"15:04", Some("time-local")),
];

/// A moment as TOML writes it, if the value is one.
pub(super) fn toml(value: &Value) -> Option<Vec<u8>> {
    let time = object::time(value)?;
    let name = time.zone.name();
    let local = |(_, zone): &&(&[u8], Option<&str>)| *zone == Some(&*name);
    let found = TOML.iter().find(local).unwrap_or(&TOML[0]);
    Some(match found {
        (layout, Some(_)) => format::format(&time.within(Zone::Utc), layout),
        (layout, None) => format::format(time, layout),
    })
}

/// A moment that stands in a TOML text.
pub(super) fn read_toml(text: &[u8]) -> Option<Value> {
    for (layout, zone) in TOML {
        let Ok(mut time) = parse::parse(layout, text) else {
            continue;
        };
        let shaped = layout
            .iter()
            .zip(text)
            .take_while(|(wanted, _)| !matches!(wanted, b'.' | b'Z'))
            .all(|(wanted, found)| wanted.is_ascii_digit() || wanted == found);
        if let Some(zone) = zone {
            time.zone = Zone::Fixed(zone.into(), 0);
        }
        return shaped.then(|| value(time));
    }
    None
}

/// A moment as certificates have it: with two digits for the year, where that is enough.
pub(super) fn asn1(seconds: i64) -> Vec<u8> {
    let time = Time::unix(seconds);
    let short = (1950..2050).contains(&time.date().year);
    let (tag, layout): (u8, &[u8]) = if short {
        (0x17, b"060102150405Z")
    } else {
        (0x18, b"20060102150405Z")
    };
    let text = format::format(&time, layout);
    [&[tag, text.len() as u8], &*text].concat()
}
