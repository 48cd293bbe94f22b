//! What is sent, and what happens when it is refused.

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, Response};
use kube::Client;
use parking_lot::Mutex;
use weir_api::source::v1::{GitRepository, GitRepositoryStatus};

use crate::hub::Hub;
use crate::metrics::Metrics;

use super::*;

fn check(old: Value, new: Value, expect: Option<Value>) {
    assert_eq!(difference(&old, &new), expect, "{old} to {new}");
}

#[test]
fn equal_values_need_no_patch() {
    check(
        json!({"a": 1, "b": {"c": [1]}}),
        json!({"a": 1, "b": {"c": [1]}}),
        None,
    );
    check(json!({"a": 1}), json!({"a": 1, "b": null}), None);
}

#[test]
fn only_what_differs_is_sent() {
    check(
        json!({"a": 1, "b": {"c": 1, "d": 2}}),
        json!({"a": 1, "b": {"c": 1, "d": 3}}),
        Some(json!({"b": {"d": 3}})),
    );
}

#[test]
fn what_is_gone_becomes_null() {
    check(
        json!({"a": 1, "b": 2}),
        json!({"a": 1}),
        Some(json!({"b": null})),
    );
    check(
        json!({"a": 1, "b": 2}),
        json!({"a": 1, "b": null}),
        Some(json!({"b": null})),
    );
}

#[test]
fn lists_are_sent_whole() {
    check(
        json!({"a": [1, 2]}),
        json!({"a": [1, 2, 3]}),
        Some(json!({"a": [1, 2, 3]})),
    );
}

#[test]
fn a_first_status_is_sent_whole() {
    check(
        Value::Null,
        json!({"a": {"b": 1}}),
        Some(json!({"a": {"b": 1}})),
    );
    check(Value::Null, json!({}), Some(json!({})));
}

#[test]
fn an_object_takes_the_place_of_another_type() {
    check(
        json!({"a": 1}),
        json!({"a": {"b": 2}}),
        Some(json!({"a": {"b": 2}})),
    );
    check(
        json!({"a": {"b": 2}}),
        json!({"a": 1}),
        Some(json!({"a": 1})),
    );
    check(json!({"a": 1}), json!({"a": {}}), Some(json!({"a": {}})));
}

/// An answer to one request: status code and body.
type Answer = (u16, Value);

/// A writer of an object with this status, whose server gives `answers` in turn; and what it is sent.
fn writer(status: Value, answers: Vec<Answer>) -> (Writer<GitRepository>, Arc<Mutex<Vec<String>>>) {
    let sent = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&sent);
    let answers = Arc::new(Mutex::new(answers.into_iter()));
    let router = Router::new().fallback(move |request: Request<Body>| {
        let (log, answers) = (Arc::clone(&log), Arc::clone(&answers));
        async move {
            if request
                .uri()
                .query()
                .is_some_and(|query| query.contains("watch=true"))
            {
                return std::future::pending::<Response<Body>>().await;
            }
            let method = request.method().clone();
            let body = axum::body::to_bytes(request.into_body(), 1 << 20)
                .await
                .expect("a body");
            let body = String::from_utf8_lossy(&body).into_owned();
            log.lock().push(if method == Method::GET {
                "GET".to_owned()
            } else {
                format!("{method} {body}")
            });
            let (code, answer) = answers.lock().next().expect("no more requests");
            Response::builder()
                .status(code)
                .body(Body::from(answer.to_string()))
                .expect("valid")
        }
    });
    let client = Client::new(router, "default");
    let hub = Hub::new(client.clone(), None, Metrics::new());
    let target = Target {
        client,
        store: hub.store(),
        field_manager: "source-controller",
        leadership: Leadership::always(),
    };
    let object = serde_json::from_value(object(1, status)).expect("an object");
    (Writer::new(target, Arc::new(object)), sent)
}

fn object(version: u32, status: Value) -> Value {
    let metadata = json!({"name": "app", "namespace": "ns", "uid": "u", "generation": 1, "resourceVersion": version.to_string()});
    json!({
        "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository", "metadata": metadata,
        "spec": {"url": "https://h/r", "interval": "1m"}, "status": status,
    })
}

fn refusal(code: u16) -> Answer {
    let status = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": "no", "reason": "", "code": code});
    (code, status)
}

fn handled(request: &str) -> impl FnMut(&GitRepository) -> GitRepositoryStatus {
    move |object: &GitRepository| {
        let status = object
            .status
            .as_ref()
            .map(|status| serde_json::to_value(status).expect("prints"));
        let mut status = status.unwrap_or_else(|| json!({}));
        status["lastHandledReconcileAt"] = request.into();
        serde_json::from_value(status).expect("a status")
    }
}

#[tokio::test(start_paused = true)]
async fn a_status_that_is_there_is_not_written() {
    let (mut writer, sent) = writer(json!({"lastHandledReconcileAt": "now"}), Vec::new());
    assert!(!writer.write(handled("now")).await.expect("nothing to do"));
    assert_eq!(sent.lock().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_write_names_the_version_it_starts_from_and_the_next_one_the_version_it_made() {
    let first = (200, object(2, json!({"lastHandledReconcileAt": "a"})));
    let second = (200, object(3, json!({"lastHandledReconcileAt": "b"})));
    let (mut writer, sent) = writer(json!({"observedGeneration": 1}), vec![first, second]);
    assert!(writer.write(handled("a")).await.expect("taken"));
    assert!(writer.write(handled("b")).await.expect("taken"));
    let expect = [
        r#"PATCH {"metadata":{"resourceVersion":"1","uid":"u"},"status":{"lastHandledReconcileAt":"a"}}"#,
        r#"PATCH {"metadata":{"resourceVersion":"2","uid":"u"},"status":{"lastHandledReconcileAt":"b"}}"#,
    ];
    assert_eq!(*sent.lock(), expect);
}

#[tokio::test(start_paused = true)]
async fn after_a_conflict_the_difference_to_the_live_status_is_written() {
    let live = (200, object(7, json!({"observedGeneration": 5})));
    let done = (
        200,
        object(
            8,
            json!({"observedGeneration": 5, "lastHandledReconcileAt": "a"}),
        ),
    );
    let (mut writer, sent) = writer(
        json!({"lastHandledReconcileAt": "old"}),
        vec![refusal(409), live, done],
    );
    assert!(writer.write(handled("a")).await.expect("taken"));
    let expect = [
        r#"PATCH {"metadata":{"resourceVersion":"1","uid":"u"},"status":{"lastHandledReconcileAt":"a"}}"#,
        "GET",
        r#"PATCH {"metadata":{"resourceVersion":"7","uid":"u"},"status":{"lastHandledReconcileAt":"a"}}"#,
    ];
    assert_eq!(*sent.lock(), expect);
}

#[tokio::test(start_paused = true)]
async fn endless_conflicts_end_after_five_tries() {
    let answers = (0..5)
        .flat_map(|n| [refusal(409), (200, object(n + 2, json!({})))])
        .take(9)
        .collect();
    let (mut writer, sent) = writer(json!({}), answers);
    assert!(matches!(
        writer.write(handled("a")).await,
        Err(WriteError::Patch(_))
    ));
    assert_eq!(
        sent.lock()
            .iter()
            .filter(|line| line.starts_with("PATCH"))
            .count(),
        5
    );
}

#[tokio::test(start_paused = true)]
async fn an_object_that_is_gone_or_replaced_is_left_alone() {
    let (mut gone, _) = writer(json!({}), vec![refusal(404)]);
    assert!(matches!(
        gone.write(handled("a")).await,
        Err(WriteError::Gone)
    ));
    let mut other = object(9, json!({}));
    other["metadata"]["uid"] = "another".into();
    let (mut replaced, _) = writer(json!({}), vec![refusal(409), (200, other)]);
    assert!(matches!(
        replaced.write(handled("a")).await,
        Err(WriteError::Gone)
    ));
}
