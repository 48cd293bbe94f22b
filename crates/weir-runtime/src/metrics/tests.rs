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
