//! Statuses and events as text, one case per situation that users tell apart.

use weir_api::source::v1::{GitRepository, GitRepositorySpec, GitRepositoryStatus};

use super::*;
use crate::error::SecretError;
use crate::gitrepository::Git;

const REVISION: &str = "main@sha1:aaaa";

fn artifact(revision: &str, digest: &str) -> Artifact {
    Artifact {
        path: "gitrepository/ns/app/a.tar.gz".to_owned(),
        url: "http://host/gitrepository/ns/app/a.tar.gz".to_owned(),
        revision: revision.to_owned(),
        digest: digest.to_owned(),
        last_update_time: Timestamp::UNIX_EPOCH.into(),
        size: Some(1),
        metadata: std::collections::BTreeMap::new(),
    }
}

fn fresh(generation: i64) -> GitRepository {
    let spec = GitRepositorySpec {
        interval: weir_api::meta::GoDuration::new("10m"),
        ..GitRepositorySpec::default()
    };
    let mut object = GitRepository::new("app", spec);
    object.metadata.generation = Some(generation);
    let status = GitRepositoryStatus {
        observed_generation: Some(-1),
        ..GitRepositoryStatus::default()
    };
    object.status = Some(status);
    object
}

/// An object whose artifact is stored.
fn ready(generation: i64) -> GitRepository {
    let mut object = fresh(1);
    let facts = stored(Stored::Absent, "sha256:1");
    object.status = Some(run(&object, &facts, &Outcome::Reconciled).status);
    object.metadata.generation = Some(generation);
    object
}

fn stored(before: Stored, digest: &str) -> Facts {
    Facts {
        stored: before,
        found: Found::Stored {
            artifact: artifact(REVISION, digest),
            label: "first".to_owned(),
        },
        ..Facts::default()
    }
}

fn run(
    object: &GitRepository,
    facts: &Facts,
    outcome: &Outcome<'_, Error>,
) -> Verdict<GitRepositoryStatus> {
    let now = Timestamp::UNIX_EPOCH;
    report::<Git>(&Input {
        object,
        facts,
        outcome,
        now,
        dependency_delay: std::time::Duration::from_secs(30),
    })
}

/// Conditions, then events, then what comes next, a line each.
fn lines(verdict: &Verdict<GitRepositoryStatus>) -> Vec<String> {
    let condition = |found: &Condition| {
        let generation = found.observed_generation.unwrap_or_default();
        format!(
            "{}={} {} @{generation}: {}",
            found.type_, found.status, found.reason, found.message
        )
    };
    let event = |event: &Event| format!("{:?} {}: {}", event.kind, event.reason, event.message);
    let mut lines: Vec<String> = verdict.status.conditions.iter().map(condition).collect();
    lines.extend(verdict.events.iter().map(event));
    lines.push(format!(
        "observed {:?}, next {:?}",
        verdict.status.observed_generation, verdict.next
    ));
    lines
}

fn present() -> Stored {
    Stored::Present(artifact(REVISION, "sha256:1"))
}

#[test]
fn a_first_artifact_makes_it_ready_and_is_told() {
    let verdict = run(
        &fresh(1),
        &stored(Stored::Absent, "sha256:1"),
        &Outcome::Reconciled,
    );
    assert_eq!(
        lines(&verdict),
        [
            "Ready=True Succeeded @1: stored artifact for revision 'main@sha1:aaaa'",
            "ArtifactInStorage=True Succeeded @1: stored artifact for revision 'main@sha1:aaaa'",
            "Normal NewArtifact: stored artifact for commit 'first'",
            "observed Some(1), next Interval(600s)",
        ]
    );
    let metadata: Vec<_> = verdict.events[0].metadata.clone().into_iter().collect();
    let expected = [("digest", "sha256:1"), ("revision", REVISION)];
    assert_eq!(
        metadata,
        expected.map(|(key, value)| (key.to_owned(), value.to_owned()))
    );
}

#[test]
fn nothing_new_is_told_to_kubernetes_only() {
    let mut object = ready(1);
    object.metadata.annotations = Some(
        [(
            annotation::RECONCILE_REQUESTED_AT.to_owned(),
            "now".to_owned(),
        )]
        .into(),
    );
    let facts = Facts {
        before: Before::of::<Git>(&object),
        stored: present(),
        found: Found::Unchanged {
            revision: REVISION.to_owned(),
            quietly: false,
        },
        ..Facts::default()
    };
    let verdict = run(&object, &facts, &Outcome::Reconciled);
    assert_eq!(verdict.status.last_handled_reconcile_at, "now");
    let before = object.status.expect("has a status");
    assert_eq!(before.conditions, verdict.status.conditions);
    assert_eq!(
        lines(&verdict)[2..],
        [
            "Trace GitOperationSucceeded: no changes since last reconciliation: observed revision 'main@sha1:aaaa'",
            "observed Some(1), next Interval(600s)",
        ]
    );
}

#[test]
fn another_commit_with_equal_bytes_is_not_told() {
    let object = ready(1);
    let facts = Facts {
        before: Before::of::<Git>(&object),
        ..stored(present(), "sha256:1")
    };
    let verdict = run(&object, &facts, &Outcome::Reconciled);
    assert_eq!(verdict.events, []);
}

#[test]
fn a_failure_keeps_the_artifact_and_the_recovery_is_told() {
    let object = ready(2);
    let error = Error::GetSecret {
        name: "ns/creds".to_owned(),
        source: SecretError::Missing("creds".to_owned()),
    };
    let facts = Facts {
        before: Before::of::<Git>(&object),
        stored: present(),
        ..Facts::default()
    };
    let failed = run(&object, &facts, &Outcome::Failed(&error));
    let text = "failed to get secret 'ns/creds': failed to get secret 'ns/creds': secrets \"creds\" not found";
    assert_eq!(
        lines(&failed),
        [
            "Reconciling=True ProgressingWithRetry @2: processing object: new generation 1 -> 2"
                .to_owned(),
            format!("Ready=False AuthenticationFailed @2: {text}"),
            format!("FetchFailed=True AuthenticationFailed @2: {text}"),
            "ArtifactInStorage=True Succeeded @1: stored artifact for revision 'main@sha1:aaaa'"
                .to_owned(),
            format!("Warning AuthenticationFailed: {text}"),
            "observed Some(1), next Backoff".to_owned(),
        ]
    );
    assert!(failed.status.artifact.is_some());

    let mut again = object.clone();
    again.status = Some(failed.status);
    let facts = Facts {
        before: Before::of::<Git>(&again),
        stored: present(),
        found: Found::Unchanged {
            revision: REVISION.to_owned(),
            quietly: false,
        },
        ..Facts::default()
    };
    assert_eq!(
        lines(&run(&again, &facts, &Outcome::Reconciled)),
        [
            "Ready=True Succeeded @2: stored artifact for revision 'main@sha1:aaaa'",
            "ArtifactInStorage=True Succeeded @2: stored artifact for revision 'main@sha1:aaaa'",
            "Trace GitOperationSucceeded: no changes since last reconciliation: observed revision 'main@sha1:aaaa'",
            "Normal Succeeded: stored artifact for commit 'main@sha1:aaaa'",
            "observed Some(2), next Interval(600s)",
        ]
    );
}

#[test]
fn a_closed_gate_stalls_and_counts_as_failed_fetch() {
    let facts = Facts {
        stored: Stored::Absent,
        ..Facts::default()
    };
    let verdict = run(&fresh(1), &facts, &Outcome::Failed(&Error::FeatureGate));
    let types: Vec<_> = verdict
        .status
        .conditions
        .iter()
        .map(|found| found.type_.as_str())
        .collect();
    assert_eq!(types, ["Stalled", "Ready", "FetchFailed"]);
    assert_eq!(verdict.status.observed_generation, Some(1));
}

#[test]
fn a_lost_file_is_forgotten_at_once() {
    let object = ready(1);
    let corrupt = Stored::Corrupt("computed digest doesn't match 'sha256:1'".to_owned());
    let facts = Facts {
        stored: corrupt,
        ..Facts::default()
    };
    let verdict = run(&object, &facts, &Outcome::Progressing);
    assert_eq!(verdict.status.artifact, None);
    assert_eq!(
        lines(&verdict),
        [
            "Reconciling=True Progressing @1: building artifact: disappeared from storage",
            "Ready=Unknown Progressing @1: building artifact: disappeared from storage",
            "observed Some(1), next Never",
        ]
    );
    let rebuilt = Facts {
        before: Before::of::<Git>(&object),
        found: stored(Stored::Absent, "sha256:1").found,
        ..facts
    };
    let events = run(&object, &rebuilt, &Outcome::Reconciled).events;
    let reasons: Vec<_> = events.iter().map(|event| event.reason.as_str()).collect();
    assert_eq!(reasons, ["ArtifactVerificationFailed"]);
}

#[test]
fn a_routine_poll_does_not_make_ready_flap_and_a_new_revision_does() {
    let object = ready(1);
    let facts = Facts {
        stored: present(),
        ..Facts::default()
    };
    let polling = run(&object, &facts, &Outcome::Progressing);
    assert_eq!(
        lines(&polling)[..2],
        [
            "Reconciling=True Progressing @1: reconciliation in progress",
            "Ready=True Succeeded @1: stored artifact for revision 'main@sha1:aaaa'",
        ]
    );
    let facts = Facts {
        found: Found::Revision("main@sha1:bbbb".to_owned()),
        ..facts
    };
    let building = run(&object, &facts, &Outcome::Progressing);
    assert_eq!(
        lines(&building)[1],
        "Ready=Unknown Progressing @1: building artifact: new upstream revision 'main@sha1:bbbb'"
    );
    let full = Error::Archive(Box::new(std::io::Error::from(
        std::io::ErrorKind::StorageFull,
    )));
    let failed = run(&object, &facts, &Outcome::Failed(&full));
    let types: Vec<_> = failed
        .status
        .conditions
        .iter()
        .map(|found| found.type_.as_str())
        .collect();
    assert_eq!(
        types,
        [
            "Reconciling",
            "Ready",
            "ArtifactInStorage",
            "ArtifactOutdated",
            "StorageOperationFailed"
        ]
    );
    let ready =
        find_condition(&failed.status.conditions, "Ready").map(|found| found.reason.as_str());
    assert_eq!(ready, Some("ArchiveOperationFailed"));
}

#[test]
fn suspension_moves_only_readys_generation() {
    assert_eq!(
        lines(&run(&fresh(1), &Facts::default(), &Outcome::Suspended)),
        ["observed Some(-1), next Never"]
    );
    assert_eq!(
        lines(&run(&ready(2), &Facts::default(), &Outcome::Suspended)),
        [
            "Ready=True Succeeded @2: stored artifact for revision 'main@sha1:aaaa'",
            "ArtifactInStorage=True Succeeded @1: stored artifact for revision 'main@sha1:aaaa'",
            "observed Some(2), next Never",
        ]
    );
}

#[test]
fn a_superseded_pass_looks_like_progress_and_tells_nothing() {
    let facts = Facts {
        stored: present(),
        ..Facts::default()
    };
    let superseded = run(&ready(2), &facts, &Outcome::Failed(&Error::Superseded));
    let progressing = run(&ready(2), &facts, &Outcome::Progressing);
    assert_eq!(lines(&superseded), lines(&progressing));
    assert_eq!(superseded.status, progressing.status);
}

#[test]
fn deletion_tells_what_it_removed() {
    let object = ready(1);
    let removed = Facts {
        removed_all: true,
        ..Facts::default()
    };
    let events = run(&object, &removed, &Outcome::Finalized).events;
    assert_eq!(
        events,
        [Event::trace(
            "GarbageCollectionSucceeded",
            "garbage collected artifacts for deleted resource"
        )]
    );
    assert_eq!(
        run(&object, &Facts::default(), &Outcome::Finalized).events,
        []
    );
}
