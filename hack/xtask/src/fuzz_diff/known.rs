//! Differences that the parity page names, told from new ones.

use std::collections::BTreeMap;

/// What [`is_hash_of_another_kind`] finds, for the report.
pub(super) const HASH_OF_ANOTHER_KIND: &str =
    "the hash of a generated object that a patch has turned into another kind";

/// The characters of a hash in a name.
const HASH: &[u8] = b"245678bcdfghkmt9";

/// Whether two outputs differ in nothing but hashes, and a patch may change kinds: upstream digests the
/// lines, columns and notes of such an object.
pub(super) fn is_hash_of_another_kind(
    files: &BTreeMap<String, String>,
    theirs: &str,
    ours: &str,
) -> bool {
    let generates = |text: &String| text.to_lowercase().contains("generator");
    let changes = |text: &String| text.contains("allowKindChange");
    files.values().any(generates)
        && files.values().any(changes)
        && documents(theirs) == documents(ours)
}

/// The documents without hashes; the order can follow from the names.
fn documents(text: &str) -> Vec<String> {
    let mut documents: Vec<String> = text.split("---\n").map(without_hashes).collect();
    documents.sort();
    documents
}

/// The text with every hash at the end of a name put out.
fn without_hashes(text: &str) -> String {
    let parts = text.split_inclusive(|c: char| !c.is_ascii_alphanumeric());
    let put_out = |part: &str| {
        let word = part.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
        let is_hash = word.len() == 10 && word.bytes().all(|byte| HASH.contains(&byte));
        match is_hash {
            true => part.replacen(word, "HASH", 1),
            false => part.to_owned(),
        }
    };
    parts.map(put_out).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_hashes_are_put_out() {
        let files = |text: &str| BTreeMap::from([(String::from("k"), text.to_owned())]);
        let both = files("configMapGenerator: []\npatches: [{options: {allowKindChange: true}}]\n");
        let (theirs, ours) = ("name: a-6ct58987ht\n", "name: a-m47h6gctk6\n");
        assert!(is_hash_of_another_kind(&both, theirs, ours));
        assert!(!is_hash_of_another_kind(
            &both,
            theirs,
            "name: b-m47h6gctk6\n"
        ));
        assert!(!is_hash_of_another_kind(
            &files("patches: []\n"),
            theirs,
            ours
        ));
        assert!(!is_hash_of_another_kind(
            &both,
            "name: a-aaaaaaaaaa\n",
            "name: a-iiiiiiiiii\n"
        ));
    }
}
