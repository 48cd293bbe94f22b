//! `weir helm template NAME CHART`: the same arguments, output and exit codes as `helm template`.
//!
//! Source: Helm 4.2.4 `pkg/cmd/template.go`, `pkg/cmd/install.go`, `pkg/action/install.go`

mod chart_files;
mod flags;
mod inputs;
mod log;
mod output;
mod settings;

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;

use helm::capabilities::{Capabilities, KubeVersion};
use helm::chart::Chart;
use helm::render::{Options, Release, RenderError, Template, check_chart, render_telling};
use helm::values::{Level, Warnings};

use flags::Given;
use output::Output;

type Failed = Box<dyn std::error::Error>;

/// Renders, and prints the objects or the error.
pub(crate) fn template(arguments: Vec<OsString>) -> ExitCode {
    let arguments = arguments
        .into_iter()
        .map(|it| it.to_string_lossy().into_owned());
    let outcome = match Given::parse(arguments.collect()) {
        Err(error) => Err(error.into()),
        Ok(given) => match unknown_colour(&given) {
            Some(error) => {
                let fields = [("error", error.as_str())];
                log::say(false, Level::Warn, "command failed", &fields);
                return ExitCode::FAILURE;
            }
            None => told(&given),
        },
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            crate::complain(&format!("Error: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// What is wrong with the flag about colours, which Helm looks at before all others.
fn unknown_colour(given: &Given) -> Option<String> {
    let modes = ["color", "colour"].map(|flag| given.text(flag));
    let known = |mode: &&str| !matches!(*mode, "never" | "auto" | "always");
    let mode = modes.into_iter().flatten().find(known)?;
    Some(format!(
        "invalid color mode {mode:?}: must be one of: never, auto, always"
    ))
}

/// What comes before any work: what is on its way out, help, the number of names.
fn told(given: &Given) -> Result<(), Failed> {
    for notice in &given.notices {
        crate::complain(notice);
    }
    if given.help {
        crate::print(&flags::help());
        return Ok(());
    }
    if given.names.is_empty() {
        return Err("\"weir helm template\" requires at least 1 argument\n\n\
                    Usage:  weir helm template [NAME] [CHART] [flags]"
            .into());
    }
    given.check_groups()?;
    run(given, settings::debug(given))
}

fn run(given: &Given, debug: bool) -> Result<(), Failed> {
    let kube_version = match given.text("kube-version") {
        None | Some("") => KubeVersion::default(),
        Some(version) => KubeVersion::parse(version)
            .map_err(|error| format!("invalid kube version '{version}': {error}"))?,
    };
    inputs::refuse(given)?;
    let version = given.text("version").unwrap_or_default();
    let fields = [("version", version)];
    log::say(debug, Level::Debug, "Original chart version", &fields);
    if version.is_empty() && given.is_on("devel") {
        log::say(debug, Level::Debug, "setting version to >0.0.0-0", &[]);
    }
    let env = inputs::env(given.is_on("enable-dns"));
    let (name, chart) = inputs::name_and_chart(given, &env)?;
    let path = inputs::locate(chart, given)?;
    log::say(debug, Level::Debug, "Chart path", &[("path", &path)]);
    let values = inputs::values(given)?;
    let chart = Arc::new(chart_files::load(&path)?);
    // The process ends before anybody could use what freeing it piece by piece gives back.
    std::mem::forget(Arc::clone(&chart));
    check(&chart, given, debug)?;
    let options = Options {
        release: Release {
            name,
            namespace: settings::namespace(given),
            revision: 1,
            is_upgrade: given.is_on("is-upgrade"),
        },
        capabilities: Capabilities {
            kube_version,
            api_versions: given.all("api-versions").to_vec(),
            asked: false,
        },
        skip_schema: given.is_on("skip-schema-validation"),
        sub_notes: false,
        limits: go_template::Limits::default(),
        post_render: None,
    };
    let mut warnings = Warnings::default();
    let rendered = render_telling(&chart, &values, &options, (&env, &|| false), &mut warnings);
    for warning in warnings.all() {
        log::tell(debug, warning);
    }
    if let Some(label) = inputs::system_label(given)
        && rendered.as_ref().err().is_none_or(RenderError::is_late)
    {
        return Err(label.into());
    }
    print(given, debug, (&options.release.name, rendered))
}

/// Refuses charts that cannot be installed or lack parts, and tells of those that should not be.
fn check(chart: &Chart, given: &Given, debug: bool) -> Result<(), Failed> {
    use helm::render::TemplateError::{Kind, Missing};
    let checked = check_chart(chart);
    if chart.metadata.deprecated && !matches!(checked, Err(Kind(_))) {
        log::say(debug, Level::Warn, "this chart is deprecated", &[]);
    }
    match checked {
        Err(Missing(names)) if given.is_on("dependency-update") => Err(format!(
            "--dependency-update would fetch {names}, and this command uses no network: run 'helm dependency build'"
        )
        .into()),
        checked => Ok(checked?),
    }
}

/// Prints or writes a release; with `--debug`, also what could not be taken apart.
fn print(
    given: &Given,
    debug: bool,
    (name, rendered): (&str, Result<helm::render::Rendered, RenderError>),
) -> Result<(), Failed> {
    let template = Template {
        include_crds: given.is_on("include-crds"),
        no_hooks: given.is_on("no-hooks"),
        skip_tests: given.is_on("skip-tests"),
        show_only: given.all("show-only").to_vec(),
    };
    let rendered = match rendered {
        Ok(rendered) => rendered,
        Err(error) if error.is_late() && debug => {
            let text = format!("{}\n", error.unsorted().trim());
            if let Ok(text) = template.show(text) {
                crate::print(&text);
            }
            return Err(error.into());
        }
        Err(error) => {
            tell_error(&error);
            return Err(match error.is_late() {
                true => late(error.to_string(), debug),
                false => error.into(),
            });
        }
    };
    let text = match given.text("output-dir").unwrap_or_default() {
        "" => template.print(&rendered),
        folder => {
            let release = given.is_on("release-name").then_some(name);
            let output = Output { folder, release };
            if let Err(error) = output.write_objects(&rendered, &template) {
                return Err(late(error, debug));
            }
            output.write_hooks(&rendered, &template)?;
            String::from("\n")
        }
    };
    crate::print(&template.show(text)?);
    Ok(())
}

/// An error after the rendering, with the hint that Helm gives then.
fn late(error: String, debug: bool) -> Failed {
    match debug {
        true => error.into(),
        false => format!("{error}\n\nUse --debug flag to render out invalid YAML").into(),
    }
}

/// Some errors are also told by Helm's logger.
fn tell_error(error: &RenderError) {
    let text = error.to_string();
    for message in [
        "release name check failed",
        "chart dependencies processing failed",
    ] {
        if let Some(cause) = text.strip_prefix(message) {
            log::error(message, cause.trim_start_matches(": "));
        }
    }
}
