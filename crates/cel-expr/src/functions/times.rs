//! Parts of timestamps and durations.

use crate::error::Fault;
use crate::eval::Evaluated;
use crate::time;
use crate::value::Value;

/// `getHours` and its like.
pub(super) fn get(name: &str, args: &[Value]) -> Evaluated {
    let (nanos, zone) = match args {
        [Value::Duration(nanos)] => return of_duration(name, *nanos),
        [Value::Timestamp(nanos)] => (*nanos, "UTC"),
        [Value::Timestamp(nanos), Value::String(zone)] => (*nanos, &**zone),
        _ => return Err(super::not_for(name, args)),
    };
    let zone = time::zone(zone).map_err(Fault::new)?;
    let local = time::in_zone(nanos, &zone).ok_or_else(|| Fault::new("timestamp overflow"))?;
    Ok(Value::Int(match name {
        "getFullYear" => local.year().into(),
        "getMonth" => i64::from(local.month()) - 1,
        "getDayOfYear" => i64::from(local.day_of_year()) - 1,
        "getDayOfMonth" => i64::from(local.day()) - 1,
        "getDate" => local.day().into(),
        "getDayOfWeek" => local.weekday().to_sunday_zero_offset().into(),
        "getHours" => local.hour().into(),
        "getMinutes" => local.minute().into(),
        "getSeconds" => local.second().into(),
        "getMilliseconds" => local.millisecond().into(),
        _ => return Err(super::not_for(name, args)),
    }))
}

fn of_duration(name: &str, nanos: i64) -> Evaluated {
    Ok(Value::Int(match name {
        "getHours" => nanos / 3_600_000_000_000,
        "getMinutes" => nanos / 60_000_000_000,
        "getSeconds" => nanos / 1_000_000_000,
        "getMilliseconds" => nanos / 1_000_000,
        _ => return Err(super::not_for(name, &[Value::Duration(nanos)])),
    }))
}
