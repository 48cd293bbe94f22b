//! Every verdict against that of Flux, recorded by `hack/gen/kstatus`.

use std::time::{Duration, SystemTime};

use serde_json::Value;

const OBJECTS: &str = include_str!("../../../tests/conformance/kstatus/objects.jsonl");

#[test]
fn every_object_gets_the_verdict_and_the_words_of_flux() {
    // Pods of the recording are of 2020 or of 2190.
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(60 * 365 * 86_400);
    let mut failures = Vec::new();
    for line in OBJECTS.lines() {
        let row: Value = serde_json::from_str(line).expect("a row");
        let ours = kstatus::compute(&row["object"], now);
        let got = (ours.kind.as_str(), ours.message.as_str());
        let theirs = (row["status"].as_str(), row["message"].as_str());
        if (Some(got.0), Some(got.1)) != theirs {
            failures.push(format!("{got:?} instead of {theirs:?}: {}", row["object"]));
        }
    }
    let count = failures.len();
    failures.truncate(20);
    assert!(failures.is_empty(), "{count}:\n{}", failures.join("\n"));
}
