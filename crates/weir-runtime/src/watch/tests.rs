//! Faults of the transport, played by an in-process server.

use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response, StatusCode};
use kube::Client;
use kube::api::ApiResource;
use kube::core::GroupVersionKind;
use parking_lot::Mutex;

use super::*;

/// An answer of the server: a status code, none at all if that is 0, and the lines of a stream that stays open if so
/// said.
struct Answer(u16, Vec<String>, bool);

/// Writes down what it is told.
#[derive(Default)]
struct Diary {
    lines: Mutex<Vec<String>>,
    wrote: tokio::sync::Notify,
}

impl Diary {
    fn write(&self, line: String) {
        self.lines.lock().push(line);
        self.wrote.notify_one();
    }
}

impl Sink for Diary {
    fn begin(&self) {
        self.write("begin".into());
    }
    fn listed(&self, object: DynamicObject) {
        self.write(format!(
            "listed {}",
            object.metadata.name.unwrap_or_default()
        ));
    }
    fn complete(&self, _: &str) {
        self.write("complete".into());
    }
    fn applied(&self, object: DynamicObject) {
        self.write(format!(
            "applied {}",
            object.metadata.name.unwrap_or_default()
        ));
    }
    fn deleted(&self, object: DynamicObject) {
        self.write(format!(
            "deleted {}",
            object.metadata.name.unwrap_or_default()
        ));
    }
    fn broken(&self) {
        self.write("broken".into());
    }
    fn resumed(&self) {
        self.write("resumed".into());
    }
    fn rewound(&self) {
        self.write("rewound".into());
    }
}

fn object(name: &str, version: u32) -> String {
    format!(
        r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"{name}","namespace":"ns","resourceVersion":"{version}"}}}}"#
    )
}

fn event(type_: &str, name: &str, version: u32) -> String {
    format!(r#"{{"type":"{type_}","object":{}}}"#, object(name, version))
}

fn end_of_list(version: u32) -> String {
    format!(
        r#"{{"type":"BOOKMARK","object":{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"resourceVersion":"{version}","annotations":{{"k8s.io/initial-events-end":"true"}}}}}}}}"#
    )
}

/// A page of metadata without any object.
fn list(version: u32) -> String {
    format!(
        r#"{{"apiVersion":"meta.k8s.io/v1","kind":"PartialObjectMetadataList","metadata":{{"resourceVersion":"{version}"}},"items":[]}}"#
    )
}

fn expired() -> String {
    r#"{"type":"ERROR","object":{"kind":"Status","apiVersion":"v1","status":"Failure","message":"too old","reason":"Expired","code":410}}"#
        .into()
}

fn refusal(code: u16) -> Answer {
    let body = format!(
        r#"{{"kind":"Status","apiVersion":"v1","status":"Failure","message":"no","reason":"no","code":{code}}}"#
    );
    Answer(code, vec![body], false)
}

/// Watches a server that gives `answers` in turn and then none; returns what the sink was told by the time it
/// had been told `count` things, and the queries.
async fn check(answers: Vec<Answer>, count: usize) -> (Vec<String>, Vec<String>) {
    let turn = Arc::new(AtomicUsize::new(0));
    let answers = Arc::new(answers);
    let queries = Arc::new(Mutex::new(Vec::new()));
    let asked = Arc::clone(&queries);
    let router = Router::new().fallback(move |request: Request<Body>| {
        asked
            .lock()
            .push(request.uri().query().unwrap_or_default().to_owned());
        let (turn, answers) = (turn.fetch_add(1, Ordering::SeqCst), Arc::clone(&answers));
        async move {
            let Some(Answer(code, lines, open)) = answers.get(turn).filter(|it| it.0 > 0) else {
                return std::future::pending::<Response<Body>>().await;
            };
            let lines: Vec<_> = lines
                .iter()
                .map(|line| Ok::<_, std::io::Error>(format!("{line}\n")))
                .collect();
            let lines = futures::stream::iter(lines);
            let body = match open {
                true => Body::from_stream(lines.chain(futures::stream::pending())),
                false => Body::from_stream(lines),
            };
            Response::builder()
                .status(StatusCode::from_u16(*code).expect("valid"))
                .body(body)
                .expect("valid")
        }
    });
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("", "v1", "ConfigMap"));
    let watch = Watch {
        api: Api::all_with(Client::new(router, "default"), &resource),
        resource: "configmaps.".into(),
        labels: None,
        metrics: Metrics::new(),
        pulse: Pulse::new(),
        relist: RELIST,
    };
    let diary = Arc::new(Diary::default());
    let running = tokio::spawn(watch.run(Arc::clone(&diary) as _));
    while diary.lines.lock().len() < count {
        diary.wrote.notified().await;
    }
    running.abort();
    let queries = queries.lock().clone();
    let told = diary.lines.lock().iter().take(count).cloned().collect();
    (told, queries)
}

#[tokio::test(start_paused = true)]
async fn a_list_streams_and_is_followed_in_the_same_request() {
    let lines = vec![
        event("ADDED", "a", 1),
        end_of_list(5),
        event("MODIFIED", "a", 6),
        event("DELETED", "a", 7),
    ];
    let (told, queries) = check(vec![Answer(200, lines, true)], 6).await;
    assert_eq!(
        told,
        [
            "begin",
            "listed a",
            "complete",
            "resumed",
            "applied a",
            "deleted a"
        ]
    );
    assert!(queries[0].contains("sendInitialEvents=true"), "{queries:?}");
    assert_eq!(queries.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_closed_session_goes_on_from_the_last_version() {
    let first = vec![end_of_list(5), event("ADDED", "a", 6)];
    let second = vec![event("ADDED", "b", 7)];
    let (told, queries) = check(
        vec![Answer(200, first, false), Answer(200, second, true)],
        6,
    )
    .await;
    assert_eq!(
        told,
        [
            "begin",
            "complete",
            "resumed",
            "applied a",
            "resumed",
            "applied b"
        ]
    );
    assert!(queries[1].contains("resourceVersion=6"), "{queries:?}");
}

#[tokio::test(start_paused = true)]
async fn an_expired_version_lists_again() {
    let first = vec![end_of_list(5), expired()];
    let second = vec![event("ADDED", "b", 9), end_of_list(9)];
    let (told, _) = check(
        vec![Answer(200, first, false), Answer(200, second, true)],
        7,
    )
    .await;
    assert_eq!(
        told,
        [
            "begin", "complete", "resumed", "begin", "listed b", "complete", "resumed"
        ]
    );
    let (told, _) = check(
        vec![
            Answer(200, vec![end_of_list(5)], false),
            refusal(410),
            Answer(200, vec![end_of_list(9)], true),
        ],
        5,
    )
    .await;
    assert_eq!(told[3..], ["begin", "complete"]);
}

#[tokio::test(start_paused = true)]
async fn a_server_without_streaming_lists_is_read_in_pages() {
    let page = |name: &str, more: &str| {
        format!(
            r#"{{"apiVersion":"v1","kind":"List","metadata":{{"resourceVersion":"5","continue":"{more}"}},"items":[{}]}}"#,
            object(name, 1)
        )
    };
    let answers = vec![
        refusal(422),
        Answer(200, vec![page("a", "next")], false),
        Answer(200, vec![page("b", "")], false),
        Answer(200, vec![event("ADDED", "c", 6)], true),
    ];
    let (told, queries) = check(answers, 6).await;
    assert_eq!(
        told,
        [
            "begin",
            "listed a",
            "listed b",
            "complete",
            "resumed",
            "applied c"
        ]
    );
    assert!(
        queries[2].contains("continue=next") && queries[3].contains("resourceVersion=5"),
        "{queries:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_kind_that_does_not_exist_is_asked_for_again() {
    let answers = vec![
        refusal(404),
        refusal(404),
        Answer(200, vec![end_of_list(5)], true),
    ];
    let (told, _) = check(answers, 4).await;
    assert_eq!(told, ["broken", "broken", "begin", "complete"]);
}

#[tokio::test(start_paused = true)]
async fn a_failing_session_goes_on_without_a_new_list() {
    let answers = vec![
        Answer(200, vec![end_of_list(5), event("ADDED", "a", 6)], false),
        refusal(500),
        Answer(200, vec![list(9)], false),
        Answer(200, vec![event("ADDED", "b", 7)], true),
    ];
    let (told, queries) = check(answers, 7).await;
    assert_eq!(
        told,
        [
            "begin",
            "complete",
            "resumed",
            "applied a",
            "broken",
            "resumed",
            "applied b"
        ]
    );
    assert!(queries[3].contains("resourceVersion=6"), "{queries:?}");
}

/// Nobody closes the connection, and nothing comes: two bookmarks are missing.
#[tokio::test(start_paused = true)]
async fn a_session_that_falls_silent_is_given_up_within_three_minutes() {
    let answers = vec![
        Answer(200, vec![end_of_list(5), event("ADDED", "a", 6)], true),
        Answer(200, vec![list(8)], false),
        Answer(200, vec![event("ADDED", "b", 7)], true),
    ];
    let started = Instant::now();
    let (told, queries) = check(answers, 6).await;
    assert_eq!(told[3..], ["applied a", "resumed", "applied b"]);
    assert_eq!(started.elapsed().as_secs(), SILENCE.as_secs());
    assert!(queries[1].contains("limit=1"), "{queries:?}");
    assert!(queries[2].contains("resourceVersion=6"), "{queries:?}");
}

/// Of a server that was restored from a backup nothing would come until it had caught up with our version.
#[tokio::test(start_paused = true)]
async fn a_server_that_has_gone_back_in_time_is_listed_again() {
    let begin = || Answer(200, vec![end_of_list(500), event("ADDED", "a", 600)], false);
    let restored = || Answer(200, vec![event("ADDED", "b", 7), end_of_list(9)], true);
    let end = ["begin", "listed b", "rewound", "complete", "resumed"];
    // It was away meanwhile.
    let (told, _) = check(
        vec![
            begin(),
            refusal(503),
            Answer(200, vec![list(9)], false),
            restored(),
        ],
        11,
    )
    .await;
    assert_eq!(told[3..6], ["applied a", "broken", "broken"]);
    assert_eq!(told[6..], end);
    // It says itself that it does not know our version.
    let (told, _) = check(vec![begin(), refusal(410), restored()], 9).await;
    assert_eq!(told[4..], end);
}

/// Whoever answers after nobody did may be another one.
#[tokio::test(start_paused = true)]
async fn a_watch_that_nobody_answers_is_given_up_and_lists_again() {
    let answers = vec![
        Answer(200, vec![end_of_list(5), event("ADDED", "a", 6)], false),
        Answer(0, Vec::new(), true),
        Answer(200, vec![event("ADDED", "b", 7), end_of_list(9)], true),
    ];
    let started = Instant::now();
    let (told, _) = check(answers, 8).await;
    assert_eq!(
        told[3..],
        ["applied a", "broken", "begin", "listed b", "complete"]
    );
    assert!(started.elapsed() < ANSWER + FIRST_PAUSE * 2);
}

#[tokio::test(start_paused = true)]
async fn a_list_is_read_again_after_about_an_hour() {
    let mut answers = vec![Answer(200, vec![end_of_list(5)], true)];
    for _ in 0..60 {
        answers.push(Answer(200, vec![list(5)], false));
        answers.push(Answer(200, Vec::new(), true));
    }
    let started = Instant::now();
    let (told, _) = check(answers, 40).await;
    let again = told
        .iter()
        .skip(1)
        .position(|line| line == "begin")
        .expect("a second list");
    assert!(
        told[3..=again].iter().all(|line| line == "resumed"),
        "{told:?}"
    );
    let hours = started.elapsed().as_secs_f64() / 3600.0;
    assert!((0.9..1.6).contains(&hours), "{hours}");
}
