//! Who asks for what, what should come of it, and what did.

use std::fmt;
use std::net::SocketAddr;
use std::thread::{self, ScopedJoinHandle};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, ensure};
use harness::eventually;

use super::cluster::{INSTALLED, Pods, TENANT};
use super::node::Pod;
use super::probe::{self, Seen};

/// How long policies may take until they are in force.
const SETTLED_WITHIN: Duration = Duration::from_secs(30);

/// What the tables abbreviate.
pub(super) const LEGEND: &str =
    "s-c, k-c, n-c: source-, kustomize-, notification-controller; a status; -: no answer";

/// A state of the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scene {
    /// Policies are installed, and nothing enforces them.
    Unenforced,
    /// They are enforced.
    Enforced,
    /// They are deleted, and what enforces them runs.
    Removed,
    /// So too, with a key for artifacts.
    Keyed,
}

impl Scene {
    /// In the order in which they can be set.
    pub(super) const ALL: [Self; 4] =
        [Self::Unenforced, Self::Enforced, Self::Removed, Self::Keyed];

    fn title(self) -> &'static str {
        match self {
            Self::Unenforced => "policies installed, nothing enforces them",
            Self::Enforced => "policies installed and enforced",
            Self::Removed => "policies deleted",
            Self::Keyed => "policies deleted, --artifact-key-file set",
        }
    }
}

/// Something that listens.
struct Target {
    name: &'static str,
    pod: (&'static str, &'static str),
    port: u16,
    path: String,
    /// What answers where nothing is in the way: without a key, with one.
    answers: [u16; 2],
    /// Whether the policies leave it to all.
    open: bool,
}

/// All that listens; `artifact` is the path of one.
fn targets(artifact: &str) -> Vec<Target> {
    let folder = artifact.rsplit_once('/').map_or("/", |(folder, _)| folder);
    let to = |name, pod: &'static str, port, path: &str, answers| Target {
        name,
        pod: (INSTALLED, pod),
        port,
        path: path.to_owned(),
        answers,
        open: matches!(port, 8080 | 9292),
    };
    let (sources, applies) = ("source-controller", "kustomize-controller");
    let notifies = "notification-controller";
    let mut all = vec![
        to("artifact", sources, 9090, artifact, [200, 401]),
        to("folder", sources, 9090, &format!("{folder}/"), [404, 401]),
        to("s-c health", sources, 9440, "/healthz", [200, 200]),
        to("k-c health", applies, 9440, "/healthz", [200, 200]),
        to("s-c metrics", sources, 8080, "/metrics", [200, 200]),
        to("k-c metrics", applies, 8080, "/metrics", [200, 200]),
        to("n-c events", notifies, 9090, "/", [200, 200]),
        to("n-c webhooks", notifies, 9292, "/hook/x", [200, 200]),
    ];
    let mut tenant = to("tenant's app", "app", 8000, "/", [200, 200]);
    tenant.pod.0 = TENANT;
    tenant.open = true;
    all.push(tenant);
    all
}

/// What should come of it.
fn wanted(scene: Scene, from: Option<&Pod>, to: &Target) -> Seen {
    let near = from.is_none_or(|pod| pod.namespace == to.pod.0);
    if scene == Scene::Enforced && !near && !to.open {
        return Seen::Silence;
    }
    Seen::Status(to.answers[usize::from(scene == Scene::Keyed)])
}

/// What came of it all.
pub(super) struct Table {
    scene: Scene,
    heads: Vec<&'static str>,
    rows: Vec<(String, Vec<(Seen, Seen)>)>,
}

impl Table {
    /// How many answers are not what they should be.
    pub(super) fn wrong(&self) -> usize {
        let cells = self.cells();
        cells.filter(|(seen, wanted)| seen != wanted).count()
    }

    /// How many questions nobody answered.
    pub(super) fn silent(&self) -> usize {
        self.cells()
            .filter(|(seen, _)| *seen == Seen::Silence)
            .count()
    }

    fn cells(&self) -> impl Iterator<Item = &(Seen, Seen)> {
        self.rows.iter().flat_map(|(_, cells)| cells)
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.scene.title())?;
        write!(f, "  {:34}", "from")?;
        for head in &self.heads {
            write!(f, "{head:14}")?;
        }
        for (from, cells) in &self.rows {
            write!(f, "\n  {from:34}")?;
            for (seen, wanted) in cells {
                match seen == wanted {
                    true => write!(f, "{seen:14}")?,
                    false => write!(f, "{:14}", format!("{seen}, not {wanted}"))?,
                }
            }
        }
        writeln!(f)
    }
}

/// Asks until all is as it should be, or for so long; what was seen last counts.
///
/// # Errors
/// If somebody cannot ask.
pub(super) async fn look(scene: Scene, pods: &Pods, artifact: &str) -> Result<Table> {
    let mut last = None;
    let settled = eventually(SETTLED_WITHIN, "all as it should be", async || {
        let table = once(scene, pods, artifact)?;
        let wrong = table.wrong();
        last = Some(table);
        ensure!(wrong == 0, "{wrong} wrong answers");
        Ok(())
    });
    match (settled.await, last) {
        (_, Some(table)) => Ok(table),
        (settled, None) => settled.and(Err(anyhow!("nobody asked"))),
    }
}

/// Asks everybody's questions at once.
fn once(scene: Scene, pods: &Pods, artifact: &str) -> Result<Table> {
    let targets = targets(artifact);
    let askers = pods.askers().map(Some).chain([None]);
    let rows = thread::scope(|scope| {
        let ask = |from| {
            let begin = |to| scope.spawn(move || cell(scene, pods, from, to));
            (from, targets.iter().map(begin).collect())
        };
        // All questions are under way before an answer is waited for.
        let asked: Vec<(Option<&Pod>, Vec<Asked<'_>>)> = askers.map(ask).collect();
        asked.into_iter().map(row).collect::<Result<Vec<_>>>()
    })?;
    let heads = targets.iter().map(|target| target.name).collect();
    Ok(Table { scene, heads, rows })
}

type Asked<'a> = ScopedJoinHandle<'a, Result<(Seen, Seen)>>;

fn row((from, asked): (Option<&Pod>, Vec<Asked<'_>>)) -> Result<(String, Vec<(Seen, Seen)>)> {
    let node = String::from("the node, as its kubelet");
    let name = from.map_or(node, |pod| format!("{}/{}", pod.namespace, pod.name));
    let cells = asked.into_iter().map(|cell| {
        let cell = cell.join();
        cell.unwrap_or_else(|_| Err(anyhow!("a thread panicked")))
    });
    Ok((name, cells.collect::<Result<_>>()?))
}

fn cell(scene: Scene, pods: &Pods, from: Option<&Pod>, to: &Target) -> Result<(Seen, Seen)> {
    let there = pods.of(to.pod).context("everything listens in a pod")?;
    let address = SocketAddr::from((there.address, to.port));
    let seen = probe::ask(from, address, &to.path)?;
    Ok((seen, wanted(scene, from, to)))
}
