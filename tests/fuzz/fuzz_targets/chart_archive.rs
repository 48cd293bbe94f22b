//! Any bytes as a packed chart, as its unpacked stream, and as `Chart.yaml`, values and schema of one.
#![no_main]

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use go_template::{Str, Value};
use helm::chart::{Chart, File, Limits};
use libfuzzer_sys::fuzz_target;

const LIMITS: Limits = Limits {
    bytes: 1 << 20,
    file: 1 << 18,
    entries: 200,
};

fuzz_target!(|bytes: &[u8]| {
    let _ = Chart::from_archive(bytes, &LIMITS);
    let mut gzip = GzEncoder::new(Vec::new(), Compression::none());
    if gzip.write_all(bytes).is_ok()
        && let Ok(packed) = gzip.finish()
    {
        let _ = Chart::from_archive(&packed, &LIMITS);
    }
    let file = |name: &str, data: &[u8]| File {
        name: name.into(),
        data: Str::from(data),
    };
    let _ = Chart::from_directory(vec![file("Chart.yaml", bytes)]);
    let _ = Chart::from_directory(vec![
        file("Chart.yaml", b"apiVersion: v1\nname: a\nversion: 1.0.0\n"),
        file("requirements.yaml", bytes),
        file("values.yaml", bytes),
    ]);
    let _ = helm::schema::validate(&Value::map([("a", Value::int(1))]), bytes);
});
