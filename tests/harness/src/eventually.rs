//! Waiting for a state, with a text that helps when it does not come.

use std::cell::Cell;
use std::time::Duration;

use anyhow::{Result, anyhow};
use tokio::time::{Instant, sleep, timeout};

/// Time between two looks.
const POLL: Duration = Duration::from_millis(50);

thread_local! {
    static FAILED: Cell<bool> = const { Cell::new(false) };
}

/// Runs `check` until it returns `Ok`, and returns its value. An `Err` means
/// "not yet" and says what was seen instead.
///
/// # Errors
/// If there is no `Ok` within `limit`: the error names `what` was waited for
/// and what was seen last.
pub async fn eventually<T>(
    limit: Duration,
    what: &str,
    mut check: impl AsyncFnMut() -> Result<T>,
) -> Result<T> {
    let start = Instant::now();
    let mut last = String::from("nothing: the first look did not come back");
    while let Some(left) = limit.checked_sub(start.elapsed()) {
        match timeout(left, check()).await {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(error)) => last = format!("{error:#}"),
            Err(_) => break,
        }
        sleep(POLL.min(limit.saturating_sub(start.elapsed()))).await;
    }
    FAILED.set(true);
    Err(anyhow!("waited {limit:?} for {what}; last seen: {last}"))
}

/// Whether a wait failed on this thread, which is the test's own thread.
pub(crate) fn failed_here() -> bool {
    FAILED.get()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn returns_the_value_of_the_first_success() {
        let mut looks = 0;
        let value = eventually(Duration::from_secs(5), "a third look", async || {
            looks += 1;
            if looks < 3 {
                Err(anyhow!("only {looks}"))
            } else {
                Ok(looks)
            }
        });
        assert_eq!(value.await.unwrap(), 3);
    }

    #[tokio::test]
    async fn a_failure_says_what_was_waited_for_and_seen() {
        let limit = Duration::from_millis(120);
        let wait = eventually(limit, "the moon", async || {
            Err::<(), _>(anyhow!("only stars"))
        });
        let text = wait.await.unwrap_err().to_string();
        assert_eq!(text, "waited 120ms for the moon; last seen: only stars");
    }

    #[tokio::test]
    async fn a_look_that_hangs_is_cut_off() {
        let wait = eventually(Duration::from_millis(60), "an answer", async || {
            std::future::pending::<Result<()>>().await
        });
        assert!(wait.await.is_err());
    }
}
