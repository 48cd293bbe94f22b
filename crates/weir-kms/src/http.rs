//! Requests that may be repeated: decrypting changes nothing.

use std::time::Duration;

use reqwest::RequestBuilder;
use tokio::time::Instant;
use weir_auth::{Error, Reply, exchange_within};

/// How long connecting may take.
pub(crate) const CONNECT: Duration = Duration::from_secs(10);
/// How often a request is sent at most.
pub(crate) const ATTEMPTS: usize = 3;
/// How long one request may take.
const LIMIT: Duration = Duration::from_secs(30);
/// The pause after the first attempt; it doubles.
const PAUSE: Duration = Duration::from_millis(250);
/// A request that took this long is not sent again.
const PATIENCE: Duration = Duration::from_secs(10);

/// Most characters of a service's own words in a message.
pub(crate) const WORDS: usize = 1000;

/// Sends what `request` makes until there is an answer that will not change, `attempts` times at most.
///
/// # Errors
/// As [`exchange_within`].
pub(crate) async fn repeat(
    what: &str,
    attempts: usize,
    request: impl Fn() -> RequestBuilder,
) -> Result<Reply, Error> {
    repeat_within(what, attempts, LIMIT, request).await
}

/// The same, where one request may take `limit`.
///
/// # Errors
/// As [`exchange_within`].
pub(crate) async fn repeat_within(
    what: &str,
    attempts: usize,
    limit: Duration,
    request: impl Fn() -> RequestBuilder,
) -> Result<Reply, Error> {
    let mut pause = PAUSE;
    let mut attempt = 1;
    loop {
        let started = Instant::now();
        let result = exchange_within(request(), what, limit).await;
        let may_change = match &result {
            Ok(reply) => matches!(reply.status, 412 | 429 | 500 | 502 | 503 | 504),
            Err(error) => matches!(error, Error::Request { .. }),
        };
        if !may_change || attempt >= attempts || started.elapsed() > PATIENCE {
            return result;
        }
        tokio::time::sleep(pause).await;
        pause *= 2;
        attempt += 1;
    }
}
