//! Timestamps as the API server writes them.

use std::time::{Duration, SystemTime};

/// Reads `2006-01-02T15:04:05Z`, a fraction of a second allowed and dropped. None for anything else.
pub(crate) fn parse(text: &str) -> Option<SystemTime> {
    let text = text.strip_suffix('Z')?;
    let (date, time) = text.split_once('T')?;
    let mut date = date.splitn(3, '-').map(number);
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let time = time.split_once('.').map_or(time, |(seconds, _)| seconds);
    let mut time = time.splitn(3, ':').map(number);
    let (hour, minute, second) = (time.next()??, time.next()??, time.next()??);
    if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let seconds = (days(year, month, day) * 24 + hour) * 3600 + minute * 60 + second;
    Some(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
}

fn number(text: &str) -> Option<u64> {
    (text.len() <= 4 && text.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| text.parse().ok())?
}

/// Days from 1970-01-01 on. Years start in March here, so that a leap day is the last one.
fn days(year: u64, month: u64, day: u64) -> u64 {
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let leap_days = year / 4 - year / 100 + year / 400;
    year * 365 + leap_days + (month * 153 + 2) / 5 + day - 719_469
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, seconds: u64) {
        let expected = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        assert_eq!(parse(text), Some(expected), "{text}");
    }

    #[test]
    fn reads_what_the_api_server_writes() {
        check("1970-01-01T00:00:00Z", 0);
        check("2000-02-29T12:30:01Z", 951_827_401);
        check("2024-12-31T23:59:59.123456Z", 1_735_689_599);
        for text in [
            "",
            "2024-01-01",
            "x",
            "2024-13-01T00:00:00Z",
            "0000-00-00T00:00:00Z",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
