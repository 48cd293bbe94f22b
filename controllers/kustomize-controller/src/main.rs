//! The program `kustomize-controller`.

use std::process::ExitCode;

use kustomize_controller::{Flags, run};
use tokio_util::sync::CancellationToken;
use weir_runtime::kind::Chain;
use weir_runtime::runtime::{Host, stop_signal};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    let flags: Flags = match weir_runtime::flags::parse(std::env::args_os()) {
        Ok(flags) => flags,
        Err(usage) => return usage.print(),
    };
    match start(&flags).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = %Chain(error.as_ref()), "unable to run kustomize-controller");
            ExitCode::FAILURE
        }
    }
}

async fn start(flags: &Flags) -> Result<(), Box<dyn std::error::Error>> {
    let host = Host::start(kustomize_controller::context::USER_AGENT, &flags.common).await?;
    let stop = CancellationToken::new();
    stop_signal(stop.clone());
    host.serve(&flags.common, &stop).await?;
    Ok(run(&host, &flags.common, &flags.own, stop).await?)
}
