//! The families as Prometheus reads them.

use super::*;

fn text(metrics: &Metrics) -> String {
    String::from_utf8(metrics.text()).expect("utf-8")
}

#[test]
fn durations_have_flux_buckets_and_go_with_the_object() {
    let metrics = Metrics::new();
    let key = Key::new("ns", "app");
    metrics.object_reconciled("Kustomization", &key, Duration::from_millis(30));
    let shown = text(&metrics);
    for bucket in [
        "0.01", "0.038", "0.147", "0.564", "2.166", "8.309", "31.87", "122.3", "469.1",
    ] {
        assert!(
            shown.contains(&format!("le=\"{bucket}")),
            "{bucket} is missing in {shown}"
        );
    }
    assert!(shown.contains(
        r#"gotk_reconcile_duration_seconds_count{kind="Kustomization",name="app",namespace="ns"} 1"#
    ));
    metrics.object_gone("Kustomization", &key);
    assert!(!text(&metrics).contains("gotk_reconcile_duration_seconds_count"));
}

#[test]
fn a_started_controller_shows_its_series() {
    let metrics = Metrics::new();
    metrics.controller_started("kustomization", 4);
    let shown = text(&metrics);
    assert!(
        shown.contains(
            r#"controller_runtime_max_concurrent_reconciles{controller="kustomization"} 4"#
        )
    );
    assert!(
        shown.contains(r#"workqueue_depth{controller="kustomization",name="kustomization"} 0"#)
    );
    assert!(shown.contains(
        r#"controller_runtime_reconcile_total{controller="kustomization",result="error"} 0"#
    ));
}

#[test]
fn tokens_are_counted_by_object_until_it_is_gone() {
    use weir_auth::{CacheWatcher as _, OnBehalf};

    let metrics = Metrics::new();
    let of = OnBehalf {
        kind: "GitRepository",
        name: "app".to_owned(),
        namespace: "ns".to_owned(),
        operation: "reconcile",
    };
    let tokens = metrics.tokens();
    tokens.asked(Some(&of), false, true);
    tokens.added();
    tokens.asked(Some(&of), true, true);
    tokens.asked(None, false, false);
    let series = |event: &str| {
        format!(
            r#"gotk_token_cache_events_total{{event_type="{event}",kind="GitRepository",name="app",namespace="ns",operation="reconcile"}} 1"#
        )
    };
    let shown = text(&metrics);
    for line in [
        series("cache_miss").as_str(),
        &series("cache_hit"),
        "gotk_token_cached_items 1",
        r#"gotk_token_cache_requests_total{status="success"} 2"#,
        r#"gotk_token_cache_requests_total{status="failure"} 1"#,
    ] {
        assert!(shown.contains(line), "{line} is missing in {shown}");
    }
    tokens.evicted();
    tokens.forget(&of);
    let shown = text(&metrics);
    assert!(!shown.contains("gotk_token_cache_events_total{"));
    assert!(shown.contains("gotk_token_cached_items 0"));
    assert!(shown.contains("gotk_token_cache_evictions_total 1"));
}
