//! Any bytes as YAML of Helm: read, printed, and read again as the same.
#![no_main]

use helm::yaml;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(value) = yaml::read(bytes) else {
        return;
    };
    let _ = yaml::to_pretty(&value, &yaml::free);
    let Ok(text) = yaml::to_yaml(&value) else {
        return;
    };
    if text.contains("<<") {
        // A key of that name is printed plain, as Go does it, and means something else when it is read.
        return;
    }
    let again = yaml::read(text.as_bytes()).expect("what is printed can be read");
    let again = yaml::to_yaml(&again).expect("what was read can be printed");
    assert_eq!(text, again);
});
