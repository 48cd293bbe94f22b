//! Recorded with Go 1.26 `time.ParseInLocation(layout, text, time.UTC)`.

use super::*;
use crate::functions::dates::format;

#[track_caller]
fn reads(layout: &str, text: &str, expect: &str) {
    let time = parse(layout.as_bytes(), text.as_bytes());
    let time = time.map(|it| format::text(&it));
    assert_eq!(time.as_deref(), Ok(expect));
}

#[track_caller]
fn refuses(layout: &str, text: &str, expect: &str) {
    let time = parse(layout.as_bytes(), text.as_bytes());
    let time = time.map(|it| format::text(&it));
    assert_eq!(time, Err(String::from(expect)));
}

#[test]
fn moments_are_read() {
    reads("2006-01-02", "2020-02-29", "2020-02-29 00:00:00 +0000 UTC");
    reads(
        "Jan _2 2006 3:04PM",
        "feb  3 2013 12:15AM",
        "2013-02-03 00:15:00 +0000 UTC",
    );
    reads("2006-002", "2020-060", "2020-02-29 00:00:00 +0000 UTC");
    reads(
        "2006-01-02 15:04:05",
        "2020-01-02 03:04:05.25",
        "2020-01-02 03:04:05.25 +0000 UTC",
    );
    reads(
        "2006 -0700",
        "2020 +0230",
        "2020-01-01 00:00:00 +0230 +0230",
    );
    reads(
        "2006 -0700 MST",
        "2020 -0500 EST",
        "2020-01-01 00:00:00 -0500 EST",
    );
    reads("2006 MST", "2020 GMT+3", "2020-01-01 03:00:00 +0300 GMT+3");
    reads("2006 MST", "2020 CEST", "2020-01-01 00:00:00 +0000 CEST");
    reads("06", "-1", "1999-01-01 00:00:00 +0000 UTC");
}

#[test]
fn refusals_read_as_in_go() {
    refuses(
        "2006-01-02",
        "bad",
        "parsing time \"bad\" as \"2006-01-02\": cannot parse \"bad\" as \"2006\"",
    );
    refuses(
        "2006-01-02",
        "2021-02-29",
        "parsing time \"2021-02-29\": day out of range",
    );
    refuses("15", "24", "parsing time \"24\": hour out of range");
    refuses("", "x", "parsing time \"x\": extra text: \"x\"");
    refuses(
        "2006-002 01",
        "2021-060 02",
        "parsing time \"2021-060 02\": day-of-year does not match month",
    );
    refuses(
        "\u{e9}06",
        "x",
        "parsing time \"x\" as \"\\xc3\\xa906\": cannot parse \"x\" as \"\\xc3\\xa9\"",
    );
}
