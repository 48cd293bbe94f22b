//! `cargo xtask quickstart`: a GitOps loop from nothing, shown live with times.

mod report;
mod sample;
mod show;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use clap::Args;
use harness::{
    ControlPlane, Controllers, ControllersOptions, GitServer, background, install_crds, layout,
};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::ListParams;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config, ResourceExt as _};

use crate::{cargo, control_plane};
use report::Report;
use show::Show;

/// Flags of the quickstart.
#[derive(Args, Clone, Debug)]
pub(crate) struct Options {
    /// Leave everything running until Ctrl-C, and print how to look around.
    #[arg(long)]
    keep: bool,
    /// Use the cluster of this kubeconfig instead of starting a control plane.
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// The cargo profile that weir is built with; `quick` is optimised, but quick to link.
    #[arg(long, value_name = "NAME", default_value = "dev")]
    profile: String,
}

/// Builds, starts and shows everything.
///
/// # Errors
/// If anything that was to be shown did not happen.
pub(crate) fn run(options: &Options) -> Result<()> {
    let mut report = Report::new();
    report.title("Weir: from a Git revision to running objects, on a real API server");
    let begin = Instant::now();
    cargo::run(&[
        "build",
        "--locked",
        "--profile",
        &options.profile,
        "--package",
        "weir",
    ])?;
    report.step("build weir", begin.elapsed());
    if options.kubeconfig.is_none() {
        let begin = Instant::now();
        control_plane::get()?;
        report.step("get the control plane", begin.elapsed());
    }
    background::runtime().block_on(perform(options, &mut report))
}

async fn perform(options: &Options, report: &mut Report) -> Result<()> {
    let logs = layout::fresh_logs("quickstart")?;
    let begin = Instant::now();
    let plane = match options.kubeconfig {
        Some(_) => None,
        None => Some(ControlPlane::start().await?),
    };
    let own = plane.as_ref().map(ControlPlane::kubeconfig);
    let given = options
        .kubeconfig
        .as_ref()
        .map(std::path::absolute)
        .transpose()?;
    let kubeconfig = own.or(given).context("there is a kubeconfig either way")?;
    let client = connect(&kubeconfig).await?;
    let version = client
        .apiserver_version()
        .await
        .context("the cluster does not answer")?;
    let verb = if plane.is_some() {
        "start"
    } else {
        "connect to"
    };
    report.step(
        &format!("{verb} Kubernetes {}", version.git_version),
        begin.elapsed(),
    );

    let begin = Instant::now();
    install(&client, plane.is_some()).await?;
    report.step("install the CRDs", begin.elapsed());

    let begin = Instant::now();
    let git = GitServer::start()?;
    let show = Show::prepare(client, &git).await?;
    let mut controllers = start_weir(&kubeconfig, &logs, options).await?;
    report.step("start weir and a Git server", begin.elapsed());

    let shown = show.everything(report).await;
    if let Err(error) = shown {
        report.failure(&show.state().await, &controllers.process().log_tail(15));
        if plane.is_none() {
            report.note(&format!("namespace {} is left as it is", sample::NAMESPACE));
        }
        return Err(error.context("the quickstart did not show what it should"));
    }
    report.closing();
    if options.keep {
        report.look_around(&keep_kubeconfig(&kubeconfig)?, show.repository_url(), &logs);
        wait_for_interrupt().await?;
    }
    if plane.is_none() {
        show.clean_up().await?;
        report.note("removed what was shown; the CRDs are left in your cluster");
    }
    // Nothing is left to save: a stop that takes too long becomes a kill.
    let _ = controllers.process().stop(Duration::from_secs(5));
    Ok(())
}

async fn connect(kubeconfig: &Path) -> Result<Client> {
    let file = Kubeconfig::read_from(kubeconfig)?;
    let config = Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await?;
    Ok(Client::try_from(config)?)
}

/// Installs the CRDs. Those of a cluster that has Flux's already are left alone.
async fn install(client: &Client, own: bool) -> Result<()> {
    let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
    let name = "kustomizations.kustomize.toolkit.fluxcd.io";
    if !own && definitions.get_opt(name).await?.is_some() {
        return refuse_running_controllers(client).await;
    }
    install_crds(client).await
}

/// Two controllers on one object would undo each other's work.
async fn refuse_running_controllers(client: &Client) -> Result<()> {
    for name in ["source-controller", "kustomize-controller"] {
        let named = ListParams::default().fields(&format!("metadata.name={name}"));
        let found = Api::<Deployment>::all(client.clone()).list(&named).await?;
        let running = found.items.iter().find(|it| {
            let wanted = it.spec.as_ref().and_then(|spec| spec.replicas);
            wanted != Some(0)
        });
        if let Some(running) = running {
            let namespace = running.namespace().unwrap_or_default();
            bail!("{name} runs in this cluster, in namespace {namespace}: use another cluster");
        }
    }
    Ok(())
}

/// Runs both controllers; in a cluster that is not ours they see only the
/// quickstart's own namespace.
async fn start_weir(kubeconfig: &Path, logs: &Path, options: &Options) -> Result<Controllers> {
    // The one profile whose folder has another name.
    let folder = if options.profile == "dev" {
        "debug"
    } else {
        &options.profile
    };
    let mut weir = ControllersOptions::new(kubeconfig, logs);
    weir.binary = layout::target_dir()
        .join(folder)
        .join("weir")
        .display()
        .to_string();
    weir.namespace = options
        .kubeconfig
        .is_some()
        .then(|| String::from(sample::NAMESPACE));
    Controllers::start(&weir).await
}

/// Copies the kubeconfig to where it is easily found.
fn keep_kubeconfig(kubeconfig: &Path) -> Result<PathBuf> {
    let path = layout::target_dir().join("quickstart.kubeconfig");
    std::fs::copy(kubeconfig, &path).with_context(|| format!("cannot write {}", path.display()))?;
    ensure!(path.is_file(), "{} is gone", path.display());
    Ok(path)
}

async fn wait_for_interrupt() -> Result<()> {
    tokio::signal::ctrl_c()
        .await
        .context("cannot wait for Ctrl-C")
}
