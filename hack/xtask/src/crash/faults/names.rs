//! Names that come and go, and lead elsewhere.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use harness::{ApiProxy, Controllers, NameServer, Names, eventually};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::{Begun, References, finish};
use crate::crash::case::{Case, LIMIT};
use crate::crash::points::{QUIET, begin, silence};
use crate::crash::stage::Stage;
use crate::picture;

/// The name of the Git server and of the artifact server.
const HOST: &str = "weir.example";
/// How long the names are gone.
const WHILE: Duration = Duration::from_secs(12);

/// Both controllers reach what they need by a name alone. It goes, the server fails, nobody answers; then it leads to
/// another address, which is of IPv6 only.
pub(super) async fn flap(stage: &Stage, references: &References) -> Result<()> {
    let (scenario, reference) = references.of("upgrade")?;
    let names = NameServer::start()?;
    let (mut case, mut sources) = Case::with_sources(stage, scenario, |options| {
        options.resolver = Some(names.configuration());
    })
    .await?;
    let git = case.source().await?["spec"]["url"].clone();
    let git = git.as_str().context("it has a URL")?.to_owned();
    let ports = [port(&git)?, port(&sources.storage_address())?];
    case.patch_source(&serde_json::json!({"url": git.replace("127.0.0.1", HOST)}))
        .await?;
    let proxy = ApiProxy::start(&stage.plane)?;
    let mut options = stage.options(&proxy, case.name(), &[])?;
    options.resolver = Some(names.configuration());
    let artifacts = sources.storage_address().replace("127.0.0.1", HOST);
    let variable = (String::from("SOURCE_CONTROLLER_LOCALHOST"), artifacts);
    options.environment.push(variable);
    let controller = Controllers::start(&options).await?;
    begin(&mut case, scenario).await?;
    silence(&proxy, QUIET).await?;
    proxy.clear();
    let before = case.picture().await?;
    names.answer(Names::None);
    case.act_unfetched(scenario).await?;
    eventually(LIMIT, "a source without its server", async || {
        let source = case.source().await?;
        ensure!(picture::ready(&source) == "False", "{}", source["status"]);
        Ok(())
    })
    .await?;
    let begun = std::time::Instant::now();
    for names_now in [Names::Failure, Names::None, Names::Silence].iter().cycle() {
        names.answer(*names_now);
        tokio::time::sleep(Duration::from_millis(400)).await;
        if begun.elapsed() > WHILE {
            break;
        }
    }
    case.becomes(&before).await?;
    let bridges = [bridge(ports[0]).await?, bridge(ports[1]).await?];
    names.answer(Names::Six);
    case.settled(scenario).await?;
    for bridge in &bridges {
        bridge.abort();
    }
    names.answer(Names::Four);
    sources.process().check_running()?;
    let begun = Begun {
        case,
        proxy,
        controller,
    };
    let result = finish(begun, scenario, reference).await;
    drop(sources);
    result
}

/// The port of a URL or an address.
fn port(text: &str) -> Result<u16> {
    let after = text.split("127.0.0.1:").last().unwrap_or_default();
    let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().with_context(|| format!("{text} has a port"))
}

/// Leads a port of ::1 to that of 127.0.0.1.
async fn bridge(port: u16) -> Result<JoinHandle<()>> {
    let listener = TcpListener::bind(("::1", port)).await;
    let listener = listener.context("there is IPv6")?;
    Ok(tokio::spawn(async move {
        while let Ok((mut from, _)) = listener.accept().await {
            tokio::spawn(async move {
                if let Ok(mut to) = TcpStream::connect(("127.0.0.1", port)).await {
                    // Whoever hangs up, it is over.
                    let _ = tokio::io::copy_bidirectional(&mut from, &mut to).await;
                }
            });
        }
    }))
}
