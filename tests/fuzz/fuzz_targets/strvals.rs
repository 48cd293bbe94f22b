//! Any text as each of the `--set` family, into values that are empty and into what came of it.
#![no_main]

use go_template::{Map, Type, Value};
use helm::strvals::{self, Mode};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let values = Map::new(&Type::MAP);
    for mode in [Mode::Typed, Mode::Strings, Mode::Json, Mode::Literal] {
        let _ = strvals::set(&text, &values, mode);
    }
    let mut reader = |path: &str| Ok(Value::str(path));
    let _ = strvals::set(&text, &values, Mode::Files(&mut reader));
    let _ = helm::yaml::to_yaml(&Value::Map(values));
});
