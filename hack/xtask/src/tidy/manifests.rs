//! Rules for each crate's own Cargo.toml and clippy.toml.

use super::workspace::{Package, Workspace};
use super::{Finding, finding};

/// What an engine's clippy.toml bans at least.
const ENGINE_BANS: [&str; 5] = [
    "std::env::var",
    "std::fs::read",
    "std::process::Command",
    "std::time::Instant",
    "std::time::SystemTime",
];

/// Every crate follows the workspace's lints.
pub(super) fn lints_are_inherited(workspace: &Workspace) -> Vec<Finding> {
    let inherits = |manifest: &str| {
        entries(manifest).any(|it| it.section == "lints" && it.text == "workspace = true")
    };
    let text = "needs `[lints]` with `workspace = true`";
    check(workspace, |package| {
        (!inherits(&package.manifest)).then(|| text.to_owned())
    })
}

/// Versions and paths of dependencies are in the root manifest only.
pub(super) fn versions_are_in_the_root(workspace: &Workspace) -> Vec<Finding> {
    check(workspace, |package| {
        let own = entries(&package.manifest).find(|it| {
            let inherited = it.text.contains("workspace = true");
            it.section.ends_with("dependencies") && !inherited
        })?;
        Some(format!("take this from the workspace: {}", own.text))
    })
}

/// A crate is found by its name.
pub(super) fn folders_are_named_like_crates(workspace: &Workspace) -> Vec<Finding> {
    check(workspace, |package| {
        let folder = package.folder.rsplit('/').next().unwrap_or_default();
        (folder != package.name).then(|| format!("its folder is {}", package.folder))
    })
}

/// An engine's clippy.toml keeps clock, environment and disk out.
pub(super) fn engines_ban_io(workspace: &Workspace) -> Vec<Finding> {
    check(workspace, |package| {
        let engine = package.folder.starts_with("crates/") && !package.name.starts_with("weir");
        let bans = package.clippy.as_deref().unwrap_or_default();
        let missing = ENGINE_BANS
            .into_iter()
            .find(|ban| !bans.contains(&format!("\"{ban}")))?;
        engine.then(|| format!("its clippy.toml must ban {missing}"))
    })
}

/// A line with a key, and the table it stands in.
#[derive(Debug)]
struct Entry<'a> {
    section: &'a str,
    text: &'a str,
}

/// The entries of a manifest, without comments and the inside of lists.
fn entries(manifest: &str) -> impl Iterator<Item = Entry<'_>> {
    let (mut section, mut open) = ("", 0_usize);
    manifest.lines().filter_map(move |line| {
        let text = line.split(" #").next().unwrap_or_default().trim();
        let inside = open > 0;
        if !inside && text.starts_with('[') {
            section = text.trim_matches(['[', ']']);
            return None;
        }
        open = (open + text.matches('[').count()).saturating_sub(text.matches(']').count());
        let entry = !inside && text.contains('=') && !text.starts_with('#');
        entry.then_some(Entry { section, text })
    })
}

fn check(workspace: &Workspace, rule: impl Fn(&Package) -> Option<String>) -> Vec<Finding> {
    let look = |package: &Package| rule(package).map(|text| finding(&package.name, text));
    workspace.packages.iter().filter_map(look).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "[package]\nname = \"a\"\nversion.workspace = true\n\n[dependencies]\n\
        # why\nkube.workspace = true\ntokio = { workspace = true, features = [\n  \"x = y\",\n] }\n\n\
        [lints]\nworkspace = true\n";

    fn sample(folder: &str, manifest: &str) -> Workspace {
        let (folder, manifest) = (folder.to_owned(), manifest.to_owned());
        let package = Package {
            name: String::from("a"),
            folder,
            manifest,
            ..Package::default()
        };
        Workspace {
            packages: vec![package],
            ..Workspace::default()
        }
    }

    #[test]
    fn a_manifest_that_inherits_everything_is_accepted() {
        let workspace = sample("crates/a", GOOD);
        assert_eq!(lints_are_inherited(&workspace), []);
        assert_eq!(versions_are_in_the_root(&workspace), []);
        assert_eq!(folders_are_named_like_crates(&workspace), []);
    }

    #[test]
    fn missing_lints_are_found() {
        let workspace = sample("crates/a", "[dependencies]\nworkspace = true\n");
        assert_eq!(lints_are_inherited(&workspace).len(), 1);
    }

    #[test]
    fn a_version_of_its_own_is_found() {
        let workspace = sample("crates/a", "[dev-dependencies]\ninsta = \"1\"\n");
        let found = versions_are_in_the_root(&workspace);
        assert_eq!(found[0].text, "take this from the workspace: insta = \"1\"");
    }

    #[test]
    fn a_folder_with_another_name_is_found() {
        assert_eq!(
            folders_are_named_like_crates(&sample("crates/b", GOOD)).len(),
            1
        );
    }

    #[test]
    fn an_engine_that_may_read_the_clock_is_found() {
        let mut workspace = sample("crates/a", GOOD);
        let bans = ENGINE_BANS
            .map(|ban| format!("{{ path = \"{ban}\" }},"))
            .join("\n");
        workspace.packages[0].clippy = Some(bans);
        assert_eq!(engines_ban_io(&workspace), []);
        workspace.packages[0].clippy = Some(String::from("\"std::env::var\" \"std::fs::read\""));
        assert_eq!(engines_ban_io(&workspace).len(), 1);
        workspace.packages[0].folder = String::from("controllers/a");
        assert_eq!(engines_ban_io(&workspace), []);
    }
}
