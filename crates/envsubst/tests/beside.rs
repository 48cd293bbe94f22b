//! Substitutions that mean harm: each ends within its bounds, and changes nothing for others.

use envsubst::{Limits, Mode, Variables, expand_within};

const LIMITS: Limits = Limits {
    depth: 64,
    output: 1 << 20,
    steps: 1 << 20,
};

fn variables() -> Variables {
    let long = "a".repeat(1 << 16);
    Variables::from([
        ("v".to_owned(), "value".to_owned()),
        ("long".to_owned(), long),
        ("self".to_owned(), "${self}${self}".to_owned()),
    ])
}

/// What is tried, and whether it has a result.
fn hostile() -> Vec<(&'static str, String, bool)> {
    vec![
        ("many values", "${long}".repeat(17), false),
        (
            "many defaults",
            format!("${{x:={}}}", "${long}".repeat(17)),
            false,
        ),
        (
            "each character replaced",
            "${long//a/${long}}".to_owned(),
            false,
        ),
        (
            "defaults in defaults",
            format!("{}v{}", "${x:=".repeat(1_000), "}".repeat(1_000)),
            false,
        ),
        ("never closed", "${x:=".repeat(100_000), false),
        ("stars", format!("${{long##{}b}}", "*a".repeat(200)), false),
        ("nothing to replace", "${long//}".to_owned(), false),
        ("an odd name", "${1x}".to_owned(), true),
        ("a value that names itself", "${self}".to_owned(), true),
        ("many dollars", "$$".repeat(1 << 18), true),
        (
            "positions out of range",
            "${v:-99999999999999999999:1}${v:3:99999999}".to_owned(),
            true,
        ),
    ]
}

#[test]
fn hostile_texts_end_and_change_nothing_beside_them() {
    let variables = variables();
    let expand = |text: &str| expand_within(text, &variables, Mode::Lenient, &LIMITS);
    let hostile = hostile();
    let alone: Vec<_> = hostile.iter().map(|(_, text, _)| expand(text)).collect();
    for ((name, _, fine), outcome) in hostile.iter().zip(&alone) {
        assert_eq!(outcome.is_ok(), *fine, "{name}");
        if let Ok(text) = outcome {
            assert!(text.len() <= LIMITS.output, "{name}");
        }
    }
    std::thread::scope(|scope| {
        let attack = scope.spawn(|| {
            for ((name, text, _), alone) in hostile.iter().zip(&alone) {
                assert_eq!(&expand(text), alone, "{name}");
            }
        });
        let mut count = 0;
        while !attack.is_finished() || count < 100 {
            assert_eq!(expand("${v^^} ${x:=y}"), Ok("VALUE y".to_owned()));
            count += 1;
        }
    });
}
