//! Blocking work on a bounded number of threads, with a deadline and an end when nobody waits any more.

use std::future::Future;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::clients::Pool;
use crate::dial::Network;
use crate::error::{Error, Stopped};
use crate::fetches::Fetches;
use crate::remote::{Proxy, Remote, RemoteOptions, Tls};
use crate::ssh::SshAlgorithms;

/// The process's Git workers.
#[derive(Debug, Clone)]
pub struct Git {
    permits: Arc<Semaphore>,
    pool: Pool,
    ssh: Arc<SshAlgorithms>,
    fetches: Fetches,
}

impl Git {
    /// At most `parallel` operations run at a time; more wait.
    #[must_use]
    pub fn new(parallel: usize) -> Self {
        Self {
            permits: Arc::new(Semaphore::new(parallel.max(1))),
            pool: Pool::default(),
            ssh: Arc::default(),
            fetches: Fetches::default(),
        }
    }

    /// The same with other connections.
    #[must_use]
    pub fn with_network(mut self, network: Network) -> Self {
        self.pool = Pool::new(network);
        self
    }

    /// The same with other algorithms for ssh.
    #[must_use]
    pub fn with_ssh(mut self, algorithms: SshAlgorithms) -> Self {
        self.ssh = Arc::new(algorithms);
        self
    }

    /// The same with what is fetched below `folder` instead of the system's folder for temporary files, and
    /// nothing of it shared.
    #[must_use]
    pub fn with_folder(mut self, folder: impl Into<std::path::PathBuf>) -> Self {
        self.fetches = Fetches::below(folder.into());
        self
    }

    /// A client for requests beside those to a repository, with the same trust, proxy and denied addresses. It
    /// follows no redirect.
    ///
    /// # Errors
    /// [`Error::Auth`] for what cannot be used, or if `url` names an address that is denied.
    pub fn client(
        &self,
        url: &str,
        tls: &Tls,
        proxy: Option<&Proxy>,
    ) -> Result<reqwest::Client, Error> {
        let parsed = reqwest::Url::parse(url).map_err(|error| Error::Auth(error.to_string()))?;
        let host = parsed.host_str().unwrap_or_default();
        let literal = host.trim_start_matches('[').trim_end_matches(']').parse();
        if let Ok(address) = literal {
            let admitted = self.pool.network().admit(address);
            admitted.map_err(|error| Error::Auth(format!("{url}: {error}")))?;
        }
        Ok(self.pool.clients(tls, proxy)?.own)
    }

    /// Runs `work` on a blocking thread for at most `timeout`, waiting for a thread not counted.
    ///
    /// Drop the future, and `work` is told to stop: its network reads fail at once, its loops at their
    /// next [`Session::check`].
    ///
    /// # Errors
    /// Those of `work`; [`Error::Panicked`] should a library panic on foreign bytes.
    pub async fn run<T, E>(
        &self,
        timeout: Duration,
        work: impl FnOnce(&Session) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        let (session, _stop) = Session::start(timeout, self);
        let working = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            work(&session)
        });
        match working.await {
            Ok(result) => result,
            Err(_) => Err(Error::Panicked.into()),
        }
    }
}

/// One operation's deadline and stop signal.
#[derive(Debug, Clone)]
pub struct Session {
    handle: Handle,
    deadline: Instant,
    stop: CancellationToken,
    interrupt: Arc<AtomicBool>,
    pool: Pool,
    ssh: Arc<SshAlgorithms>,
    fetches: Fetches,
}

impl Session {
    /// A session that begins now. It ends when the guard is dropped or the time is over.
    pub(crate) fn start(timeout: Duration, git: &Git) -> (Self, DropGuard) {
        let session = Self {
            handle: Handle::current(),
            deadline: Instant::now() + timeout,
            stop: CancellationToken::new(),
            interrupt: Arc::default(),
            pool: git.pool.clone(),
            ssh: Arc::clone(&git.ssh),
            fetches: git.fetches.clone(),
        };
        let watched = session.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = watched.stop.cancelled() => {}
                () = tokio::time::sleep_until(watched.deadline) => {}
            }
            watched.interrupt.store(true, Ordering::Relaxed);
        });
        let guard = session.stop.clone().drop_guard();
        (session, guard)
    }

    /// Prepares access to the repository at `url`; nothing is sent yet.
    ///
    /// # Errors
    /// [`Error::Auth`] for a URL, certificate, key, token or proxy that cannot be used.
    pub fn remote(&self, url: &str, options: RemoteOptions) -> Result<Remote, Error> {
        Remote::new(url, options, &self.pool)
    }

    /// Fails once the time is over or nobody waits for the result.
    ///
    /// # Errors
    /// [`Error::Stopped`].
    pub fn check(&self) -> Result<(), Error> {
        if !self.interrupt.load(Ordering::Relaxed) {
            return Ok(());
        }
        Err(Error::Stopped(self.reason()))
    }

    /// `reader`, which fails once the session is over.
    pub fn guard<R: Read>(&self, reader: R) -> impl Read {
        Guarded {
            session: self,
            reader,
        }
    }

    /// The flag that long computations in gix look at.
    pub(crate) fn interrupt(&self) -> &AtomicBool {
        &self.interrupt
    }

    /// What others fetch and have fetched.
    pub(crate) fn fetches(&self) -> &Fetches {
        &self.fetches
    }

    /// Where tasks run.
    pub(crate) fn handle(&self) -> &Handle {
        &self.handle
    }

    /// How connections are made.
    pub(crate) fn network(&self) -> &Network {
        self.pool.network()
    }

    /// What is offered to ssh servers.
    pub(crate) fn ssh(&self) -> &SshAlgorithms {
        &self.ssh
    }

    /// The time that is left.
    pub(crate) fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// Waits for `future` within the session.
    pub(crate) fn wait<T>(&self, future: impl Future<Output = T>) -> Result<T, Stopped> {
        self.handle.block_on(async {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => Err(Stopped::Cancelled),
                result = tokio::time::timeout_at(self.deadline, future) => {
                    result.map_err(|_| Stopped::TimedOut)
                }
            }
        })
    }

    fn reason(&self) -> Stopped {
        if self.stop.is_cancelled() {
            Stopped::Cancelled
        } else {
            Stopped::TimedOut
        }
    }
}

struct Guarded<'a, R> {
    session: &'a Session,
    reader: R,
}

impl<R: Read> Read for Guarded<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.session.check().map_err(io::Error::other)?;
        self.reader.read(buffer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_ends_at_its_deadline() {
        let git = Git::new(1);
        let result: Result<(), Error> = git
            .run(Duration::from_millis(20), |session| {
                session.wait(std::future::pending::<()>())?;
                Ok(())
            })
            .await;
        assert!(matches!(result, Err(Error::Stopped(Stopped::TimedOut))));
    }

    #[tokio::test]
    async fn work_ends_when_nobody_waits() {
        let git = Git::new(1);
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let run = git.run(
            Duration::from_secs(60),
            move |session| -> Result<(), Error> {
                let result = session.wait(std::future::pending::<()>());
                sender.send(result).ok();
                Ok(())
            },
        );
        tokio::time::timeout(Duration::from_millis(20), run)
            .await
            .expect_err("is dropped");
        assert_eq!(receiver.await, Ok(Err(Stopped::Cancelled)));
    }

    #[tokio::test]
    async fn a_panic_becomes_an_error() {
        let result: Result<(), Error> = Git::new(1)
            .run(Duration::from_secs(1), |_| panic!("foreign bytes"))
            .await;
        assert!(matches!(result, Err(Error::Panicked)));
    }
}
