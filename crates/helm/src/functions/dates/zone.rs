//! Where a moment is looked at. The zones are those bundled with the program, not those of a disk.
//!
//! Source: Go 1.26 `time/zoneinfo.go`

use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::{TimeZone, TimeZoneDatabase};

/// A `*time.Location`. The local one is UTC, as in the controller's container.
#[derive(Clone, Debug)]
pub(super) enum Zone {
    Utc,
    /// A name, which may be empty, and the seconds east of UTC.
    Fixed(Arc<str>, i64),
    Named(TimeZone),
}

impl Zone {
    /// A zone by its name, if there is such a one.
    pub(super) fn load(name: &str) -> Option<Self> {
        if matches!(name, "" | "UTC" | "Local") {
            return Some(Self::Utc);
        }
        let zone = TimeZoneDatabase::bundled().get(name).ok()?;
        (zone.iana_name() == Some(name)).then_some(Self::Named(zone))
    }

    /// The name of the zone at a moment, and its seconds east of UTC.
    pub(super) fn lookup(&self, seconds: i64) -> (String, i64) {
        match self {
            Self::Utc => (String::from("UTC"), 0),
            Self::Fixed(name, offset) => (name.as_ref().into(), *offset),
            Self::Named(zone) => {
                let (least, most) = (Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
                let seconds = seconds.clamp(least, most);
                let moment = Timestamp::from_second(seconds).unwrap_or_default();
                let info = zone.to_offset_info(moment);
                (info.abbreviation().into(), info.offset().seconds().into())
            }
        }
    }

    /// Whether clocks are put forward at a moment.
    pub(super) fn is_dst(&self, seconds: i64) -> bool {
        match self {
            Self::Named(zone) => Timestamp::from_second(seconds)
                .is_ok_and(|it| zone.to_offset_info(it).dst().is_dst()),
            _ => false,
        }
    }

    /// What `Location.String` says.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Utc => String::from("UTC"),
            Self::Fixed(name, _) => name.as_ref().into(),
            Self::Named(zone) => zone.iana_name().unwrap_or_default().into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_known_by_their_exact_names() {
        let zone = Zone::load("Europe/Berlin").expect("is a zone");
        assert_eq!(zone.lookup(1_592_000_000), (String::from("CEST"), 7200));
        assert_eq!(zone.lookup(1_580_000_000), (String::from("CET"), 3600));
        assert!(Zone::load("europe/berlin").is_none());
        assert!(Zone::load("../etc/passwd").is_none());
    }
}
