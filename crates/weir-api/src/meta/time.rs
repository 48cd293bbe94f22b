//! A moment in status and events: RFC 3339, UTC, whole seconds.

use std::fmt;

use jiff::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A moment in whole seconds, printed as `2026-01-02T03:04:05Z`.
///
/// Fractions are cut off when it is made, so that a written and re-read value compares equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Time(Timestamp);

impl Time {
    /// `timestamp` without its fraction of a second.
    pub fn new(timestamp: Timestamp) -> Self {
        Self(Timestamp::from_second(timestamp.as_second()).unwrap_or(timestamp))
    }

    /// The moment as a timestamp.
    pub fn timestamp(self) -> Timestamp {
        self.0
    }
}

impl From<Timestamp> for Time {
    fn from(timestamp: Timestamp) -> Self {
        Self::new(timestamp)
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.0}", self.0)
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Timestamp::deserialize(deserializer).map(Self::new)
    }
}

impl JsonSchema for Time {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Time".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "format": "date-time"})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_whole_seconds_in_utc() {
        let time: Time = serde_json::from_str(r#""2026-01-02T05:04:05.987+02:00""#).expect("valid");
        assert_eq!(
            serde_json::to_string(&time).expect("prints"),
            r#""2026-01-02T03:04:05Z""#
        );
        assert_eq!(time.to_string(), "2026-01-02T03:04:05Z");
    }

    #[test]
    fn forgets_the_fraction_of_a_second() {
        let fine: Timestamp = "2026-01-02T03:04:05.999Z".parse().expect("valid");
        let coarse: Timestamp = "2026-01-02T03:04:05Z".parse().expect("valid");
        assert_eq!(Time::new(fine), Time::new(coarse));
    }
}
