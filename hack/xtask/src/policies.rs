//! `cargo xtask policies`: who reaches what of an installation, with its network policies enforced and not.
//!
//! The manifests of `config/default` are installed in a real API server. Pods are network namespaces behind a node
//! that routes between them; in two of them run our controllers, which fetch, serve and apply as ever. The judge is
//! kube-network-policies, the reference implementation of Kubernetes' network special interest group, as it is. From
//! pods of three namespaces, and from the node as a kubelet would, everything that listens is asked for. In each scene a
//! commit goes from the Git server by way of its artifact into a tenant's namespace all the same.
//!
//! All of it lies in a network of its own, without names: it is gone with the last process in it, however that ends.

mod cluster;
mod engine;
mod node;
mod probe;
mod table;

use std::env;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use clap::Args;
use harness::{background, layout};

use crate::{cargo, control_plane};
use cluster::Cluster;
use engine::Engine;
use table::{Scene, Table};

/// Flags of the command.
#[derive(Args, Clone, Debug)]
pub(crate) struct Options {
    /// The cargo profile that the controllers are built with.
    #[arg(long, value_name = "NAME", default_value = "dev")]
    profile: String,
    /// Everything is built: enter a network of our own.
    #[arg(long, hide = true)]
    built: bool,
}

/// Builds what is missing, looks, and prints a table per scene.
///
/// # Errors
/// If something is missing, or anyone reaches what they should not, or does not reach what they should.
pub(crate) fn run(options: &Options) -> Result<()> {
    node::check()?;
    if !options.built {
        return build(options);
    }
    node::enter()?;
    background::runtime().block_on(perform(options))
}

/// Builds, and begins again as a process without threads: they would stay in the machine's network.
fn build(options: &Options) -> Result<()> {
    control_plane::get()?;
    engine::obtain()?;
    let packages = [
        "--package",
        "source-controller",
        "--package",
        "kustomize-controller",
    ];
    let profile = ["build", "--locked", "--profile", &options.profile];
    cargo::run(&[&profile[..], &packages[..]].concat())?;
    let error = Command::new(env::current_exe()?)
        .args(["policies", "--built", "--profile", &options.profile])
        .exec();
    Err(error).context("cannot begin again")
}

async fn perform(options: &Options) -> Result<()> {
    let begin = Instant::now();
    let logs = layout::fresh_logs("policies")?;
    // The one profile whose folder has another name.
    let profile = match options.profile.as_str() {
        "dev" => "debug",
        other => other,
    };
    let binaries = layout::target_dir().join(profile);
    let mut cluster = Cluster::start(&binaries, &logs).await?;
    println!("{}\n", table::LEGEND);
    let mut tables = Vec::new();
    let mut engine = None;
    for scene in Scene::ALL {
        set(scene, &mut cluster, &mut engine, &logs).await?;
        let before = dropped(engine.as_ref())?;
        let path = cluster.deliver(scene).await?;
        let table = table::look(scene, cluster.pods(), &path).await?;
        let by_judge = dropped(engine.as_ref())? - before;
        println!("{table}  kube-network-policies dropped {by_judge} packets\n");
        ensure!(
            table.silent() == 0 || by_judge > 0,
            "somebody got no answer, but kube-network-policies dropped nothing"
        );
        tables.push(table);
    }
    println!("{} s in total", begin.elapsed().as_secs());
    let wrong: usize = tables.iter().map(Table::wrong).sum();
    ensure!(wrong == 0, "{wrong} answers are not what they should be");
    Ok(())
}

/// Changes the cluster into what the scene is about.
async fn set(
    scene: Scene,
    cluster: &mut Cluster,
    engine: &mut Option<Engine>,
    logs: &Path,
) -> Result<()> {
    match scene {
        Scene::Unenforced => cluster.run_controllers(&[]).await?,
        Scene::Enforced => *engine = Some(Engine::start(&cluster.kubeconfig(), logs).await?),
        Scene::Removed => cluster.remove_policies().await?,
        Scene::Keyed => {
            let flag = cluster.make_key()?;
            cluster.run_controllers(&[&flag]).await?;
        }
    }
    Ok(())
}

fn dropped(engine: Option<&Engine>) -> Result<u64> {
    engine.map_or(Ok(0), Engine::dropped)
}
