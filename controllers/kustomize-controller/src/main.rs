//! The program `kustomize-controller`.

use std::process::ExitCode;

use kustomize_controller::{Flags, run};
use tokio_util::sync::CancellationToken;
use weir_runtime::program;
use weir_runtime::runtime::{Host, stop_signal};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let flags: Flags = match weir_runtime::flags::parse(std::env::args_os()) {
        Ok(flags) => flags,
        Err(usage) => return usage.print(),
    };
    let programs = flags.own.programs();
    program::run(
        "kustomize-controller",
        &flags.common,
        programs,
        start(&flags),
    )
}

async fn start(flags: &Flags) -> Result<(), Box<dyn std::error::Error>> {
    let host = Host::start(kustomize_controller::context::USER_AGENT, &flags.common).await?;
    let stop = CancellationToken::new();
    stop_signal(stop.clone());
    host.serve(&flags.common, &stop).await?;
    Ok(run(&host, &flags.common, &flags.own, stop).await?)
}
