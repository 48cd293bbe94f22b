//! Both ways compared.

use super::*;
use crate::parse::parse_any;

/// Both ways make the same of a text, if the short one takes it. Whether it does.
fn check(text: &str) -> bool {
    let limits = Limits::default();
    let Some(short) = read(text, &limits) else {
        return false;
    };
    let long = parse_any(text, &limits);
    let long = long.expect("no error is taken").expect("it is there");
    assert_eq!(format!("{short:?}"), format!("{long:?}"), "{text:?}");
    true
}

#[test]
fn takes_what_manifests_are_made_of() {
    for text in [
        "a: 1\n",
        "---\na: 1\nb:\n",
        "a:\n  b: x y\n\n  c: 'q'\nd:\n- e: 1\n  f:\n  - g\n- h\n",
        "a:\n  - b:\n    - c: d\n      e: \"\"\n  -   f: g\n      h: ~\n",
        "a: |\n  x\n\n    y\n\n\nb: |-\n    z\nc: |+\n x\n\n",
        "- a: {}\n  b: []\n- [a, \"b\", --c=1, 2]\n",
        "a: http://x:80/y#z\nb: -1\nc: --flag\nd: ümlaut\ne: 2001-01-01\n",
        "key: v\n  \n\nnext:   v  \nlast:",
        "# top\n# two\na: b # c\nd: # e\n  # f\n  g: 'h'  # i\n\n  # j\n  k: []\nl: [x]\n",
    ] {
        assert!(check(text), "{text:?}");
    }
}

#[test]
fn leaves_the_rest_to_the_long_way() {
    for text in [
        "",
        "a",
        "a: b: c\n",
        "# c\n\na: b\n",
        "a: b\n# c\n",
        "a:\n# c\n- b\n",
        "a: # c\nb: d\n",
        "a: [b] # c\n",
        "a: b\n  c\n",
        "a: &x b\n",
        "a: *x\n",
        "a: !!str b\n",
        "a: >\n  b\n",
        "a: |2\n  b\n",
        "a: |\n\n  b\n",
        "a: |\n  b",
        "a: 'b''c'\n",
        "a: \"\\n\"\n",
        "a:\tb\n",
        "a: b\r\n",
        "a: {b: c}\n",
        "a: [b,c]\n",
        "a: [b, ]\n",
        "a:\n  b: c\n d: e\n",
        "  a: b\nc: d\n",
        "a: b\n- c\n",
        "- a\nb: c\n",
        "- - a\n",
        "-\n  a: b\n",
        "a:\n  b\n",
        "? a\n: b\n",
        "a: b\n---\nc: d\n",
        "a: b\n...\n",
        "a: x\u{2028}y\n",
    ] {
        assert!(!check(text), "{text:?}");
    }
}

/// What texts are made of.
const PIECES: [&str; 51] = [
    "\n",
    "\n",
    "\n",
    "\n  ",
    "\n  ",
    "\n    ",
    "\n    ",
    "\n- ",
    "\n  - ",
    "\n    - ",
    "- ",
    "a: ",
    "b: ",
    "key:",
    "k.e/y-2:",
    "a",
    "x y",
    "1",
    "0x1f",
    "~",
    "null",
    "true",
    "''",
    "'q z'",
    "\"d\"",
    "\"<<\"",
    "<<",
    "<<: ",
    "|",
    "|-",
    "|+",
    ">",
    "[a, b]",
    "[]",
    "{}",
    "{a: 1}",
    " ",
    "  ",
    "\n# h\n",
    "\n  # i\n  ",
    "#",
    " # c",
    " # d\n",
    ":",
    "-",
    "é",
    "---",
    "--- ",
    "...",
    "&x ",
    "http://h:8",
];

#[test]
fn both_ways_agree_on_texts_of_random_pieces() {
    // A fixed sequence of the usual shift register.
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % 1_000_003).expect("it is small") % below
    };
    let mut taken = 0;
    for _ in 0..60_000 {
        let count = 1 + next(14);
        let mut text = String::from(["a: ", "", "- ", "---\n", "  "][next(5)]);
        (0..count).for_each(|_| text.push_str(PIECES[next(PIECES.len())]));
        if next(4) > 0 {
            text.push('\n');
        }
        taken += usize::from(check(&text));
    }
    assert!(taken > 1_000, "{taken}");
}
