//! A moment and where it is looked at: `time.Time`.
//!
//! Source: Go 1.26 `time/time.go`

use super::zone::Zone;

/// Seconds from the moment that dates are counted from to 1970: years before it, in whole cycles of 400 years.
const ABSOLUTE: u64 = 62_135_596_800 + 9_223_371_966_579_724_800 + 26_438_400;
/// The years of that.
const YEARS: i64 = 292_277_022_400;
/// Seconds from the year 1 to 1970.
const ZERO: i64 = -62_135_596_800;

const DAY: u64 = 86_400;

/// A moment, with nanoseconds.
#[derive(Clone, Debug)]
pub(super) struct Time {
    /// Since 1970. It wraps around as Go's does.
    pub(super) seconds: i64,
    pub(super) nanos: u32,
    pub(super) zone: Zone,
    /// Whether it came from the clock, which its text tells.
    pub(super) clock: bool,
}

/// Year, month, day, and the day within the year, all but the year from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Date {
    pub(super) year: i64,
    pub(super) month: u32,
    pub(super) day: u32,
    pub(super) year_day: u32,
}

impl Time {
    /// The first moment of the year 1: Go's zero value.
    pub(super) const ZERO: Self = Self::unix(ZERO);

    /// A moment in UTC.
    pub(super) const fn unix(seconds: i64) -> Self {
        Self {
            seconds,
            nanos: 0,
            zone: Zone::Utc,
            clock: false,
        }
    }

    /// The same moment elsewhere.
    pub(super) fn within(&self, zone: Zone) -> Self {
        let mut time = self.clone();
        time.zone = zone;
        time
    }

    /// Seconds since the absolute zero, as seen where it is looked at.
    fn absolute(&self) -> u64 {
        let (_, offset) = self.zone.lookup(self.seconds);
        let local = self.seconds.wrapping_add(offset);
        (local as u64).wrapping_add(ABSOLUTE)
    }

    pub(super) fn date(&self) -> Date {
        let days = self.absolute() / DAY;
        let (era, of_era) = (days / 146_097, days % 146_097);
        let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        // Years begin in March here.
        let march = of_era - (365 * year + year / 4 - year / 100);
        let part = (5 * march + 2) / 153;
        let day = march - (153 * part + 2) / 5 + 1;
        let month = if part < 10 { part + 3 } else { part - 9 };
        let year = (year + era * 400) as i64 - YEARS + i64::from(month <= 2);
        let leap = u64::from(is_leap(year));
        let year_day = if month <= 2 {
            march - 305
        } else {
            march + 60 + leap
        };
        Date {
            year,
            month: month as u32,
            day: day as u32,
            year_day: year_day as u32,
        }
    }

    /// Days since Sunday.
    pub(super) fn weekday(&self) -> usize {
        // The absolute zero is a Wednesday.
        ((self.absolute() / DAY + 3) % 7) as usize
    }

    /// Hours, minutes and seconds.
    pub(super) fn clock(&self) -> [u32; 3] {
        let seconds = self.absolute() % DAY;
        [seconds / 3600, seconds / 60 % 60, seconds % 60].map(|it| it as u32)
    }

    /// Later by nanoseconds.
    pub(super) fn add(&self, nanos: i64) -> Self {
        let mut time = self.clone();
        let within = i64::from(self.nanos) + nanos % 1_000_000_000;
        let carry = nanos / 1_000_000_000 + within.div_euclid(1_000_000_000);
        time.seconds = self.seconds.wrapping_add(carry);
        time.nanos = within.rem_euclid(1_000_000_000) as u32;
        time
    }

    /// The nanoseconds since another moment, as far as 64 bits hold them.
    pub(super) fn since(&self, other: &Self) -> i64 {
        let seconds = i128::from(self.seconds) - i128::from(other.seconds);
        let nanos = i128::from(self.nanos) - i128::from(other.nanos);
        let nanos = seconds * 1_000_000_000 + nanos;
        nanos.clamp(i64::MIN.into(), i64::MAX.into()) as i64
    }

    /// Whether it is the zero value.
    pub(super) fn is_zero(&self) -> bool {
        self.seconds == ZERO && self.nanos == 0
    }
}

pub(super) fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// How many days a month has.
pub(super) fn days_in(month: u32, year: i64) -> u32 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The seconds since 1970 of a day in UTC. Months and days beyond the end count on.
pub(super) fn midnight(year: i64, month: i64, day: i64) -> i64 {
    let months = i128::from(month) - 1;
    let year = i128::from(year) + months.div_euclid(12);
    let month = months.rem_euclid(12) + 1;
    // Years that begin in March, in cycles of 400.
    let shifted = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (shifted.div_euclid(400), shifted.rem_euclid(400));
    let part = if month > 2 { month - 3 } else { month + 9 };
    let days = of_era * 365 + of_era / 4 - of_era / 100 + (153 * part + 2) / 5;
    let days = era * 146_097 + days - 719_468 + i128::from(day) - 1;
    (days * i128::from(DAY)) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_both_ways() {
        for (year, month, day, year_day) in [
            (1970, 1, 1, 1),
            (2020, 2, 29, 60),
            (2020, 12, 31, 366),
            (2021, 3, 1, 60),
            (1, 1, 1, 1),
            (0, 2, 29, 60),
            (-4713, 11, 24, 328),
            (9999, 12, 31, 365),
        ] {
            let time = Time::unix(midnight(year, month, day));
            let (month, day) = (month as u32, day as u32);
            let expect = Date {
                year,
                month,
                day,
                year_day,
            };
            assert_eq!(time.date(), expect);
        }
        assert_eq!(Time::ZERO.date().year, 1);
        assert_eq!(Time::unix(0).weekday(), 4);
    }

    #[test]
    fn sums_carry_and_differences_saturate() {
        let time = Time::unix(10).add(-1);
        assert_eq!((time.seconds, time.nanos), (9, 999_999_999));
        assert_eq!(time.since(&Time::unix(10)), -1);
        assert_eq!(Time::unix(i64::MAX).since(&Time::unix(0)), i64::MAX);
    }
}
