//! One control plane, and the controllers that take turns in it.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use harness::{
    ControlPlane, Controllers, ControllersOptions, GitServer, Namespace, Repository, eventually,
    layout,
};
use http::{Method, Request};
use kube::Client;
use serde_json::{Value, json};

use super::workload::{self, Files, NAMESPACE};
use crate::bench::peer::Peer;
use crate::picture::{self, Picture, Uids};

/// How long all Kustomizations may take to come to an end; one waits 30 s for what never gets healthy.
const LIMIT: Duration = Duration::from_secs(180);
/// Nothing changes for so long: it is over.
const QUIET: Duration = Duration::from_secs(3);

/// Whose turn it is.
#[derive(Clone, Copy)]
pub(super) enum Turn<'a> {
    Theirs(&'a Peer),
    Ours,
}

/// What is there, and was said, at the end of a step.
#[derive(Clone, Debug)]
pub(super) struct Step {
    /// Objects and Kustomizations by path.
    pub(super) picture: Picture,
    /// What was told of each Kustomization, without how often.
    pub(super) events: BTreeMap<String, BTreeSet<String>>,
}

/// Installed in the first turn, taken over and upgraded in the second, given back in the third.
///
/// # Errors
/// If a part does not come up, or the Kustomizations do not come to an end.
pub(super) async fn tour(name: &str, profile: &str, turns: [Turn<'_>; 3]) -> Result<[Step; 4]> {
    let mut stage = Stage::start(name, profile).await?;
    let [first, second, third] = turns;
    let running = stage.begin(first).await?;
    stage.create().await?;
    let installed = stage.step("installed").await?;
    stage.uids = picture::uids(&stage.client, NAMESPACE).await?;
    drop(running);
    let running = stage.begin(second).await?;
    let taken = stage.step("taken-over").await?;
    stage.commit(&workload::SECOND, &workload::GONE)?;
    stage.fetched("upgrade").await?;
    let upgraded = stage.step("upgraded").await?;
    drop(running);
    let running = stage.begin(third).await?;
    let given = stage.step("given-back").await?;
    drop(running);
    Ok([installed, taken, upgraded, given])
}

struct Stage {
    // Dropped in this order: who depends on a server ends before it.
    _sources: Controllers,
    _git: GitServer,
    helper: Namespace,
    client: Client,
    repository: Repository,
    commits: Vec<String>,
    uids: Uids,
    logs: PathBuf,
    profile: PathBuf,
    plane: ControlPlane,
}

impl Stage {
    async fn start(name: &str, profile: &str) -> Result<Self> {
        let logs = layout::fresh_logs(name)?;
        let plane = ControlPlane::start_with(
            harness::binaries::find()?,
            &logs,
            &harness::ControlPlaneOptions::default(),
        )
        .await?;
        plane.install_crds().await?;
        // The one profile whose folder has another name.
        let folder = if profile == "dev" { "debug" } else { profile };
        let profile = layout::target_dir().join(folder);
        let mut options = ControllersOptions::new(plane.kubeconfig(), &logs);
        options.binary = profile.join("source-controller").display().to_string();
        options.command.clear();
        let sources = Controllers::start(&options).await?;
        let git = GitServer::start()?;
        let mut stage = Self {
            _sources: sources,
            // Only for its helpers: the objects are in a namespace of a fixed name.
            helper: plane.namespace(name).await?,
            client: plane.client().await?,
            repository: git.repo("fleet")?,
            _git: git,
            commits: Vec::new(),
            uids: Uids::default(),
            logs,
            profile,
            plane,
        };
        let namespace =
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}});
        stage.helper.apply(&namespace.to_string()).await?;
        stage.helper.apply(workload::FOUNDATION).await?;
        stage.commit(&workload::FIRST, &[])?;
        let source = json!({
            "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
            "metadata": {"name": "fleet", "namespace": NAMESPACE},
            "spec": {"interval": "1h", "url": stage.repository.url(), "ref": {"branch": "main"}},
        });
        stage.helper.apply(&source.to_string()).await?;
        stage.fetched("first").await?;
        Ok(stage)
    }

    /// The controller of a turn; it ends when dropped.
    async fn begin(&self, turn: Turn<'_>) -> Result<Box<dyn Any>> {
        self.send(Method::DELETE, &events_path(), &json!({}))
            .await?;
        match turn {
            Turn::Theirs(peer) => {
                let kubeconfig = self.plane.kubeconfig();
                let running = peer.start(&kubeconfig, Path::new(""), &self.logs).await?;
                Ok(Box::new(running))
            }
            Turn::Ours => {
                let mut options = ControllersOptions::new(self.plane.kubeconfig(), &self.logs);
                let binary = self.profile.join("kustomize-controller");
                options.binary = binary.display().to_string();
                options.command.clear();
                options.flags = vec![String::from("--requeue-dependency=1s")];
                Ok(Box::new(Controllers::start(&options).await?))
            }
        }
    }

    async fn create(&self) -> Result<()> {
        for object in workload::kustomizations() {
            self.helper.apply(&object.to_string()).await?;
        }
        Ok(())
    }

    fn commit(&mut self, files: &Files, gone: &[&str]) -> Result<()> {
        let mut change = self.repository.change().message("change");
        for (path, text) in files.iter() {
            change = change.write(path, text.replace("NS", NAMESPACE));
        }
        for (path, text) in workload::corner_files(!self.commits.is_empty()) {
            change = change.write(&path, text.replace("NS", NAMESPACE));
        }
        for path in gone {
            change = change.delete(path);
        }
        let commit = change.commit()?;
        self.commits.push(commit);
        Ok(())
    }

    async fn fetched(&self, token: &str) -> Result<()> {
        let path = format!(
            "/apis/source.toolkit.fluxcd.io/v1/namespaces/{NAMESPACE}/gitrepositories/fleet"
        );
        self.request(&path, token).await?;
        let commit = self.commits.last().context("there is a commit")?;
        eventually(LIMIT, "a fetched source", async || {
            let source = picture::get(&self.client, &path)
                .await?
                .context("it is there")?;
            let revision = &source["status"]["artifact"]["revision"];
            ensure!(
                revision.as_str().is_some_and(|it| it.contains(commit)),
                "{revision}"
            );
            Ok(())
        })
        .await
    }

    /// Asks for a pass over each, waits until all is over, and looks.
    async fn step(&self, token: &str) -> Result<Step> {
        for object in self.kustomizations().await? {
            let name = object["metadata"]["name"].as_str().unwrap_or_default();
            self.request(&format!("{}/{name}", list_path()), token)
                .await?;
        }
        eventually(LIMIT, "all Kustomizations at an end", async || {
            for object in self.kustomizations().await? {
                let done = object["status"]["lastHandledReconcileAt"] == token
                    && (picture::ready(&object) != "Unknown" || object["spec"]["suspend"] == true);
                ensure!(done, "{}: {}", object["metadata"]["name"], object["status"]);
            }
            Ok(())
        })
        .await?;
        self.quiet().await?;
        let mut picture = Picture::take(&self.client, NAMESPACE, &self.uids).await?;
        let mut events = self.events().await?;
        for (number, commit) in self.commits.iter().enumerate() {
            let name = format!("COMMIT-{}", number + 1);
            picture.rename(commit, &name);
            for lines in events.values_mut() {
                *lines = lines
                    .iter()
                    .map(|line| line.replace(commit, &name))
                    .collect();
            }
        }
        Ok(Step { picture, events })
    }

    async fn quiet(&self) -> Result<()> {
        let mut last = (
            Instant::now(),
            Picture::take(&self.client, NAMESPACE, &self.uids).await?,
        );
        while last.0.elapsed() < QUIET {
            tokio::time::sleep(Duration::from_millis(300)).await;
            let now = Picture::take(&self.client, NAMESPACE, &self.uids).await?;
            if now != last.1 {
                last = (Instant::now(), now);
            }
        }
        Ok(())
    }

    async fn kustomizations(&self) -> Result<Vec<Value>> {
        let list = picture::get(&self.client, &list_path()).await?;
        let mut list = list.context("there is a list")?;
        match list["items"].take() {
            Value::Array(items) => Ok(items),
            _ => Ok(Vec::new()),
        }
    }

    /// What was told of the Kustomizations.
    async fn events(&self) -> Result<BTreeMap<String, BTreeSet<String>>> {
        let list = picture::get(&self.client, &events_path())
            .await?
            .unwrap_or_default();
        let mut events: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for event in list["items"].as_array().into_iter().flatten() {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            // How long a dependency takes is chance.
            if event["involvedObject"]["kind"] != "Kustomization"
                || event["reason"] == "DependencyNotReady"
            {
                continue;
            }
            let line = format!(
                "{} {}: {}",
                text(&event["type"]),
                text(&event["reason"]),
                without_chance(&text(&event["message"]))
            );
            let name = text(&event["involvedObject"]["name"]);
            events.entry(name).or_default().insert(line);
        }
        Ok(events)
    }

    async fn request(&self, path: &str, token: &str) -> Result<()> {
        let annotations = json!({"reconcile.fluxcd.io/requestedAt": token});
        let patch = json!({"metadata": {"annotations": annotations}});
        self.send(Method::PATCH, path, &patch).await
    }

    async fn send(&self, method: Method, path: &str, body: &Value) -> Result<()> {
        let form = match method {
            Method::PATCH => "application/merge-patch+json",
            _ => "application/json",
        };
        let request = Request::builder()
            .method(&method)
            .uri(path)
            .header("content-type", form)
            .body(serde_json::to_vec(body)?)?;
        let answer = self.client.request_text(request).await;
        answer.map(drop).with_context(|| format!("{method} {path}"))
    }
}

fn events_path() -> String {
    format!("/api/v1/namespaces/{NAMESPACE}/events")
}

fn list_path() -> String {
    format!("/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/{NAMESPACE}/kustomizations")
}

/// The text with each duration, as `1m0.5s`, and each name of a temporary folder replaced.
pub(super) fn without_chance(text: &str) -> String {
    let is_duration = |word: &str| {
        let word = word.trim_end_matches([',', ':', '.']);
        word.starts_with(|first: char| first.is_ascii_digit())
            && word.ends_with(['s', 'm', 'h'])
            && word
                .chars()
                .all(|it| it.is_ascii_digit() || ".µnmsh".contains(it))
    };
    let word = |word: &str| match is_duration(word) {
        true => String::from("DURATION"),
        false => without_folder(word),
    };
    text.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

/// Builds happen in a folder of this name and some more.
const FOLDER: &str = "/kustomization-";

fn without_folder(word: &str) -> String {
    match word.split_once(FOLDER) {
        Some((before, after)) => {
            let rest = after.find('/').map_or("", |slash| &after[slash..]);
            format!("{before}{FOLDER}X{rest}")
        }
        None => word.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_do_not_tell_runs_apart() {
        let text = "Reconciliation finished in 1.234s, next run in 1h0m0s";
        let wanted = "Reconciliation finished in DURATION next run in DURATION";
        assert_eq!(without_chance(text), wanted);
        assert_eq!(without_chance("3 hosts and 5 ms"), "3 hosts and 5 ms");
        let folder = "stat '/tmp/kustomization-123/none': no";
        assert_eq!(
            without_chance(folder),
            "stat '/tmp/kustomization-X/none': no"
        );
    }
}
