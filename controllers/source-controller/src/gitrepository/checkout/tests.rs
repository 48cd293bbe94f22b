//! References.

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
