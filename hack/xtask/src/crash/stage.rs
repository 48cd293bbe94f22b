//! What all cases share: a control plane, source-controller and a Git server.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use harness::{ApiProxy, ControlPlane, Controllers, ControllersOptions, GitServer, layout};
use http::Request;
use kube::Client;
use serde_json::Value;

/// A running control plane with everything around kustomize-controller.
pub(super) struct Stage {
    // Dropped in this order: who depends on a server ends before it.
    _sources: Controllers,
    pub(super) git: GitServer,
    pub(super) plane: ControlPlane,
    pub(super) client: Client,
    profile: PathBuf,
    logs: PathBuf,
}

impl Stage {
    /// Starts it all.
    ///
    /// # Errors
    /// If a part does not come up.
    pub(super) async fn start(profile: &str) -> Result<Self> {
        let logs = layout::fresh_logs("crash")?;
        let plane = ControlPlane::start().await?;
        plane.install_crds().await?;
        // The one profile whose folder has another name.
        let folder = if profile == "dev" { "debug" } else { profile };
        let profile = layout::target_dir().join(folder);
        let sources = sources(&plane, &profile, &logs, "all");
        Ok(Self {
            _sources: Controllers::start(&sources).await?,
            git: GitServer::start()?,
            client: plane.client().await?,
            plane,
            profile,
            logs,
        })
    }

    /// How a source-controller for the sources with this label is started.
    ///
    /// # Errors
    /// If there is no folder for its log.
    pub(super) fn source_options(&self, label: &str) -> Result<ControllersOptions> {
        let logs = self.logs_of(label)?;
        Ok(sources(&self.plane, &self.profile, &logs, label))
    }

    /// Starts kustomize-controller behind `proxy`, for the Kustomizations of one case.
    ///
    /// # Errors
    /// If it does not become ready.
    pub(super) async fn controller(&self, proxy: &ApiProxy, case: &str) -> Result<Controllers> {
        self.controller_with(proxy, case, &[]).await
    }

    /// The same with further flags.
    ///
    /// # Errors
    /// If it does not become ready.
    pub(super) async fn controller_with(
        &self,
        proxy: &ApiProxy,
        case: &str,
        flags: &[&str],
    ) -> Result<Controllers> {
        Controllers::start(&self.options(proxy, case, flags)?).await
    }

    /// How that one is started.
    ///
    /// # Errors
    /// If there is no folder for its log.
    pub(super) fn options(
        &self,
        proxy: &ApiProxy,
        case: &str,
        flags: &[&str],
    ) -> Result<ControllersOptions> {
        let mut options = ControllersOptions::new(proxy.kubeconfig(), self.logs_of(case)?);
        let binary = self.profile.join("kustomize-controller");
        options.binary = binary.display().to_string();
        options.command.clear();
        options.flags = vec![String::from("--requeue-dependency=1s")];
        options.flags.extend(flags.iter().map(ToString::to_string));
        match flags.contains(&"--enable-leader-election") {
            // The lease is in the namespace, and a shard's has another name.
            true => options.namespace = Some(case.to_owned()),
            false => options
                .flags
                .push(format!("--watch-label-selector=case={case}")),
        }
        Ok(options)
    }

    /// Merges `patch` into what is at `path`.
    ///
    /// # Errors
    /// If the API server refuses.
    pub(super) async fn patch(&self, path: &str, patch: &Value) -> Result<()> {
        let request = Request::patch(path)
            .header("content-type", "application/merge-patch+json")
            .body(serde_json::to_vec(patch)?)?;
        let answer = self.client.request_text(request).await;
        answer.map(drop).with_context(|| format!("PATCH {path}"))
    }

    fn logs_of(&self, case: &str) -> Result<PathBuf> {
        let folder = Path::new(&self.logs).join(case);
        std::fs::create_dir_all(&folder)?;
        Ok(folder)
    }
}

/// A source-controller for the sources with this label.
fn sources(plane: &ControlPlane, profile: &Path, logs: &Path, label: &str) -> ControllersOptions {
    let mut options = ControllersOptions::new(plane.kubeconfig(), logs);
    options.binary = profile.join("source-controller").display().to_string();
    options.command.clear();
    options.flags = vec![format!("--watch-label-selector=sources={label}")];
    options
}
