//! Rules on the spec.

use weir_api::meta::LocalObjectReference;
use weir_api::source::v1::{GitRepositoryInclude, GitRepositoryRef};

use super::*;

#[test]
fn fields_that_are_not_served_are_named() {
    let spec = |change: fn(&mut GitRepositorySpec)| {
        let mut spec = GitRepositorySpec {
            url: "https://host/x".to_owned(),
            ..GitRepositorySpec::default()
        };
        change(&mut spec);
        unsupported(&spec)
    };
    assert_eq!(spec(|_| {}), None);
    assert_eq!(
        spec(|spec| spec.provider = Some(GitProvider::Generic)),
        None
    );
    assert_eq!(
        spec(|spec| spec.provider = Some(GitProvider::Github)),
        Some("spec.provider")
    );
    assert_eq!(
        spec(|spec| spec.verify = Some(weir_api::source::v1::GitRepositoryVerification::default())),
        Some("spec.verify")
    );
    assert_eq!(
        spec(|spec| spec.recurse_submodules = true),
        Some("spec.recurseSubmodules")
    );
    let include = |spec: &mut GitRepositorySpec| {
        let repository = LocalObjectReference {
            name: "other".to_owned(),
        };
        spec.include = vec![GitRepositoryInclude {
            repository,
            ..GitRepositoryInclude::default()
        }];
    };
    assert_eq!(spec(include), Some("spec.include"));
}

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

#[test]
fn content_has_changed_when_the_spec_differs_from_what_was_observed() {
    let mut object = GitRepository::new("app", GitRepositorySpec::default());
    assert!(Git::content_changed(&object));
    let mut status = GitRepositoryStatus::default();
    Git::observe_content(&object, &mut status);
    object.status = Some(status);
    assert!(!Git::content_changed(&object));
    object.spec.ignore = Some(String::new());
    assert!(Git::content_changed(&object));
}
