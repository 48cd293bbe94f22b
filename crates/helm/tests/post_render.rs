//! Post-rendering by somebody who changes nothing, against what `helm template --post-renderer` of 4.2.4 printed with
//! a plugin that runs `cat`: all that is different from a plain rendering comes of Helm's way there and back.

use std::sync::Arc;

use go_template::{Limits, Map, Str, Type};
use helm::Env;
use helm::capabilities::{Capabilities, KubeVersion};
use helm::chart::{Chart, File};
use helm::post_render::{PostRender, PostRenderer, Strategy};
use helm::render::{Options, Release, Template, render};

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        [$(($name, &include_bytes!(concat!("../../../tests/conformance/helm/post-render/chart/", $name))[..])),*]
    };
}

fn chart() -> Arc<Chart> {
    let files = files!(
        "Chart.yaml",
        "crds/c.yaml",
        "templates/NOTES.txt",
        "templates/a.yaml",
        "templates/b.yaml",
        "templates/crlf.yaml",
        "templates/sub/hook.yaml",
    );
    let file = |(name, data): (&str, &[u8])| File {
        name: name.to_owned(),
        data: Str::from(data),
    };
    let files = files.into_iter().map(file).collect();
    Arc::new(Chart::from_directory(files).expect("a chart"))
}

fn printed(strategy: Strategy) -> String {
    let same: Arc<dyn PostRenderer> = Arc::new(|stream: &str| Ok(stream.to_owned()));
    let options = Options {
        release: Release {
            name: String::from("rel"),
            namespace: String::from("default"),
            revision: 1,
            is_upgrade: false,
        },
        capabilities: Capabilities {
            kube_version: KubeVersion::default(),
            api_versions: Vec::new(),
            asked: false,
        },
        skip_schema: false,
        sub_notes: false,
        limits: Limits::default(),
        post_render: Some(PostRender {
            strategy,
            renderers: vec![same],
        }),
    };
    let env = Env {
        now: Arc::new(|| (0, 0)),
        random: Arc::new(|buffer| buffer.fill(0)),
        lookup: None,
        resolve: None,
    };
    let values = Map::new(&Type::MAP);
    let rendered = render(&chart(), &values, &options, &env, &|| false).expect("renders");
    assert_eq!(rendered.notes, "Notes rel\n");
    let template = Template {
        include_crds: true,
        ..Template::default()
    };
    template.print(&rendered)
}

#[test]
fn objects_come_back_as_helm_writes_them() {
    let expected = include_str!("../../../tests/conformance/helm/post-render/expected.yaml");
    assert_eq!(printed(Strategy::Combined), expected);
}

#[test]
fn apart_the_same_objects_come_back() {
    let kinds = |text: &str| {
        let mut kinds: Vec<String> = text
            .lines()
            .filter(|line| line.starts_with("kind: "))
            .map(str::to_owned)
            .collect();
        kinds.sort();
        kinds
    };
    let combined = kinds(&printed(Strategy::Combined));
    assert_eq!(kinds(&printed(Strategy::Separate)), combined);
    assert_eq!(kinds(&printed(Strategy::NoHooks)), combined);
}
