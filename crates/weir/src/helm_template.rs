//! `weir helm template NAME CHART`: the same arguments, output and exit codes as `helm template`.

mod chart_files;

use std::io::Read as _;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Args;
use helm::Env;
use helm::capabilities::{Capabilities, KubeVersion};
use helm::render::{Options, Release, Template, TemplateError};

type Failed = Box<dyn std::error::Error>;

/// Values larger than this are no values.
const MAX_VALUES: u64 = 64 << 20;

/// Arguments of `helm template` that mean something without a cluster and a registry.
#[derive(Debug, Args)]
#[command(disable_version_flag = true)]
pub(crate) struct Arguments {
    /// The release's name and the chart, or the chart alone.
    #[arg(required = true, num_args = 1..=2, value_names = ["NAME", "CHART"])]
    names: Vec<String>,
    /// A file of values; `-` is the standard input.
    #[arg(long, short = 'f', value_delimiter = ',')]
    values: Vec<String>,
    /// A value.
    #[arg(long)]
    set: Vec<String>,
    /// A value that is a string.
    #[arg(long)]
    set_string: Vec<String>,
    /// A value in JSON.
    #[arg(long)]
    set_json: Vec<String>,
    /// A value that is a file's contents.
    #[arg(long)]
    set_file: Vec<String>,
    /// A value that is a string without escapes.
    #[arg(long)]
    set_literal: Vec<String>,
    /// The namespace.
    #[arg(long, short, default_value = "default")]
    namespace: String,
    /// The version of Kubernetes.
    #[arg(long)]
    kube_version: Option<String>,
    /// API versions of the cluster besides those that Helm knows.
    #[arg(long, short, value_delimiter = ',')]
    api_versions: Vec<String>,
    /// Print the definitions below `crds/`, too.
    #[arg(long)]
    include_crds: bool,
    /// Print no tests.
    #[arg(long)]
    skip_tests: bool,
    /// Print no hooks.
    #[arg(long)]
    no_hooks: bool,
    /// Print only what comes from these files.
    #[arg(long, short)]
    show_only: Vec<String>,
    /// Render as an upgrade.
    #[arg(long)]
    is_upgrade: bool,
    /// Do not hold values against schemas.
    #[arg(long)]
    skip_schema_validation: bool,
    /// Needs a cluster, and is refused.
    #[arg(long)]
    validate: bool,
}

/// Renders, and prints the objects or the error.
pub(crate) fn template(arguments: &Arguments) -> ExitCode {
    match run(arguments) {
        Ok(text) => {
            crate::print(&text);
            ExitCode::SUCCESS
        }
        Err(error) => {
            crate::complain(&format!("Error: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<String, Failed> {
    if arguments.validate {
        return Err("--validate needs a cluster: this command renders without one".into());
    }
    let (name, chart) = match arguments.names.as_slice() {
        [name, chart] => (name.as_str(), chart.as_str()),
        [chart] => ("release-name", chart.as_str()),
        _ => return Err("requires a chart".into()),
    };
    let kube_version = match &arguments.kube_version {
        None => KubeVersion::default(),
        Some(version) => KubeVersion::parse(version)
            .map_err(|error| format!("invalid kube version '{version}': {error}"))?,
    };
    let values = given(arguments)?;
    let values = values.merge(&mut |path| {
        let text = read(path).map_err(|error| error.to_string())?;
        String::from_utf8(text).map_err(|_| format!("{path} is not UTF-8"))
    })?;
    let chart = Arc::new(chart_files::load(chart)?);
    let options = Options {
        release: Release {
            name: name.to_owned(),
            namespace: arguments.namespace.clone(),
            revision: 1,
            is_upgrade: arguments.is_upgrade,
        },
        capabilities: Capabilities {
            kube_version,
            api_versions: arguments.api_versions.clone(),
            asked: false,
        },
        skip_schema: arguments.skip_schema_validation,
        sub_notes: false,
        limits: go_template::Limits::default(),
    };
    let template = Template {
        include_crds: arguments.include_crds,
        no_hooks: arguments.no_hooks,
        skip_tests: arguments.skip_tests,
        show_only: arguments.show_only.clone(),
    };
    match template.run(&chart, &values, &options, (&env(), &|| false)) {
        Ok((text, rendered)) => {
            for warning in rendered.warnings.texts() {
                crate::complain(warning);
            }
            Ok(text)
        }
        Err(TemplateError::Render(error)) if error.is_late() => {
            Err(format!("{error}\n\nUse --debug flag to render out invalid YAML").into())
        }
        Err(error) => Err(error.into()),
    }
}

/// The values of the command line, with the files read.
fn given(arguments: &Arguments) -> Result<helm::values::Options, Failed> {
    let mut files = Vec::new();
    for path in &arguments.values {
        files.push((path.clone(), read(path)?));
    }
    Ok(helm::values::Options {
        files,
        json: arguments.set_json.clone(),
        set: arguments.set.clone(),
        strings: arguments.set_string.clone(),
        set_files: arguments.set_file.clone(),
        literals: arguments.set_literal.clone(),
    })
}

fn read(path: &str) -> Result<Vec<u8>, Failed> {
    let mut text = Vec::new();
    if path.trim() == "-" {
        std::io::stdin()
            .take(MAX_VALUES + 1)
            .read_to_end(&mut text)?;
    } else {
        let file =
            std::fs::File::open(path).map_err(|it| crate::disk::failed("open", path, &it).text)?;
        file.take(MAX_VALUES + 1)
            .read_to_end(&mut text)
            .map_err(|it| crate::disk::failed("read", path, &it).text)?;
    }
    if text.len() as u64 > MAX_VALUES {
        return Err(format!("{path} is larger than {MAX_VALUES} bytes").into());
    }
    Ok(text)
}

/// The world of a user at a terminal: the clock, and chance of the system.
fn env() -> Env {
    Env {
        now: Arc::new(|| {
            let since = SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default();
            (
                i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
                since.subsec_nanos(),
            )
        }),
        random: Arc::new(|buffer| rand::RngCore::fill_bytes(&mut rand::rng(), buffer)),
        lookup: None,
        resolve: None,
    }
}
