//! `time.Time` and what its methods return, as values of templates.
//!
//! Source: Go 1.26 `time/time.go`

use std::any::Any;
use std::sync::Arc;

use go_template::{
    Call, Closure, Failure, Field, Function, List, Methods, Named, Object, Signature, Str, Type,
    Value,
};

use super::time::{Time, midnight};
use super::zone::Zone;
use super::{duration, format};
use crate::functions::given;

/// `time.Time`.
pub(super) const TIME: Type = Type::Named(&NAMED);

static NAMED: Named = named("time.Time", Type::Struct);
static MONTH: Type = Type::Named(&named("time.Month", Type::INT));
static WEEKDAY: Type = Type::Named(&named("time.Weekday", Type::INT));
static DURATION_NAMED: Named = named("time.Duration", Type::INT64);
static DURATION: Type = Type::Named(&DURATION_NAMED);
static LOCATION_NAMED: Named = named("time.Location", Type::Struct);
static LOCATION_STRUCT: Type = Type::Named(&LOCATION_NAMED);
static LOCATION: Type = Type::Pointer(&LOCATION_STRUCT);
static TIME_TYPE: Type = TIME;

const fn named(name: &'static str, under: Type) -> Named {
    Named {
        name,
        under,
        methods: Methods::NONE,
    }
}

/// The moment as a value.
pub(super) fn value(time: Time) -> Value {
    Value::Object(Arc::new(Moment(Arc::new(time))))
}

/// The moment that a value is, if it is one.
pub(super) fn time(value: &Value) -> Option<&Time> {
    match value {
        Value::Object(object) => {
            let moment = object.as_any().downcast_ref::<Moment>();
            moment.map(|it| &*it.0)
        }
        _ => None,
    }
}

#[derive(Debug)]
struct Moment(Arc<Time>);

impl Object for Moment {
    fn ty(&self) -> &'static Type {
        &TIME_TYPE
    }

    fn field(&self, _: &str) -> Option<Field> {
        None
    }

    fn method(&self, name: &str) -> Option<Arc<dyn Function>> {
        method(&self.0, name)
    }

    fn text(&self) -> Option<Str> {
        Some(format::text(&self.0).into())
    }

    fn marshal(&self) -> Option<Result<Str, Failure>> {
        let strict = rfc3339(&self.0);
        Some(strict.map_err(|it| {
            let prefix = "json: error calling MarshalJSON for type time.Time: Time.MarshalJSON: ";
            Failure::new(format!("{prefix}{it}"))
        }))
    }

    fn equals(&self, other: &dyn Object) -> bool {
        let other = other.as_any().downcast_ref::<Self>();
        other.is_some_and(|it| (it.0.seconds, it.0.nanos) == (self.0.seconds, self.0.nanos))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// RFC 3339, unless it cannot say the moment.
fn rfc3339(time: &Time) -> Result<Str, &'static str> {
    if !(0..=9999).contains(&time.date().year) {
        return Err("year outside of range [0,9999]");
    }
    let (_, offset) = time.zone.lookup(time.seconds);
    if offset.abs() >= 24 * 3600 {
        return Err("timezone hour outside of range [0,23]");
    }
    Ok(Str::from(format::format(
        time,
        b"2006-01-02T15:04:05.999999999Z07:00",
    )))
}

/// A named number with a text: a month, a weekday, a duration; or a location, which is but a name.
#[derive(Debug)]
struct Word {
    ty: &'static Type,
    text: Str,
    methods: fn(&Self, &str) -> Option<Value>,
    number: i64,
}

impl Word {
    fn month(month: u32) -> Value {
        let text = super::format::MONTHS[month as usize - 1];
        Self::value(&MONTH, text, month.into(), |_, _| None)
    }

    fn weekday(day: usize) -> Value {
        Self::value(&WEEKDAY, super::format::DAYS[day], day as i64, |_, _| None)
    }

    fn location(zone: &Zone) -> Value {
        Self::value(&LOCATION, &zone.name(), 0, |_, _| None)
    }

    fn duration(nanos: i64) -> Value {
        Self::value(&DURATION, &duration::text(nanos), nanos, |word, name| {
            let nanos = word.number;
            let float = |unit: i64| {
                let (whole, rest) = (nanos / unit, nanos % unit);
                Value::Float(whole as f64 + rest as f64 / unit as f64)
            };
            Some(match name {
                "Nanoseconds" => Value::int64(nanos),
                "Microseconds" => Value::int64(nanos / 1000),
                "Milliseconds" => Value::int64(nanos / 1_000_000),
                "Seconds" => float(1_000_000_000),
                "Minutes" => float(60_000_000_000),
                "Hours" => float(3_600_000_000_000),
                "Abs" => Self::duration(nanos.saturating_abs()),
                _ => return None,
            })
        })
    }

    fn value(
        ty: &'static Type,
        text: &str,
        number: i64,
        methods: fn(&Self, &str) -> Option<Value>,
    ) -> Value {
        Value::Object(Arc::new(Self {
            ty,
            text: text.into(),
            methods,
            number,
        }))
    }
}

impl Object for Word {
    fn ty(&self) -> &'static Type {
        self.ty
    }

    fn method(&self, name: &str) -> Option<Arc<dyn Function>> {
        let result = match name {
            "String" => Value::Str(self.text.clone()),
            _ => (self.methods)(self, name)?,
        };
        Some(constant(result))
    }

    fn text(&self) -> Option<Str> {
        Some(self.text.clone())
    }

    fn truth(&self) -> bool {
        self.number != 0 || matches!(self.ty, Type::Pointer(_))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// A method without arguments.
fn constant(result: Value) -> Arc<dyn Function> {
    let ty: &'static Type = match &result {
        Value::Bool(_) => &Type::Bool,
        Value::Str(_) => &Type::String,
        Value::Float(_) => &Type::Float64,
        Value::Int(go_template::IntKind::Int64, _) => &Type::INT64,
        Value::Int(..) => &Type::INT,
        Value::Object(object) => object.ty(),
        Value::List(list) => list.ty(),
        _ => &Type::Any,
    };
    Closure::shared(Signature::new(&[], ty), move |_, _| Ok(result.clone()))
}

fn method(time: &Arc<Time>, name: &str) -> Option<Arc<dyn Function>> {
    if let Some(result) = plain(time, name) {
        return Some(constant(result));
    }
    if let Some(function) = with_other(time, name) {
        return Some(function);
    }
    let time = Arc::clone(time);
    const LATER: &[Type] = &[Type::Named(&DURATION_NAMED)];
    let (params, result, body): (&'static [Type], &'static Type, Body) = match name {
        "Format" => (&[Type::String], &Type::String, |time, call, args| {
            let layout = given::bytes(args, 0);
            call.budget().bytes(layout.len() * 2)?;
            call.budget().steps(layout.len() as u64)?;
            Ok(Value::Str(Str::from(format::format(time, layout))))
        }),
        "Add" => (LATER, &TIME_TYPE, |time, _, args| {
            Ok(value(time.add(nanos(&args[0]))))
        }),
        "AddDate" => (
            &[Type::INT, Type::INT, Type::INT],
            &TIME_TYPE,
            |time, _, args| {
                Ok(value(add_date(
                    time,
                    [0, 1, 2].map(|it| given::int(args, it)),
                )))
            },
        ),
        "MarshalJSON" | "MarshalText" => (&[], &Type::BYTES, |time, _, _| {
            let text =
                rfc3339(time).map_err(|it| Failure::new(format!("Time.MarshalText: {it}")))?;
            Ok(Value::List(List::bytes(text)))
        }),
        _ => return None,
    };
    Some(Closure::shared(
        Signature::new(params, result),
        move |call, args| body(&time, call, args),
    ))
}

type Body = fn(&Time, &mut Call<'_>, &[Value]) -> Result<Value, Failure>;

/// The nanoseconds of a duration, which may have been given as a plain number.
fn nanos(value: &Value) -> i64 {
    match value {
        Value::Object(object) => {
            let word = object.as_any().downcast_ref::<Word>();
            word.map_or(0, |it| it.number)
        }
        _ => given::int(std::slice::from_ref(value), 0),
    }
}

/// Methods without arguments.
fn plain(time: &Time, name: &str) -> Option<Value> {
    let int = |number: u32| Value::int(number.into());
    let at = |zone| value(time.within(zone));
    let scaled = |unit: i64| {
        let seconds = time.seconds.wrapping_mul(unit);
        let rest = i64::from(time.nanos) / (1_000_000_000 / unit);
        Value::int64(seconds.wrapping_add(rest))
    };
    Some(match name {
        "Unix" => Value::int64(time.seconds),
        "UnixMilli" => scaled(1000),
        "UnixMicro" => scaled(1_000_000),
        "UnixNano" => scaled(1_000_000_000),
        "Year" => Value::int(time.date().year),
        "Month" => Word::month(time.date().month),
        "Day" => int(time.date().day),
        "YearDay" => int(time.date().year_day),
        "Weekday" => Word::weekday(time.weekday()),
        "Hour" => int(time.clock()[0]),
        "Minute" => int(time.clock()[1]),
        "Second" => int(time.clock()[2]),
        "Nanosecond" => int(time.nanos),
        "String" => Value::from(format::text(time)),
        "UTC" | "Local" => at(Zone::Utc),
        "Location" => Word::location(&time.zone),
        "IsZero" => Value::Bool(time.is_zero()),
        "IsDST" => Value::Bool(time.zone.is_dst(time.seconds)),
        _ => return None,
    })
}

/// Methods that take another moment.
fn with_other(time: &Arc<Time>, name: &str) -> Option<Arc<dyn Function>> {
    const OTHER: &[Type] = &[TIME];
    let (ty, result): (&'static Type, fn(i64) -> Value) = match name {
        "Before" => (&Type::Bool, |it| Value::Bool(it < 0)),
        "After" => (&Type::Bool, |it| Value::Bool(it > 0)),
        "Equal" => (&Type::Bool, |it| Value::Bool(it == 0)),
        "Compare" => (&Type::INT, |it| Value::int(it.signum())),
        "Sub" => (&DURATION, Word::duration),
        _ => return None,
    };
    let time = Arc::clone(time);
    Some(Closure::shared(
        Signature::new(OTHER, ty),
        move |_, args| {
            let other = self::time(&args[0]).cloned().unwrap_or(Time::ZERO);
            Ok(result(time.since(&other)))
        },
    ))
}

/// Later by years, months and days, with the clock as it is.
fn add_date(time: &Time, [years, months, days]: [i64; 3]) -> Time {
    let date = time.date();
    let year = date.year.wrapping_add(years);
    let month = i64::from(date.month).wrapping_add(months);
    let day = i64::from(date.day).wrapping_add(days);
    let [hour, minute, second] = time.clock();
    let clock = i64::from((hour * 60 + minute) * 60 + second);
    let mut later = time.clone();
    later.clock = false;
    let local = midnight(year, month, day).wrapping_add(clock);
    // The offset is that of the new day.
    let (_, offset) = time
        .zone
        .lookup(local.wrapping_sub(time.zone.lookup(local).1));
    later.seconds = local.wrapping_sub(offset);
    later
}
