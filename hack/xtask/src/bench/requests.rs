//! Requests that the API server served, by its own count.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use http::Request;
use kube::Client;
use serde::{Deserialize, Serialize};

/// What a request was.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) struct What {
    /// Who asked, up to the slash of the user agent; empty where only the server's metrics were read.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) agent: String,
    /// `apply`, `create`, `delete`, `get`, `list`, `patch`, `update` or `watch`; dry runs say so.
    pub(super) verb: String,
    /// The plural, and the subresource behind a slash.
    pub(super) resource: String,
}

/// How many of each.
pub(super) type Counts = BTreeMap<What, u64>;

/// Where requests are counted.
pub(super) struct Counter {
    client: Client,
    audit: Option<PathBuf>,
}

/// The count at one moment.
#[derive(Debug)]
pub(super) enum Mark {
    Served(Counts),
    Written(u64),
}

impl Counter {
    /// Counts by the audit log if there is one, else by the server's metrics.
    pub(super) fn new(client: Client, audit: Option<PathBuf>) -> Self {
        Self { client, audit }
    }

    /// The count now.
    pub(super) async fn mark(&self) -> Result<Mark> {
        match &self.audit {
            Some(log) => Ok(Mark::Written(log.metadata()?.len())),
            None => self.served().await.map(Mark::Served),
        }
    }

    /// What was served since.
    pub(super) async fn since(&self, mark: &Mark) -> Result<Counts> {
        match (mark, &self.audit) {
            (Mark::Written(from), Some(log)) => read_log(log, *from),
            (Mark::Served(before), _) => Ok(difference(self.served().await?, before)),
            (Mark::Written(_), None) => Ok(Counts::new()),
        }
    }

    async fn served(&self) -> Result<Counts> {
        let request = Request::get("/metrics").body(Vec::new())?;
        let text = self.client.request_text(request).await;
        Ok(parse_metrics(
            &text.context("no metrics of the API server")?,
        ))
    }
}

fn difference(now: Counts, before: &Counts) -> Counts {
    now.into_iter()
        .filter_map(|(what, count)| {
            let grown = count.saturating_sub(before.get(&what).copied().unwrap_or_default());
            (grown > 0).then_some((what, grown))
        })
        .collect()
}

fn parse_metrics(text: &str) -> Counts {
    let mut counts = Counts::new();
    for line in text.lines() {
        let Some((labels, value)) = line
            .strip_prefix("apiserver_request_total{")
            .and_then(|line| line.rsplit_once("} "))
        else {
            continue;
        };
        let label = |name: &str| {
            let (_, rest) = labels.split_once(&format!("{name}=\""))?;
            rest.split_once('"').map(|(value, _)| value)
        };
        let resource = label(",resource").unwrap_or_default();
        // Requests for discovery and health have no resource.
        if resource.is_empty() {
            continue;
        }
        let verb = match label("verb").unwrap_or_default() {
            "POST" => "create",
            "PUT" => "update",
            other => &other.to_lowercase(),
        };
        let what = what(
            "",
            verb,
            resource,
            label("subresource"),
            label("dry_run") == Some("All"),
        );
        // Counters are floats: a large one may be written as 1e+06.
        *counts.entry(what).or_default() += value.parse::<f64>().unwrap_or_default() as u64;
    }
    counts
}

fn what(agent: &str, verb: &str, resource: &str, subresource: Option<&str>, dry_run: bool) -> What {
    let dry = if dry_run { " dry run" } else { "" };
    let resource = match subresource {
        Some(sub) if !sub.is_empty() => format!("{resource}/{sub}"),
        _ => resource.to_owned(),
    };
    What {
        agent: agent.to_owned(),
        verb: format!("{verb}{dry}"),
        resource,
    }
}

/// A line of the audit log.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    stage: String,
    verb: String,
    #[serde(rename = "requestURI")]
    request_uri: String,
    #[serde(default)]
    user_agent: String,
    object_ref: Option<Reference>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Reference {
    resource: String,
    subresource: Option<String>,
}

fn read_log(log: &Path, from: u64) -> Result<Counts> {
    let file = File::open(log).with_context(|| format!("no {}", log.display()))?;
    let mut lines = BufReader::new(file);
    let mut line = Vec::new();
    // The server may have been in the middle of a line when `from` was taken, and may be again now.
    lines.seek(SeekFrom::Start(from.saturating_sub(1)))?;
    if from > 0 {
        lines.read_until(b'\n', &mut line)?;
    }
    let mut counts = Counts::new();
    loop {
        line.clear();
        lines.read_until(b'\n', &mut line)?;
        if !line.ends_with(b"\n") {
            return Ok(counts);
        }
        let entry: Entry = serde_json::from_slice(&line).context("not an audit event")?;
        if let Some(what) = classify(&entry) {
            *counts.entry(what).or_default() += 1;
        }
    }
}

fn classify(entry: &Entry) -> Option<What> {
    let begins = if entry.verb == "watch" {
        "ResponseStarted"
    } else {
        "ResponseComplete"
    };
    if entry.stage != begins {
        return None;
    }
    let agent = entry.user_agent.split(['/', ' ']).next()?;
    let query = entry.request_uri.split_once('?').map_or("", |(_, it)| it);
    let given = |name: &str| query.split('&').any(|it| it.starts_with(name));
    // Only server-side apply can force.
    let verb = if entry.verb == "patch" && given("force=") {
        "apply"
    } else {
        &entry.verb
    };
    let reference = entry.object_ref.as_ref();
    let resource = reference.map_or("discovery", |it| it.resource.as_str());
    let subresource = reference.and_then(|it| it.subresource.as_deref());
    Some(what(agent, verb, resource, subresource, given("dryRun=")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const METRICS: &str = r#"
# TYPE apiserver_request_total counter
apiserver_request_total{code="200",component="apiserver",dry_run="",group="apps",resource="deployments",scope="resource",subresource="",verb="APPLY",version="v1"} 7
apiserver_request_total{code="201",component="apiserver",dry_run="",group="apps",resource="deployments",scope="resource",subresource="",verb="APPLY",version="v1"} 1e+06
apiserver_request_total{code="200",component="apiserver",dry_run="All",group="",resource="services",scope="resource",subresource="status",verb="PATCH",version="v1"} 2
apiserver_request_total{code="200",component="",dry_run="",group="",resource="",scope="",subresource="/readyz",verb="GET",version=""} 4
other{resource="x"} 1
"#;

    fn lines(counts: &Counts) -> Vec<String> {
        let line = |(what, count): (&What, &u64)| {
            format!("{} {} {} {count}", what.agent, what.verb, what.resource)
        };
        counts.iter().map(line).collect()
    }

    #[test]
    fn metrics_are_summed_over_codes() {
        let counts = parse_metrics(METRICS);
        assert_eq!(
            lines(&counts),
            [
                " apply deployments 1000007",
                " patch dry run services/status 2"
            ]
        );
        assert_eq!(difference(counts.clone(), &counts), Counts::new());
    }

    #[test]
    fn audit_events_are_classified() {
        let entry = |stage: &str, verb: &str, query: &str| {
            let text = format!(
                r#"{{"stage":"{stage}","verb":"{verb}","requestURI":"/api/v1/x{query}","userAgent":"weir/v0 (linux)",
                "objectRef":{{"resource":"services","name":"a"}},"user":{{}}}}"#
            );
            let what = classify(&serde_json::from_str(&text).unwrap())?;
            Some(format!("{} {} {}", what.agent, what.verb, what.resource))
        };
        let apply = "?dryRun=All&fieldManager=x&force=true";
        assert_eq!(
            entry("ResponseComplete", "patch", apply).unwrap(),
            "weir apply dry run services"
        );
        assert_eq!(
            entry("ResponseStarted", "watch", "").unwrap(),
            "weir watch services"
        );
        assert_eq!(entry("ResponseComplete", "watch", ""), None);
        assert_eq!(
            entry("ResponseComplete", "patch", "?fieldManager=x").unwrap(),
            "weir patch services"
        );
    }
}
