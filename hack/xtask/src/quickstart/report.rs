//! What the quickstart prints.

use std::path::Path;
use std::time::{Duration, Instant};

/// Width of the text before a time.
const WIDTH: usize = 62;

/// Prints steps as they happen, and remembers when it all began.
#[derive(Debug)]
pub(super) struct Report {
    begin: Instant,
}

impl Report {
    pub(super) fn new() -> Self {
        Self {
            begin: Instant::now(),
        }
    }

    /// The first line.
    pub(super) fn title(&self, text: &str) {
        println!("{text}\n");
    }

    /// Something that had to be done first.
    pub(super) fn step(&mut self, text: &str, time: Duration) {
        println!("     {text:WIDTH$} {:>9}", human(time));
    }

    /// Something that was shown.
    pub(super) fn shown(&mut self, text: &str, time: Duration) {
        println!("  ok {text:WIDTH$} {:>9}", human(time));
    }

    /// A line below what was shown.
    pub(super) fn detail(&mut self, text: &str) {
        println!("       {text}");
    }

    /// A remark.
    pub(super) fn note(&mut self, text: &str) {
        println!("     {text}");
    }

    /// All of it happened.
    pub(super) fn closing(&mut self) {
        println!(
            "\nAll of it happened; {} in total.",
            human(self.begin.elapsed())
        );
    }

    /// What is known when something did not happen.
    pub(super) fn failure(&mut self, state: &str, log: &str) {
        println!("\nWhat the objects say:\n{state}\nEnd of weir's log:\n{log}\n");
    }

    /// How to look around while it runs.
    pub(super) fn look_around(&mut self, kubeconfig: &Path, repository: &str, logs: &Path) {
        println!(
            "
It keeps running until Ctrl-C. In another terminal:

  export KUBECONFIG={}
  kubectl get gitrepositories,kustomizations -A
  git clone {repository} && cd hello    # commit and push: it is applied within 10 s

Logs: {}",
            kubeconfig.display(),
            logs.display()
        );
    }
}

fn human(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds < 1.0 {
        return format!("{} ms", time.as_millis());
    }
    format!("{seconds:.1} s")
}
