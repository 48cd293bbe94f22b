//! How a wait stands, and what is said of it.

use super::*;

fn progress(verdicts: &[(&str, Option<Kind>)]) -> Progress {
    let status = |kind: Kind| Status {
        kind,
        message: "who knows".to_owned(),
        changes_at: None,
    };
    let verdict =
        |(subject, kind): &(&str, Option<Kind>)| ((*subject).to_owned(), kind.map(status));
    Progress(verdicts.iter().map(verdict).collect())
}

#[test]
fn one_failure_decides_only_if_asked_to_fail_fast() {
    let mixed = progress(&[("a", Some(Kind::Failed)), ("b", Some(Kind::InProgress))]);
    assert_eq!(mixed.standing(true), Standing::Failed);
    assert_eq!(mixed.standing(false), Standing::Waiting);
    let decided = progress(&[("a", Some(Kind::Failed)), ("b", Some(Kind::Current))]);
    assert_eq!(decided.standing(false), Standing::Failed);
    assert_eq!(
        progress(&[("b", Some(Kind::Current))]).standing(false),
        Standing::Healthy
    );
    assert_eq!(progress(&[("b", None)]).standing(true), Standing::Waiting);
}

#[test]
fn names_only_what_failed_early_and_everything_unready_at_the_timeout() {
    let all = progress(&[
        ("ConfigMap/ns/c", Some(Kind::Current)),
        ("Deployment/ns/d", Some(Kind::Failed)),
        ("Deployment/ns/e", Some(Kind::InProgress)),
        ("Job/ns/j", None),
        ("Pod/ns/p", Some(Kind::Unknown)),
    ]);
    assert_eq!(
        all.failed_early(),
        "failed early due to stalled resources: [Deployment/ns/d status: 'Failed']"
    );
    assert_eq!(
        all.timed_out(),
        "timeout waiting for: [Deployment/ns/d status: 'Failed', Deployment/ns/e status: 'InProgress', \
         can't determine status for Job/ns/j, Pod/ns/p status: 'Unknown': who knows]"
    );
}
