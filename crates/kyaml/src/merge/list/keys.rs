//! Key values of items: matching and completing them.

use crate::Error;
use crate::node::{Kind, Node, Text};

/// Whether a field of an item matches, for replacing: an empty value matches any.
pub(super) fn is_match(item: &Node, keys: &[Text], values: &[Text]) -> Result<bool, Error> {
    let mut matched = false;
    for (at, key) in keys.iter().enumerate() {
        if let Some(value) = values.get(at) {
            if key.is_empty() {
                item.expect_kind(Kind::Scalar)?;
                matched = item.text() == value.as_str();
            } else {
                item.expect_kind(Kind::Mapping)?;
                let field = item.get(key);
                matched = field.is_some_and(|f| value.is_empty() || f.text() == value.as_str());
            }
        }
        if !matched {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether an item has exactly these key values, for finding.
pub(super) fn has_values(item: &Node, keys: &[Text], values: &[Text]) -> bool {
    if keys.first().is_none_or(|key| key.is_empty()) {
        return item.text() == values.first().map_or("", Text::as_str);
    }
    if item.is_null() || !item.is_mapping() || keys.len() != values.len() {
        return false;
    }
    let mut pairs = keys.iter().zip(values);
    pairs.all(|(key, value)| item.get(key).is_some_and(|f| f.text() == value.as_str()))
}

/// Which of the keys have a value anywhere.
pub(super) fn known_keys(values: &[Vec<Text>], keys: &[Text]) -> Vec<bool> {
    (0..keys.len())
        .map(|at| {
            values
                .iter()
                .any(|v| v.get(at).is_some_and(|v| !v.is_empty()))
        })
        .collect()
}

/// The keys that are known, and the values that go with them; all, if none is known.
pub(super) fn valid_of(known: &[bool], values: &[Text], keys: &[Text]) -> (Vec<Text>, Vec<Text>) {
    if !known.contains(&true) {
        return (keys.to_vec(), values.to_vec());
    }
    let valid = |list: &[Text]| {
        let pairs = list.iter().zip(known);
        pairs
            .filter(|(_, known)| **known)
            .map(|(text, _)| text.clone())
            .collect()
    };
    (valid(keys), valid(values))
}

/// Completes key values by others that have the same where both are set, such as ports of which only
/// one names its protocol.
pub(super) fn merge_values(values: &mut [Vec<Text>]) {
    for i in 0..values.len() {
        // The first of a pair is taken before the inner loop, as upstream's range does.
        let first = values[i].clone();
        for j in 0..values.len() {
            if let Some(merged) = merged(&first, &values[j]) {
                values[i].clone_from(&merged);
                values[j] = merged;
            }
        }
    }
}

fn merged(a: &[Text], b: &[Text]) -> Option<Vec<Text>> {
    let mut common = false;
    let mut merged = Vec::with_capacity(a.len());
    for (a, b) in a.iter().zip(b) {
        common |= a == b;
        if a != b && !a.is_empty() && !b.is_empty() {
            return None;
        }
        merged.push(if a.is_empty() { b.clone() } else { a.clone() });
    }
    common.then_some(merged)
}
