//! References and listed folders.

use weir_api::source::v1::GitRepositoryRef;

use super::*;

#[test]
fn without_a_reference_it_is_the_branch_master() {
    let mut spec = GitRepositorySpec::default();
    assert_eq!(reference(&spec), Reference::Branch("master".to_owned()));
    spec.reference = Some(GitRepositoryRef {
        tag: "v1".to_owned(),
        ..GitRepositoryRef::default()
    });
    assert_eq!(reference(&spec), Reference::Tag("v1".to_owned()));
}

#[test]
fn listed_folders_are_cleaned_and_stay_inside() {
    for (listed, expected) in [
        ("./a", Some("a")),
        ("a/b/", Some("a/b")),
        ("/a", Some("a")),
        (".", Some("")),
        ("a/../b", Some("b")),
        ("../sibling", None),
        ("a/../../b", None),
    ] {
        assert_eq!(clean(listed).as_deref(), expected, "{listed}");
    }
}

#[test]
fn folders_end_at_slashes() {
    assert!(is_below("a/b", "a"));
    assert!(is_below("a", ""));
    assert!(!is_below("ab/c", "a"));
    assert!(!is_below("a", "a"));
    let mut paths = ["a.b", "a/x", "a", "a/b/c", "a/b"];
    paths.sort_by(|left, right| walk_order(left, right));
    assert_eq!(paths, ["a", "a/b", "a/b/c", "a/x", "a.b"]);
}
