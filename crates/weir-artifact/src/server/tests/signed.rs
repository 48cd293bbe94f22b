//! A server that serves only to who has the key.

use crate::{FetchError, FetchOptions, Fetcher};

use super::*;

const ADVERTISED: &str = "http://source-controller.flux-system.svc./";

fn key(folder: &tempfile::TempDir, byte: u8) -> ArtifactKey {
    let path = folder.path().join("key");
    std::fs::write(&path, [byte; 32]).expect("writes");
    ArtifactKey::read(&path).expect("is a key")
}

async fn fetch(key: Option<ArtifactKey>, address: SocketAddr, named: &str) -> FetchError {
    let options = FetchOptions {
        key,
        retries: 0,
        host: Some(address.to_string()),
        ..FetchOptions::default()
    };
    let fetcher = Fetcher::new(options).expect("sets up");
    let url = format!("{named}gitrepository/ns/app/a.tar.gz");
    let digest = "0".repeat(64);
    fetcher
        .fetch(&url, &digest)
        .await
        .expect_err("has another digest")
}

#[tokio::test]
async fn only_who_has_the_key_and_means_this_server_gets_a_file() {
    let folder = tempfile::tempdir().expect("makes a folder");
    let own = folder.path().join("data/gitrepository/ns/app");
    std::fs::create_dir_all(&own).expect("makes folders");
    std::fs::write(own.join("a.tar.gz"), "0123456789").expect("writes");
    let root = folder.path().join("data");
    let server = Server::bind("127.0.0.1:0", root, ServerLimits::default()).await;
    let server = server.expect("binds").with_key(key(&folder, 1), ADVERTISED);
    let address = server.address().expect("has an address");
    let stop = CancellationToken::new();
    tokio::spawn(server.run(stop.clone()));

    let get = async |path: &str| {
        let got = reqwest::get(format!("http://{address}{path}")).await;
        got.expect("answers").status().as_u16()
    };
    assert_eq!(get("/").await, 200);
    // Nobody learns without the key what is there.
    assert_eq!(get(FILE).await, 401);
    assert_eq!(get("/nothing").await, 401);

    let refused = |error: FetchError| match error {
        FetchError::Status { status, .. } => status.as_u16() == 401,
        _ => false,
    };
    // Beyond the door it is the digest that is wrong.
    let good = fetch(Some(key(&folder, 1)), address, ADVERTISED).await;
    assert!(matches!(good, FetchError::Verify(_)), "{good}");
    assert!(refused(
        fetch(Some(key(&folder, 2)), address, ADVERTISED).await
    ));
    assert!(refused(fetch(None, address, ADVERTISED).await));
    // What was signed for somebody else's host opens nothing here, wherever it is sent.
    let other = "http://attacker.example/";
    assert!(refused(fetch(Some(key(&folder, 1)), address, other).await));
    stop.cancel();
}
