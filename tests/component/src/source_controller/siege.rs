//! An artifact server that strangers sit on.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use harness::{GitServer, eventually};
use reqwest::Client;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::fixture::{LIMIT, Sources, artifact};

/// Sockets that hold on to the server: more than it has slots.
const SOCKETS: usize = 5000;
/// Its slots.
const SLOTS: u64 = 4096;
/// As few files as many machines let a program open unless it asks for more.
const SOFT_LIMIT: &str = "ulimit -S -n 512";
/// What they may cost it: the largest head of a request, and as much again.
const MEMORY: u64 = SLOTS * (32 << 10);
/// Below this a difference is the scheduler's.
const QUICK: Duration = Duration::from_millis(25);
/// Downloads of one measurement.
const DOWNLOADS: usize = 100;

/// Nothing, half a head, and a head whose answer nobody reads.
const OPENINGS: [&str; 3] = [
    "",
    "GET / HTTP/1.1\r\nhost: x\r\nx-slow: ",
    "GET / HTTP/1.1\r\nhost: x\r\n\r\n",
];

/// Holds a socket, and takes another one when the server has had enough.
async fn hold(address: String, opening: &'static str, stop: CancellationToken) {
    let sit = async {
        loop {
            if let Ok(mut stream) = TcpStream::connect(&address).await {
                stream.write_all(opening.as_bytes()).await.ok();
                let mut rest = Vec::new();
                stream.read_to_end(&mut rest).await.ok();
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    };
    tokio::select! {
        () = sit => {}
        () = stop.cancelled() => {}
    }
}

fn besiege(address: &str) -> DropGuard {
    let stop = CancellationToken::new();
    for opening in OPENINGS.iter().cycle().take(SOCKETS) {
        tokio::spawn(hold(address.to_owned(), opening, stop.clone()));
    }
    stop.drop_guard()
}

/// What takes longest but for one in a hundred, each download over a connection of its own.
async fn slowest(url: &str, wanted: &[u8]) -> Result<Duration> {
    let client = Client::builder().pool_max_idle_per_host(0).build()?;
    let mut times = Vec::with_capacity(DOWNLOADS);
    for _ in 0..DOWNLOADS {
        let began = Instant::now();
        let answer = client.get(url).timeout(LIMIT).send().await?;
        ensure!(answer.status().is_success(), "{}", answer.status());
        ensure!(answer.bytes().await? == wanted, "other bytes");
        times.push(began.elapsed());
    }
    times.sort_unstable();
    Ok(times[DOWNLOADS * 99 / 100 - 1])
}

/// A figure of `/metrics`.
async fn figure(all: &Sources, name: &str) -> Result<u64> {
    let text = reqwest::get(all.controllers.metrics_url()).await?;
    let text = text.text().await?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    let value: f64 = line.with_context(|| name.to_owned())?.parse()?;
    Ok(value as u64)
}

#[tokio::test]
async fn five_thousand_idle_sockets_cost_readers_nothing_and_the_controller_goes_on() -> Result<()>
{
    harness::process::allow_open_files(SOCKETS as u64 + 1000)?;
    let git = GitServer::start()?;
    let all = Sources::shaped("git-siege", git, |options| {
        options.before = Some(SOFT_LIMIT.to_owned());
    })
    .await?;
    let commit = all.repo.commit(&[("a", &"x".repeat(10_000))], "first")?;
    all.apply(json!({})).await?;
    let object = all.ready(&format!("main@sha1:{commit}")).await?;
    let url = artifact(&object).context("has an artifact")?.url;
    let wanted = reqwest::get(&url).await?.bytes().await?;
    let alone = slowest(&url, &wanted).await?.max(QUICK);
    let memory = figure(&all, "process_resident_memory_bytes").await?;

    let siege = besiege(&all.controllers.storage_address());
    let mut under_siege = Duration::MAX;
    // Somebody else may want the machine too: what has to be seen is that the sockets are not what takes time.
    eventually(LIMIT, "downloads as quick as without a siege", async || {
        let open = figure(&all, "process_open_fds").await?;
        ensure!(open * 10 > SLOTS * 9, "{open} files are open");
        ensure!(open < SLOTS + 200, "{open} files are open");
        under_siege = slowest(&url, &wanted).await?;
        ensure!(under_siege < 2 * alone, "{under_siege:?}, alone {alone:?}");
        Ok(())
    })
    .await?;
    let grown = figure(&all, "process_resident_memory_bytes").await?;
    let grown = grown.saturating_sub(memory);
    ensure!(grown < MEMORY, "{grown} bytes for {SOCKETS} sockets");
    println!("p99 alone {alone:?}, under siege {under_siege:?}; {grown} bytes more");

    let next = all.repo.commit(&[("a", "2")], "second")?;
    all.request("second").await?;
    all.ready(&format!("main@sha1:{next}")).await?;
    drop(siege);
    eventually(LIMIT, "sockets that are given back", async || {
        let open = figure(&all, "process_open_fds").await?;
        ensure!(open < 500, "{open} files are open");
        Ok(())
    })
    .await
}
