//! The order of keys in output.
//!
//! Source: go.yaml.in/yaml v2.4 `sorter.go`.

/// Whether key `a` is printed before key `b`. Not transitive: `a2`, `a10`, `a1b2` form a circle.
#[must_use]
pub fn key_less(a: &str, b: &str) -> bool {
    let same = a.bytes().zip(b.bytes()).take_while(|(x, y)| x == y).count();
    if let (Some(x), Some(y)) = (a.as_bytes().get(same), b.as_bytes().get(same))
        && x.is_ascii_alphabetic()
        && y.is_ascii_alphabetic()
    {
        return x < y;
    }
    let start = (0..=same)
        .rev()
        .find(|&at| a.is_char_boundary(at) && b.is_char_boundary(at));
    let start = start.unwrap_or(0);
    let (mut rest_a, mut rest_b) = (a[start..].chars(), b[start..].chars());
    let (Some(x), Some(y)) = (rest_a.next(), rest_b.next()) else {
        return a.len() < b.len();
    };
    match (is_letter(x), is_letter(y)) {
        (true, true) => return x < y,
        (false, false) => {}
        (_, letter) => return letter,
    }
    // A zero behind another number continues that number.
    let continues = (x == '0' || y == '0') && {
        let mut before = a[..start].chars().rev().take_while(|c| is_digit(*c));
        before.any(|digit| digit != '0')
    };
    let (length_a, number_a) = digits(&a[start..], i64::from(continues));
    let (length_b, number_b) = digits(&b[start..], i64::from(continues));
    if number_a != number_b {
        return number_a < number_b;
    }
    if length_a != length_b {
        return length_a < length_b;
    }
    x < y
}

fn is_letter(char: char) -> bool {
    char.is_alphabetic() && !char.is_numeric()
}

/// The zeros of decimal digit rows beyond ASCII, in the basic plane.
const ZEROS: &[u16] = &[
    0x660, 0x6F0, 0x7C0, 0x966, 0x9E6, 0xA66, 0xAE6, 0xB66, 0xBE6, 0xC66, 0xCE6, 0xD66, 0xDE6,
    0xE50, 0xED0, 0xF20, 0x1040, 0x1090, 0x17E0, 0x1810, 0x1946, 0x19D0, 0x1A80, 0x1A90, 0x1B50,
    0x1BB0, 0x1C40, 0x1C50, 0xA620, 0xA8D0, 0xA900, 0xA9D0, 0xA9F0, 0xAA50, 0xABF0, 0xFF10,
];

fn is_digit(char: char) -> bool {
    let code = u32::from(char);
    char.is_ascii_digit()
        || ZEROS
            .iter()
            .any(|zero| (u32::from(*zero)..u32::from(*zero) + 10).contains(&code))
}

/// The run of digits at the start: its length and its value, which takes code points as they are.
fn digits(text: &str, start: i64) -> (usize, i64) {
    let digits = text.chars().take_while(|c| is_digit(*c));
    digits.fold((0, start), |(length, number), digit| {
        let digit = i64::from(u32::from(digit)) - i64::from(b'0');
        (length + 1, number.wrapping_mul(10).wrapping_add(digit))
    })
}

/// So many items are sorted in place.
const FEW: usize = 16;

/// Sorts by key, as keys are printed. Works on any relation: what has been placed is never compared again.
pub fn sort_by_key<T, F: Fn(&T) -> &str>(items: &mut Vec<T>, key: F) {
    if items
        .windows(2)
        .all(|pair| !key_less(key(&pair[1]), key(&pair[0])))
    {
        return;
    }
    if items.len() <= FEW {
        for at in 1..items.len() {
            let mut place = at;
            while place > 0 && key_less(key(&items[place]), key(&items[place - 1])) {
                items.swap(place, place - 1);
                place -= 1;
            }
        }
        return;
    }
    let mut runs: Vec<Vec<T>> = items.drain(..).map(|item| vec![item]).collect();
    while runs.len() > 1 {
        let mut merged = Vec::with_capacity(runs.len().div_ceil(2));
        let mut pairs = runs.into_iter();
        while let Some(left) = pairs.next() {
            merged.push(match pairs.next() {
                Some(right) => merge(left, right, &key),
                None => left,
            });
        }
        runs = merged;
    }
    *items = runs.pop().unwrap_or_default();
}

fn merge<T, F: Fn(&T) -> &str>(left: Vec<T>, right: Vec<T>, key: &F) -> Vec<T> {
    let mut out = Vec::with_capacity(left.len() + right.len());
    let (mut left, mut right) = (left.into_iter().peekable(), right.into_iter().peekable());
    loop {
        match (left.peek(), right.peek()) {
            (Some(a), Some(b)) if key_less(key(b), key(a)) => out.extend(right.next()),
            (Some(_), _) => out.extend(left.next()),
            (None, _) => {
                out.extend(right);
                return out;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_sort_by_value_and_letters_by_code_point() {
        for (first, second) in [
            ("a2", "a10"),
            ("a-b", "ab"),
            ("B", "a"),
            ("a", "a1"),
            ("1", "a"),
            ("a1", "a01"),
            ("a10", "a1b2"),
            ("é1", "é2"),
        ] {
            assert!(key_less(first, second), "{first} {second}");
            assert!(!key_less(second, first), "{second} {first}");
        }
    }

    #[test]
    fn sorts_circular_keys_without_harm() {
        let mut keys = vec!["a10", "a1b2", "a2", "b", "a"];
        sort_by_key(&mut keys, |key| key);
        assert_eq!(keys.len(), 5);
        assert_eq!(keys[0], "a");
    }
}
