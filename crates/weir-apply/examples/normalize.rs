//! Reads objects, one JSON document per line, and prints each in the form that is applied.
#![expect(
    clippy::print_stdout,
    reason = "a command-line program around the library"
)]

use std::error::Error;
use std::io::BufRead as _;

use weir_apply::{Object, normalize};

fn main() -> Result<(), Box<dyn Error>> {
    for line in std::io::stdin().lock().lines() {
        let Ok(value) = serde_json::from_str(&line?) else {
            println!("{{}}");
            continue;
        };
        let mut object = Object::new(value)?;
        normalize(&mut object);
        println!("{}", object.value());
    }
    Ok(())
}
