//! The Kubernetes client: deadlines, few retries, bounded bodies, counted requests.
//!
//! kube's defaults are not for controllers: no read timeout, and up to 15 retries within 1,000 s. Here every
//! request but a watch has [`DEADLINE`] for head and body together, and is repeated at most twice: after 429
//! any request, after 503 a GET. All else is left to the queue's back-off. There is no client-side rate limit:
//! API servers since 1.29 have priority and fairness, which `--kube-api-qps` is off for upstream too.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body as Answer;
use futures::StreamExt as _;
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::api::PostParams;
use kube::client::{Body, ClientBuilder};
use kube::{Api, Client, Config};
use thiserror::Error;
use tower::BoxError;

use crate::kubeconfig::proxy_of_environment;
use crate::lease::Leadership;
use crate::metrics::Metrics;

/// How long a request may take, watches excepted.
pub const DEADLINE: Duration = Duration::from_secs(30);

const IMPERSONATE_USER: HeaderName = HeaderName::from_static("impersonate-user");
const CONNECT: Duration = Duration::from_secs(10);
const RETRIES: u32 = 2;
/// The longest `Retry-After` that is waited for here.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
const DEFAULT_PAUSE: Duration = Duration::from_secs(1);
/// The largest response that is read, watches excepted.
const MAX_RESPONSE: usize = 256 << 20;
/// The same, and the largest event of a watch, for a server that somebody else has named.
const MAX_REMOTE_RESPONSE: usize = 32 << 20;
/// What metrics call every server that somebody else has named: their hosts are without number.
const REMOTE_HOST: &str = "remote";

/// Why there is no client.
#[derive(Debug, Error)]
pub enum ClientError {
    /// Neither `KUBECONFIG` nor a service account leads to a cluster.
    #[error("failed to find the cluster")]
    FindCluster(#[source] Box<kube::config::InferConfigError>),
    /// The configuration cannot be used.
    #[error("failed to build the Kubernetes client")]
    Build(#[source] Box<kube::Error>),
}

/// The configuration from `KUBECONFIG`, or that of the pod's service account.
///
/// # Errors
/// If there is neither.
pub async fn find_cluster() -> Result<Config, ClientError> {
    let found = Config::infer().await;
    let mut config = found.map_err(|source| ClientError::FindCluster(Box::new(source)))?;
    // kube compares NO_PROXY with the proxy's own address, and knows no exception for this machine.
    let of_environment = ["HTTPS_PROXY", "https_proxy"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    if config.proxy_url.is_some()
        && config.proxy_url == of_environment.and_then(|url| url.parse().ok())
    {
        config.proxy_url = proxy_of_environment(&config.cluster_url);
    }
    Ok(config)
}

/// A client for `config` that says `user_agent` about itself.
///
/// # Errors
/// If certificates or credentials of the configuration cannot be used.
pub fn build(config: Config, user_agent: &str, metrics: &Metrics) -> Result<Client, ClientError> {
    let host = config
        .cluster_url
        .authority()
        .map(ToString::to_string)
        .unwrap_or_default();
    let limits = Limits {
        host: host.into(),
        metrics: metrics.clone(),
        deadline: DEADLINE,
        max_response: MAX_RESPONSE,
        max_event: usize::MAX,
    };
    build_within(config, user_agent, limits)
}

/// The same for a server that is not trusted: less is read of it.
pub(crate) fn build_remote(
    config: Config,
    user_agent: &str,
    metrics: &Metrics,
) -> Result<Client, ClientError> {
    let limits = Limits {
        host: REMOTE_HOST.into(),
        metrics: metrics.clone(),
        deadline: DEADLINE,
        max_response: MAX_REMOTE_RESPONSE,
        max_event: MAX_REMOTE_RESPONSE,
    };
    build_within(config, user_agent, limits)
}

fn build_within(
    mut config: Config,
    user_agent: &str,
    limits: Limits,
) -> Result<Client, ClientError> {
    config.default_retry = false;
    config.connect_timeout = Some(CONNECT);
    config.read_timeout = None;
    config.write_timeout = Some(DEADLINE);
    if let Ok(value) = HeaderValue::from_str(user_agent) {
        config
            .headers
            .retain(|(name, _)| name != header::USER_AGENT);
        config.headers.push((header::USER_AGENT, value));
    }
    let namespace = config.default_namespace.clone();
    let builder =
        ClientBuilder::try_from(config).map_err(|source| ClientError::Build(Box::new(source)))?;
    Ok(limited(builder.build(), limits, namespace))
}

/// A client that acts as `user`, e.g. `system:serviceaccount:ns:name`, over the connections of `client`.
/// Returns `None` if no header can carry the name.
pub fn impersonate(client: &Client, user: &str) -> Option<Client> {
    let value = HeaderValue::from_str(user).ok()?;
    let namespace = client.default_namespace().to_owned();
    let client = client.clone();
    let service = tower::service_fn(move |mut request: Request<Body>| {
        request
            .headers_mut()
            .insert(IMPERSONATE_USER, value.clone());
        let client = client.clone();
        async move { client.send(request).await }
    });
    Some(Client::new(service, namespace))
}

/// Nothing may be written any more.
#[derive(Debug, Error)]
#[error("leader election lost")]
struct NotLeading;

/// The same client, which starts no write unless `leadership` is valid at that moment: a process that slept, or could
/// not renew its lease, has no way to know that somebody else is at work by now.
pub fn leading(client: &Client, leadership: Leadership) -> Client {
    let namespace = client.default_namespace().to_owned();
    let client = client.clone();
    let service = tower::service_fn(move |request: Request<Body>| {
        let may = !is_write(&request) || leadership.is_valid();
        let client = client.clone();
        async move {
            match may {
                true => client.send(request).await.map_err(BoxError::from),
                false => Err(NotLeading.into()),
            }
        }
    });
    Client::new(service, namespace)
}

/// Whether something may be stored by it.
fn is_write(request: &Request<Body>) -> bool {
    let query = request.uri().query().unwrap_or_default();
    request.method() != Method::GET && !query.split('&').any(|pair| pair == "dryRun=All")
}

/// Where the bearer token of each request comes from.
pub trait Bearer: Send + Sync {
    /// A token that is good now, or why there is none.
    fn token(&self) -> Pin<Box<dyn Future<Output = Result<String, String>> + Send + '_>>;
}

/// A client that shows a token of `bearer` with every request, over the connections of `client`.
pub fn with_bearer(client: &Client, bearer: Arc<dyn Bearer>) -> Client {
    let namespace = client.default_namespace().to_owned();
    let client = client.clone();
    let service = tower::service_fn(move |mut request: Request<Body>| {
        let (client, bearer) = (client.clone(), Arc::clone(&bearer));
        async move {
            let token = bearer.token().await.map_err(BoxError::from)?;
            let mut value = HeaderValue::from_str(&format!("Bearer {token}"))?;
            value.set_sensitive(true);
            request.headers_mut().insert(header::AUTHORIZATION, value);
            client.send(request).await.map_err(BoxError::from)
        }
    });
    Client::new(service, namespace)
}

/// A Kubernetes error in one line: the API server's own words where it answered, else the error with those
/// of its causes that it does not print itself.
pub fn describe(error: &kube::Error) -> String {
    if let kube::Error::Api(status) = error {
        return status.message.clone();
    }
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let said = error.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        cause = error.source();
    }
    text
}

/// A token of the service account `name` in `namespace` for `audiences`; for the cluster's own if there are none.
///
/// # Errors
/// A line that says what the API server said; it never holds a token.
pub async fn account_token(
    client: &Client,
    namespace: &str,
    name: &str,
    audiences: &[String],
) -> Result<String, String> {
    let api: Api<ServiceAccount> = Api::namespaced(client.clone(), namespace);
    let request = TokenRequest {
        spec: TokenRequestSpec {
            audiences: audiences.to_vec(),
            ..TokenRequestSpec::default()
        },
        ..TokenRequest::default()
    };
    let answer = api
        .create_token_request(name, &PostParams::default(), &request)
        .await
        .map_err(|error| describe(&error))?;
    let token = answer.status.map(|status| status.token);
    token.ok_or_else(|| "the answer holds no token".to_owned())
}

/// Deadline, retries, bounded bodies and counting.
#[derive(Debug, Clone)]
struct Limits {
    host: Arc<str>,
    metrics: Metrics,
    deadline: Duration,
    /// The most bytes of one answer.
    max_response: usize,
    /// The most bytes of one line of an answer that goes on.
    max_event: usize,
}

/// A watched server sends a line without an end.
#[derive(Debug, Error)]
#[error("watch event is larger than {0} bytes")]
struct EventTooLarge(usize);

/// A request took longer than it may.
#[derive(Debug, Error)]
#[error("request did not complete within {0:?}")]
struct TookTooLong(Duration);

/// `client` behind `limits`.
fn limited(client: Client, limits: Limits, namespace: String) -> Client {
    let service = tower::service_fn(move |request: Request<Body>| {
        let (client, limits) = (client.clone(), limits.clone());
        async move { limits.answer(&client, request).await }
    });
    Client::new(service, namespace)
}

impl Limits {
    async fn answer(
        &self,
        client: &Client,
        request: Request<Body>,
    ) -> Result<Response<Answer>, BoxError> {
        if is_stream(&request) {
            let response = self.once(client, request).await?;
            return Ok(match self.max_event {
                usize::MAX => response.map(Answer::new),
                most => response.map(|body| bounded_lines(body, most)),
            });
        }
        let answer = tokio::time::timeout(self.deadline, self.repeated(client, request)).await;
        answer.unwrap_or_else(|_| Err(Box::new(TookTooLong(self.deadline))))
    }

    async fn repeated(
        &self,
        client: &Client,
        mut request: Request<Body>,
    ) -> Result<Response<Answer>, BoxError> {
        let mut left = RETRIES;
        loop {
            let again = copy(&request).filter(|_| left > 0);
            let method = request.method().clone();
            let response = self.once(client, request).await?;
            match (again, pause(&method, &response)) {
                (Some(again), Some(pause)) => {
                    tokio::time::sleep(pause).await;
                    request = again;
                    left -= 1;
                }
                _ => return collected(response, self.max_response).await,
            }
        }
    }

    async fn once(
        &self,
        client: &Client,
        request: Request<Body>,
    ) -> Result<Response<Body>, BoxError> {
        let method = request.method().clone();
        let result = client.send(request).await;
        match &result {
            Ok(response) => {
                self.metrics
                    .request(response.status().as_str(), method.as_str(), &self.host)
            }
            Err(_) => self.metrics.request("<error>", method.as_str(), &self.host),
        }
        result.map_err(Into::into)
    }
}

/// Whether the answer goes on for as long as it is read.
fn is_stream(request: &Request<Body>) -> bool {
    let query = request.uri().query().unwrap_or_default();
    query
        .split('&')
        .any(|pair| matches!(pair, "watch=true" | "watch=1" | "follow=true"))
        || request.headers().contains_key(header::UPGRADE)
}

fn copy(request: &Request<Body>) -> Option<Request<Body>> {
    let mut copy = Request::new(request.body().try_clone()?);
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.version_mut() = request.version();
    copy.headers_mut().clone_from(request.headers());
    Some(copy)
}

/// How long to wait before the request is repeated, if it may be.
fn pause<B>(method: &Method, response: &Response<B>) -> Option<Duration> {
    let refused = match response.status() {
        StatusCode::TOO_MANY_REQUESTS => true,
        StatusCode::SERVICE_UNAVAILABLE => method == Method::GET,
        _ => false,
    };
    let asked = response
        .headers()
        .get(header::RETRY_AFTER)
        .and_then(|value| value.to_str().ok()?.parse().ok());
    let pause = asked.map_or(DEFAULT_PAUSE, Duration::from_secs);
    (refused && pause <= LONGEST_PAUSE).then_some(pause)
}

/// The same body, which fails once a line of it is longer than `most` bytes.
fn bounded_lines(body: Body, most: usize) -> Answer {
    let mut line = 0;
    let bounded = Answer::new(body).into_data_stream().map(move |bytes| {
        let bytes = bytes?;
        line = match bytes.iter().rposition(|byte| *byte == b'\n') {
            Some(end) => bytes.len() - end,
            None => line + bytes.len(),
        };
        if line > most {
            return Err(axum::Error::new(EventTooLarge(most)));
        }
        Ok(bytes)
    });
    Answer::from_stream(bounded)
}

async fn collected(response: Response<Body>, most: usize) -> Result<Response<Answer>, BoxError> {
    let (parts, body) = response.into_parts();
    let bytes = axum::body::to_bytes(Answer::new(body), most).await?;
    Ok(Response::from_parts(parts, Answer::from(bytes)))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::Router;
    use k8s_openapi::api::core::v1::ConfigMap;
    use kube::api::{Api, ObjectMeta, PostParams};

    use super::*;

    /// A client whose server answers with these codes in turn, the last one for good.
    fn client(answers: &'static [u16], deadline: Duration) -> (Client, Arc<AtomicUsize>) {
        let seen = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&seen);
        let router = Router::new().fallback(move || {
            let code = answers[count.fetch_add(1, Ordering::SeqCst).min(answers.len() - 1)];
            async move {
                if code == 0 {
                    std::future::pending::<()>().await;
                }
                let body = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"}}"#;
                Response::builder()
                    .status(code)
                    .body(axum::body::Body::from(body))
                    .expect("valid")
            }
        });
        let limits = Limits {
            host: "test".into(),
            metrics: Metrics::new(),
            deadline,
            max_response: MAX_RESPONSE,
            max_event: usize::MAX,
        };
        (
            limited(Client::new(router, "default"), limits, "default".into()),
            seen,
        )
    }

    #[tokio::test(start_paused = true)]
    async fn an_overloaded_server_is_asked_three_times_at_most() {
        let (client, seen) = client(&[429, 429, 200], DEADLINE);
        let api: Api<ConfigMap> = Api::default_namespaced(client);
        api.get("a").await.expect("third time lucky");
        assert_eq!(seen.load(Ordering::SeqCst), 3);
        let (client, seen) = super::tests::client(&[429], DEADLINE);
        let api: Api<ConfigMap> = Api::default_namespaced(client);
        api.get("a").await.expect_err("still overloaded");
        assert_eq!(seen.load(Ordering::SeqCst), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_is_not_repeated_after_503() {
        let (client, seen) = client(&[503, 200], DEADLINE);
        let api: Api<ConfigMap> = Api::default_namespaced(client);
        let metadata = ObjectMeta {
            name: Some("a".into()),
            ..ObjectMeta::default()
        };
        let object = ConfigMap {
            metadata,
            ..ConfigMap::default()
        };
        api.create(&PostParams::default(), &object)
            .await
            .expect_err("refused");
        assert_eq!(seen.load(Ordering::SeqCst), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_hangs_ends_at_its_deadline() {
        let (client, _) = client(&[0], Duration::from_secs(3));
        let api: Api<ConfigMap> = Api::default_namespaced(client);
        let started = tokio::time::Instant::now();
        let error = api.get("a").await.expect_err("hangs");
        assert_eq!(started.elapsed().as_secs(), 3);
        assert!(
            describe(&error).contains("did not complete within 3s"),
            "{}",
            describe(&error)
        );
    }

    #[tokio::test]
    async fn who_does_not_lead_reads_and_tries_and_writes_nothing() {
        let (client, seen) = client(&[200], DEADLINE);
        let client = leading(&client, Leadership::never());
        let api: Api<ConfigMap> = Api::default_namespaced(client);
        let map = ConfigMap::default();
        let dry_run = PostParams {
            dry_run: true,
            ..PostParams::default()
        };
        api.get("a").await.expect("a read");
        api.create(&dry_run, &map).await.expect("a dry run");
        let error = api.create(&PostParams::default(), &map).await;
        let text = describe(&error.expect_err("a write"));
        assert!(text.contains("leader election lost"), "{text}");
        assert_eq!(seen.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn a_watch_ends_at_a_line_without_end() {
        let lines = |text: &'static str| {
            let body = Body::from(text.as_bytes().to_vec());
            axum::body::to_bytes(bounded_lines(body, 4), 100)
        };
        assert_eq!(lines("ab\nabc\n").await.expect("short lines"), "ab\nabc\n");
        lines("abcde").await.expect_err("a long line");
    }
}
