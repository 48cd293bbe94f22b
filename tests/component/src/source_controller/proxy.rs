//! Repositories behind proxies that ask who is there.

use anyhow::{Context as _, Result};
use harness::{GitServer, ProxyKind, ProxyServer};
use serde_json::json;

use super::fixture::{Sources, artifact, message, paths};

const NAME: &str = "git.example";

#[tokio::test]
async fn every_kind_of_proxy_leads_to_the_repository_with_its_login_only() -> Result<()> {
    let server = GitServer::start_tls_of(&[NAME])?;
    let ca = server.ca().context("has an authority")?.to_owned();
    let all = Sources::with("git-proxies", server, &[]).await?;
    let commit = all.repo.commit(&[("a", "1")], "first")?;
    let revision = format!("main@sha1:{commit}");
    for kind in [ProxyKind::Http, ProxyKind::Https, ProxyKind::Socks5] {
        let routes = [(NAME, all.git.address())];
        let proxy = ProxyServer::start(kind, Some(("alice", "canary-right")), &routes)?;
        let trusted = format!("{ca}\n{}", proxy.ca().unwrap_or_default());
        all.secret("tls", json!({"ca.crt": trusted})).await?;
        let wrong =
            json!({"address": proxy.url(), "username": "alice", "password": "canary-wrong"});
        all.secret("proxy", wrong).await?;
        let name = format!("{kind:?}").to_lowercase();
        let spec = json!({
            "url": format!("https://{NAME}/app.git"), "proxySecretRef": {"name": "proxy"},
            "secretRef": {"name": "tls"}, "ref": {"branch": "main"}, "ignore": format!("# {name}"),
        });
        all.apply(spec).await?;
        let before = all.fails("GitOperationFailed").await?;
        let text = message(&before, "Ready");
        assert!(
            text.ends_with("Proxy Authentication Required")
                || text.ends_with("username/password authentication failed"),
            "{text}"
        );
        assert!(!text.contains("canary"), "{text}");

        let right =
            json!({"address": proxy.url(), "username": "alice", "password": "canary-right"});
        all.secret("proxy", right).await?;
        all.request(&name).await?;
        let object = all.ready(&revision).await?;
        assert_eq!(paths(&*all.files(&object).await?), ["a"]);
        assert!(artifact(&object).is_some());
        assert!(
            proxy.log().contains(&format!("{NAME}:443")),
            "{:?}",
            proxy.log()
        );
    }
    Ok(())
}
