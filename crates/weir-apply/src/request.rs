//! One request to the API server about one object.

use std::time::{Duration, Instant};

use http::{Method, Request};
use kube::Client;
use serde_json::{Value, json};

use crate::cluster::Limiter;
use crate::discovery::Mapping;
use crate::object::ObjectRef;

/// No answer within this time is an error; admission webhooks may take half of it.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);
/// How often a request is tried that the server is too busy for.
const ATTEMPTS: u32 = 5;

/// How `client-go` words a path that is none.
const NO_PATH: &str = "the server could not find the requested resource";

/// Why a request was not answered with an object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// The API server refused it.
    #[error("{message}")]
    Refused {
        /// The HTTP status.
        code: u16,
        /// The API server's word for it, as `NotFound`; empty for faults that it does not classify, among them
        /// everything that is wrong with the types of a server-side apply.
        reason: String,
        /// The API server's explanation.
        message: String,
    },
    /// The API server does not serve the kind.
    #[error("no matches for kind \"{kind}\" in version \"{api_version}\"")]
    NoMatch {
        /// The kind.
        kind: String,
        /// The version it was looked for in, with its group.
        api_version: String,
    },
    /// Which kinds there are could not be found out.
    #[error("failed to get server groups: {message}")]
    Discovery {
        /// The API server's word for it; empty where there was no answer.
        reason: String,
        /// What happened.
        message: String,
    },
    /// There was no answer.
    #[error("{0}")]
    NoAnswer(String),
    /// The name cannot be part of a URL.
    #[error("invalid resource name \"{0}\"")]
    BadName(String),
}

impl RequestError {
    /// The API server's word for the failure; empty where it has none.
    #[must_use]
    pub fn reason(&self) -> &str {
        match self {
            Self::Refused { reason, .. } | Self::Discovery { reason, .. } => reason,
            _ => "",
        }
    }

    /// Whether the object, or its namespace, is not there.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused { code: 404, .. })
    }

    pub(crate) fn is_code(&self, expected: u16) -> bool {
        matches!(self, Self::Refused { code, .. } if *code == expected)
    }

    /// Whether the path itself is none, as that of a kind that is no longer served.
    pub(crate) fn is_no_path(&self) -> bool {
        matches!(self, Self::Refused { code: 404, message, .. } if message.starts_with(NO_PATH))
    }

    /// Whether the server asks for fewer requests.
    fn is_busy(&self) -> bool {
        matches!(self, Self::Refused { code: 429, .. })
    }
}

/// What is done with an object.
#[derive(Debug, Clone)]
pub(crate) enum Verb<'a> {
    Get,
    Apply {
        body: &'a Value,
        manager: &'a str,
        dry_run: DryRun,
    },
    DryRunCreate {
        body: &'a Value,
        manager: &'a str,
    },
    JsonPatch {
        body: &'a Value,
        manager: &'a str,
    },
    Delete {
        uid: &'a str,
        resource_version: &'a str,
    },
}

/// Whether the server only says what it would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DryRun {
    Yes,
    No,
}

/// Sends a request, again while the server is too busy, within `limiter`.
pub(crate) async fn send(
    client: &Client,
    limiter: &Limiter,
    mapping: &Mapping,
    object: &ObjectRef,
    verb: &Verb<'_>,
) -> Result<Value, RequestError> {
    let mut pause = Duration::from_millis(200);
    let mut attempt = 1;
    loop {
        let request = build(mapping, object, verb)?;
        let ticket = limiter.enter().await;
        let started = Instant::now();
        let result = answer(client, request).await;
        let busy = matches!(&result, Err(error) if error.is_busy());
        ticket.leave(started.elapsed(), busy);
        match result {
            Err(_) if busy && attempt < ATTEMPTS => {
                tokio::time::sleep(pause).await;
                pause *= 2;
                attempt += 1;
            }
            Err(error) => return Err(like_client_go(error, mapping, object, verb)),
            Ok(value) => return Ok(value),
        }
    }
}

/// Sends one request and reads the JSON of the answer.
pub(crate) async fn answer(
    client: &Client,
    request: Request<Vec<u8>>,
) -> Result<Value, RequestError> {
    let what = format!("{} \"{}\"", request.method(), request.uri().path());
    let sent = client.request::<Value>(request);
    match tokio::time::timeout(ANSWER_WITHIN, sent).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(kube::Error::Api(status))) => Err(RequestError::Refused {
            code: status.code,
            reason: match status.reason.as_str() {
                // What kube writes where the answer was no status.
                "Failed to parse error data" | "Unknown" => String::new(),
                reason => reason.to_owned(),
            },
            message: status.message,
        }),
        Ok(Err(error)) => Err(RequestError::NoAnswer(format!("{what}: {}", chain(&error)))),
        Err(_) => Err(RequestError::NoAnswer(format!(
            "{what}: no answer within {ANSWER_WITHIN:?}"
        ))),
    }
}

/// The causes of an error, without the repetitions of those that print their own cause.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.contains(&next) {
            text = format!("{text}: {next}");
        }
        cause = error.source();
    }
    text
}

/// A 404 without a status is the answer to a path that is none; `client-go` words it itself.
fn like_client_go(
    error: RequestError,
    mapping: &Mapping,
    object: &ObjectRef,
    verb: &Verb<'_>,
) -> RequestError {
    match error {
        RequestError::Refused {
            code: 404, reason, ..
        } if reason.is_empty() => no_such_path(mapping, object, verb),
        error => error,
    }
}

/// The answer of the API server itself to a request for an object of a namespace that names none.
pub(crate) fn no_such_resource() -> RequestError {
    RequestError::Refused {
        code: 404,
        reason: "NotFound".to_owned(),
        message: NO_PATH.to_owned(),
    }
}

/// The answer of `client-go` to a path that is none.
fn no_such_path(mapping: &Mapping, object: &ObjectRef, verb: &Verb<'_>) -> RequestError {
    let verb = match verb {
        Verb::Get => "get",
        Verb::Apply { .. } | Verb::JsonPatch { .. } => "patch",
        Verb::DryRunCreate { .. } => "post",
        Verb::Delete { .. } => "delete",
    };
    RequestError::Refused {
        code: 404,
        reason: "NotFound".to_owned(),
        message: format!(
            "{NO_PATH} ({verb} {} {})",
            mapping.qualified_plural(),
            object.name
        ),
    }
}

fn build(
    mapping: &Mapping,
    object: &ObjectRef,
    verb: &Verb<'_>,
) -> Result<Request<Vec<u8>>, RequestError> {
    let one = |query: &str| Ok(format!("{}{query}", mapping.path(object)?));
    let (method, uri, kind, body) = match verb {
        Verb::Get => (Method::GET, one("")?, "application/json", None),
        Verb::Apply {
            body,
            manager,
            dry_run,
        } => {
            let dry = if *dry_run == DryRun::Yes {
                "&dryRun=All"
            } else {
                ""
            };
            let query = format!("?fieldManager={}&force=true{dry}", segment(manager));
            (
                Method::PATCH,
                one(&query)?,
                "application/apply-patch+yaml",
                Some(*body),
            )
        }
        Verb::DryRunCreate { body, manager } => {
            let collection = mapping.collection(object)?;
            let uri = format!("{collection}?fieldManager={}&dryRun=All", segment(manager));
            (Method::POST, uri, "application/json", Some(*body))
        }
        Verb::JsonPatch { body, manager } => {
            let query = format!("?fieldManager={}", segment(manager));
            (
                Method::PATCH,
                one(&query)?,
                "application/json-patch+json",
                Some(*body),
            )
        }
        Verb::Delete { .. } => (Method::DELETE, one("")?, "application/json", None),
    };
    let body = match verb {
        Verb::Delete {
            uid,
            resource_version,
        } => json!({
            "kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background",
            "preconditions": {"uid": uid, "resourceVersion": resource_version},
        })
        .to_string(),
        _ => body.map(Value::to_string).unwrap_or_default(),
    };
    Request::builder()
        .method(method)
        .uri(uri)
        .header("Content-Type", kind)
        .header("Accept", "application/json")
        .body(body.into_bytes())
        .map_err(|error| RequestError::NoAnswer(error.to_string()))
}

/// A part of a path or a query, percent-encoded.
pub(crate) fn segment(text: &str) -> String {
    use std::fmt::Write as _;
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b':' => {
                encoded.push(char::from(byte));
            }
            byte => write!(encoded, "%{byte:02X}").expect("a String takes everything"),
        }
    }
    encoded
}
