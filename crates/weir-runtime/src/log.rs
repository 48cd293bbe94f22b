//! Logs as Flux's tools read them: one JSON object per line on stderr with zap's keys, or text for people.
//!
//! `flux logs` aborts at a line that is not JSON, so panics go through here too and nothing else may print.
//! What libraries say is shown from `debug` on only, and never below their own `debug`: at `trace`, HTTP
//! libraries print headers, that is credentials.
//!
//! Source: fluxcd/pkg `runtime/logger` (Flux 2.9), zap's production encoder.

use std::any::Any;
use std::fmt;
use std::io::Write as _;

use clap::ValueEnum;
use jiff::Timestamp;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

/// `--log-level`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, ValueEnum)]
pub enum Level {
    /// Errors only.
    Error,
    /// State changes.
    #[default]
    Info,
    /// Steps, and what libraries warn of.
    Debug,
    /// Everything.
    Trace,
}

/// `--log-encoding`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Encoding {
    /// One JSON object per line.
    #[default]
    Json,
    /// Tab-separated text.
    Console,
}

/// Crates whose targets are ours: all others are libraries.
const OURS: &[&str] = &[
    "weir",
    "source_controller",
    "kustomize_controller",
    "helm_controller",
    "notification_controller",
    "image_reflector_controller",
    "image_automation_controller",
    "kustomize",
    "kyaml",
    "component",
    "harness",
];

/// Sends what is traced to stderr, panics included. Only the first call of a process has an effect.
pub fn init(level: Level, encoding: Encoding) {
    let lines = Lines {
        level,
        encoding,
        write: Box::new(stderr),
    };
    if tracing_subscriber::registry()
        .with(lines)
        .try_init()
        .is_ok()
    {
        std::panic::set_hook(Box::new(|info| {
            let at = info.location().map(ToString::to_string).unwrap_or_default();
            tracing::error!(
                logger = "panic",
                location = at,
                error = panic_text(info.payload()),
                "Observed a panic"
            );
        }));
    }
}

/// What a panic says.
fn panic_text(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("unknown panic")
}

fn stderr(line: &[u8]) {
    // If nobody can read it, there is nobody to tell.
    let _ = std::io::stderr().lock().write_all(line);
}

type Write = Box<dyn Fn(&[u8]) + Send + Sync>;

struct Lines {
    level: Level,
    encoding: Encoding,
    write: Write,
}

impl Lines {
    fn shows(&self, metadata: &Metadata<'_>) -> bool {
        let level = match *metadata.level() {
            tracing::Level::ERROR => Level::Error,
            tracing::Level::WARN | tracing::Level::INFO => Level::Info,
            tracing::Level::DEBUG => Level::Debug,
            tracing::Level::TRACE => Level::Trace,
        };
        let name = metadata.target().split("::").next().unwrap_or_default();
        let ours = OURS.iter().any(|own| {
            name == *own
                || name
                    .strip_prefix(own)
                    .is_some_and(|rest| rest.starts_with('_'))
        });
        match ours {
            true => level <= self.level,
            false => match self.level {
                Level::Error | Level::Info => false,
                Level::Debug => level <= Level::Info,
                Level::Trace => level <= Level::Debug,
            },
        }
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Lines {
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        self.shows(metadata)
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        for span in context
            .event_scope(event)
            .into_iter()
            .flat_map(|scope| scope.from_root())
        {
            if let Some(inherited) = span.extensions().get::<Fields>() {
                fields.values.extend(inherited.values.clone());
            }
        }
        event.record(&mut fields);
        let line = fields.line(event.metadata().level(), Timestamp::now(), self.encoding);
        (self.write)(line.as_bytes());
    }
}

/// The fields of a span or an event.
#[derive(Debug, Default)]
struct Fields {
    values: Map<String, Value>,
}

impl Fields {
    fn put(&mut self, field: &Field, value: Value) {
        let name = match field.name() {
            "message" => "msg",
            name => name.strip_prefix("r#").unwrap_or(name),
        };
        self.values.insert(name.to_owned(), value);
    }

    /// The line with its end.
    fn line(mut self, level: &tracing::Level, at: Timestamp, encoding: Encoding) -> String {
        let level = match *level {
            tracing::Level::ERROR => "error",
            tracing::Level::WARN | tracing::Level::INFO => "info",
            tracing::Level::DEBUG => "debug",
            tracing::Level::TRACE => "trace",
        };
        let at = at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string();
        let message = self.values.remove("msg").unwrap_or_else(|| "".into());
        self.name_object();
        match encoding {
            Encoding::Json => {
                // `level`, `ts` and `msg` win over fields of those names.
                self.values.insert("level".to_owned(), level.into());
                self.values.insert("ts".to_owned(), at.into());
                self.values.insert("msg".to_owned(), message);
                format!("{}\n", Value::Object(self.values))
            }
            Encoding::Console => {
                let message = message.as_str().unwrap_or_default();
                let fields = Value::Object(self.values);
                format!(
                    "{at}\t{}\t{}\t{fields}\n",
                    level.to_uppercase(),
                    message.replace('\n', "\\n")
                )
            }
        }
    }

    /// Adds `<Kind>: {name, namespace}`, as controller-runtime does.
    fn name_object(&mut self) {
        let text = |name: &str| {
            self.values
                .get(name)
                .and_then(Value::as_str)
                .map(ToOwned::to_owned)
        };
        if let (Some(kind), Some(name), Some(namespace)) =
            (text("controllerKind"), text("name"), text("namespace"))
        {
            self.values.insert(
                kind,
                serde_json::json!({ "name": name, "namespace": namespace }),
            );
        }
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value.into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}").into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.into());
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.put(field, crate::kind::Chain(value).to_string().into());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use parking_lot::Mutex;

    use super::*;

    /// What is written while `run` runs.
    fn lines(level: Level, encoding: Encoding, run: impl FnOnce()) -> String {
        let written = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&written);
        let write = Box::new(move |line: &[u8]| sink.lock().extend_from_slice(line));
        let subscriber = tracing_subscriber::registry().with(Lines {
            level,
            encoding,
            write,
        });
        tracing::subscriber::with_default(subscriber, run);
        let text = written.lock().clone();
        String::from_utf8(text).expect("utf-8")
    }

    #[test]
    fn a_line_has_the_keys_that_flux_logs_reads() {
        let text = lines(Level::Info, Encoding::Json, || {
            let span = tracing::info_span!(
                "reconcile",
                controllerKind = "Kustomization",
                name = "app",
                namespace = "ns"
            );
            span.in_scope(|| tracing::error!(error = "no\nsuch file", "Reconciler error"));
        });
        assert_eq!(text.lines().count(), 1);
        let line: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(line["level"], "error");
        assert_eq!(line["msg"], "Reconciler error");
        assert_eq!(line["error"], "no\nsuch file");
        assert_eq!(line["name"], "app");
        assert_eq!(
            line["Kustomization"],
            serde_json::json!({"name": "app", "namespace": "ns"})
        );
        let at = line["ts"].as_str().expect("a time");
        assert!(
            at.len() == 24 && at.ends_with('Z') && at.as_bytes()[19] == b'.',
            "{at}"
        );
    }

    #[test]
    fn libraries_are_silent_until_debug() {
        let run = || tracing::error!(target: "hyper::client", "connection lost");
        assert_eq!(lines(Level::Info, Encoding::Json, run), "");
        assert!(lines(Level::Debug, Encoding::Json, run).contains("connection lost"));
        let headers = || tracing::trace!(target: "h2::proto", "authorization: Bearer x");
        assert_eq!(lines(Level::Trace, Encoding::Json, headers), "");
    }

    #[test]
    fn levels_hide_what_is_below_them() {
        let run = || {
            tracing::info!("state");
            tracing::debug!("step");
        };
        assert_eq!(lines(Level::Error, Encoding::Json, run), "");
        assert_eq!(lines(Level::Info, Encoding::Json, run).lines().count(), 1);
        assert_eq!(lines(Level::Debug, Encoding::Json, run).lines().count(), 2);
    }

    #[test]
    fn console_lines_are_tab_separated() {
        let text = lines(Level::Info, Encoding::Console, || {
            tracing::info!(revision = "main", "stored")
        });
        assert!(
            text.ends_with("\tINFO\tstored\t{\"revision\":\"main\"}\n"),
            "{text}"
        );
    }
}
