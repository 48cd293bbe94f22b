//! Who may depend on whom: the name of a crate is its layer.

use super::workspace::{Package, Workspace};
use super::{Finding, finding};

/// A layer, as a crate's folder and name give it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layer {
    /// Pure: no cluster, clock, network or disk.
    Engine,
    /// `weir-api`.
    Types,
    /// `weir-auth`, the one adapter that others use.
    Credentials,
    /// The other `weir-*` crates: one outside world each.
    Adapter,
    /// `weir-runtime`.
    Shell,
    /// A folder of `controllers/`.
    Controller,
    /// `weir`, the command line tool.
    Program,
    /// `hack/` and `tests/`.
    Tooling,
}

impl Layer {
    fn of(package: &Package) -> Self {
        match (package.folder.split('/').next(), package.name.as_str()) {
            (Some("controllers"), _) => Self::Controller,
            (Some("crates"), "weir-api") => Self::Types,
            (Some("crates"), "weir-auth") => Self::Credentials,
            (Some("crates"), "weir-runtime") => Self::Shell,
            (Some("crates"), "weir") => Self::Program,
            (Some("crates"), name) if name.starts_with("weir-") => Self::Adapter,
            (Some("crates"), _) => Self::Engine,
            _ => Self::Tooling,
        }
    }

    /// The layers that this one may be built on.
    fn below(self) -> &'static [Self] {
        match self {
            Self::Engine => &[Self::Engine],
            Self::Types => &[],
            Self::Credentials => &[Self::Types],
            Self::Adapter => &[Self::Engine, Self::Types, Self::Credentials],
            Self::Shell => &[Self::Types, Self::Credentials],
            Self::Controller => &[
                Self::Engine,
                Self::Types,
                Self::Credentials,
                Self::Adapter,
                Self::Shell,
            ],
            Self::Program => &[
                Self::Engine,
                Self::Types,
                Self::Credentials,
                Self::Adapter,
                Self::Shell,
                Self::Controller,
            ],
            Self::Tooling => &[
                Self::Engine,
                Self::Types,
                Self::Credentials,
                Self::Adapter,
                Self::Shell,
                Self::Controller,
                Self::Program,
                Self::Tooling,
            ],
        }
    }
}

/// What an engine must not be built on: cluster, runtime, clock, network, disk, chance.
const IMPURE: [&str; 21] = [
    "axum",
    "futures",
    "gix",
    "http",
    "hyper",
    "hyper-util",
    "k8s-openapi",
    "kube",
    "mimalloc",
    "parking_lot",
    "prometheus",
    "rand",
    "reqwest",
    "rustix",
    "rustls",
    "tempfile",
    "tokio",
    "tokio-util",
    "tower",
    "tracing",
    "uuid",
];
/// What types must not be built on.
const IO: [&str; 8] = [
    "axum",
    "gix",
    "hyper",
    "reqwest",
    "rustix",
    "tempfile",
    "tokio",
    "tokio-util",
];

/// A member may depend only on members of the layers below it; controllers
/// never on one another, not even in tests.
pub(super) fn depend_downwards(workspace: &Workspace) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in &workspace.packages {
        let layer = Layer::of(package);
        for dependency in &package.dependencies {
            let Some(other) = workspace.package(&dependency.name) else {
                continue;
            };
            let other_layer = Layer::of(other);
            let among_controllers = layer == Layer::Controller && other_layer == Layer::Controller;
            let tests_only = dependency.dev && !among_controllers;
            if !tests_only && !layer.below().contains(&other_layer) {
                let text = format!(
                    "{layer:?} must not depend on {} ({other_layer:?})",
                    other.name
                );
                findings.push(finding(&package.name, text));
            }
        }
    }
    findings
}

/// An engine and what it may be built on all the same: helm looks up time zones among those that jiff brings;
/// its `clippy.toml` bans jiff's clock and disk.
const EXEMPT: [&str; 1] = ["helm: an engine is pure: no jiff"];

/// Engines know no outside world.
pub(super) fn engines_stay_pure(workspace: &Workspace) -> Vec<Finding> {
    let mut findings = banned(workspace, Layer::Engine, &IMPURE, "an engine is pure");
    findings.retain(|it| !EXEMPT.contains(&&*it.to_string()));
    findings
}

/// Types do nothing.
pub(super) fn types_do_no_io(workspace: &Workspace) -> Vec<Finding> {
    banned(workspace, Layer::Types, &IO, "types do no input or output")
}

/// Nothing that ships contains the harness.
pub(super) fn harness_is_for_tests(workspace: &Workspace) -> Vec<Finding> {
    let ships = |package: &&Package| Layer::of(package) != Layer::Tooling;
    let uses = |package: &&Package| {
        package
            .dependencies
            .iter()
            .any(|it| it.name == "harness" && !it.dev)
    };
    let text = "harness is a dev-dependency only";
    workspace
        .packages
        .iter()
        .filter(ships)
        .filter(uses)
        .map(|it| finding(&it.name, text))
        .collect()
}

fn banned(workspace: &Workspace, layer: Layer, names: &[&str], why: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in workspace
        .packages
        .iter()
        .filter(|package| Layer::of(package) == layer)
    {
        for dependency in package.dependencies.iter().filter(|it| !it.dev) {
            if names.contains(&dependency.name.as_str()) {
                findings.push(finding(
                    &package.name,
                    format!("{why}: no {}", dependency.name),
                ));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::workspace::Dependency;
    use super::*;

    /// Members from lines like `crates/kustomize: kyaml, dev harness`.
    fn sample(lines: &[&str]) -> Workspace {
        let packages = lines.iter().map(|line| {
            let (folder, list) = line.split_once(':').unwrap();
            let dependencies = list
                .split(", ")
                .map(str::trim)
                .filter(|name| !name.is_empty());
            let dependency = |text: &str| Dependency {
                name: text.trim_start_matches("dev ").to_owned(),
                dev: text.starts_with("dev "),
            };
            Package {
                name: folder.rsplit('/').next().unwrap().to_owned(),
                folder: folder.to_owned(),
                dependencies: dependencies.map(dependency).collect(),
                ..Package::default()
            }
        });
        Workspace {
            packages: packages.collect(),
            ..Workspace::default()
        }
    }

    fn texts(findings: &[Finding]) -> Vec<String> {
        findings.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_house_as_it_is_meant_is_accepted() {
        let workspace = sample(&[
            "crates/kyaml:",
            "crates/kustomize: kyaml, dev harness",
            "crates/weir-api: kube",
            "crates/weir-auth: weir-api",
            "crates/weir-git: weir-api, weir-auth, kyaml, gix",
            "crates/weir-runtime: weir-api, weir-auth, tokio",
            "controllers/source-controller: weir-runtime, weir-git, weir-api, kyaml, dev harness",
            "crates/weir: source-controller",
            "tests/harness: kube",
            "hack/xtask: harness, kustomize",
        ]);
        for rule in [
            depend_downwards,
            engines_stay_pure,
            types_do_no_io,
            harness_is_for_tests,
        ] {
            assert_eq!(texts(&rule(&workspace)), [""; 0]);
        }
    }

    #[test]
    fn arrows_that_point_up_or_sideways_are_found() {
        let workspace = sample(&[
            "crates/kustomize: weir-api",
            "crates/weir-api: weir-runtime",
            "crates/weir-git: weir-artifact",
            "crates/weir-artifact:",
            "crates/weir-runtime: kustomize",
            "controllers/a: dev b",
            "controllers/b: weir",
            "crates/weir:",
        ]);
        let expected = [
            "kustomize: Engine must not depend on weir-api (Types)",
            "weir-api: Types must not depend on weir-runtime (Shell)",
            "weir-git: Adapter must not depend on weir-artifact (Adapter)",
            "weir-runtime: Shell must not depend on kustomize (Engine)",
            "a: Controller must not depend on b (Controller)",
            "b: Controller must not depend on weir (Program)",
        ];
        assert_eq!(texts(&depend_downwards(&workspace)), expected);
    }

    #[test]
    fn an_engine_with_a_runtime_is_found() {
        let workspace = sample(&["crates/kyaml: tokio, serde_json, dev tempfile"]);
        assert_eq!(
            texts(&engines_stay_pure(&workspace)),
            ["kyaml: an engine is pure: no tokio"]
        );
    }

    #[test]
    fn types_with_a_client_are_found() {
        let workspace = sample(&["crates/weir-api: kube, reqwest"]);
        let expected = ["weir-api: types do no input or output: no reqwest"];
        assert_eq!(texts(&types_do_no_io(&workspace)), expected);
    }

    #[test]
    fn a_shipped_harness_is_found() {
        let workspace = sample(&["crates/weir: harness", "tests/component: harness"]);
        let expected = ["weir: harness is a dev-dependency only"];
        assert_eq!(texts(&harness_is_for_tests(&workspace)), expected);
    }
}
