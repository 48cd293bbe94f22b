//! Rules on the spec.

use super::*;

#[test]
fn content_has_changed_when_the_spec_differs_from_what_was_observed() {
    let mut object = GitRepository::new("app", GitRepositorySpec::default());
    assert!(Git::content_changed(&object));
    let mut status = GitRepositoryStatus::default();
    Git::observe_content(&object, &[], &mut status);
    object.status = Some(status);
    assert!(!Git::content_changed(&object));
    object.spec.ignore = Some(String::new());
    assert!(Git::content_changed(&object));
}

#[test]
fn verification_is_due_until_the_mode_has_been_passed() {
    use weir_api::source::v1::{GitRepositoryVerification, GitVerificationMode as Mode};

    let mut object = GitRepository::new("app", GitRepositorySpec::default());
    assert!(!verify::is_due(&object));
    let mut due = |mode, passed: Option<&str>| {
        object.spec.verify = Some(GitRepositoryVerification {
            mode,
            ..GitRepositoryVerification::default()
        });
        object.status = Some(GitRepositoryStatus {
            source_verification_mode: passed.map(str::to_owned),
            ..GitRepositoryStatus::default()
        });
        verify::is_due(&object)
    };
    for (mode, passed, expected) in [
        (Mode::Head, None, true),
        (Mode::Head, Some("HEAD"), false),
        (Mode::LegacyHead, Some("HEAD"), false),
        (Mode::Head, Some("Tag"), true),
        (Mode::Head, Some("TagAndHEAD"), false),
        (Mode::Tag, Some("HEAD"), true),
        (Mode::Tag, Some("TagAndHEAD"), false),
        (Mode::TagAndHead, Some("Tag"), true),
        (Mode::TagAndHead, Some("HEAD"), true),
    ] {
        assert_eq!(due(mode, passed), expected, "{mode:?} after {passed:?}");
    }
}
