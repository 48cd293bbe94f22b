//! Against a real HTTP server on a loopback port.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode as Code;
use axum::routing::get;

use super::*;

struct Server {
    address: SocketAddr,
    hits: Arc<AtomicU32>,
}

/// Serves `body` at `/good`, fails once at `/flaky`, and answers the number at `/status/N`.
async fn serve(body: Vec<u8>) -> Server {
    let hits = Arc::new(AtomicU32::new(0));
    let counter = Arc::clone(&hits);
    let flaky = (body.clone(), Arc::new(AtomicU32::new(0)));
    let app = Router::new()
        .route(
            "/good",
            get(move || async move {
                counter.fetch_add(1, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(50)).await;
                body
            }),
        )
        .route(
            "/flaky",
            get(move || async move {
                let first = flaky.1.fetch_add(1, Ordering::SeqCst) == 0;
                let code = if first { Code::BAD_GATEWAY } else { Code::OK };
                (code, flaky.0)
            }),
        )
        .route(
            "/status/{code}",
            get(|Path(code): Path<u16>| async move {
                Code::from_u16(code).unwrap_or(Code::IM_A_TEAPOT)
            }),
        );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("binds");
    let address = listener.local_addr().expect("has an address");
    tokio::spawn(async move { axum::serve(listener, app).await });
    Server { address, hits }
}

impl Server {
    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

fn archive() -> (Vec<u8>, String) {
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_ustar();
    header.set_size(3);
    header.set_mode(0o600);
    builder
        .append_data(&mut header, "a.txt", &b"one"[..])
        .expect("appends");
    let tar = builder.into_inner().expect("finishes");
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&tar).expect("compresses");
    let bytes = gzip.finish().expect("finishes");
    let digest = crate::digest::of(Algorithm::Sha256, bytes.as_slice()).expect("hashes");
    (bytes, digest.to_string())
}

fn fetcher() -> Fetcher {
    let quick = FetchOptions {
        retries: 1,
        min_wait: Duration::from_millis(1),
        ..FetchOptions::default()
    };
    Fetcher::new(quick).expect("sets up")
}

fn chain(error: &FetchError) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

#[tokio::test]
async fn concurrent_callers_share_one_download_and_later_ones_the_cache() {
    let (body, digest) = archive();
    let server = serve(body).await;
    let fetcher = fetcher();
    let url = server.url("/good");
    let calls = (0..20).map(|_| fetcher.fetch(&url, &digest));
    for tree in futures::future::join_all(calls).await {
        assert_eq!(
            tree.expect("fetches")
                .read("a.txt")
                .expect("reads")
                .as_ref(),
            b"one"
        );
    }
    fetcher.fetch(&url, &digest).await.expect("fetches");
    assert_eq!(server.hits.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_missing_file_is_told_apart_at_once() {
    let (body, digest) = archive();
    let server = serve(body).await;
    let result = fetcher().fetch(&server.url("/status/404"), &digest).await;
    assert!(matches!(result, Err(FetchError::NotFound)));
    let result = fetcher().fetch(&server.url("/status/403"), &digest).await;
    assert_eq!(
        chain(&result.expect_err("fails")),
        format!(
            "failed to download archive from {} (status: 403 Forbidden)",
            server.url("/status/403")
        )
    );
}

#[tokio::test]
async fn server_errors_are_retried_and_then_given_up() {
    let (body, digest) = archive();
    let server = serve(body).await;
    fetcher()
        .fetch(&server.url("/flaky"), &digest)
        .await
        .expect("second attempt works");
    let result = fetcher().fetch(&server.url("/status/500"), &digest).await;
    assert_eq!(
        chain(&result.expect_err("fails")),
        format!(
            "failed to download archive: GET {} giving up after 2 attempt(s)",
            server.url("/status/500")
        )
    );
}

#[tokio::test]
async fn another_digest_is_refused_with_upstreams_text() {
    let (body, _) = archive();
    let server = serve(body).await;
    let digest = format!("sha256:{}", "4".repeat(64));
    let result = fetcher().fetch(&server.url("/good"), &digest).await;
    assert_eq!(
        chain(&result.expect_err("fails")),
        format!(
            "failed to verify archive: computed digest doesn't match provided '{digest}' \
             (check whether file size exceeds max download size)"
        )
    );
    for (digest, text) in [
        ("", "failed to verify archive: empty digest"),
        (
            "md5:abc",
            "failed to verify archive: failed to parse digest 'md5:abc': unsupported digest algorithm",
        ),
        (
            "abc",
            "failed to verify archive: failed to parse digest 'sha256:abc': invalid checksum digest length",
        ),
    ] {
        let result = fetcher().fetch(&server.url("/good"), digest).await;
        assert_eq!(chain(&result.expect_err("fails")), text);
    }
}

#[tokio::test]
async fn bodies_above_the_bound_and_bodies_that_are_no_archive_fail() {
    let (body, digest) = archive();
    let server = serve(body).await;
    let options = FetchOptions {
        limits: ArtifactLimits {
            size: 10,
            ..ArtifactLimits::default()
        },
        ..FetchOptions::default()
    };
    let small = Fetcher::new(options).expect("sets up");
    let result = small.fetch(&server.url("/good"), &digest).await;
    assert!(matches!(result, Err(FetchError::TooLarge(10))));

    let server = serve(b"junk".to_vec()).await;
    let digest = crate::digest::of(Algorithm::Blake3, &b"junk"[..]).expect("hashes");
    let result = fetcher()
        .fetch(&server.url("/good"), &digest.to_string())
        .await;
    assert!(
        chain(&result.expect_err("fails"))
            .starts_with("failed to extract archive (check whether file size exceeds max download size): requires gzip")
    );
}

#[tokio::test]
async fn the_host_can_be_overridden() {
    let (body, digest) = archive();
    let server = serve(body).await;
    let options = FetchOptions {
        host: Some(server.address.to_string()),
        ..FetchOptions::default()
    };
    let fetcher = Fetcher::new(options).expect("sets up");
    let url = "http://source-controller.flux-system.svc.cluster.local./good";
    fetcher
        .fetch(url, &digest)
        .await
        .expect("fetches from the override");
}
