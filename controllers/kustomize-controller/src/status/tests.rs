//! What users see after each outcome.

use serde_json::{Value, json};
use weir_api::meta::InventoryEntry;

use super::*;

const DIGEST: &str = "sha256:aa";

fn object(extra: Value) -> Kustomization {
    let mut whole = json!({
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
        "kind": "Kustomization",
        "metadata": {"name": "app", "namespace": "ns", "generation": 2},
        "spec": {"interval": "10m", "prune": true, "sourceRef": {"kind": "GitRepository", "name": "app"}},
        "status": {"observedGeneration": 1},
    });
    merge(&mut whole, extra);
    serde_json::from_value(whole).expect("a Kustomization")
}

fn merge(base: &mut Value, extra: Value) {
    match (base, extra) {
        (Value::Object(base), Value::Object(extra)) => {
            for (key, value) in extra {
                merge(base.entry(key).or_insert(Value::Null), value);
            }
        }
        (base, extra) => *base = extra,
    }
}

fn facts(phase: Phase) -> Facts {
    Facts {
        revision: "main@sha1:1".into(),
        phase,
        digest: Some(DIGEST.into()),
        ..Facts::default()
    }
}

fn run(
    object: &Kustomization,
    facts: &Facts,
    outcome: Outcome<'_, Error>,
) -> Verdict<KustomizationStatus> {
    let now = "2026-01-02T03:04:05Z".parse().expect("a time");
    report(
        &Report {
            object,
            facts,
            outcome,
            now,
            elapsed: Duration::from_millis(1500),
        },
        false,
    )
}

/// Conditions as `Type=Status Reason message`.
fn conditions(status: &KustomizationStatus) -> Vec<String> {
    status
        .conditions
        .iter()
        .map(|c| format!("{}={} {} {}", c.type_, c.status, c.reason, c.message))
        .collect()
}

fn events(verdict: &Verdict<KustomizationStatus>) -> Vec<String> {
    verdict
        .events
        .iter()
        .map(|e| {
            format!(
                "{:?} {} {} {:?}",
                e.kind,
                e.reason,
                e.message,
                e.metadata.keys().collect::<Vec<_>>()
            )
        })
        .collect()
}

#[test]
fn success_settles_the_generation_and_says_when_it_runs_next() {
    let object =
        object(json!({"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": "now"}}}));
    let entries = vec![InventoryEntry {
        id: "ns_a__ConfigMap".into(),
        v: "v1".into(),
    }];
    let facts = Facts {
        inventory: Some(entries),
        ..facts(Phase::Applying)
    };
    let verdict = run(&object, &facts, Outcome::Reconciled);
    assert_eq!(
        conditions(&verdict.status),
        ["Ready=True ReconciliationSucceeded Applied revision: main@sha1:1"]
    );
    assert_eq!(verdict.status.observed_generation, Some(2));
    assert_eq!(verdict.status.last_handled_reconcile_at, "now");
    assert_eq!(verdict.status.last_applied_revision, "main@sha1:1");
    assert_eq!(
        verdict
            .status
            .inventory
            .as_ref()
            .map(|inventory| inventory.entries.len()),
        Some(1)
    );
    assert_eq!(
        verdict.status.history[0].last_reconciled_duration.as_str(),
        "1.5s"
    );
    assert_eq!(verdict.next, Next::Interval(Duration::from_secs(600)));
    assert_eq!(
        events(&verdict),
        [
            r#"Normal ReconciliationSucceeded Reconciliation finished in 1.5s, next run in 10m0s ["commit_status", "revision"]"#
        ]
    );
}

#[test]
fn the_same_success_again_moves_the_transition_time_as_users_read_it() {
    let first = run(
        &object(json!({})),
        &facts(Phase::Applying),
        Outcome::Reconciled,
    )
    .status;
    let mut object = object(json!({}));
    object.status = Some(first.clone());
    let later: Timestamp = "2026-01-02T04:00:00Z".parse().expect("a time");
    let facts = facts(Phase::Applying);
    let report_again = Report {
        object: &object,
        facts: &facts,
        outcome: Outcome::Reconciled,
        now: later,
        elapsed: Duration::ZERO,
    };
    let again = report(&report_again, false).status;
    assert_eq!(again.conditions[0].last_transition_time, later.into());
    assert_eq!(again.history.len(), 1);
    assert_eq!(again.history[0].total_reconciliations, 2);
    assert_eq!(
        again.history[0].first_reconciled,
        first.history[0].first_reconciled
    );
}

#[test]
fn progress_announces_the_step_and_keeps_the_handled_request() {
    let object =
        object(json!({"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": "now"}}}));
    let verdict = run(&object, &facts(Phase::Building), Outcome::Progressing);
    assert_eq!(
        conditions(&verdict.status),
        [
            "Reconciling=True Progressing Building manifests for revision main@sha1:1 with a timeout of 9m30s",
            "Ready=Unknown Progressing Reconciliation in progress",
        ]
    );
    assert_eq!(verdict.status.last_attempted_revision, "main@sha1:1");
    assert_eq!(verdict.status.last_handled_reconcile_at, "");
    assert_eq!(verdict.status.observed_generation, Some(1));
}

#[test]
fn nothing_is_announced_before_the_source_was_read() {
    let object = object(json!({}));
    let verdict = run(&object, &Facts::default(), Outcome::Progressing);
    assert_eq!(Some(verdict.status), object.status);
}

#[test]
fn a_failed_build_keeps_inventory_and_generation_and_retries() {
    let object = object(json!({
        "spec": {"retryInterval": "2m"},
        "status": {"inventory": {"entries": [{"id": "ns_a__ConfigMap", "v": "v1"}]}, "lastAppliedRevision": "main@sha1:0"},
    }));
    let error = Error::Build("bad.yaml: no".into());
    let verdict = run(&object, &facts(Phase::Building), Outcome::Failed(&error));
    assert_eq!(
        conditions(&verdict.status),
        [
            "Reconciling=True ProgressingWithRetry Building manifests for revision main@sha1:1 with a timeout of 9m30s",
            "Ready=False BuildFailed bad.yaml: no",
        ]
    );
    assert_eq!(verdict.status.observed_generation, Some(1));
    assert_eq!(verdict.status.last_applied_revision, "main@sha1:0");
    assert_eq!(
        verdict.status.inventory,
        object
            .status
            .as_ref()
            .and_then(|status| status.inventory.clone())
    );
    assert!(verdict.status.history.is_empty());
    assert_eq!(verdict.next, Next::After(Duration::from_secs(120)));
    assert_eq!(
        events(&verdict),
        [r#"Warning BuildFailed bad.yaml: no ["revision"]"#]
    );
}

#[test]
fn a_message_that_is_too_long_is_cut() {
    let error = Error::Build("é".repeat(MAX_MESSAGE));
    let status = run(
        &object(json!({})),
        &facts(Phase::Building),
        Outcome::Failed(&error),
    )
    .status;
    let ready = find_condition(&status.conditions, READY).expect("a Ready condition");
    assert!(ready.message.len() <= MAX_MESSAGE && ready.message.ends_with("é..."));
}

#[test]
fn a_missing_source_is_reported_without_event_or_reconciling() {
    let group = "source.toolkit.fluxcd.io";
    let error = Error::FindSource {
        kind: "GitRepository".into(),
        group,
        name: "app".into(),
    };
    let verdict = run(
        &object(json!({})),
        &Facts::default(),
        Outcome::Failed(&error),
    );
    assert_eq!(
        conditions(&verdict.status),
        [r#"Ready=False ArtifactFailed GitRepository.source.toolkit.fluxcd.io "app" not found"#]
    );
    assert!(verdict.events.is_empty());
}

#[test]
fn a_wrong_expression_stalls_and_ends_the_generation() {
    let error = Error::InvalidExpression("it is wrong".into());
    let verdict = run(
        &object(json!({})),
        &Facts::default(),
        Outcome::Failed(&error),
    );
    let message = "Reconciliation failed terminally due to configuration error: it is wrong";
    assert_eq!(
        conditions(&verdict.status),
        [
            format!("Stalled=True InvalidCELExpression {message}"),
            format!("Ready=False InvalidCELExpression {message}")
        ]
    );
    assert_eq!(verdict.status.observed_generation, Some(2));
    assert_eq!(verdict.next, Next::Never);
}

#[test]
fn an_unready_dependency_is_an_info_event_and_ends_an_older_stall() {
    let object = object(json!({"status": {"conditions": [{
        "type": "Stalled", "status": "True", "reason": "AccessDenied", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z",
    }]}}));
    let error = Error::DependencyNotReady {
        text: "dependency 'ns/x' is not ready".into(),
        retry: Duration::from_secs(30),
    };
    let verdict = run(&object, &facts(Phase::Checking), Outcome::Failed(&error));
    assert_eq!(
        conditions(&verdict.status),
        ["Ready=False DependencyNotReady dependency 'ns/x' is not ready"]
    );
    assert_eq!(
        events(&verdict),
        [
            r#"Normal DependencyNotReady Dependencies do not meet ready condition, retrying in 30s ["revision"]"#
        ]
    );
}

#[test]
fn failed_health_is_told_twice_and_remembered() {
    let text = "timeout waiting for: [Deployment/ns/web status: 'InProgress']";
    let error = Error::Health {
        elapsed: Duration::from_secs(30),
        text: text.into(),
    };
    let facts = Facts {
        health: Health::Failed(text.into()),
        ..facts(Phase::CheckingHealth)
    };
    let verdict = run(&object(json!({})), &facts, Outcome::Failed(&error));
    assert_eq!(
        conditions(&verdict.status),
        [
            "Reconciling=True ProgressingWithRetry Running health checks for revision main@sha1:1 with a timeout of 9m30s".to_owned(),
            format!("Ready=False HealthCheckFailed health check failed after 30s: {text}"),
            format!("Healthy=False HealthCheckFailed {text}"),
        ]
    );
    assert_eq!(
        verdict.status.history[0].last_reconciled_status,
        "HealthCheckFailed"
    );
}

#[test]
fn newer_work_ends_a_wait_silently_unless_the_gate_is_on() {
    let error = Error::Superseded("GitRepository/ns/app".into());
    let (object, facts) = (object(json!({})), facts(Phase::CheckingHealth));
    let silent = run(&object, &facts, Outcome::Failed(&error));
    assert!(silent.events.is_empty());
    let now = "2026-01-02T03:04:05Z".parse().expect("a time");
    let loud = Report {
        object: &object,
        facts: &facts,
        outcome: Outcome::Failed(&error),
        now,
        elapsed: Duration::ZERO,
    };
    let loud = report(&loud, true);
    assert_eq!(
        events(&loud),
        [
            r#"Normal HealthCheckCanceled Health checks canceled due to new reconciliation triggered by GitRepository/ns/app ["revision"]"#
        ]
    );
    assert!(conditions(&loud.status).iter().any(|c| c
        == "Ready=False HealthCheckCanceled New reconciliation triggered by GitRepository/ns/app"));
}

#[test]
fn suspension_serves_the_request_and_nothing_else() {
    let mut ready = object(json!({}));
    ready.status = Some(run(&ready, &facts(Phase::Applying), Outcome::Reconciled).status);
    ready.metadata.generation = Some(3);
    ready.metadata.annotations = Some(
        [(
            annotation::RECONCILE_REQUESTED_AT.to_owned(),
            "later".to_owned(),
        )]
        .into(),
    );
    let verdict = run(&ready, &Facts::default(), Outcome::Suspended);
    assert_eq!(verdict.status.last_handled_reconcile_at, "later");
    assert_eq!(verdict.status.observed_generation, Some(3));
    assert_eq!(verdict.status.conditions[0].observed_generation, Some(2));
    assert!(verdict.events.is_empty());
    assert_eq!(verdict.next, Next::Never);
}

#[test]
fn suspension_ends_a_health_check_and_says_so() {
    let facts = Facts {
        health: Health::Running,
        ..facts(Phase::CheckingHealth)
    };
    let mut waiting = object(json!({}));
    waiting.status = Some(run(&waiting, &facts, Outcome::Progressing).status);
    let verdict = run(&waiting, &Facts::default(), Outcome::Suspended);
    let step = "Running health checks for revision main@sha1:1 with a timeout of 9m30s";
    assert_eq!(
        conditions(&verdict.status),
        [
            format!("Reconciling=True ProgressingWithRetry {step}"),
            "Ready=False HealthCheckCanceled New reconciliation triggered by Kustomization/ns/app"
                .to_owned(),
            format!("Healthy=Unknown Progressing {step}"),
        ]
    );
    assert_eq!(verdict.status.observed_generation, Some(1));
}

#[test]
fn history_keeps_five_and_continues_the_same_end() {
    let snapshot = |digest: &str, outcome: &str| Snapshot {
        digest: digest.into(),
        first_reconciled: Timestamp::UNIX_EPOCH.into(),
        last_reconciled: Timestamp::UNIX_EPOCH.into(),
        last_reconciled_duration: "1s".into(),
        last_reconciled_status: outcome.into(),
        total_reconciliations: 1,
        metadata: BTreeMap::new(),
    };
    let mut history = Vec::new();
    for digest in ["1", "2", "3", "4", "5", "6", "5"] {
        upsert(&mut history, snapshot(digest, "ReconciliationSucceeded"));
    }
    upsert(&mut history, snapshot("5", "PruneFailed"));
    let seen: Vec<_> = history
        .iter()
        .map(|s| (s.digest.as_str(), s.total_reconciliations))
        .collect();
    assert_eq!(seen, [("5", 1), ("5", 2), ("6", 1), ("4", 1), ("3", 1)]);
}

#[test]
fn entries_that_the_pass_never_saw_stay_and_bring_the_next_pass_soon() {
    let entry = |name: &str| InventoryEntry {
        id: format!("ns_{name}__ConfigMap"),
        v: "v1".into(),
    };
    let stored = |names: &[&str]| {
        let entries: Vec<_> = names.iter().map(|name| entry(name)).collect();
        object(json!({"status": {"inventory": {"entries": entries}}}))
    };
    let mut facts = facts(Phase::Applying);
    facts.begin_with(&[entry("a"), entry("old")]);
    facts.hold(vec![entry("a"), entry("old"), entry("new")]);
    facts.hold(vec![entry("a"), entry("new")]);
    for (names, kept, soon) in [
        (vec!["a", "old"], 2, false),
        (vec!["a", "old", "new"], 2, false),
        (vec!["a", "old", "unseen"], 3, true),
    ] {
        let verdict = run(&stored(&names), &facts, Outcome::Reconciled);
        let inventory = verdict.status.inventory.expect("an inventory");
        assert_eq!(inventory.entries.len(), kept, "{names:?}");
        assert_eq!(verdict.next == Next::Backoff, soon, "{names:?}");
    }
}

#[test]
fn a_pass_over_what_has_changed_meanwhile_tells_nothing_and_starts_over() {
    let verdict = run(
        &object(json!({})),
        &facts(Phase::Applying),
        Outcome::Failed(&Error::Outdated),
    );
    assert!(verdict.events.is_empty());
    assert_eq!(verdict.next, Next::Backoff);
    let verdict = run(
        &object(json!({})),
        &Facts::default(),
        Outcome::FinalizeFailed(&Error::Outdated),
    );
    assert!(verdict.events.is_empty());
}
