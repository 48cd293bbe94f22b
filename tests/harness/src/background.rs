//! One runtime for servers that outlive the test that started them.
//!
//! Each `#[tokio::test]` has a runtime of its own, and what is spawned there
//! dies with it. Servers live here instead.

use std::sync::OnceLock;

use tokio::runtime::{Builder, Runtime};

/// The runtime on which the harness' own servers run; made when first asked for.
///
/// # Panics
/// If the operating system refuses to start its threads.
pub fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("harness")
            .enable_all()
            .build()
            .expect("the system can start two threads")
    })
}
