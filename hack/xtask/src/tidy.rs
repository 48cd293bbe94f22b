//! `cargo xtask tidy`: the rules that neither rustc nor clippy knows.
//!
//! Each rule is a function from the workspace to what is wrong with it, with a
//! test on a small bad sample.

mod layers;
mod manifests;
mod pages;
mod sources;
mod workspace;

use std::fmt::{self, Display};

use anyhow::{Result, bail};
use harness::layout;

use crate::cargo::Tally;
use crate::suite::Outcome;
use workspace::Workspace;

/// Something that breaks a rule: where, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Finding {
    place: String,
    text: String,
}

impl Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.text)
    }
}

/// One rule over the whole workspace.
type Rule = fn(&Workspace) -> Vec<Finding>;

const RULES: [Rule; 13] = [
    layers::depend_downwards,
    layers::engines_stay_pure,
    layers::types_do_no_io,
    layers::harness_is_for_tests,
    manifests::lints_are_inherited,
    manifests::versions_are_in_the_root,
    manifests::folders_are_named_like_crates,
    manifests::engines_ban_io,
    pages::named_tests_are_there,
    sources::files_start_with_a_sentence,
    sources::files_stay_small,
    sources::names_say_something,
    sources::tests_run,
];

/// Checks every rule and prints what is wrong.
///
/// # Errors
/// If anything is.
pub(crate) fn run() -> Result<Outcome> {
    let workspace = Workspace::read(&layout::workspace())?;
    let findings: Vec<Finding> = RULES.iter().flat_map(|rule| rule(&workspace)).collect();
    for finding in &findings {
        println!("{finding}");
    }
    if !findings.is_empty() {
        bail!("tidy found {} things to mend", findings.len());
    }
    println!(
        "{} files and {} crates are tidy",
        workspace.files.len(),
        workspace.packages.len()
    );
    Ok(Outcome::Ran(Tally::ONE))
}

fn finding(place: impl Into<String>, text: impl Into<String>) -> Finding {
    Finding {
        place: place.into(),
        text: text.into(),
    }
}
